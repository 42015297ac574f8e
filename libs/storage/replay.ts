/** One attempt to rebuild a tree: a snapshot and the records behind it. */
import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import { formatZxid, isContiguous, nextZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import { DataTree, type DataTreeOptions } from '#core/tree/data-tree';
import type { SessionId } from '#jute/scalars';
import { RecoveryRefused, StorageDamage } from './damage.ts';
import type { StoredFile } from './data-directory.ts';
import { DigestCheck, type Mismatch } from './digest-check.ts';
import { logSequence, logsFrom } from './log-sequence.ts';
import { loadSnapshot, type SnapshotSummary } from './snapshot-reader.ts';

export interface ReplayProgress {
	readonly phase: 'snapshot' | 'logs';
	/** What is being read; the bytes are those of the snapshot, or of all logs behind it with their preallocated zeros. */
	readonly file: string;
	readonly bytesDone: number;
	readonly bytesTotal: number;
}

export interface LoadedSnapshot {
	readonly tree: DataTree;
	readonly sessions: Map<SessionId, number>;
	readonly zxid: Zxid;
	/** Empty for the tree before any transaction, which needs no file. */
	readonly file: string;
	readonly summary: SnapshotSummary | null;
}

export interface ReplayOutcome {
	readonly lastZxid: Zxid;
	readonly txns: number;
	readonly check: DigestCheck;
	/** Set when replay stopped at a mismatch because none is allowed. */
	readonly mismatch: Mismatch | null;
}

export interface ReplayOptions {
	readonly allowDigestMismatch: boolean;
	readonly warn: (warning: string) => void;
	/** Stop behind this zxid. */
	readonly until?: Zxid;
	/** Told of logs that cannot be read on: replay then ends where they do, instead of throwing. */
	readonly damaged?: (damage: StorageDamage) => void;
	/** Called after each applied record. */
	readonly applied?: (zxid: Zxid, tree: DataTree) => void;
}

type Steps<T> = Generator<ReplayProgress, T>;

/** A seed of its own for each process, so that nobody can choose paths that collide in the tree's index. */
export function treeOptions(): DataTreeOptions {
	return { hashSeed: randomInt(2 ** 31) };
}

/** The tree that every history begins with. */
export function emptyStart(): LoadedSnapshot {
	return { tree: new DataTree(treeOptions()), sessions: new Map(), zxid: zeroZxid, file: '', summary: null };
}

/** @throws SnapshotDamage */
export function* loadTree(
	snapshot: StoredFile,
	options: Pick<DataTreeOptions, 'keepData'> = {},
): Steps<LoadedSnapshot> {
	const tree = DataTree.load({ ...treeOptions(), ...options });
	const sessions = new Map<SessionId, number>();
	const steps = loadSnapshot(snapshot.path, {
		session: (id, timeoutMs) => sessions.set(id, timeoutMs),
		acl: (aclId, acl) => tree.addAcl(aclId, acl),
		node: (path, data, aclId, stat) => tree.addNode(path, data, aclId, stat),
	});
	let step = steps.next();
	for (; !step.done; step = steps.next()) yield { phase: 'snapshot', file: snapshot.path, ...step.value };
	const { bytes } = step.value;
	yield { phase: 'snapshot', file: snapshot.path, bytesDone: bytes, bytesTotal: bytes };
	tree.finishLoading();
	tree.lastProcessedZxid = snapshot.zxid;
	return { tree, sessions, zxid: snapshot.zxid, file: snapshot.path, summary: step.value };
}

/**
 * Applies the records behind the snapshot to its tree.
 * @throws LogDamage, and RecoveryRefused when transactions are missing between two records; neither with `damaged`.
 */
export function* replay(
	start: LoadedSnapshot,
	logs: readonly StoredFile[],
	options: ReplayOptions,
): Steps<ReplayOutcome> {
	const { tree, sessions } = start;
	const digest = () => tree.digest();
	const check = new DigestCheck(start.summary?.digest ?? (start.file === '' ? noSection : null));
	const files = logsFrom(logs, nextZxid(start.zxid));
	const { before, total } = sizesOf(files);
	let last = start.zxid;
	let txns = 0;
	let stopAt = check.loaded(start.zxid, digest, start.file);
	let sinceYield = 0;
	const unusual: string[] = [];
	const warn = (warning: string) => {
		unusual.push(warning);
		options.warn(warning);
	};
	let isDamaged = false;
	const entries =
		stopAt === null || options.allowDigestMismatch
			? logSequence(files, nextZxid(start.zxid), { reuse: true, warn })
			: [];
	try {
		for (const entry of entries) {
			const { record, file, offset } = entry;
			const { zxid } = record.header;
			if (options.until !== undefined && zxid > options.until) break;
			if (!isContiguous(last, zxid)) throw hole(file, offset, last, zxid, start, unusual);
			tree.apply(record);
			trackSession(sessions, record);
			last = zxid;
			txns++;
			const mismatch = check.applied(record, digest, file, offset, start.file);
			if (mismatch !== null && !options.allowDigestMismatch) {
				stopAt = mismatch;
				break;
			}
			if (check.awaited === null) tree.digests.reached(zxid, tree);
			options.applied?.(zxid, tree);
			sinceYield += entry.length;
			if (sinceYield > 1 << 20) {
				sinceYield = 0;
				yield {
					phase: 'logs',
					file,
					bytesDone: before.get(file)! + offset,
					bytesTotal: total,
				};
			}
		}
	} catch (error) {
		if (!(error instanceof StorageDamage) || options.damaged === undefined) throw error;
		isDamaged = true;
		options.damaged(error);
	}
	const read = files.at(-1);
	if (read !== undefined && stopAt === null) {
		yield { phase: 'logs', file: read.path, bytesDone: total, bytesTotal: total };
	}
	const unsettled = options.until === undefined && !isDamaged ? check.finished() : null;
	if (!options.allowDigestMismatch) stopAt ??= unsettled;
	tree.isFuzzy = check.isUnproved;
	return { lastZxid: last, txns, check, mismatch: options.allowDigestMismatch ? null : stopAt };
}

/** The bytes that lie before each file, and all of them. */
function sizesOf(files: readonly StoredFile[]): { before: ReadonlyMap<string, number>; total: number } {
	const before = new Map<string, number>();
	let total = 0;
	for (const { path } of files) {
		before.set(path, total);
		total += fs.statSync(path).size;
	}
	return { before, total };
}

const noSection = { zxid: zeroZxid, version: 0, value: 0n };

/** The open sessions after a transaction, and their timeouts. */
export function trackSession(
	sessions: Map<SessionId, number>,
	record: {
		readonly header: { readonly sessionId: SessionId };
		readonly txn: { readonly kind: string; readonly timeoutMs?: number };
	},
): void {
	if (record.txn.kind === 'createSession') sessions.set(record.header.sessionId, record.txn.timeoutMs!);
	else if (record.txn.kind === 'closeSession') sessions.delete(record.header.sessionId);
}

function hole(
	file: string,
	offset: number,
	last: Zxid,
	next: Zxid,
	start: LoadedSnapshot,
	unusual: readonly string[],
): RecoveryRefused {
	const from = start.file === '' ? 'nothing' : start.file;
	const before =
		last === start.zxid
			? `the tree of ${from} ends with ${formatZxid(last)}`
			: `the record before it is ${formatZxid(last)}`;
	const also = unusual.length === 0 ? '' : `. Noticed on the way: ${unusual.join('; ')}`;
	return new RecoveryRefused({
		file,
		offset,
		zxid: nextZxid(last),
		problem: `the next transaction is ${formatZxid(next)}, but ${before}: the transactions from ${formatZxid(nextZxid(last))} to the one before ${formatZxid(next)} are missing${also}`,
		advice:
			`Nothing was changed. Put back the log that has them, or a snapshot with a zxid from ${formatZxid((next - 1) as Zxid)} on, from a backup or ` +
			'from another replica; or empty the data directory of this replica of an ensemble, and it gets the tree from the leader',
	});
}
