/**
 * The sessions that are attached at this door, and in which of them a call is made. A session that is not here is attached with its password, as a client of ZooKeeper's
 * port that comes back; it is given up when it is over, attached elsewhere, or when this replica has no leader any more.
 */
import { randomInt } from 'node:crypto';
import type { Host } from '#core/host/host';
import type { Caller } from '#core/model/op';
import { formatSessionId, noSession, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import { isSessionPassword } from '#core/session/session-id';
import { errors } from '#jute/errors';
import type { CallHead } from '../grpc-call.ts';
import { ZooKeeperError } from '../grpc-error.ts';
import type { Callers } from '../identity/callers.ts';
import { refusal } from '../refusals.ts';
import { firstServerCxid } from '../repeats/operation-id.ts';
import { HeldSession } from './held-session.ts';
import { type NamedSession, namedSession } from './named-session.ts';

/** Who calls, and in which session: noSession for a call without one. */
export interface CallContext {
	readonly sessionId: SessionId;
	readonly caller: Caller;
}

export interface GrpcSessionsParts {
	readonly host: Host;
	readonly callers: Callers;
	/** `grpc.maxSessions`. */
	readonly maxSessions: number;
	/** Whether another session may be opened or come back now (`connectionMaxTokens`). @param id noSession for a new one */
	readonly admits: (id: SessionId) => boolean;
	/** The session was attached here: another door of this replica gives it up. */
	readonly taken: (id: SessionId) => void;
}

/** Of who does not say. */
export const defaultTimeoutMs = 30_000;

export class GrpcSessions {
	readonly #parts: GrpcSessionsParts;
	readonly #held = new Map<SessionId, HeldSession>();
	/** Being attached: calls that name the same session meanwhile wait for the same answer. */
	readonly #attaching = new Map<SessionId, Promise<HeldSession>>();
	/** A learner knows a transaction of a session again by its cxid, wherever the session was before: it begins somewhere. Those below are its client's. */
	#cxid = randomInt(firstServerCxid);

	constructor(parts: GrpcSessionsParts) {
		this.#parts = parts;
	}

	get size(): number {
		return this.#held.size;
	}

	/** For the next request that is made inside a session, unless its client has numbered it. */
	nextCxid(): number {
		this.#cxid = (this.#cxid + 1) % firstServerCxid;
		return firstServerCxid + this.#cxid;
	}

	/**
	 * At once unless credentials have to be checked elsewhere, or the session attached.
	 * @throws RpcException for credentials or a session that are no good
	 */
	contextOf(call: CallHead): CallContext | Promise<CallContext> {
		const named = namedSession(call.metadata);
		const caller = this.#parts.callers.of(call);
		if (named === undefined) return caller instanceof Promise ? caller.then(sessionless) : sessionless(caller);
		const held = this.#held.get(named.id);
		if (held === undefined || caller instanceof Promise) return this.#inside(named, caller);
		checkPassword(named);
		return within(held, caller);
	}

	/** Who calls, in whatever session. */
	callerOf(call: CallHead): Caller | Promise<Caller> {
		return this.#parts.callers.of(call);
	}

	/**
	 * The session of a call that has to have one.
	 * @throws RpcException when its metadata names none
	 */
	async heldBy(call: CallHead): Promise<HeldSession> {
		const named = namedSession(call.metadata);
		if (named === undefined) {
			throw refusal(
				'NO_SESSION',
				'the call has to name its session: ck-session-id and ck-session-password-bin in the metadata',
			);
		}
		checkPassword(named);
		return this.#held.get(named.id) ?? (await this.#attachNamed(named));
	}

	get(id: SessionId): HeldSession | undefined {
		return this.#held.get(id);
	}

	get #isWithoutLeader(): boolean {
		const { host } = this.#parts;
		return host.state === 'looking' || host.isReadOnly;
	}

	/** @throws RpcException when there may be no further session here */
	admit(id: SessionId): void {
		const { maxSessions, admits } = this.#parts;
		if (this.#isWithoutLeader) throw noLeader();
		if (this.#held.size >= maxSessions && !this.#held.has(id)) {
			throw refusal('TOO_MANY_SESSIONS', `there are ${maxSessions} sessions here already (grpc.maxSessions)`);
		}
		if (!admits(id)) {
			throw refusal('TOO_MANY_SESSIONS', 'too many sessions are opened at once (connectionMaxTokens)');
		}
	}

	/** A session that was opened here. */
	opened(id: SessionId, password: Uint8Array, timeoutMs: number): HeldSession {
		const held = new HeldSession(id, password, timeoutMs);
		// It may be over by the time its owner hears of it.
		if (this.#parts.host.sessions.get(id) !== undefined) this.#held.set(id, held);
		return held;
	}

	/** A session whose owner is gone before it heard of it: nobody will ever know its password. */
	abandon(sessionId: SessionId, caller: Caller): void {
		const op = { kind: 'closeSession' } as const;
		this.#parts.host.submit({ sessionId, cxid: this.nextCxid(), op, caller, reply: () => undefined });
	}

	/**
	 * Brings a session here, from wherever it was; a stream that has it at this replica ends.
	 * @param lastZxidSeen the newest zxid the caller has seen
	 * @throws RpcException SessionExpired when it is over or the password is wrong, UNAVAILABLE when this replica is behind
	 */
	async attach(
		id: SessionId,
		password: Uint8Array,
		requestedMs: number,
		lastZxidSeen: bigint = 0n,
	): Promise<HeldSession> {
		const { host, taken } = this.#parts;
		checkPassword({ id, password });
		this.admit(id);
		if (lastZxidSeen > BigInt(host.lastProcessedZxid)) {
			throw refusal(
				'BEHIND',
				`the caller has seen 0x${lastZxidSeen.toString(16)}, and this replica is behind that: another one may not be`,
			);
		}
		// From here on its stream at this replica sends nothing more, and what it has sent is in front of this.
		this.#take(id);
		const timeoutMs = await new Promise<number>((resolve, reject) => {
			host.inTurn(() => {
				if (this.#isWithoutLeader) reject(noLeader());
				else
					host.attach(id, password, requestedMs, (answer) => {
						if (answer.kind === 'attached') resolve(answer.timeoutMs);
						// A learner that lost its leader meanwhile does not know.
						else reject(host.state === 'looking' ? noLeader() : sessionExpired(id));
					});
			});
		});
		taken(id);
		const former = this.#held.get(id);
		if (former === undefined) {
			const held = new HeldSession(id, password, timeoutMs);
			this.#held.set(id, held);
			return held;
		}
		former.timeoutMs = timeoutMs;
		this.#take(id);
		return former;
	}

	/** From the stream that has it here. */
	#take(id: SessionId): void {
		const held = this.#held.get(id);
		if (held === undefined) return;
		const { stream } = held;
		held.stream = null;
		stream?.sessionTaken('the session was attached again, at this replica');
	}

	/** It is over. */
	closed(id: SessionId): void {
		this.#held.get(id)?.stream?.sessionOver();
		this.#held.delete(id);
	}

	/** It was attached elsewhere. */
	moved(id: SessionId, where: string): void {
		const held = this.#held.get(id);
		this.#held.delete(id);
		held?.stream?.sessionTaken(where);
	}

	/** Without a leader nobody knows where they are. They live on. */
	forgetAll(): void {
		this.#held.clear();
	}

	/** Those that a stream keeps alive. Call it a few times within the shortest timeout. */
	keepAlive(): void {
		for (const { id, stream } of this.#held.values()) if (stream !== null) this.#parts.host.touch(id);
	}

	async #inside(named: NamedSession, caller: Caller | Promise<Caller>): Promise<CallContext> {
		const identified = await caller;
		checkPassword(named);
		return within(this.#held.get(named.id) ?? (await this.#attachNamed(named)), identified);
	}

	#attachNamed({ id, password }: NamedSession): Promise<HeldSession> {
		const underWay = this.#attaching.get(id);
		if (underWay !== undefined) return underWay;
		const timeoutMs = this.#parts.host.sessions.get(id)?.timeoutMs ?? defaultTimeoutMs;
		const attaching = this.attach(id, password, timeoutMs).finally(() => this.#attaching.delete(id));
		this.#attaching.set(id, attaching);
		return attaching;
	}
}

export function sessionExpired(id: SessionId, zxid: Zxid = zeroZxid): ZooKeeperError {
	const message = `session ${formatSessionId(id)} is unknown, over, or the password is wrong`;
	return new ZooKeeperError({ code: errors.sessionExpired.code, path: '', zxid, message });
}

function sessionless(caller: Caller): CallContext {
	return { sessionId: noSession, caller };
}

function within(held: HeldSession, caller: Caller): CallContext {
	return { sessionId: held.id, caller: held.identified(caller) };
}

function checkPassword({ id, password }: NamedSession): void {
	if (!isSessionPassword(id, password)) throw sessionExpired(id);
}

function noLeader() {
	return refusal('NO_LEADER', 'this replica has no leader at the moment, another one may have');
}
