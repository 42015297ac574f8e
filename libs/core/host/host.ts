/**
 * The host: the loop that feeds requests into the chain and performs what comes out of it, in the required order.
 *  1. Requests enter the chain in the order they were submitted; so do those of one session.
 *  2. A transaction is logged before the next one's turn ends, in zxid order, and applied only when it is committed: when it is durable here, or in an ensemble at a quorum.
 *  3. It is applied before it is answered, and its watch events leave inside apply: before its answer, and before any answer that shows the change.
 *  4. A request is answered behind the earlier requests of its session. Authentication alone is answered at once, so that what the connection sends next has the identity.
 *  5. Nothing is answered from inside submit().
 *  6. Once the log failed nothing is written: what was in flight is answered ConnectionLoss (it may be on disk), new writes SystemError. Reads go on.
 *  7. Once an invariant is broken (a digest that differs is one) nothing is served: every request is answered SystemError, and the replica has to be started again from its log.
 */
import { errors } from '#jute/errors';
import { performAuth } from '../chain/auth.ts';
import type { ChainOptions } from '../chain/options.ts';
import { isPreparable, type Preparable } from '../chain/prep.ts';
import type { Broadcast, Uplink } from '../chain/wiring.ts';
import { InvariantError } from '../model/assert.ts';
import type { AuthOp, Op, Reply, Request, Result, Watcher } from '../model/op.ts';
import { counterOf, noSession, type SessionId, type Zxid } from '../model/zxid.ts';
import type { Clock } from '../ports/clock.ts';
import type { Schedule } from '../ports/schedule.ts';
import type { Tracer } from '../ports/tracer.ts';
import type { TxnLog, TxnLogListener } from '../ports/txn-log.ts';
import type { Session } from '../session/session.ts';
import type { Attachment, SessionTable } from '../session/session-table.ts';
import type { DataTree } from '../tree/data-tree.ts';
import type { FrozenTree } from '../tree/frozen-tree.ts';
import type { WatchManager } from '../tree/watches.ts';
import type { HostEvents, HostParts, HostState } from './host-parts.ts';
import { HostStats } from './host-stats.ts';
import { Intake } from './intake.ts';
import { createsEphemeral, localWriteError } from './local-sessions.ts';
import type { MirrorHold } from './mirror-hold.ts';
import { ownRequest, RequestNumbers } from './own-requests.ts';
import { Refusals } from './refusals.ts';
import { type Role, Roles } from './roles.ts';
import { SessionOpenings } from './session-openings.ts';

export class Host implements TxnLogListener {
	readonly stats = new HostStats();
	readonly refusals: Refusals;
	readonly #options: ChainOptions;
	readonly #serverId: number;
	readonly #log: TxnLog;
	readonly #clock: Clock;
	readonly #tracer: Tracer;
	readonly #schedule: Schedule;
	readonly #events: HostEvents;
	readonly #intake: Intake;
	readonly #roles: Roles;
	readonly #openings: SessionOpenings;
	readonly #hold: MirrorHold | undefined;
	readonly #numbers: RequestNumbers;
	readonly #runTurn = (): void => this.#turn();
	#isScheduled = false;
	#state: HostState;
	#stateReason = '';
	/** The request that is being taken, while it is. */
	#taking: Request | null = null;
	#whenRoom: (() => void) | null = null;

