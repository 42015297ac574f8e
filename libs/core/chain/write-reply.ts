/** What a client is told about its write, from the transaction and what applying it gave. */
import { errors } from '#jute/errors';
import type { Stat } from '#jute/records';
import type { SubTxn } from '#jute/txn';
import type { ErrorResult, MultiOp, Op, Reply, Result } from '../model/op.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import { sessionPassword } from '../session/session-id.ts';
import type { ApplyResult } from '../tree/changes.ts';

/** The reply's zxid is the write's own (semantics 4). A failed multi's header says 0 (semantics 42). */
export function writeReply({ header, txn }: TxnRecord, op: Op, applied: ApplyResult): Reply {
	const { zxid } = header;
	switch (txn.kind) {
		case 'error':
			return { error: txn.code, zxid };
		case 'setData':
			return { error: 0, zxid, result: { kind: 'setData', stat: applied.stat! } };
		case 'setACL':
			return { error: 0, zxid, result: { kind: 'setACL', stat: applied.stat! } };
		case 'create':
		case 'create2':
		case 'createTTL':
		case 'createContainer': {
			const withStat = op.kind === 'create' && op.withStat;
			return { error: 0, zxid, result: { kind: 'create', path: txn.path, stat: applied.stat!, withStat } };
		}
		case 'createSession': {
			const { sessionId } = header;
			const password = sessionPassword(sessionId);
			return { error: 0, zxid, result: { kind: 'createSession', sessionId, password, timeoutMs: txn.timeoutMs } };
		}
		case 'multi':
			return multiReply(op as MultiOp, txn.ops, applied, zxid);
		case 'delete':
		case 'deleteContainer':
		case 'closeSession':
		case 'check':
			return { error: 0, zxid, result: { kind: txn.kind } };
		case 'reconfig':
			return { error: 0, zxid, result: { kind: 'reconfig', data: txn.data, stat: applied.stat! } };
	}
}

/** SessionMoved in a multi closes the connection instead of answering, so the door has to see it in the header (semantics 44). */
function multiReply(op: MultiOp, txns: readonly SubTxn[], applied: ApplyResult, zxid: Reply['zxid']): Reply {
	const failure = txns.find((txn) => txn.kind === 'error');
	if (failure?.code === errors.sessionMoved.code) return { error: failure.code, zxid };
	const results = failure === undefined ? successes(op, txns, applied) : failures(txns);
	return { error: 0, zxid, result: { kind: 'multi', results } };
}

/** 0 before the operation that failed, its code, -2 behind it: the transaction has them so (semantics 42). */
function failures(txns: readonly SubTxn[]): ErrorResult[] {
	return txns.map((txn) => ({ kind: 'error', code: txn.kind === 'error' ? txn.code : 0 }));
}

function successes(op: MultiOp, txns: readonly SubTxn[], applied: ApplyResult): (Result | ErrorResult)[] {
	return txns.map((txn, at) => success(op.ops[at]!, txn, applied.results![at]!.stat));
}

function success(op: MultiOp['ops'][number], txn: SubTxn, stat: Stat | undefined): Result {
	switch (op.kind) {
		case 'create':
			return { kind: 'create', path: (txn as { readonly path: string }).path, stat: stat!, withStat: op.withStat };
		case 'setData':
			return { kind: 'setData', stat: stat! };
		case 'delete':
		case 'check':
			return { kind: op.kind };
	}
}
