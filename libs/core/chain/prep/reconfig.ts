import { errors } from '#jute/errors';
import type { ReconfigOp } from '../../model/op.ts';
import { type ErrorCode, type PrepContext, sessionError } from './context.ts';

/** A standalone replica has no membership to change (semantics 82). */
export function prepareReconfig(_op: ReconfigOp, context: PrepContext): ErrorCode {
	if (!context.options.reconfigEnabled) return errors.reconfigDisabled.code;
	const session = sessionError(context);
	return session !== 0 ? session : errors.unimplemented.code;
}
