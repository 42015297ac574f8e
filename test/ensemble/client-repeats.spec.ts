/** What the TypeScript client has under way when connections break and replicas are killed is done exactly once, whoever leads: Chronokeeper or Apache ZooKeeper. LONG_SPECS=1 goes on for ten minutes. */
import assert from 'node:assert/strict';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type Chronokeeper, connect } from '#client/index';
import { SeededRandom } from '#test/sim/random';
import { CuttingCable } from '#test/support/cutting-cable';
import { type Ensemble, type EnsembleMember, startEnsemble } from '#test/support/ensemble';
import { eventually } from '#test/support/ensemble-wait';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

const isLong = process.env.LONG_SPECS === '1';
const kills = isLong ? 60 : 4;
const timeoutMs = isLong ? 1_800_000 : 300_000;
const callers = 12;

interface Way {
	readonly member: EnsembleMember;
	readonly cable: CuttingCable;
}

/** A way to each replica of Chronokeeper, with a cut every few kilobytes. */
async function waysTo(ensemble: Ensemble, random: SeededRandom): Promise<Way[]> {
	const members = ensemble.members.filter(({ kind }) => kind === 'chronokeeper');
	return Promise.all(
		members.map(async (member) => {
			const cable = servers.keep(await CuttingCable.lay((await member.doors()).grpc));
			cable.plan = () => ({
				direction: random.below(2) === 0 ? 'to server' : 'to client',
				bytes: 1000 + random.below(20_000),
				arrives: random.below(2) === 0,
			});
			cable.arm();
			return { member, cable };
		}),
	);
}

/** Creations of sequential nodes, and counters of one writer each, as fast as they are answered. */
class Work {
	/** By path, what was written there. */
	readonly made = new Map<string, string>();
	readonly counts = new Array<number>(callers).fill(0);
	#isOver = false;
	readonly #done: Promise<unknown>;

	constructor(ck: Chronokeeper) {
		this.#done = Promise.all(this.counts.map((_, at) => this.#call(ck, at)));
	}

	async #call(ck: Chronokeeper, at: number): Promise<void> {
		const counter = `/counters/${at}`;
		await ck.create(counter, '0');
		while (!this.#isOver) {
			const count = this.counts[at]!;
			const data = `${at} ${count}`;
			// All under way together, each in its turn.
			const [made, counted, pair] = await Promise.all([
				ck.create('/made/n-', data, { mode: 'persistentSequential' }),
				// BadVersion if it had been done before.
				ck.set(counter, `${count + 1}`, { version: count * 2 }),
				ck
					.transaction()
					.set(counter, `${count + 1}`, { version: count * 2 + 1 })
					.create('/made/n-', `${data} pair`, { mode: 'ephemeralSequential' })
					.commit(),
			]);
			assert.equal(counted.stat.version, count * 2 + 1);
			this.#note(made.path, data);
			this.#note((pair[1] as { readonly path: string }).path, `${data} pair`);
			this.counts[at] = count + 1;
		}
	}

	#note(path: string, data: string): void {
		assert.ok(!this.made.has(path), `${path} was answered before`);
		this.made.set(path, data);
	}

	get total(): number {
		return this.made.size;
	}

	/** Some more is done. */
	async goesOn(): Promise<void> {
		const enough = this.total + 4 * callers;
		await Promise.race([eventually('work goes on', async () => this.total >= enough), this.#done]);
	}

	async end(): Promise<void> {
		this.#isOver = true;
		await this.#done;
	}
}

async function check(work: Work, ck: Chronokeeper): Promise<void> {
	await ck.sync();
	const { names } = await ck.children('/made');
	expect(names.map((name) => `/made/${name}`).toSorted()).toEqual([...work.made.keys()].toSorted());
	const read = async (path: string) => [path, Buffer.from((await ck.get(path)).data!).toString()] as const;
	expect(new Map(await Promise.all([...work.made.keys()].map(read)))).toEqual(work.made);
	// Sequence numbers have no gap: nothing was made and deleted, or made twice.
	const numbers = names.map((name) => Number(name.slice(2))).toSorted((a, b) => a - b);
	expect(numbers).toEqual(numbers.map((_, i) => i));
	for (const [at, count] of work.counts.entries()) {
		const { data, stat } = await ck.get(`/counters/${at}`);
		expect([Buffer.from(data!).toString(), stat.version]).toEqual([`${count}`, count * 2]);
	}
}

async function connectBy(ways: readonly Way[]): Promise<Chronokeeper> {
	const endpoints = ways.map(({ cable }) => cable.address);
	const retry = { firstPauseMs: 5, longestPauseMs: 50 };
	const ck = servers.keep(await connect({ endpoints, sessionTimeoutMs: 60_000, connectTimeoutMs: 60_000, retry }));
	await ck.create('/made', null);
	await ck.create('/counters', null);
	return ck;
}

async function revive({ member, cable }: Way): Promise<void> {
	member.launch();
	await member.serving();
	cable.target = (await member.doors()).grpc;
}

describe('what is under way', () => {
	it(
		'10: is done once while the replica that is talked to, and the leader, are killed',
		async () => {
			const ensemble = servers.keep(await startEnsemble({ members: ['chronokeeper', 'chronokeeper', 'chronokeeper'] }));
			await ensemble.leader();
			const ways = await waysTo(ensemble, new SeededRandom(11));
			const ck = await connectBy(ways);
			const { id } = ck.session;
			const work = new Work(ck);
			for (let round = 0; round < kills; round++) {
				await work.goesOn();
				const leader = await ensemble.leader();
				const used = ways.find(({ cable }) => cable.isInUse);
				const victim = (round % 2 === 0 && used) || ways.find(({ member }) => member === leader)!;
				await victim.member.stop('SIGKILL');
				await work.goesOn();
				await revive(victim);
			}
			await work.end();
			for (const { cable } of ways) cable.disarm();
			await check(work, ck);
			expect(ck.session.id).toBe(id);
			expect(ways.reduce((sum, { cable }) => sum + cable.cuts, 0)).toBeGreaterThan(kills);
		},
		timeoutMs,
	);

	it(
		'10, 65: is done once under a leader that is an Apache ZooKeeper',
		async () => {
			const ensemble = servers.keep(await startEnsemble({ members: ['chronokeeper', 'chronokeeper', 'zookeeper'] }));
			const zookeeper = ensemble.member(3);
			// Of equal histories the highest number is elected.
			if ((await ensemble.leader()) !== zookeeper) {
				await ensemble.restart((await ensemble.leader()).id);
				expect(await ensemble.leader()).toBe(zookeeper);
			}
			const ways = await waysTo(ensemble, new SeededRandom(12));
			const ck = await connectBy(ways);
			const work = new Work(ck);
			for (let round = 0; round < kills / 2; round++) {
				await work.goesOn();
				const victim = ways.find(({ cable }) => cable.isInUse) ?? ways[0]!;
				await victim.member.stop('SIGKILL');
				await work.goesOn();
				await revive(victim);
			}
			await work.end();
			for (const { cable } of ways) cable.disarm();
			expect(await ensemble.leader()).toBe(zookeeper);
			await check(work, ck);
			expect(ways.reduce((sum, { cable }) => sum + cable.cuts, 0)).toBeGreaterThan(kills / 2);
		},
		timeoutMs,
	);
});
