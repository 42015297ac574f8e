/**
 * A committed transaction as tails deliver it, the same from whichever source: memory, log or PostgreSQL. What only some of them know (sizes before, recounted quotas) is not in it.
 */
import type { HistoryTxn } from '#audit/history';
import { whoColumns } from '#audit/principal';
import type { TxnRecord } from '#core/model/txn-record';
import type { Zxid } from '#core/model/zxid';
import type { Acl } from '#jute/records';
import type { SubTxn } from '#jute/txn';

export interface TailChange {
	readonly type: string;
	readonly path: string;
	/** Of the data after the change, of the ACL for setACL; null for a deletion. */
	readonly version: number | null;
	/** Null when it did not set the data. */
	readonly sizeAfter: number | null;
	readonly data: Uint8Array | null;
	/** The data that it set are in no source that was asked. */
	readonly isDataMissing: boolean;
	/** The node's right after the transaction, of a deletion the one it had; null when this source does not know it, and another may. */
	readonly acl: readonly Acl[] | null;
}

/** Of a node that no source can know more of: one that came and went within a transaction. */
export const nobodys: readonly Acl[] = [{ perms: 0, scheme: 'world', id: 'anyone' }];

export interface TailEntry {
	readonly zxid: Zxid;
	/** Its `changes` are those below. */
	readonly txn: Omit<HistoryTxn, 'changes'>;
	readonly changes: readonly TailChange[];
	/** Of memory, roughly. */
	readonly weight: number;
	/** As it goes out to callers who see all of it, by what they asked for: encoded once. */
	readonly frames: Map<string, Uint8Array>;
}

/** Which ACL a node had right after the transaction, or before it when that deleted it; null when that is not known. */
export type AclThen = (path: string, zxid: Zxid, isDeletion: boolean) => readonly Acl[] | null;

/** A node, its path, its change: what an entry takes beside paths and data. */
const entryBytes = 500;
const changeBytes = 200;

export function tailEntry(txn: Omit<HistoryTxn, 'changes'>, changes: readonly TailChange[]): TailEntry {
	let weight = entryBytes;
	// Twice: as they came, and in the frame.
	for (const { path, data } of changes) weight += changeBytes + 2 * (path.length + (data?.length ?? 0));
	return { zxid: txn.zxid, txn, changes, weight, frames: new Map() };
}

/** Data are copied: those of the record may be a view of much more. */
export function entryOfRecord(record: TxnRecord, aclThen: AclThen): TailEntry {
	const { header, txn, digest, context } = record;
	const { door, principal, address, requestId, traceId } = whoColumns(context);
	return tailEntry(
		{
			zxid: header.zxid,
			timeMs: header.time,
			session: header.sessionId,
			cxid: header.cxid,
			type: txn.kind,
			path: 'path' in txn ? txn.path : null,
			error: errorIn(record),
			digest: digest?.value ?? null,
			principal,
			address,
			door,
			requestId,
			traceId,
		},
		changesOf(record, aclThen),
	);
}

function errorIn({ txn }: TxnRecord): number {
	if (txn.kind === 'error') return txn.code;
	if (txn.kind !== 'multi') return 0;
	for (const op of txn.ops) if (op.kind === 'error' && op.code !== 0) return op.code;
	return 0;
}

function changesOf({ header, txn }: TxnRecord, aclThen: AclThen): TailChange[] {
	const { zxid } = header;
	if (txn.kind === 'createSession') return [];
	if (txn.kind === 'closeSession') {
		return [...new Set(txn.paths)].map((path) => deletion('delete', path, aclThen(path, zxid, true)));
	}
	const ops = txn.kind === 'multi' ? txn.ops : [txn];
	// A multi that failed has done nothing.
	if (ops.some((op) => op.kind === 'error')) return [];
	// Right after the transaction: of a multi, what its last operation on the node left.
	const own = new Map<string, readonly Acl[]>();
	for (const op of ops) if ('acl' in op) own.set(op.path, op.acl);
	return ops.flatMap((op) =>
		changeOf(op, (isDeletion) => own.get(pathOf(op)) ?? aclThen(pathOf(op), zxid, isDeletion)),
	);
}

function pathOf(op: SubTxn): string {
	return 'path' in op ? op.path : '';
}

function changeOf(op: SubTxn, acl: (isDeletion: boolean) => readonly Acl[] | null): TailChange[] {
	switch (op.kind) {
		case 'check':
		case 'error':
			return [];
		case 'delete':
		case 'deleteContainer':
			return [deletion(op.kind, op.path, acl(true))];
		case 'setACL':
			return [{ ...blank, type: op.kind, path: op.path, version: op.version, sizeAfter: null, acl: acl(false) }];
		default: {
			const version = op.kind === 'setData' || op.kind === 'reconfig' ? op.version : 0;
			// Of a Buffer, slice() would be a view.
			const data = op.data === null ? null : new Uint8Array(op.data);
			return [{ ...blank, type: op.kind, path: op.path, version, sizeAfter: data?.length ?? 0, data, acl: acl(false) }];
		}
	}
}

const blank = { data: null, isDataMissing: false } as const;

function deletion(type: string, path: string, acl: readonly Acl[] | null): TailChange {
	return { ...blank, type, path, version: null, sizeAfter: null, acl };
}
