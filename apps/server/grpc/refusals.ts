/** What is refused that is no error of ZooKeeper: the reason that programs go by, its status, and what the caller can do. docs/grpc.md has a line for each. */
import { status } from '@grpc/grpc-js';
import type { RpcException } from '@nestjs/microservices';
import { grpcError } from './grpc-error.ts';

export interface RefusalKind {
	readonly code: status;
	/** One sentence or two. */
	readonly advice: string;
	/** Milliseconds to wait before the same call is made again; absent where it would fail again. */
	readonly retryMs?: number;
}

/** Until another replica is found, or what is missing is there again. */
const soonMs = 1000;
/** Until what waits has left. */
const momentMs = 100;

export const refusals = {
	GO_ELSEWHERE: {
		code: status.UNAVAILABLE,
		advice: 'Go on at another replica, or here again in a moment.',
		retryMs: soonMs,
	},
	NO_LEADER: {
		code: status.UNAVAILABLE,
		advice: 'Go to a replica that has a leader, or wait until this one has.',
		retryMs: soonMs,
	},
	BEHIND: {
		code: status.UNAVAILABLE,
		advice: 'Attach the session at another replica, or here again in a moment.',
		retryMs: soonMs,
	},
	KEYS_AWAY: {
		code: status.UNAVAILABLE,
		advice: 'Make the call again, or prove otherwise who you are.',
		retryMs: soonMs,
	},
	MIRROR_AWAY: {
		code: status.UNAVAILABLE,
		advice: 'Wait until PostgreSQL is there again, or ask another replica.',
		retryMs: soonMs,
	},
	MIRROR_OVERDUE: {
		code: status.UNAVAILABLE,
		advice: 'Nothing was changed: make the call again when PostgreSQL is there again. Reads are served.',
		retryMs: soonMs,
	},
	OUTCOME_UNKNOWN: {
		code: status.UNAVAILABLE,
		advice:
			'Whether it was done is not known, and nothing was done now. Read what is there, then decide. The log of another replica may go back further.',
	},
	NO_HISTORY: {
		code: status.FAILED_PRECONDITION,
		advice: 'Ask a replica that has a mirror, or set audit.mode.',
	},
	HISTORY_GAP: {
		code: status.FAILED_PRECONDITION,
		advice: 'HistoryService.History says where the gap is and why. What happened in it is not known.',
	},
	AHEAD_OF_MIRROR: {
		code: status.OUT_OF_RANGE,
		advice: 'Wait until AdminService.Status says that the mirror is there.',
		retryMs: soonMs,
	},
	AHEAD_OF_REPLICA: {
		code: status.OUT_OF_RANGE,
		advice: 'Call another replica, or this one again in a moment.',
		retryMs: soonMs,
	},
	NEVER_COMMITTED: {
		code: status.FAILED_PRECONDITION,
		advice:
			'The zxid was given to a proposal that a change of leaders took back, or to none: begin with one that a response or HistoryService.History has named.',
	},
	RIGHTS_UNKNOWN: {
		code: status.FAILED_PRECONDITION,
		advice: 'Call a replica that has a mirror, or with the role history, or begin from now on.',
	},
	TOO_MANY_STREAMS: {
		code: status.RESOURCE_EXHAUSTED,
		advice: 'Go to another replica, or end streams that are not needed.',
		retryMs: soonMs,
	},
	TOO_MANY_SESSIONS: {
		code: status.RESOURCE_EXHAUSTED,
		advice: 'Go to another replica, or close sessions that are not needed.',
		retryMs: soonMs,
	},
	SLOW_READER: {
		code: status.RESOURCE_EXHAUSTED,
		advice: 'Attach the session again, set its watches with SetWatches, look what was done, and read faster.',
		retryMs: momentMs,
	},
	SLOW_WATCHER: {
		code: status.RESOURCE_EXHAUSTED,
		advice:
			'Call again with after_zxid, the zxid of the last message that came; below recursive watches read anew what is there.',
		retryMs: momentMs,
	},
	MESSAGE_TOO_LARGE: {
		code: status.RESOURCE_EXHAUSTED,
		advice: 'Send less at once, or raise jute.maxbuffer on all servers and clients.',
	},
	NO_SESSION: {
		code: status.INVALID_ARGUMENT,
		advice: 'Open a session, and name it in the metadata with ck-session-id and ck-session-password-bin.',
	},
	NO_PASSWORD: {
		code: status.UNAUTHENTICATED,
		advice: 'Send the password of the session in ck-session-password-bin.',
	},
	NO_RESTORE: {
		code: status.NOT_FOUND,
		advice: 'RestoreService.ListRestores says which there are.',
	},
	RESTORE_REFUSED: {
		code: status.FAILED_PRECONDITION,
		advice: 'Resume or abort the restore that is named; one that is over stays as it is.',
	},
	NOTHING_TO_REVERT: {
		code: status.FAILED_PRECONDITION,
		advice: 'Look at the transaction with HistoryService.History: it changed no node.',
	},
	ROLE_NEEDED: {
		code: status.PERMISSION_DENIED,
		advice: 'Call with an identity that has the role, or have the operator give it to one of yours.',
	},
} satisfies Record<string, RefusalKind>;

/** Why a replica that drains sends its callers elsewhere. */
export const serverStops = 'the server is stopping';

export type RefusalReason = keyof typeof refusals;

/** Of one of ZooKeeper's errors whose reason is known more exactly. */
export function reasonOf(reason: RefusalReason): { readonly reason: RefusalReason; readonly advice: string } {
	return { reason, advice: refusals[reason].advice };
}

/** @param facts further ones, for programs */
export function refusal(
	reason: RefusalReason,
	message: string,
	facts: Readonly<Record<string, string>> = {},
): RpcException {
	const { code, ...more }: RefusalKind = refusals[reason];
	return grpcError(code, message, { reason, facts, ...more });
}
