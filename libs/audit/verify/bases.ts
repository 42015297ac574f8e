/** The bases of a history, and the gaps in front of them. */
import type { Zxid } from '#core/model/zxid';
import type { StoredStat } from '#jute/records';
import { int4, type Row, signed8, text, timeMs, unsigned8, zxidOf } from './rows.ts';
import { columnOf } from './tables.ts';
import { gapColumn, snapshotColumn } from './verify-ledger.ts';

export interface Gap {
	readonly afterZxid: Zxid;
	readonly throughZxid: Zxid;
	readonly kind: string;
	readonly reason: string;
}

export interface Base {
	readonly zxid: Zxid;
	readonly digest: bigint | null;
	readonly nodes: number | null;
	readonly gap: Gap | null;
}

/** The columns of a node in a base. */
export const nodeColumn = {
	path: columnOf('snapshot_node', 'path'),
	aclId: columnOf('snapshot_node', 'acl_id'),
	data: columnOf('snapshot_node', 'data'),
	dataHash: columnOf('snapshot_node', 'data_hash'),
	czxid: columnOf('snapshot_node', 'czxid'),
	mzxid: columnOf('snapshot_node', 'mzxid'),
	pzxid: columnOf('snapshot_node', 'pzxid'),
	owner: columnOf('snapshot_node', 'ephemeral_owner'),
	ctime: columnOf('snapshot_node', 'ctime'),
	mtime: columnOf('snapshot_node', 'mtime'),
	version: columnOf('snapshot_node', 'version'),
	cversion: columnOf('snapshot_node', 'cversion'),
	aversion: columnOf('snapshot_node', 'aversion'),
};

export function statOf(row: Row): StoredStat {
	return {
		czxid: zxidOf(row[nodeColumn.czxid]!),
		mzxid: zxidOf(row[nodeColumn.mzxid]!),
		pzxid: zxidOf(row[nodeColumn.pzxid]!),
		ctime: timeMs(row[nodeColumn.ctime]!),
		mtime: timeMs(row[nodeColumn.mtime]!),
		version: int4(row[nodeColumn.version]!),
		cversion: int4(row[nodeColumn.cversion]!),
		aversion: int4(row[nodeColumn.aversion]!),
		ephemeralOwner: unsigned8(row[nodeColumn.owner]!),
	};
}

export function gapOf(row: Row): Gap {
	return {
		afterZxid: zxidOf(row[gapColumn.after]!),
		throughZxid: zxidOf(row[gapColumn.through]!),
		kind: text(row[gapColumn.kind]!),
		reason: text(row[gapColumn.reason]!),
	};
}

export function isBase(row: Row): boolean {
	return row[snapshotColumn.base]![0] === 1;
}

export function basesOf(snapshots: readonly Row[], gaps: readonly Gap[]): Base[] {
	const bases = new Map<Zxid, Base>();
	for (const row of snapshots) {
		if (!isBase(row)) continue;
		const zxid = zxidOf(row[snapshotColumn.zxid]!);
		const gap = gaps.find((it) => it.throughZxid === zxid && it.kind !== 'mismatch') ?? null;
		const digest = row[snapshotColumn.digest] === null ? null : unsigned8(row[snapshotColumn.digest]!);
		const nodes = row[snapshotColumn.znodes] === null ? null : Number(signed8(row[snapshotColumn.znodes]!));
		bases.set(zxid, { zxid, digest, nodes, gap });
	}
	return [...bases.values()].sort((a, b) => a.zxid - b.zxid);
}
