/** One seed's run: trouble for a while, then quiet, in which all must come together again. */
import { formatZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import { parseQuorumConfig } from '#core/zab/parse-quorum-config';
import type { QuorumConfig } from '#core/zab/quorum-config';
import type { Breach } from './breach.ts';
import { Checkers } from './checkers/checkers.ts';
import { type FaultCounts, Faults, midwayMs } from './faults.ts';
import { FileMachine } from './file-machine.ts';
import type { Machine, StorageCounts } from './machine.ts';
import { MemoryMachine } from './memory-machine.ts';
import { noReconfigurations, Reconfiguration, type ReconfigurationCounts } from './reconfiguration.ts';
import { SessionClient } from './session-client.ts';
import { type MemberParts, SimMember } from './sim-member.ts';
import { MirrorTable, SimMirror } from './sim-mirror.ts';
import { SimNetwork } from './sim-network.ts';
import type { StoredMembership } from './stored-membership.ts';
import { StrictDatabase, StrictMirror, StrictMode } from './strict-mode.ts';
import { MemberClock, World } from './world.ts';

export interface RunOptions {
	readonly breach?: Breach;
	/** Told what members do, for people who look for the cause of a finding. */
	readonly tell?: (what: string) => void;
}

export interface RunCounts extends StorageCounts, FaultCounts, ReconfigurationCounts {
	/** Members that did not start from files with flipped bits. */
	refusals: number;
	/** Transactions in the mirror. */
	mirrored: number;
	/** Epochs whose zxids ran out. */
	usedUp: number;
	/** With audit.mode=strict: how often PostgreSQL went away, and writes that were refused meanwhile. */
	outages: number;
	refusedWrites: number;
	/** Sessions that expired, requests of sessions that had moved, watch events. */
	expired: number;
	moved: number;
	heard: number;
}

export interface Outcome {
	readonly findings: readonly string[];
	readonly acknowledged: number;
	readonly epochs: number;
	readonly counts: RunCounts;
}

const steps = 250;
/** How many of the runs are over real files, and the product's own storage. */
const filesShare = 0.15;
/** Long enough for every connection to be given up, an election, and the synchronization of everybody. */
const quietMs = 60_000;
/** Which runs are with audit.mode=strict: none of those that are known for something else. */
const isStrict = (seed: number, breach: Breach | undefined) =>
	breach === undefined ? seed % 7 === 3 : breach === 'unmirroredCommit';
/** What was asked for last is answered by then, and everybody has it; where epochs end all the time, they may have to elect first. */
const endMs = 1000;
const longestEndMs = 20_000;

export async function runEnsemble(seed: number, options: RunOptions = {}): Promise<Outcome> {
	const ensemble = new Ensemble(seed, options);
	await ensemble.trouble();
	await ensemble.quiet();
	await ensemble.service();
	return ensemble.outcome();
}

class Ensemble {
	readonly #world: World;
	readonly #network: SimNetwork;
	readonly #checkers: Checkers;
	readonly #members: SimMember[] = [];
	readonly #clients: readonly SessionClient[];
	readonly #faults: Faults;
	readonly #mirrored = new MirrorTable();
	/** Of runs with audit.mode=strict whose members have no files. */
	readonly #database: StrictDatabase | undefined;
	/** The last one when nobody asked for anything any more. */
	#quietZxid: Zxid = zeroZxid;
	/** Of runs whose members change. */
	readonly #reconfiguration: Reconfiguration | undefined;
	#refusals = 0;
	/** Epochs end all the time, also while nothing else goes wrong: nobody is served for long then. */
	readonly #isShort: boolean;
	readonly #isStrict: boolean;

	constructor(seed: number, { breach, tell }: RunOptions) {
		const world = new World(seed);
		const { random } = world;
		const hasFiles = random.chance(filesShare);
		world.hasFiles = hasFiles || breach === 'unfencedMirror' || breach === 'believedDamage';
		const config = drawConfig(world);
		this.#world = world;
		this.#checkers = new Checkers(() => world.nowMs);
		this.#network = new SimNetwork(
			world,
			(to, from, notification) => this.#members.find(({ id }) => id === to)?.notified(from, notification),
			breach,
		);
		// Epochs whose zxids are used up before long (semantics 7).
		this.#isShort = random.chance(0.15);
		const options = this.#isShort ? { lastCounter: 10 + random.below(60) } : {};
		const clocks = new Map<SimMember, MemberClock>();
		let strict: StrictMode | undefined;
		this.#isStrict = isStrict(seed, breach);
		if (this.#isStrict) {
			if (!world.hasFiles) this.#database = new StrictDatabase(world, seed);
			const cursor = () => (this.#database ?? this.#mirrored).cursor;
			strict = new StrictMode(cursor, (finding) => this.#checkers.find(finding));
		}
		const create = (id: number, stored?: StoredMembership): SimMember => {
			const isFuzzy = random.chance(0.5);
			if (isFuzzy && !world.hasFiles) this.#network.unmarked.add(id);
			const machine = world.hasFiles ? new FileMachine(world, breach) : new MemoryMachine(world, isFuzzy, breach);
			const clock = new MemberClock(world, breach === 'earlyExpiry' ? 1.8 : 0.8 + 0.4 * random.next());
			const member = new SimMember({
				id,
				world,
				network: this.#network,
				machine,
				clock,
				config: () => config,
				stored,
				checkers: this.#checkers,
				options: stored === undefined ? options : { ...options, reconfigEnabled: true },
				breach,
				mirror: this.#mirrorOf(machine, breach),
				strict,
				tell: (who, what) => tell?.(`${Math.round(world.nowMs)} ms, member ${who}: ${what}`),
			});
			clocks.set(member, clock);
			return member;
		};
		// Flipped bits take a member out of its quorum, and which that is changes here.
		if (!world.hasFiles && (seed % 3 === 0 || isOfMembership(breach))) {
			const operator = (what: string) => tell?.(`${Math.round(world.nowMs)} ms, operator: ${what}`);
			const { members, checkers } = { members: this.#members, checkers: this.#checkers };
			this.#reconfiguration = new Reconfiguration({
				seed,
				first: config,
				members,
				checkers,
				breach,
				create,
				tell: operator,
			});
		}
		for (const id of config.servers.keys()) this.#members.push(create(id, this.#reconfiguration?.stored(id)));
		const told = (who: string, what: string) => tell?.(`${Math.round(world.nowMs)} ms, ${who}: ${what}`);
		this.#clients = ['ada', 'ben', 'cid'].map(
			(name) => new SessionClient(name, world, this.#checkers, (what) => told(name, what), breach),
		);
		const clockOf = (member: SimMember) => clocks.get(member)!;
		this.#faults = new Faults({
			world,
			network: this.#network,
			members: this.#members,
			clockOf,
			damage: (member) => this.#damage(member, config),
		});
	}

	#mirrorOf(machine: Machine, breach: Breach | undefined): MemberParts['mirror'] {
		const [world, database, table, { history }] = [this.#world, this.#database, this.#mirrored, this.#checkers];
		if (database !== undefined) return (gate, mirrored) => new StrictMirror(gate, database, mirrored);
		if (!(machine instanceof FileMachine)) return undefined;
		const { directory } = machine;
		return (gate, mirrored) => new SimMirror({ world, gate, directory, table, history, breach, mirrored });
	}

	/** So few that a quorum is left whose disks are whole. */
	#damage({ id, machine }: SimMember, { servers }: QuorumConfig): boolean {
		if (!(machine instanceof FileMachine)) return false;
		const participants = [...servers.values()].filter(({ role }) => role === 'participant').length;
		const isParticipant = servers.get(id)!.role === 'participant';
		const damaged = this.#members.filter(
			(each) => each.machine.isDamaged && servers.get(each.id)!.role === 'participant',
		);
		if (isParticipant && !machine.isDamaged && damaged.length >= Math.floor((participants - 1) / 2)) return false;
		return machine.flipBit();
	}

	async trouble(): Promise<void> {
		const world = this.#world;
		for (const member of this.#members) world.after(world.random.below(500), () => void member.start());
		await world.run(2000);
		for (let step = 0; step < steps; step++) {
			await this.#faults.strike();
			await this.#reconfiguration?.strike();
			this.#database?.strike();
			for (const client of this.#clients) client.live(this.#members);
			await world.run(world.random.below(120));
		}
	}

	/** Nobody is there: sessions without a client end. */
	async quiet(): Promise<void> {
		// What has been begun still strikes.
		await this.#world.run(midwayMs);
		await this.#faults.end();
		this.#database?.end();
		// With it writes are as slow as PostgreSQL is.
		this.#mirrored.isQuick = this.#isStrict;
		for (const client of this.#clients) client.disconnect();
		await this.#world.run(quietMs / 2);
		// The others serve: who does not start from the disk it has gets everything from them.
		for (const member of this.#members) {
			if (member.refusal === null) continue;
			this.#refusals += 1;
			await member.startAnew();
		}
		await this.#world.run(quietMs / 2);
		this.#quietZxid = this.#checkers.history.last;
	}

	/** However little the trouble let through, now everybody is served, and stays so. */
	async service(): Promise<void> {
		const { promises } = this.#checkers;
		for (let step = 0; step < 100; step++) {
			if (step === 20 && !this.#isShort) {
				for (const { session } of this.#clients) {
					if (session === undefined) this.#checkers.find('a client is not served although nothing is in its way');
					else promises.keep(session);
				}
			}
			for (const client of this.#clients) client.live(this.#members, true);
			await this.#world.run(60);
		}
		await this.#world.run(endMs);
		// The last of its zxids may just have been used, and of the messages of an election some are lost.
		// With audit.mode=strict all that was asked for waits for PostgreSQL, which may be slow.
		for (let ms = endMs; !this.#isTogether && ms < longestEndMs; ms += endMs) {
			if (!this.#isShort && !this.#isStrict) break;
			if (this.#isStrict) for (const client of this.#clients) client.stay();
			await this.#world.run(endMs);
		}
	}

	get #isTogether(): boolean {
		const { last } = this.#checkers.history;
		const isAt = ({ host }: SimMember) =>
			host?.state === 'serving' && host.lastProcessedZxid === last && (!this.#isStrict || host.lastLogged === last);
		return this.#members.every(isAt);
	}

	outcome(): Outcome {
		const checkers = this.#checkers;
		const { history, promises } = checkers;
		checkers.noEpochIsLast();
		if (this.#world.hasFiles) this.#mirrored.check(history, this.#quietZxid, (finding) => checkers.find(finding));
		this.#database?.check(history, (finding) => checkers.find(finding));
		this.#reconfiguration?.settle();
		if (!this.#isShort) promises.sessionsLeft(this.#clients.flatMap(({ session }) => session ?? []));
		for (const { id, machine, host } of this.#members.filter((member) => !this.#isLockedOut(member))) {
			history.log(id, machine.records(), (after, before) => machine.isInSnapshot(after, before));
			if (host === undefined || host.state !== 'serving') {
				checkers.find(`member ${id} does not serve in the end: ${host?.state} ${host?.stateReason}`);
				continue;
			}
			if (host.lastProcessedZxid !== history.last)
				checkers.find(
					`member ${id} ends at ${formatZxid(host.lastProcessedZxid)}, committed is ${formatZxid(history.last)}`,
				);
			promises.state(id, host.tree, host.sessions.committed().keys());
			history.digest(id, host.lastProcessedZxid, host.tree.digest());
		}
		const { findings, epochs } = checkers;
		for (const { machine } of this.#members) machine.remove();
		return { findings, acknowledged: promises.acknowledged, epochs, counts: this.#counts() };
	}

	/** A leader like ZooKeeper's makes no room for who promised a later epoch elsewhere. */
	#isLockedOut({ promisedEpoch }: SimMember): boolean {
		const leader = this.#members.find(({ peer }) => peer?.leader?.isEstablished === true);
		return leader !== undefined && this.#network.unmarked.has(leader.id) && promisedEpoch > leader.peer!.leader!.epoch;
	}

	#counts(): RunCounts {
		const { promises, usedUpEpochs: usedUp } = this.#checkers;
		const { expired, moved } = promises;
		const counts: RunCounts = {
			...this.#faults.counts,
			...(this.#reconfiguration?.counts ?? noReconfigurations()),
			torn: 0,
			installed: 0,
			unproved: 0,
			refused: 0,
			refusals: this.#refusals,
			mirrored: this.#mirrored.rows.length,
			usedUp,
			outages: this.#database?.outages ?? 0,
			refusedWrites: promises.refused,
			expired,
			moved,
			heard: 0,
		};
		for (const { heard } of this.#clients) counts.heard += heard;
		for (const { machine } of this.#members) {
			for (const [name, count] of Object.entries(machine.counts)) counts[name as keyof StorageCounts] += count;
		}
		return counts;
	}
}

/** Three to seven participants, and none to two observers. */
function drawConfig({ random }: World): QuorumConfig {
	const participants = random.pick([3, 3, 3, 4, 5, 5, 6, 7]);
	const observers = random.chance(0.3) ? 1 + random.below(2) : 0;
	const lines = Array.from({ length: participants + observers }, (_, i) => {
		const role = i < participants ? 'participant' : 'observer';
		return `server.${i + 1}=10.0.0.${i + 1}:2888:3888:${role}`;
	});
	return parseQuorumConfig(lines.join('\n'));
}

function isOfMembership(breach: Breach | undefined): boolean {
	return breach === 'newQuorumAlone' || breach === 'forgottenNext';
}
