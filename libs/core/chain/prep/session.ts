import { errors } from '#jute/errors';
import type { CloseSessionTxn, CreateSessionTxn } from '#jute/txn';
import type { CloseSessionOp, CreateSessionOp } from '../../model/op.ts';
import { parentPath } from '../../model/path.ts';
import { noSession } from '../../model/zxid.ts';
import type { ErrorCode, PrepContext } from './context.ts';
import { projectDelete } from './delete.ts';

/** The replica that took the connection gave out the id and granted the timeout; this makes it the owner. */
export function prepareCreateSession(_op: CreateSessionOp, context: PrepContext): CreateSessionTxn | ErrorCode {
	const { session } = context;
	if (session === undefined || session.closing) return errors.sessionExpired.code;
	session.owner = context.owner;
	return { kind: 'createSession', timeoutMs: session.timeoutMs };
}

/**
 * The list of what goes is made here, in the order of prep, so every replica deletes the same; from now on the session is closing
 * and nothing of it is accepted (semantics 14, 63). Nothing is checked: expiry closes sessions that it does not own.
 */
export function prepareCloseSession(_op: CloseSessionOp, context: PrepContext): CloseSessionTxn | ErrorCode {
	if (context.sessionId === noSession) return errors.badArguments.code;
	const paths = context.changes.ephemeralsOf(context.sessionId);
	for (const path of paths) {
		const parent = context.changes.node(parentPath(path))!;
		projectDelete(context, parent, context.changes.node(path)!);
	}
	if (context.session !== undefined) context.session.closing = true;
	return { kind: 'closeSession', paths };
}
