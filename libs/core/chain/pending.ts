import type { Request } from '../model/op.ts';
import type { InFlight, Session } from '../session/session.ts';

/** A request that waits for its session's earlier write or sync (semantics 10). `error` was decided when it came in; 0: perform it. */
export interface Waiting {
	readonly request: Request;
	readonly error: number;
}

/** A request that is not answered yet, and what its session asked behind it. */
export class Pending implements InFlight {
	/** Null: nobody here asked for it. */
	readonly request: Request | null;
	readonly session: Session | undefined;
	#waiting: Waiting[] | null = null;
	#isSettled = false;
	#successor: Pending | null = null;

	constructor(request: Request | null, session: Session | undefined) {
		this.request = request;
		this.session = session;
	}

	get isSettled(): boolean {
		return this.#successor === null ? this.#isSettled : this.#successor.isSettled;
	}

	/** Answered right after this one, in the order they came. */
	letWait(request: Request, error: number): void {
		if (this.#successor !== null) {
			this.#successor.letWait(request, error);
			return;
		}
		if (this.#waiting === null) this.#waiting = [];
		this.#waiting.push({ request, error });
	}

	/** From now on what the session asks comes behind this one. */
	begin(): void {
		if (this.session !== undefined) this.session.inFlight = this;
	}

	/** The other takes this one's place, for what waits already and for what refers to this one later. */
	passOn(to: Pending): void {
		if (this.session?.inFlight === this) to.begin();
		for (const { request, error } of this.settle()) to.letWait(request, error);
		this.#successor = to;
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
