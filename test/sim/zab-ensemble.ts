/**
 * Leaders and learners of one ensemble in one thread, over links, disks and time that a seed drives. Who leads is decided here: of a quorum that is up, the
 * one with the best history. What must hold is checked as it happens.
 */
import type { TxnRecord } from '#core/model/txn-record';
import { epochOf, formatZxid, makeZxid, noSession, type Zxid } from '#core/model/zxid';
import { Leader } from '#core/zab/leader/leader';
import { Learner } from '#core/zab/learner/learner';
import { majorityConfig } from '#core/zab/majority';
import type { QuorumConfig } from '#core/zab/quorum-config';
import type { ZabParts } from '#core/zab/zab-parts';
import { packetType, type QuorumPacket } from '#jute/quorum/packets';
import { BreakableMembership, noStore } from './breakable-membership.ts';
import type { SeededRandom } from './random.ts';
import { HistoryDisk, SimHistory } from './sim-history.ts';
import { SimLink } from './sim-link.ts';
import { VirtualTimers } from './virtual-timers.ts';

/** What is done wrong on purpose, to see that the checks find it. */
export type Broken = 'ackBeforeDurable' | 'skipTruncate' | 'dropProposal' | 'commitWithoutQuorum' | 'reuseEpoch' | null;

const limits = { tickMs: 100, initLimit: 20, syncLimit: 10 };

class Replica {
	readonly id: number;
	readonly isObserver: boolean;
	readonly disk = new HistoryDisk();
	history!: SimHistory;
	role: Leader | Learner | null = null;
	/** Rises with each role, so that what belongs to an earlier one is told apart. */
	incarnation = 0;
	/** Its link to a leader. */
	link: SimLink | null = null;

	constructor(id: number, isObserver: boolean) {
		this.id = id;
		this.isObserver = isObserver;
	}
}

export class ZabEnsemble {
	readonly #random: SeededRandom;
	readonly #broken: Broken;
	readonly #timers = new VirtualTimers();
	readonly #config: QuorumConfig;
	readonly replicas: readonly Replica[];
	readonly #links = new Set<SimLink>();
	/** The leader that was chosen last, and who may follow it: those who are not with another one. */
	#chosen: Replica | null = null;
	/** Everything that anybody was told to be committed. */
	readonly committed: TxnRecord[] = [];
	readonly #leaderOfEpoch = new Map<number, string>();
	/** The history of the leader that was chosen last, when it began. */
	#initial: readonly TxnRecord[] = [];
	readonly problems: string[] = [];
	#proposals = 0;
	readonly counts = { established: 0, synchronized: 0, snap: 0, trunc: 0, diff: 0, barriers: 0 };

