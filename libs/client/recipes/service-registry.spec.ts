import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Cable } from '#test/support/cable';
import { SessionRelay } from '#test/support/session-relay';
import { TestServers } from '#test/support/test-servers';
import type { Chronokeeper } from '../chronokeeper.ts';
import { connect } from '../connect.ts';
import { NoNodeError } from '../errors.ts';
import { decodeInstance } from './service-instance.ts';
import { RegistrationEndedError, ServiceRegistry } from './service-registry.ts';

/** Other processes may be busy, too. */
function eventually<T>(check: () => T | Promise<T>): Promise<T> {
	return vi.waitFor(check, { timeout: 60_000, interval: 10 });
}

const servers = new TestServers();
let endpoints: string;
let ck: Chronokeeper;
let registry: ServiceRegistry;
const address = '10.0.0.1';

beforeAll(async () => {
	endpoints = (await servers.start(servers.newDirectory(), { tickTime: 100, maxSessionTimeout: 60_000 })).addresses
		.grpc;
	ck = servers.keep(await connect({ endpoints }));
	registry = new ServiceRegistry(ck);
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

/** What is in the node of an instance. */
async function read(path: string) {
	return decodeInstance((await ck.get(path)).data);
}

describe('a registration', () => {
	it('is there with what was said, as an ephemeral node, until it is closed', async () => {
		const details = { address, port: 80, weight: 2, tags: ['blue'], metadata: { zone: 'a' } };
		const registration = await registry.register({ service: 'web', id: 'one', ...details });
		expect(registration.path).toBe('/services/web/one');
		expect((await ck.exists('/services/web/one'))?.ephemeralOwner).toBe(ck.session.id);
		expect(await read('/services/web/one')).toMatchObject({ service: 'web', id: 'one', enabled: true, ...details });
		await registration.update({ weight: 0, metadata: null });
		expect(await read('/services/web/one')).toEqual(registration.instance);
		expect(registration.instance).toMatchObject({ port: 80, weight: 0, metadata: null, tags: ['blue'] });
		await registration.close();
		expect(await ck.exists('/services/web/one')).toBeUndefined();
		expect(registration.signal.reason).toBeInstanceOf(RegistrationEndedError);
		await expect(registration.update({ weight: 1 })).rejects.toThrow(
			'/services/web/one is not registered any more: it was closed',
		);
	});

	it('costs a write, and another one for each change', async () => {
		await using registration = await registry.register({ service: 'web', id: 'lean', address });
		await registration.update({ weight: 2 });
		await registration.update({ weight: 3 });
		expect((await ck.exists(registration.path))?.version).toBe(2);
	});

	it('has a random id when none is given', async () => {
		await using one = await registry.register({ service: 'random', address });
		await using other = await registry.register({ service: 'random', address });
		expect(one.instance.id).not.toBe(other.instance.id);
		expect((await ck.children('/services/random')).names).toHaveLength(2);
	});

	it('is written again when somebody deletes it', async () => {
		await using registration = await registry.register({ service: 'web', id: 'again', address });
		const before = (await ck.exists(registration.path))!.czxid;
		await ck.delete(registration.path);
		await eventually(async () => expect((await ck.exists(registration.path))!.czxid).toBeGreaterThan(before));
		expect(registration.signal.aborted).toBe(false);
	});

	it('belongs to who registered it last', async () => {
		const other = servers.keep(await connect({ endpoints }));
		const first = await new ServiceRegistry(other).register({ service: 'web', id: 'same', address, port: 1 });
		const second = await registry.register({ service: 'web', id: 'same', address, port: 2 });
		await eventually(() => expect(first.signal.aborted).toBe(true));
		expect(String(first.signal.reason)).toMatch(/another one has registered the id/);
		await first.close();
		expect((await read(second.path))?.port).toBe(2);
		await second.close();
	});

	it('63: comes back in a new session, in the place of the node that the lost one left', async () => {
		const cable = servers.keep(await Cable.lay(endpoints));
		const other = servers.keep(await connect({ endpoints: cable.address, sessionTimeoutMs: 2000 }));
		const registration = await new ServiceRegistry(other).register({ service: 'web', id: 'moved', address });
		const { id } = other.session;
		cable.unplug();
		await eventually(() => expect(other.state).toBe('lost'));
		const updated = registration.update({ weight: 7 });
		cable.plug();
		await updated;
		const owner = async () => (await ck.exists(registration.path))?.ephemeralOwner;
		await eventually(async () => expect(await owner()).toBe(other.session.id));
		expect(other.session.id).not.toBe(id);
		expect(await read(registration.path)).toMatchObject({ weight: 7 });
		await registration.close();
	});

	it('63: is there when the session is lost while it is made', async () => {
		const relay = servers.keep(await SessionRelay.start(endpoints));
		const client = servers.keep(await connect({ endpoints: relay.address }));
		const before = client.session;
		relay.cut(true);
		const registering = new ServiceRegistry(client).register({ service: 'late', id: 'one', address });
		await relay.end(before.id);
		relay.back();
		const registration = await registering;
		expect((await ck.exists(registration.path))?.ephemeralOwner).toBe(client.session.id);
		expect(client.session).not.toBe(before);
	});

	it('ends with its client', async () => {
		const other = await connect({ endpoints });
		const registration = await new ServiceRegistry(other).register({ service: 'web', id: 'ended', address });
		await other.close();
		await eventually(() => expect(registration.signal.aborted).toBe(true));
		await registration.close();
		expect(await ck.exists(registration.path)).toBeUndefined();
	});

	it('leaves nothing behind when its caller has no patience', async () => {
		const options = { service: 'web', id: 'never', address, signal: AbortSignal.abort() };
		await expect(registry.register(options)).rejects.toMatchObject({ name: 'AbortError' });
		const forever = { check: () => new Promise(() => {}), timeoutMs: 60_000 };
		const late = registry.register({ service: 'web', id: 'never', address, health: forever, timeoutMs: 20 });
		await expect(late).rejects.toThrow('waited for 20 ms in vain');
		expect(await ck.exists('/services/web/never')).toBeUndefined();
	});

	it('refuses names that are none, and weights that are none', async () => {
		for (const service of ['', '.', '..', 'a/b'])
			await expect(registry.register({ service, address })).rejects.toThrow(TypeError);
		await expect(registry.register({ service: 'web', id: 'a/b', address })).rejects.toThrow(TypeError);
		await expect(registry.register({ service: 'web', address, weight: -1 })).rejects.toThrow(RangeError);
	});

	it('takes parents that vanish for what containers do', async () => {
		for (let i = 0; i < 6; i++) {
			const vanishing = ck.delete('/services/vanishing', { ifExists: true }).catch(() => {});
			await using registration = await registry.register({ service: 'vanishing', id: `${i}`, address });
			await vanishing;
			expect(await ck.exists(registration.path)).toBeDefined();
		}
		await expect(ck.get('/services/vanishing/0')).rejects.toBeInstanceOf(NoNodeError);
	});
});

describe('health', () => {
	it('takes the instance out and puts it back', async () => {
		let answer: () => unknown = () => true;
		const health = { check: () => answer(), intervalMs: 5 };
		await using registration = await registry.register({ service: 'sick', id: 'one', address, health });
		const { path } = registration;
		expect(await read(path)).toMatchObject({ enabled: true, problem: undefined });
		answer = () => {
			throw new Error('no disk');
		};
		await eventually(async () => expect(await read(path)).toMatchObject({ enabled: false, problem: 'no disk' }));
		answer = () => false;
		await eventually(async () => expect(await read(path)).toMatchObject({ problem: 'its health check said so' }));
		answer = () => undefined;
		await eventually(async () => expect(await read(path)).toMatchObject({ enabled: true, problem: undefined }));
		await registration.update({ enabled: false });
		expect(await read(path)).toMatchObject({ enabled: false, problem: undefined });
	});

	it('is known before the instance is', async () => {
		const health = { check: () => Promise.reject(new Error('not yet')), intervalMs: 60_000 };
		await using registration = await registry.register({ service: 'sick', id: 'two', address, health });
		expect(await read(registration.path)).toMatchObject({ enabled: false, problem: 'not yet' });
	});

	it('fails when the check takes too long, which is told to it', async () => {
		const told: unknown[] = [];
		const check = (signal: AbortSignal) => {
			signal.addEventListener('abort', () => told.push(signal.reason));
			return new Promise(() => {});
		};
		const health = { check, timeoutMs: 5, intervalMs: 60_000 };
		await using registration = await registry.register({ service: 'sick', id: 'three', address, health });
		expect(registration.instance).toMatchObject({ enabled: false, problem: 'no answer within 5 ms' });
		expect(told).toHaveLength(1);
	});

	it('waits for as many failures in a row as it was told', async () => {
		let checks = 0;
		const shown = Promise.withResolvers<void>();
		// Fails at 2, and at 4, 5 and 6; what follows is for who has seen it.
		const check = async () => {
			checks += 1;
			if (checks > 6) await shown.promise;
			return ![2, 4, 5, 6].includes(checks);
		};
		const health = { check, intervalMs: 1, timeoutMs: 60_000, failures: 3 };
		const versions: (string | undefined)[] = [];
		await using registration = await registry.register({ service: 'sick', id: 'four', address, health });
		for await (const event of ck.watch(registration.path, { withData: true })) {
			versions.push(`${checks} ${decodeInstance(event.data)?.enabled}`);
			shown.resolve();
			if (versions.length === 2) break;
		}
		expect(versions.map((text) => text?.split(' ')[1])).toEqual(['false', 'true']);
		expect(Number(versions[0]!.split(' ')[0])).toBeGreaterThanOrEqual(6);
	});
});
