/**
 * A queue of the TypeScript client while replicas are killed and paused, connections cut, and consumers killed or stopped for longer than their sessions live: no element is lost, and none is given
 * again behind its acknowledgement. 30 s; LONG_SPECS=1: ten minutes.
 */
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { connect, OutcomeUnknownError, Queue, SessionExpiredError, textCodec } from '#client/index';
import { SeededRandom } from '#test/sim/random';
import { Cable } from '#test/support/cable';
import { type EnsembleMember, startEnsemble } from '#test/support/ensemble';
import { eventually } from '#test/support/ensemble-wait';
import { QueueWorker, QueueWorkers } from '#test/support/queue-workers';
import { TestServers } from '#test/support/test-servers';

const lengthMs = process.env.LONG_SPECS === '1' ? 600_000 : 30_000;
const sessionTimeoutMs = 2000;
const path = '/queue';

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
	const queue = new Queue(ck, path, { codec: textCodec });
	const workers = servers.keep(new QueueWorkers(() => new QueueWorker(endpoints, sessionTimeoutMs, path), 3));
	return { ensemble, cables, queue, workers };
}

type Site = Awaited<ReturnType<typeof start>>;

/** What goes wrong, until the queue has gone on without what it leaves alone; then it is well again. */
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
	'a consumer is killed': async ({ workers }) => {
		await workers.exchange(await stopped(workers));
	},
	'a consumer is stopped beyond its session': async ({ workers }) => {
		const worker = await stopped(workers);
		const { has } = worker;
		const times = workers.timesGiven(has!);
		await eventually('what it had is given to another one', () => {
			workers.listen();
			return workers.timesGiven(has!) > times || workers.isAcked(has!);
		});
		worker.proceed();
	},
};

/** A consumer with an element, which does not move any more. */
async function stopped(workers: QueueWorkers): Promise<QueueWorker> {
	return eventually('a consumer has an element', () => {
		const worker = workers.busy();
		if (worker === undefined) return undefined;
		worker.pause();
		workers.listen();
		if (worker.has !== undefined) return worker;
		worker.proceed();
		return undefined;
	});
}

async function comesBack({ cables }: Site, member: EnsembleMember): Promise<void> {
	member.launch();
	cables.get(member)!.leadTo((await member.doors()).grpc);
	await member.serving();
}

async function goesOn({ workers }: Site): Promise<void> {
	workers.listen();
	const { acked } = workers;
	await eventually('elements are acknowledged', () => {
		workers.listen();
		return workers.acked > acked + 10;
	});
}

describe('a queue', () => {
	it('63: loses no element and gives none behind its acknowledgement, whatever goes wrong', {
		timeout: lengthMs + 300_000,
	}, async () => {
		const site = await start();
		const { ensemble, queue, workers } = site;
		const put: string[] = [];
		let isOver = false;
		const producing = (async () => {
			for (let i = 0; !isOver; i++) {
				try {
					const values = Array.from({ length: 1 + (i % 3) }, (_, k) => `${i}.${k}`);
					await queue.putAll(values);
					put.push(...values);
				} catch (error) {
					// Then they are all there, or none of them is.
					if (!(error instanceof SessionExpiredError || error instanceof OutcomeUnknownError)) throw error;
				}
				// Faster than they are worked on, but not by much.
				await eventually('some are worked on', () => isOver || put.length - workers.acked < 200, 2 * lengthMs);
			}
		})();
		await goesOn(site);
		const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
		const random = new SeededRandom(seed);
		const endMs = performance.now() + lengthMs;
		let rest: string[] = [];
		const happened: string[] = [];
		while (performance.now() < endMs) {
			if (rest.length === 0) rest = Object.keys(faults);
			const [name] = rest.splice(random.below(rest.length), 1) as [string];
			happened.push(name);
			await faults[name]!(site, random.pick(ensemble.members));
			await goesOn(site);
			workers.check();
		}
		isOver = true;
		await producing;
		const story = `seed ${seed}: ${happened.join(', ')}`;
		await eventually(`everything is worked on (${story})`, async () => {
			workers.listen();
			return (await queue.length()) === 0;
		});
		// The last acknowledgement may be done, and not be said yet.
		await eventually(`everything is acknowledged (${story})`, () => {
			workers.listen();
			return workers.workers.every(({ has }) => has === undefined);
		});
		workers.checkAll(put);
		expect(put.length).toBeGreaterThan(100);
	});
});
