/**
 * Locks and leaders of the TypeScript client while replicas are killed and paused, their connections cut or silent, and clients killed or stopped for longer than their sessions live: never two with
 * one token, nothing written under a token behind the first write of the next, and it always goes on. 40 s; LONG_SPECS=1: ten minutes.
 */
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type Contender, connect, LeaderElection } from '#client/index';
import { type Faults, faultsOfReplicas, goWrong, startCabled } from '#test/support/client-faults';
import { eventually } from '#test/support/ensemble-wait';
import { PossessionWorkers } from '#test/support/possession-workers';
import { TestServers } from '#test/support/test-servers';

const lengthMs = process.env.LONG_SPECS === '1' ? 600_000 : 25_000;
const sessionTimeoutMs = 2000;

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

async function start() {
	const cabled = await startCabled(servers);
	const { endpoints } = cabled;
	const ck = servers.keep(await connect({ endpoints }));
	for (const path of ['/lock/journal', '/leader/journal']) await ck.create(path, null, { parents: true });
	const possessions = (['lock', 'leader'] as const).map((recipe) =>
		servers.keep(new PossessionWorkers({ recipe, endpoints, sessionTimeoutMs, path: `/${recipe}` }, 3)),
	);
	return { ...cabled, ck, possessions };
}

type Site = Awaited<ReturnType<typeof start>>;

const faults: Faults<Site> = {
	...faultsOfReplicas(goesOn),
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
		const { ck, possessions } = site;
		const leaders: Contender[] = [];
		const over = new AbortController();
		const observing = (async () => {
			for await (const leader of new LeaderElection(ck, '/leader/possession').observe({ signal: over.signal }))
				if (leader !== undefined) leaders.push(leader);
		})();
		await goesOn(site);
		const story = await goWrong(site, faults, lengthMs, async () => {
			await goesOn(site);
			for (const possession of possessions) possession.check();
		});
		over.abort();
		await observing;
		for (const possession of possessions) {
			expect(possession.check()).toBeGreaterThan(possession.turns / 2);
			expect(possession.losses, story).toBeGreaterThan(0);
		}
		const tokens = leaders.map(({ token }) => token);
		expect(tokens.length).toBeGreaterThan(10);
		expect(tokens).toEqual([...new Set(tokens)].toSorted((one, other) => (one < other ? -1 : 1)));
	});
});
