/**
 * The leader's side of ZAB: discovery (a quorum promises a new epoch, and none of it has a more recent history), synchronization (each learner gets this
 * server's history, and a quorum has it on its disks), broadcast (proposals in order, committed in order once a quorum has them on its disks). What holds at any time:
 * 1. The epoch is higher than any that a server of a quorum had accepted, and written before a learner hears of it.
 * 2. This server's own history is durable before the new epoch is written as that of the history.
 * 3. A follower counts for quorums only when its link stands and it acknowledged NEWLEADER.
 * 4. A proposal leaves for the followers in zxid order, a commit behind its proposal, and commits in zxid order (semantics 8).
 */
import { opCode } from '#jute/op-codes';
import type { SessionId } from '#jute/scalars';
import { assert } from '../../model/assert.ts';
import type { TxnRecord } from '../../model/txn-record.ts';
import { counterOf, epochOf, maxCounter, type Zxid, zeroZxid } from '../../model/zxid.ts';
import type { QuorumLink, QuorumLinkListener } from '../../ports/quorum-link.ts';
import { type Membership, MembershipChanged, staysLeader } from '../membership.ts';
import { configOfRecord, epochZxid, type ForwardedRequest, ping } from '../messages.ts';
import type { QuorumConfig } from '../quorum-config.ts';
import { QuorumError } from '../quorum-error.ts';
import type { ZabParts } from '../zab-parts.ts';
import { Barriers } from './barriers.ts';
import { designatedLeader } from './designated-leader.ts';
import { roomFor } from './later-promise.ts';
import type { LeaderApp, LearnerStatus } from './leader-app.ts';
import { LearnerHandler } from './learner-handler.ts';
import type { LearnerMaster } from './learner-master.ts';
import { lostQuorum, statusesOf } from './learner-status.ts';
import { hasAllNewcomers, isNewcomer } from './newcomers.ts';
import type { ProposalSizes } from './proposal-sizes.ts';
import { type Proposal, Proposals } from './proposals.ts';
import { committable, jointValue, quorumValue } from './quorum-value.ts';
import { SyncThrottle } from './sync-throttle.ts';
import { tellCommitted, tellCommittedThrough } from './tell-committed.ts';

type LeaderPhase = 'new' | 'discovery' | 'election' | 'synchronization' | 'broadcast' | 'closed';

export class Leader {
	readonly #parts: ZabParts;
	readonly #app: LeaderApp;
	readonly #learnerMaster: LearnerMaster;
	readonly #handlers = new Set<LearnerHandler>();
	#phase: LeaderPhase = 'new';
	/** While in discovery the lowest that may be proposed. */
	#epoch = 0;
	/** This server's history when it became leader: no follower of the quorum that elects it has a more recent one. */
	#currentEpoch = 0;
	#lastZxid: Zxid = zeroZxid;
	/** Monotonic; the phase must be over by then. */
	#deadlineMs = 0;
	#proposals = new Proposals(zeroZxid);
	/** Up to here they were sent. */
	#sent: Zxid = zeroZxid;
	#committed: Zxid = zeroZxid;
	/** A reconfiguration made another server the leader: this one commits nothing more, and steps down when the others have left. */
	#handedOver: MembershipChanged | null = null;
	/** Up to here they are durable in this server's own log. */
	#logged: Zxid = zeroZxid;
	/** Whether the history that it came with is. */
	#isDurable = false;
	readonly #barriers = new Barriers();
	/** Of pings. */
	#round = 0;
	/** What the last one said. */
	#toldOverdue = false;
	/** Servers that get a snapshot rather than transactions from the log on disk. */
	readonly #withoutLog = new Set<number>();
	#halfTicks = 0;
	#cancelTick: () => void = () => {};

	constructor(parts: ZabParts, app: LeaderApp) {
		this.#parts = parts;
		this.#app = app;
		this.#learnerMaster = this.#asMaster();
	}

	get isEstablished(): boolean {
		return this.#phase === 'broadcast';
	}

	/** 0 until a quorum of learners told theirs. */
	get epoch(): number {
		return this.#phase === 'new' || this.#phase === 'discovery' ? 0 : this.#epoch;
	}

