/**
 * The record of a restore: a node below /chronokeeper/restores that is written in the same multis as the changes. So it is replicated, is itself in the audit, and says at
 * any moment how far the restore has come; and its version fences whoever else goes on with it. docs/adr/0015 says why it lies there.
 */
import { formatZxid, parseZxid, type Zxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import { permission } from '#jute/op-codes';
import type { Acl } from '#jute/records';
import type { Conflict, LeftNode } from './plan.ts';
import { chronokeeperPath } from './subtree.ts';

export const recordsPath = `${chronokeeperPath}/restores`;
/** Everybody may read what was done; only a restore, which acts as `super`, may write it. */
export const recordAcl: readonly Acl[] = [{ perms: permission.read, scheme: 'world', id: 'anyone' }];

/** `running`: until it is over, also when nobody goes on with it at the moment. */
export type RestoreState = 'running' | 'done' | 'conflict' | 'failed' | 'aborted';

/** What is to be undone: everything behind a zxid, at and below a path, or one transaction. */
export type Undoing =
	| { readonly kind: 'restore'; readonly zxid: Zxid; readonly path: string }
	| { readonly kind: 'revert'; readonly zxid: Zxid };

export interface RestoreRecord {
	readonly undoing: Undoing;
	readonly reason: string;
	/** Identities, hashes of passwords hidden, separated by commas. */
	readonly by: string;
	readonly isForced: boolean;
	readonly state: RestoreState;
	/** The state of the tree it began with: what is newer and not its own is somebody else's. */
	readonly baseZxid: Zxid;
	readonly beganMs: number;
	readonly changedMs: number;
	/** The server that runs it, and which of its runs: another run has taken over when this is another. */
	readonly server: number;
	readonly run: string;
	/** Multis that were made. */
	readonly steps: number;
	readonly changesDone: number;
	readonly changesPlanned: number;
	/** The zxids of its transactions but the last, in ranges. */
	readonly own: readonly (readonly [Zxid, Zxid])[];
	/** The first of them. */
	readonly conflicts: readonly Conflict[];
	readonly conflictCount: number;
	readonly left: readonly LeftNode[];
	readonly leftCount: number;
	/** Ephemeral nodes of then, which are not made again. */
	readonly ephemerals: number;
	/** What went wrong. */
	readonly problem: string;
}

/** A record with what its node says. */
export interface StoredRecord {
	readonly id: number;
	readonly record: RestoreRecord;
	readonly version: number;
	/** Of the last transaction that wrote it. */
	readonly mzxid: Zxid;
}

/** Of conflicts and of nodes that were left: more are counted only. */
const mostListed = 100;
const mostListedBytes = 16_384;
const format = 1;

export function recordPath(id: number): string {
	return `${recordsPath}/${String(id).padStart(10, '0')}`;
}

/** As JSON that people can read with `get`. */
export function writeRecord(record: RestoreRecord): Uint8Array {
	const { undoing, own, baseZxid, ...others } = record;
	const ranges = own.map(([first, last]) => [formatZxid(first), formatZxid(last)]);
	const what = { ...undoing, zxid: formatZxid(undoing.zxid) };
	return new TextEncoder().encode(
		JSON.stringify({ format, ...what, baseZxid: formatZxid(baseZxid), ...others, own: ranges }),
	);
}

/** @throws Error when it is not a record of this or an earlier version */
export function readRecord(data: Uint8Array): RestoreRecord {
	const { format: written, kind, zxid, path, baseZxid, own, ...others } = JSON.parse(new TextDecoder().decode(data));
	if (written !== format) throw new Error(`the record is of format ${written}, which this version does not know`);
	const at = parseZxid(zxid);
	return {
		...others,
		undoing: kind === 'revert' ? { kind, zxid: at } : { kind: 'restore', zxid: at, path },
		baseZxid: parseZxid(baseZxid),
		own: own.map(([first, last]: [string, string]) => [parseZxid(first), parseZxid(last)]),
	};
}

/** Undefined when there is none. @throws Error when somebody has put something else there */
export function storedRecord(tree: DataTree, id: number): StoredRecord | undefined {
	const path = recordPath(id);
	const data = tree.data(path);
	const stat = tree.storedStat(path);
	if (data === undefined || data === null || stat === undefined) return undefined;
	return { id, record: readRecord(data), version: stat.version, mzxid: stat.mzxid };
}

/** The youngest first. What is no record is left out. */
export function storedRecords(tree: DataTree): StoredRecord[] {
	const ids = (tree.children(recordsPath) ?? []).filter((name) => /^[0-9]{10}$/.test(name)).map(Number);
	return ids
		.sort((one, other) => other - one)
		.flatMap((id) => {
			try {
				return storedRecord(tree, id) ?? [];
			} catch {
				// Nobody but super can write one; super may have.
				return [];
			}
		});
}

/** The zxids that a restore has written, whoever ran it. */
export function ownZxids({ record, mzxid }: StoredRecord): (zxid: Zxid) => boolean {
	const { own } = record;
	return (zxid) => zxid === mzxid || own.some(([first, last]) => zxid >= first && zxid <= last);
}

/** With one more; zxids of an undisturbed restore follow each other. */
export function withZxid(own: RestoreRecord['own'], zxid: Zxid): RestoreRecord['own'] {
	const last = own.at(-1);
	if (last === undefined || zxid > last[1] + 1) return [...own, [zxid, zxid]];
	return zxid <= last[1] ? own : [...own.slice(0, -1), [last[0], zxid]];
}

/** As many as a record has room for. */
export function listed<T extends { readonly path: string }>(all: readonly T[]): readonly T[] {
	let bytes = 0;
	return all.slice(0, mostListed).filter(({ path }) => (bytes += path.length) <= mostListedBytes);
}
