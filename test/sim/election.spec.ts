/**
 * Three to seven servers elect a leader while servers crash and restart, messages get lost, late and out of order, and the network falls apart and
 * heals. When it is quiet, a quorum agrees on one leader; if all look at once, on the one with the longest history; who comes late joins it.
 *
 * One seed is one run: `SEED=123 npx vitest run test/sim/election.spec.ts` runs that one alone, `SEEDS=10000` many.
 */
import { expect, it } from 'vitest';
import type { Notification } from '#core/ports/election-network';
import { parseQuorumConfig } from '#core/zab/parse-quorum-config';
import type { QuorumConfig } from '#core/zab/quorum-config';
import { type Decision, ElectionEnsemble, isLonger, type SimServer } from './election-ensemble.ts';
import { SeededRandom } from './random.ts';

const chaosSteps = 30;
const longestDelayMs = 3000;
const fixedSeed = process.env.SEED;
const count = Number(process.env.SEEDS ?? 300);
const batch = 50;

const batches =
	fixedSeed === undefined
		? Array.from({ length: Math.ceil(count / batch) }, (_, i) => ({
				first: i * batch,
				last: Math.min(count, (i + 1) * batch) - 1,
			}))
		: [{ first: Number(fixedSeed), last: Number(fixedSeed) }];

it.each(batches)('79: elections in a network that cannot be trusted, seeds $first to $last', ({ first, last }) => {
	for (let seed = first; seed <= last; seed++) {
		try {
			run(new SeededRandom(seed * 7919 + 1));
		} catch (error) {
			throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
		}
	}
});

function run(random: SeededRandom): void {
	const config = drawConfig(random);
	const checker = new Checker(config);
	const maxNotificationIntervalMs = random.pick([1000, 10_000, 60_000]);
	const ensemble = new ElectionEnsemble(random, config, { maxNotificationIntervalMs }, checker);
	for (const server of ensemble.servers.values()) {
		if (random.chance(0.8)) ensemble.timers.after(random.below(1000), () => ensemble.start(server));
	}
	ensemble.timers.advance(random.below(3000));
	for (let step = 0; step < chaosSteps; step++) disturb(random, ensemble);

	const reachable = calm(random, ensemble);
	ensemble.timers.advance(3 * maxNotificationIntervalMs + 20_000);
	expectOneLeader(ensemble, reachable);

	const best = lookAllAtOnce(random, ensemble, reachable);
	ensemble.timers.advance(2000);
	expectOneLeader(ensemble, reachable);
	expect(reachable[0]?.leader, `the best candidate is ${best.id}`).toBe(best.id);

	joinLate(random, ensemble, reachable, best);
}

/** Majorities and groups with weights, with and without observers. */
function drawConfig(random: SeededRandom): QuorumConfig {
	const voters = 3 + random.below(5);
	const lines = Array.from({ length: voters }, (_, i) => `server.${i + 1}=host:${2000 + i}:${3000 + i}`);
	if (random.chance(0.3)) lines.push(`server.${voters + 1}=host:2888:3888:observer`);
	if (voters > 5 && random.chance(0.5)) {
		lines.push('group.1=1:2:3', `group.2=4:5:6${voters === 7 ? ':7' : ''}`, `weight.${1 + random.below(voters)}=0`);
		if (random.chance(0.5)) lines.push('weight.2=3');
	}
	return parseQuorumConfig([...new Map(lines.map((line) => [line.split('=')[0], line])).values()].join('\n'));
}

function disturb(random: SeededRandom, ensemble: ElectionEnsemble): void {
	const server = ensemble.server(1 + random.below(ensemble.servers.size));
	const ids = [...ensemble.servers.keys()];
	const what = random.below(100);
	if (what < 25) ensemble.crash(server);
	else if (what < 60) ensemble.start(server);
	else if (what < 70) ensemble.isolate(ids.filter(() => random.chance(0.4)));
	else if (what < 78) ensemble.cut(server.id, random.pick(ids));
	else if (what < 90) ensemble.heal();
	else if (what < 95) ensemble.loss = random.next() * 0.4;
	else ensemble.maxDelayMs = random.pick([5, 50, 400, longestDelayMs]);
	ensemble.timers.advance(random.chance(0.3) ? random.below(8000) : random.below(500));
}

/** From now on a quorum, or more, is up and connected, and the others are out of reach. Answers who is in reach. */
function calm(random: SeededRandom, ensemble: ElectionEnsemble): readonly SimServer[] {
	ensemble.heal();
	ensemble.loss = 0;
	ensemble.maxDelayMs = 40;
	const servers = [...ensemble.servers.values()];
	let away: SimServer[];
	do away = servers.filter(() => random.chance(0.25));
	while (!ensemble.config.isQuorum(new Set(servers.filter((each) => !away.includes(each)).map(({ id }) => id))));
	ensemble.isolate(away.map(({ id }) => id));
	const reachable = servers.filter((each) => !away.includes(each));
	for (const server of reachable) ensemble.start(server);
	return reachable;
}

function expectOneLeader(ensemble: ElectionEnsemble, reachable: readonly SimServer[]): void {
	const leaders = new Set(reachable.map(({ leader }) => leader));
	expect([...leaders], 'leaders').toHaveLength(1);
	const leader = reachable.find(({ id }) => leaders.has(id));
	expect(leader, `${[...leaders].join()} is in reach`).toBeDefined();
	expect(leader?.isEstablished, 'a quorum follows').toBe(true);
	for (const server of reachable) {
		const learning = ensemble.config.participants.includes(server.id) ? 'following' : 'observing';
		expect(server.state).toBe(server === leader ? 'leading' : learning);
	}
}

