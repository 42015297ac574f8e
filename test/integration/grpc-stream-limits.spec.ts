/** The streams of sessions under load: callers that do not read, send too much, are too many or vanish; and a server that stops. */
import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { WatchKind } from '#proto/chronokeeper/v1/watch';
import { GrpcCaller, type SessionProof } from '#test/support/grpc-session';
import { OperateClient, operation } from '#test/support/operate-client';
import { shown, startStreamServer } from '#test/support/stream-server';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

const start = (overrides: Parameters<TestServers['start']>[1] = {}) => startStreamServer(servers, overrides);

/** Whether the session can be attached. */
async function attached(caller: GrpcCaller, session: SessionProof): Promise<boolean> {
	return OperateClient.attach(caller, session).then(
		(client) => servers.keep(client) === client,
		() => false,
	);
}

describe('the limits of streams', () => {
	it('a caller that does not read is cut and told so; nobody else notices, and its session lives on', async () => {
		const { open, caller, server } = await start({ 'grpc.maxUnsentBytes': 1 << 20 });
		const writing = await open();
		await writing.ask('create', { path: '/big', data: new Uint8Array(500_000) });
		// On a connection of its own: those of one share what it may have unread.
		const other = servers.keep(new GrpcCaller(server.addresses.grpc));
		const slow = servers.keep(await OperateClient.open(other));
		await slow.ask('addWatch', {
			path: '/big',
			kind: WatchKind.WATCH_KIND_PERSISTENT,
			withData: true,
		});
		// A client of grpc-js reads sixteen messages ahead.
		const rounds = 40;
		slow.stream.pause();
		for (let i = 0; i < rounds; i++) await writing.ask('set', { path: '/big', data: new Uint8Array(500_000).fill(i) });
		slow.stream.resume();
		const end = await slow.ended;
		expect(end).toMatchObject({
			code: status.RESOURCE_EXHAUSTED,
			details: expect.stringContaining('grpc.maxUnsentBytes'),
		});
		expect(slow.events.length).toBeLessThan(rounds);
		// In order, without a hole, up to where it was cut.
		expect(slow.events.map(({ data }) => data![0])).toEqual(slow.events.map((_, i) => i));
		expect(server.replica.host.watches.summary().watches).toBe(0);
		const again = servers.keep(await OperateClient.attach(caller, slow.session!));
		expect((await again.ask('whoAmI')).$case).toBe('whoAmI');
	});

	it.each([
		['the window of its stream', 100_000, 1000],
		['globalOutstandingLimit', 50, 51],
	])('a caller that sends more than %s waits in the transport', async (_, globalOutstandingLimit, bound) => {
		const { open, server } = await start({ globalOutstandingLimit });
		const client = await open();
		const { host } = server.replica;
		const total = 20_000;
		let most = 0;
		const each = setInterval(() => (most = Math.max(most, host.outstanding)), 1);
		for (let at = 0; at < total; at += 500) {
			client.send(Array.from({ length: 500 }, (_, i) => operation(at + i, 'create', { path: `/many${at + i}` })));
		}
		await client.until(() => client.replies.length === total);
		clearInterval(each);
		expect(most).toBeGreaterThan(0);
		expect(most).toBeLessThanOrEqual(bound);
		expect(host.tree.children('/')!.filter((name) => name.startsWith('many'))).toHaveLength(total);
	});

	it('there are no more streams than grpc.maxStreams and sessions than grpc.maxSessions', async () => {
		const { open, caller } = await start({ 'grpc.maxStreams': 2, 'grpc.maxSessions': 3 });
		const [first] = [await open(), await open()];
		const refused = OperateClient.begin(caller);
		refused.send([], { open: { timeoutMs: 0 } });
		expect(await refused.ended).toMatchObject({
			code: status.RESOURCE_EXHAUSTED,
			details: expect.stringContaining('grpc.maxStreams'),
		});
		await caller.call(caller.sessions, 'openSession');
		await expect(caller.call(caller.sessions, 'openSession')).rejects.toMatchObject({
			code: status.RESOURCE_EXHAUSTED,
			details: expect.stringContaining('grpc.maxSessions'),
		});
		first.close();
		await expect.poll(() => attached(caller, first.session!)).toBe(true);
	});

	it('streams that are opened and dropped leave nothing behind', async () => {
		const { caller, server } = await start();
		const { host } = server.replica;
		for (let round = 0; round < 10; round++) {
			const clients = Array.from({ length: 50 }, () => OperateClient.begin(caller));
			for (const [i, client] of clients.entries()) {
				client.send([operation(1, 'addWatch', { path: '/' }), operation(2, 'create', { path: `/d${round}-${i}` })], {
					open: { timeoutMs: 400 },
				});
				// At once, grpc-js would not tell the server.
				if (i % 3 === 0) setImmediate(() => client.close());
			}
			for (const [i, client] of clients.entries()) {
				if (i % 3 === 0) continue;
				await client.until(() => client.replies.length >= 1);
				client.close();
			}
			await Promise.all(clients.map(({ ended }) => ended));
		}
		await expect.poll(() => host.watches.summary().watches).toBe(0);
		await expect.poll(() => host.sessions.size).toBe(0);
		expect(host.outstanding).toBe(0);
	});
});

describe('a server that stops', () => {
	it('tells its streams to go elsewhere, answers what is under way, refuses what comes, and is done in time', async () => {
		const { open, caller, server } = await start();
		const client = await open();
		const idle = await open();
		client.send(Array.from({ length: 500 }, (_, i) => operation(i, 'create', { path: `/n${i}` })));
		await client.until(() => client.replies.length > 0);
		const begunMs = performance.now();
		const closing = server.close();
		const end = await client.ended;
		expect(end).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining('stopping') });
		expect(await idle.ended).toMatchObject({ code: status.UNAVAILABLE });
		expect(shown(idle)).toEqual(['opened', 'goingAway']);
		expect(client.items.filter(({ $case }) => $case === 'goingAway')).toHaveLength(1);
		// What was answered was done, in order, without a hole.
		expect(client.replies.map(({ id }) => id)).toEqual(client.replies.map((_, i) => i));
		await expect(caller.call(caller.znodes, 'get', { path: '/' })).rejects.toMatchObject({ code: status.UNAVAILABLE });
		await closing;
		expect(performance.now() - begunMs).toBeLessThan(5000);
	});
});
