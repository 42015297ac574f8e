/**
 * Locks and leaders of the TypeScript client while replicas are killed and paused, their connections cut or silent, and clients killed or stopped for longer than their sessions live: never two with
 * one token, nothing written under a token behind the first write of the next, and it always goes on. 40 s; LONG_SPECS=1: ten minutes.
 */
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type Contender, connect, LeaderElection } from '#client/index';
import { SeededRandom } from '#test/sim/random';
import { Cable } from '#test/support/cable';
import { type EnsembleMember, startEnsemble } from '#test/support/ensemble';
import { eventually } from '#test/support/ensemble-wait';
import { PossessionWorkers } from '#test/support/possession-workers';
import { TestServers } from '#test/support/test-servers';

const lengthMs = process.env.LONG_SPECS === '1' ? 600_000 : 40_000;
const sessionTimeoutMs = 2000;

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

async function start() {
	const ensemble = servers.keep(await startEnsemble({ members: ['chronokeeper', 'chronokeeper', 'chronokeeper'] }));
	await ensemble.leader();
	const cables = new Map<EnsembleMember, Cable>();
	for (const member of ensemble.members) cables.set(member, servers.keep(await Cable.lay((await member.doors()).grpc)));
	const endpoints = [...cables.values()].map(({ address }) => address).join(',');
	const ck = servers.keep(await connect({ endpoints }));
	for (const path of ['/lock/journal', '/leader/journal']) await ck.create(path, null, { parents: true });
	const possessions = (['lock', 'leader'] as const).map((recipe) =>
		servers.keep(new PossessionWorkers({ recipe, endpoints, sessionTimeoutMs, path: `/${recipe}` }, 3)),
	);
	return { ensemble, cables, ck, possessions };
}

type Site = Awaited<ReturnType<typeof start>>;

/** What goes wrong, until what it leaves alone has gone on without; then it is well again. */
const faults: Readonly<Record<string, (site: Site, member: EnsembleMember) => Promise<void>>> = {
	'a replica is killed': async (site, member) => {
		await member.stop('SIGKILL');
		await goesOn(site);
		await comesBack(site, member);
	},
	'the leader is killed': async (site) => {
		const leader = await site.ensemble.leader();
		await leader.stop('SIGKILL');
		await goesOn(site);
		await comesBack(site, leader);
	},
	'a replica is paused': async (site, member) => {
		member.pause();
		await goesOn(site);
		member.proceed();
		await member.serving();
	},
	'connections are cut': async (site, member) => {
		site.cables.get(member)!.unplug();
		await goesOn(site);
		site.cables.get(member)!.plug();
	},
	'connections are silent': async (site, member) => {
		site.cables.get(member)!.silence();
		await goesOn(site);
		site.cables.get(member)!.plug();
	},
	'who holds it is stopped beyond its session': async (site) => {
		const stopped = site.possessions.map((possession) => possession.holder());
		for (const holder of stopped) holder.pause();
		// Another one has it only when the session is over.
		await goesOn(site);
		for (const holder of stopped) holder.proceed();
	},
	'who holds it is killed': async ({ possessions }) => {
		for (const possession of possessions) await possession.exchange(possession.holder());
	},
};

async function comesBack({ cables }: Site, member: EnsembleMember): Promise<void> {
	member.launch();
	cables.get(member)!.leadTo((await member.doors()).grpc);
	await member.serving();
}

/** Each gets it again, more than once. */
async function goesOn({ possessions }: Site): Promise<void> {
	for (const possession of possessions) {
		possession.listen();
		const { turns } = possession;
		await eventually('it is taken again', () => {
			possession.listen();
			return possession.turns > turns + 3;
		});
	}
}

describe('locks and leaders', () => {
	it('63: are had by one at a time, whatever goes wrong, and always by somebody in the end', {
		timeout: lengthMs + 300_000,
	}, async () => {
		const site = await start();
		const { ensemble, ck, possessions } = site;
		const leaders: Contender[] = [];
		const over = new AbortController();
		const observing = (async () => {
			for await (const leader of new LeaderElection(ck, '/leader/possession').observe({ signal: over.signal }))
				if (leader !== undefined) leaders.push(leader);
		})();
		await goesOn(site);
		const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
		const random = new SeededRandom(seed);
		const endMs = performance.now() + lengthMs;
		let rest: string[] = [];
		const happened: string[] = [];
		while (performance.now() < endMs) {
			// Each of them, then each again, in another order.
			if (rest.length === 0) rest = Object.keys(faults);
			const [name] = rest.splice(random.below(rest.length), 1) as [string];
			happened.push(name);
			await faults[name]!(site, random.pick(ensemble.members));
			await goesOn(site);
			for (const possession of possessions) possession.check();
		}
		over.abort();
		await observing;
		for (const possession of possessions) {
			expect(possession.check()).toBeGreaterThan(possession.turns / 2);
			expect(possession.losses, `seed ${seed}: ${happened.join(', ')}`).toBeGreaterThan(0);
		}
		const tokens = leaders.map(({ token }) => token);
		expect(tokens.length).toBeGreaterThan(10);
		expect(tokens).toEqual([...new Set(tokens)].toSorted((one, other) => (one < other ? -1 : 1)));
	});
});
