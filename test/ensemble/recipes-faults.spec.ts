/**
 * The recipes of the TypeScript client while replicas are killed and paused, their connections cut or silent, and clients killed or stopped for longer than their sessions live. Four processes use all of
 * them at once but the queues, which have a run of their own. With LONG_SPECS=1 only: ten minutes.
 */
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
	Barrier,
	type Chronokeeper,
	type Contender,
	Counter,
	connect,
	LeaderElection,
	ServiceDiscovery,
	type ServiceView,
	SharedValue,
} from '#client/index';
import { type Faults, faultsOfReplicas, goWrong, startCabled } from '#test/support/client-faults';
import { eventually } from '#test/support/ensemble-wait';
import { recipePaths as paths, possessions, service } from '#test/support/recipes-words';
import { RecipesWorker, RecipesWorkers } from '#test/support/recipes-workers';
import { TestServers } from '#test/support/test-servers';

const isLong = process.env.LONG_SPECS === '1';
const lengthMs = isLong ? 600_000 : 25_000;
const sessionTimeoutMs = 2000;
/** From the moment when the system has noticed a death. A machine that does other things besides lets processes wait for the processor: the long run is for a quiet one. */
const discoveryLimitMs = isLong ? 2000 : 20_000;

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

async function start() {
	const cabled = await startCabled(servers);
	const { endpoints } = cabled;
	const ck = servers.keep(await connect({ endpoints }));
	for (const name of Object.keys(possessions)) await ck.create(`${paths.journals}/${name}`, null, { parents: true });
	for (const path of [paths.mark, paths.group]) await ck.create(path, null);
	const over = new AbortController();
	const followed = [paths.services, paths.group].map((path) => ({ path, recursive: true }));
	const tail = ck.tail({ from: 0n, paths: followed, signal: over.signal });
	const workers = servers.keep(new RecipesWorkers(() => new RecipesWorker(endpoints, sessionTimeoutMs), 4));
	return { ...cabled, ck, workers, tail, over, generation: new SharedValue<number>(ck, paths.generation) };
}

type Site = Awaited<ReturnType<typeof start>>;

/** In turn: whoever has it is stopped, or killed. */
const victims = Object.keys(possessions);
let victim = 0;

const faults: Faults<Site> = {
	...faultsOfReplicas(goesOn),
	'who holds something is stopped beyond its session': async (site) => {
		const { workers } = site;
		const stopped = workers.holder(victims[victim++ % victims.length]!);
		const { losses } = workers;
		workers.pause(stopped);
		// Others have it, and its partitions, only when the session is over.
		await goesOn(site);
		workers.proceed(stopped);
		await eventually('it finds out', () => {
			workers.listen();
			return workers.losses > losses;
		});
	},
	'who holds something is killed': async (site) => {
		const { workers } = site;
		await workers.exchange(workers.holder(victims[victim++ % victims.length]!));
		await goesOn(site);
	},
};

/** Each recipe, more than once. */
async function goesOn({ ck, workers }: Site): Promise<void> {
	workers.listen();
	const before = workers.progress;
	try {
		await eventually('all goes on', () => {
			workers.listen();
			const now = workers.progress;
			const standing = [...before].filter(([name, count]) => now.get(name)! < count + 2).map(([name]) => name);
			if (standing.length > 0) throw new Error(`it has come to a standstill: ${standing.join(', ')}`);
			return true;
		});
	} catch (error) {
		throw new Error(`${(error as Error).message}; in the tree: ${await ephemerals(ck)}`, { cause: error });
	}
}

/** Who stands where, by session. */
async function ephemerals(ck: Chronokeeper): Promise<string> {
	await ck.sync();
	const standing = [paths.lock, paths.leader, paths.readWrite, paths.doubleBarrier, ...paths.multi];
	const lines = await Promise.all(
		standing.map(async (parent) => {
			const { names } = await ck.children(parent).catch(() => ({ names: [] }));
			const stats = await Promise.all(names.map((name) => ck.exists(`${parent}/${name}`)));
			const of = (i: number) => `${stats[i]?.ephemeralOwner.toString(16)}, version ${stats[i]?.version}`;
			return `${parent} has ${names.map((name, i) => `${name} of ${of(i)}`).join(', ')}`;
		}),
	);
	return lines.join('; ');
}

