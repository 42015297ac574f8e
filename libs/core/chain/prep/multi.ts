import { errors } from '#jute/errors';
import type { MultiTxn, SubTxn } from '#jute/txn';
import type { MultiOp } from '../../model/op.ts';
import { prepareCheck } from './check.ts';
import type { ErrorCode, PrepContext } from './context.ts';
import { prepareCreate } from './create.ts';
import { prepareDelete } from './delete.ts';
import { prepareSetData } from './set-data.ts';

type SubOp = MultiOp['ops'][number];

/** What a multi may hold (semantics 40). Doors decode nothing else; one that does is refused before it can harm the log. */
const allowed: ReadonlySet<string> = new Set<SubOp['kind']>(['create', 'delete', 'setData', 'check']);

/**
 * All or nothing. Each operation is prepared against the projection that the earlier ones made (semantics 41). When one fails, the
 * projection is rolled back, and the transaction keeps the operations before it as they are, its code, and -2 behind (42, 43).
 */
export function prepareMulti(op: MultiOp, context: PrepContext): MultiTxn | ErrorCode {
	if (!op.ops.every((sub) => allowed.has(sub.kind))) return errors.marshallingError.code;
	const ops: SubTxn[] = [];
	let failed = false;
	for (const sub of op.ops) {
		if (failed) {
			ops.push({ kind: 'error', code: errors.runtimeInconsistency.code });
			continue;
		}
		const txn = prepareSub(sub, context);
		if (typeof txn === 'number') {
			failed = true;
			context.changes.rollBack();
			ops.push({ kind: 'error', code: txn });
		} else {
			ops.push(txn);
		}
	}
	return { kind: 'multi', ops };
}

function prepareSub(op: SubOp, context: PrepContext): SubTxn | ErrorCode {
	switch (op.kind) {
		case 'create':
			// Inside a multi create2 is logged as create.
			return prepareCreate(op.withStat ? { ...op, withStat: false } : op, context);
		case 'delete':
			return prepareDelete(op, context);
		case 'setData':
			return prepareSetData(op, context);
		case 'check':
			return prepareCheck(op, context);
	}
}
