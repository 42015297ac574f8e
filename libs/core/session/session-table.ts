/**
 * The sessions of this replica: who is alive, who owns whom, when each expires. Time comes in as monotonic milliseconds.
 *
 * Two sets, as in ZooKeeper: a session is *tracked* from the moment its id was given out or its createSession prepared, and
 * *committed* from the moment that transaction was applied. Snapshots hold the committed ones only.
 */
import { errors } from '#jute/errors';
import type { SessionId } from '#jute/scalars';
import { ExpiryBuckets } from './expiry-buckets.ts';
import { Session } from './session.ts';
import { firstSessionId, isSessionPassword, sessionPassword } from './session-id.ts';

export interface SessionTableOptions {
	readonly serverId: number;
	readonly tickMs: number;
	readonly minSessionTimeoutMs: number;
	readonly maxSessionTimeoutMs: number;
	/** What the snapshot and the log left open; each one's clock starts anew (semantics 62). */
	readonly committed: ReadonlyMap<SessionId, number>;
	/** Wall clock, for the five bytes of time in new ids. */
	readonly timeMs: number;
	/** Monotonic. */
	readonly nowMs: number;
}

export type Attachment =
	| { readonly kind: 'attached'; readonly timeoutMs: number; readonly password: Uint8Array }
	/** Wrong password, unknown or closing: timeout 0, id 0 and 16 zero bytes on the wire, then close (semantics 60). */
	| { readonly kind: 'refused' };

export class SessionTable {
	readonly #options: SessionTableOptions;
	readonly #sessions = new Map<SessionId, Session>();
	readonly #committed: Map<SessionId, number>;
	readonly #expiry: ExpiryBuckets;
	#nextId: SessionId;

	constructor(options: SessionTableOptions) {
		this.#options = options;
		this.#committed = new Map(options.committed);
		this.#expiry = new ExpiryBuckets(options.tickMs, options.nowMs);
		this.#nextId = firstSessionId(options.serverId, options.timeMs);
		for (const [id, timeoutMs] of options.committed) this.#track(id, timeoutMs, options.nowMs);
	}

	get size(): number {
		return this.#sessions.size;
	}

	get committedSize(): number {
		return this.#committed.size;
	}

	/** Committed sessions with their timeouts: what a snapshot holds. A copy. */
	committed(): Map<SessionId, number> {
		return new Map(this.#committed);
	}

	all(): IterableIterator<Session> {
		return this.#sessions.values();
	}

	get(id: SessionId): Session | undefined {
		return this.#sessions.get(id);
	}

	/** Gives out an id. The session is tracked at once and committed by its transaction. */
	open(requestedTimeoutMs: number, nowMs: number): Session {
		while (this.#sessions.has(this.#nextId) || this.#committed.has(this.#nextId)) this.#bump();
		const id = this.#nextId;
		this.#bump();
		return this.#track(id, this.clamp(requestedTimeoutMs), nowMs);
	}

	/** A new leader: every session's clock starts anew (semantics 62), nobody owns one, and those that were never committed are gone. */
	restart(nowMs: number): void {
		for (const session of [...this.#sessions.values()]) {
			this.#expiry.remove(session);
			if (session.isLocal) this.#expiry.touch(session, nowMs);
			else this.#sessions.delete(session.id);
		}
		for (const [id, timeoutMs] of this.#committed) this.#track(id, timeoutMs, nowMs);
	}

	/** Local sessions are over: no transaction ends them. Their clients are told when they come back. */
	forgetLocal(): void {
		for (const session of [...this.#sessions.values()]) if (session.isLocal) this.closed(session.id);
	}

	/** A session that another replica gave out, or knows better than this one. */
	adopt(id: SessionId, timeoutMs: number, nowMs: number): Session {
		const session = this.#sessions.get(id);
		if (session === undefined) return this.#track(id, timeoutMs, nowMs);
		session.timeoutMs = timeoutMs;
		this.touch(session, nowMs);
		return session;
	}

	/** A connection comes back with its session: only with the right password, and not when it is closing. */
	attach(
		id: SessionId,
		password: Uint8Array | null,
		requestedTimeoutMs: number,
		owner: number,
		nowMs: number,
	): Attachment {
		const session = this.#sessions.get(id);
		if (session === undefined || session.closing || !isSessionPassword(id, password)) return { kind: 'refused' };
		session.timeoutMs = this.clamp(requestedTimeoutMs);
		session.owner = owner;
		this.touch(session, nowMs);
		return { kind: 'attached', timeoutMs: session.timeoutMs, password: sessionPassword(id) };
	}

	/** Any request or ping of the session. */
	touch(session: Session, nowMs: number): void {
		if (!session.closing) this.#expiry.touch(session, nowMs);
	}

	/**
	 * May a request of this session that came in by `owner` go on? 0, or the code that answers it. The first request of a session
	 * whose owner is not known makes one.
	 */
	check(session: Session | undefined, owner: number): number {
		if (session === undefined || session.closing) return errors.sessionExpired.code;
		if (session.owner === null) session.owner = owner;
		return session.owner === owner ? 0 : errors.sessionMoved.code;
	}

	/** createSession was applied. */
	opened(id: SessionId, timeoutMs: number, nowMs: number): void {
		this.#committed.set(id, timeoutMs);
		if (!this.#sessions.has(id)) this.#track(id, timeoutMs, nowMs);
	}

	/** closeSession was applied. */
	closed(id: SessionId): void {
		this.#committed.delete(id);
		const session = this.#sessions.get(id);
		if (session === undefined) return;
		session.closing = true;
		this.#expiry.remove(session);
		this.#sessions.delete(id);
	}

	/** Sessions that were silent for too long, marked closing: the host closes each through the chain (semantics 63). */
	expire(nowMs: number): Session[] {
		const expired = this.#expiry.take(nowMs).filter((session) => !session.closing);
		for (const session of expired) session.closing = true;
		return expired;
	}

	/** Of a learner: of the others its leader decides (semantics 62). */
	expireLocal(nowMs: number): Session[] {
		const expired = this.#expiry.take(nowMs).filter((session) => session.isLocal && !session.closing);
		for (const session of expired) session.closing = true;
		return expired;
	}

	clamp(timeoutMs: number): number {
		return Math.min(Math.max(timeoutMs, this.#options.minSessionTimeoutMs), this.#options.maxSessionTimeoutMs);
	}

	#track(id: SessionId, timeoutMs: number, nowMs: number): Session {
		const session = new Session(id, timeoutMs);
		this.#sessions.set(id, session);
		this.#expiry.touch(session, nowMs);
		return session;
	}

	#bump(): void {
		this.#nextId = BigInt.asUintN(64, this.#nextId + 1n) as SessionId;
	}
}
