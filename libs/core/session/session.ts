import type { SessionId, Zxid } from '#jute/scalars';

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
	/** The zxid behind which its next answer has to wait: its last write or sync in flight (semantics 10). */
	waitsFor = 0 as Zxid;

	constructor(id: SessionId, timeoutMs: number) {
		this.id = id;
		this.timeoutMs = timeoutMs;
		this.owner = null;
	}
}
