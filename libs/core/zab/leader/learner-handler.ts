/** The leader's end of the link to one learner, from FOLLOWERINFO on (ZooKeeper's LearnerHandler). */
import { JuteError } from '#jute/codec';
import { protocolVersion, readIntData, readLearnerInfo, writeLeaderInfo } from '#jute/quorum/learner-info';
import { packetType, type QuorumPacket } from '#jute/quorum/packets';
import { readRevalidation, readTouches, writeRevalidated } from '#jute/quorum/session-data';
import { counterOf, epochOf, formatZxid, type Zxid, zeroZxid } from '../../model/zxid.ts';
import type { QuorumLink, QuorumLinkListener } from '../../ports/quorum-link.ts';
import { dataOf, describePacket, epochZxid, packet, requestOf, textData, zxidOf } from '../messages.ts';
import { QuorumError } from '../quorum-error.ts';
import type { LearnerMaster } from './learner-master.ts';
import { type SyncWay, TooManySyncs } from './sync-throttle.ts';
import { Synchronization } from './synchronization.ts';

/**
 * connected: FOLLOWERINFO is due; discovery: it waits for the new epoch; promise: ACKEPOCH is due; elected: it waits for a quorum of those;
 * synchronizing: it is sent the history; newLeader: NEWLEADER's ack is due; acknowledged: it waits for a quorum of those; upToDate: it follows.
 */
export type HandlerPhase =
	| 'connected'
	| 'discovery'
	| 'promise'
	| 'elected'
	| 'synchronizing'
	| 'newLeader'
	| 'acknowledged'
	| 'upToDate'
	| 'closed';

export class LearnerHandler implements QuorumLinkListener {
	readonly #leader: LearnerMaster;
	readonly #link: QuorumLink;
	#phase: HandlerPhase = 'connected';
	/** -1 until it introduced itself. */
	serverId = -1;
	role: 'follower' | 'observer' = 'follower';
	/** A Chronokeeper. */
	isMarked = false;
	/** As it said when it introduced itself. */
	acceptedEpoch = 0;
	/** The last transaction of its history, as it said with ACKEPOCH. */
	lastZxid: Zxid = zeroZxid;
	/** -1 when it had promised the epoch before. */
	currentEpoch = -1;
	/** Its history is more recent than the leader's. */
	isAhead = false;
	/** It has all proposals up to here on its disk. */
	acknowledged: Zxid = zeroZxid;
	/**
	 * What its acknowledgement of NEWLEADER stands for: everything in front of that. Of a ZooKeeper only what was committed by then: a proposal that was not is acknowledged by itself, and is on its disk
	 * no sooner (3.8 writes it meanwhile, 3.9.3 behind UPTODATE).
	 */
	#coveredByNewLeader: Zxid = zeroZxid;
	/** Proposals and commits that came while it is synchronized; null when there is nothing to wait for. */
	#held: QuorumPacket[] | null = null;
	/**
	 * Commits between NEWLEADER and UPTODATE. A ZooKeeper 3.8.0 follower ends at one of a proposal that came in front of NEWLEADER
	 * (ZOOKEEPER-4394).
	 */
	readonly #commits: QuorumPacket[] = [];
	/**
	 * The last proposal in front of each sync of a ZooKeeper that is not answered yet, and the commits behind the oldest one. ZooKeeper's followers and observers find what they wait for, writes and syncs, in
	 * the order in which they sent it: after one answer out of turn they answer no client any more.
	 */
	readonly #syncs: Zxid[] = [];
	#behindSync: QuorumPacket[] = [];
	#synchronization: Synchronization | null = null;
	/** It is not being brought up any more. */
	#endSync: () => void = () => {};
	/** Up to here it was sent the leader's history; null while it is being sent. */
	#has: Zxid | null = null;
	/** Transactions could not be read from the log on disk: the learner needs a snapshot when it comes back. */
	logFailed = false;
	/** Monotonic; what is due must be there by then. */
	#deadlineMs: number;
	/** Rounds of pings that it has not answered, in order. */
	readonly #pings: number[] = [];
	/** The last round of pings that it answered. */
	answeredRound = 0;
	/** What was proposed when this was last looked at, and since when it has not been acknowledged. */
	#awaited: Zxid = zeroZxid;
	#awaitedSinceMs = 0;

	constructor(leader: LearnerMaster, link: QuorumLink) {
		this.#leader = leader;
		this.#link = link;
		this.#deadlineMs = this.#inTicks(leader.parts.limits.initLimit);
	}

