import type { SessionId } from '#jute/scalars';
import type { Reply, Request } from '../model/op.ts';

/** What is in flight of a session. */
export interface InFlight {
	/** It was answered, and nothing waits for it any more. */
	readonly isSettled: boolean;
	/** Answered behind it: with this reply, or performed then unless there is an error. */
	letWait(request: Request, error: number, reply?: Reply): void;
}

/** One session as this replica tracks it. The table and the chain change it; nobody else. */
export class Session {
	readonly id: SessionId;
	/** The granted timeout; a reconnect may change it (semantics 58). */
	timeoutMs: number;
	/** The server id of the replica its client is connected to; null until its first request (semantics 65). */
	owner: number | null;
	/** Known to this replica only: no transaction made it, and none will end it (semantics 66). */
	isLocal = false;
	/** Set when its closeSession was prepared or its time ran out: nothing of it is accepted any more (semantics 14). */
	closing = false;
	/** The bucket it expires in, monotonic milliseconds: always a multiple of the tick. */
	expiresAtMs = 0;
	/** Its last write or sync that is not answered yet: what it asks next is answered behind it (semantics 10). */
	inFlight: InFlight | null = null;

	constructor(id: SessionId, timeoutMs: number) {
		this.id = id;
		this.timeoutMs = timeoutMs;
		this.owner = null;
	}
}
