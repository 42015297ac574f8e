/** TailTransactions and Watch of HistoryService: what is committed, each once and in order, from whichever source has it. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Acl, type ChronokeeperClient, CreateMode } from '#client/client';
import {
	HistoryServiceClient,
	TailTransactionsRequest,
	type TailTransactionsResponse,
} from '#proto/chronokeeper/v1/history';
import type { RunningServer } from '#server/start-server';
import { changeTexts, tailedThrough, zxidsOf } from '#test/support/history-tailing';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { freePort } from '#test/support/processes';
import { TestServers } from '#test/support/test-servers';

const isLong = process.env.LONG_SPECS === '1';
/** Others may need the processor. */
const soon = { timeout: 60_000 } as const;
const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

const bytes = (text: string) => Buffer.from(text);
const creatorOnly: readonly Acl[] = [{ perms: 31, id: { scheme: 'auth', id: '' } }];

async function start(overrides: Parameters<TestServers['start']>[1] = {}, directory = servers.newDirectory()) {
	const server = await servers.start(directory, overrides);
	return { server, directory, client: servers.connect(server.addresses.grpc, { timeoutMs: 60_000 }) };
}

/** Every kind of transaction that a client can make. @returns the last zxid */
async function everyKind(client: ChronokeeperClient): Promise<bigint> {
	await client.create('/a', bytes('one'));
	await client.create('/a/null', null);
	await client.create('/a/n-', bytes('2'), { mode: CreateMode.CREATE_MODE_PERSISTENT_SEQUENTIAL });
	await client.create('/a/container', null, { mode: CreateMode.CREATE_MODE_CONTAINER });
	await client.set('/a', bytes('two'));
	await client.set('/a', null);
	await client.setAcl('/a/null', [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }]);
	await client.delete('/a', 99).catch(() => undefined);
	await client.multi([
		{ op: { $case: 'create', value: { path: '/m', data: bytes('m'), mode: 1, acl: [], ttlMs: 0n } } },
		{ op: { $case: 'set', value: { path: '/a', data: bytes('multi'), version: -1 } } },
		{ op: { $case: 'delete', value: { path: '/a/container', version: -1 } } },
	]);
	await client
		.multi([
			{ op: { $case: 'set', value: { path: '/a', data: bytes('never'), version: -1 } } },
			{ op: { $case: 'delete', value: { path: '/none', version: -1 } } },
		])
		.catch(() => undefined);
	const session = await client.openSession();
	await session.create('/a/here', bytes('e'), { mode: CreateMode.CREATE_MODE_EPHEMERAL });
	await session.create('/a/there', null, { mode: CreateMode.CREATE_MODE_EPHEMERAL });
	await session.close();
	await client.delete('/m');
	// What is recounted for a quota is a change in PostgreSQL, and in no log.
	await client.create('/q', null);
	await client.create('/zookeeper/quota/q', null);
	await client.create('/zookeeper/quota/q/zookeeper_limits', bytes('count=5,bytes=-1'));
	await client.create('/zookeeper/quota/q/zookeeper_stats', bytes('count=1,bytes=0'));
	return (await client.create('/q/below', bytes('b'))).zxid;
}