	get phase(): HandlerPhase {
		return this.#phase;
	}

	get address(): string {
		return this.#link.address;
	}

	/** Whether it gets proposals and commits. */
	get isForwarding(): boolean {
		return this.#phase === 'synchronizing' || this.#phase === 'newLeader' || this.hasAcknowledged;
	}

	/** Whether it has the leader's history on its disk, so that its acks count. */
	get hasAcknowledged(): boolean {
		return this.#phase === 'acknowledged' || this.#phase === 'upToDate';
	}

	/** A COMMIT commits all in front of it, too: ZooKeeper's followers want one each. */
	get takesBatches(): boolean {
		return this.isMarked && this.role === 'follower';
	}

	get syncKind(): string | null {
		return this.#synchronization?.kind ?? null;
	}

	received(received: QuorumPacket): void {
		try {
			this.#handle(received);
		} catch (error) {
			this.#broken(error);
		}
	}

	receivedAll(): void {
		if (this.#phase === 'closed') return;
		try {
			this.#leader.receivedAll();
		} catch (error) {
			this.#leader.failed(error);
		}
	}

	closed(reason: Error): void {
		this.close(reason);
	}

	close(reason: Error): void {
		if (this.#phase === 'closed') return;
		this.#phase = 'closed';
		this.#synchronization?.stop();
		this.#endSync();
		this.#held = null;
		this.#link.close();
		this.#leader.gone(this, reason);
	}

	/** What the other side does wrong costs it the link; anything else is the leader's fault. */
	#broken(error: unknown): void {
		if (error instanceof JuteError)
			this.close(new QuorumError(`${this.#name()} sent something malformed: ${error.message}`));
		else if (error instanceof QuorumError) this.close(error);
		else this.#leader.failed(error);
	}

	#handle(received: QuorumPacket): void {
		switch (this.#phase) {
			case 'connected':
				if (received.type === packetType.followerInfo) this.#introduced(received, 'follower');
				else if (received.type === packetType.observerInfo) this.#introduced(received, 'observer');
				else throw this.#unexpected(received, 'FOLLOWERINFO or OBSERVERINFO');
				return;
			case 'promise':
				if (received.type !== packetType.ackEpoch) throw this.#unexpected(received, 'ACKEPOCH');
				this.lastZxid = zxidOf(received);
				this.currentEpoch = readIntData(dataOf(received));
				this.#phase = 'elected';
				this.#leader.epochAcknowledged(this, this.currentEpoch);
				return;
			case 'newLeader':
			case 'acknowledged':
				if (received.type !== packetType.ack) throw this.#unexpected(received, 'an ACK');
				this.#acknowledged(zxidOf(received));
				return;
			case 'upToDate':
				this.#deadlineMs = this.#inTicks(this.#leader.parts.limits.syncLimit);
				this.#broadcast(received);
				return;
			case 'closed':
				return;
			default:
				throw this.#unexpected(received, 'nothing before the leader answers');
		}
	}

