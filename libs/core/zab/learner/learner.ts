/**
 * A follower's or an observer's side of ZAB, for one link to one leader: it promises the leader's epoch, takes over its history, and then follows.
 *
 * What holds at any time:
 * 1. An epoch is written as accepted before it is promised, and none lower is followed.
 * 2. NEWLEADER is acknowledged when everything that came before it is durable and the current epoch is written (semantics 81).
 * 3. No proposal is acknowledged before that, nor before it is durable, nor by an observer (semantics 9).
 */
import { JuteError } from '#jute/codec';
import { protocolVersion, readLeaderInfo, writeIntData, writeLearnerInfo } from '#jute/quorum/learner-info';
import { packetType, type QuorumPacket } from '#jute/quorum/packets';
import { readRevalidated, writeRevalidation, writeTouches } from '#jute/quorum/session-data';
import type { SessionId } from '#jute/scalars';
import { assert } from '../../model/assert.ts';
import type { TxnRecord } from '../../model/txn-record.ts';
import { epochOf, formatZxid, isContiguous, type Zxid } from '../../model/zxid.ts';
import type { QuorumLink, QuorumLinkListener } from '../../ports/quorum-link.ts';
import {
	dataOf,
	describePacket,
	designatedLeaderOf,
	epochZxid,
	type ForwardedRequest,
	isRefusing,
	packet,
	recordOf,
	requestPacket,
	syncRequest,
	zxidOf,
} from '../messages.ts';
import { QuorumError } from '../quorum-error.ts';
import type { ZabParts } from '../zab-parts.ts';
import { Incoming } from './incoming.ts';
import type { LearnerApp } from './learner-app.ts';
import { ToldConfigs } from './told-configs.ts';

export interface LearnerParts extends ZabParts {
	readonly role: 'follower' | 'observer';
	/** The server to follow. */
	readonly leader: number;
	/** The epoch of this leader's in which the history could not be cut as it wanted: there a snapshot is asked for. */
	readonly snapshotIn?: number;
}

/**
 * discovery: LEADERINFO is due; synchronization: DIFF, TRUNC or SNAP is; incoming: what belongs to it; newLeader: NEWLEADER is acknowledged, UPTODATE is
 * due; broadcast: it follows.
 */
type LearnerPhase = 'new' | 'discovery' | 'synchronization' | 'incoming' | 'newLeader' | 'broadcast' | 'closed';

export class Learner implements QuorumLinkListener {
	readonly #parts: LearnerParts;
	readonly #app: LearnerApp;
	readonly #incoming: Incoming;
	readonly #configs: ToldConfigs;
	#link: QuorumLink | null = null;
	#phase: LearnerPhase = 'new';
	#epoch = 0;
	/** What the leader says of its snapshots. */
	#isExact = false;
	/** A Chronokeeper: one ACK acknowledges all in front of it, and one COMMIT commits them. */
	#isMarked = false;
	#asksForSnapshot = false;
	/** Packets behind one that the history is still busy with. */
	#inbox: QuorumPacket[] = [];
	#busy: Promise<void> | null = null;
	/** What came between NEWLEADER's ack and UPTODATE. */
	#held: QuorumPacket[] = [];
	/** Proposals that are not acknowledged, in order. */
	#unacknowledged: Zxid[] = [];
	/** The last proposal, and up to where they are committed; `#told` is what the replica knows of that. */
	#last = 0 as Zxid;
	#committed = 0 as Zxid;
	#told = 0 as Zxid;
	/** Monotonic. */
	#heardAtMs = 0;
	#cancelCheck: () => void = () => {};

	constructor(parts: LearnerParts, app: LearnerApp) {
		this.#parts = parts;
		this.#app = app;
		this.#configs = new ToldConfigs(parts.membership, parts.leader);
		this.#incoming = new Incoming(parts.history, parts.role === 'observer', this.#configs);
	}

	/** The leader's; 0 before it said so. */
	get epoch(): number {
		return this.#epoch;
	}

	get isSynchronized(): boolean {
		return this.#phase === 'broadcast';
	}

	/** Resolves when no change of the history is under way: only then may another learner or leader begin with it. */
	async idle(): Promise<void> {
		await this.#busy;
	}

	connected(link: QuorumLink): QuorumLinkListener {
		if (this.#phase !== 'new') {
			link.close();
			return { received: () => {}, closed: () => {} };
		}
		this.#link = link;
		this.#phase = 'discovery';
		const { history, serverId, role } = this.#parts;
		const type = role === 'follower' ? packetType.followerInfo : packetType.observerInfo;
		const configVersion = this.#parts.membership.current.version;
		const info = writeLearnerInfo({ serverId, protocolVersion, configVersion, isMarked: true });
		link.send(packet(type, epochZxid(history.acceptedEpoch), info));
		this.#heardAtMs = this.#parts.nowMs();
		this.#checkLater();
		return this;
	}

