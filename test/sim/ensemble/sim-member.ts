/** One member: the real host, peer, leader and learner over a simulated disk, network and clock. It can be killed, stopped, and started again. */
import { type ChainOptions, defaultChainOptions } from '#core/chain/options';
import { Host } from '#core/host/host';
import { MemberHistory } from '#core/host/member-history';
import { MirrorHold } from '#core/host/mirror-hold';
import { Peer } from '#core/host/peer';
import { epochOf, type SessionId, type Zxid } from '#core/model/zxid';
import type { Notification } from '#core/ports/election-network';
import type { Tracer } from '#core/ports/tracer';
import type { QuorumConfig } from '#core/zab/quorum-config';
import { CommitGate, type GatedMirror } from '#server/replica/commit-gate';
import { BreakableMembership, noStore } from '../breakable-membership.ts';
import type { Breach } from './breach.ts';
import type { Checkers } from './checkers/checkers.ts';
import type { Machine, Opened } from './machine.ts';
import { ProcessGate } from './process-gate.ts';
import type { SimNetwork } from './sim-network.ts';
import { membershipBreach, onlyKnown, type StoredMembership } from './stored-membership.ts';
import { patienceMs, type StrictMode } from './strict-mode.ts';
import { LogEnd, watchedLog, watchedStorage } from './watched-storage.ts';
import type { MemberClock, World } from './world.ts';

const silent: Tracer = { stage: () => {}, batch: () => {} };
export const tickMs = 200;

export interface MemberParts {
	readonly id: number;
	readonly world: World;
	readonly network: SimNetwork;
	readonly machine: Machine;
	readonly clock: MemberClock;
	readonly config: () => QuorumConfig;
	/** What it has on its disk of that, where members change. */
	readonly stored?: StoredMembership | undefined;
	readonly checkers: Checkers;
	readonly options: Partial<ChainOptions>;
	readonly breach?: Breach | undefined;
	/** Its process's, where it has one. */
	readonly mirror?: ((gate: ProcessGate, mirrored: (zxid: Zxid) => void) => MemberMirror) | undefined;
	/** Of runs with audit.mode=strict. */
	readonly strict?: StrictMode | undefined;
	/** For people who look for the cause of a finding. */
	tell(id: number, what: string): void;
}

/** A client's connection, as the member's door knows it. */
export interface Connection {
	/** It is closed from here. */
	closed(): void;
	readonly sessionId: SessionId;
}

/** A process of the member, as its clients reach it. */
export class Door {
	readonly host: Host;
	readonly gate: ProcessGate;
	readonly connections = new Set<Connection>();
	/** In which it serves, or did the last time. */
	epoch = 0;

	constructor(host: Host, gate: ProcessGate) {
		this.host = host;
		this.gate = gate;
	}

	get isOpen(): boolean {
		return this.gate.isAlive && this.host.state === 'serving';
	}

	closeAll(): void {
		for (const connection of [...this.connections]) connection.closed();
	}
}

/** What ends with its process. */
export interface MemberMirror extends GatedMirror {
	close(): void;
}

interface Process {
	readonly door: Door;
	readonly peer: Peer;
	readonly history: MemberHistory;
	readonly mirror: MemberMirror | undefined;
}

export class SimMember {
	readonly id: number;
	readonly machine: Machine;
	/** Of its disk. */
	failures = 0;
	/** Why its disk is not enough to start from. Somebody has to give it another one. */
	refusal: Error | null = null;
	readonly #parts: MemberParts;
	#process: Process | null = null;
	#isStarting = false;

	constructor(parts: MemberParts) {
		this.id = parts.id;
		this.machine = parts.machine;
		this.#parts = parts;
	}

	get isAlive(): boolean {
		return this.#process !== null;
	}

	/** Undefined while it is dead. */
	get door(): Door | undefined {
		return this.#process?.door;
	}

	get host(): Host | undefined {
		return this.door?.host;
	}

	get peer(): Peer | undefined {
		return this.#process?.peer;
	}

	/** The latest epoch that it promised to follow in. */
	get promisedEpoch(): number {
		return this.#process?.history.acceptedEpoch ?? 0;
	}

	notified(from: number, notification: Notification): void {
		this.door?.gate.enter(() => this.peer?.notified(from, notification));
	}

