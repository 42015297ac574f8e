/**
 * What stands in the nodes of a quota: `count=3,bytes=40=;byteHardLimit=-1;countHardLimit=9`. Old clients read only the part before the
 * second `=` behind bytes. -1 is no limit.
 */
import { Fatal, IllegalArgument } from '../failures.ts';
import { numberMessage, readLong } from '../java-numbers.ts';

export type QuotaField = 'count' | 'bytes' | 'countHardLimit' | 'byteHardLimit';

export class StatsTrack {
	readonly #values = new Map<string, bigint>();

	/** @throws IllegalArgument for a value that is no number; Fatal for a text that is no list of values */
	static parse(bytes: Uint8Array | null): StatsTrack {
		if (bytes === null) throw new Fatal('java.lang.NullPointerException', null);
		const text = Buffer.from(bytes).toString('utf8');
		const track = new StatsTrack();
		if (text === '') return track;
		for (const pair of text.replace(/[,;]+$/, '').split(/[,;]+/)) {
			const [key, value] = pair.replace(/=+$/, '').split('=');
			if (value === undefined) {
				throw new Fatal('java.lang.ArrayIndexOutOfBoundsException', 'Index 1 out of bounds for length 1');
			}
			const number = value === '' ? -1n : readLong(value);
			if (number === undefined) throw new IllegalArgument(numberMessage(value));
			track.#values.set(key!, number);
		}
		return track;
	}

	get(field: QuotaField): bigint {
		return this.#values.get(field) ?? -1n;
	}

	set(field: QuotaField, value: bigint): this {
		this.#values.set(field, value);
		return this;
	}

	toString(): string {
		const others = [...this.#values.keys()].filter((key) => key !== 'count' && key !== 'bytes').sort();
		const tail = others.map((key) => `;${key}=${this.#values.get(key)}`).join('');
		return `count=${this.get('count')},bytes=${this.get('bytes')}${tail === '' ? '' : `=${tail}`}`;
	}

	toBytes(): Uint8Array {
		return Buffer.from(this.toString());
	}
}
