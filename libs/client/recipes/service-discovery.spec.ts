import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Cable } from '#test/support/cable';
import { TestServers } from '#test/support/test-servers';
import type { Chronokeeper } from '../chronokeeper.ts';
import { connect } from '../connect.ts';
import { ServiceDiscovery } from './service-discovery.ts';
import { ServiceRegistry } from './service-registry.ts';

/** Other processes may be busy, too. */
function eventually<T>(check: () => T | Promise<T>): Promise<T> {
	return vi.waitFor(check, { timeout: 60_000, interval: 10 });
}

const servers = new TestServers();
let endpoints: string;
let ck: Chronokeeper;
let discovery: ServiceDiscovery;
let registry: ServiceRegistry;

beforeAll(async () => {
	endpoints = (await servers.start(servers.newDirectory(), { tickTime: 100, maxSessionTimeout: 60_000 })).addresses
		.grpc;
	ck = servers.keep(await connect({ endpoints }));
	discovery = new ServiceDiscovery(ck);
	registry = new ServiceRegistry(servers.keep(await connect({ endpoints })));
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

function register(service: string, id: string, more: object = {}) {
	return registry.register({ service, id, address: '10.0.0.1', ...more });
}

describe('discovery', () => {
	it('names services and their instances, once', async () => {
		expect(await new ServiceDiscovery(ck, '/none').services()).toEqual([]);
		expect(await discovery.instances('none')).toEqual([]);
		await using one = await register('once', 'one');
		await using two = await register('once', 'two', { enabled: false });
		await ck.create('/services/once/other', 'no JSON');
		expect(await discovery.services()).toContain('once');
		const found = await discovery.instances('once');
		expect(found).toEqual([one.instance, two.instance]);
		await ck.delete('/services/once/other');
	});
});

describe('a view of a service', () => {
	it('follows who comes, changes, is out and goes, also when there is no such service yet', async () => {
		await using view = discovery.watch('followed');
		const ids = () => view.instances.map(({ id, weight }) => `${id}:${weight}`);
		const shows = (...expected: string[]) => eventually(() => expect(ids()).toEqual(expected));
		await view.ready;
		expect(ids()).toEqual([]);
		const one = await register('followed', 'one');
		const two = await register('followed', 'two', { weight: 2 });
		await shows('one:1', 'two:2');
		expect(view.instances).toBe(view.instances);
		await one.update({ weight: 5 });
		await shows('one:5', 'two:2');
		await two.update({ enabled: false });
		await shows('one:5');
		expect(view.all).toHaveLength(2);
		await one.close();
		await shows();
		await two.close();
	});

	it('is balanced as it is at each pick', async () => {
		await using view = discovery.watch('balanced');
		await view.ready;
		const balancer = view.balancer({ strategy: 'consistentHash' });
		expect(() => balancer.pick({ key: 'k' })).toThrow('no instance of balanced takes requests');
		await using _ = await register('balanced', 'one');
		await eventually(() => expect(balancer.pick({ key: 'k' }).id).toBe('one'));
	});

	it('gives its states to a loop', async () => {
		await using view = discovery.watch('looped');
		const states: number[] = [];
		const registrations: AsyncDisposable[] = [];
		for await (const instances of view.changes()) {
			states.push(instances.length);
			if (instances.length === 3) break;
			registrations.push(await register('looped', `${instances.length}`));
		}
		expect(states).toEqual([0, 1, 2, 3]);
		for (const registration of registrations) await registration[Symbol.asyncDispose]();
	});

	it('63: is without an instance within 2 s after the session of its process has ended', async () => {
		const cable = servers.keep(await Cable.lay(endpoints));
		const dying = servers.keep(await connect({ endpoints: cable.address, sessionTimeoutMs: 2000 }));
		await new ServiceRegistry(dying).register({ service: 'dying', id: 'one', address: '10.0.0.1' });
		await using view = discovery.watch('dying');
		await eventually(() => expect(view.instances).toHaveLength(1));
		let noticedAt = 0;
		const gone = ck.untilDeleted('/services/dying/one').then(() => {
			noticedAt = performance.now();
		});
		cable.unplug();
		await gone;
		await vi.waitFor(() => expect(view.instances).toEqual([]), { timeout: 2000, interval: 5 });
		expect(performance.now() - noticedAt).toBeLessThan(2000);
	});

	it('keeps what it had while no server can be reached, and says so', async () => {
		const cable = servers.keep(await Cable.lay(endpoints));
		const away = servers.keep(await connect({ endpoints: cable.address, sessionTimeoutMs: 10_000 }));
		await using _ = await register('kept', 'one');
		await using view = new ServiceDiscovery(away).watch('kept');
		await view.ready;
		cable.unplug();
		await eventually(() => expect(view.state).toBe('stale'));
		expect(view.instances).toHaveLength(1);
		await using __ = await register('kept', 'two');
		cable.plug();
		await eventually(() => expect(view.instances).toHaveLength(2));
		await eventually(() => expect(view.state).toBe('current'));
	});
});

it('a view of all services has those without instances, too', async () => {
	const registered = new ServiceRegistry(ck, '/others');
	await using view = new ServiceDiscovery(ck, '/others').watchAll();
	let changes = 0;
	view.on(() => changes++);
	await view.ready;
	const one = await registered.register({ service: 'web', id: 'one', address: '10.0.0.1' });
	await ck.create('/others/empty');
	const shown = () => [...view.services].map(([name, instances]) => `${name}:${instances.map(({ id }) => id)}`);
	await eventually(() => expect(shown()).toEqual(['empty:', 'web:one']));
	expect(changes).toBeGreaterThan(0);
	await one.close();
	await eventually(() => expect(shown()).toEqual(['empty:', 'web:']));
});
