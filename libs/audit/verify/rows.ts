/** Rows as PostgreSQL sends them: each value in its binary form, so that what is hashed and compared is what is there. */
import type { Acl } from '#jute/records';
import type { Zxid } from '#jute/scalars';
import { aclFromJson } from '../acl-rows.ts';
import type { TableName } from './tables.ts';

/** In the order of the table's columns; null is null. Valid as long as it is kept. */
export type Row = readonly (Buffer | null)[];

/** Where rows come from: a database, or an export. */
export interface HistoryRows {
	/** Rows of a table in its order, in batches. A range of zxids, for the tables that have one. */
	read(table: TableName, from?: number, to?: number): AsyncIterable<readonly Row[]>;
	/** All of it at one moment, for what is small. */
	all(table: TableName): Promise<readonly Row[]>;
	/** About how many, for a progress bar. */
	count(table: TableName): Promise<number>;
	/** What the first transaction's hash follows from, of an export of a part. */
	readonly hashBefore?: Buffer;
	close(): Promise<void>;
}

const postgresEpochMs = 946_684_800_000;

/** An exact double: a zxid, a number. */
export function int8(value: Buffer | null): number {
	return value!.readInt32BE(0) * 2 ** 32 + value!.readUInt32BE(4);
}

export const zxidOf = (value: Buffer | null): Zxid => int8(value) as Zxid;

export function unsigned8(value: Buffer | null): bigint {
	return value!.readBigUInt64BE(0);
}

export function signed8(value: Buffer | null): bigint {
	return value!.readBigInt64BE(0);
}

export function int4(value: Buffer | null): number {
	return value!.readInt32BE(0);
}

export function text(value: Buffer | null): string {
	return value!.toString('utf8');
}

/** Milliseconds since 1970. */
export function timeMs(value: Buffer | null): number {
	return Math.round(int8(value) / 1000) + postgresEpochMs;
}

/** jsonb is sent as a version byte and its text. */
export function jsonText(value: Buffer | null): string {
	return value!.toString('utf8', 1);
}

export function aclOf(value: Buffer | null): Acl[] {
	return aclFromJson(jsonText(value));
}

export function isSame(a: Buffer | null, b: Buffer | null): boolean {
	return a === null || b === null ? a === b : a.equals(b);
}

/** Fields with their lengths, as COPY and the hashes have them. */
export function fields(values: readonly (Buffer | null)[]): Buffer {
	let bytes = 0;
	for (const value of values) bytes += 4 + (value?.length ?? 0);
	const to = Buffer.allocUnsafe(bytes);
	let at = 0;
	for (const value of values) {
		at = to.writeInt32BE(value === null ? -1 : value.length, at);
		if (value !== null) at += value.copy(to, at);
	}
	return to;
}

/** A whole row of COPY: the number of its fields in front of them. */
export function copyRow(row: readonly (Buffer | null)[]): Buffer {
	const head = Buffer.allocUnsafe(2);
	head.writeUInt16BE(row.length, 0);
	return Buffer.concat([head, fields(row)]);
}

/** The rows in the binary form of COPY that are in a piece of memory. */
export function rowsWithin(bytes: Buffer): Row[] {
	const rows: Row[] = [];
	for (let at = 0; at + 2 <= bytes.length; ) {
		const count = bytes.readInt16BE(at);
		at += 2;
		const row: (Buffer | null)[] = [];
		for (let i = 0; i < count; i++) {
			const length = bytes.readInt32BE(at);
			at += 4;
			row.push(length === -1 ? null : bytes.subarray(at, at + length));
			at += Math.max(0, length);
		}
		rows.push(row);
	}
	return rows;
}

/** One row after the other, with the next one to be seen before it is taken. */
export class RowStream {
	readonly #batches: AsyncIterator<readonly Row[]>;
	#batch: readonly Row[] = [];
	#at = 0;
	rows = 0;

	private constructor(batches: AsyncIterator<readonly Row[]>) {
		this.#batches = batches;
	}

	static async of(rows: AsyncIterable<readonly Row[]>): Promise<RowStream> {
		const stream = new RowStream(rows[Symbol.asyncIterator]());
		await stream.#fill();
		return stream;
	}

	/** Null at the end. */
	get next(): Row | null {
		return this.#batch[this.#at] ?? null;
	}

	/** Goes on behind it. A promise only when rows have to be waited for. */
	take(): Promise<void> | undefined {
		this.#at++;
		this.rows++;
		return this.#at < this.#batch.length ? undefined : this.#fill();
	}

	async #fill(): Promise<void> {
		do {
			const { done, value } = await this.#batches.next();
			if (done === true) {
				this.#batch = [];
				return;
			}
			this.#batch = value;
			this.#at = 0;
		} while (this.#batch.length === 0);
	}

	async end(): Promise<void> {
		await this.#batches.return?.();
	}
}
