/**
 * What was committed lately, in memory, for those who tail it. It keeps nothing while nobody does, and no longer than the replica serves without a break: then nothing in it can
 * turn out to be uncommitted. Whoever falls behind what it keeps reads the log instead, so that nothing is ever queued for one tail alone.
 */
import type { Host } from '#core/host/host';
import type { TxnRecord } from '#core/model/txn-record';
import { counterOf, type Zxid } from '#core/model/zxid';
import type { Acl } from '#jute/records';
import { entryOfRecord, nobodys, type TailEntry } from './tail-entry.ts';

export interface FeedLimits {
	readonly maxTxns: number;
	/** Of paths, data and frames, roughly. */
	readonly maxBytes: number;
	/** Kept on for so long when the last tail has gone: it may come back. */
	readonly lingerMs: number;
	/** Tails are told of news at most this often for each of them that there is. */
	readonly paceMs: number;
}

export const defaultFeedLimits: FeedLimits = { maxTxns: 20_000, maxBytes: 32 << 20, lingerMs: 30_000, paceMs: 0.2 };
/** However few or many they are: what comes within so long is told together, and is told after so long. */
const [shortestPaceMs, longestPaceMs] = [2, 100];

/** The parts of a replica that it needs. */
export interface FedReplica {
	readonly host: Host;
	/** Told of every transaction right after it was applied. */
	committed: ((record: TxnRecord) => void) | undefined;
}

/** `ahead`: the replica has not come so far, or never will. */
export type FromMemory = readonly TailEntry[] | 'tip' | 'ahead' | 'not here' | 'never committed';

export class TailFeed {
	readonly #replica: FedReplica;
	readonly #limits: FeedLimits;
	/** Behind this one nothing is missing; undefined while nothing is kept. */
	#base: Zxid | undefined;
	#entries: TailEntry[] = [];
	/** Those in front of it are forgotten. */
	#first = 0;
	#bytes = 0;
	#tails = 0;
	/** Of the transaction that is being applied. */
	#deleted = new Map<string, readonly Acl[]>();
	#isNew = false;
	#wokeMs = 0;
	#pacing: NodeJS.Timeout | undefined;
	#lingering: NodeJS.Timeout | undefined;
	readonly #waiting = new Set<() => void>();

	constructor(replica: FedReplica, limits: FeedLimits = defaultFeedLimits) {
		this.#replica = replica;
		this.#limits = limits;
	}

	/** Transactions in memory. */
	get size(): number {
		return this.#entries.length - this.#first;
	}

	/** A tail begins: from now on nothing is missed. */
	enter(): void {
		this.#tails += 1;
		clearTimeout(this.#lingering);
		if (this.#base !== undefined) return;
		this.#base = this.#replica.host.lastProcessedZxid;
		this.#replica.committed = (record) => this.#note(record);
		this.#replica.host.watches.deleted = (path, acl) => void this.#deleted.set(path, acl);
	}

	leave(): void {
		this.#tails -= 1;
		if (this.#tails > 0) return;
		this.#lingering = setTimeout(() => this.forget(), this.#limits.lingerMs).unref();
	}

	/** Another state may take the place of this one, or no tail wants to hear: nothing is kept. Tails that are left are told to look. */
	forget(): void {
		clearTimeout(this.#lingering);
		clearTimeout(this.#pacing);
		this.#pacing = undefined;
		this.#base = undefined;
		this.#entries = [];
		this.#first = 0;
		this.#bytes = 0;
		this.#deleted.clear();
		this.#replica.committed = undefined;
		this.#replica.host.watches.deleted = undefined;
		this.#wake();
	}

	/** So many transactions behind `zxid`, in order. Between enter() and leave(). */
	after(zxid: Zxid, maxBytes: number): FromMemory {
		if (this.#base === undefined || zxid < this.#base) return 'not here';
		const from = this.#countUpTo(zxid);
		const before = from === this.#first ? this.#base : this.#entries[from - 1]!.zxid;
		const next = this.#entries[from];
		if (next === undefined) return zxid === before ? 'tip' : 'ahead';
		// What the counter 0 of an epoch stands for is behind all that the epochs before it have.
		if (zxid !== before && counterOf(zxid) !== 0) return 'never committed';
		let bytes = 0;
		let to = from;
		while (to < this.#entries.length && (to === from || bytes < maxBytes)) bytes += this.#entries[to++]!.weight;
		return this.#entries.slice(from, to);
	}

	/** The end of a batch: those who wait are told. */
	answered(): void {
		if (!this.#isNew) return;
		this.#isNew = false;
		if (this.#waiting.size === 0 || this.#pacing !== undefined) return;
		const paceMs = Math.min(longestPaceMs, Math.max(shortestPaceMs, this.#tails * this.#limits.paceMs));
		const dueMs = this.#wokeMs + paceMs - performance.now();
		if (dueMs <= 0) this.#wake();
		else this.#pacing = setTimeout(() => this.#wake(), dueMs);
	}

	/** Resolves when there is something new, after so many milliseconds, or when the signal fires. */
	news(timeoutMs: number, signal: AbortSignal): Promise<void> {
		if (signal.aborted) return Promise.resolve();
		return new Promise((resolve) => {
			const tell = (): void => {
				clearTimeout(timer);
				signal.removeEventListener('abort', tell);
				this.#waiting.delete(tell);
				resolve();
			};
			const timer = setTimeout(tell, timeoutMs);
			signal.addEventListener('abort', tell);
			this.#waiting.add(tell);
		});
	}

	#note(record: TxnRecord): void {
		const { host } = this.#replica;
		const entry = entryOfRecord(
			record,
			(path, _, isDeletion) => (isDeletion ? undefined : host.tree.acl(path)) ?? this.#deleted.get(path) ?? nobodys,
		);
		this.#deleted.clear();
		this.#entries.push(entry);
		this.#bytes += entry.weight;
		this.#isNew = true;
		const { maxTxns, maxBytes } = this.#limits;
		while (this.size > 1 && (this.size > maxTxns || this.#bytes > maxBytes)) this.#dropFirst();
	}

	#dropFirst(): void {
		const { zxid, weight } = this.#entries[this.#first]!;
		this.#base = zxid;
		this.#bytes -= weight;
		this.#entries[this.#first] = undefined as never;
		this.#first += 1;
		if (this.#first * 2 < this.#entries.length) return;
		this.#entries = this.#entries.slice(this.#first);
		this.#first = 0;
	}

	/** The index behind the last one at or before `zxid`. */
	#countUpTo(zxid: Zxid): number {
		let low = this.#first;
		let high = this.#entries.length;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (this.#entries[middle]!.zxid <= zxid) low = middle + 1;
			else high = middle;
		}
		return low;
	}

	#wake(): void {
		clearTimeout(this.#pacing);
		this.#pacing = undefined;
		this.#wokeMs = performance.now();
		for (const tell of [...this.#waiting]) tell();
	}
}