	constructor(parts: HostParts) {
		this.#options = parts.options;
		this.#serverId = parts.serverId;
		this.#numbers = new RequestNumbers(parts.serverId);
		this.#log = parts.log;
		this.#clock = parts.clock;
		this.#tracer = parts.tracer;
		this.#schedule = parts.schedule;
		this.#events = parts.events ?? {};
		this.#intake = new Intake(parts.options, parts.tracer, parts.clock);
		this.#hold = parts.hold;
		const isMember = parts.isMember ?? false;
		this.#state = isMember ? 'looking' : 'serving';
		this.#roles = new Roles({
			...parts,
			isMember,
			onCommit: (zxid) => {
				this.commit(zxid);
				this.endBatch();
			},
			onAside: () => this.#events.answered?.(),
			outcomes: {
				onError: (error, request) => this.#requestFailed(error, request),
				onAnswered: (request) => this.#answered(request),
				onSessionClosed: (id) => this.#events.sessionClosed?.(id),
				onCommitted: (record) => this.#events.committed?.(record),
			},
		});
		const exhausted = () => this.#exhausted();
		this.refusals = new Refusals({ options: parts.options, roles: this.#roles, hold: parts.hold, exhausted });
		this.#openings = new SessionOpenings({
			options: parts.options,
			roles: this.#roles,
			write: (request, op, session, timeMs) => this.#write(request, op, session, timeMs),
			answer: (request, result) => this.#answer(request, 0, result),
			count: (request) => this.#intake.count(request),
		});
	}

	get tree(): DataTree {
		return this.#roles.store.tree;
	}

	get sessions(): SessionTable {
		return this.#roles.store.sessions;
	}

	get watches(): WatchManager {
		return this.#roles.store.watches;
	}

	/** What it does in its ensemble; `none` while there is no leader. */
	get role(): Role {
		return this.#roles.role;
	}

	get state(): HostState {
		return this.#state;
	}

	/** Without a leader: only clients that accept that may have a session (semantics 67). */
	get isReadOnly(): boolean {
		return this.#state === 'readOnly';
	}

	/** Why the state is not `serving`; empty while it is. */
	get stateReason(): string {
		return this.#stateReason;
	}

	get lastProcessedZxid(): Zxid {
		return this.tree.lastProcessedZxid;
	}

	/** Requests taken and not yet answered. Doors throttle by it. */
	get outstanding(): number {
		return this.#intake.outstanding;
	}

	/** Requests that wait for their turn, and transactions that wait for their commit. */
	get queues(): { readonly intake: number; readonly commit: number } {
		return { intake: this.#intake.waiting, commit: this.#roles.chain.outstanding };
	}

	/** True while doors should stop reading from their connections. */
	get isThrottled(): boolean {
		return this.#intake.isThrottled;
	}

	/** Takes a request over. Its reply comes exactly once, never from inside this call. */
	submit(request: Request): void {
		this.#intake.push(request);
		this.#wake();
	}

	/** Runs it behind the turns of all that was submitted before, and in front of all that comes. */
	inTurn(run: () => void): void {
		this.#intake.behind(run);
	}

	/**
	 * A connection comes back with its session; the new connection then owns it. The door closes any older connection of that session
	 * that it has. A learner asks its leader first (semantics 65): the answer may come later, or at once.
	 */
	attach(id: SessionId, password: Uint8Array | null, requestedMs: number, answer: (answer: Attachment) => void): void {
		this.#roles.attach(id, password, requestedMs, answer);
	}

	/** False when the client has seen a later state than this replica's: it would go back in time here (semantics 61, 70). */
	maySee(lastZxidSeen: Zxid): boolean {
		return lastZxidSeen <= this.lastProcessedZxid;
	}

	/** Checks credentials at once, for a door whose connection sends its next request right behind them: the identities are in the answer (semantics 38). */
	authenticate(op: AuthOp): Reply {
		return performAuth(op, this.#options);
	}

	/** A connection is gone for good: its watches go with it, its session lives on (semantics 53). */
	disconnect(watcher: Watcher): void {
		this.watches.removeWatcher(watcher);
	}

	/** A door knows that the owner of this session is alive, without a request of it. Of a session that is over nothing happens. */
	touch(id: SessionId): void {
		const session = this.sessions.get(id);
		if (session === undefined) return;
		this.sessions.touch(session, this.#clock.monotonicMs());
		this.#roles.touchedHere(session);
	}

	/** At least once per tick: expires sessions, deletes containers and TTL nodes. */
	tick(): void {
		if (this.#state !== 'serving' && !this.isReadOnly) return;
		// Requests and pings wait in the queue while the disk is behind: nobody's silence is proved. Nor does anything end while that could not be recorded.
		if (this.#roles.chain.isFull || (this.role !== 'learner' && this.refusals.areWritesRefused)) return;
		const nowMs = this.#clock.monotonicMs();
		// Only a leader knows who of the others is silent, and only it deletes (semantics 62).
		const decides = (this.role === 'leader' || this.role === 'standalone') && !this.#options.isCopy;
		for (const session of decides ? this.sessions.expire(nowMs) : this.sessions.expireLocal(nowMs)) {
			this.stats.sessionsExpired += 1;
			this.#submitOwn({ kind: 'closeSession' }, session.id);
		}
		if (!decides) return;
		for (const path of this.#roles.store.containers.due(nowMs, this.#clock.now())) {
			this.#submitOwn({ kind: 'deleteContainer', path }, noSession);
		}
	}

	/** Of the log: alone that is a commit, in an ensemble an acknowledgement. */
	durable(zxid: Zxid): void {
		if (this.#state === 'broken') return;
		this.#guard(() => {
			this.#events.durable?.(zxid);
			this.#roles.chain.logged(zxid);
		});
		this.#goOn();
	}

	/** Everything up to this zxid is mirrored: with audit.mode=strict that may be a commit. */
	mirrored(zxid: Zxid): void {
		if (this.#hold === undefined || this.#state === 'broken') return;
		this.#hold.mirrored(zxid);
		this.#guard(() => this.#roles.chain.mirrored());
		this.#goOn();
	}

	/** Everything up to this zxid is committed: applies it and answers. */
	commit(zxid: Zxid): void {
		if (this.#state === 'broken') return;
		const startMs = this.#clock.monotonicMs();
		this.#guard(() => {
			const applied = this.#roles.chain.commit(zxid);
			if (applied === 0) return;
			this.stats.txnsApplied += applied;
			this.#tracer.batch('final', applied, this.#clock.monotonicMs() - startMs);
			this.#events.applied?.(zxid);
		});
	}

	/** The end of a batch of commits and proposals. */
	endBatch(): void {
		this.#guard(() => {
			this.#roles.chain.flush();
			this.#events.answered?.();
		});
		this.#goOn();
	}

	/** A member leads this epoch; see Roles. */
	lead(broadcast: Broadcast, epoch: number): void {
		this.commit(this.lastLogged);
		this.#serve(() => this.#roles.lead(broadcast, epoch));
	}

	/** A member follows or observes a leader it is in step with. */
	follow(uplink: Uplink): void {
		this.#serve(() => this.#roles.follow(uplink));
	}

	/** A member has no leader and finds none: it serves what it has applied, to clients that accept that (semantics 67). */
	serveReadOnly(): void {
		if (this.#state !== 'looking') return;
		this.#guard(() => this.#roles.serveReadOnly());
		if (this.#state === 'looking') this.#enter('readOnly', new Error(this.#stateReason));
	}

	/** A member lost its leader, or is about to have one again: nobody is served until it has. */
	look(reason: Error): void {
		if (this.#state !== 'serving' && !this.isReadOnly) return;
		this.#enter('looking', reason);
		this.#guard(() => {
			this.#roles.end();
			this.#events.answered?.();
		});
		this.#goOn();
	}

	/** Of a member: what its peer does with the roles, errors being this replica's end. */
	member(change: (roles: Roles) => void): void {
		if (this.#state !== 'broken') this.#guard(() => change(this.#roles));
	}

	/** Of a learner: who was active since the last call; the answer to its leader's ping. */
	activeSessions(): ReadonlyMap<SessionId, number> {
		return this.#roles.activeSessions();
	}

	/** The last transaction of the log, applied or not. */
	get lastLogged(): Zxid {
		return this.#roles.store.lastLogged;
	}

	/** The last transaction that is known to be proposed. With audit.mode=strict it waits for the mirror, and an observer hears of it with its sync's answer only. */
	get lastProposed(): Zxid {
		return this.#roles.lastProposed;
	}

	/** Whether the last logged transaction has the last zxid of its epoch (semantics 7). */
	get isEpochUsedUp(): boolean {
		return counterOf(this.lastLogged) >= this.#options.lastCounter;
	}

	failed(error: Error): void {
		if (this.#state === 'broken') return;
		const text = `the transaction log failed, nothing more is written: ${error.message}`;
		this.#enter('logFailed', new Error(text, { cause: error }));
		this.#guard(() => {
			this.#roles.chain.abandon(0);
			this.#events.answered?.();
		});
		this.#goOn();
	}

	/** The tree and the sessions exactly as they are now. The caller releases it. */
	snapshotPoint(): FrozenTree {
		return this.#roles.store.freeze();
	}

	/** Answers what was taken, waits until it is durable, closes the log. Requests that come later are answered ConnectionLoss. */
	async stop(): Promise<void> {
		while (this.#intake.waiting > 0) {
			this.#turn();
			if (this.#isHeldBack) await new Promise<void>((resolve) => (this.#whenRoom = resolve));
		}
		// A member has left its leader by now.
		if (this.#state === 'serving' || this.#state === 'looking' || this.isReadOnly)
			this.#enter('stopped', new Error('the replica was stopped'));
		await this.#log.close();
	}

	#submitOwn(op: Op, sessionId: SessionId): void {
		this.submit(ownRequest(op, sessionId));
	}

	/** A log that failed holds nobody back: there is nothing left to wait for. */
	get #isHeldBack(): boolean {
		return this.#state === 'serving' && this.#roles.chain.isFull;
	}

	/** There may be room in the log again. */
	#goOn(): void {
		this.#whenRoom?.();
		this.#whenRoom = null;
		if (this.#intake.waiting > 0) this.#wake();
	}

	#wake(): void {
		if (this.#isScheduled) return;
		this.#isScheduled = true;
		this.#schedule(this.#runTurn);
	}

	#turn(): void {
		this.#isScheduled = false;
		const startMs = this.#clock.monotonicMs();
		const timeMs = this.#clock.now();
		let taken = 0;
		this.#guard(() => {
			const most = Math.min(this.#intake.waiting, this.#options.maxBatch);
			for (; taken < most && !this.#isHeldBack; taken++) {
				this.#taking = this.#intake.shift()!;
				this.#take(this.#taking, startMs, timeMs);
				this.#taking = null;
				this.#intake.taken();
			}
			this.#roles.chain.flush();
		});
		this.#refuseTooMany();
		this.#intake.compact();
		if (taken > 0) {
			this.stats.requests += taken;
			this.#tracer.batch('prep', taken, this.#clock.monotonicMs() - startMs);
			this.#events.answered?.();
		}
		// When the log holds the chain back, durable() wakes it.
		if (this.#intake.waiting > 0 && !this.#isHeldBack) this.#wake();
	}

	#take(request: Request, nowMs: number, timeMs: number): void {
		const { op } = request;
		if (this.#state === 'broken') {
			this.#answer(request, errors.systemError.code);
			return;
		}
		if (request.isAbandoned?.() === true) {
			this.#answer(request, errors.requestTimeout.code);
			return;
		}
		const session = request.sessionId === noSession ? undefined : this.sessions.get(request.sessionId);
		if (session !== undefined) {
			this.sessions.touch(session, nowMs);
			this.#roles.touchedHere(session);
		}
		if (this.#state === 'looking') {
			this.#answer(request, errors.connectionLoss.code);
			return;
		}
		const refusal = this.refusals.of(request, this.#state);
		if (refusal !== 0) {
			this.#roles.chain.read(request, session, refusal);
		} else if (op.kind === 'createSession') {
			this.#openings.open(request, op, nowMs, timeMs);
		} else if (op.kind === 'closeSession' && session?.isLocal === true) {
			session.closing = true;
			this.#roles.chain.read(request, session, 0);
		} else if (isPreparable(op)) {
			if (session?.isLocal === true && createsEphemeral(op)) this.#openings.upgrade(request, session, timeMs);
			const error = session?.isLocal === true && this.role === 'learner' ? localWriteError(op, session) : 0;
			if (error === 0) this.#write(request, op, session, timeMs);
			else this.#roles.chain.read(request, session, error);
		} else {
			const isSessionless = request.sessionId === noSession;
			this.#roles.chain.read(request, session, isSessionless ? 0 : this.sessions.check(session, this.#serverId));
		}
	}

	#write(request: Request, op: Preparable, session: Session | undefined, timeMs: number): void {
		this.stats.writes += 1;
		const numbered = this.#roles.isToBeNumbered(request, session) ? this.#numbers.numbered(request) : request;
		this.#roles.chain.write(numbered, op, session, timeMs);
	}

	#refuseTooMany(): void {
		for (const request of this.#intake.takeRefused()) {
			this.stats.throttled += 1;
			this.#answer(request, errors.throttledOp.code);
		}
	}

	#exhausted(): void {
		if (this.role === 'leader') {
			this.#events.exhausted?.();
			return;
		}
		if (this.#stateReason !== '') return;
		const reason = new Error('the last zxid of this epoch is used up: a start of the replica begins a new epoch');
		this.#stateReason = reason.message;
		this.#events.stateChanged?.(this.#state, reason);
	}

	#serve(begin: () => void): void {
		this.refusals.leaderRefuses = false;
		this.#guard(begin);
		if (this.#state !== 'looking') return;
		this.#state = 'serving';
		this.#stateReason = '';
		this.#goOn();
	}

	/** Out of the chain's order: for what nothing of the same session can be waiting with. */
	#answer(request: Request, error: number, result?: Result): void {
		const zxid = this.lastProcessedZxid;
		try {
			request.reply(result === undefined ? { error, zxid } : { error, zxid, result });
		} catch (problem) {
			this.#requestFailed(problem, request);
		}
		this.#answered(request);
	}

	#answered(request: Request): void {
		this.#intake.answered(request);
		this.stats.answers += 1;
	}

	#requestFailed(error: unknown, request: Request): void {
		this.stats.requestsFailed += 1;
		this.#events.requestFailed?.(error, request);
	}

	/** Whatever escapes from the chain means that its state can no longer be trusted. */
	#guard(run: () => void): void {
		try {
			run();
		} catch (error) {
			this.#break(error instanceof Error ? error : new InvariantError(String(error)));
		}
	}

	#break(reason: Error): void {
		this.#enter('broken', reason);
		const taking = this.#taking;
		this.#taking = null;
		if (taking !== null) this.#answer(taking, errors.systemError.code);
		try {
			this.#roles.chain.abandon(errors.systemError.code);
		} catch (error) {
			this.#events.stateChanged?.('broken', new Error('requests in flight stay unanswered', { cause: error }));
		}
		this.#goOn();
	}

	#enter(state: HostState, reason: Error): void {
		if (this.#state === state) return;
		this.#state = state;
		this.#stateReason = reason.message;
		this.#events.stateChanged?.(state, reason);
	}
}
