/**
 * A transaction again, from its row, its changes and its facts: what a fold needs to make the same tree. What was asked and changed nothing (checks,
 * operations of a multi that failed) is not in the rows and has no effect.
 */
import type { TxnRecord } from '#core/model/txn-record';
import type { Acl } from '#jute/records';
import type { SessionId } from '#jute/scalars';
import type { SubTxn, Txn } from '#jute/txn';
import { int4, type Row, text, timeMs, unsigned8, zxidOf } from './rows.ts';
import { columnOf } from './tables.ts';

export interface Facts {
	/** Of a node that the transaction created; undefined when it has no version of it. */
	owner(path: string): bigint | undefined;
	/** The parent's stored cversion after the transaction; undefined when that has no version of it. */
	cversion(parent: string): number | undefined;
	/** Of the session that it opened. */
	timeoutMs(): number | undefined;
}

const t = {
	zxid: columnOf('txn', 'zxid'),
	time: columnOf('txn', 'time'),
	session: columnOf('txn', 'session'),
	cxid: columnOf('txn', 'cxid'),
	type: columnOf('txn', 'type'),
	path: columnOf('txn', 'path'),
	error: columnOf('txn', 'error'),
};
export const c = {
	zxid: columnOf('change', 'zxid'),
	ordinal: columnOf('change', 'ordinal'),
	type: columnOf('change', 'type'),
	path: columnOf('change', 'path'),
	sizeAfter: columnOf('change', 'size_after'),
	version: columnOf('change', 'version'),
	aclId: columnOf('change', 'acl_id'),
	data: columnOf('change', 'data'),
	dataHash: columnOf('change', 'data_hash'),
};

const ttlMask = 0xff_ffff_ffffn;
const createTypes = new Set(['create', 'create2', 'createContainer', 'createTTL']);

export function createdPaths(changes: readonly Row[]): string[] {
	return changes.filter((row) => createTypes.has(text(row[c.type]!))).map((row) => text(row[c.path]!));
}

/** @param aclOf the list of an id */
export function recordOf(
	txn: Row,
	changes: readonly Row[],
	facts: Facts,
	aclOf: (id: bigint) => readonly Acl[],
): TxnRecord {
	const header = {
		sessionId: unsigned8(txn[t.session]!) as SessionId,
		cxid: int4(txn[t.cxid]!),
		zxid: zxidOf(txn[t.zxid]!),
		time: timeMs(txn[t.time]!),
	};
	return { header, txn: txnOf(txn, changes, facts, aclOf), digest: null, context: null };
}

function txnOf(row: Row, changes: readonly Row[], facts: Facts, aclOf: (id: bigint) => readonly Acl[]): Txn {
	const type = text(row[t.type]!);
	const code = int4(row[t.error]!);
	const ops = changes.filter((it) => text(it[c.type]!) !== 'quota');
	if (type === 'createSession') return { kind: 'createSession', timeoutMs: facts.timeoutMs() ?? 0 };
	if (type === 'closeSession') return { kind: 'closeSession', paths: ops.map((it) => text(it[c.path]!)) };
	if (type === 'multi') {
		return { kind: 'multi', ops: code === 0 ? ops.map((it) => opOf(it, facts, aclOf)) : [{ kind: 'error', code }] };
	}
	const [op] = ops;
	if (op !== undefined) return opOf(op, facts, aclOf);
	if (type === 'check') return { kind: 'check', path: row[t.path] === null ? '/' : text(row[t.path]!), version: -1 };
	return { kind: 'error', code };
}

function opOf(row: Row, facts: Facts, aclOf: (id: bigint) => readonly Acl[]): SubTxn {
	const type = text(row[c.type]!);
	const path = text(row[c.path]!);
	const version = row[c.version] === null ? 0 : int4(row[c.version]!);
	const acl = () => (row[c.aclId] === null ? [] : aclOf(row[c.aclId]!.readBigInt64BE(0)));
	const data = dataOf(row);
	const parentCversion = facts.cversion(parentPathOf(path)) ?? -1;
	switch (type) {
		case 'create':
		case 'create2':
			return { kind: type, path, data, acl: acl(), ephemeral: (facts.owner(path) ?? 0n) !== 0n, parentCversion };
		case 'createContainer':
			return { kind: type, path, data, acl: acl(), parentCversion };
		case 'createTTL': {
			const ttlMs = Number((facts.owner(path) ?? 0n) & ttlMask);
			return { kind: type, path, data, acl: acl(), parentCversion, ttlMs };
		}
		case 'delete':
		case 'deleteContainer':
			return { kind: type, path };
		case 'setData':
		case 'reconfig':
			return { kind: type, path, data, version };
		case 'setACL':
			return { kind: type, path, acl: acl(), version };
		default:
			// No type that there is: the row was altered, and changes nothing.
			return { kind: 'check', path, version: -1 };
	}
}

/** Of what was kept out of the database the length is known, and counts. */
function dataOf(row: Row): Uint8Array | null {
	if (row[c.dataHash] === null) return row[c.data] ?? null;
	return new Uint8Array(row[c.sizeAfter] === null ? 0 : Math.max(0, int4(row[c.sizeAfter]!)));
}

export function parentPathOf(path: string): string {
	const last = path.lastIndexOf('/');
	return last > 0 ? path.slice(0, last) : '/';
}
