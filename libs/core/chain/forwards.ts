/** What a learner sent to its leader and has no answer to: writes by session, syncs in their order. */
import type { TxnHeader } from '#jute/records';
import type { Request } from '../model/op.ts';
import type { SessionId } from '../model/zxid.ts';
import type { Session } from '../session/session.ts';
import { Pending } from './pending.ts';

export class Forwards {
	/** Of each session in the order they were sent: their transactions come back in that order (semantics 10). */
	readonly #writes = new Map<SessionId, Pending[]>();
	#syncs: Pending[] = [];

	add(request: Request, session: Session | undefined): void {
		const pending = new Pending(request, session);
		pending.begin();
		const sessionId = session?.id ?? request.sessionId;
		const writes = this.#writes.get(sessionId);
		if (writes === undefined) this.#writes.set(sessionId, [pending]);
		else writes.push(pending);
	}

	addSync(request: Request, session: Session | undefined): void {
		const pending = new Pending(request, session, true);
		pending.begin();
		this.#syncs.push(pending);
	}

	/** The write that this transaction answers; undefined when it came in at another replica. */
	take({ sessionId, cxid }: TxnHeader): Pending | undefined {
		const writes = this.#writes.get(sessionId);
		// A session that moved away may have transactions of its time elsewhere.
		if (writes === undefined || writes[0]!.request!.cxid !== cxid) return undefined;
		const first = writes.shift();
		if (writes.length === 0) this.#writes.delete(sessionId);
		return first;
	}

	takeSync(): Pending | undefined {
		return this.#syncs.shift();
	}

	/** Their leader is gone. */
	takeAll(): Pending[] {
		const all = [...this.#writes.values()].flat().concat(this.#syncs);
		this.#writes.clear();
		this.#syncs = [];
		return all;
	}
}
