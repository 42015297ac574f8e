import { errors } from '#jute/errors';
import { isPreparable } from '../chain/prep.ts';
import type { Op, Request } from '../model/op.ts';
import { noSession } from '../model/zxid.ts';
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

/** Of a copy that nobody writes to: 0 for all reads, and for the beginning and the end of its own sessions. */
export function copyError({ op }: Request, session: Session | undefined): number {
	if (op.kind === 'createSession' || (op.kind === 'closeSession' && session?.isLocal === true)) return 0;
	return isPreparable(op) ? errors.notReadOnly.code : 0;
}

/** Of a replica without a leader (semantics 67): 0 for reads inside a session, and for the beginning and the end of its own sessions. */
export function readOnlyError({ op, sessionId }: Request, session: Session | undefined): number {
	if (op.kind === 'createSession') return 0;
	// Who has no session has not said that an old state will do.
	if (sessionId === noSession) return errors.connectionLoss.code;
	if (op.kind === 'closeSession' && session?.isLocal === true) return 0;
	return isPreparable(op) || op.kind === 'sync' ? errors.notReadOnly.code : 0;
}
