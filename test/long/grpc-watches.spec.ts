/** WatchService over the wire: what is heard, in which order, by whom; what becomes of readers that are slow or gone. LONG_SPECS=1: a million events. */
import { createHash } from 'node:crypto';
import { credentials, status } from '@grpc/grpc-js';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { CreateMode } from '#client/client';
import { WatchKind, WatchServiceClient } from '#proto/chronokeeper/v1/watch';
import { CreateRequest } from '#proto/chronokeeper/v1/znode';
import { ErrorInfo } from '#proto/google/rpc/error_details';
import { Status } from '#proto/google/rpc/status';
import type { RunningServer } from '#server/start-server';
import { startEnsemble } from '#test/support/ensemble';
import { Watching, type WatchingOptions } from '#test/support/grpc-watching';
import { TestServers } from '#test/support/test-servers';

/** Others may need the processor. */
const soon = { timeout: 60_000 } as const;

const { WATCH_KIND_DATA, WATCH_KIND_CHILDREN, WATCH_KIND_PERSISTENT, WATCH_KIND_PERSISTENT_RECURSIVE } = WatchKind;
const isLong = process.env.LONG_SPECS === '1';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

async function start(overrides: Parameters<TestServers['start']>[1] = {}) {
	const server = await servers.start(servers.newDirectory(), overrides);
	const client = servers.connect(server.addresses.grpc, { timeoutMs: 60_000 });
	return { server, client };
}

/** A connection of its own. */
function watchClient({ addresses }: RunningServer): WatchServiceClient {
	return servers.keep(
		new WatchServiceClient(addresses.grpc, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }),
	);
}

function watching(
	client: WatchServiceClient,
	targets: readonly (readonly [path: string, kind: WatchKind])[],
	options?: WatchingOptions,
): Watching {
	return servers.keep(new Watching(client, targets, options));
}

function text(data: Uint8Array | undefined): string | undefined {
	return data === undefined ? undefined : Buffer.from(data).toString();
}

const bytes = (value: string) => Buffer.from(value);

