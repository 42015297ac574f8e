/**
 * Sessions by the tick in which they expire. Touching a session moves it to another bucket only when the tick changed, so a busy
 * session costs one comparison per request.
 */
import type { Session } from './session.ts';

export class ExpiryBuckets {
	readonly #tickMs: number;
	readonly #buckets = new Map<number, Set<Session>>();
	#nextMs: number;

	constructor(tickMs: number, nowMs: number) {
		this.#tickMs = tickMs;
		this.#nextMs = this.#roundUp(nowMs);
	}

	/** The session now expires in (timeout, timeout + tick] from now (semantics 62). */
	touch(session: Session, nowMs: number): void {
		const expiresAtMs = this.#roundUp(nowMs + session.timeoutMs);
		if (expiresAtMs === session.expiresAtMs) return;
		this.#buckets.get(session.expiresAtMs)?.delete(session);
		session.expiresAtMs = expiresAtMs;
		let bucket = this.#buckets.get(expiresAtMs);
		if (bucket === undefined) {
			bucket = new Set();
			this.#buckets.set(expiresAtMs, bucket);
		}
		bucket.add(session);
	}

	remove(session: Session): void {
		this.#buckets.get(session.expiresAtMs)?.delete(session);
		session.expiresAtMs = 0;
	}

	/** Takes out the sessions whose tick has come, in the order of their ticks. */
	take(nowMs: number): Session[] {
		const expired: Session[] = [];
		for (; this.#nextMs <= nowMs; this.#nextMs += this.#tickMs) {
			const bucket = this.#buckets.get(this.#nextMs);
			if (bucket === undefined) continue;
			this.#buckets.delete(this.#nextMs);
			for (const session of bucket) {
				session.expiresAtMs = 0;
				expired.push(session);
			}
		}
		return expired;
	}

	/** Always later than the time, as ZooKeeper rounds: a time on the boundary goes to the next one. */
	#roundUp(timeMs: number): number {
		return (Math.floor(timeMs / this.#tickMs) + 1) * this.#tickMs;
	}
}
