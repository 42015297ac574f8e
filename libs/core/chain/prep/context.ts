/** What the handlers of prep see. One object for the whole life of Prep: the fields of the request change, the rest stays. */
import { errors } from '#jute/errors';
import type { Acl, Id } from '#jute/records';
import { noSession, type SessionId, type Zxid } from '../../model/zxid.ts';
import type { Session } from '../../session/session.ts';
import type { SessionTable } from '../../session/session-table.ts';
import { isPermitted } from '../../tree/acl-check.ts';
import type { DataTree } from '../../tree/data-tree.ts';
import { quotaExcess } from '../../tree/quota.ts';
import type { ChainOptions } from '../options.ts';
import type { OutstandingChanges } from '../outstanding-changes.ts';
import type { Ensemble } from './ensemble.ts';

export interface PrepContext {
	readonly tree: DataTree;
	readonly changes: OutstandingChanges;
	readonly sessions: SessionTable;
	readonly options: ChainOptions;
	/** Undefined for a standalone replica. */
	readonly ensemble: Ensemble | undefined;
	/** Of the request that is being prepared; all operations of a multi share it (semantics 3). */
	zxid: Zxid;
	/** Milliseconds since 1970: the header's time. */
	timeMs: number;
	sessionId: SessionId;
	session: Session | undefined;
	/** The server id of the replica the request came in by (semantics 65). */
	owner: number;
	identities: readonly Id[];
	/** It came in at a learner. */
	isForwarded: boolean;
	/** True for what the replica asks of itself: its container task, session expiry. */
	isSystem: boolean;
}

/** An error code of the catalogue. Handlers return one instead of throwing: failures are ordinary, and an exception costs microseconds. */
export type ErrorCode = number;

/** 0 when the request may go on. Requests without a session are not checked. */
export function sessionError(context: PrepContext): ErrorCode {
	if (context.sessionId === noSession) return 0;
	// A learner's local session is known to that learner only, which has looked whether it is alive (semantics 66).
	if (context.session === undefined && context.isForwarded && context.options.localSessionsEnabled) return 0;
	return context.sessions.check(context.session, context.owner);
}

/** 0, or NoAuth. */
export function accessError(context: PrepContext, acl: readonly Acl[], permission: number): ErrorCode {
	if (context.options.skipAcl || isPermitted(acl, permission, context.identities)) return 0;
	return errors.noAuth.code;
}

/**
 * 0, or QuotaExceeded. Only a hard limit refuses. What is used is read from the tree as it is, without what is outstanding, as
 * ZooKeeper does: its usage counters are no part of any transaction (semantics 83).
 */
export function quotaError(context: PrepContext, path: string, bytesDiff: number, countDiff: number): ErrorCode {
	if (!context.options.enforceQuota) return 0;
	return quotaExcess(context.tree, path, bytesDiff, countDiff)?.hard === true ? errors.quotaExceeded.code : 0;
}

/** 0, or BadVersion. -1 in a request means any (semantics 26). */
export function versionError(current: number, expected: number): ErrorCode {
	return expected === -1 || expected === current ? 0 : errors.badVersion.code;
}

export function nextVersion(context: PrepContext, current: number): number {
	const next = (current + 1) | 0;
	return next === -1 && context.options.versionSkipsMinusOne ? 0 : next;
}