describe('watches', () => {
	it('49, 52: of each kind hear what is theirs, after a message that says they are set', async () => {
		const { server, client } = await start();
		await client.create('/a', bytes('one'));
		const watches = watchClient(server);
		const streams = {
			data: watching(watches, [
				['/a', WATCH_KIND_DATA],
				['/later', WATCH_KIND_DATA],
			]),
			children: watching(watches, [['/a', WATCH_KIND_CHILDREN]]),
			persistent: watching(watches, [['/a', WATCH_KIND_PERSISTENT]]),
			recursive: watching(watches, [['/a', WATCH_KIND_PERSISTENT_RECURSIVE]]),
			unsaid: watching(watches, [['/a', WatchKind.WATCH_KIND_UNSPECIFIED]]),
		};
		for (const stream of Object.values(streams)) expect(await stream.opened).toBe(1n);
		await client.create('/a/b', null);
		await client.set('/a/b', bytes('x'));
		await client.set('/a', bytes('two'));
		await client.delete('/a/b');
		await client.create('/later', null);
		await client.delete('/a');
		const whole = [
			'NODE_CREATED /a/b',
			'NODE_DATA_CHANGED /a/b',
			'NODE_DATA_CHANGED /a',
			'NODE_DELETED /a/b',
			'NODE_DELETED /a',
		];
		await expect.poll(() => streams.unsaid.events.length, soon).toBe(5);
		await expect.poll(() => streams.recursive.events.length, soon).toBe(5);
		expect(streams.recursive.events.map(({ zxid }) => zxid)).toEqual([2n, 3n, 4n, 5n, 7n]);
		expect(streams.recursive.messages.map(({ zxid }) => zxid)).toEqual([1n, 2n, 3n, 4n, 5n, 7n]);
		expect(streams.recursive.heard()).toEqual(whole);
		expect(streams.unsaid.heard()).toEqual(whole);
		expect(streams.persistent.heard()).toEqual([
			'NODE_CHILDREN_CHANGED /a',
			'NODE_DATA_CHANGED /a',
			'NODE_CHILDREN_CHANGED /a',
			'NODE_DELETED /a',
		]);
		// 51: all their watches have fired, so the streams are over.
		expect(await streams.children.ended).toMatchObject({ code: status.OK });
		expect(streams.children.heard()).toEqual(['NODE_CHILDREN_CHANGED /a']);
		expect(await streams.data.ended).toMatchObject({ code: status.OK });
		expect(streams.data.heard()).toEqual(['NODE_DATA_CHANGED /a', 'NODE_CREATED /later']);
		expect(server.replica.host.watches.summary()).toMatchObject({ connections: 3 });
	});

	it('46: tell what the node was right after the transaction, all of a multi', async () => {
		const { server, client } = await start();
		await client.create('/a', bytes('0'));
		const stream = watching(watchClient(server), [['/a', WATCH_KIND_PERSISTENT_RECURSIVE]], { withData: true });
		await stream.opened;
		const set = (data: string) =>
			({ op: { $case: 'set', value: { path: '/a', data: bytes(data), version: undefined } } }) as const;
		await Promise.all([
			client.multi([set('1'), set('2')]),
			client.set('/a', bytes('3')),
			client.create('/a/null', null),
			client.create('/a/b', bytes('b')),
			client.delete('/a/b'),
			client.set('/a', bytes('4')),
		]);
		await expect.poll(() => stream.events.length, soon).toBe(7);
		expect(stream.events.map(({ path, data, stat }) => [path, text(data), stat?.version, stat?.mzxid])).toEqual([
			['/a', '2', 2, 2n],
			['/a', '2', 2, 2n],
			['/a', '3', 3, 3n],
			['/a/null', undefined, 0, 4n],
			['/a/b', 'b', 0, 5n],
			['/a/b', undefined, undefined, undefined],
			['/a', '4', 4, 7n],
		]);
	});

	it('48: are silent about nodes that the caller may not read, and about what a multi made unreadable', async () => {
		const { server, client } = await start();
		const ann = servers.connect(server.addresses.grpc, { auth: 'ann:secret' });
		const hers = [
			{ perms: 31, id: { scheme: 'digest', id: `ann:${createHash('sha1').update('ann:secret').digest('base64')}` } },
		];
		await client.create('/top', null);
		const watches = watchClient(server);
		const targets = [['/top', WATCH_KIND_PERSISTENT_RECURSIVE]] as const;
		const [anyone, annsStream] = [
			watching(watches, targets, { withData: true }),
			watching(watches, targets, { withData: true, auth: 'ann:secret' }),
		];
		await Promise.all([anyone.opened, annsStream.opened]);
		await ann.create('/top/hers', bytes('secret'), { acl: hers });
		await ann.create('/top/soon', bytes('open'));
		await ann.setAcl('/top/soon', hers);
		await ann.set('/top/soon', bytes('closed'));
		await ann.create('/top/end', null);
		const open = CreateRequest.create({ path: '/top/end', data: bytes('now hers'), acl: hers });
		await ann.multi([
			{ op: { $case: 'set', value: { path: '/top/end', data: bytes('open'), version: undefined } } },
			{ op: { $case: 'delete', value: { path: '/top/end', version: undefined } } },
			{ op: { $case: 'create', value: open } },
		]);
		await expect.poll(() => annsStream.events.length, soon).toBe(7);
		await expect.poll(() => anyone.events.length, soon).toBe(4);
		// The creation was hers alone, and what is there after the transaction nobody else may see.
		expect(anyone.events.map(({ data, stat }) => [text(data), stat?.mzxid])).toEqual([
			['open', 3n],
			[undefined, 6n],
			[undefined, undefined],
			[undefined, undefined],
		]);
		expect(anyone.heard()).toEqual([
			'NODE_CREATED /top/soon',
			'NODE_CREATED /top/end',
			'NODE_DATA_CHANGED /top/end',
			'NODE_DELETED /top/end',
		]);
		const annsData = annsStream.events.map(({ data }) => text(data));
		expect(annsData).toEqual(['secret', 'open', 'closed', undefined, 'now hers', undefined, 'now hers']);
	});

	it('54: hear with after_zxid what changed while nobody listened', async () => {
		const { server, client } = await start();
		for (const path of ['/set', '/same', '/parent', '/gone']) await client.create(path, null);
		const { zxid } = await client.set('/same', null);
		await client.set('/set', bytes('x'));
		await client.create('/parent/child', null);
		await client.delete('/gone');
		const stream = watching(
			watchClient(server),
			[
				['/set', WATCH_KIND_DATA],
				['/same', WATCH_KIND_DATA],
				['/parent', WATCH_KIND_PERSISTENT],
				['/gone', WATCH_KIND_DATA],
			],
			{ afterZxid: zxid, withData: true },
		);
		expect(await stream.opened).toBe(8n);
		await client.set('/same', bytes('now'));
		await expect.poll(() => stream.events.length, soon).toBe(4);
		expect(stream.messages[0]).toMatchObject({ events: [] });
		expect(stream.events.map(({ zxid: of, data }) => [of, text(data)])).toEqual([
			[undefined, 'x'],
			[undefined, undefined],
			[undefined, undefined],
			[9n, 'now'],
		]);
		expect(stream.heard()).toEqual([
			'NODE_DATA_CHANGED /set',
			'NODE_CHILDREN_CHANGED /parent',
			'NODE_DELETED /gone',
			'NODE_DATA_CHANGED /same',
		]);
	});

	it.each([
		['nothing', [], status.INVALID_ARGUMENT, 'at least one target'],
		['a path that is none', [['a', 0]], status.INVALID_ARGUMENT, 'path must start with /'],
		[
			'a path with NUL',
			[
				['/a', 0],
				['/\0', 1],
			],
			status.INVALID_ARGUMENT,
			'U+0000',
		],
		['a kind that is none', [['/', 77]], status.INVALID_ARGUMENT, '77 is not a WatchKind'],
		[
			'children of nothing',
			[
				['/', 2],
				['/none', 2],
			],
			status.NOT_FOUND,
			'/none: the node does not exist',
		],
	] as const)('of %s are refused', async (_, targets, code, message) => {
		const { server } = await start();
		const stream = watching(watchClient(server), targets as readonly (readonly [string, WatchKind])[]);
		await expect(stream.ended).resolves.toMatchObject({ code, details: expect.stringContaining(message) });
		expect(server.replica.host.watches.summary().watches).toBe(0);
	});

	it('53: go with their stream, and with the server', async () => {
		const { server, client } = await start();
		await client.create('/a', null);
		const watches = watchClient(server);
		const [gone, cut, stays] = ['gone', 'cut', 'stays'].map(() => watching(watches, [['/a', WATCH_KIND_PERSISTENT]]));
		await Promise.all([gone!.opened, cut!.opened, stays!.opened]);
		const summary = () => server.replica.host.watches.summary().watches;
		expect(summary()).toBe(3);
		gone!.close();
		await expect.poll(summary, soon).toBe(2);
		const unseen = watching(watchClient(server), [['/a', WATCH_KIND_PERSISTENT]]);
		await unseen.opened;
		unseen.call.cancel();
		await expect.poll(summary, soon).toBe(2);
		const ending = server.close();
		expect(await stays!.ended).toMatchObject({ code: status.UNAVAILABLE, details: 'the server is stopping' });
		await ending;
	});
});

