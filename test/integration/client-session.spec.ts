/** The TypeScript client against a whole replica: a session on its stream, watches, lists that come in parts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChronokeeperClient, CreateMode, type SessionEvent } from '#client/client';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
let client: ChronokeeperClient;

beforeAll(async () => {
	const { addresses } = await servers.start(servers.newDirectory());
	client = servers.connect(addresses.grpc);
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

function bytes(text: string): Uint8Array {
	return new TextEncoder().encode(text);
}

describe('a session', () => {
	it('10: does what is submitted together in that order, however much it is', async () => {
		const session = await client.openSession({ timeoutMs: 10_000 });
		await session.create('/many', null);
		const data = new Uint8Array(1000).fill(120);
		const creations = Array.from({ length: 3000 }, (_, i) => session.create(`/many/${i}`, data));
		const count = session.allChildrenNumber('/many');
		const zxids = (await Promise.all(creations)).map(({ zxid }) => zxid);
		expect(zxids).toEqual(zxids.toSorted((a, b) => (a < b ? -1 : 1)));
		expect(new Set(zxids).size).toBe(3000);
		expect(await count).toBe(3000);
		await session.close();
	});

	it('63: its ephemeral nodes are gone when it is closed, and are another’s to see until then', async () => {
		const session = await client.openSession({ timeoutMs: 10_000 });
		const mode = CreateMode.CREATE_MODE_EPHEMERAL_SEQUENTIAL;
		const { path, stat } = await session.create('/mine-', bytes('x'), { mode });
		expect(stat.ephemeralOwner).toBe(session.id);
		expect(await session.ephemerals()).toEqual([path]);
		expect((await client.get(path)).stat.ephemeralOwner).toBe(session.id);
		await session.close();
		expect(await client.exists(path)).toBeUndefined();
	});

	it('46, 51: hears each one-shot watch once, in front of the answer that shows the change', async () => {
		const order: string[] = [];
		const onEvent = (event: SessionEvent) => {
			if (event.kind === 'node') order.push(`${event.event.type} ${event.event.path}`);
		};
		const session = await client.openSession({ timeoutMs: 10_000, onEvent });
		await session.create('/heard', bytes('0'));
		await session.get('/heard', { watch: true });
		await session.children('/heard', { watch: true });
		await session.set('/heard', bytes('1'));
		order.push('set');
		await session.set('/heard', bytes('2'));
		await session.create('/heard/child', null);
		order.push('created');
		expect(order).toEqual(['NodeDataChanged /heard', 'set', 'NodeChildrenChanged /heard', 'created']);
		await session.close();
	});

	it('52: events of persistent watches come with the data where that is asked for', async () => {
		const events: unknown[] = [];
		const onEvent = (event: SessionEvent) => {
			if (event.kind === 'node')
				events.push([event.event.type, event.event.data && Buffer.from(event.event.data).toString()]);
		};
		const session = await client.openSession({ timeoutMs: 10_000, onEvent });
		await session.addWatch('/data', 'persistentRecursive', true);
		await client.create('/data', bytes('one'));
		await client.set('/data', bytes('two'));
		await expect.poll(() => events).toHaveLength(2);
		expect(events).toEqual([
			['NodeCreated', 'one'],
			['NodeDataChanged', 'two'],
		]);
		await session.removeWatches('/data');
		await expect(session.removeWatches('/data')).rejects.toMatchObject({ codeName: 'NoWatcher' });
		await session.close();
	});

	it('35, 42: has the identities that it was given, and says which operation failed', async () => {
		const session = await client.openSession({ timeoutMs: 10_000 });
		const identities = await session.authenticate('digest', bytes('ann:pw'));
		expect(identities).toContainEqual({ scheme: 'digest', id: expect.stringMatching(/^ann:/) });
		const acl = [{ perms: 31, id: { scheme: 'auth', id: '' } }];
		await session.create('/secret', bytes('x'), { acl });
		await expect(client.get('/secret')).rejects.toMatchObject({ codeName: 'NoAuth', status: 'PERMISSION_DENIED' });
		expect((await session.get('/secret')).data).toEqual(Buffer.from('x'));
		const ops = ['/secret', '/none'].map((path) => ({ op: { $case: 'delete', value: { path } } }) as const);
		await expect(session.multi(ops)).rejects.toMatchObject({ codeName: 'NoNode', op: 1, opCodes: [0, -101] });
		await session.close();
	});
});

describe('lists', () => {
	it('come in pages and as a stream, all of them and none twice', async () => {
		const names = Array.from({ length: 250 }, (_, i) => `${i % 2 ? 'odd' : 'even'}-${String(i).padStart(3, '0')}`);
		await client.create('/list', null);
		await Promise.all(names.map((name) => client.create(`/list/${name}`, bytes(name))));
		const pages: string[][] = [];
		for await (const page of client.childPages('/list', { pageSize: 100 })) pages.push(page.names);
		expect(pages.map(({ length }) => length)).toEqual([100, 100, 50]);
		expect(pages.flat()).toEqual(names.toSorted());
		const streamed: string[] = [];
		for await (const child of client.streamChildren('/list', { prefix: 'odd-', withData: true })) {
			expect(Buffer.from(child.data!).toString()).toBe(child.name);
			streamed.push(child.name);
		}
		expect(streamed.sort()).toEqual(names.filter((name) => name.startsWith('odd')));
	});
});

describe('a watch without a session', () => {
	it('52: says that it is set, then what happens', async () => {
		const stop = new AbortController();
		const seen: string[] = [];
		const targets = [{ path: '/stream', mode: 'persistentRecursive' }] as const;
		for await (const { events, zxid } of client.watch(targets, { withData: true }, stop.signal)) {
			if (seen.length === 0) {
				seen.push('set');
				expect(zxid).toBeGreaterThan(0n);
				await client.create('/stream', bytes('a'));
				await client.create('/stream/below', null);
				await client.delete('/stream/below');
			}
			seen.push(...events.map(({ type, path }) => `${type} ${path}`));
			if (seen.length === 4) stop.abort();
		}
		expect(seen).toEqual(['set', 'NodeCreated /stream', 'NodeCreated /stream/below', 'NodeDeleted /stream/below']);
	});

	it('51: of one shot it ends when it has fired', async () => {
		await client.create('/shot', null);
		const seen: string[] = [];
		for await (const { events } of client.watch([{ path: '/shot', mode: 'data' }])) {
			if (events.length === 0) await client.delete('/shot');
			seen.push(...events.map(({ type }) => type));
		}
		expect(seen).toEqual(['NodeDeleted']);
	});
});