	constructor(random: SeededRandom, participants: number, observers: number, broken: Broken) {
		this.#random = random;
		this.#broken = broken;
		this.replicas = Array.from({ length: participants + observers }, (_, i) => new Replica(i + 1, i >= participants));
		this.#config = majorityConfig(
			this.replicas.map(({ id, isObserver }) => ({
				id,
				role: isObserver ? 'observer' : 'participant',
				quorumAddresses: [{ host: '127.0.0.1', port: 1000 + id }],
				electionAddresses: [{ host: '127.0.0.1', port: 2000 + id }],
				client: undefined,
			})),
		);
		for (const replica of this.replicas) this.#open(replica);
	}

	async step(): Promise<void> {
		const what = this.#random.below(1000);
		const replica = this.#random.pick(this.replicas);
		if (what < 560) this.#deliver();
		else if (what < 700) this.#sync(replica, 1 + this.#random.below(4));
		else if (what < 850) this.#propose();
		else if (what < 935) this.#timers.advance(20 + this.#random.below(60));
		else if (what < 945) this.#barrier();
		else if (what < 955) this.#random.pick([...this.#links, null])?.cut();
		else if (what < 965) this.#crash(replica, this.#random.below(3));
		else if (what < 968) this.#elect();
		else this.#join(replica);
		await this.#settle();
		if (this.#chosen === null || this.#chosen.role === null) this.#elect();
	}

	/** No more faults: everybody ends up with all that is committed. */
	async heal(): Promise<void> {
		for (const replica of this.replicas) this.#leave(replica);
		await this.#settle();
		this.#elect(this.replicas.filter((replica) => !replica.isObserver));
		let rounds = 0;
		do {
			for (const replica of this.replicas) {
				this.#join(replica);
				this.#sync(replica, 1000);
			}
			for (const link of [...this.#links]) {
				link.leaderEnd.deliver(1000);
				link.learnerEnd.deliver(1000);
			}
			if (rounds % 10 === 9) this.#timers.advance(10);
			if (rounds === 100) this.#propose();
			await this.#settle();
		} while (++rounds < 150);
		const expected = describe(this.committed);
		for (const { id, history } of this.replicas) {
			const actual = describe(history.committed);
			if (actual !== expected) this.problems.push(`server ${id} ended with ${actual}, committed is ${expected}`);
		}
	}

	#open(replica: Replica): void {
		replica.history = new SimHistory(replica.disk, {
			windowSize: 4,
			logReach: this.#random.pick([0, 6, 1000]),
			skipsTruncate: this.#broken === 'skipTruncate',
			forgetsEpochs: this.#broken === 'reuseEpoch',
		});
	}

	#parts(replica: Replica): ZabParts {
		return {
			serverId: replica.id,
			membership: new BreakableMembership(
				{ serverId: replica.id, current: this.#config, isReconfigurable: false, store: noStore },
				() =>
					this.#broken === 'commitWithoutQuorum' && replica.role instanceof Leader && replica.role.isEstablished
						? 'everybody'
						: null,
			),
			history: replica.history,
			after: this.#timers.after,
			nowMs: () => this.#timers.nowMs,
			limits,
		};
	}

	/** Leaves whatever it was. */
	#leave(replica: Replica): void {
		replica.incarnation += 1;
		const { role } = replica;
		replica.role = null;
		role?.close(new Error('the replica does something else'));
		replica.link?.cut();
		replica.link = null;
		this.#open(replica);
	}

	#crash(replica: Replica, kept: number): void {
		replica.disk.cutPower(kept);
		this.#leave(replica);
	}

	/** A quorum that is up agrees on the best of it; who else is with an earlier leader stays there. */
	#elect(up = this.#quorum()): void {
		const best = up.reduce((one, other) => (isBetter(other, one) ? other : one));
		for (const replica of up) this.#leave(replica);
		this.#chosen = best;
		const initial = [...best.disk.log];
		this.#initial = initial;
		const incarnation = best.incarnation;
		const isCurrent = (): boolean => best.incarnation === incarnation;
		const leader: Leader = new Leader(this.#parts(best), {
			established: (epoch) => {
				this.counts.established += 1;
				const me = `server ${best.id}, incarnation ${incarnation}`;
				const other = this.#leaderOfEpoch.get(epoch);
				if (other !== undefined) this.problems.push(`epoch ${epoch} is led by ${me} and by ${other}`);
				this.#leaderOfEpoch.set(epoch, me);
				this.#commit(`leader ${best.id}`, initial);
			},
			committed: (zxid) => {
				best.history.commit(zxid);
				this.#commit(`leader ${best.id}`, best.history.committed);
			},
			request: () => {},
			inTurn: (run) => run(),
			touched: () => {},
			revalidate: () => true,
			stepDown: () => {
				if (isCurrent()) this.#leave(best);
			},
			learnerLost: (learner, _address, reason) => this.#judge(`the leader on ${learner}`, reason),
		});
		best.role = leader;
		leader.start();
		for (const replica of this.replicas) if (replica.role === null) this.#join(replica);
	}

	#quorum(): readonly Replica[] {
		const participants = this.replicas.filter((replica) => !replica.isObserver);
		const quorum = new Set<Replica>();
		while (quorum.size <= participants.length / 2) quorum.add(this.#random.pick(participants));
		return [...quorum];
	}

	/** Follows the leader that was chosen last, if it is free to. */
	#join(replica: Replica): void {
		const leader = this.#chosen;
		if (leader === null || leader === replica || replica.role !== null || !(leader.role instanceof Leader)) return;
		replica.incarnation += 1;
		const { incarnation } = replica;
		const history = replica.history;
		const initial = this.#initial;
		const role = replica.isObserver ? 'observer' : 'follower';
		const learner: Learner = new Learner(
			{ ...this.#parts(replica), role, leader: leader.id },
			{
				synchronized: () => {
					this.counts.synchronized += 1;
					this.#commit(`learner ${replica.id}`, history.committed);
				},
				proposed: (record) => {
					history.append(record);
					if (this.#broken === 'ackBeforeDurable') learner.logged(record.header.zxid);
				},
				committed: (zxid) => {
					history.commit(zxid);
					this.#commit(`learner ${replica.id}`, history.committed);
				},
				informed: (record) => {
					history.append(record);
					history.commit(record.header.zxid);
					this.#commit(`learner ${replica.id}`, history.committed);
				},
				activeSessions: () => new Map(),
				revalidated: () => {},
				synced: () => {},
				lost: (reason) => {
					this.#judge(`server ${replica.id}`, reason);
					if (replica.incarnation === incarnation) this.#leave(replica);
				},
			},
		);
		const link = new SimLink(replica.id, leader.id, {
			fromLearner: (packet) => this.#checkAck(replica, initial, packet),
			fromLeader: (packet) => this.#isSent(packet),
		});
		replica.role = learner;
		replica.link = link;
		this.#links.add(link);
		link.connect(
			(end) => (leader.role as Leader).connected(end),
			(end) => learner.connected(end),
		);
	}

	#isSent({ type, zxid }: QuorumPacket): boolean {
		if (type === packetType.snap) this.counts.snap += 1;
		if (type === packetType.trunc) this.counts.trunc += 1;
		if (type === packetType.diff) this.counts.diff += 1;
		const isTxn = type === packetType.proposal || type === packetType.commit || type === packetType.inform;
		return this.#broken !== 'dropProposal' || !isTxn || zxid % 7 !== 3;
	}

	/** 9, 81: who acknowledges has it on its disk. */
	#checkAck(replica: Replica, initial: readonly TxnRecord[], packet: QuorumPacket): void {
		if (packet.type !== packetType.ack) return;
		const durable = replica.disk.log.slice(0, replica.disk.synced);
		if (packet.zxid === makeZxid(epochOf(packet.zxid as Zxid), 0)) {
			const prefix = describe(durable.slice(0, initial.length));
			if (prefix !== describe(initial)) {
				this.problems.push(
					`server ${replica.id} acknowledged NEWLEADER with ${prefix}, the leader has ${describe(initial)}`,
				);
			}
			if (this.#broken !== 'reuseEpoch' && replica.disk.currentEpoch !== epochOf(packet.zxid as Zxid)) {
				this.problems.push(`server ${replica.id} acknowledged NEWLEADER before its current epoch was written`);
			}
			return;
		}
		if (!durable.some((record) => record.header.zxid === packet.zxid)) {
			this.problems.push(`server ${replica.id} acknowledged 0x${packet.zxid.toString(16)}, which is not durable`);
		}
		if (replica.isObserver) this.problems.push(`observer ${replica.id} acknowledged a proposal`);
	}

	/** All committed histories are prefixes of one. */
	#commit(who: string, records: readonly TxnRecord[]): void {
		for (let i = 0; i < records.length; i++) {
			const mine = records[i]!;
			const other = this.committed[i];
			if (other === undefined) this.committed.push(mine);
			else if (name(other) !== name(mine)) {
				this.problems.push(`${who} has ${name(mine)} committed where ${name(other)} is, at ${i}`);
				return;
			}
		}
	}

	/** Links break and time runs out; nobody ever says what it may not. */
	#judge(who: string, reason: Error): void {
		if (
			/sent|came|left|carries|acknowledges|invariant|wrong|went back|undefined/.test(reason.message) &&
			!/another connection/.test(reason.message)
		) {
			this.problems.push(`${who}: ${reason.message}`);
		}
	}

	#deliver(): void {
		if (this.#links.size === 0) return;
		const link = this.#random.pick([...this.#links]);
		const end = this.#random.chance(0.5) ? link.leaderEnd : link.learnerEnd;
		end.deliver(1 + this.#random.below(6));
	}

	#sync(replica: Replica, count: number): void {
		replica.history.sync(count);
		replica.role?.logged(replica.history.lastDurable);
	}

	#leaders(): { readonly replica: Replica; readonly leader: Leader }[] {
		return this.replicas.flatMap((replica) =>
			replica.role instanceof Leader && replica.role.isEstablished ? [{ replica, leader: replica.role }] : [],
		);
	}

	#propose(): void {
		for (const { replica, leader } of this.#leaders()) {
			for (let count = 1 + this.#random.below(3); count > 0; count--) {
				this.#proposals += 1;
				const zxid = (leader.lastProposed + 1) as Zxid;
				const record: TxnRecord = {
					header: { sessionId: noSession, cxid: this.#proposals, zxid, time: 0 },
					txn: { kind: 'setData', path: `/${this.#proposals}`, data: null, version: 1 },
					digest: { version: 2, value: BigInt(this.#proposals) },
					context: null,
				};
				leader.propose(record);
				replica.history.append(record);
			}
			leader.flush();
		}
	}

	/** 69: whoever asks a leader gets an answer only if nobody else has committed anything that it does not know. */
	#barrier(): void {
		for (const { replica, leader } of this.#leaders()) {
			const { length } = this.committed;
			leader.barrier((error) => {
				if (error !== undefined) return;
				this.counts.barriers += 1;
				const mine = replica.history.committed.length;
				if (mine < length)
					this.problems.push(`leader ${replica.id} confirmed ${mine} transactions, ${length} were committed`);
			});
		}
	}

	/** Everything that promises lead to, and links that one end closed. */
	async #settle(): Promise<void> {
		for (let i = 0; i < 30; i++) await Promise.resolve();
		for (const link of this.#links) {
			link.settle();
			if (!link.isOpen) this.#links.delete(link);
		}
	}
}

function isBetter(one: Replica, other: Replica): boolean {
	if (one.history.currentEpoch !== other.history.currentEpoch) {
		return one.history.currentEpoch > other.history.currentEpoch;
	}
	if (one.history.lastLogged !== other.history.lastLogged) return one.history.lastLogged > other.history.lastLogged;
	return one.id > other.id;
}

function name(record: TxnRecord): string {
	return `${formatZxid(record.header.zxid)}#${record.header.cxid}`;
}

function describe(records: readonly TxnRecord[]): string {
	return records.map(name).join(' ');
}
