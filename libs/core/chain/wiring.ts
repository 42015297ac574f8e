/**
 * The processor chains, one function per role. No processor builds another.
 *
 *     standalone  prep → sync → final
 *     leader      prep → propose + sync → (acks of a quorum) → final
 *     learner     forward ……… (the leader's proposal) → sync → (the leader's commit) → final
 *
 * Prep turns a request into a transaction, sync makes it durable, final applies and answers. Final only ever sees committed transactions, and does not
 * know who committed them. Reads go to final directly, in every role.
 *
 * Sync and final belong to the replica and outlive its roles: what is logged and not applied yet stays when a leader is lost.
 */
import { InvariantError } from '../model/assert.ts';
import { traceparentOf } from '../model/audit-context.ts';
import type { Request, SyncOp } from '../model/op.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import { type SessionId, type Zxid, zeroZxid } from '../model/zxid.ts';
import type { Clock } from '../ports/clock.ts';
import type { CommitHold } from '../ports/commit-hold.ts';
import type { Tracer } from '../ports/tracer.ts';
import type { Session } from '../session/session.ts';
import { eagerRefusal } from './eager-acl.ts';
import type { Final } from './final.ts';
import { Forwards } from './forwards.ts';
import { Pending } from './pending.ts';
import type { Ensemble } from './prep/ensemble.ts';
import { Prep, type Preparable, type PrepParts } from './prep.ts';
import { Proposal } from './proposal.ts';
import { SampledSyncs } from './sampled-syncs.ts';
import type { Sync } from './sync.ts';

/** What the host drives, whatever the role. */
export interface Chain {
	/** Transactions in flight. */
	readonly outstanding: number;
	/** Nothing more should be taken in until something was committed. */
	readonly isFull: boolean;
	/** This epoch has no zxid left (semantics 7). */
	readonly isExhausted: boolean;
	write(request: Request, op: Preparable, session: Session | undefined, timeMs: number): void;
	/** @param error found when the request came in; 0: perform it */
	read(request: Request, session: Session | undefined, error: number): void;
	/** The end of a turn: what was written goes to the log. */
	flush(): void;
	/** The own log has everything up to this zxid. */
	logged(zxid: Zxid): void;
	/** More is mirrored than before; see CommitHold. */
	mirrored(): void;
	/** Everything up to this zxid is committed. Returns how many transactions were applied. */
	commit(zxid: Zxid): number;
	/**
	 * Nothing in flight will ever be committed: answers it, outcome unknown.
	 * @param readError what the reads behind it are answered; 0: perform them
	 */
	abandon(readError: number): void;
}

export interface ChainParts extends PrepParts {
	readonly serverId: number;
	readonly clock: Clock;
	readonly tracer: Tracer;
	readonly sync: Sync;
	readonly final: Final;
	/** Something was answered, and it may be that no turn or batch ends behind it. */
	readonly onAside: () => void;
}

/** The leader's side of the broadcast (ZAB's third phase). */
export interface Broadcast extends Ensemble {
	/** In zxid order, before the own log has it. */
	propose(record: TxnRecord): void;
	/** The end of a turn. */
	flush(): void;
	/** The own log is an acknowledgement, too. */
	logged(zxid: Zxid): void;
	/** More is mirrored than before. */
	mirrored(): void;
	/** Done when a quorum has confirmed that this is still its leader, and what was proposed before is committed. */
	barrier(done: (error?: Error) => void): void;
}

/** A learner's way to its leader. */
export interface Uplink {
	/** In the order of submission. */
	forward(request: Request, op: Preparable, session: Session | undefined): void;
	/** Is this session alive? */
	revalidate(id: SessionId, timeoutMs: number): void;
	/** Answered in the order of the calls, behind the commits of what was forwarded before. */
	sync(request: Request, op: SyncOp): void;
	/** The own log has everything up to this zxid: acknowledges it. */
	logged(zxid: Zxid): void;
}

/** What is the same in every role. */
abstract class RoleChain {
	protected readonly sync: Sync;
	protected readonly final: Final;

	constructor(sync: Sync, final: Final) {
		this.sync = sync;
		this.final = final;
	}

	get outstanding(): number {
		return this.final.outstanding;
	}

	get isFull(): boolean {
		return this.sync.isFull;
	}

	get isExhausted(): boolean {
		return false;
	}

	read(request: Request, session: Session | undefined, error: number): void {
		this.final.read(request, session, error);
	}

	flush(): void {
		this.sync.flush();
	}

	commit(zxid: Zxid): number {
		return this.final.commit(zxid);
	}

	/** Of those who commit nothing themselves. */
	mirrored(): void {}

	abandon(readError: number): void {
		this.final.abandon(readError);
	}
}

/** Between two roles nothing is asked for. What is logged stays. */
export class IdleChain extends RoleChain implements Chain {
	write(): void {
		throw new InvariantError('broken invariant: a replica without a role takes no requests');
	}

	logged(): void {}
}

/** Where transactions are made. */
abstract class PreparingChain extends RoleChain {
	protected readonly sampled: SampledSyncs;
	readonly #parts: ChainParts;
	readonly #prep: Prep;

	constructor(parts: ChainParts) {
		super(parts.sync, parts.final);
		this.#parts = parts;
		this.#prep = new Prep(parts);
		this.sampled = new SampledSyncs(parts.tracer, parts.clock);
	}

	override get isExhausted(): boolean {
		return this.#prep.isExhausted;
	}

	override commit(zxid: Zxid): number {
		const applied = super.commit(zxid);
		if (applied > 0) this.#prep.applied(zxid);
		return applied;
	}

