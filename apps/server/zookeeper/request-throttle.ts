/**
 * What becomes of requests that had to wait at the door. While too many are under way a door reads nothing more from its connections; what
 * it had read by then waits here, not in a queue of the chain, and may meanwhile have become too old to be worth anything.
 */
import { opCode } from '#jute/op-codes';

export interface RequestThrottleOptions {
	/** Requests under way from which on none is handed over; 0: no limit but globalOutstandingLimit. */
	readonly maxRequests: number;
	/** Whether a request that waited longer than its session's timeout closes its connection. Needs maxRequests. */
	readonly dropStale: boolean;
	readonly staleLatencyCheck: boolean;
	/** A request that waited longer is answered ThrottledOp; 0: never. */
	readonly throttledOpWaitMs: number;
}

export type Verdict =
	| 'take'
	/** Answer ThrottledOp in its turn, and do nothing else. */
	| 'refuse'
	/** Close the connection: with one request dropped, those behind it may not be answered either. */
	| 'close';

/** Without these a session could neither live nor end. */
const alwaysTaken: ReadonlySet<number> = new Set([opCode.ping, opCode.createSession, opCode.closeSession]);
/** These are answered by the door and need no turn. */
const untouched: ReadonlySet<number> = new Set([opCode.auth, opCode.sasl]);

export class RequestThrottle {
	readonly #options: RequestThrottleOptions;
	readonly #closesStale: boolean;

	constructor(options: RequestThrottleOptions) {
		this.#options = options;
		this.#closesStale = options.maxRequests > 0 && options.dropStale && options.staleLatencyCheck;
	}

	/** False by default: then nobody needs to know how long a request has waited. */
	get looksAtAge(): boolean {
		return this.#closesStale || this.#options.throttledOpWaitMs > 0;
	}

	/** True while no further request may be handed over. */
	isFull(outstanding: number): boolean {
		const { maxRequests } = this.#options;
		return maxRequests > 0 && outstanding >= maxRequests;
	}

	/** @param waitedMs since its bytes came */
	verdict(type: number, waitedMs: number, sessionTimeoutMs: number): Verdict {
		if (untouched.has(type)) return 'take';
		if (this.#closesStale && waitedMs > sessionTimeoutMs && type !== opCode.closeSession) return 'close';
		const { throttledOpWaitMs } = this.#options;
		if (throttledOpWaitMs > 0 && waitedMs > throttledOpWaitMs && !alwaysTaken.has(type)) return 'refuse';
		return 'take';
	}
}