	received(received: QuorumPacket): void {
		this.#heardAtMs = this.#parts.nowMs();
		if (this.#busy !== null) this.#inbox.push(received);
		else this.#guarded(() => this.#handle(received));
	}

	receivedAll(): void {
		this.#guarded(() => this.#tellCommitted());
	}

	closed(reason: Error): void {
		this.#fail(reason);
	}

	/** The own log is durable up to here. */
	logged(zxid: Zxid): void {
		if (this.#phase !== 'broadcast' && this.#phase !== 'newLeader') return;
		let count = 0;
		while (count < this.#unacknowledged.length && this.#unacknowledged[count]! <= zxid) {
			count += 1;
		}
		if (count > 0) this.#acknowledge(this.#unacknowledged.splice(0, count));
	}

	forward(request: ForwardedRequest): void {
		assert(
			this.#phase === 'broadcast' || this.#phase === 'closed',
			'requests are forwarded to a leader that is followed',
		);
		this.#send(requestPacket(request));
	}

	revalidate(sessionId: SessionId, timeoutMs: number): void {
		this.#send(packet(packetType.revalidate, -1, writeRevalidation(sessionId, timeoutMs)));
	}

	/** Answered by synced(). */
	sync(sessionId: SessionId, cxid: number, path: string): void {
		this.forward(syncRequest(sessionId, cxid, path));
	}

	/** The replica gives the leader up; lost() does not come any more. */
	close(_reason: Error): void {
		if (this.#phase === 'closed') return;
		this.#phase = 'closed';
		this.#cancelCheck();
		this.#inbox = [];
		this.#held = [];
		this.#link?.close();
	}

	#fail(error: unknown): void {
		if (this.#phase === 'closed') return;
		const reason =
			error instanceof JuteError
				? new QuorumError(`${this.#leader()} sent something malformed: ${error.message}`)
				: error instanceof Error
					? error
					: new Error(String(error));
		this.close(reason);
		this.#app.lost(reason);
	}

	#guarded(run: () => void): void {
		if (this.#phase === 'closed') return;
		try {
			run();
		} catch (error) {
			this.#fail(error);
		}
	}

	#send(sent: QuorumPacket): void {
		if (this.#phase !== 'closed') this.#link?.send(sent);
	}

	#handle(received: QuorumPacket): void {
		switch (this.#phase) {
			case 'discovery':
				if (received.type !== packetType.leaderInfo) throw this.#unexpected(received, 'LEADERINFO');
				this.#promise(received);
				return;
			case 'synchronization':
				this.#synchronize(received);
				return;
			case 'incoming':
				if (received.type === packetType.newLeader) this.#newLeader(received);
				// ZooKeeper's learners pass over pings, too, while they are synchronized.
				else if (received.type !== packetType.ping) this.#incoming.take(received);
				return;
			case 'newLeader':
				if (received.type === packetType.upToDate) this.#upToDate();
				else if (received.type !== packetType.ping) this.#held.push(received);
				return;
			case 'broadcast':
				this.#follow(received);
				return;
			default:
		}
	}

	/** The epoch is promised once: who promised it before says so, and does not count again. */
	#promise(received: QuorumPacket): void {
		const { history } = this.#parts;
		const info = readLeaderInfo(dataOf(received));
		if (info.protocolVersion < protocolVersion) {
			throw new QuorumError(`${this.#leader()} speaks protocol version ${info.protocolVersion}, which is too old`);
		}
		const epoch = epochOf(zxidOf(received));
		if (epoch < history.acceptedEpoch) {
			// A ZooKeeper would take that for a promise. A Chronokeeper makes room for an epoch that can be followed, should this history not be the more recent one.
			const current = writeIntData(history.currentEpoch);
			if (info.isMarked) this.#send(packet(packetType.ackEpoch, history.lastLogged, current));
			throw new QuorumError(`${this.#leader()} leads epoch ${epoch}, and epoch ${history.acceptedEpoch} is promised`);
		}
		const isNew = epoch > history.acceptedEpoch;
		if (isNew) history.acceptedEpoch = epoch;
		this.#epoch = epoch;
		this.#isExact = info.isExact;
		this.#isMarked = info.isMarked;
		this.#incoming.takesBatches = info.isMarked;
		this.#asksForSnapshot = !isNew && epoch === this.#parts.snapshotIn;
		this.#phase = 'synchronization';
		const lastZxid = this.#asksForSnapshot ? this.#zxidThatGetsSnapshot() : history.lastLogged;
		this.#send(packet(packetType.ackEpoch, lastZxid, writeIntData(isNew ? history.currentEpoch : -1)));
	}

	/**
	 * The zxid of an epoch that the leader has not reached: it is behind all that it has and no transaction's, so there is nothing to cut and nothing to follow it
	 * (semantics 80). Only said where the epoch was promised before, with the true last zxid: the leader compares nothing with this and does not count it.
	 */
	#zxidThatGetsSnapshot(): Zxid {
		return epochZxid(this.#epoch + 1);
	}

	#synchronize(received: QuorumPacket): void {
		const { history } = this.#parts;
		// What is said of a history that was not told must not be believed.
		if (this.#asksForSnapshot && received.type !== packetType.snap) throw this.#unexpected(received, 'SNAP');
		// ZooKeeper's leader begins to ping when it has sent NEWLEADER, not before.
		switch (received.type) {
			case packetType.diff:
				this.#phase = 'incoming';
				this.#incoming.diff();
				return;
			case packetType.trunc: {
				const zxid = zxidOf(received);
				if (zxid > history.lastLogged) {
					throw new QuorumError(
						`${describePacket(received)} is behind the end of the own log, ${formatZxid(history.lastLogged)}`,
					);
				}
				this.#phase = 'incoming';
				this.#wait(history.truncate(zxid), () => {
					this.#incoming.truncated(zxid);
					this.#parts.membership.logEnds(history.lastLogged);
				});
				return;
			}
			case packetType.snap:
				this.#phase = 'incoming';
				this.#receiveSnapshot(zxidOf(received));
				return;
			default:
				throw this.#unexpected(received, 'DIFF, TRUNC or SNAP');
		}
	}

	#receiveSnapshot(zxid: Zxid): void {
		const { history } = this.#parts;
		const receiver = history.receiveSnapshot(zxid, this.#isExact);
		this.#link?.receiveStream((chunk) => {
			if (this.#phase === 'closed') return null;
			this.#heardAtMs = this.#parts.nowMs();
			try {
				const behind = receiver.take(chunk);
				if (behind !== null) this.#incoming.received(receiver.snapshot, zxid);
				return behind;
			} catch (error) {
				this.#fail(error);
				return null;
			}
		});
	}

	#newLeader(received: QuorumPacket): void {
		const zxid = epochZxid(this.#epoch);
		if (received.zxid !== zxid) throw this.#unexpected(received, `NEWLEADER ${formatZxid(zxid)}`);
		const { history } = this.#parts;
		this.#configs.announced(received.data);
		const { snapshot } = this.#incoming;
		if (snapshot === null) {
			this.#acknowledgeNewLeader();
			return;
		}
		this.#wait(history.install(snapshot), () => {
			this.#incoming.installed();
			this.#acknowledgeNewLeader();
		});
	}

	#acknowledgeNewLeader(): void {
		const { history } = this.#parts;
		this.#wait(history.durable(), () => {
			this.#configs.synchronized(this.#incoming.reconfig);
			history.currentEpoch = this.#epoch;
			this.#phase = 'newLeader';
			this.#send(packet(packetType.ack, epochZxid(this.#epoch)));
			if (this.#parts.role === 'observer') return;
			this.#acknowledge(this.#incoming.outstanding.map((record) => record.header.zxid));
		});
	}

	/** ZooKeeper's leaders count the acks of each proposal. */
	#acknowledge(zxids: readonly Zxid[]): void {
		for (const zxid of this.#isMarked ? zxids.slice(-1) : zxids) this.#send(packet(packetType.ack, zxid));
	}

	/** Nothing else is handled until the history is done with it. */
	#wait(change: Promise<void>, then: () => void): void {
		this.#busy = change.then(
			() => {
				this.#busy = null;
				this.#heardAtMs = this.#parts.nowMs();
				this.#guarded(() => {
					then();
					this.#drain();
				});
			},
			(error: unknown) => {
				this.#busy = null;
				this.#fail(error);
			},
		);
	}

	#drain(): void {
		const inbox = this.#inbox;
		this.#inbox = [];
		for (let i = 0; i < inbox.length; i++) {
			if (this.#busy !== null) {
				this.#inbox = inbox.slice(i);
				return;
			}
			this.#handle(inbox[i]!);
		}
		this.#tellCommitted();
	}

	/** The leader is established: what it committed may be applied now. */
	#upToDate(): void {
		const { history } = this.#parts;
		const incoming = this.#incoming;
		this.#configs.upToDate(incoming.reconfig);
		this.#send(packet(packetType.ack, epochZxid(this.#epoch)));
		history.commit(incoming.committed);
		this.#last = this.#parts.role === 'observer' ? incoming.committed : incoming.last;
		this.#committed = incoming.committed;
		this.#told = incoming.committed;
		this.#phase = 'broadcast';
		this.#app.synchronized(this.#epoch, this.#parts.role === 'observer' ? [] : incoming.outstanding);
		const held = this.#held;
		this.#held = [];
		for (const each of held) this.#follow(each);
	}

	#follow(received: QuorumPacket): void {
		switch (received.type) {
			case packetType.proposal:
				this.#proposed(received);
				return;
			case packetType.commit:
				this.#commit(received);
				return;
			case packetType.commitAndActivate: {
				const designated = designatedLeaderOf(received);
				this.#commit(received);
				this.#tellCommitted();
				this.#configs.committed(received.zxid, designated);
				return;
			}
			case packetType.inform:
				this.#informed(received, 0);
				return;
			case packetType.informAndActivate:
				this.#configs.activated(this.#informed(received, 8), designatedLeaderOf(received));
				return;
			case packetType.ping:
				this.#app.leaderRefuses?.(isRefusing(received));
				this.#send(packet(packetType.ping, received.zxid, writeTouches(this.#app.activeSessions())));
				return;
			case packetType.revalidate: {
				const { sessionId, isValid } = readRevalidated(dataOf(received));
				this.#tellCommitted();
				this.#app.revalidated(sessionId, isValid);
				return;
			}
			case packetType.sync:
				// What was committed before it is in front of it.
				this.#tellCommitted();
				this.#app.synced(received.zxid as Zxid);
				return;
			default:
				throw this.#unexpected(received, 'PROPOSAL, COMMIT, INFORM, PING, REVALIDATE or SYNC');
		}
	}

	#proposed(received: QuorumPacket): void {
		if (this.#parts.role === 'observer') throw this.#unexpected(received, 'INFORM (this is an observer)');
		const record = recordOf(received);
		this.#next(record.header.zxid, received);
		this.#unacknowledged.push(record.header.zxid);
		this.#configs.proposed(record);
		this.#app.proposed(record);
	}

	#informed(received: QuorumPacket, start: number): TxnRecord {
		if (this.#parts.role === 'follower') throw this.#unexpected(received, 'PROPOSAL or COMMIT (this is a follower)');
		const record = recordOf(received, start);
		this.#next(record.header.zxid, received);
		this.#committed = record.header.zxid;
		this.#told = record.header.zxid;
		this.#app.informed(record);
		return record;
	}

	#next(zxid: Zxid, received: QuorumPacket): void {
		if (!isContiguous(this.#last, zxid)) throw this.#unexpected(received, `the one behind ${formatZxid(this.#last)}`);
		this.#last = zxid;
	}

	#commit(received: QuorumPacket): void {
		const zxid = zxidOf(received);
		if (this.#parts.role === 'observer') throw this.#unexpected(received, 'INFORM (this is an observer)');
		const follows = this.#isMarked ? zxid > this.#committed : isContiguous(this.#committed, zxid);
		if (zxid > this.#last || !follows) {
			throw this.#unexpected(
				received,
				`the one behind ${formatZxid(this.#committed)}, of those up to ${formatZxid(this.#last)},`,
			);
		}
		this.#committed = zxid;
	}

	#tellCommitted(): void {
		if (this.#phase !== 'broadcast' || this.#told === this.#committed) return;
		this.#told = this.#committed;
		this.#app.committed(this.#committed);
	}

	/** Every half tick. What this server itself takes long for is not the leader's silence. */
	#checkLater(): void {
		const { after, limits, nowMs } = this.#parts;
		this.#cancelCheck = after(limits.tickMs / 2, () => {
			if (this.#phase === 'closed') return;
			// Until UPTODATE the leader may be waiting for others, as long as initLimit says.
			const limitMs = (this.isSynchronized ? limits.syncLimit : limits.initLimit) * limits.tickMs;
			if (this.#busy === null && nowMs() - this.#heardAtMs > limitMs) {
				this.#fail(new QuorumError(`${this.#leader()} was silent for more than ${limitMs} ms (${this.#phase})`));
				return;
			}
			this.#checkLater();
		});
	}

	#leader(): string {
		return `the leader, server ${this.#parts.leader} (${this.#link?.address ?? 'not connected'})`;
	}

	#unexpected(received: QuorumPacket, expected: string): QuorumError {
		return new QuorumError(`${this.#leader()} sent ${describePacket(received)} where ${expected} was expected`);
	}
}