	get lastProposed(): Zxid {
		return this.#proposals.last;
	}

	start(): void {
		assert(this.#phase === 'new', 'a leader starts once');
		const { history } = this.#parts;
		this.#currentEpoch = history.currentEpoch;
		this.#lastZxid = history.lastLogged;
		this.#epoch = history.acceptedEpoch + 1;
		this.#enter('discovery');
		this.#cancelTick = this.#parts.after(this.#parts.limits.tickMs / 2, () => this.#tick());
		history.durable().then(
			() => {
				this.#isDurable = true;
				this.#guarded(() => this.#elect());
			},
			(error: unknown) => this.#fail(error),
		);
		this.#guarded(() => this.#discover());
	}

	connected(link: QuorumLink): QuorumLinkListener {
		const handler = new LearnerHandler(this.#learnerMaster, link);
		if (this.#phase === 'closed') handler.close(new QuorumError('this server does not lead any more'));
		else this.#handlers.add(handler);
		return handler;
	}

	get membership(): Membership {
		return this.#parts.membership;
	}

	/** Whether a quorum of this configuration is in step, this server included: only then a reconfiguration can be committed (semantics 82). */
	isQuorumSynced(config: QuorumConfig): boolean {
		const synced = this.#values(1, ({ phase }) => (phase === 'upToDate' ? 1 : null));
		return quorumValue(config, synced) === 1;
	}

	refused(reason: string): void {
		this.#app.reconfigRefused?.(reason);
	}

	/** In zxid order, the first one (epoch, 1), before this server's own log has it. Sent at flush(). */
	propose(record: TxnRecord): void {
		if (this.#phase === 'closed') return;
		assert(this.#phase === 'broadcast', 'a leader proposes when it is established');
		if (counterOf(record.header.zxid) > maxCounter || epochOf(record.header.zxid) !== this.#epoch) {
			this.#fail(new Error(`the zxids of epoch ${this.#epoch} are used up: a new election begins the next one`));
			return;
		}
		const config = configOfRecord(record);
		if (config !== null) this.#parts.membership.propose(config);
		this.#proposals.push(record);
	}

	/** Sends what was proposed since the last time. */
	flush(): void {
		const upTo = this.#proposals.last;
		if (this.#phase !== 'broadcast' || upTo === this.#sent) return;
		const packets = this.#proposals.between(this.#sent, upTo);
		this.#sent = upTo;
		for (const handler of this.#handlers) {
			if (!handler.isForwarding || handler.role === 'observer') continue;
			for (const proposal of packets) handler.forward(proposal.proposed);
		}
	}

	/** This server's own log is durable up to here. */
	logged(zxid: Zxid): void {
		if (this.#phase !== 'broadcast' || zxid <= this.#logged) return;
		this.#logged = zxid;
		this.#guarded(() => this.#advance());
	}

	/** More is mirrored; see CommitHold. */
	mirrored(): void {
		if (this.#phase !== 'broadcast') return;
		this.#guarded(() => {
			this.#advance();
			// At once, and not with the next tick.
			if (this.#toldOverdue && !this.#isOverdue) this.#ping();
		});
	}

	/** `done` comes when everything proposed by now is committed, and a quorum has confirmed after this call that this is still the leader. */
	barrier(done: (error?: Error) => void, isOrdered = false): void {
		if (this.#phase !== 'broadcast') {
			done(new QuorumError('this server does not lead'));
			return;
		}
		this.flush();
		this.#barriers.add(this.#proposals.last, done, isOrdered);
		this.#guarded(() => this.#advance());
	}

	/** Whether the learner follows and is up to date. */
	synchronized(learner: number): boolean {
		for (const handler of this.#handlers) if (handler.serverId === learner) return handler.phase === 'upToDate';
		return false;
	}

	/** Those who wait for a quorum's word, here and at learners. */
	get pendingSyncs(): number {
		return this.#barriers.size;
	}

	/** Of this term. */
	get proposalSizes(): ProposalSizes {
		return this.#proposals.sizes;
	}

	learners(): readonly LearnerStatus[] {
		return statusesOf(this.#handlers);
	}

	close(reason: Error): void {
		if (this.#phase === 'closed') return;
		this.#phase = 'closed';
		this.#cancelTick();
		for (const handler of [...this.#handlers]) handler.close(reason);
		this.#barriers.fail(reason);
	}

	#fail(error: unknown): void {
		if (this.#phase === 'closed') return;
		const reason = error instanceof Error ? error : new Error(String(error));
		this.close(reason);
		this.#app.stepDown(reason);
	}

	#guarded(run: () => void): void {
		try {
			run();
		} catch (error) {
			this.#fail(error);
		}
	}

	#enter(phase: LeaderPhase): void {
		const { nowMs, limits } = this.#parts;
		this.#phase = phase;
		this.#deadlineMs = nowMs() + limits.initLimit * limits.tickMs;
	}

	/** What this server and its followers have reached: those for whom `value` is null do not count. */
	#values(own: number | null, value: (handler: LearnerHandler) => number | null): Map<number, number> {
		const values = new Map<number, number>();
		if (own !== null) values.set(this.#parts.serverId, own);
		for (const handler of this.#handlers) {
			if (handler.role === 'observer') continue;
			const reached = value(handler);
			if (reached !== null) values.set(handler.serverId, reached);
		}
		return values;
	}

	#hasQuorum(counts: (handler: LearnerHandler) => boolean): boolean {
		const counted = this.#values(1, (handler) => (counts(handler) ? 1 : null));
		return jointValue(this.#parts.membership, counted) === 1;
	}

	get #hasFollowers(): boolean {
		return this.#hasQuorum((handler) => handler.serverId !== -1 && !handler.isHeldBack);
	}

	#asMaster(): LearnerMaster {
		const leader = this;
		return {
			parts: this.#parts,
			syncs: new SyncThrottle(this.#parts.syncLimits),
			get epoch() {
				return leader.#epoch;
			},
			get lastProposed() {
				return leader.#sent;
			},
			get ping() {
				return ping(leader.#sent, leader.#toldOverdue);
			},
			get isReconfiguring() {
				return leader.#phase === 'broadcast' && leader.membership.next !== null;
			},
			introduced: (handler) => this.#introduced(handler),
			epochAcknowledged: (handler, currentEpoch) => this.#epochAcknowledged(handler, currentEpoch),
			startForwarding: (handler, zxid) => this.#startForwarding(handler, zxid),
			newLeaderAcknowledged: (handler) => {
				if (this.#phase === 'broadcast') handler.upToDate();
				else this.#synchronized();
			},
			receivedAll: () => this.#advance(),
			touched: (sessions) => this.#app.touched(sessions),
			requested: (handler, request) => this.#requested(handler, request),
			revalidate: (handler, sessionId: SessionId, timeoutMs, answer) =>
				this.#app.inTurn(() => {
					if (handler.phase !== 'closed') answer(this.#app.revalidate(sessionId, timeoutMs, handler.serverId));
				}),
			gone: (handler, reason) => this.#gone(handler, reason),
			failed: (error) => this.#fail(error),
		};
	}

	#introduced(handler: LearnerHandler): void {
		for (const other of this.#handlers) {
			if (other === handler || other.serverId !== handler.serverId) continue;
			other.close(new QuorumError(`server ${handler.serverId} came back on another connection`));
		}
		if (this.#phase !== 'discovery') {
			handler.sendLeaderInfo();
			return;
		}
		this.#epoch = Math.max(this.#epoch, handler.acceptedEpoch + 1);
		this.#discover();
	}

	#discover(): void {
		if (this.#phase !== 'discovery' || !this.#hasQuorum((handler) => handler.phase === 'discovery')) return;
		epochZxid(this.#epoch);
		this.#parts.history.acceptedEpoch = this.#epoch;
		this.#parts.membership.versionFirst(epochZxid(this.#epoch));
		this.#enter('election');
		for (const handler of this.#handlers) if (handler.phase === 'discovery') handler.sendLeaderInfo();
		this.#elect();
	}

	#epochAcknowledged(handler: LearnerHandler, currentEpoch: number): void {
		if (handler.acceptedEpoch > this.#epoch) {
			this.#fail(roomFor(handler, this.#parts, this.#epoch));
			return;
		}
		if (this.#phase !== 'election') {
			this.#synchronize(handler);
			return;
		}
		handler.isAhead =
			currentEpoch > this.#currentEpoch || (currentEpoch === this.#currentEpoch && handler.lastZxid > this.#lastZxid);
		if (handler.isAhead && !isNewcomer(this.#parts.membership, handler.serverId)) {
			throw new QuorumError(
				`server ${handler.serverId} has a more recent history (epoch ${currentEpoch}, 0x${handler.lastZxid.toString(16)}) than this leader (epoch ${this.#currentEpoch}, 0x${this.#lastZxid.toString(16)})`,
			);
		}
		this.#elect();
	}

	/**
	 * Its own history has to be durable before the new epoch is written as that of the history: otherwise a power cut would leave a shorter one that looks
	 * more recent than those of servers that have what is missing.
	 */
	#elect(): void {
		const promised = ({ phase, currentEpoch, isAhead }: LearnerHandler): boolean =>
			phase === 'elected' && currentEpoch !== -1 && (!isAhead || hasAllNewcomers(this.#parts, this.#handlers));
		if (this.#phase !== 'election' || !this.#isDurable || !this.#hasQuorum(promised)) return;
		this.#parts.history.currentEpoch = this.#epoch;
		this.#enter('synchronization');
		this.#proposals = new Proposals(epochZxid(this.#epoch));
		this.#sent = this.#proposals.last;
		this.#committed = this.#proposals.last;
		this.#logged = this.#proposals.last;
		for (const handler of [...this.#handlers]) if (handler.phase === 'elected') this.#synchronize(handler);
		// Alone it is a quorum already.
		this.#synchronized();
	}

	#synchronize(handler: LearnerHandler): void {
		handler.synchronize(!this.#withoutLog.delete(handler.serverId));
	}

	/** What is committed and not applied is not in the window yet, so it goes from here, with its commit. */
	#startForwarding(handler: LearnerHandler, zxid: Zxid): void {
		this.flush();
		for (const proposal of this.#proposals.between(zxid, this.#sent)) {
			const isCommitted = proposal.zxid <= this.#committed;
			if (!isCommitted && handler.role === 'observer') return;
			handler.forward(proposal.proposed);
			if (isCommitted) handler.forward(proposal.committed(null));
		}
	}

	#synchronized(): void {
		if (this.#phase !== 'synchronization') return;
		if (!this.#hasQuorum((handler) => handler.hasAcknowledged)) return;
		const { membership, serverId } = this.#parts;
		const { current, next } = membership;
		this.#phase = 'broadcast';
		if (next !== null) {
			membership.activate(next);
			// It completed what another one began, and is not to lead: with UPTODATE all know that, and elect.
			if (!staysLeader(current, next, serverId)) this.#handedOver = new MembershipChanged(next, null);
		}
		if (this.#handedOver === null) this.#app.established(this.#epoch);
		for (const handler of this.#handlers) if (handler.phase === 'acknowledged') handler.upToDate();
	}

	/** Commits what a quorum has, and answers those who waited for it. */
	#advance(): void {
		if (this.#phase !== 'broadcast') return;
		this.flush();
		const acknowledged = this.#values(this.#logged, (handler) =>
			handler.hasAcknowledged ? handler.acknowledged : null,
		);
		// A reconfiguration ends a batch: what is behind it needs another quorum.
		let isCommitted = false;
		while (!isCommitted && this.#handedOver === null) {
			const zxid = this.#held(Math.min(committable(this.#parts.membership, acknowledged), this.#sent) as Zxid);
			isCommitted = zxid <= this.#committed || this.#commit(zxid, acknowledged) === zxid;
			if (this.#phase !== 'broadcast') return;
		}
		const confirmed = this.#confirmedRound();
		this.#barriers.check(confirmed, this.#committed, this.#isOverdue);
		// One round at a time: who asks while it runs waits for the next one, together with all the others.
		if (this.#barriers.needRound && confirmed >= this.#round) {
			this.#ping();
			this.#barriers.check(this.#confirmedRound(), this.#committed, this.#isOverdue);
		}
	}

	/** The mirror reads this server's own log. */
	#held(zxid: Zxid): Zxid {
		const { hold } = this.#parts;
		if (hold === undefined) return zxid;
		const decided = Math.min(zxid, this.#logged) as Zxid;
		return decided <= this.#committed ? decided : hold.decided(decided);
	}

	get #isOverdue(): boolean {
		return this.#parts.hold?.isOverdue === true;
	}

	#confirmedRound(): number {
		return jointValue(
			this.#parts.membership,
			this.#values(this.#round, (handler) => (handler.phase === 'upToDate' ? handler.answeredRound : null)),
		);
	}

	/** @returns up to where: as far as it can, and to the first reconfiguration at most */
	#commit(upTo: Zxid, acknowledged: ReadonlyMap<number, number>): Zxid {
		let reconfig: Proposal | null = null;
		let last: Proposal | null = null;
		for (const proposal of this.#proposals.between(this.#committed, upTo)) {
			this.#committed = proposal.zxid;
			if (proposal.record.txn.kind === 'reconfig') {
				reconfig = proposal;
				break;
			}
			tellCommitted(this.#handlers, proposal, null);
			last = proposal;
		}
		if (last !== null) tellCommittedThrough(this.#handlers, last);
		this.#app.committed(this.#committed);
		if (reconfig !== null) this.#reconfigure(reconfig, acknowledged);
		this.#proposals.dropThrough(Math.min(this.#committed, this.#parts.history.lastCommitted) as Zxid);
		return this.#committed;
	}

	/** It is applied already, so that the state agrees with the configuration whenever somebody hears of that. */
	#reconfigure(proposal: Proposal, acknowledged: ReadonlyMap<number, number>): void {
		const { membership, serverId } = this.#parts;
		const previous = membership.current;
		const config = configOfRecord(proposal.record)!;
		membership.activate(config);
		const leader = designatedLeader(serverId, previous, config, acknowledged);
		if (leader !== serverId) this.#handedOver = new MembershipChanged(config, leader);
		// Learners leave when another one is to lead: so all that are there hear of it.
		tellCommitted(this.#handlers, proposal, leader);
		for (const handler of this.#handlers) handler.announce();
	}

	/** A ZooKeeper takes answers in the order of its questions only, those of a sync too: the barrier is in its turn, and later commits wait for it. */
	#requested(handler: LearnerHandler, request: ForwardedRequest): void {
		const { last } = this.#proposals;
		const synced = (error?: Error): void => (error === undefined ? handler.synced(last) : undefined);
		if (request.type !== opCode.sync) this.#app.request(request, handler.serverId);
		else if (handler.isMarked) this.#barriers.add(last, synced);
		else {
			this.#app.inTurn(() => {
				handler.syncs(this.#proposals.last);
				this.barrier(synced, true);
			});
		}
	}

	#ping(): void {
		this.#round += 1;
		this.#barriers.began(this.#round);
		this.#toldOverdue = this.#isOverdue;
		for (const handler of this.#handlers) handler.ping(this.#round);
	}

	#gone(handler: LearnerHandler, reason: Error): void {
		this.#handlers.delete(handler);
		if (handler.logFailed) this.#withoutLog.add(handler.serverId);
		this.#app.learnerLost?.(handler.serverId, handler.address, reason);
		if (this.#handedOver !== null && !this.#hasFollowers) this.#fail(this.#handedOver);
	}

	#tick(): void {
		if (this.#phase === 'closed') return;
		this.#halfTicks += 1;
		this.#cancelTick = this.#parts.after(this.#parts.limits.tickMs / 2, () => this.#tick());
		this.#guarded(() => {
			for (const handler of [...this.#handlers]) handler.check();
			if (this.#phase === 'broadcast') {
				// The check above closed the links of those who did not answer within syncLimit.
				if (this.#halfTicks % 2 === 0 && !this.#hasFollowers)
					throw this.#handedOver ?? new QuorumError(lostQuorum(this.learners()));
				this.#ping();
				this.#advance();
			} else if (this.#parts.nowMs() > this.#deadlineMs) {
				throw new QuorumError(
					`no quorum of followers within initLimit (${this.#phase}): ${lostQuorum(this.learners())}`,
				);
			}
		});
	}
}
