/**
 * Cuts off the end of a history that was logged and never committed: what a leader that died had proposed to nobody else (semantics 80, TRUNC).
 *
 * First the snapshots go that hold what is cut: what is left gives the same tree as before, from an older snapshot and more of the log. Then the logs are cut from
 * their end, one file after the other, so that whatever step is the last one leaves a beginning of the history that has all up to the cut.
 */
import path from 'node:path';
import { counterOf, formatZxid, isContiguous, nextZxid, type Zxid } from '#core/model/zxid';
import { SnapshotDamage, TruncationRefused } from './damage.ts';
import type { DataDirectory, StoredFile } from './data-directory.ts';
import { type FileChanges, realFileChanges } from './disk.ts';
import { logSequence } from './log-sequence.ts';
import { finishInstall } from './received-snapshot.ts';
import { loadSnapshot } from './snapshot-reader.ts';
import { missingSeal, readDigestSection } from './snapshot-tail.ts';

export interface TruncationPlan {
	/** In the order in which they go. */
	readonly snapshots: readonly string[];
	/** Whole files, in the order in which they go. */
	readonly logs: readonly string[];
	/** The file that has the cut, and where its last record ends. Null when no file has to be cut. */
	readonly cut: { readonly file: string; readonly size: number } | null;
}

/**
 * Removes every record behind `zxid`, and the snapshots that hold what it did. The log is stopped. Durable when it resolves; after a crash it may be called
 * again.
 * @throws TruncationRefused when the files do not give the state at `zxid`, LogDamage when they cannot be read up to there. Then nothing was changed.
 */
export async function truncateLogs(
	directory: DataDirectory,
	zxid: Zxid,
	changes: FileChanges = realFileChanges,
): Promise<void> {
	await performTruncation(await planTruncation(directory, zxid), changes);
}

/** Reads as much of the log as it takes to be sure that the state at `zxid` is there without what is cut. Changes nothing of it. */
export async function planTruncation(directory: DataDirectory, zxid: Zxid): Promise<TruncationPlan> {
	await finishInstall(directory);
	const snapshots = directory.snapshots().reverse();
	const holdsCut = (snapshot: StoredFile) => snapshot.zxid > zxid || sectionZxid(snapshot) > zxid;
	const doomed = snapshots.filter(holdsCut);
	const base = await newestSound(
		snapshots.filter((snapshot) => !doomed.includes(snapshot)),
		doomed.length > 0,
	);
	const logs = directory.logs();
	if (base === null) throw noSnapshot(directory, zxid);
	const cut = await findCut(
		logs.filter((log) => log.zxid <= zxid),
		base,
		zxid,
	);
	return {
		snapshots: doomed.map((snapshot) => snapshot.path),
		logs: logs
			.filter((log) => log.zxid > zxid)
			.map((log) => log.path)
			.reverse(),
		cut,
	};
}

export async function performTruncation(plan: TruncationPlan, changes: FileChanges = realFileChanges): Promise<void> {
	for (const snapshot of plan.snapshots) await changes.remove(snapshot);
	if (plan.snapshots.length > 0) await changes.syncDirectory(path.dirname(plan.snapshots[0]!));
	for (const log of plan.logs) {
		await changes.remove(log);
		// One by one: without the log before it this one would stand behind a hole.
		await changes.syncDirectory(path.dirname(log));
	}
	if (plan.cut !== null) await changes.truncate(plan.cut.file, plan.cut.size);
}

/** A fuzzy snapshot has transactions up to the zxid of its digest section. */
function sectionZxid(snapshot: StoredFile): number {
	return readDigestSection(snapshot.path).section?.zxid ?? 0;
}

/** @param isToBeRead whether recovery would have had a newer one to begin with: then this one must not turn out to be damaged later */
async function newestSound(snapshots: readonly StoredFile[], isToBeRead: boolean): Promise<StoredFile | null> {
	for (const snapshot of snapshots) {
		if (missingSeal(snapshot.path) !== null) continue;
		if (!isToBeRead || (await isSound(snapshot.path))) return snapshot;
	}
	return null;
}

async function isSound(file: string): Promise<boolean> {
	try {
		for (const _step of loadSnapshot(file, {})) await othersRun();
		return true;
	} catch (error) {
		if (!(error instanceof SnapshotDamage)) throw error;
		return false;
	}
}

/** Everything from the snapshot's state to `zxid` must be there. */
async function findCut(logs: readonly StoredFile[], base: StoredFile, zxid: Zxid): Promise<TruncationPlan['cut']> {
	let last = base.zxid;
	let cut: TruncationPlan['cut'] = null;
	let sinceTurn = 0;
	for (const entry of logSequence(logs, base.zxid < zxid ? nextZxid(base.zxid) : zxid, { reuse: true })) {
		const at = entry.record.header.zxid;
		if (at > zxid) {
			cut = { file: entry.file, size: entry.offset };
			break;
		}
		if (at > last) {
			if (!isContiguous(last, at)) throw hole(entry.file, last, at, zxid);
			last = at;
		}
		cut = { file: entry.file, size: entry.offset + entry.length };
		// What lies behind it need not even be readable.
		if (at === zxid) break;
		sinceTurn += entry.length;
		if (sinceTurn > 1 << 20) {
			sinceTurn = 0;
			await othersRun();
		}
	}
	// No transaction has counter 0: a new leader's history ends with whatever is before it.
	if (last !== zxid && counterOf(zxid) !== 0) throw notThere(base, last, zxid);
	return cut;
}

function othersRun(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

const fromLeader = 'Nothing was changed. The replica needs a snapshot from the leader';

function noSnapshot(directory: DataDirectory, zxid: Zxid): TruncationRefused {
	return new TruncationRefused({
		file: directory.snapshotDirectory,
		zxid,
		problem: `the log cannot be cut behind ${formatZxid(zxid)}: there is no sound snapshot at or before it to go back to`,
		advice: fromLeader,
	});
}

function hole(file: string, last: Zxid, next: Zxid, zxid: Zxid): TruncationRefused {
	return new TruncationRefused({
		file,
		zxid,
		problem: `the log cannot be cut behind ${formatZxid(zxid)}: between ${formatZxid(last)} and ${formatZxid(next)} transactions are missing`,
		advice: fromLeader,
	});
}

function notThere(base: StoredFile, last: Zxid, zxid: Zxid): TruncationRefused {
	return new TruncationRefused({
		file: base.path,
		zxid,
		problem: `the log cannot be cut behind ${formatZxid(zxid)}: it does not have this transaction, the last one before it is ${formatZxid(last)}`,
		advice: fromLeader,
	});
}
