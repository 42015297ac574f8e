import { errors } from '#jute/errors';
import type { Op } from '../model/op.ts';
import type { Session } from '../session/session.ts';

/** An ephemeral node, alone or in a multi, is what a local session cannot have (semantics 66). */
export function createsEphemeral(op: Op): boolean {
	if (op.kind === 'create') return op.mode === 'ephemeral' || op.mode === 'ephemeralSequential';
	return op.kind === 'multi' && op.ops.some(createsEphemeral);
}

/** Of a learner: its leader does not know the session and cannot say. 0: the write may be forwarded. */
export function localWriteError(op: Op, session: Session): number {
	if (session.closing) return errors.sessionExpired.code;
	return createsEphemeral(op) ? errors.ephemeralOnLocalSession.code : 0;
}
