/** Responses that are made, for a while: tails that want the same and are at the same place send the same bytes. What is committed stays so, so none of them grows old. */
import type { Zxid } from '#core/model/zxid';
import type { TailEntry } from './tail-entry.ts';
import { type TailView, tailMessage } from './tail-view.ts';

export interface TailPart {
	/** A response; null when there is nothing in it. */
	readonly bytes: Buffer | null;
	/** Everything up to here is in it, or is not to be. */
	readonly through: Zxid;
	/** Transactions in it. */
	readonly count: number;
}

/** Of a response; one transaction may be more. */
const partBytes = 1 << 15;
/** Of all that are kept. */
const keptBytes = 8 << 20;
/** Beside its bytes. */
const overheadBytes = 500;

export class TailParts {
	/** By view and by what they come behind, the oldest first. */
	readonly #parts = new Map<string, TailPart>();
	#bytes = 0;

	get(view: TailView, after: Zxid): TailPart | undefined {
		return this.#parts.get(keyOf(view, after));
	}

	/** @returns the first of those that the transactions behind `after` make, of which there is at least one */
	put(view: TailView, after: Zxid, entries: readonly TailEntry[]): TailPart {
		let first: TailPart | undefined;
		let from = after;
		for (let at = 0; at < entries.length; ) {
			const frames: Uint8Array[] = [];
			let bytes = 0;
			for (; at < entries.length && bytes < partBytes; at++) {
				const frame = view.frame(entries[at]!);
				if (frame === null) continue;
				// What is large goes alone: most clients take no more than 4 MiB.
				if (bytes > 0 && bytes + frame.length > 2 * partBytes) break;
				frames.push(frame);
				bytes += frame.length;
			}
			const through = entries[at - 1]!.zxid;
			const part = { bytes: frames.length === 0 ? null : tailMessage(frames, through), through, count: frames.length };
			first ??= part;
			this.#keep(keyOf(view, from), part);
			from = through;
		}
		return first!;
	}

	clear(): void {
		this.#parts.clear();
		this.#bytes = 0;
	}

	#keep(key: string, part: TailPart): void {
		const known = this.#parts.get(key);
		if (known !== undefined) this.#drop(key, known);
		this.#parts.set(key, part);
		this.#bytes += weightOf(key, part);
		for (const [oldest, old] of this.#parts) {
			if (this.#bytes <= keptBytes || oldest === key) return;
			this.#drop(oldest, old);
		}
	}

	#drop(key: string, part: TailPart): void {
		this.#parts.delete(key);
		this.#bytes -= weightOf(key, part);
	}
}

function keyOf({ key }: TailView, after: Zxid): string {
	return `${after} ${key}`;
}

function weightOf(key: string, { bytes }: TailPart): number {
	return overheadBytes + 2 * key.length + (bytes?.length ?? 0);
}
