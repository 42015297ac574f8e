/** One member: the real host, peer, leader and learner over a simulated disk, network and clock. It can be killed and started again. */
import { type ChainOptions, defaultChainOptions } from '#core/chain/options';
import { Host } from '#core/host/host';
import { MemberHistory } from '#core/host/member-history';
import { Peer } from '#core/host/peer';
import type { TxnRecord } from '#core/model/txn-record';
import { epochOf } from '#core/model/zxid';
import type { Tracer } from '#core/ports/tracer';
import { Membership } from '#core/zab/membership';
import type { QuorumConfig } from '#core/zab/quorum-config';
import { noStore } from '../breakable-membership.ts';
import type { SimNetwork } from './sim-network.ts';
import { MemberDisk, MemberLog, type StorageCounts, storageOf } from './sim-storage.ts';
import type { World } from './world.ts';

const silent: Tracer = { stage: () => {}, batch: () => {} };
export const tickMs = 200;

export interface MemberEvents {
	committed(id: number, record: TxnRecord): void;
	established(id: number, epoch: number): void;
	broken(id: number, reason: Error): void;
	/** A leader gave out the last zxid of its epoch. */
	usedUp(epoch: number): void;
	/** For people who look for the cause of a finding. */
	tell(id: number, what: string): void;
	requestFailed(error: unknown): void;
}

interface Process {
	readonly host: Host;
	readonly peer: Peer;
	readonly log: MemberLog;
	isAlive: boolean;
}

export class SimMember {
	readonly id: number;
	readonly disk = new MemberDisk();
	readonly counts: StorageCounts = { torn: 0, installed: 0, unproved: 0, refused: 0 };
	/** Of its disk. */
	failures = 0;
	/** Its snapshots are like those of ZooKeeper's leaders. */
	readonly #isFuzzy: boolean;
	readonly #world: World;
	readonly #network: SimNetwork;
	readonly #config: QuorumConfig;
	readonly #events: MemberEvents;
	readonly #options: Partial<ChainOptions>;
	#process: Process | null = null;

	constructor(
		id: number,
		world: World,
		network: SimNetwork,
		config: QuorumConfig,
		events: MemberEvents,
		options: Partial<ChainOptions> = {},
	) {
		this.id = id;
		this.#world = world;
		this.#network = network;
		this.#config = config;
		this.#events = events;
		this.#options = options;
		this.#isFuzzy = world.random.chance(0.5);
		if (this.#isFuzzy) network.unmarked.add(id);
	}

	get isAlive(): boolean {
		return this.#process !== null;
	}

	/** Undefined while it is dead. */
	get host(): Host | undefined {
		return this.#process?.host;
	}

	get peer(): Peer | undefined {
		return this.#process?.peer;
	}

	start(): void {
		const world = this.#world;
		const log = new MemberLog(this.disk, world);
		this.#events.tell(this.id, 'starts');
		const { tree, sessions, lastZxid } = this.disk.state();
		const process: Partial<Process> & { isAlive: boolean } = { isAlive: true, log };
		const whileAlive =
			<A extends unknown[]>(run: (...args: A) => void) =>
			(...args: A) => {
				if (process.isAlive) run(...args);
			};
		let history: MemberHistory;
		const host = new Host({
			tree,
			sessions,
			lastZxid,
			epoch: 0,
			log,
			clock: world.clock,
			tracer: silent,
			schedule: (turn) => void world.after(0, whileAlive(turn)),
			serverId: this.id,
			options: { ...defaultChainOptions, tickMs, minSessionTimeoutMs: 400, skipAcl: true, ...this.#options },
			isMember: true,
			events: {
				durable: (zxid) => history.noteDurable(zxid),
				committed: (record) => {
					history.noteCommitted(record);
					this.#events.committed(this.id, record);
				},
				exhausted: () => {
					this.#events.usedUp(epochOf(host.lastLogged));
					peer.exhausted();
				},
				stateChanged: (state, reason) => {
					if (state === 'broken') this.#events.broken(this.id, reason);
					// As a replica does: the others go on without it.
					if (state === 'broken' || state === 'logFailed') peer.stop();
				},
				requestFailed: (error) => this.#events.requestFailed(error),
			},
		});
		log.listen(host);
		// What was recovered may never have been committed.
		if (world.random.chance(0.3)) this.#write(host);
		const storage = storageOf({
			disk: this.disk,
			world,
			isFuzzy: this.#isFuzzy,
			counts: this.counts,
			live: () => host.tree,
			isAlive: () => process.isAlive,
		});
		history = new MemberHistory(host, storage);
		const peer = new Peer({
			serverId: this.id,
			host,
			history,
			membership: new Membership({ serverId: this.id, current: this.#config, isReconfigurable: false, store: noStore }),
			elections: this.#network.elections(this.id),
			quorum: this.#network.quorum(this.id),
			after: (ms, run) => world.after(ms, whileAlive(run)),
			clock: world.clock,
			limits: { tickMs, initLimit: 10, syncLimit: 5 },
			electionLimits: { maxNotificationIntervalMs: 2000 },
			events: {
				stateChanged: (state, leader, reason) => {
					this.#events.tell(this.id, `${state} ${leader ?? ''} ${reason?.message ?? ''}`);
					// However torn it was, with what follows it a snapshot is the leader's state.
					if (reason?.message.includes('snapshot is not its state')) this.#events.broken(this.id, reason);
				},
				learnerLost: (learner, _address, reason) => {
					this.#events.tell(this.id, `lost learner ${learner}: ${reason.message}`);
				},
				serving: (epoch) => {
					this.#events.tell(this.id, `serves in epoch ${epoch}`);
					if (peer.state === 'leading') this.#events.established(this.id, epoch);
				},
			},
		});
		this.#process = Object.assign(process, { host, peer, log }) as Process;
		const tick = () => {
			host.tick();
			world.after(tickMs / 2, whileAlive(tick));
		};
		world.after(tickMs / 2, whileAlive(tick));
		peer.start();
	}

	/** A snapshot of its own takes the place of the log in front of it. A leader has applied what it has logged before anybody has confirmed it. */
	snapshot(): void {
		const { host, peer } = this;
		if (host === undefined || this.disk.unsynced > 0) return;
		if (host.state !== 'serving' && peer?.state !== 'leading') return;
		if (host.tree.canFreeze) this.#write(host);
	}

	#write(host: Host): void {
		const frozen = host.snapshotPoint();
		this.disk.write(frozen);
		frozen.release();
	}

	/** Its disk takes nothing more. It stays so until it is started again. */
	failDisk(): void {
		this.#events.tell(this.id, 'its disk is full');
		if (this.#process !== null) this.failures += 1;
		this.#process?.log.fail(new Error('no space left on device'));
	}

	/** The power is cut: of what was not synced, so many records reached the disk. */
	kill(kept: number): void {
		const process = this.#process;
		if (process === null) return;
		process.isAlive = false;
		this.#events.tell(this.id, 'the power is cut');
		process.log.die();
		this.#process = null;
		this.#network.dead(this.id);
		this.disk.cutPower(kept);
	}
}