it('65: a replica that loses its leader ends its streams: another one may serve', async () => {
	const ensemble = servers.keep(await startEnsemble({ members: ['chronokeeper', 'chronokeeper', 'chronokeeper'] }));
	const leader = await ensemble.leader();
	const [follower, other] = ensemble.members.filter((member) => member !== leader);
	const { grpc } = await follower!.doors();
	const watches = servers.keep(new WatchServiceClient(grpc, credentials.createInsecure()));
	await ensemble.allServe();
	const open = () => watching(watches, [['/', WATCH_KIND_PERSISTENT_RECURSIVE]], { withData: true });
	let stream = open();
	await expect
		.poll(async () => {
			const isOpen = await stream.opened.then(
				() => true,
				() => false,
			);
			if (!isOpen) stream = open();
			return isOpen;
		}, soon)
		.toBe(true);
	const client = servers.connect((await leader.doors()).grpc);
	for (let i = 0; i < 20; i++) await client.create(`/n${i}`, bytes(`${i}`));
	await expect.poll(() => stream.events.length, soon).toBe(20);
	expect(stream.events.map(({ path, data }) => [path, text(data)])).toEqual(
		Array.from({ length: 20 }, (_, i) => [`/n${i}`, `${i}`]),
	);
	for (const member of [leader, other!]) member.pause();
	expect(await stream.ended).toMatchObject({
		code: status.UNAVAILABLE,
		details: expect.stringContaining('this replica has no leader any more'),
	});
	const refused = await watching(watches, [['/', WATCH_KIND_PERSISTENT]]).ended;
	expect(refused).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining('has no leader') });
	for (const member of [leader, other!]) member.proceed();
});

