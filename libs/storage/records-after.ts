/**
 * Committed history from a log that is being written: how a learner is brought up that was away for longer than what is in memory (semantics 80).
 */
import fs from 'node:fs';
import type { TxnRecord } from '#core/model/txn-record';
import { counterOf, isContiguous, nextZxid, type Zxid } from '#core/model/zxid';
import type { DataDirectory, StoredFile } from './data-directory.ts';
import { LogTail } from './history-reader.ts';
import { logsFrom } from './log-sequence.ts';

export interface RecordsAfterOptions {
	/** What is committed: nothing behind it is read. */
	readonly upTo: Zxid;
	/** More is not worth sending: the caller streams a snapshot instead. Unless it is given, `snapshotSizeFactor` says it. */
	readonly maxBytes?: number;
	/**
	 * ZooKeeper's: so much of the newest snapshot's size is worth sending, without a limit where that is nothing; below 0 the log is not used. Unless it is given
	 * 0.33, and 64 MiB at least.
	 */
	readonly snapshotSizeFactor?: number | undefined;
}

const defaultFactor = 0.33;
const leastMaxBytes = 64 << 20;
/** Of log that is passed over before others run. */
const passedBytes = 1 << 22;
/** Of log that is read before others run, and most of what one batch has. */
const turnBytes = 1 << 18;

/**
 * The transactions behind `zxid`, in order and without a hole, in batches. Data are views of memory that is not used again. It ends at `upTo`, or
 * earlier: with what the log has by then, or in front of a hole; the caller sees that by the last zxid.
 * @returns null when the log does not reach back to `zxid`, or has more bytes behind it than are worth sending.
 */
export function recordsAfter(
	directory: DataDirectory,
	zxid: Zxid,
	options: RecordsAfterOptions,
): AsyncGenerator<readonly TxnRecord[], void> | null {
	const { upTo, snapshotSizeFactor } = options;
	if (snapshotSizeFactor !== undefined && snapshotSizeFactor < 0) return null;
	const logs = logsFrom(directory.logs(), nextZxid(zxid));
	const first = logs[0];
	if (first === undefined) return null;
	// A log is named after its first transaction. What comes before it in an earlier epoch may have been here, and may not: only a snapshot of that very state shows it.
	if (first.zxid > nextZxid(zxid)) {
		const isStateHere = directory.snapshots().some((snapshot) => snapshot.zxid === zxid);
		if (!isStateHere || !isContiguous(zxid, first.zxid) || hasBetween(directory, zxid, first.zxid)) return null;
	}
	if (estimatedBytes(logs, zxid, upTo) > (options.maxBytes ?? worthSending(directory, snapshotSizeFactor))) return null;
	return batches(directory, first, zxid, upTo);
}

async function* batches(
	directory: DataDirectory,
	first: StoredFile,
	zxid: Zxid,
	upTo: Zxid,
): AsyncGenerator<readonly TxnRecord[], void> {
	const tail = new LogTail(directory.logDirectory, Math.min(zxid, first.zxid - 1) as Zxid);
	try {
		while (tail.pass(Math.min(zxid, upTo) as Zxid, passedBytes)) await new Promise((resolve) => setImmediate(resolve));
		let last = tail.lastZxid;
		for (;;) {
			const batch: TxnRecord[] = [];
			let bytes = 0;
			let isEnd = false;
			while (bytes < turnBytes) {
				const entry = tail.next(upTo);
				const isHole = entry?.holeAfter !== undefined && entry.record.header.zxid > nextZxid(zxid);
				if (entry === null || isHole || hasBetween(directory, last, entry.record.header.zxid)) {
					isEnd = true;
					break;
				}
				last = entry.record.header.zxid;
				bytes += entry.length;
				if (entry.record.header.zxid > zxid) batch.push(entry.record);
			}
			if (batch.length > 0) yield batch;
			if (isEnd) return;
			await new Promise((resolve) => setImmediate(resolve));
		}
	} finally {
		tail.close();
	}
}

/**
 * Transactions of an epoch's end, in front of the first one of the next, are missing when a snapshot has them: who took a leader's snapshot has no log of what is in it, and a
 * power cut may take from the log what was applied and in a snapshot already.
 */
export function hasBetween(directory: DataDirectory, last: Zxid, next: Zxid): boolean {
	if (next === nextZxid(last)) return false;
	return directory.snapshots().some(({ zxid }) => zxid > last && zxid < next && counterOf(zxid) !== 0);
}

function worthSending(directory: DataDirectory, factor: number | undefined): number {
	const newest = directory.snapshots().at(-1);
	const share = Math.floor((newest === undefined ? 0 : fs.statSync(newest.path).size) * (factor ?? defaultFactor));
	if (factor === undefined) return Math.max(leastMaxBytes, share);
	return share === 0 ? Number.POSITIVE_INFINITY : share;
}

/** Nothing is read for it: records are taken to be of one size within a file. */
function estimatedBytes(logs: readonly StoredFile[], zxid: Zxid, upTo: Zxid): number {
	let bytes = 0;
	for (const [index, log] of logs.entries()) {
		if (log.zxid > upTo) break;
		const end = logs[index + 1]?.zxid ?? nextZxid(upTo);
		const share = (end - Math.max(nextZxid(zxid), log.zxid)) / (end - log.zxid);
		bytes += usedBytes(log.path) * Math.max(0, Math.min(1, share));
	}
	return bytes;
}

/** Without what is preallocated. */
function usedBytes(file: string): number {
	const { size, blocks } = fs.statSync(file);
	return Math.min(size, blocks * 512);
}
