/** The session that a call names in its metadata: `ck-session-id`, proved by `ck-session-password-bin`. */
import { type Metadata, status } from '@grpc/grpc-js';
import { noSession, parseSessionId, type SessionId } from '#core/model/zxid';
import { grpcError } from '../grpc-error.ts';
import { refusal } from '../refusals.ts';

export const sessionIdKey = 'ck-session-id';
export const sessionPasswordKey = 'ck-session-password-bin';

export interface NamedSession {
	readonly id: SessionId;
	readonly password: Uint8Array;
}

/**
 * Undefined for a call without a session.
 * @throws RpcException for an id that is none (INVALID_ARGUMENT), and for one without a password (UNAUTHENTICATED)
 */
export function namedSession(metadata: Metadata): NamedSession | undefined {
	const [text, another] = metadata.get(sessionIdKey);
	if (text === undefined) return undefined;
	if (another !== undefined) throw grpcError(status.INVALID_ARGUMENT, `a call has one ${sessionIdKey}, this has more`);
	const id = sessionIdOf(String(text));
	const [password] = metadata.get(sessionPasswordKey);
	if (password === undefined) {
		throw refusal('NO_PASSWORD', `${sessionIdKey} needs the session's password beside it, in ${sessionPasswordKey}`);
	}
	return { id, password: Buffer.from(password) };
}

function sessionIdOf(text: string): SessionId {
	let id: SessionId;
	try {
		id = parseSessionId(text);
	} catch (error) {
		throw grpcError(status.INVALID_ARGUMENT, `${sessionIdKey}: ${(error as Error).message}`);
	}
	if (id === noSession) throw grpcError(status.INVALID_ARGUMENT, `${sessionIdKey}: 0 is no session`);
	return id;
}
