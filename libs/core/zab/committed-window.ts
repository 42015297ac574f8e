/**
 * The newest committed transactions in memory: what most learners that come back are brought up from (semantics 80). ZooKeeper keeps 500 of them
 * (commitLogCount); here the bytes are bounded as well as the number.
 */
import { Slab } from '#jute/slab';
import type { Txn } from '#jute/txn';
import { assert } from '../model/assert.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import type { Zxid } from '../model/zxid.ts';
import type { CommittedWindow as Window } from '../ports/history.ts';
import { decodeRecord, encodedOf } from './messages.ts';

export interface WindowLimits {
	readonly maxTxns: number;
	/** Of paths and data, roughly; the newest transaction stays however large it is. */
	readonly maxBytes: number;
}

export const defaultWindowLimits: WindowLimits = { maxTxns: 10_000, maxBytes: 64 << 20 };

/** What a transaction takes beside its paths and data, roughly. */
const recordOverheadBytes = 200;
const smallestRing = 64;

/**
 * A ring: what leaves it is let go of at once. Transactions stand in it as bytes: as objects, ten thousand of them that all live for a moment
 * and then die would keep the garbage collector busy, and their data would keep all that a socket read with them.
 */
export class CommittedWindow implements Window {
	readonly #limits: WindowLimits;
	/** Behind this one nothing is missing. */
	#base: Zxid;
	/** The memory each lies in, shared with its neighbours, and where. */
	#ring: (Uint8Array | undefined)[] = new Array(smallestRing);
	#starts = new Int32Array(smallestRing);
	#lengths = new Int32Array(smallestRing);
	readonly #slab = new Slab();
	#zxids = new Float64Array(smallestRing);
	#weights = new Float64Array(smallestRing);
	#first = 0;
	#count = 0;
	#bytes = 0;

	/** @param lastCommitted what the state has before the first transaction that is added */
	constructor(lastCommitted: Zxid, limits: WindowLimits = defaultWindowLimits) {
		assert(limits.maxTxns >= 1, 'a window has room for a transaction');
		this.#base = lastCommitted;
		this.#limits = limits;
	}

	get size(): number {
		return this.#count;
	}

	/** Of what is in it, as they are counted for the limit. */
	get bytes(): number {
		return this.#bytes;
	}

	get minCommitted(): Zxid {
		return this.#count === 0 ? this.#base : this.#zxid(0);
	}

	get maxCommitted(): Zxid {
		return this.#count === 0 ? this.#base : this.#zxid(this.#count - 1);
	}

	/** In zxid order, right when it is committed. */
	add(record: TxnRecord): void {
		assert(record.header.zxid > this.maxCommitted, 'transactions are committed in zxid order');
		const weight = weightOf(record);
		const { maxTxns, maxBytes } = this.#limits;
		while (this.#count > 0 && (this.#count >= maxTxns || this.#bytes + weight > maxBytes)) this.#dropFirst();
		if (this.#count === this.#ring.length) this.#grow();
		const at = this.#at(this.#count);
		const encoded = encodedOf(record);
		this.#starts[at] = this.#slab.put(encoded);
		this.#lengths[at] = encoded.length;
		this.#ring[at] = this.#slab.memory;
		this.#zxids[at] = record.header.zxid;
		this.#weights[at] = weight;
		this.#bytes += weight;
		this.#count += 1;
	}

	after(zxid: Zxid): readonly TxnRecord[] {
		const from = this.#countUpTo(zxid);
		return Array.from({ length: this.#count - from }, (_, index) => this.#record(from + index));
	}

	has(zxid: Zxid): boolean {
		return this.floor(zxid) === zxid;
	}

	floor(zxid: Zxid): Zxid | undefined {
		const count = this.#countUpTo(zxid);
		return count === 0 ? undefined : this.#zxid(count - 1);
	}

	/** Transactions behind `zxid` go, as they went from the log. Where all of them go the state's last one must be `zxid`. */
	truncate(zxid: Zxid): void {
		const keep = this.#countUpTo(zxid);
		if (keep === 0) {
			this.reset(zxid);
			return;
		}
		for (let index = keep; index < this.#count; index++) this.#clear(this.#at(index));
		this.#count = keep;
	}

	/** The state is another one: nothing in front of it is known. */
	reset(lastCommitted: Zxid): void {
		this.#ring = new Array(smallestRing);
		this.#starts = new Int32Array(smallestRing);
		this.#lengths = new Int32Array(smallestRing);
		this.#zxids = new Float64Array(smallestRing);
		this.#weights = new Float64Array(smallestRing);
		this.#first = 0;
		this.#count = 0;
		this.#bytes = 0;
		this.#base = lastCommitted;
	}

	/** How many are at or before `zxid`. */
	#countUpTo(zxid: Zxid): number {
		let low = 0;
		let high = this.#count;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (this.#zxid(middle) <= zxid) low = middle + 1;
			else high = middle;
		}
		return low;
	}

	#at(index: number): number {
		return (this.#first + index) & (this.#ring.length - 1);
	}

	#record(index: number): TxnRecord {
		const at = this.#at(index);
		const start = this.#starts[at]!;
		return decodeRecord(this.#ring[at]!.subarray(start, start + this.#lengths[at]!));
	}

	#zxid(index: number): Zxid {
		return this.#zxids[this.#at(index)]! as Zxid;
	}

	#dropFirst(): void {
		this.#base = this.#zxid(0);
		this.#clear(this.#first);
		this.#first = this.#at(1);
		this.#count -= 1;
	}

	#clear(at: number): void {
		this.#ring[at] = undefined;
		this.#bytes -= this.#weights[at]!;
	}

	#grow(): void {
		const length = this.#ring.length * 2;
		const ring = new Array<Uint8Array | undefined>(length);
		const starts = new Int32Array(length);
		const lengths = new Int32Array(length);
		const zxids = new Float64Array(length);
		const weights = new Float64Array(length);
		for (let index = 0; index < this.#count; index++) {
			const at = this.#at(index);
			ring[index] = this.#ring[at];
			starts[index] = this.#starts[at]!;
			lengths[index] = this.#lengths[at]!;
			zxids[index] = this.#zxids[at]!;
			weights[index] = this.#weights[at]!;
		}
		this.#ring = ring;
		this.#starts = starts;
		this.#lengths = lengths;
		this.#zxids = zxids;
		this.#weights = weights;
		this.#first = 0;
	}
}

function weightOf({ txn }: TxnRecord): number {
	if (txn.kind !== 'multi') return recordOverheadBytes + contentBytes(txn);
	return txn.ops.reduce((sum, op) => sum + recordOverheadBytes + contentBytes(op), recordOverheadBytes);
}

function contentBytes(txn: Txn): number {
	let bytes = 'path' in txn ? txn.path.length : 0;
	if ('data' in txn) bytes += txn.data?.length ?? 0;
	if ('paths' in txn) for (const path of txn.paths ?? []) bytes += path.length;
	return bytes;
}
