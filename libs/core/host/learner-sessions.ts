/** What a learner has to ask and to tell its leader about the sessions of its clients. */
import type { SessionId } from '../model/zxid.ts';
import type { Session } from '../session/session.ts';

export interface Revalidation {
	readonly timeoutMs: number;
	answer(isValid: boolean): void;
}

export class LearnerSessions {
	#active = new Map<SessionId, number>();
	readonly #asked = new Map<SessionId, Revalidation[]>();

	touched(session: Session): void {
		if (!session.isLocal) this.#active.set(session.id, session.timeoutMs);
	}

	/** The sessions that asked for something since the last call, with their timeouts: the leader keeps them alive (semantics 62). */
	takeActive(): ReadonlyMap<SessionId, number> {
		const active = this.#active;
		this.#active = new Map();
		return active;
	}

	ask(id: SessionId, revalidation: Revalidation): void {
		const asked = this.#asked.get(id);
		if (asked === undefined) this.#asked.set(id, [revalidation]);
		else asked.push(revalidation);
	}

	answered(id: SessionId, isValid: boolean): void {
		const asked = this.#asked.get(id);
		const first = asked?.shift();
		if (asked?.length === 0) this.#asked.delete(id);
		first?.answer(isValid);
	}

	/** The leader is gone: nobody knows. */
	clear(): Revalidation[] {
		const all = [...this.#asked.values()].flat();
		this.#asked.clear();
		this.#active = new Map();
		return all;
	}
}
