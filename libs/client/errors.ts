/**
 * The errors of the client, a class for each of ZooKeeper's codes that callers tell apart: `error instanceof NoNodeError`. All of them are
 * ClientErrors, with ZooKeeper's `code` and `codeName`, the `path` and the `zxid`.
 */
import type { ErrorDetail } from '#proto/chronokeeper/v1/common';
import { ClientError } from './client-error.ts';

/** There is no such node (-101). */
export class NoNodeError extends ClientError {}
/** The access control list does not allow it (-102). */
export class NoAuthError extends ClientError {}
/** The node's version is another one (-103). */
export class BadVersionError extends ClientError {}
/** An ephemeral node has no children (-108). */
export class NoChildrenForEphemeralsError extends ClientError {}
/** There is such a node already (-110). */
export class NodeExistsError extends ClientError {}
/** A node with children is not deleted (-111). */
export class NotEmptyError extends ClientError {}
/** The session is over: the server said so, it could not be reached for the session's timeout, or it was closed (-112). What it held is gone, or going. */
export class SessionExpiredError extends ClientError {}
/** The access control list is empty, or has an entry that means nothing (-114). */
export class InvalidAclError extends ClientError {}
/** The credentials are no good (-115). */
export class AuthFailedError extends ClientError {}
/** No such watch is set (-121). */
export class NoWatcherError extends ClientError {}
/** A hard quota would be exceeded (-125). */
export class QuotaExceededError extends ClientError {}
/** An argument means nothing to the server: a path, a mode (-8). */
export class BadArgumentsError extends ClientError {}
/** The server does not know the operation, or it is not enabled there (-6). */
export class UnimplementedError extends ClientError {}
/** The server is overloaded and did not do it (-127). */
export class ThrottledError extends ClientError {}
/** No server can be reached. What failed so was not done: OutcomeUnknownError is for what may have been done (-4). */
export class ConnectionLossError extends ClientError {}
/** It was sent, the stream was lost before the answer came, and no server can say any more whether it was done. Read, then decide (-4). */
export class OutcomeUnknownError extends ConnectionLossError {}

/** It took longer than its `timeoutMs` (-7). */
export class OperationTimeoutError extends ClientError {
	/** It was sent, and goes on at the server; when it is false it has been taken back, and will not be done. */
	readonly wasSent: boolean;

	/** @internal */
	constructor(path: string, timeoutMs: number, wasSent: boolean) {
		const text = `${path === '' ? '' : `${path}: `}no answer within ${timeoutMs} ms; ${fateOf(wasSent)}`;
		super(text, 'OK', detailOf(-7, 'OperationTimeout', path), undefined);
		this.wasSent = wasSent;
	}
}

/** Its AbortSignal was aborted; `cause` is the signal's reason, and `name` is `AbortError` as of everything that a signal ends. */
export class OperationAbortedError extends ClientError {
	/** It was sent, and goes on at the server; when it is false it has been taken back, and will not be done. */
	readonly wasSent: boolean;

	/** @internal */
	constructor(path: string, reason: unknown, wasSent: boolean) {
		super(`${path === '' ? '' : `${path}: `}aborted; ${fateOf(wasSent)}`, 'OK', undefined, reason);
		this.name = 'AbortError';
		this.wasSent = wasSent;
	}
}

function fateOf(wasSent: boolean): string {
	return wasSent ? 'it was sent, whether it was done is unknown' : 'it was not sent, and will not be done';
}

/** @internal */
export const connectionLossCode = -4;

const classes: ReadonlyMap<number, typeof NoNodeError> = new Map([
	[-101, NoNodeError],
	[-102, NoAuthError],
	[-103, BadVersionError],
	[-108, NoChildrenForEphemeralsError],
	[-110, NodeExistsError],
	[-111, NotEmptyError],
	[-112, SessionExpiredError],
	[-114, InvalidAclError],
	[-115, AuthFailedError],
	[-121, NoWatcherError],
	[-125, QuotaExceededError],
	[-8, BadArgumentsError],
	[-6, UnimplementedError],
	[-127, ThrottledError],
	[-4, ConnectionLossError],
]);

/** Of the class that the code has. @internal */
export function typedError(
	message: string,
	grpcStatus: string,
	detail: ErrorDetail | undefined,
	cause: unknown,
): ClientError {
	const errorClass = (detail && classes.get(detail.code)) ?? ClientError;
	return new errorClass(message, grpcStatus, detail, cause);
}

/** Of an operation on a session's stream. @internal */
export function errorOf(detail: ErrorDetail, text?: string, cause?: unknown): ClientError {
	const message = text ?? (detail.path === '' ? detail.name : `${detail.path}: ${detail.name}`);
	return typedError(message, 'OK', detail, cause);
}

/** @internal */
export function sessionExpired(text: string, cause?: unknown): SessionExpiredError {
	return new SessionExpiredError(text, 'OK', detailOf(-112, 'SessionExpired'), cause);
}

/** What was never sent. @internal */
export function connectionLoss(text: string, cause?: unknown): ConnectionLossError {
	return new ConnectionLossError(text, 'UNAVAILABLE', detailOf(-4, 'ConnectionLoss'), cause);
}

/** What was sent and not answered. @internal */
export function outcomeUnknown(path: string, cause: Error | undefined): OutcomeUnknownError {
	const reason = cause === undefined ? '' : ` (${cause.message})`;
	const text = `the connection was lost: whether it was done is unknown${reason}`;
	return new OutcomeUnknownError(text, 'OK', detailOf(-4, 'ConnectionLoss', path), cause);
}

/** What the server says it does not know: a ConnectionLoss of its own. @internal */
export function unknownToServer(detail: ErrorDetail): OutcomeUnknownError {
	return new OutcomeUnknownError(`${detail.path}: ${detail.advice}`, 'OK', detail, undefined);
}

function detailOf(code: number, name: string, path = ''): ErrorDetail {
	return { code, name, path, zxid: 0n, op: undefined, opCodes: [], advice: '', reason: '' };
}