/** The long one is for LONG_SPECS=1. */
const changes = isLong ? 10_000 : 1000;
const streamCount = 100;

describe(`${changes * streamCount} events through ${streamCount} streams`, () => {
	it('46: each hears each once, in order, and neither a reader that sleeps nor those that vanish change anything', {
		timeout: 600_000,
	}, async () => {
		const { server, client } = await start({ 'grpc.maxUnsentBytes': (changes / 1000) * (1 << 20) });
		for (const path of ['/a', '/large']) await client.create(path, null);
		const connections = Array.from({ length: 4 }, () => watchClient(server));
		const streams = Array.from({ length: streamCount }, (_, i) =>
			watching(connections[i % 4]!, [['/a', WATCH_KIND_PERSISTENT_RECURSIVE]], { withData: i % 2 === 0 }),
		);
		const slowClient = watchClient(server);
		const slow = watching(
			slowClient,
			[
				['/a', WATCH_KIND_PERSISTENT_RECURSIVE],
				['/large', WATCH_KIND_PERSISTENT],
			],
			{ withData: true },
		);
		await Promise.all([slow, ...streams].map(({ opened }) => opened));
		slow.call.pause();
		const vanishing = watchClient(server);
		const data = Buffer.alloc(1000, 'x');
		const waves = 20;
		/** What each of them has heard by then, and those that vanish never. */
		const wave = async (number: number) => {
			const some = Array.from({ length: 5 }, () => watching(vanishing, [['/a', WATCH_KIND_PERSISTENT_RECURSIVE]]));
			await Promise.all(Array.from({ length: changes / waves }, () => client.set('/a', data)));
			for (const one of some) one.close();
			const heard = (number * changes) / waves;
			await expect
				.poll(() => streams.every(({ events }) => events.length >= heard), { interval: 5, timeout: 60_000 })
				.toBe(true);
		};
		const watchers = () => server.replica.host.watches.summary().connections;
		for (let number = 1; number <= waves / 2; number++) await wave(number);
		await expect.poll(watchers, soon).toBe(streamCount + 1);
		// The one that sleeps is cut when too much waits for it, and told so when it wakes up.
		while (watchers() > streamCount) await client.set('/large', Buffer.alloc(20_000, 'x'));
		const told = slow.messages.at(-1)!.zxid;
		slow.call.resume();
		const end = await slow.ended;
		expect(end).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: expect.stringContaining('after_zxid') });
		const rich = Status.decode(end.metadata!.get('grpc-status-details-bin')[0] as Buffer);
		expect(ErrorInfo.decode(rich.details[0]!.value)).toMatchObject({
			reason: 'SLOW_WATCHER',
			metadata: { limit: 'grpc.maxUnsentBytes' },
		});
		for (let number = waves / 2 + 1; number <= waves; number++) await wave(number);
		const versions = Array.from({ length: changes }, (_, i) => i + 1);
		const zxids = streams[0]!.events.map(({ zxid }) => zxid!);
		expect(zxids).toEqual([...new Set(zxids)].sort((a, b) => (a < b ? -1 : 1)));
		for (const [i, { events }] of streams.entries()) {
			expect(events.map(({ zxid }) => zxid)).toEqual(zxids);
			if (i % 2 === 0) expect(events.map(({ stat }) => stat?.version)).toEqual(versions);
			expect(events.every((event) => (event.data === undefined) === (i % 2 === 1))).toBe(true);
		}
		// What it missed it can ask for.
		const until = slow.messages.at(-1)!.zxid;
		expect(until).toBeGreaterThan(told);
		const heard = slow.events.filter(({ path }) => path === '/a').map(({ zxid }) => zxid);
		expect(heard).toEqual(zxids.slice(0, heard.length));
		const again = watching(slowClient, [['/a', WATCH_KIND_PERSISTENT]], { afterZxid: until });
		await again.opened;
		await expect.poll(() => again.heard(), soon).toEqual(['NODE_DATA_CHANGED /a']);
		await expect.poll(() => server.replica.host.watches.summary().connections, soon).toBe(streamCount + 1);
	});
});

