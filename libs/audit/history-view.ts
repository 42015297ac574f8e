/** What queries of the history give, in ZooKeeper's types: zxids are numbers, session ids and digests unsigned bigints, times milliseconds. */
import { visibleOwner } from '#core/tree/owners';
import type { Acl, Stat } from '#jute/records';
import type { SessionId, Zxid } from '#jute/scalars';
import { aclFromRow } from './acl-rows.ts';
import { type NodeRow, nodeColumnNames } from './queries/nodes.ts';

export interface HistoryChange {
	readonly type: string;
	readonly path: string;
	/** Of the data after the change, of the ACL for setACL; for a deletion the data's last one. */
	readonly version: number | null;
	/** Null when the node was not there. */
	readonly sizeBefore: number | null;
	/** Null when it did not set the data. */
	readonly sizeAfter: number | null;
}

export interface HistoryTxn {
	readonly zxid: Zxid;
	readonly timeMs: number;
	readonly session: SessionId;
	readonly cxid: number;
	readonly type: string;
	readonly path: string | null;
	readonly error: number;
	readonly digest: bigint | null;
	/** scheme:id, separated by commas. Null when the log does not say. */
	readonly principal: string | null;
	readonly address: string | null;
	/** apache-zookeeper when the log does not say who did it. */
	readonly door: string;
	readonly requestId: string | null;
	readonly traceId: string | null;
	readonly changes: readonly HistoryChange[];
}

/** Transactions behind `afterZxid` up to and including `throughZxid` are not known. */
export interface HistoryGap {
	readonly afterZxid: Zxid;
	readonly throughZxid: Zxid;
	readonly kind: string;
	readonly reason: string;
}

export interface HistoryNode {
	readonly path: string;
	readonly kind: NodeRow['kind'];
	readonly data: Uint8Array | null;
	/** SHA-256 of data that were kept out of PostgreSQL (audit.redact); null for all others. */
	readonly dataHash: Uint8Array | null;
	/** As a client would have got it. */
	readonly stat: Stat;
	/** The cversion that sequence numbers are made from; `stat.cversion` is the one clients see. */
	readonly storedCversion: number;
	/** Raw, with the marks of containers and TTL nodes. */
	readonly storedOwner: bigint;
	readonly acl: readonly Acl[];
}

export interface HistoryDifference {
	readonly path: string;
	/** created, deleted, recreated, data, acl, data and acl. */
	readonly difference: string;
	/** Null when it was not there. */
	readonly before: HistoryNode | null;
	readonly after: HistoryNode | null;
	readonly versionBefore: number | null;
	readonly versionAfter: number | null;
	readonly mzxidBefore: Zxid | null;
	readonly mzxidAfter: Zxid | null;
	readonly dataBefore: Uint8Array | null;
	readonly dataAfter: Uint8Array | null;
	readonly aclBefore: readonly Acl[] | null;
	readonly aclAfter: readonly Acl[] | null;
}

export function zxidOf(text: string): Zxid {
	return Number(text) as Zxid;
}

export function unsigned(text: string): bigint {
	return BigInt.asUintN(64, BigInt(text));
}

export function nodeOf(row: NodeRow): HistoryNode {
	const storedOwner = unsigned(row.ephemeral_owner);
	return {
		path: row.path,
		kind: row.kind,
		data: row.data,
		dataHash: row.data_hash,
		stat: {
			czxid: zxidOf(row.czxid),
			mzxid: zxidOf(row.mzxid),
			ctime: Number(row.ctime),
			mtime: Number(row.mtime),
			version: row.version,
			cversion: row.client_cversion,
			aversion: row.aversion,
			ephemeralOwner: visibleOwner(storedOwner),
			pzxid: zxidOf(row.pzxid),
			dataLength: row.data_length,
			numChildren: row.num_children,
		},
		storedCversion: row.cversion,
		storedOwner,
		acl: aclFromRow(row.acl),
	};
}

export function differenceOf(row: Record<string, unknown> & { path: string; difference: string }): HistoryDifference {
	const side = (alias: 'a' | 'b'): HistoryNode | null => {
		if (row[`${alias}_path`] === null) return null;
		const node = Object.fromEntries(nodeColumnNames.map((name) => [name, row[`${alias}_${name}`]]));
		return nodeOf(node as unknown as NodeRow);
	};
	const before = side('a');
	const after = side('b');
	return {
		path: row.path,
		difference: row.difference,
		before,
		after,
		versionBefore: before?.stat.version ?? null,
		versionAfter: after?.stat.version ?? null,
		mzxidBefore: before?.stat.mzxid ?? null,
		mzxidAfter: after?.stat.mzxid ?? null,
		dataBefore: before?.data ?? null,
		dataAfter: after?.data ?? null,
		aclBefore: before?.acl ?? null,
		aclAfter: after?.acl ?? null,
	};
}
