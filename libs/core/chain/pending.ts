import type { Reply, Request } from '../model/op.ts';
import type { InFlight, Session } from '../session/session.ts';

/**
 * A request that waits for what its session asked before (semantics 10). `error` was decided when it came in; 0: perform it. A write that was performed
 * already has its reply.
 */
export interface Waiting {
	readonly request: Request;
	readonly error: number;
	readonly reply: Reply | null;
}

/** A request that is not answered yet, and what its session asked behind it. */
export class Pending implements InFlight {
	/** Null: nobody here asked for it. */
	readonly request: Request | null;
	readonly session: Session | undefined;
	/** A sync is answered whenever its leader answers it, however late; transactions are answered in the order of their zxids. */
	readonly isSync: boolean;
	#ahead: Pending | null = null;
	#behind: Pending | null = null;
	#waiting: Waiting[] | null = null;
	#isSettled = false;
	#successor: Pending | null = null;

	constructor(request: Request | null, session: Session | undefined, isSync = false) {
		this.request = request;
		this.session = session;
		this.isSync = isSync;
	}

	get isSettled(): boolean {
		return this.#successor === null ? this.#isSettled : this.#successor.isSettled;
	}

	/** The sync of the same session that has to be answered first; null when there is none, or not any more. */
	get ahead(): Pending | null {
		return this.#ahead?.isSettled === false ? this.#ahead : null;
	}

	/** Of a sync: what its session had in flight before, which is answered first; null when there is nothing, or not any more. */
	get behind(): Pending | null {
		return this.#behind?.isSettled === false ? this.#behind : null;
	}

	/** Answered right after this one, in the order they came. */
	letWait(request: Request, error: number, reply: Reply | null = null): void {
		if (this.#successor !== null) {
			this.#successor.letWait(request, error, reply);
			return;
		}
		if (this.#waiting === null) this.#waiting = [];
		this.#waiting.push({ request, error, reply });
	}

	/** From now on what the session asks comes behind this one. */
	begin(): void {
		const { session } = this;
		if (session === undefined) return;
		// Only the chain puts something in flight.
		const before = session.inFlight as Pending | null;
		if (before?.isSettled === false) {
			this.#ahead = before.isSync ? before : before.ahead;
			if (this.isSync) this.#behind = before;
		}
		session.inFlight = this;
	}

	/** The other takes this one's place, for what waits already and for what refers to this one later. */
	passOn(to: Pending): void {
		const isLast = this.session?.inFlight === this;
		to.#ahead ??= this.#ahead;
		for (const { request, error, reply } of this.settle()) to.letWait(request, error, reply);
		this.#successor = to;
		if (isLast) this.session!.inFlight = to;
	}

	/** It is answered: nothing waits for it from now on. Answers with what did. */
	settle(): readonly Waiting[] {
		this.#isSettled = true;
		if (this.session?.inFlight === this) this.session.inFlight = null;
		const waiting = this.#waiting ?? none;
		this.#waiting = null;
		return waiting;
	}
}

const none: readonly Waiting[] = [];