	#introduced(received: QuorumPacket, role: 'follower' | 'observer'): void {
		const { parts } = this.#leader;
		const data = dataOf(received);
		if (data.length < 20)
			throw new QuorumError(`${describePacket(received)} is of a release before 3.5, which cannot join`);
		const info = readLearnerInfo(data);
		if (info.protocolVersion < protocolVersion) {
			throw new QuorumError(
				`server ${info.serverId} speaks protocol version ${info.protocolVersion}, which is too old`,
			);
		}
		if (info.serverId === parts.serverId) {
			throw new QuorumError(`${this.address} says that it is server ${info.serverId}, which is this one`);
		}
		const { version } = parts.membership.current;
		if (info.configVersion > version) {
			throw new QuorumError(
				`server ${info.serverId} has the configuration of version ${info.configVersion}, this one that of ${version}`,
			);
		}
		const acceptedEpoch = epochOf(zxidOf(received));
		// The next epoch must be one that this build can hold, or the ensemble would have no leader any more.
		epochZxid(acceptedEpoch + 1);
		this.serverId = info.serverId;
		this.acceptedEpoch = acceptedEpoch;
		this.role = role;
		this.isMarked = info.isMarked;
		this.#phase = 'discovery';
		this.#leader.introduced(this);
	}

	sendLeaderInfo(): void {
		this.#phase = 'promise';
		this.#deadlineMs = this.#inTicks(this.#leader.parts.limits.initLimit);
		const info = writeLeaderInfo({ protocolVersion, isExact: this.#leader.parts.history.isExact, isMarked: true });
		this.#link.send(packet(packetType.leaderInfo, epochZxid(this.#leader.epoch), info));
	}

	/** @param useLog whether transactions may be read from the log on disk */
	synchronize(useLog: boolean): void {
		const { history, after } = this.#leader.parts;
		const upTo = history.lastCommitted;
		this.#phase = 'synchronizing';
		this.#progressed();
		this.#held = [];
		this.#leader.startForwarding(this, upTo);
		this.#synchronization = new Synchronization(
			{
				history,
				after,
				link: this.#link,
				learnerLastZxid: this.lastZxid,
				upTo,
				useLog,
				forceSnapshot: this.#leader.syncs.limits.forceSnapshot,
				takesBatches: this.isMarked,
			},
			{
				begins: (way) => this.#beginSync(way),
				done: (zxid) => this.#synchronized(zxid),
				failed: (error) => this.#synchronizationFailed(error),
				progressed: () => this.#progressed(),
			},
		);
		try {
			this.#synchronization.start();
		} catch (error) {
			// Of this learner, whoever's packet led to it.
			if (!(error instanceof TooManySyncs)) throw error;
			this.close(error);
		}
	}

	#beginSync(way: SyncWay): void {
		this.#endSync = this.#leader.syncs.begin(way, this.role);
	}

	#progressed(): void {
		this.#deadlineMs = this.#inTicks(this.#leader.parts.limits.initLimit);
	}

	/** Bad places of an old log are no reason to stop leading. */
	#synchronizationFailed(error: unknown): void {
		this.logFailed = this.#synchronization?.kind === 'log' && !(error instanceof TooManySyncs);
		this.close(error instanceof Error ? error : new Error(String(error)));
	}

	#synchronized(zxid: Zxid): void {
		if (this.#phase !== 'synchronizing') return;
		this.#has = zxid;
		this.announce();
	}

	/** A ZooKeeper takes the configuration of NEWLEADER for committed, and forgets one that was proposed before: it waits while there are two of them. */
	get isHeldBack(): boolean {
		return this.#phase === 'synchronizing' && this.#has !== null && !this.isMarked && this.#leader.isReconfiguring;
	}

	/** NEWLEADER, once the learner has everything. What was proposed meanwhile goes in front of it: the learner has it on its disk, too, before it acknowledges that. */
	announce(): void {
		const zxid = this.#has;
		if (zxid === null || this.#phase !== 'synchronizing' || this.isHeldBack) return;
		const { parts, epoch } = this.#leader;
		const held = this.#held ?? [];
		this.#held = null;
		this.#phase = 'newLeader';
		this.#progressed();
		this.#coveredByNewLeader = zxid;
		for (const packet of held) {
			if (packet.zxid <= zxid) continue;
			if (this.isMarked || isCommit(packet))
				this.#coveredByNewLeader = Math.max(this.#coveredByNewLeader, packet.zxid) as Zxid;
			this.#link.send(packet);
		}
		const { current, next } = parts.membership;
		const config = textData((next ?? current).toString());
		this.#link.send(packet(packetType.newLeader, epochZxid(epoch), config));
	}

	/** A proposal, a commit or an inform. */
	forward(packet: QuorumPacket): void {
		if (this.#held !== null) this.#held.push(packet);
		else if (isCommit(packet) && this.#phase !== 'upToDate') this.#commits.push(packet);
		else if (this.#syncs.length > 0 && packet.zxid > this.#syncs[0]! && packet.type !== packetType.proposal)
			this.#behindSync.push(packet);
		else this.#link.send(packet);
	}

	/**
	 * ZooKeeper 3.8's followers acknowledge what they log, also what was committed before they came, and may do so before they acknowledge NEWLEADER
	 * (ZOOKEEPER-4685). It counts only from then on.
	 */
	#acknowledged(zxid: Zxid): void {
		const newLeader = epochZxid(this.#leader.epoch);
		if (zxid === newLeader) {
			// The second one acknowledges UPTODATE, which nobody waits for.
			if (this.#phase !== 'newLeader') return;
			this.#phase = 'acknowledged';
			this.#synchronization = null;
			this.#endSync();
			if (this.#coveredByNewLeader > this.acknowledged) this.acknowledged = this.#coveredByNewLeader;
			this.#leader.newLeaderAcknowledged(this);
			return;
		}
		if (counterOf(zxid) === 0 || zxid > this.#leader.lastProposed) {
			throw new QuorumError(
				`${this.#name()} acknowledges ${formatZxid(zxid)}; the last proposal is ${formatZxid(this.#leader.lastProposed)}`,
			);
		}
		if (zxid <= this.acknowledged) return;
		this.acknowledged = zxid;
	}

	upToDate(): void {
		const { limits, nowMs } = this.#leader.parts;
		this.#phase = 'upToDate';
		this.#deadlineMs = this.#inTicks(limits.syncLimit);
		this.#awaited = zeroZxid;
		this.#awaitedSinceMs = nowMs();
		this.#link.send(packet(packetType.upToDate));
		for (const commit of this.#commits.splice(0)) this.#link.send(commit);
	}

	#broadcast(received: QuorumPacket): void {
		switch (received.type) {
			case packetType.ack:
				this.#acknowledged(zxidOf(received));
				return;
			case packetType.ping: {
				this.answeredRound = this.#pings.shift() ?? this.answeredRound;
				const sessions = readTouches(received.data ?? new Uint8Array(0));
				if (sessions.size > 0) this.#leader.touched(sessions);
				return;
			}
			case packetType.request:
				this.#leader.requested(this, requestOf(received, this.isMarked));
				return;
			case packetType.revalidate: {
				const { sessionId, timeoutMs } = readRevalidation(dataOf(received));
				this.#leader.revalidate(this, sessionId, timeoutMs, (isValid) => {
					this.#link.send(packet(packetType.revalidate, received.zxid, writeRevalidated(sessionId, isValid)));
				});
				return;
			}
			default:
				throw this.#unexpected(received, 'ACK, PING, REQUEST or REVALIDATE');
		}
	}

	/** A ZooKeeper waits for a sync, which is answered behind the commit of this proposal and in front of all later ones. */
	syncs(behind: Zxid): void {
		this.#syncs.push(behind);
	}

	/**
	 * The answer to its oldest sync.
	 * @param proposed when that came, up to here: not all of it is committed while the mirror keeps it back. A ZooKeeper's answer has no zxid; nor has one in front of the epoch's first transaction,
	 * whose beginning nobody applies.
	 */
	synced(proposed: Zxid): void {
		if (this.#phase !== 'upToDate') return;
		this.#link.send(packet(packetType.sync, this.isMarked && counterOf(proposed) > 0 ? proposed : 0));
		this.#syncs.shift();
		for (const commit of this.#behindSync.splice(0)) this.forward(commit);
	}

	/** Only who got UPTODATE answers pings. */
	ping(round: number): void {
		if (this.#phase !== 'upToDate') return;
		this.#pings.push(round);
		this.#link.send(this.#leader.ping);
	}

	/** Every half tick: closes the link when something is overdue. */
	check(): void {
		const now = this.#leader.parts.nowMs();
		const { syncLimit, tickMs } = this.#leader.parts.limits;
		switch (this.#phase) {
			case 'connected':
			case 'promise':
			case 'synchronizing':
			case 'newLeader':
			case 'upToDate':
				if (now > this.#deadlineMs)
					this.close(new QuorumError(`${this.#name()} was silent for too long (${this.#phase})`));
				break;
			default:
		}
		if (this.#phase !== 'upToDate' || this.role === 'observer') return;
		// It answers pings, and its disk does not keep up.
		if (this.acknowledged >= this.#awaited) {
			this.#awaited = this.#leader.lastProposed;
			if (counterOf(this.#awaited) === 0) this.#awaited = zeroZxid;
			this.#awaitedSinceMs = now;
		} else if (now - this.#awaitedSinceMs > syncLimit * tickMs) {
			this.close(new QuorumError(`${this.#name()} did not acknowledge ${formatZxid(this.#awaited)} in time`));
		}
	}

	#inTicks(ticks: number): number {
		const { nowMs, limits } = this.#leader.parts;
		return nowMs() + ticks * limits.tickMs;
	}

	#name(): string {
		return this.serverId === -1 ? this.address : `server ${this.serverId} (${this.address})`;
	}

	#unexpected(received: QuorumPacket, expected: string): QuorumError {
		return new QuorumError(`${this.#name()} sent ${describePacket(received)} where ${expected} was expected`);
	}
}

function isCommit({ type }: QuorumPacket): boolean {
	return type === packetType.commit || type === packetType.commitAndActivate;
}
