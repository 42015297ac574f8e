/**
 * A queue of the TypeScript client while replicas are killed and paused, connections cut, and consumers killed or stopped for longer than their sessions live: no element is lost, and none is given
 * again behind its acknowledgement. 25 s; LONG_SPECS=1: ten minutes.
 */
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { connect, OutcomeUnknownError, Queue, SessionExpiredError, textCodec } from '#client/index';
import { type Faults, faultsOfReplicas, goWrong, startCabled } from '#test/support/client-faults';
import { eventually } from '#test/support/ensemble-wait';
import { QueueWorker, QueueWorkers } from '#test/support/queue-workers';
import { TestServers } from '#test/support/test-servers';

const isLong = process.env.LONG_SPECS === '1';
const lengthMs = isLong ? 600_000 : 25_000;
const sessionTimeoutMs = 2000;
const path = '/queue';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

async function start() {
	const cabled = await startCabled(servers);
	const { endpoints } = cabled;
	const ck = servers.keep(await connect({ endpoints }));
	const queue = new Queue(ck, path, { codec: textCodec });
	const workers = servers.keep(new QueueWorkers(() => new QueueWorker(endpoints, sessionTimeoutMs, path), 3));
	return { ...cabled, ck, queue, workers, production: { isHeld: false } };
}

type Site = Awaited<ReturnType<typeof start>>;

const faults: Faults<Site> = {
	...faultsOfReplicas(goesOn),
	'a consumer is killed': async ({ workers }) => {
		await workers.exchange(await stopped(workers));
	},
	'a consumer is stopped beyond its session, and the others wait': async ({ workers, ck, production }) => {
		const worker = await stopped(workers);
		production.isHeld = true;
		const { value, name } = worker.last!;
		const times = workers.timesGiven(value);
		await eventually('what it had is given to another one', async () => {
			workers.listen();
			if (workers.timesGiven(value) > times) return true;
			// It may have been stopped between the acknowledgement and its word of it.
			return (await ck.exists(`${path}/entries/${name}`)) === undefined;
		});
		production.isHeld = false;
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
		const { queue, workers, production } = site;
		const put: string[] = [];
		let isOver = false;
		const isWanted = () => isOver || (!production.isHeld && put.length - workers.acked < 200);
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
				await eventually('some are worked on', isWanted, lengthMs + 300_000);
			}
		})();
		await goesOn(site);
		const story = await goWrong(site, faults, lengthMs, async () => {
			await goesOn(site);
			workers.check();
		});
		isOver = true;
		await producing;
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
		if (isLong) console.log(`${put.length} elements, ${workers.refused} late acknowledgements; ${story}`);
		expect(put.length).toBeGreaterThan(100);
	});
});
