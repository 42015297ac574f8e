/** `ck log --verify`: replays all that a directory has, from its oldest snapshot on, and compares every digest. */
import { formatZxid, nextZxid, type Zxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import type { SessionId } from '#jute/scalars';
import { RecoveryRefused, restoreAdvice, SnapshotDamage, StorageDamage } from './damage.ts';
import { DataDirectory, type StoredFile } from './data-directory.ts';
import type { Mismatch } from './digest-check.ts';
import { readLogs } from './history-reader.ts';
import { emptyStart, type LoadedSnapshot, loadTree, type ReplayProgress, replay } from './replay.ts';
import { loadSnapshot } from './snapshot-reader.ts';
import { missingSeal } from './snapshot-tail.ts';

export interface VerifyRequest {
	readonly dataDir: string;
	readonly dataLogDir?: string;
	/** Stop behind this zxid: the tree is then what it was there. */
	readonly until?: Zxid;
	readonly progress?: (progress: VerifyProgress) => void;
}

/** Every snapshot is checked by itself first; then the oldest one is loaded and the logs are replayed. */
export type VerifyProgress = Omit<ReplayProgress, 'phase'> & { readonly phase: 'check' | ReplayProgress['phase'] };

export interface FilledHole {
	/** The last zxid before the hole. */
	readonly after: Zxid;
	/** The snapshot that history goes on from. */
	readonly snapshot: StoredFile;
}

export interface Verified {
	readonly tree: DataTree;
	readonly sessions: Map<SessionId, number>;
	readonly txns: number;
	readonly mismatches: number;
	readonly firstMismatch: Mismatch | null;
	readonly lastZxid: Zxid;
	readonly digest: bigint;
	readonly holes: readonly FilledHole[];
	readonly warnings: readonly string[];
	/** Snapshots that are not sound, and where the logs cannot be read on: what lies behind that was not verified. */
	readonly damage: readonly StorageDamage[];
}

/** A hole that a snapshot with exactly the zxid before the next transaction fills (a tree got from the leader) is no mismatch. */
interface Stretch {
	readonly snapshot: StoredFile | null;
	/** The last zxid before the next hole; undefined for the last stretch. */
	readonly until: Zxid | undefined;
}

/** Goes as far as the files allow. @throws SnapshotDamage when a file changes meanwhile. */
export function verify(request: VerifyRequest): Verified {
	const directory = new DataDirectory(request.dataDir, request.dataLogDir);
	const warnings: string[] = [];
	const damage: StorageDamage[] = [];
	const complete = directory.snapshots().filter((snapshot) => isComplete(snapshot, warnings));
	const sound = complete.filter((snapshot) => isSound(snapshot, damage, request.progress));
	const stretches = stretchesOf(directory, sound);
	const holes: FilledHole[] = [];
	let txns = 0;
	let mismatches = 0;
	let firstMismatch: Mismatch | null = null;
	let start: LoadedSnapshot = emptyStart();
	let lastZxid: Zxid = start.zxid;
	let canGoOn = true;
	for (const stretch of stretches) {
		if (!canGoOn) break;
		const { snapshot } = stretch;
		if (snapshot !== null && request.until !== undefined && snapshot.zxid > request.until && lastZxid > 0) break;
		start = snapshot === null ? emptyStart() : drain(loadTree(snapshot), request.progress);
		if (lastZxid > 0 && snapshot !== null) holes.push({ after: lastZxid, snapshot });
		const until = earlier(stretch.until, request.until);
		const outcome = drain(
			replay(start, directory.logs(), {
				allowDigestMismatch: true,
				warn: (warning) => warnings.push(warning),
				damaged: (found) => {
					damage.push(found);
					canGoOn = false;
				},
				...(until === undefined ? {} : { until }),
			}),
			request.progress,
		);
		txns += outcome.txns;
		mismatches += outcome.check.mismatches;
		firstMismatch ??= outcome.check.first;
		lastZxid = outcome.lastZxid;
	}
	const newest = sound.at(-1);
	if (newest !== undefined && newest.zxid > lastZxid && canGoOn && request.until === undefined) {
		damage.push(behindTheLogs(newest, lastZxid));
	}
	const { tree, sessions } = start;
	return {
		...{ tree, sessions, txns, mismatches, firstMismatch, lastZxid, digest: tree.digest(), holes, warnings, damage },
	};
}

/** The line that `ck log --verify` ends with. */
export function verifiedLine(verified: Verified): string {
	const { txns, mismatches, lastZxid, digest } = verified;
	return `${txns} txns, ${mismatches} mismatches, last zxid ${formatZxid(lastZxid)}, digest ${digest}`;
}

function stretchesOf(directory: DataDirectory, sound: readonly StoredFile[]): Stretch[] {
	const logs = directory.logs();
	const first = sound[0] ?? null;
	const stretches: Stretch[] = [];
	let snapshot = first;
	let last: Zxid | null = null;
	const from = first === null ? undefined : nextZxid(first.zxid);
	try {
		for (const { record, holeAfter } of logs.length === 0 ? [] : readLogs(directory.logDirectory, from)) {
			const { zxid } = record.header;
			const filling = holeAfter === undefined ? undefined : sound.findLast((file) => file.zxid === zxid - 1);
			if (filling !== undefined) {
				stretches.push({ snapshot, until: last! });
				snapshot = filling;
			}
			last = zxid;
		}
	} catch (error) {
		// The replay meets it again, and ends there.
		if (!(error instanceof StorageDamage)) throw error;
	}
	stretches.push({ snapshot, until: undefined });
	return stretches;
}

function isComplete(snapshot: StoredFile, warnings: string[]): boolean {
	const problem = missingSeal(snapshot.path);
	if (problem !== null) warnings.push(`${snapshot.path}: ${problem}. It was passed over`);
	return problem === null;
}

function isSound(snapshot: StoredFile, damage: StorageDamage[], progress: VerifyRequest['progress']): boolean {
	const { path: file } = snapshot;
	try {
		drain(loadSnapshot(file, {}), (step) => progress?.({ phase: 'check', file, ...step }));
		return true;
	} catch (error) {
		if (!(error instanceof SnapshotDamage)) throw error;
		damage.push(error);
		return false;
	}
}

function behindTheLogs(snapshot: StoredFile, lastZxid: Zxid): StorageDamage {
	return new RecoveryRefused({
		file: snapshot.path,
		zxid: nextZxid(lastZxid),
		problem: `the logs end at ${formatZxid(lastZxid)}, the transactions from there to the snapshot are missing`,
		advice: restoreAdvice,
	});
}

function earlier(a: Zxid | undefined, b: Zxid | undefined): Zxid | undefined {
	if (a === undefined || b === undefined) return a ?? b;
	return a < b ? a : b;
}

function drain<S, T>(steps: Generator<S, T>, progress?: (progress: S) => void): T {
	for (;;) {
		const step = steps.next();
		if (step.done) return step.value;
		progress?.(step.value);
	}
}