	async start(): Promise<void> {
		if (this.isAlive || this.#isStarting || this.refusal !== null) return;
		const { world, machine } = this.#parts;
		const gate = new ProcessGate(world);
		this.#parts.tell(this.id, 'starts');
		this.#isStarting = true;
		try {
			const opened = await machine.open(gate, () => this.host!.tree);
			this.#process = this.#run(opened, gate);
		} catch (error) {
			this.refusal = error as Error;
			const problem = `does not start: ${this.refusal.message}`;
			this.#parts.tell(this.id, problem);
			if (!machine.isDamaged) this.#parts.checkers.find(`member ${this.id} ${problem}`);
			return;
		} finally {
			this.#isStarting = false;
		}
		// What was recovered may never have been committed.
		if (world.random.chance(0.3)) await machine.snapshot(this.host!);
		this.peer!.start();
	}

	#run({ tree, sessions, lastZxid, log, storage }: Opened, gate: ProcessGate): Process {
		const { id, world, network, clock, checkers, options, breach, tell, stored } = this.#parts;
		const { history: committed } = checkers;
		const end = new LogEnd(id, committed, lastZxid);
		const { strict } = this.#parts;
		const commits = new CommitGate(watchedLog(log, end), lastZxid, true);
		const mirror = this.#parts.mirror?.(gate, (zxid) => commits.mirrored(zxid));
		const hold =
			strict === undefined || breach === 'unmirroredCommit'
				? undefined
				: new MirrorHold({ clock, patienceMs, mirror: (zxid) => commits.committed(zxid) });
		if (mirror !== undefined) commits.attach(mirror);
		let history: MemberHistory;
		const after = gate.after(clock.after);
		const host = new Host({
			tree,
			sessions,
			lastZxid,
			epoch: 0,
			log: commits,
			clock,
			tracer: silent,
			schedule: (turn) => void after(0, turn),
			serverId: id,
			options: { ...defaultChainOptions, tickMs, minSessionTimeoutMs: 400, skipAcl: true, ...options },
			isMember: true,
			hold,
			events: {
				applied: (zxid) => commits.committed(zxid),
				durable: (zxid) => history.noteDurable(zxid),
				committed: (record) => {
					history.noteCommitted(record);
					// Who is elected applies all of its log: that counts only when it leads.
					if (peer.state === 'leading' && host.state !== 'serving') return;
					strict?.visible(id, record.header.zxid);
					committed.committed(id, record.header.zxid);
					committed.digest(id, record.header.zxid, host.tree.digest());
				},
				exhausted: () => {
					checkers.usedUp(epochOf(host.lastLogged));
					peer.exhausted();
				},
				sessionClosed: (session) => {
					for (const connection of [...door.connections]) if (connection.sessionId === session) connection.closed();
				},
				stateChanged: (state, reason) => {
					door.closeAll();
					if (state === 'broken') checkers.find(`member ${id} broke: ${reason.message}`);
					// As a replica does: the others go on without it.
					if (state === 'broken' || state === 'logFailed') peer.stop();
				},
				requestFailed: (error) => checkers.find(`a request met a bug: ${String(error)}`),
			},
		});
		log.listen(commits);
		commits.listen(host);
		const door = new Door(host, gate);
		history = new MemberHistory(host, watchedStorage(storage, end));
		const membership = new BreakableMembership(
			stored === undefined
				? { serverId: id, current: this.#parts.config(), isReconfigurable: false, store: noStore }
				: { serverId: id, current: stored.current, next: stored.next, isReconfigurable: true, store: stored },
			() => (host.role === 'leader' ? membershipBreach(breach) : null),
		);
		const peer = new Peer({
			serverId: id,
			host,
			history,
			membership,
			elections: network.elections(id),
			quorum: onlyKnown(network.quorum(id, gate), membership),
			hold,
			after,
			clock,
			limits: { tickMs, initLimit: 10, syncLimit: 5 },
			// Soon: what comes of it when it ends should happen often.
			readOnlyAfterMs: 300,
			electionLimits: { maxNotificationIntervalMs: 2000 },
			events: {
				stateChanged: (state, leader, reason) => {
					commits.standBy();
					tell(id, `${state} ${leader ?? ''} ${reason?.message ?? ''}`);
					// However torn it was, with what follows it a snapshot is the leader's state.
					if (reason?.message.includes('snapshot is not its state')) checkers.find(`member ${id}: ${reason.message}`);
				},
				learnerLost: (learner, _address, reason) => tell(id, `lost learner ${learner}: ${reason.message}`),
				serving: (epoch) => {
					door.epoch = epoch;
					tell(id, `serves in epoch ${epoch}`);
					if (peer.state !== 'leading') return;
					strict?.leads(host.lastProcessedZxid);
					checkers.established(id, epoch, host.lastProcessedZxid);
					commits.mirror(host.lastProcessedZxid);
				},
			},
		});
		const tick = () => {
			if (breach !== 'noExpiry') host.tick();
			after(tickMs / 2, tick);
		};
		after(tickMs / 2, tick);
		world.after(0, () => {});
		return { door, peer, history, mirror };
	}

	/** It gets an empty disk in place of one that it does not start from; its leader gives it everything. */
	async startAnew(): Promise<void> {
		this.machine.replace();
		this.refusal = null;
		await this.start();
	}

	/** A snapshot of its own. A leader has applied what it has logged before anybody has confirmed it. */
	async snapshot(): Promise<void> {
		const { host, peer } = this;
		if (host === undefined || this.door!.gate.isStopped) return;
		if (host.state !== 'serving' && peer?.state !== 'leading') return;
		if (host.tree.canFreeze) await this.machine.snapshot(host);
	}

	/** Its disk takes nothing more. It stays so until it is started again. */
	failDisk(): void {
		if (this.#process === null) return;
		this.#parts.tell(this.id, 'its disk is full');
		this.failures += 1;
		this.machine.fail();
	}

	/** Nothing of it moves for a while, and what comes for it waits. */
	pause(ms: number): void {
		const { world, tell } = this.#parts;
		const gate = this.door?.gate;
		if (gate === undefined || gate.isStopped) return;
		tell(this.id, `stops for ${Math.round(ms)} ms`);
		gate.stop();
		const isTimersFirst = world.random.chance(0.5);
		world.after(ms, () => {
			if (gate.isAlive) tell(this.id, 'goes on');
			gate.goOn(isTimersFirst);
		});
	}

	goOn(): void {
		this.door?.gate.goOn(true);
	}

	/** @param isPowerCut what was not synced may be lost, and nobody is told that the connections are gone; else only the process died */
	kill(isPowerCut: boolean): void {
		const process = this.#process;
		if (process === null) return;
		this.#parts.tell(this.id, isPowerCut ? 'the power is cut' : 'is killed');
		process.door.gate.die();
		this.#process = null;
		process.door.closeAll();
		process.mirror?.close();
		this.#parts.network.dead(this.id, isPowerCut);
		this.machine.stopped(isPowerCut);
	}
}