/** Everyone in reach looks, with whatever history, in its next round or after a restart. Answers the best candidate. */
function lookAllAtOnce(random: SeededRandom, ensemble: ElectionEnsemble, reachable: readonly SimServer[]): SimServer {
	const isRestart = random.chance(0.5);
	for (const server of reachable) {
		server.history.epoch -= random.below(2);
		server.history.zxid -= random.below(3);
		if (isRestart) ensemble.crash(server);
		else server.election?.stop();
	}
	ensemble.timers.advance(ensemble.maxDelayMs);
	for (const server of reachable) {
		ensemble.timers.after(random.below(50), () => (isRestart ? ensemble.start(server) : ensemble.look(server)));
	}
	const candidates = reachable.filter(({ id }) => ensemble.config.weight(id) > 0);
	return candidates.reduce((best, each) => (isLonger(best.history, each.history) ? best : each));
}

/** A server that was down comes back, even with more in its log than the leader has, and joins. */
function joinLate(
	random: SeededRandom,
	ensemble: ElectionEnsemble,
	reachable: readonly SimServer[],
	leader: SimServer,
): void {
	const latecomer = random.pick(reachable);
	const others = reachable.filter((each) => each !== latecomer);
	if (latecomer === leader || !ensemble.config.isQuorum(new Set(others.map(({ id }) => id)))) return;
	const searches = others.map((each) => each.searches);
	ensemble.crash(latecomer);
	ensemble.timers.advance(random.below(5000));
	latecomer.history.epoch = leader.history.epoch + random.below(2);
	latecomer.history.zxid = leader.history.zxid + random.below(1000);
	const startedAtMs = ensemble.timers.nowMs;
	ensemble.start(latecomer);
	ensemble.timers.advance(2000);
	expectOneLeader(ensemble, reachable);
	expect(latecomer.leader).toBe(leader.id);
	expect(latecomer.decidedAtMs - startedAtMs, 'ms until it joined').toBeLessThanOrEqual(2 * ensemble.maxDelayMs);
	expect(others.map((each) => each.searches)).toEqual(searches);
}

/** What may never happen, however the network behaves. */
class Checker {
	readonly #config: QuorumConfig;
	/** Whatever was said -> who said it, and when last. */
	readonly #said = new Map<string, Map<number, number>>();
	/** Round -> leader -> who decided for it, and in which life. */
	readonly #decisions = new Map<number, Map<number, Map<SimServer, number>>>();

	constructor(config: QuorumConfig) {
		this.#config = config;
	}

	sent(from: SimServer, { state, leader, zxid, electionEpoch, peerEpoch }: Notification, nowMs: number): void {
		const say = (what: string) => entry(this.#said, what, () => new Map()).set(from.id, nowMs);
		say(`${leader} in round ${electionEpoch}`);
		const ballot = `${leader} in round ${electionEpoch} with ${zxid} of ${peerEpoch}`;
		say(ballot);
		if (state === 'looking') say(`I vote for ${ballot}`);
		if (state !== 'looking') say(`${leader} leads ${peerEpoch}`);
		if (state === 'leading') say('I lead');
	}

	decided({ server, vote, state }: Decision): void {
		const { leader, zxid, electionEpoch, peerEpoch } = vote;
		const isSaidByQuorum = (what: string) => this.#config.isQuorum(this.#heard(server, what));
		if (!isSaidByQuorum(`${leader} in round ${electionEpoch}`) && !isSaidByQuorum(`${leader} leads ${peerEpoch}`)) {
			throw new Error(`server ${server.id} decided for ${leader} without a quorum`);
		}
		const ballot = `${leader} in round ${electionEpoch} with ${zxid} of ${peerEpoch}`;
		const isElected = isSaidByQuorum(ballot) && this.#heard(server, `I vote for ${ballot}`).has(server.id);
		if (!isElected && !this.#heard(server, 'I lead').has(leader)) {
			throw new Error(`server ${server.id} joined ${leader}, which does not say that it leads`);
		}
		if (this.#config.weight(leader) === 0) throw new Error(`server ${leader} without weight was elected`);
		if ((state === 'leading') !== (leader === server.id)) throw new Error(`server ${server.id} is ${state}`);
		const round = entry(this.#decisions, electionEpoch, () => new Map());
		entry(round, leader, () => new Map<SimServer, number>()).set(server, server.life);
		const elected = [...round.values()].filter((deciders) => this.#config.isQuorum(inPresentLife(deciders)));
		if (elected.length > 1) throw new Error(`round ${electionEpoch} has ${elected.length} leaders with a quorum`);
	}

	/** Who said it so lately that the server may have heard it since it began to look; itself included. */
	#heard(server: SimServer, what: string): ReadonlySet<number> {
		const said = [...(this.#said.get(what) ?? [])].filter(([, atMs]) => atMs > server.lookedAtMs - longestDelayMs);
		return new Set(said.map(([id]) => id));
	}
}

/** A server that restarted has forgotten its rounds, and may decide otherwise in the same one. */
function inPresentLife(deciders: ReadonlyMap<SimServer, number>): ReadonlySet<number> {
	return new Set([...deciders].filter(([server, life]) => server.life === life).map(([{ id }]) => id));
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
	const found = map.get(key) ?? make();
	map.set(key, found);
	return found;
}
