/** How each table's rows are written, field by field in the order of the column lists. */
import type { NodeRecord } from '#core/tree/data-tree';
import type { Acl } from '#jute/records';
import type { SessionId, Zxid } from '#jute/scalars';
import { aclRow } from './acl-rows.ts';
import type { CopyRows } from './copy-rows.ts';
import { dataHash } from './redaction.ts';

/** The hash comes last: it is computed over the fields before it. */
export const txnColumns =
	'zxid, epoch, time, session, cxid, type, path, error, digest, principal, address, door, request_id, trace_id, context, hash';
export const txnFields = 16;
export const changeColumns = 'zxid, ordinal, type, path, size_before, size_after, version, acl_id, data';
export const changeFields = 9;
/** Of changes whose data stay out. They go in a COPY of their own, so that all others are what they were before there was redaction, also in the hash chain. */
export const redactedChangeColumns = `${changeColumns}, data_hash`;
export const versionColumns =
	'from_zxid, to_zxid, span, path, parent, czxid, mzxid, pzxid, data_zxid, ephemeral_owner, ctime, mtime, acl_id, version, cversion, aversion, client_cversion, data_length, num_children';
export const versionFields = 19;
export const sessionColumns = 'session, opened_zxid, opened, timeout_ms, closed_zxid, closed, principal, address';
export const sessionFields = 8;
export const snapshotNodeColumns =
	'snapshot_zxid, path, czxid, mzxid, pzxid, ephemeral_owner, ctime, mtime, acl_id, version, cversion, aversion, data';
export const snapshotNodeFields = 13;
/** As for changes. */
export const redactedSnapshotNodeColumns = `${snapshotNodeColumns}, data_hash`;

/** The class of versions that are still valid. */
export const openSpan = 63;

export interface Change {
	readonly type: string;
	readonly path: string;
	readonly sizeBefore: number | null;
	readonly sizeAfter: number | null;
	readonly version: number | null;
	readonly acl: readonly Acl[] | null;
	readonly data: Uint8Array | null;
}

export function writeChange(rows: CopyRows, zxid: Zxid, ordinal: number, change: Change): void {
	rows.beginRow(changeFields);
	writeChangeFields(rows, zxid, ordinal, change);
	rows.bytea(change.data);
}

/** The hash of its data instead of the data. */
export function writeRedactedChange(
	rows: CopyRows,
	zxid: Zxid,
	ordinal: number,
	change: Change,
	data: Uint8Array,
): void {
	rows.beginRow(changeFields + 1);
	writeChangeFields(rows, zxid, ordinal, change);
	rows.null();
	rows.bytea(dataHash(data));
}

function writeChangeFields(rows: CopyRows, zxid: Zxid, ordinal: number, change: Change): void {
	rows.int8(zxid);
	rows.int4(ordinal);
	rows.text(change.type);
	rows.text(change.path);
	writeOptionalInt(rows, change.sizeBefore);
	writeOptionalInt(rows, change.sizeAfter);
	writeOptionalInt(rows, change.version);
	if (change.acl === null) rows.null();
	else rows.big8(aclRow(change.acl).id);
}

function writeOptionalInt(rows: CopyRows, value: number | null): void {
	if (value === null) rows.null();
	else rows.int4(value);
}

/** A version of a node and where its data is. */
export interface Version {
	readonly from: Zxid;
	readonly node: NodeRecord;
	readonly dataZxid: Zxid;
}

/** `to` is null while it is valid. */
export function writeVersion(rows: CopyRows, { from, node, dataZxid }: Version, to: Zxid | null): void {
	const { path, stat } = node;
	rows.beginRow(versionFields);
	rows.int8(from);
	if (to === null) {
		rows.null();
		rows.int2(openSpan);
	} else {
		rows.int8(to);
		rows.int2(spanOf(to - from));
	}
	rows.text(path);
	rows.text(parentOf(path));
	rows.int8(stat.czxid);
	rows.int8(stat.mzxid);
	rows.int8(stat.pzxid);
	rows.int8(dataZxid);
	rows.big8(stat.ephemeralOwner);
	rows.time(stat.ctime);
	rows.time(stat.mtime);
	rows.big8(aclRow(node.acl).id);
	rows.int4(stat.version);
	rows.int4(stat.cversion);
	rows.int4(stat.aversion);
	rows.int4((2 * stat.cversion - node.childCount) | 0);
	rows.int4(node.dataLength);
	rows.int4(node.childCount);
}

/** floor(log4(zxids)), as version_span() in SQL: exact, because it decides where a version is looked for. */
export function spanOf(zxids: number): number {
	const high = Math.floor(zxids / 2 ** 32);
	const bits = high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(zxids);
	return (bits - 1) >> 1;
}

/** Null for the root. */
export function parentOf(path: string): string | null {
	const last = path.lastIndexOf('/');
	if (last > 0) return path.slice(0, last);
	return path.length === 1 ? null : '/';
}

export interface SessionRow {
	readonly session: SessionId;
	readonly openedZxid: Zxid;
	/** Null when it was found open in a base snapshot. */
	readonly openedMs: number | null;
	readonly timeoutMs: number;
	readonly principal: string | null;
	readonly address: string | null;
	closed: { readonly zxid: Zxid; readonly ms: number } | null;
}

export function writeSession(rows: CopyRows, row: SessionRow): void {
	rows.beginRow(sessionFields);
	rows.big8(row.session);
	rows.int8(row.openedZxid);
	if (row.openedMs === null) rows.null();
	else rows.time(row.openedMs);
	rows.int4(row.timeoutMs);
	if (row.closed === null) {
		rows.null();
		rows.null();
	} else {
		rows.int8(row.closed.zxid);
		rows.time(row.closed.ms);
	}
	rows.text(row.principal);
	rows.text(row.address);
}

export function writeSnapshotNode(rows: CopyRows, snapshotZxid: Zxid, node: NodeRecord, data: Uint8Array | null): void {
	rows.beginRow(snapshotNodeFields);
	writeSnapshotNodeFields(rows, snapshotZxid, node);
	rows.bytea(data);
}

/** The hash of its data instead of the data. */
export function writeRedactedSnapshotNode(
	rows: CopyRows,
	snapshotZxid: Zxid,
	node: NodeRecord,
	data: Uint8Array,
): void {
	rows.beginRow(snapshotNodeFields + 1);
	writeSnapshotNodeFields(rows, snapshotZxid, node);
	rows.null();
	rows.bytea(dataHash(data));
}

function writeSnapshotNodeFields(rows: CopyRows, snapshotZxid: Zxid, node: NodeRecord): void {
	const { stat } = node;
	rows.int8(snapshotZxid);
	rows.text(node.path);
	rows.int8(stat.czxid);
	rows.int8(stat.mzxid);
	rows.int8(stat.pzxid);
	rows.big8(stat.ephemeralOwner);
	rows.time(stat.ctime);
	rows.time(stat.mtime);
	rows.big8(aclRow(node.acl).id);
	rows.int4(stat.version);
	rows.int4(stat.cversion);
	rows.int4(stat.aversion);
}

export const snapshotSessionFields = 3;

export function writeSnapshotSession(rows: CopyRows, snapshotZxid: Zxid, session: bigint, timeoutMs: number): void {
	rows.beginRow(snapshotSessionFields);
	rows.int8(snapshotZxid);
	rows.big8(session);
	rows.int4(timeoutMs);
}