	protected prepared(request: Request, op: Preparable, session: Session | undefined, timeMs: number): Proposal {
		const { clock, tracer, serverId } = this.#parts;
		const startMs = request.traceparent === undefined ? 0 : clock.monotonicMs();
		const record = this.#prep.prepare(request, op, session, request.owner ?? serverId, timeMs);
		if (startMs === 0) return new Proposal(record, request, session, 0);
		const preparedMs = clock.monotonicMs();
		const proposal = new Proposal(record, request, session, preparedMs);
		proposal.trace(tracer, 'prep', startMs, preparedMs);
		return proposal;
	}

	protected expect(proposal: Proposal): void {
		this.sampled.add(proposal);
		this.sync.add(proposal.record);
		proposal.begin();
		this.final.expect(proposal);
	}
}

/** Alone, durable is committed, unless it has to be mirrored, too. */
export class StandaloneChain extends PreparingChain implements Chain {
	readonly #committed: (zxid: Zxid) => void;
	readonly #hold: CommitHold | undefined;
	#logged: Zxid = zeroZxid;

	constructor(parts: ChainParts, committed: (zxid: Zxid) => void, hold?: CommitHold) {
		super(parts);
		this.#committed = committed;
		this.#hold = hold;
	}

	logged(zxid: Zxid): void {
		this.sampled.logged(zxid);
		this.#logged = zxid;
		this.#committed(this.#hold?.decided(zxid) ?? zxid);
	}

	override mirrored(): void {
		this.logged(this.#logged);
	}

	write(request: Request, op: Preparable, session: Session | undefined, timeMs: number): void {
		this.expect(this.prepared(request, op, session, timeMs));
	}
}

/** Of an ensemble: durable at a quorum is committed. */
export class LeaderChain extends PreparingChain implements Chain {
	readonly #parts: ChainParts;
	readonly #broadcast: Broadcast;

	constructor(parts: ChainParts, broadcast: Broadcast) {
		super({ ...parts, ensemble: broadcast });
		this.#parts = parts;
		this.#broadcast = broadcast;
	}

	write(request: Request, op: Preparable, session: Session | undefined, timeMs: number): void {
		const refusal = eagerRefusal(request, this.#parts);
		if (refusal !== null) {
			this.final.answer(request, session, refusal);
			return;
		}
		const proposal = this.prepared(request, op, session, timeMs);
		this.#broadcast.propose(proposal.record);
		this.expect(proposal);
	}

	/** Unlike ZooKeeper's, a sync is not answered by a leader that was deposed without knowing it (semantics 69). */
	override read(request: Request, session: Session | undefined, error: number): void {
		if (request.op.kind !== 'sync' || error !== 0) {
			super.read(request, session, error);
			return;
		}
		const pending = new Pending(request, session, true);
		pending.begin();
		this.#broadcast.barrier((problem) => {
			if (problem === undefined) this.final.settle(pending);
			else this.final.giveUp(pending);
			this.#parts.onAside();
		});
	}

	override flush(): void {
		this.#broadcast.flush();
		super.flush();
	}

	logged(zxid: Zxid): void {
		this.sampled.logged(zxid);
		this.#broadcast.logged(zxid);
	}

	override mirrored(): void {
		this.#broadcast.mirrored();
	}
}

/** Follower or observer: what is written is decided elsewhere. */
export class LearnerChain extends RoleChain implements Chain {
	readonly #uplink: Uplink;
	readonly #forwards = new Forwards();
	readonly #parts: ChainParts;
	readonly #sampled: SampledSyncs;
	/** The leader had proposed up to here when it took the last sync that it has answered. */
	lastProposed: Zxid = zeroZxid;

	constructor(parts: ChainParts, uplink: Uplink) {
		super(parts.sync, parts.final);
		this.#uplink = uplink;
		this.#parts = parts;
		this.#sampled = new SampledSyncs(parts.tracer, parts.clock);
	}

	write(request: Request, op: Preparable, session: Session | undefined): void {
		const refusal = eagerRefusal(request, this.#parts);
		if (refusal !== null) {
			this.final.answer(request, session, refusal);
			return;
		}
		this.#forwards.add(request, session);
		this.#uplink.forward(request, op, session);
	}

	override read(request: Request, session: Session | undefined, error: number): void {
		if (request.op.kind !== 'sync' || error !== 0) {
			super.read(request, session, error);
			return;
		}
		this.#forwards.addSync(request, session);
		this.#uplink.sync(request, request.op);
	}

	/** The leader proposes it. */
	proposed(record: TxnRecord): void {
		const forward = this.#forwards.take(record.header);
		const begunMs = traceparentOf(record.context) === '' ? 0 : this.#parts.clock.monotonicMs();
		const proposal = new Proposal(record, forward?.request ?? null, forward?.session, begunMs);
		forward?.passOn(proposal);
		this.#sampled.add(proposal);
		this.sync.add(record);
		this.final.expect(proposal);
	}

	/** The leader has answered the oldest sync. */
	synced(proposed: Zxid): void {
		this.lastProposed = proposed;
		const sync = this.#forwards.takeSync();
		if (sync !== undefined) this.final.settle(sync);
	}

	/** The leader is gone: what was forwarded has an unknown outcome. */
	disown(): void {
		for (const pending of this.#forwards.takeAll()) this.final.giveUp(pending);
	}

	logged(zxid: Zxid): void {
		this.#sampled.logged(zxid);
		this.#uplink.logged(zxid);
	}

	override abandon(readError: number): void {
		this.disown();
		super.abandon(readError);
	}
}
