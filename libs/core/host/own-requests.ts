/** Requests that the host makes, or numbers, itself. */
import type { Caller, Op, Request } from '../model/op.ts';
import type { SessionId } from '../model/zxid.ts';

/** The server itself: audited as `system`, and never throttled. */
export const systemCaller: Caller = { door: 'system', identities: [], address: '' };
const ignore = (): void => {};

/** Nobody waits for its answer. */
export function ownRequest(op: Op, sessionId: SessionId): Request {
	return { sessionId, cxid: 0, op, caller: systemCaller, reply: ignore };
}

/** Requests without a session that a learner forwards: by their numbers it finds the transactions that answer them. */
export class RequestNumbers {
	readonly #serverId: number;
	#last = 0;

	constructor(serverId: number) {
		this.#serverId = serverId;
	}

	/** 8 bits of server and 24 of number: no other replica's, and not repeated while it is in flight. */
	numbered(request: Request): Request {
		this.#last = (this.#last + 1) & 0xff_ffff;
		return { ...request, cxid: (this.#serverId << 24) | this.#last };
	}
}