// Some seconds and some hundred megabytes: LONG_SPECS=1 runs it.
it.runIf(isLong)(
	'an event with a large node is not copied for all at once; who sleeps keeps others waiting for seconds only',
	async () => {
		const { server, client } = await start();
		await client.create('/a', null);
		const sleeping = Array.from({ length: 10 }, () => watchClient(server));
		const sleepers = Array.from({ length: 1000 }, (_, i) =>
			watching(sleeping[i % 10]!, [['/a', WATCH_KIND_PERSISTENT]], { withData: true }),
		);
		await Promise.all(sleepers.map(({ opened }) => opened));
		for (const { call } of sleepers) call.pause();
		const awake = watching(watchClient(server), [['/a', WATCH_KIND_PERSISTENT]], { withData: true });
		await awake.opened;
		const before = process.memoryUsage().rss;
		// The first two go into the windows of their connections and the buffers of their clients.
		for (let i = 0; i < 3; i++) await client.set('/a', Buffer.alloc(1_000_000, 'x'));
		expect((process.memoryUsage().rss - before) / (1 << 20)).toBeLessThan(700);
		await expect.poll(() => awake.events.length).toBe(3);
		expect(server.replica.host.watches.summary().connections).toBeLessThan(1001);
	},
);

it('one change reaches thousands of streams in one go', { timeout: 120_000 }, async () => {
	const { server, client } = await start();
	await client.create('/a', null, { mode: CreateMode.CREATE_MODE_PERSISTENT });
	const count = isLong ? 10_000 : 2000;
	const connections = Array.from({ length: 10 }, () => watchClient(server));
	const streams = Array.from({ length: count }, (_, i) =>
		watching(connections[i % 10]!, [['/a', WATCH_KIND_PERSISTENT]]),
	);
	await Promise.all(streams.map(({ opened }) => opened));
	const times: number[] = [];
	for (let round = 1; round <= 3; round++) {
		// Of this process alone: others may need the processors.
		const before = process.cpuUsage();
		await client.set('/a', bytes('x'));
		await expect.poll(() => streams.every(({ events }) => events.length === round), { interval: 5 }).toBe(true);
		const { user, system } = process.cpuUsage(before);
		times.push((user + system) / 1000);
	}
	console.info(
		`fan-out of one change to ${count} streams, clients in the same process: ${times.map(Math.round).join(', ')} ms of the processor`,
	);
	expect(Math.min(...times)).toBeLessThan((count / 10_000) * 5000);
});
