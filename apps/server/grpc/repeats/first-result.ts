/** What became of a write when it was done, or failed, as its transaction says it: the answer that its client never got. */
import type { CreateOp, MultiOp, Op, Reply, Result } from '#core/model/op';
import type { TxnRecord } from '#core/model/txn-record';
import { noSession, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import { errors } from '#jute/errors';
import type { Stat } from '#jute/records';
import type { SubTxn } from '#jute/txn';

/** The writes that are answered with their first result. Of a session that is closed nobody can repeat anything. */
export type RepeatableOp = Extract<Op, { readonly kind: 'create' | 'delete' | 'setData' | 'setACL' | 'multi' }>;

type FirstOp =
	| {
			readonly kind: 'create';
			readonly path: string;
			readonly dataLength: number;
			/** noSession for a node that is not ephemeral. */
			readonly owner: SessionId;
	  }
	| { readonly kind: 'delete' | 'check'; readonly path: string }
	| { readonly kind: 'setData'; readonly path: string; readonly dataLength: number; readonly version: number }
	| { readonly kind: 'setACL'; readonly path: string; readonly version: number }
	| { readonly kind: 'error'; readonly code: number };

/** Of a transaction what its answer needs: no data. */
export interface FirstResult {
	readonly zxid: Zxid;
	readonly timeMs: number;
	readonly isMulti: boolean;
	/** One of them unless it is a multi. */
	readonly ops: readonly FirstOp[];
}

export function isRepeatable(op: Op): op is RepeatableOp {
	switch (op.kind) {
		case 'create':
		case 'delete':
		case 'setData':
		case 'setACL':
		case 'multi':
			return true;
		default:
			return false;
	}
}

/** Undefined for what answers no write: the beginning and the end of a session, and SessionMoved, which says only that it was not done there. */
export function firstResultOf({ header, txn }: TxnRecord): FirstResult | undefined {
	if (txn.kind === 'createSession' || txn.kind === 'closeSession') return undefined;
	const isMulti = txn.kind === 'multi';
	const txns = isMulti ? txn.ops : [txn];
	if (txns.some((one) => one.kind === 'error' && one.code === errors.sessionMoved.code)) return undefined;
	const ops = txns.map((one) => firstOp(one, header.sessionId));
	return { zxid: header.zxid, timeMs: header.time, isMulti, ops };
}

function firstOp(txn: SubTxn, sessionId: SessionId): FirstOp {
	switch (txn.kind) {
		case 'error':
			return { kind: 'error', code: txn.code };
		case 'delete':
		case 'deleteContainer':
			return { kind: 'delete', path: txn.path };
		case 'check':
			return { kind: 'check', path: txn.path };
		case 'setData':
		case 'reconfig':
			return { kind: 'setData', path: txn.path, version: txn.version, dataLength: txn.data?.length ?? 0 };
		case 'setACL':
			return { kind: 'setACL', path: txn.path, version: txn.version };
		default: {
			const owner = 'ephemeral' in txn && txn.ephemeral ? sessionId : noSession;
			return { kind: 'create', path: txn.path, dataLength: txn.data?.length ?? 0, owner };
		}
	}
}

/**
 * The reply that this operation got, or would have got.
 *
 * @param tree as it is now: what a transaction does not say of a Stat is taken from the node, if it is still that one
 * @returns undefined when it is the result of another operation
 */
export function firstReply(first: FirstResult, op: RepeatableOp, tree: DataTree): Reply | undefined {
	const { zxid, ops } = first;
	if (op.kind !== 'multi') {
		const [only] = ops;
		if (first.isMulti || only === undefined) return undefined;
		if (only.kind === 'error') return { error: only.code, zxid };
		return isOf(only, op) ? { error: 0, zxid, result: resultOf(only, first, tree) } : undefined;
	}
	if (!first.isMulti) {
		const [only] = ops;
		return only?.kind === 'error' ? { error: only.code, zxid } : undefined;
	}
	if (ops.length !== op.ops.length) return undefined;
	// 0 before the operation that failed, its code, -2 behind it: the transaction has them so (semantics 42).
	if (ops.some(({ kind }) => kind === 'error')) {
		const results = ops.map((one) => ({ kind: 'error' as const, code: one.kind === 'error' ? one.code : 0 }));
		return { error: 0, zxid, result: { kind: 'multi', results } };
	}
	if (!ops.every((one, at) => isOf(one, op.ops[at]!))) return undefined;
	return { error: 0, zxid, result: { kind: 'multi', results: ops.map((one) => resultOf(one, first, tree)) } };
}

function isOf(first: FirstOp, op: RepeatableOp | MultiOp['ops'][number]): boolean {
	if (op.kind === 'multi' || first.kind === 'error' || first.kind !== op.kind) return false;
	return op.kind === 'create' ? isMadeBy(op, first.path) : first.path === op.path;
}

function isMadeBy({ mode, path }: CreateOp, created: string): boolean {
	const isSequential = mode === 'persistentSequential' || mode === 'ephemeralSequential' || mode === 'ttlSequential';
	if (!isSequential) return created === path;
	return created.startsWith(path) && /^-?\d{10,}$/.test(created.slice(path.length));
}

function resultOf(op: FirstOp, { zxid, timeMs }: FirstResult, tree: DataTree): Result {
	switch (op.kind) {
		case 'create': {
			const { path, dataLength, owner } = op;
			const born = { czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: timeMs, mtime: timeMs };
			return { kind: 'create', path, stat: { ...noStat, ...born, ephemeralOwner: owner, dataLength }, withStat: true };
		}
		case 'setData': {
			const { dataLength, version } = op;
			const stat = { ...sameNode(op.path, zxid, tree), mzxid: zxid, mtime: timeMs, version, dataLength };
			return { kind: 'setData', stat };
		}
		case 'setACL':
			return { kind: 'setACL', stat: { ...sameNode(op.path, zxid, tree), aversion: op.version } };
		case 'delete':
		case 'check':
			return { kind: op.kind };
		case 'error':
			throw new Error('a failed operation has no result');
	}
}

const noStat: Stat = {
	czxid: zeroZxid,
	mzxid: zeroZxid,
	pzxid: zeroZxid,
	ctime: 0,
	mtime: 0,
	version: 0,
	cversion: 0,
	aversion: 0,
	ephemeralOwner: 0n,
	dataLength: 0,
	numChildren: 0,
};

/** The node as it is now, unless that is another one of this name. */
function sameNode(path: string, zxid: Zxid, tree: DataTree): Stat {
	const stat = tree.stat(path);
	return stat !== undefined && stat.czxid <= zxid ? stat : noStat;
}
