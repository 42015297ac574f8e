/** Recipes of the TypeScript client on the same nodes as Curator's: they keep each other out. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
	type Chronokeeper,
	connect,
	DistributedLock,
	DoubleBarrier,
	LeaderElection,
	ReadWriteLock,
	Semaphore,
	ServiceDiscovery,
	ServiceRegistry,
} from '#client/index';
import { JavaPrograms } from '#test/support/java-programs';
import { ServerUnderTest } from '#test/support/server-under-test';
import { type Acquire, SharedCounter } from '#test/support/shared-counter';

let server: ServerUnderTest;
let programs: JavaPrograms;
let ck: Chronokeeper;
let other: Chronokeeper;

beforeAll(async () => {
	programs = new JavaPrograms();
	server = await ServerUnderTest.start();
	ck = await connect({ endpoints: server.grpc });
	other = await connect({ endpoints: server.grpc });
});
afterAll(async () => {
	await ck?.close();
	await other?.close();
	await programs?.remove();
	await server?.stop();
});

const rounds = 25;

describe("Curator's recipes and ours on one path", () => {
	it('a lock: InterProcessMutex and DistributedLock exclude each other, and holders come in the order of their tokens', async () => {
		const counter = await SharedCounter.create(ck, '/mutex');
		const acquire =
			(client: Chronokeeper): Acquire =>
			() =>
				new DistributedLock(client, '/mutex/lock').acquire();
		const java = programs.start('Contender', server.address, '/mutex', '2', `${rounds}`);
		const until = counter.hasChanged().then(() => java.exited);
		const added = await counter.contend([ck, ck, other], acquire, until);
		expect(await java.exited, java.output).toBe(0);
		expect(await counter.count()).toBe(2 * rounds + added);
		expect(counter.turnsOfOthers).toBeGreaterThan(rounds / 5);
	});

	it.each([
		[
			'write',
			'InterProcessReadWriteLock',
			(client: Chronokeeper) => new ReadWriteLock(client, '/write/shared').write.acquire(),
		],
		[
			'semaphore',
			'InterProcessSemaphoreV2',
			(client: Chronokeeper) => new Semaphore(client, '/semaphore/shared', 1).acquire(),
		],
		['latch', 'LeaderLatch', (client: Chronokeeper) => new LeaderElection(client, '/latch/shared').lead()],
	] as const)('%s: with %s', async (recipe, _, acquire) => {
		const counter = await SharedCounter.create(ck, `/${recipe}`);
		const java = programs.start('Sharer', server.address, `/${recipe}`, recipe, `${rounds}`);
		const until = counter.hasChanged().then(() => java.exited);
		const added = await counter.contend([ck, ck, other], (client) => () => acquire(client), until);
		expect(await java.exited, java.output).toBe(0);
		expect(await counter.count()).toBe(rounds + added);
		expect(counter.turnsOfOthers).toBeGreaterThan(rounds / 5);
	});

	it('a double barrier: members of both go in together, and out together', async () => {
		await ck.create('/barrier');
		const java = programs.start('Sharer', server.address, '/barrier', 'barrier');
		const inside = await new DoubleBarrier(ck, '/barrier/shared', 2).enter({ timeoutMs: 60_000 });
		await java.waitFor(/^inside$/m);
		expect(java.output).not.toContain('left');
		await inside.leave();
		expect(await java.exited, java.output).toBe(0);
		expect(java.output).toContain('left');
	});
});

it('instances of both are found by both, with what was said of them; one that is out takes no requests of Curator’s', async () => {
	const registry = new ServiceRegistry(ck, '/directory/services');
	await using view = new ServiceDiscovery(ck, '/directory/services').watch('web');
	await view.ready;
	const java = programs.start('Directory', server.address, '/directory');
	const eventually = (check: () => void) => vi.waitFor(check, { timeout: 60_000 });
	await java.waitFor(/^registered$/m);
	await eventually(() => expect(view.instances).toHaveLength(1));
	expect(view.instances[0]).toMatchObject({
		id: 'curators',
		address: '10.0.0.1',
		port: 8001,
		weight: 1,
		metadata: { made: 'by Curator' },
		enabled: true,
	});
	const curators = 'curators=10.0.0.1:8001 by Curator';
	await java.waitFor(new RegExp(`^${curators}$`, 'm'));
	const details = { service: 'web', id: 'ours', address: 'fd00::7', port: 8002, tags: ['blue'], weight: 2 };
	const ours = await registry.register({ ...details, metadata: { made: 'by us' } });
	await java.waitFor(new RegExp(`^${curators}, ours=fd00::7:8002 by us$`, 'm'));
	await ours.update({ enabled: false });
	await java.waitFor(new RegExp(`by us\n${curators}$`, 'm'));
	await ours.update({ enabled: true, metadata: { made: 'by us, leave' } });
	await java.waitFor(/^ours=fd00::7:8002 by us, leave$/m);
	await eventually(() => expect(view.instances.map(({ id }) => id)).toEqual(['ours']));
	await ours.close();
	expect(await java.exited, java.output).toBe(0);
});
