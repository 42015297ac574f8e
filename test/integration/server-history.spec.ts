/** The history over gRPC: what the mirror of a running server answers, to whom it may. */
import { once } from 'node:events';
import { credentials, Metadata } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ChronokeeperClient } from '#client/client';
import { type HistoryResponse, HistoryServiceClient, type ZnodeAtResponse } from '#proto/chronokeeper/v1/history';
import type { RunningServer } from '#server/start-server';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
let database: TestDatabase;
let server: RunningServer;
let client: ChronokeeperClient;
let ann: ChronokeeperClient;

beforeAll(async () => {
	database = await createDatabase({ migrate: false });
	server = await servers.start(servers.newDirectory(), { 'audit.url': database.url, 'audit.mode': 'async' });
	client = servers.connect(server.addresses.grpc);
	ann = servers.connect(server.addresses.grpc, { auth: 'ann:secret' });
	await client.create('/app', Buffer.from('one')); // 1
	await client.create('/app/a', null); // 2
	await client.set('/app', Buffer.from('two')); // 3
	await client.delete('/app', 9).catch(() => undefined); // 4
	await client.delete('/app/a'); // 5
	await ann.create('/app/hers', Buffer.from('secret'), { acl: [{ perms: 31, id: { scheme: 'auth', id: '' } }] }); // 6
	await mirrored(6n);
});
afterAll(async () => {
	await servers.close();
	servers.remove();
	await database.drop();
});

async function mirrored(zxid: bigint): Promise<void> {
	const isThere = async () => (await client.status()).mirror?.mirroredZxid === zxid;
	await vi.waitUntil(isThere, { timeout: 20_000 });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
	const list: T[] = [];
	for await (const item of items) list.push(item);
	return list;
}

const emptyHistory = { path: '', recursive: false, type: '', limit: 0, follow: false };

function text(data: Uint8Array | undefined): string | undefined {
	return data === undefined ? undefined : Buffer.from(data).toString();
}

