/**
 * Committed transactions from the log on disk, for tails that are further behind than memory goes. It is read in slices, one at a time, with a turn of the event loop between them;
 * tails that are at the same place share slices and open files, so that a hundred that come back together read the log once.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { parentPath } from '#core/model/path';
import { counterOf, isContiguous, nextZxid, type Zxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import type { Acl } from '#jute/records';
import { LogDamage } from '#storage/damage';
import type { DataDirectory } from '#storage/data-directory';
import { LogTail } from '#storage/history-reader';
import { logsFrom } from '#storage/log-sequence';
import { hasBetween } from '#storage/records-after';
import { type AclThen, entryOfRecord, type TailEntry } from './tail-entry.ts';

/** What came of reading behind a zxid. No entries: the disk has nothing yet. */
export type FromDisk = readonly TailEntry[] | 'not here' | 'never committed';

/** Of log that is passed over before others run. */
const passedBytes = 1 << 22;
/** Of log in a slice, and how long reading one may take, in milliseconds. */
const sliceBytes = 1 << 18;
const sliceMs = 4;
const keptSlices = 16;
const keptTails = 8;
/** Files that nobody read from for so long are closed. */
const idleMs = 10_000;

export class TailLog {
	readonly #directory: DataDirectory;
	readonly #tree: () => DataTree;
	/** By the zxid that they begin behind. */
	readonly #slices = new Map<Zxid, readonly TailEntry[]>();
	/** By the last zxid that they gave. */
	readonly #tails = new Map<Zxid, LogTail>();
	#reading: Promise<unknown> = Promise.resolve();
	#idle: NodeJS.Timeout | undefined;
	/** Which log and tree it reads: forget() begins the next. */
	#state = 0;

	/** @param tree as it is now: a node whose ACL never changed had the same one then */
	constructor(directory: DataDirectory, tree: () => DataTree) {
		this.#directory = directory;
		this.#tree = tree;
	}

	/** What comes behind `after`, up to `committed`, as much as a slice has. */
	read(after: Zxid, committed: Zxid): Promise<FromDisk> {
		const reading = this.#reading.then(() => this.#slice(after, committed));
		this.#reading = reading.catch(() => undefined); // Whoever asked is told.
		return reading;
	}

	/** Log and tree may become others: what was read is forgotten. */
	forget(): void {
		clearTimeout(this.#idle);
		this.#idle = undefined;
		this.#state += 1;
		this.#slices.clear();
		for (const tail of this.#tails.values()) tail.close();
		this.#tails.clear();
	}

	async #slice(after: Zxid, committed: Zxid): Promise<FromDisk> {
		const known = this.#slices.get(after);
		if (known !== undefined) return known;
		const state = this.#state;
		await turn();
		let tail: LogTail | null = null;
		try {
			tail = this.#take(after) ?? (await this.#open(after));
			if (tail === null || state !== this.#state) return tail === null ? 'not here' : [];
			const slice = this.#read(tail, after, committed);
			if (typeof slice === 'string' || slice.length === 0) return slice;
			this.#keep(after, slice, tail);
			tail = null;
			return slice;
		} catch (error) {
			// Purged meanwhile, or damaged: another source may have it.
			if (error instanceof LogDamage || (error as NodeJS.ErrnoException).code === 'ENOENT') return 'not here';
			throw error;
		} finally {
			tail?.close();
		}
	}

	#take(after: Zxid): LogTail | null {
		const tail = this.#tails.get(after) ?? null;
		this.#tails.delete(after);
		return tail;
	}

	/** Behind `after`, or behind the last one before it. Null when the log does not reach back so far. */
	async #open(after: Zxid): Promise<LogTail | null> {
		const directory = this.#directory;
		const [first] = logsFrom(directory.logs(), nextZxid(after));
		if (first === undefined) return null;
		// A log is named after its first transaction. That of a later epoch follows this state when a snapshot is just that.
		const isLater = first.zxid > nextZxid(after);
		if (isLater && !directory.snapshots().some(({ zxid }) => zxid === after)) return null;
		const tail = new LogTail(directory.logDirectory, Math.min(after, first.zxid - 1) as Zxid);
		while (tail.pass(after, passedBytes)) await turn();
		return tail;
	}

	#read(tail: LogTail, after: Zxid, committed: Zxid): FromDisk {
		const slice: TailEntry[] = [];
		const aclThen: AclThen = (path, zxid, isDeletion) => this.#aclThen(path, zxid, isDeletion);
		const untilMs = performance.now() + sliceMs;
		let bytes = 0;
		while (bytes < sliceBytes && (slice.length === 0 || performance.now() < untilMs)) {
			const last = tail.lastZxid;
			const entry = tail.next(committed);
			if (entry === null) break;
			const { zxid } = entry.record.header;
			if (zxid <= after) continue;
			if (!isContiguous(last, zxid) || hasBetween(this.#directory, last, zxid)) {
				// What was read in front of it may be used; who comes back finds that nothing follows.
				if (slice.length === 0) return 'not here';
				break;
			}
			// The counter 0 of an epoch stands for all that was before it.
			if (last < after && counterOf(after) !== 0) return 'never committed';
			slice.push(entryOfRecord(entry.record, aclThen));
			bytes += entry.length;
		}
		return slice;
	}

	/** Of a node that is still there, and whose list was never set anew. Of one that is gone: who may read the list that it stood in, where that is known, may know. */
	#aclThen(path: string, zxid: Zxid, isDeletion: boolean): readonly Acl[] | null {
		const tree = this.#tree();
		const of = isDeletion ? parentPath(path) : path;
		const stat = tree.stat(of);
		const isSame = stat !== undefined && stat.aversion === 0 && stat.czxid <= zxid;
		return isSame ? (tree.acl(of) ?? null) : null;
	}

	/** The tail goes on where the slice ends. */
	#keep(after: Zxid, slice: readonly TailEntry[], tail: LogTail): void {
		this.#slices.set(after, slice);
		if (this.#slices.size > keptSlices) this.#slices.delete(this.#slices.keys().next().value!);
		const through = slice.at(-1)!.zxid;
		this.#tails.get(through)?.close();
		// A hole, or what is not committed yet, lies behind the slice: it was looked at, and is read again.
		if (tail.lastZxid !== through) tail.close();
		else this.#tails.set(through, tail);
		if (this.#tails.size > keptTails) {
			const [oldest, unused] = this.#tails.entries().next().value!;
			unused.close();
			this.#tails.delete(oldest);
		}
		this.#idle ??= setTimeout(() => this.forget(), idleMs).unref();
		this.#idle.refresh();
	}
}
