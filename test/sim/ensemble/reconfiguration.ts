/**
 * The members change in the middle of the trouble, as an operator changes them: a server is started with the configuration that is known and itself, and joins
 * later; one is removed, the leader too, and switched off when everybody knows; observers become participants and back. What comes of a request is often unknown.
 */
import type { ReconfigOp, Reply } from '#core/model/op';
import { configPath } from '#core/model/path';
import { epochOf, formatZxid, noSession, zeroZxid } from '#core/model/zxid';
import { parseQuorumConfig } from '#core/zab/parse-quorum-config';
import type { QuorumConfig } from '#core/zab/quorum-config';
import { formatQuorumServer } from '#core/zab/quorum-server';
import { errors } from '#jute/errors';
import { SeededRandom } from '../random.ts';
import type { Breach } from './breach.ts';
import type { Checkers } from './checkers/checkers.ts';
import type { SimMember } from './sim-member.ts';
import { StoredMembership } from './stored-membership.ts';

export interface ReconfigurationCounts {
	/** Servers that were started to join, and that were switched off. */
	joiners: number;
	switchedOff: number;
	/** Acknowledged, refused, and without a known outcome. */
	reconfigurations: number;
	reconfigurationsRefused: number;
	reconfigurationsUnknown: number;
	/** The leader was removed, or lost its vote. */
	handovers: number;
}

export interface ReconfigurationParts {
	readonly seed: number;
	readonly first: QuorumConfig;
	/** Those there are; it changes. */
	readonly members: SimMember[];
	readonly checkers: Checkers;
	readonly breach?: Breach | undefined;
	/** A server that was not there before. */
	readonly create: (id: number, stored: StoredMembership) => SimMember;
	readonly tell: (what: string) => void;
}

const mostMembers = 9;
const { connectionLoss, systemError } = errors;
const decoder = new TextDecoder();

export class Reconfiguration {
	readonly counts = noReconfigurations();
	readonly #parts: ReconfigurationParts;
	/** Apart from the world's: what else goes wrong is the same with and without. */
	readonly #random: SeededRandom;
	readonly #stored = new Map<number, StoredMembership>();
	/** In which epoch a request named a server last. */
	readonly #named = new Map<number, number>();
	#committed: QuorumConfig;
	/** How much of the committed history was looked at for it. */
	#seen = 0;
	/** The highest version that was acknowledged. */
	#acknowledged = 0;
	#last: number;
	/** Who led a moment ago. */
	#led = 1;
	#asked = 0;

	constructor(parts: ReconfigurationParts) {
		this.#parts = parts;
		this.#random = new SeededRandom(parts.seed ^ 0x5eed);
		this.#committed = parts.first;
		this.#last = Math.max(...parts.first.servers.keys());
	}

	/** What a member of the first configuration has on its disk. */
	stored(id: number): StoredMembership {
		const stored = new StoredMembership(this.#parts.first, this.#parts.breach);
		this.#stored.set(id, stored);
		return stored;
	}

	/** One step. */
	async strike(): Promise<void> {
		this.#follow();
		const random = this.#random;
		const what = random.below(1000);
		if (what < 20) await this.#startOne();
		else if (what < 60) this.#ask(this.#join());
		else if (what < 90) this.#ask(this.#leave());
		else if (what < 115) this.#ask(this.#changeRole());
		else if (what < 125) this.#ask(this.#whole());
		else if (what < 150) this.#ask(this.#replace());
		else if (what < 210) this.#switchOff();
	}

	/** The newest configuration that is committed. */
	#follow(): void {
		const { records } = this.#parts.checkers.history;
		for (; this.#seen < records.length; this.#seen++) {
			const { txn } = records[this.#seen]!;
			if (txn.kind !== 'reconfig') continue;
			const config = parseQuorumConfig(decoder.decode(txn.data!));
			if (config.servers.get(this.#led)?.role !== 'participant') this.counts.handovers += 1;
			this.#committed = config;
		}
		this.#led = this.#leader()?.id ?? this.#led;
	}

	/** As a member that is in no configuration but its own. */
	async #startOne(): Promise<void> {
		if (this.#parts.members.length >= mostMembers) return;
		const id = ++this.#last;
		const known = this.#committed.withVersion(0).toString();
		const role = this.#random.chance(0.8) ? 'participant' : 'observer';
		const stored = new StoredMembership(
			parseQuorumConfig(`server.${id}=${line(id, role)}\n${known}`),
			this.#parts.breach,
		);
		this.#stored.set(id, stored);
		const member = this.#parts.create(id, stored);
		this.#parts.members.push(member);
		this.counts.joiners += 1;
		await member.start();
	}

	#join(): Partial<ReconfigOp> | null {
		const joining = this.#parts.members.filter(({ id }) => !this.#committed.servers.has(id));
		if (joining.length === 0) return null;
		const { id } = this.#random.pick(joining);
		const role = this.#random.chance(0.8) ? 'participant' : 'observer';
		const op = { joiningServers: `server.${id}=${line(id, role)}` };
		return this.#random.chance(0.3) ? { ...op, ...this.#leave() } : op;
	}

	/** Everybody who waits joins, and as many leave, or more: the two configurations have little in common. */
	#replace(): Partial<ReconfigOp> | null {
		const joining = this.#parts.members.filter(({ id }) => !this.#committed.servers.has(id));
		if (joining.length === 0) return null;
		const leaving = [...this.#committed.servers.keys()].filter(() => this.#random.chance(0.5));
		return {
			joiningServers: joining.map(({ id }) => `server.${id}=${line(id, 'participant')}`).join(),
			leavingServers: leaving.join(),
		};
	}

	/** Often the leader. */
	#leave(): Partial<ReconfigOp> {
		const leader = this.#leader()?.id;
		const id = leader !== undefined && this.#random.chance(0.4) ? leader : this.#member();
		return { leavingServers: String(id) };
	}

	#changeRole(): Partial<ReconfigOp> {
		const id = this.#member();
		const role = this.#committed.servers.get(id)!.role === 'observer' ? 'participant' : 'observer';
		return { joiningServers: `server.${id}=${line(id, role)}` };
	}