describe('the history', () => {
	it('has every transaction, failed ones too, with who did it', async () => {
		const txns = await all(client.history({}));
		expect(txns.map(({ zxid, type, path, error }) => [zxid, type, path, error])).toEqual([
			[1n, 'create', '/app', 0],
			[2n, 'create', '/app/a', 0],
			[3n, 'setData', '/app', 0],
			[4n, 'error', '', -103],
			[5n, 'delete', '/app/a', 0],
			[6n, 'create', '/app/hers', 0],
		]);
		expect(txns[2]).toMatchObject({
			sessionId: 0n,
			changes: [{ type: 'setData', path: '/app', version: 1, dataLengthBefore: 3, dataLengthAfter: 3 }],
			context: { door: 'grpc', address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
		});
		// The hash would let others try passwords.
		expect(txns[5]!.context!.identities).toContainEqual({ scheme: 'digest', id: 'ann:x' });
		expect(txns[5]!.digest).toBe((await client.status()).digest);
	});

	it('is filtered by path, zxid, type and number', async () => {
		const zxids = async (request: Parameters<typeof client.history>[0]) =>
			(await all(client.history(request))).map(({ zxid }) => zxid);
		expect(await zxids({ path: '/app/a' })).toEqual([2n, 5n]);
		expect(await zxids({ path: '/app', recursive: true, fromZxid: 3n })).toEqual([3n, 5n, 6n]);
		expect(await zxids({ fromZxid: 2n, toZxid: 4n })).toEqual([2n, 3n, 4n]);
		expect(await zxids({ type: 'create', limit: 2 })).toEqual([1n, 2n]);
		expect(await zxids({ sessionId: 7n })).toEqual([]);
	});

	it('gives nodes and trees as they were, and what is different', async () => {
		expect(text((await client.znodeAt('/app', 2n))?.znode?.data)).toBe('one');
		expect(text((await client.znodeAt('/app', 3n))?.znode?.data)).toBe('two');
		expect((await client.znodeAt('/app/a', 5n))?.znode).toBeUndefined();
		const tree = await all(client.treeAt(2n, '/app'));
		expect(tree.flatMap(({ znodes }) => znodes.map(({ path }) => path))).toEqual(['/app', '/app/a']);
		const differences = await all(client.diff(2n, 6n, '/app'));
		expect(differences.map(({ path, kind }) => [path, kind])).toEqual([
			['/app', 3],
			['/app/a', 2],
			['/app/hers', 1],
		]);
		// What came and went does not make its parent differ, whatever it did to the Stat.
		expect((await all(client.diff(1n, 2n))).map(({ path }) => path)).toEqual(['/app/a']);
		expect(await all(client.diff(3n, 5n, '/app'))).toMatchObject([{ path: '/app/a', kind: 2 }]);
		expect(text(differences[0]!.before?.data)).toBe('one');
		expect(text(differences[0]!.after?.data)).toBe('two');
	});

	it('gives the names of the children as they were, and the Stat of their parent', async () => {
		const [first, ...rest] = await all(client.childrenAt('/app', 2n));
		expect([first!.children, first!.stat!.numChildren, first!.zxid]).toEqual([[], 1, 2n]);
		expect(rest).toMatchObject([{ children: ['a'], stat: undefined, zxid: 2n }]);
		const [later, names] = await all(client.childrenAt('/app', 6n));
		expect(later!.stat).toEqual((await client.znodeAt('/app', 6n)).znode!.stat);
		expect(names!.children).toEqual(['hers']);
		expect((await all(client.childrenAt('/', 6n)))[1]!.children).toEqual(['app', 'zookeeper']);
		expect(await all(client.childrenAt('/app/a', 2n))).toMatchObject([{ children: [], stat: { numChildren: 0 } }]);
		expect(await all(client.childrenAt('/none', 6n))).toEqual([{ children: [], stat: undefined, zxid: 6n }]);
		await expect(all(client.childrenAt('/app', 99n))).rejects.toMatchObject({ status: 'OUT_OF_RANGE' });
	});

	it('is asked by time as well', async () => {
		const raw = new HistoryServiceClient(server.addresses.grpc!, credentials.createInsecure());
		const times = await database.query<{ ms: string }>(
			'select (extract(epoch from time) * 1000)::bigint as ms from chronokeeper.txn order by zxid',
		);
		const at = (zxid: number) => BigInt(times[zxid - 1]!.ms);
		/** The last transaction of the same millisecond. */
		const lastOf = (zxid: number) => BigInt(times.findLastIndex(({ ms }) => BigInt(ms) <= at(zxid)) + 1);
		const znodeAt = (zxid: number) =>
			new Promise<ZnodeAtResponse>((resolve, reject) => {
				raw.znodeAt({ path: '/app', timeMs: at(zxid) }, (error, answer) => (error ? reject(error) : resolve(answer)));
			});
		try {
			expect((await znodeAt(3)).zxid).toBe(lastOf(3));
			const pages = await all(raw.treeAt({ prefix: '/app', timeMs: at(6) }) as AsyncIterable<{ zxid: bigint }>);
			expect(pages.map(({ zxid }) => zxid)).toEqual([6n]);
			const range = raw.history({ ...emptyHistory, fromTimeMs: at(6), toTimeMs: at(6) });
			expect((await all(range as AsyncIterable<HistoryResponse>)).map(({ zxid }) => zxid)).toContain(6n);
			const before = raw.history({ ...emptyHistory, toTimeMs: 0n });
			expect(await all(before as AsyncIterable<HistoryResponse>)).toEqual([]);
			const difference = raw.diff({ fromZxid: 5n, toZxid: 0n, toTimeMs: at(6), prefix: '/app' });
			expect((await all(difference as AsyncIterable<{ path: string }>)).map(({ path }) => path)).toEqual(['/app/hers']);
			const both = raw.treeAt({ zxid: 3n, timeMs: at(6), prefix: '' });
			await expect(all(both)).rejects.toThrow('give zxid or time_ms, not both');
		} finally {
			raw.close();
		}
	});

	it('withholds what the caller could not have read', async () => {
		const seen = (await client.znodeAt('/app/hers', 6n))?.znode;
		expect(seen).toMatchObject({ withheld: true, acl: [] });
		expect(seen?.data).toBeUndefined();
		const hers = (await ann.znodeAt('/app/hers', 6n))?.znode;
		expect(text(hers?.data)).toBe('secret');
		const [page] = await all(client.treeAt(6n, '/app/hers'));
		expect(page!.znodes[0]).toMatchObject({ path: '/app/hers', withheld: true });
		const [difference] = await all(client.diff(5n, 6n, '/app/hers'));
		expect(difference!.after).toMatchObject({ withheld: true });
	});

	it('says what it does not have', async () => {
		await expect(client.znodeAt('/app', 99n)).rejects.toMatchObject({
			status: 'OUT_OF_RANGE',
			message: /0x63 lies ahead of the mirror/,
		});
		await expect(all(client.treeAt(99n))).rejects.toMatchObject({ status: 'OUT_OF_RANGE' });
		await expect(client.znodeAt('/app', 2n ** 63n)).rejects.toMatchObject({ status: 'INVALID_ARGUMENT' });
		const off = await servers.start(servers.newDirectory());
		const other = servers.connect(off.addresses.grpc);
		await expect(all(other.history({}))).rejects.toMatchObject({
			status: 'FAILED_PRECONDITION',
			message: /audit\.mode=off/,
		});
	});
});

describe('following', () => {
	const streams = new TestServers();
	afterEach(() => streams.close());
	afterAll(() => streams.remove());

	it('goes on with what is committed, until the caller has enough', async () => {
		const enough = new AbortController();
		const seen: HistoryResponse[] = [];
		for await (const txn of client.history({ fromZxid: 6n, follow: true }, enough.signal)) {
			seen.push(txn);
			if (seen.length === 1) await client.create('/followed', null);
			if (seen.length === 2) enough.abort();
		}
		expect(seen.map(({ path }) => path)).toEqual(['/app/hers', '/followed']);
	});

	it('does not hold up a stop', async () => {
		const own = await createDatabase({ migrate: false });
		try {
			const stopping = await streams.start(streams.newDirectory(), {
				'audit.url': own.url,
				'audit.mode': 'async',
				'shutdown.timeoutMs': 20_000,
			});
			const writer = streams.connect(stopping.addresses.grpc);
			await writer.create('/x', null);
			await expect.poll(async () => (await writer.status()).mirror?.mirroredZxid).toBe(1n);
			const raw = streams.keep(new HistoryServiceClient(stopping.addresses.grpc, credentials.createInsecure()));
			const request = { path: '', recursive: false, type: '', limit: 0, follow: true };
			const call = raw.history(
				{ ...request, fromZxid: undefined, toZxid: undefined, sessionId: undefined },
				new Metadata(),
			);
			await once(call, 'data');
			const ended = once(call, 'error');
			const startMs = performance.now();
			await stopping.close();
			const [error] = (await ended) as [{ details: string }];
			expect(error.details).toBe('the server is stopping');
			expect(performance.now() - startMs).toBeLessThan(10_000);
		} finally {
			await streams.close();
			await own.drop();
		}
	});
});
