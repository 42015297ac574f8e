/**
 * Servers that elect, over a network that delays, reorders, loses and cuts. What follows an election is only modelled: a leader stays as long as a
 * quorum follows it, gives its followers its history under a new epoch, and a server whose leader is out of reach looks again.
 */
import type { ElectionNetwork, Notification, ServerState } from '#core/ports/election-network';
import { Election } from '#core/zab/election/election';
import type { SearchLimits } from '#core/zab/election/search';
import type { Vote } from '#core/zab/election/vote';
import type { QuorumConfig } from '#core/zab/quorum-config';
import type { SeededRandom } from './random.ts';
import { VirtualTimers } from './virtual-timers.ts';

/** How often a server looks after its leader or its followers, and how often it finds too few before it gives up. */
const checkMs = 400;
const patience = 4;
const counters = 2 ** 32;

export interface SimHistory {
	epoch: number;
	zxid: number;
}

export interface Decision {
	readonly server: SimServer;
	readonly vote: Vote;
	readonly state: ServerState;
}

export interface ElectionEvents {
	sent(from: SimServer, notification: Notification, nowMs: number): void;
	decided(decision: Decision): void;
}

/** One server: its history survives a crash, its election does not. */
export class SimServer {
	readonly id: number;
	readonly history: SimHistory = { epoch: 0, zxid: 0 };
	/** Undefined while it is down. */
	election: Election | undefined;
	/** How often it was started. */
	life = 0;
	/** Whether a quorum follows it. */
	isEstablished = false;
	missed = 0;
	searches = 0;
	/** When the last search began and ended. */
	lookedAtMs = 0;
	decidedAtMs = 0;

	constructor(id: number) {
		this.id = id;
	}

	get state(): ServerState | 'down' {
		return this.election?.state ?? 'down';
	}

	/** Undefined while it looks or is down. */
	get leader(): number | undefined {
		const { election } = this;
		return election === undefined || election.state === 'looking' ? undefined : election.vote.leader;
	}
}

export class ElectionEnsemble {
	readonly timers = new VirtualTimers();
	readonly servers: ReadonlyMap<number, SimServer>;
	readonly config: QuorumConfig;
	/** Probability that a message is lost, and the longest that one takes. */
	loss = 0;
	maxDelayMs = 20;
	readonly #random: SeededRandom;
	readonly #limits: Partial<SearchLimits>;
	readonly #events: ElectionEvents;
	/** `from>to` of those that do not reach each other. */
	readonly #cut = new Set<string>();
	#lastEpoch = 0;

	constructor(random: SeededRandom, config: QuorumConfig, limits: Partial<SearchLimits>, events: ElectionEvents) {
		this.#random = random;
		this.config = config;
		this.#limits = limits;
		this.#events = events;
		this.servers = new Map([...config.servers.keys()].map((id) => [id, new SimServer(id)]));
	}

	get alive(): SimServer[] {
		return [...this.servers.values()].filter(({ election }) => election !== undefined);
	}

	server(id: number): SimServer {
		const server = this.servers.get(id);
		if (server === undefined) throw new Error(`there is no server ${id}`);
		return server;
	}

	/** Unless it is up already. */
	start(server: SimServer): void {
		if (server.election !== undefined) return;
		server.life++;
		server.election = new Election({
			serverId: server.id,
			network: this.#networkOf(server),
			after: this.timers.after,
			config: () => this.config,
			limits: this.#limits,
		});
		this.look(server);
		this.#checkLater(server, server.life);
	}

	crash(server: SimServer): void {
		server.election?.stop();
		server.election = undefined;
		server.isEstablished = false;
	}

	look(server: SimServer): void {
		const { life } = server;
		server.isEstablished = false;
		server.missed = 0;
		server.lookedAtMs = this.timers.nowMs;
		const search = ++server.searches;
		let isDecided = false;
		server.election?.look({ zxid: server.history.zxid, peerEpoch: server.history.epoch }, (vote, state) => {
			const isLate = server.life !== life || server.searches !== search;
			if (isDecided || isLate) throw new Error(`server ${server.id} was told the end of a search it does not wait for`);
			isDecided = true;
			server.decidedAtMs = this.timers.nowMs;
			this.#events.decided({ server, vote, state });
		});
	}

	/** Cuts the way from one to the other, not the way back. */
	cut(from: number, to: number): void {
		this.#cut.add(`${from}>${to}`);
	}

	/** Cuts these off from all others. */
	isolate(ids: readonly number[]): void {
		for (const one of ids) {
			for (const other of this.servers.keys()) {
				if (ids.includes(other)) continue;
				this.cut(one, other);
				this.cut(other, one);
			}
		}
	}

	heal(): void {
		this.#cut.clear();
	}

	reaches(from: number, to: number): boolean {
		return !this.#cut.has(`${from}>${to}`);
	}

	#networkOf(server: SimServer): ElectionNetwork {
		return {
			send: (to, notification) => {
				this.#events.sent(server, notification, this.timers.nowMs);
				if (!this.reaches(server.id, to) || this.#random.chance(this.loss)) return;
				const delayMs = 1 + this.#random.below(this.maxDelayMs);
				this.timers.after(delayMs, () => this.server(to).election?.notified(server.id, notification));
			},
		};
	}

	#checkLater(server: SimServer, life: number): void {
		this.timers.after(checkMs - this.#random.below(50), () => {
			if (server.life !== life || server.election === undefined) return;
			if (server.state !== 'looking') this.#check(server);
			this.#checkLater(server, life);
		});
	}

	#check(server: SimServer): void {
		const isWell = server.state === 'leading' ? this.#lead(server) : this.#follows(server);
		server.missed = isWell ? 0 : server.missed + 1;
		if (server.missed > patience) this.look(server);
	}

	#follows(server: SimServer): boolean {
		const leader = this.server(server.leader!);
		return leader.state === 'leading' && this.#connected(server, leader);
	}

	#lead(leader: SimServer): boolean {
		const learners = this.alive.filter((each) => {
			// Discovery turns a follower with a longer history away; once there is a new epoch, its history is cut.
			const isAhead = !leader.isEstablished && isLonger(each.history, leader.history);
			return each.leader === leader.id && !isAhead && this.#connected(each, leader);
		});
		if (!this.config.isQuorum(new Set(learners.map(({ id }) => id)))) return false;
		if (!leader.isEstablished) {
			leader.isEstablished = true;
			leader.history.epoch = ++this.#lastEpoch;
			leader.history.zxid = leader.history.epoch * counters;
		}
		leader.history.zxid += this.#random.below(3);
		for (const learner of learners) {
			Object.assign(learner.history, leader.history);
			learner.election?.update({ ...learner.election.vote, peerEpoch: leader.history.epoch });
		}
		return true;
	}

	#connected(one: SimServer, other: SimServer): boolean {
		return this.reaches(one.id, other.id) && this.reaches(other.id, one.id);
	}
}

export function isLonger(one: SimHistory, other: SimHistory): boolean {
	return one.epoch > other.epoch || (one.epoch === other.epoch && one.zxid > other.zxid);
}