	#whole(): Partial<ReconfigOp> {
		const lines = [...this.#committed.servers.values()]
			.filter(() => this.#random.chance(0.9))
			.map((server) => `server.${server.id}=${formatQuorumServer(server)}`);
		return { newMembers: lines.join() };
	}

	#member(): number {
		return this.#random.pick([...this.#committed.servers.keys()]);
	}

	#leader(): SimMember | undefined {
		return this.#parts.members.find(({ peer }) => peer?.state === 'leading');
	}

	#ask(wanted: Partial<ReconfigOp> | null): void {
		const { members, tell } = this.#parts;
		const member = this.#random.pick(members);
		const { door } = member;
		if (wanted === null || door?.isOpen !== true) return;
		const configId = this.#random.chance(0.3) ? BigInt(this.#committed.version) : -1n;
		const nothing = { joiningServers: null, leavingServers: null, newMembers: null };
		const op: ReconfigOp = { kind: 'reconfig', ...nothing, configId, ...wanted };
		const caller = { door: 'zookeeper', identities: [], address: '10.0.0.2' } as const;
		tell(`member ${member.id} is asked for ${JSON.stringify(wanted)}`);
		const named = /server\.(\d+)=/g;
		for (const [, id] of `${wanted.joiningServers},${wanted.newMembers}`.matchAll(named))
			this.#named.set(Number(id), this.#epoch());
		this.#asked += 1;
		const request = {
			sessionId: noSession,
			cxid: this.#asked,
			op,
			caller,
			reply: (reply: Reply) => this.#answered(reply),
		};
		door.gate.enter(() => door.host.submit(request));
	}

	#answered({ error, zxid, result }: Reply): void {
		const { checkers, tell } = this.#parts;
		tell(`a reconfiguration ended with ${error} at ${formatZxid(zxid)}`);
		if (error === connectionLoss.code || error === systemError.code) this.counts.reconfigurationsUnknown += 1;
		else if (error !== 0) this.counts.reconfigurationsRefused += 1;
		if (error !== 0) return;
		this.counts.reconfigurations += 1;
		const text = result?.kind === 'reconfig' ? decoder.decode(result.data!) : '';
		if (!checkers.history.has(zxid))
			checkers.find(`the reconfiguration ${formatZxid(zxid)} was acknowledged, and is not committed`);
		if (parseQuorumConfig(text).version !== zxid)
			checkers.find(`the reconfiguration ${formatZxid(zxid)} was answered with ${text}`);
		this.#acknowledged = Math.max(this.#acknowledged, zxid);
	}

	/** The highest that anybody has something of. */
	#epoch(): number {
		return Math.max(...this.#parts.members.map(({ host }) => epochOf(host?.lastLogged ?? zeroZxid)));
	}

	/** One that was removed, once everybody who is there knows, and nothing can come any more of a request that names it. */
	#switchOff(): void {
		const { members, checkers } = this.#parts;
		const isKnown = members.every(({ id }) => this.#stored.get(id)!.current.version >= this.#committed.version);
		const isSettled = (id: number) => epochOf(checkers.history.last) > (this.#named.get(id) ?? -2) + 1;
		const gone = members.find(({ id }) => !this.#committed.servers.has(id) && isSettled(id));
		if (!isKnown || gone === undefined || this.#committed.version === 0 || !this.#random.chance(0.5)) return;
		gone.kill(this.#random.chance(0.5));
		members.splice(members.indexOf(gone), 1);
		this.counts.switchedOff += 1;
	}

	/** At the end everybody has the configuration that was committed last, and says so where clients look. */
	settle(): void {
		this.#follow();
		const { members, checkers, tell } = this.#parts;
		if (this.#committed.version < this.#acknowledged)
			checkers.find(`the configuration ${formatZxid(this.#acknowledged as never)} was acknowledged and is lost`);
		const ends = new Set<string>();
		for (const { id, host, peer } of members) {
			const { current: config, next } = this.#stored.get(id)!;
			const log = formatZxid(host?.lastLogged ?? zeroZxid);
			tell(
				`member ${id} is ${peer?.state} ${peer?.vote.leader} at ${log} by ${brief(config)}, next ${next && brief(next)}`,
			);
			ends.add(brief(config));
			const shown = decoder.decode(host?.tree.data(configPath) ?? new Uint8Array(0));
			if (shown !== config.toString())
				checkers.find(`member ${id} has the configuration ${brief(config)}, and shows ${shown}`);
		}
		if (ends.size > 1) checkers.find(`the members end with different configurations: ${[...ends].join('; ')}`);
		const committed = brief(this.#committed);
		const [end] = ends;
		if (this.#committed.version !== 0 && end !== committed)
			checkers.find(`the members end with the configuration ${end}, committed is ${committed}`);
	}
}

function brief({ version, participants, observers }: QuorumConfig): string {
	const observing = observers.length === 0 ? '' : `, observers ${observers.join(' ')}`;
	return `0x${version.toString(16)}: ${participants.join(' ')}${observing}`;
}

function line(id: number, role: string): string {
	return `10.0.0.${id}:2888:3888:${role};0.0.0.0:2181`;
}

export function noReconfigurations(): ReconfigurationCounts {
	return {
		joiners: 0,
		switchedOff: 0,
		reconfigurations: 0,
		reconfigurationsRefused: 0,
		reconfigurationsUnknown: 0,
		handovers: 0,
	};
}
