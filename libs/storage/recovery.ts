/**
 * What a replica starts from: the newest sound snapshot and the logs behind it.
 *
 * Where ZooKeeper starts with transactions missing or with a tree that its digests say is wrong, this refuses (ARCHITECTURE.md, storage) and says what
 * the operator can do; where ZooKeeper dies although nothing is missing, this starts and warns. It changes nothing on disk, but that it removes
 * what a snapshot from a leader had taken the place of when the replica was stopped.
 */
import { formatZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import type { SessionId } from '#jute/scalars';
import { RecoveryRefused, restoreAdvice, SnapshotDamage, StorageDamage } from './damage.ts';
import { DataDirectory, type StoredFile } from './data-directory.ts';
import { describeMismatch, harmlessCauses, type Mismatch } from './digest-check.ts';
import { LogFileReader } from './log-file-reader.ts';
import { finishInstall } from './received-snapshot.ts';
import {
	emptyStart,
	type LoadedSnapshot,
	loadTree,
	type ReplayOutcome,
	type ReplayProgress,
	replay,
} from './replay.ts';
import { missingSeal } from './snapshot-tail.ts';

export interface RecoveryOptions {
	/** Go on although a digest differs; each is counted and the first is described in the warnings. */
	readonly allowDigestMismatch?: boolean;
	/** Start from the logs alone when no snapshot is sound. ZooKeeper's snapshot.trust.empty. */
	readonly trustEmptySnapshots?: boolean;
	readonly progress?: (progress: ReplayProgress) => void;
}

export interface Recovered {
	readonly tree: DataTree;
	readonly sessions: Map<SessionId, number>;
	readonly lastZxid: Zxid;
	/** What the operator should know, one sentence or two each. */
	readonly warnings: readonly string[];
	/** Null for a new replica. */
	readonly snapshot: StoredFile | null;
	readonly txnsReplayed: number;
	/**
	 * Whether a snapshot should be written before the first transaction is: there is none yet, or this start had to work around something
	 * that the next one need not meet again.
	 */
	readonly snapshotDue: boolean;
	/** Only with allowDigestMismatch more than 0. */
	readonly digestMismatches: number;
	/** The first of them, for the audit. */
	readonly firstMismatch: Mismatch | null;
}

export interface RecoverRequest {
	readonly dataDir: string;
	readonly dataLogDir?: string;
	readonly options?: RecoveryOptions;
}

/**
 * Rebuilds the tree. Lets other work run about every MiB.
 * @throws StorageDamage naming file, byte and zxid, and what can be done, when the tree cannot be proved to be right.
 */
export async function recover(request: RecoverRequest): Promise<Recovered> {
	const { progress } = request.options ?? {};
	const directory = new DataDirectory(request.dataDir, request.dataLogDir);
	await finishInstall(directory);
	const steps = recoverSteps(directory, request.options ?? {});
	for (;;) {
		const step = steps.next();
		if (step.done) return step.value;
		progress?.(step.value);
		await new Promise((resolve) => setImmediate(resolve));
	}
}

function* recoverSteps(directory: DataDirectory, options: RecoveryOptions): Generator<ReplayProgress, Recovered> {
	const warnings: string[] = [];
	const warn = (warning: string) => warnings.push(warning);
	const snapshots = directory.snapshots().reverse();
	const logs = directory.logs();
	for (const file of directory.compressedSnapshots()) {
		warn(`${file} is compressed: this release does not read it and passes it over`);
	}
	const allowDigestMismatch = options.allowDigestMismatch ?? false;
	let failure: { readonly mismatch: Mismatch; readonly start: LoadedSnapshot } | null = null;
	for (const snapshot of snapshots) {
		const start = yield* trySnapshot(snapshot, warn);
		if (start === null) continue;
		const attempt: string[] = [];
		const doubted: Mismatch | null = failure?.mismatch ?? null;
		const outcome: ReplayOutcome = yield* replayOr(
			doubted,
			replay(start, logs, { allowDigestMismatch, warn: (warning) => attempt.push(warning) }),
		);
		if (outcome.mismatch === null) {
			if (failure !== null) {
				warn(
					`${failure.start.file} is wrong although its checksums are right: ${describeMismatch(failure.mismatch)}. It was passed over; with the snapshot before it every digest agrees`,
				);
			}
			warnings.push(...attempt);
			return finish(start, outcome, snapshots, snapshot, warnings);
		}
		// An older snapshot tells whether this one or the log is wrong; one is enough to see that it is the log.
		if (failure !== null || allowDigestMismatch) break;
		failure = { mismatch: outcome.mismatch, start };
	}
	if (failure !== null) throw digestRefusal(failure.mismatch);
	const start = startWithoutSnapshot(directory, snapshots, logs, options, warnings);
	const outcome = yield* replay(start, logs, { allowDigestMismatch, warn });
	if (outcome.mismatch !== null) throw digestRefusal(outcome.mismatch);
	return finish(start, outcome, snapshots, null, warnings);
}

/** The second attempt is made because of a mismatch: when it ends in damage, the mismatch is what there is to say. */
function* replayOr(
	doubted: Mismatch | null,
	steps: Generator<ReplayProgress, ReplayOutcome>,
): Generator<ReplayProgress, ReplayOutcome> {
	try {
		return yield* steps;
	} catch (error) {
		if (doubted === null || !(error instanceof StorageDamage)) throw error;
		throw digestRefusal(doubted);
	}
}

/** Null, with a warning, for a snapshot that is not sound: the one before it and the logs have the same. */
function* trySnapshot(
	snapshot: StoredFile,
	warn: (warning: string) => void,
): Generator<ReplayProgress, LoadedSnapshot | null> {
	const problem = missingSeal(snapshot.path);
	if (problem !== null) {
		warn(`${snapshot.path}: ${problem}. It was passed over for an older snapshot`);
		return null;
	}
	try {
		return yield* loadTree(snapshot);
	} catch (error) {
		if (!(error instanceof SnapshotDamage)) throw error;
		warn(`${snapshot.path} at byte ${error.offset}: ${error.problem}. It was passed over for an older snapshot`);
		return null;
	}
}

function finish(
	start: LoadedSnapshot,
	outcome: ReplayOutcome,
	snapshots: readonly StoredFile[],
	snapshot: StoredFile | null,
	warnings: string[],
): Recovered {
	const { check, lastZxid } = outcome;
	if (check.awaited !== null) throw stillFuzzy(start, check.awaited, lastZxid, warnings);
	const newest = snapshots[0];
	if (newest !== undefined && newest.zxid > lastZxid) throw behindSnapshot(newest, lastZxid, warnings);
	if (check.first !== null) warnings.push(allowedMismatches(check.mismatches, check.first));
	if (start.tree.unresolvedAclCount > 0) {
		warnings.push(
			`${start.tree.unresolvedAclCount} nodes have an ACL that ${start.file} does not have: only super may use them until an ACL is set`,
		);
	}
	return {
		tree: start.tree,
		sessions: start.sessions,
		lastZxid,
		warnings,
		snapshot,
		txnsReplayed: outcome.txns,
		snapshotDue: snapshot === null || warnings.length > 0,
		digestMismatches: check.mismatches,
		firstMismatch: check.first,
	};
}

function startWithoutSnapshot(
	directory: DataDirectory,
	snapshots: readonly StoredFile[],
	logs: readonly StoredFile[],
	options: RecoveryOptions,
	warnings: readonly string[],
): LoadedSnapshot {
	const firstRecord = logs.find((log) => hasRecord(log.path));
	const onlyBeginnings = snapshots.every((snapshot) => snapshot.zxid === zeroZxid);
	if (firstRecord === undefined && onlyBeginnings && directory.compressedSnapshots().length === 0) return emptyStart();
	if (options.trustEmptySnapshots) return emptyStart();
	const trust =
		'If the logs are complete from the first transaction on, snapshot.trust.empty=true starts from them alone, and every digest is compared';
	const newest = snapshots[0];
	if (newest !== undefined) {
		throw new SnapshotDamage({
			file: newest.path,
			zxid: newest.zxid,
			problem: `no snapshot of ${snapshots.length} in ${directory.snapshotDirectory} can be used: ${warnings.join('; ')}`,
			advice: `${restoreAdvice}. ${trust}`,
		});
	}
	throw new RecoveryRefused({
		file: directory.snapshotDirectory,
		...(firstRecord === undefined ? {} : { zxid: firstRecord.zxid }),
		problem: `there is no snapshot, but there are log entries${firstRecord === undefined ? '' : `, the first in ${firstRecord.path}`}: something is missing`,
		advice: `Nothing was changed. See whether dataDir and dataLogDir are right and mounted, or put a snapshot back. ${trust}`,
	});
}

function hasRecord(file: string): boolean {
	const reader = new LogFileReader(file);
	try {
		return reader.next().kind === 'record';
	} finally {
		reader.close();
	}
}

function stillFuzzy(
	start: LoadedSnapshot,
	awaited: Zxid,
	lastZxid: Zxid,
	warnings: readonly string[],
): RecoveryRefused {
	return new RecoveryRefused({
		file: start.file,
		zxid: awaited,
		problem:
			`this snapshot was taken while transactions went on, up to ${formatZxid(awaited)}, and the logs end with ${formatZxid(lastZxid)}: ` +
			`without the log that has ${formatZxid(awaited)} its tree is one that never was, and everything behind is lost${noticed(warnings)}`,
		advice: `${restoreAdvice}. If this is all there is left, take the newest snapshot that stands alone from the backup`,
	});
}

function behindSnapshot(newest: StoredFile, lastZxid: Zxid, warnings: readonly string[]): RecoveryRefused {
	return new RecoveryRefused({
		file: newest.path,
		zxid: newest.zxid,
		problem:
			`this snapshot cannot be used, and without it the history ends with ${formatZxid(lastZxid)}: the transactions up to ` +
			`${formatZxid(newest.zxid)} happened and are missing${noticed(warnings)}`,
		advice: restoreAdvice,
	});
}

function allowedMismatches(count: number, first: Mismatch): string {
	const where = first.offset === null ? first.file : `${first.file} at byte ${first.offset}`;
	const many = count === 1 ? '1 digest differs' : `${count} digests differ, the first`;
	return `${many} at ${formatZxid(first.zxid)} (${where}): ${describeMismatch(first)}. Going on was allowed explicitly. ${harmlessCauses}`;
}

function digestRefusal(mismatch: Mismatch): RecoveryRefused {
	return new RecoveryRefused({
		file: mismatch.file,
		...(mismatch.offset === null ? {} : { offset: mismatch.offset }),
		zxid: mismatch.zxid,
		problem: `${describeMismatch(mismatch)}: what the files give is not the tree that was there`,
		advice: `${restoreAdvice}. ${harmlessCauses}: if that is so here, start with recovery.allowDigestMismatch=true, which the audit records`,
	});
}

function noticed(warnings: readonly string[]): string {
	return warnings.length === 0 ? '' : `. Noticed on the way: ${warnings.join('; ')}`;
}
