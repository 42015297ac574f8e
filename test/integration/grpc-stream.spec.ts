/** The stream of a session (SessionService.Operate): order, events, and how it ends. */
import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { errors } from '#jute/errors';
import { OperateRequest, SessionServiceClient } from '#proto/chronokeeper/v1/session';
import { WatchEventType, WatchKind } from '#proto/chronokeeper/v1/watch';
import { Consistency, CreateMode } from '#proto/chronokeeper/v1/znode';
import { GrpcCaller, inside, zooKeeperCode } from '#test/support/grpc-session';
import { type OpCase, OperateClient, operation } from '#test/support/operate-client';
import { shown, startStreamServer } from '#test/support/stream-server';
import { TestServers } from '#test/support/test-servers';
import { WireClient } from '#test/support/wire-client';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

const text = (of: string) => new TextEncoder().encode(of);
const ephemeral = CreateMode.CREATE_MODE_EPHEMERAL;
const start = (overrides: Parameters<TestServers['start']>[1] = {}) => startStreamServer(servers, overrides);

describe("a session's stream", () => {
	it('opens a session and takes operations in the same message', async () => {
		const { caller, server } = await start();
		const client = servers.keep(OperateClient.begin(caller));
		client.send([operation(1, 'create', { path: '/a', data: text('x'), mode: ephemeral }), operation(2, 'whoAmI')], {
			open: { timeoutMs: 1000 },
		});
		await client.until(() => client.replies.length === 2);
		expect(shown(client)).toEqual(['opened', '1 create', '2 whoAmI']);
		expect(client.session!.timeoutMs).toBe(1000);
		const created = client.reply(1)!.result;
		expect(created?.$case === 'create' && created.value.stat!.ephemeralOwner).toBe(client.session!.sessionId);
		expect(server.replica.host.sessions.get(client.session!.sessionId as never)).toBeDefined();
	});

	it('10: answers a thousand mixed operations in the order they were sent, each once', async () => {
		const { open } = await start();
		const client = await open();
		const total = 5000;
		let sent = 0;
		while (sent < total) {
			const batch = Array.from({ length: Math.min(1 + (sent % 97), total - sent) }, (_, i) => {
				const id = sent + i;
				const path = `/n${id % 50}`;
				if (id < 50) return operation(id, 'create', { path });
				if (id % 3 === 0) return operation(id, 'set', { path, data: text(`${id}`) });
				if (id % 3 === 1) return operation(id, 'get', { path });
				return operation(id, 'sync', { path: '/' });
			});
			client.send(batch);
			sent += batch.length;
		}
		await client.until(() => client.replies.length === total);
		expect(client.replies.map(({ id }) => id)).toEqual(Array.from({ length: total }, (_, i) => i));
		expect(client.replies.filter(({ result }) => result?.$case === 'error')).toEqual([]);
		const last = new Map<string, string>();
		for (const { id, result } of client.replies) {
			const path = `/n${id % 50}`;
			if (result?.$case === 'set') last.set(path, `${id}`);
			if (result?.$case === 'get' && last.has(path))
				expect(Buffer.from(result.value.data!).toString()).toBe(last.get(path));
		}
		// Many replies leave in one message.
		expect(client.messages.length).toBeLessThan(total / 4);
	});

	it('has every operation, and each gives what the unary call gives', async () => {
		const { open, caller, server } = await start();
		const client = await open();
		const ask = async ($case: OpCase, value: object = {}) => (await client.ask($case, value)) as never as Shown;
		interface Shown {
			readonly $case: string;
			readonly value: Record<string, unknown>;
		}
		expect((await ask('create', { path: '/a', data: text('one') })).$case).toBe('create');
		expect((await ask('create', { path: '/a/b' })).value.path).toBe('/a/b');
		expect((await ask('set', { path: '/a', data: text('two'), version: 0 })).$case).toBe('set');
		const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
		expect((await ask('setAcl', { path: '/a/b', acl })).$case).toBe('setAcl');
		const pairs: [OpCase, string, object][] = [
			['get', 'get', { path: '/a' }],
			['exists', 'exists', { path: '/a' }],
			['exists', 'exists', { path: '/missing' }],
			['listChildren', 'listChildren', { path: '/' }],
			['listChildren', 'listChildren', { path: '/', prefix: 'a', pageSize: 1 }],
			['getAcl', 'getAcl', { path: '/a/b' }],
			['getEphemerals', 'getEphemerals', {}],
			['getAllChildrenNumber', 'getAllChildrenNumber', { path: '/' }],
			['sync', 'sync', { path: '/a' }],
			['whoAmI', 'whoAmI', {}],
			[
				'multiRead',
				'multiRead',
				{ ops: [{ op: { $case: 'get', value: { path: '/a' } } }, { op: { $case: 'get', value: { path: '/no' } } }] },
			],
		];
		for (const [$case, method, value] of pairs) {
			const unary = await caller.call(caller.znodes, method as 'get', value, inside(client.session!));
			// The call brought the session's own stream to no end.
			expect({ $case: $case as string, value: unary }).toEqual(await ask($case, value));
		}
		const create = (path: string) => ({ op: { $case: 'create', value: { path } } });
		const multi = await ask('multi', { ops: [create('/m1'), create('/m2')] });
		expect((multi.value.results as { path: string }[]).map(({ path }) => path)).toEqual(['/m1', '/m2']);
		const failed = await ask('multi', { ops: [create('/m3'), create('/m1')] });
		expect(failed).toMatchObject({ $case: 'error', value: { code: errors.nodeExists.code, op: 1, path: '/m1' } });
		expect((await ask('delete', { path: '/a/b' })).value.zxid).toBe(BigInt(server.replica.host.lastProcessedZxid));
		expect((await ask('keepAlive')).$case).toBe('keepAlive');
	});

	it('answers what cannot be done with an error in its turn, and goes on', async () => {
		const { open } = await start();
		const client = await open();
		client.send([
			operation(1, 'create', { path: '/a' }),
			{ id: 2, op: undefined, traceparent: '', sentAtZxid: undefined },
			operation(3, 'create', { path: '/b', mode: 99 }),
			operation(4, 'get', { path: '/a', consistency: 7 }),
			operation(5, 'create', { path: '/c', data: new Uint8Array(1_100_000) }),
			operation(6, 'addWatch', { path: '/a', kind: 9 }),
			operation(7, 'removeWatches', { path: '/a', type: 9 }),
			operation(8, 'removeWatches', { path: '/a' }),
			operation(9, 'create', { path: '/a' }),
			operation(10, 'authenticate', { scheme: 'nonsense' }),
			operation(11, 'get', { path: '/a' }),
		]);
		await client.until(() => client.replies.length === 11);
		const codes = client.replies.map(({ result }) => (result?.$case === 'error' ? result.value.code : result?.$case));
		const bad = errors.badArguments.code;
		expect(codes).toEqual([
			'create',
			errors.unimplemented.code,
			bad,
			bad,
			bad,
			bad,
			bad,
			errors.noWatcher.code,
			errors.nodeExists.code,
			errors.authFailed.code,
			'get',
		]);
		const [, , third] = client.replies;
		expect(third!.result?.$case === 'error' && third!.result.value.advice).toContain('CreateMode');
	});

	it.each([
		['no first message that opens or attaches', [OperateRequest.fromPartial({ operations: [operation(1, 'whoAmI')] })]],
		[
			'a second message that opens',
			[
				OperateRequest.fromPartial({ begin: { $case: 'open', value: {} } }),
				OperateRequest.fromPartial({ begin: { $case: 'open', value: {} } }),
			],
		],
	])('ends with INVALID_ARGUMENT after %s', async (_, messages) => {
		const { caller } = await start();
		const client = servers.keep(OperateClient.begin(caller));
		for (const message of messages) client.stream.write(message);
		expect(await client.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
	});

	it('ends with INVALID_ARGUMENT after bytes that are no message', async () => {
		const { server } = await start();
		const { path } = SessionServiceClient.service.operate;
		const raw = servers.keep(new GrpcCaller(server.addresses.grpc));
		const identity = (bytes: Buffer) => bytes;
		const stream = raw.sessions.makeBidiStreamRequest(path, identity, identity);
		const ended = new Promise<{ code: number; details: string }>((resolve) => stream.on('error', resolve as never));
		stream.on('data', () => undefined);
		stream.write(Buffer.from([0x1a, 0x7f, 0x01]));
		expect(await ended).toMatchObject({
			code: status.INVALID_ARGUMENT,
			details: expect.stringContaining('cannot be read'),
		});
	});

	it('38: has an identity for the operations behind the one that proves it', async () => {
		const { open } = await start();
		const client = await open();
		const acl = [{ perms: 31, id: { scheme: 'auth', id: '' } }];
		client.send([
			operation(1, 'create', { path: '/before', acl }),
			operation(2, 'authenticate', { scheme: 'digest', credentials: text('user:secret') }),
			operation(3, 'create', { path: '/secret', acl }),
			operation(4, 'get', { path: '/secret' }),
		]);
		await client.until(() => client.replies.length === 4);
		expect(client.replies.map(({ result }) => result?.$case)).toEqual(['error', 'authenticate', 'create', 'get']);
		const [, proved] = client.replies;
		expect(
			proved!.result?.$case === 'authenticate' && proved!.result.value.identities.map(({ scheme }) => scheme),
		).toEqual(['ip', 'digest']);
		const other = await open();
		expect(await other.ask('get', { path: '/secret' })).toMatchObject({
			$case: 'error',
			value: { code: errors.noAuth.code },
		});
	});

	it('tells the trace of an operation that belongs to one', async () => {
		const { open } = await start();
		const client = await open();
		const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
		client.send([
			operation(1, 'create', { path: '/t' }, `00-${traceId}-00f067aa0ba902b7-01`),
			operation(2, 'get', { path: '/t' }, `00-${traceId}-00f067aa0ba902b7-00`),
			operation(3, 'get', { path: '/t' }, 'nonsense'),
			operation(4, 'get', { path: '/t' }),
		]);
		await client.until(() => client.replies.length === 4);
		expect(client.replies.map(({ traceparent }) => traceparent.includes(traceId))).toEqual([true, false, false, false]);
		expect(client.replies.map(({ result }) => result?.$case)).toEqual(['create', 'get', 'get', 'get']);
	});

	it('closes its session and ends behind the reply', async () => {
		const { open, caller } = await start();
		const client = await open();
		client.send([operation(1, 'create', { path: '/e', mode: ephemeral }), operation(2, 'closeSession')]);
		expect(await client.ended).toBeUndefined();
		expect(shown(client)).toEqual(['opened', '1 create', '2 closeSession']);
		expect((await caller.call(caller.znodes, 'exists', { path: '/e' })).stat).toBeUndefined();
	});

	it('answers what is under way when the caller ends its side, and ends; the session lives on', async () => {
		const { open, caller } = await start();
		const client = await open();
		client.send([operation(1, 'create', { path: '/e', mode: ephemeral }), operation(2, 'get', { path: '/e' })]);
		client.halfClose();
		expect(await client.ended).toBeUndefined();
		expect(shown(client)).toEqual(['opened', '1 create', '2 get']);
		const again = servers.keep(await OperateClient.attach(caller, client.session!));
		expect((await again.ask('getEphemerals')).$case).toBe('getEphemerals');
	});

	it('63: keeps its session alive by being there, and the session expires when it is gone', async () => {
		const { open, caller, server } = await start();
		const [kept, gone] = [await open(1000), await open(1000)];
		await gone.ask('create', { path: '/gone', mode: ephemeral });
		await kept.ask('create', { path: '/kept', mode: ephemeral });
		gone.close();
		await expect.poll(async () => (await caller.call(caller.znodes, 'exists', { path: '/gone' })).stat).toBeUndefined();
		expect((await caller.call(caller.znodes, 'exists', { path: '/kept' })).stat).toBeDefined();
		// Longer than its timeout, twice.
		const begunMs = performance.now();
		await expect.poll(() => performance.now() - begunMs).toBeGreaterThan(2500);
		expect((await kept.ask('getEphemerals')).$case).toBe('getEphemerals');
		expect(server.replica.host.sessions.get(gone.session!.sessionId as never)).toBeUndefined();
	});

	it('65: ends with SessionMoved when its session is attached elsewhere, through whichever door', async () => {
		const { open, caller, zookeeperPort } = await start();
		const moved = { code: status.FAILED_PRECONDITION };
		const first = await open();
		const session = first.session!;
		const second = servers.keep(await OperateClient.attach(caller, session));
		const end = await first.ended;
		expect(end).toMatchObject(moved);
		expect(zooKeeperCode(end)).toBe(errors.sessionMoved.code);
		const wire = await WireClient.reattach(zookeeperPort, {
			id: session.sessionId as never,
			password: session.password,
			timeoutMs: 4000,
		});
		expect(await second.ended).toMatchObject(moved);
		const third = servers.keep(await OperateClient.attach(caller, session));
		expect(await wire.closed).toBeDefined();
		expect((await third.ask('whoAmI')).$case).toBe('whoAmI');
	});

	it('60: of a session that is over, or with a wrong password, ends with SessionExpired', async () => {
		const { open, caller } = await start();
		const client = await open();
		const { sessionId, password } = client.session!;
		for (const proof of [
			{ sessionId, password: password.map((byte) => byte ^ 1) },
			{ sessionId: sessionId + 9n, password },
		]) {
			const attempt = OperateClient.begin(caller);
			attempt.send([], { attach: { ...proof, timeoutMs: 0, lastZxidSeen: 0n } });
			const end = await attempt.ended;
			expect(end).toMatchObject({ code: status.FAILED_PRECONDITION });
			expect(zooKeeperCode(end)).toBe(errors.sessionExpired.code);
		}
		await caller.call(caller.sessions, 'closeSession', {}, inside(client.session!));
		const end = await client.ended;
		expect(zooKeeperCode(end)).toBe(errors.sessionExpired.code);
	});

	it('61: is not attached where less is known than its owner has seen', async () => {
		const { open, caller, server } = await start();
		const client = await open();
		const lastZxidSeen = BigInt(server.replica.host.lastProcessedZxid) + 1n;
		const attempt = OperateClient.begin(caller);
		attempt.send([], { attach: { ...client.session!, lastZxidSeen } });
		expect(await attempt.ended).toMatchObject({ code: status.UNAVAILABLE });
	});
});

describe('the events of a stream', () => {
	it('46, 49: stand in front of the first reply that shows the change', async () => {
		const { open } = await start();
		const [watching, writing] = [await open(), await open()];
		await writing.ask('create', { path: '/w', data: text('0') });
		const rounds = 200;
		await watching.ask('addWatch', { path: '/w', kind: WatchKind.WATCH_KIND_PERSISTENT });
		const reads = (async () => {
			for (let i = 0; watching.events.length < rounds; i++) {
				watching.send([operation(i, 'get', { path: '/w' }), operation(i, 'get', { path: '/w' })]);
				await watching.until(() => watching.replies.filter(({ id }) => id === i).length >= 2);
			}
		})();
		for (let i = 1; i <= rounds; i++) await writing.ask('set', { path: '/w', data: text(`${i}`) });
		await watching.until(() => watching.events.length === rounds);
		await reads;
		let heard = 0;
		for (const item of watching.items) {
			if (item.$case === 'event') heard += 1;
			else if (item.$case === 'reply' && item.value.result?.$case === 'get') {
				expect(Number(Buffer.from(item.value.result.value.data!).toString())).toBeLessThanOrEqual(heard);
			}
		}
		expect(heard).toBe(rounds);
	});

	it('46: of a change of its own stand in front of the reply to it', async () => {
		const { open } = await start();
		const client = await open();
		client.send([
			operation(1, 'exists', { path: '/own', watch: true }),
			operation(2, 'create', { path: '/own' }),
			operation(3, 'get', { path: '/own', watch: true }),
			operation(4, 'listChildren', { path: '/own', watch: true }),
			operation(5, 'create', { path: '/own/child' }),
			operation(6, 'set', { path: '/own' }),
		]);
		await client.until(() => client.replies.length === 6);
		expect(shown(client)).toEqual([
			'opened',
			'1 exists',
			'event 1 /own',
			'2 create',
			'3 get',
			'4 listChildren',
			'event 4 /own',
			'5 create',
			'event 3 /own',
			'6 set',
		]);
		expect(client.events.map(({ zxid }) => zxid)).toEqual([
			client.reply(2)!.result!.$case === 'create' ? (client.reply(2)!.result!.value as { zxid: bigint }).zxid : 0n,
			(client.reply(5)!.result!.value as { zxid: bigint }).zxid,
			(client.reply(6)!.result!.value as { zxid: bigint }).zxid,
		]);
	});

	it('57: are heard as the kind of watch says, with the node where that was asked for, and not when it is removed', async () => {
		const { open } = await start();
		const [client, writing] = [await open(), await open()];
		await writing.ask('create', { path: '/k' });
		client.send([
			operation(1, 'addWatch', { path: '/k', kind: WatchKind.WATCH_KIND_DATA }),
			operation(2, 'addWatch', { path: '/k', kind: WatchKind.WATCH_KIND_CHILDREN }),
			operation(3, 'addWatch', { path: '/k', kind: WatchKind.WATCH_KIND_PERSISTENT_RECURSIVE, withData: true }),
		]);
		await client.until(() => client.replies.length === 3);
		await writing.ask('set', { path: '/k', data: text('one') });
		await writing.ask('create', { path: '/k/c', data: text('child') });
		await writing.ask('set', { path: '/k', data: text('two') });
		await client.until(() => client.events.length === 4);
		expect(client.events.map(({ type, path, data }) => [type, path, data && Buffer.from(data).toString()])).toEqual([
			// Two watches of it, one event.
			[WatchEventType.WATCH_EVENT_TYPE_NODE_DATA_CHANGED, '/k', 'one'],
			[WatchEventType.WATCH_EVENT_TYPE_NODE_CREATED, '/k/c', 'child'],
			[WatchEventType.WATCH_EVENT_TYPE_NODE_CHILDREN_CHANGED, '/k', undefined],
			[WatchEventType.WATCH_EVENT_TYPE_NODE_DATA_CHANGED, '/k', 'two'],
		]);
		expect(client.events[0]!.stat?.version).toBe(1);
		expect((await client.ask('removeWatches', { path: '/k', checkOnly: true })).$case).toBe('removeWatches');
		expect((await client.ask('removeWatches', { path: '/k' })).$case).toBe('removeWatches');
		expect((await client.ask('removeWatches', { path: '/k' })).$case).toBe('error');
		await writing.ask('set', { path: '/k', data: text('three') });
		await client.ask('sync', { path: '/' });
		expect(client.events).toHaveLength(4);
	});

	it('54: that an earlier stream would have had come when its watches are set again', async () => {
		const { open, caller } = await start();
		const [first, writing] = [await open(), await open()];
		const created = await writing.ask('create', { path: '/s' });
		const relativeZxid = created.$case === 'create' ? created.value.zxid : 0n;
		first.close();
		await writing.ask('set', { path: '/s' });
		const second = servers.keep(await OperateClient.attach(caller, first.session!));
		second.send([operation(1, 'setWatches', { relativeZxid, data: ['/s'], exist: ['/never'], persistent: ['/s'] })]);
		await second.until(() => second.replies.length === 1);
		expect(shown(second)).toEqual(['attached', 'event 3 /s', '1 setWatches']);
		expect(second.events[0]!.zxid).toBeUndefined();
		await writing.ask('set', { path: '/s' });
		await second.until(() => second.events.length === 2);
	});

	it('48: are not heard by who may not read the node', async () => {
		const { open } = await start();
		const [client, owner] = [await open(), await open()];
		await owner.ask('authenticate', { scheme: 'digest', credentials: text('o:o') });
		await client.ask('addWatch', { path: '/', kind: WatchKind.WATCH_KIND_PERSISTENT_RECURSIVE, withData: true });
		await owner.ask('create', { path: '/hidden', acl: [{ perms: 31, id: { scheme: 'auth', id: '' } }] });
		await owner.ask('create', { path: '/open' });
		await client.until(() => client.events.some(({ path }) => path === '/open'));
		expect(client.events.filter(({ path }) => path === '/hidden')).toEqual([]);
	});
});

describe('a linearizable read on a stream', () => {
	it('69: is answered in its turn', async () => {
		const { open } = await start();
		const client = await open();
		client.send([
			operation(1, 'create', { path: '/l' }),
			operation(2, 'get', { path: '/l', consistency: Consistency.CONSISTENCY_LINEARIZABLE }),
			operation(3, 'delete', { path: '/l' }),
			operation(4, 'exists', { path: '/l', consistency: Consistency.CONSISTENCY_LINEARIZABLE }),
		]);
		await client.until(() => client.replies.length === 4);
		expect(shown(client)).toEqual(['opened', '1 create', '2 get', '3 delete', '4 exists']);
	});
});