describe('the sources', () => {
	let database: TestDatabase;
	beforeAll(async () => {
		database = await createDatabase({ migrate: false });
	});
	afterAll(() => database.drop());

	it('give the same: memory, the log, and PostgreSQL when the log is purged', async () => {
		const mirrored = { 'audit.mode': 'async', 'audit.url': database.url } as const;
		const { server, directory, client } = await start(mirrored);
		const live = client.tail({ fromZxid: 0n, withData: true });
		const first = await live.next();
		expect(first.value).toEqual({ items: [], zxid: 0n });
		const last = await everyKind(client);
		const fromMemory = await tailedThrough(live, last);
		expect(zxidsOf(fromMemory)).toEqual(Array.from({ length: Number(last) }, (_, index) => BigInt(index + 1)));
		expect(changeTexts(fromMemory)).toEqual([
			'create /a one',
			'create /a/null',
			'create /a/n-0000000001 2',
			'createContainer /a/container',
			'setData /a two',
			'setData /a',
			'setACL /a/null',
			'create /m m',
			'setData /a multi',
			'delete /a/container',
			'create /a/here e',
			'create /a/there',
			'delete /a/here',
			'delete /a/there',
			'delete /m',
			'create /q',
			'create /zookeeper/quota/q',
			'create /zookeeper/quota/q/zookeeper_limits count=5,bytes=-1',
			'create /zookeeper/quota/q/zookeeper_stats count=1,bytes=0',
			'create /q/below b',
		]);
		expect(fromMemory.map(({ type, error }) => [type, error]).filter(([, error]) => error !== 0)).toEqual([
			['error', -103],
			['multi', -101],
		]);
		await expect.poll(async () => (await client.status()).mirror?.mirroredZxid, soon).toBe(last);
		await client.takeSnapshot();
		await server.close();

		const again = await start({}, directory);
		expect(await tailedThrough(again.client.tail({ fromZxid: 0n, withData: true }), last)).toEqual(fromMemory);
		await again.server.close();

		const logs = join(directory, 'version-2');
		for (const name of readdirSync(logs)) if (name.startsWith('log.')) rmSync(join(logs, name));
		const purged = await start(mirrored, directory);
		expect(await tailedThrough(purged.client.tail({ fromZxid: 0n, withData: true }), last)).toEqual(fromMemory);
		const rows = await database.query<{ zxid: string }>('select zxid from chronokeeper.txn order by zxid');
		expect(rows.map(({ zxid }) => BigInt(zxid))).toEqual(zxidsOf(fromMemory));
		// From there into what is committed now.
		const { zxid } = await purged.client.create('/later', null);
		expect(zxidsOf(await tailedThrough(purged.client.tail({ fromZxid: last - 1n }), zxid))).toEqual([last, zxid]);
		// A difference of digests is noted like a gap: the transactions are there.
		await database.query(
			"insert into chronokeeper.gap (after_zxid, through_zxid, kind, reason) values (0, 2, 'mismatch', 'of a test')",
		);
		const withoutData = { fromZxid: 0n };
		expect(zxidsOf(await tailedThrough(purged.client.tail(withoutData), last))).toEqual(zxidsOf(fromMemory));
		await database.query('delete from chronokeeper.txn where zxid in (3, 4)');
		await expect(tailedThrough(purged.client.tail({ fromZxid: 2n }), last)).rejects.toMatchObject({
			status: 'FAILED_PRECONDITION',
			message: /behind 0x2 up to 0x4 \(missing: PostgreSQL has no rows of them\)/,
		});
		await purged.server.close();

		const nowhere = await start({}, directory);
		await expect(tailedThrough(nowhere.client.tail({ fromZxid: 0n }), last)).rejects.toMatchObject({
			status: 'FAILED_PRECONDITION',
			message: /log of this replica does not go back to 0x0.*no mirror/,
		});
	});

	it('name what nobody knows any more', async () => {
		const other = await createDatabase({ migrate: false });
		try {
			const { server, directory, client } = await start();
			await client.create('/a', null);
			const known = (await client.create('/b', null)).zxid;
			await client.takeSnapshot();
			await server.close();
			const logs = join(directory, 'version-2');
			for (const name of readdirSync(logs)) if (name.startsWith('log.')) rmSync(join(logs, name));
			const again = await start({ 'audit.mode': 'async', 'audit.url': other.url }, directory);
			const { zxid } = await again.client.create('/c', null);
			await expect.poll(async () => (await again.client.status()).mirror?.mirroredZxid, soon).toBe(zxid);
			const gap = { status: 'FAILED_PRECONDITION', message: /behind 0x0 up to 0x2 \(.*Begin with 0x2 to go on/ };
			await expect(tailedThrough(again.client.tail({ fromZxid: 0n }), zxid)).rejects.toMatchObject(gap);
			await expect(tailedThrough(again.client.tail({ fromZxid: 1n }), zxid)).rejects.toMatchObject({
				...gap,
				message: /up to 0x2/,
			});
			expect(zxidsOf(await tailedThrough(again.client.tail({ fromZxid: known }), zxid))).toEqual([zxid]);
		} finally {
			await servers.close();
			await other.drop();
		}
	});

	it('need no PostgreSQL for what the log has', async () => {
		const { client } = await start({ 'audit.mode': 'async', 'audit.url': 'postgresql://nobody@127.0.0.1:1/none' });
		await client.create('/a', null);
		const { zxid } = await client.set('/a', bytes('x'));
		expect(zxidsOf(await tailedThrough(client.tail({ fromZxid: 0n }), zxid))).toEqual([1n, 2n]);
	});

	it('withhold data where they cannot tell whether the caller could read them, and no transaction', async () => {
		const { server, directory, client } = await start();
		await client.create('/gone', bytes('1'));
		await client.set('/gone', bytes('2'));
		const last = await client.delete('/gone');
		await server.close();
		const again = await start({}, directory);
		const tail = await tailedThrough(again.client.tail({ fromZxid: 0n, withData: true }), last);
		const seen = tail.map(({ changes: [change] }) => [change!.type, String(change!.data), change!.dataWithheld]);
		expect(seen).toEqual([
			['create', '1', false],
			['setData', 'undefined', true],
			['delete', 'undefined', false],
		]);
	});
});

describe('a tail', () => {
	it('is what was asked for: paths, types, data; and says how far it is when nothing matches', async () => {
		const { client } = await start();
		await client.create('/app', bytes('1'));
		await client.create('/app/a', bytes('2'));
		await client.create('/apple', bytes('3'));
		await client.set('/app', bytes('4'));
		const last = await client.delete('/app/a');
		const tailed = async (options: Parameters<typeof client.tail>[0]) =>
			changeTexts(await tailedThrough(client.tail({ fromZxid: 0n, ...options }), last));
		expect(await tailed({ paths: [{ path: '/app' }] })).toEqual(['create /app', 'setData /app']);
		expect(await tailed({ paths: [{ path: '/app', recursive: true }], types: ['delete'] })).toEqual(['delete /app/a']);
		expect(await tailed({ types: ['setData'], withData: true })).toEqual(['setData /app 4']);
		expect(await tailed({ paths: [{ path: '/none' }] })).toEqual([]);
		const changes = await tailedThrough(client.watchChanges('/app', { fromZxid: 0n, recursive: true }), last);
		expect(changes.map(({ zxid, change }) => [zxid, change!.type, change!.path, change!.dataLengthAfter])).toEqual([
			[1n, 'create', '/app', 1],
			[2n, 'create', '/app/a', 1],
			[4n, 'setData', '/app', 1],
			[5n, 'delete', '/app/a', undefined],
		]);
		expect(await tailedThrough(client.watchChanges('/apple', { fromZxid: 2n, withData: true }), last)).toMatchObject([
			{ zxid: 3n, change: { path: '/apple', version: 0, data: bytes('3'), dataWithheld: false } },
		]);
		// Without a beginning: from now on, which the first response names.
		const now = client.watchChanges('/', { recursive: true, types: ['create'], progressIntervalMs: 100 });
		expect((await now.next()).value).toEqual({ items: [], zxid: last });
		const { zxid } = await client.set('/app', null);
		let step = await now.next();
		while (step.value!.zxid < zxid) step = await now.next();
		expect(step.value).toEqual({ items: [], zxid });
		await now.return();
	});

	it('waits for a zxid that the replica has not reached, and is told so when it stays away', async () => {
		const { client } = await start();
		await client.create('/a', null);
		const ahead = tailedThrough(client.tail({ fromZxid: 3n }), 4n);
		const far = rawTail(client.address, { fromZxid: 1_000_000n });
		for (const path of ['/b', '/c', '/d']) await client.create(path, null);
		expect(zxidsOf(await ahead)).toEqual([4n]);
		expect(await far.ended).toMatchObject({ code: status.OUT_OF_RANGE, details: /0xf4240 is ahead of this replica/ });
		await expect(tailedThrough(client.tail({ fromZxid: 2n ** 60n }), 1n)).rejects.toMatchObject({
			status: 'INVALID_ARGUMENT',
		});
		await expect(tailedThrough(client.watchChanges('no path'), 1n)).rejects.toMatchObject({
			status: 'INVALID_ARGUMENT',
		});
		const progressIntervalMs = 99;
		await expect(tailedThrough(client.tail({ progressIntervalMs }), 1n)).rejects.toMatchObject({
			status: 'INVALID_ARGUMENT',
		});
	});

	it('shows those without the role what they may read, from every source, or says that it cannot', async () => {
		const database = await createDatabase({ migrate: false });
		const roles = { 'grpc.historyIds': [{ scheme: 'digest', id: 'nobody:x' }] };
		try {
			const mirrored = { 'audit.mode': 'async', 'audit.url': database.url, ...roles } as const;
			const { server, directory, client } = await start(mirrored);
			const ann = servers.connect(server.addresses.grpc, { auth: 'ann:secret' });
			const lives = [client, ann].map((one) => one.tail({ fromZxid: 0n, withData: true }));
			for (const live of lives) await live.next();
			await client.create('/open', bytes('1'));
			await ann.create('/open/hers', bytes('2'), { acl: creatorOnly });
			await ann.set('/open/hers', bytes('3'));
			await ann.multi([
				{ op: { $case: 'set', value: { path: '/open', data: bytes('4'), version: -1 } } },
				{ op: { $case: 'set', value: { path: '/open/hers', data: bytes('5'), version: -1 } } },
			]);
			await ann.delete('/open/hers');
			await client.delete('/none').catch(() => undefined);
			await client.create('/open/a', null);
			await client.delete('/open/a');
			const last = await client.delete('/open');
			const [everybodys, hers] = await Promise.all(lives.map((live) => tailedThrough(live, last)));
			expect(changeTexts(everybodys!)).toEqual([
				'create /open 1',
				'setData /open 4',
				'create /open/a',
				'delete /open/a',
				'delete /open',
			]);
			const multi = everybodys!.find(({ type }) => type === 'multi')!;
			expect(multi).toMatchObject({ withheldChanges: 1, sessionId: 0n, path: '' });
			expect([multi.digest, multi.context]).toEqual([undefined, undefined]);
			expect(changeTexts(hers!)).toContain('setData /open/hers 5');
			expect(changeTexts(hers!)).toContain('delete /open/hers');
			expect(hers!.every(({ withheldChanges }) => withheldChanges === 0)).toBe(true);
			// Nothing of sessions and errors, which are nobody's business.
			expect(hers!.map(({ type }) => type)).not.toContain('error');
			await expect.poll(async () => (await superOf(server).status()).mirror?.mirroredZxid, soon).toBe(last);
			await server.close();

			const again = await start(mirrored, directory);
			const annAgain = servers.connect(again.server.addresses.grpc, { auth: 'ann:secret' });
			const options = { fromZxid: 0n, withData: true };
			expect(await tailedThrough(again.client.tail(options), last)).toEqual(everybodys);
			expect(await tailedThrough(annAgain.tail(options), last)).toEqual(hers);
			await again.server.close();

			// The log does not say who could read what is gone.
			const alone = await start(roles, directory);
			await expect(tailedThrough(alone.client.tail(options), last)).rejects.toMatchObject({
				status: 'FAILED_PRECONDITION',
				message: /who could read .* is not in the log/,
			});
			await alone.client.create('/new', bytes('n'));
			const { zxid } = await alone.client.set('/new', bytes('m'));
			await alone.server.close();
			const last3 = await start(roles, directory);
			const news = await tailedThrough(last3.client.watchChanges('/new', { ...options }), zxid);
			expect(news.map(({ change }) => String(change!.data))).toEqual(['n', 'm']);
		} finally {
			await servers.close();
			await database.drop();
		}
	});
});

/** Who may ask for the status. */
function superOf({ addresses }: RunningServer): ChronokeeperClient {
	return servers.connect(addresses.grpc);
}

describe('many tails', () => {
	it('have everything once and in order, over starts of the server, slow readers among them', async () => {
		const grpcPort = await freePort();
		const directory = servers.newDirectory();
		let { server, client } = await start({ grpcPort, 'grpc.maxStreams': 200 }, directory);
		// Each of ten has a connection of its own.
		const clients = Array.from({ length: 10 }, () => servers.connect(`127.0.0.1:${grpcPort}`));
		const count = 100;
		const [rounds, writes] = isLong ? [10, 2000] : [3, 150];
		const last = BigInt(rounds * writes + 1);
		const tails = Promise.all(
			Array.from({ length: count }, (_, index) =>
				tailedThrough(clients[index % clients.length]!.tail({ fromZxid: 0n, withData: index % 2 === 0 }), last),
			),
		);
		tails.catch(() => undefined); // Awaited at the end, should it come to that.
		await client.create('/a', null);
		for (let round = 1; round <= rounds; round++) {
			const isLast = round === rounds;
			const written = Array.from({ length: writes }, (_, index) => client.set('/a', bytes(`${round}.${index}`)));
			await Promise.all(written);
			if (isLast) break;
			await server.close();
			({ server, client } = await start({ grpcPort, 'grpc.maxStreams': 200 }, directory));
			await expect.poll(() => client.exists('/a').catch(() => undefined), soon).toBeDefined();
		}
		const expected = Array.from({ length: Number(last) }, (_, index) => BigInt(index + 1));
		for (const tail of await tails) expect(zxidsOf(tail)).toEqual(expected);
	});

	it('that read slowly hold nothing up, and miss nothing', async () => {
		const { client } = await start();
		await client.create('/a', null);
		const slow = rawTail(client.address, { fromZxid: 0n, withData: true });
		slow.call.pause();
		// More than memory keeps for tails: the rest is read from the log.
		const data = Buffer.alloc(700_000, 'x');
		const writes = 60;
		for (let write = 0; write < writes; write++) await client.set('/a', data);
		const quick = zxidsOf(await tailedThrough(client.tail({ fromZxid: 0n }), BigInt(writes + 1)));
		expect(slow.responses.length).toBeLessThan(30);
		slow.call.resume();
		await expect.poll(() => slow.responses.at(-1)?.zxid, soon).toBe(BigInt(writes + 1));
		const seen = slow.responses.flatMap(({ transactions }) => transactions.map(({ transaction }) => transaction!));
		expect(zxidsOf(seen)).toEqual(quick);
		expect(seen.slice(1).every(({ changes: [change] }) => data.equals(change!.data!))).toBe(true);
		slow.call.cancel();
	});

	it('are listed, told to go elsewhere when load is shed, and gone when their callers are', async () => {
		const { client } = await start();
		await client.create('/a', null);
		const shed = rawTail(client.address, { fromZxid: 0n });
		await expect.poll(() => shed.responses.length, soon).toBeGreaterThan(0);
		expect((await client.connections()).map(({ kind, sent }) => [kind, sent])).toEqual([['grpc-tail', 1n]]);
		expect(await client.shedLoad(1)).toBe(1);
		expect(await shed.ended).toMatchObject({ code: status.UNAVAILABLE });
		const cancelled = rawTail(client.address, {});
		await expect.poll(() => cancelled.responses.length, soon).toBeGreaterThan(0);
		expect(await client.connections()).toHaveLength(1);
		cancelled.call.cancel();
		await expect.poll(() => client.connections(), soon).toEqual([]);
	});
});

/** One stream, on a connection of its own. */
function rawTail(address: string, request: Partial<TailTransactionsRequest>) {
	const client = servers.keep(
		new HistoryServiceClient(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }),
	);
	const call = client.tailTransactions(TailTransactionsRequest.create(request), new Metadata());
	const responses: TailTransactionsResponse[] = [];
	call.on('data', (response: TailTransactionsResponse) => void responses.push(response));
	const ended = new Promise<{ readonly code: status; readonly details: string }>((resolve) => {
		call.once('error', (error: ServiceError) => resolve(error));
		call.once('end', () => resolve({ code: status.OK, details: '' }));
	});
	return { call, responses, ended };
}