/** A barrier that nobody has come through since the last time lets everyone through now, and there is another one. */
async function nextBarrier({ ck, workers, generation }: Site): Promise<void> {
	const barrier = new Barrier(ck, paths.barrier);
	workers.listen();
	workers.barrier.isSet = false;
	await barrier.remove();
	await eventually('all come through the barrier', () => {
		workers.listen();
		return workers.barrier.generation === 0 || workers.workers.every(({ name }) => workers.barrier.isThrough(name));
	});
	await barrier.set();
	workers.barrier.generation += 1;
	workers.barrier.isSet = true;
	await generation.set(workers.barrier.generation);
}

/** What the members of the group and the instances of the service are told is compared with what was committed. */
async function readLog({ tail, workers }: Site): Promise<void> {
	const instances = `${paths.services}/${service}/`;
	const members = `${paths.group}/`;
	for await (const { zxid, time, changes } of tail) {
		const named = (prefix: string) =>
			changes
				.filter(({ path }) => path.startsWith(prefix))
				.map(({ path, type }) => ({ id: path.slice(prefix.length), type }));
		const instancesNow = new Map(named(instances).map(({ id, type }) => [id, type]));
		for (const [id, type] of instancesNow) {
			// What is there before and behind it is no change.
			if (type === 'setData') continue;
			workers.discovery.committed(id, { isThere: type !== 'delete', atMs: time.getTime() });
		}
		for (const { id, type } of named(members))
			if (type !== 'setData') workers.group.committed(type === 'delete' ? 'left' : 'joined', id, zxid);
	}
}

function look({ ck, workers }: Site): ServiceView {
	const view = new ServiceDiscovery(ck, paths.services).watch(service);
	const tell = () =>
		workers.discovery.view(
			'the test',
			view.instances.map(({ id }) => id),
			Date.now(),
		);
	workers.discovery.connection('the test', true, Date.now());
	ck.on(({ state }) => workers.discovery.connection('the test', state === 'connected', Date.now()));
	tell();
	view.on(tell);
	return view;
}

describe('recipes', () => {
	it.runIf(isLong)(
		'63: keep what they promise, whatever goes wrong, and always go on',
		{ timeout: lengthMs + 300_000 },
		async () => {
			const site = await start();
			const { ck, workers, over } = site;
			const reading = readLog(site);
			await using _ = look(site);
			const leaders: Contender[] = [];
			const observing = (async () => {
				for await (const leader of new LeaderElection(ck, paths.leader).observe({ signal: over.signal }))
					if (leader !== undefined) leaders.push(leader);
			})();
			await goesOn(site);
			await nextBarrier(site);
			const story = await goWrong(site, faults, lengthMs, async () => {
				await goesOn(site);
				workers.check();
				await nextBarrier(site);
			});
			await goesOn(site);
			await eventually(`the work is divided (${story})`, () => {
				workers.listen();
				return workers.isDivided;
			});
			await eventually(`everybody has heard of the group (${story})`, () => {
				workers.listen();
				return workers.workers.every(({ name }) => workers.group.hasHeardAll(name));
			});
			await workers.close();
			over.abort();
			await Promise.all([observing, reading]);
			workers.counted.checkSum(await new Counter(ck, paths.counter).value());
			workers.valued.checkEach((await new SharedValue<Record<string, number>>(ck, paths.value).get()).value ?? {});
			const tokens = leaders.map(({ token }) => token);
			expect(tokens.length).toBeGreaterThan(3);
			expect(tokens).toEqual([...new Set(tokens)].toSorted((one, other) => (one < other ? -1 : 1)));
			const { connected, reconnected } = workers.discovery.measure();
			const measured = JSON.stringify({ connected, reconnected });
			if (isLong) console.log(story, measured, JSON.stringify(Object.fromEntries(workers.progress)), workers.losses);
			expect(connected.count, story).toBeGreaterThan(50);
			expect(connected.longestMs, `${measured}, ${story}`).toBeLessThan(discoveryLimitMs);
			expect(reconnected.longestMs, `${measured}, ${story}`).toBeLessThan(discoveryLimitMs);
		},
	);
});
