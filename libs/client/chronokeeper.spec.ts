import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ErrorDetail, Stat } from '#proto/chronokeeper/v1/common';
import type { OperateResponse_Item, Reply } from '#proto/chronokeeper/v1/session';
import { WatchEvent, WatchEventType } from '#proto/chronokeeper/v1/watch';
import { replyItem, ScriptedServer } from '#test/support/scripted-server';
import {
	type Chronokeeper,
	ConnectionLossError,
	type ConnectOptions,
	connect,
	type NodeEvent,
	OperationAbortedError,
	SessionExpiredError,
	type StateChange,
} from './index.ts';

let servers: ScriptedServer[];
let clients: Chronokeeper[];
let changes: StateChange[];

beforeEach(async () => {
	servers = [await ScriptedServer.start()];
	clients = [];
	changes = [];
});
afterEach(async () => {
	for (const server of servers) server.close();
	for (const ck of clients) await ck.close();
});

/** A client whose session the first server opens. */
async function open(options: Partial<ConnectOptions> = {}, timeoutMs = 60_000): Promise<Chronokeeper> {
	const connecting = connect({ endpoints: servers[0]!.address, retry: { firstPauseMs: 10 }, ...options });
	(await servers[0]!.stream(0)).open(1n, timeoutMs);
	const ck = await connecting;
	ck.on((change) => changes.push(change));
	clients.push(ck);
	return ck;
}

function states(): string[] {
	return changes.map(({ state }) => state);
}

const stat = Stat.fromPartial({ version: 4 });
const got = (zxid: bigint): NonNullable<Reply['result']> => ({ $case: 'get', value: { data: undefined, stat, zxid } });

function happened(type: WatchEventType, path: string, zxid: bigint): NonNullable<OperateResponse_Item['item']> {
	return { $case: 'event', value: WatchEvent.fromPartial({ type, path, zxid }) };
}

function failure(promise: Promise<unknown>): Promise<unknown> {
	return promise.then(
		() => 'done',
		(error: unknown) => error,
	);
}

async function take(events: AsyncIterator<NodeEvent, undefined>, count: number): Promise<string[]> {
	const taken: string[] = [];
	while (taken.length < count) {
		const { value } = await events.next();
		taken.push(`${value?.type} ${value?.path} ${value?.zxid}`);
	}
	return taken;
}

describe('endpoints', () => {
	it('a replica that is behind what was seen is passed over', async () => {
		servers.push(await ScriptedServer.start());
		const endpoints = servers.map(({ address }) => address).join(',');
		const connecting = connect({ endpoints, retry: { firstPauseMs: 10 } });
		await expect.poll(() => servers[0]!.streams.length + servers[1]!.streams.length).toBe(1);
		const [first, second] = servers[0]!.streams.length === 1 ? servers : [servers[1]!, servers[0]!];
		const one = await first!.stream(0);
		one.open();
		const ck = await connecting;
		clients.push(ck);
		const read = ck.get('/a');
		(await first!.stream(0, 1)).reply(0, got(77n));
		await read;
		one.fail(status.UNAVAILABLE);
		const behind = await second!.stream(0);
		expect(behind.begin).toMatchObject({ $case: 'attach', value: { lastZxidSeen: 77n } });
		behind.fail(status.UNAVAILABLE);
		const again = await first!.stream(1);
		again.attach(77n);
		await expect.poll(() => ck.state).toBe('connected');
		expect(ck.replica.address).toBe(first!.address);
	});

	it('a server that goes away answers what it has; the rest goes elsewhere, and nothing fails', async () => {
		const ck = await open();
		const early = ck.set('/a', 'x');
		const one = await servers[0]!.stream(0, 1);
		one.say({ $case: 'goingAway', value: { reason: 'the server is shut down' } });
		await expect.poll(() => ck.state).toBe('suspended');
		const late = ck.set('/a', 'y');
		one.reply(0, { $case: 'set', value: { stat, zxid: 2n } });
		expect((await early).zxid).toBe(2n);
		one.end();
		(await servers[0]!.stream(1)).attach(2n);
		const two = await servers[0]!.stream(1, 1);
		two.reply(0, { $case: 'set', value: { stat, zxid: 3n } });
		expect((await late).zxid).toBe(3n);
		expect(states()).toEqual(['suspended', 'connected']);
	});
});

describe('while no server is connected', () => {
	it('so many bytes wait and no more', async () => {
		const ck = await open({ retry: { firstPauseMs: 10, mostWaitingBytes: 100 } });
		servers[0]!.streams[0]!.fail(status.UNAVAILABLE);
		await expect.poll(() => ck.state).toBe('suspended');
		const writes = [60, 60, 40].map((length) => failure(ck.set('/a', new Uint8Array(length))));
		expect(await writes[1]).toBeInstanceOf(ConnectionLossError);
		(await servers[0]!.stream(1)).attach();
		const two = await servers[0]!.stream(1, 2);
		two.reply(0, { $case: 'set', value: { stat, zxid: 2n } });
		two.reply(1, { $case: 'set', value: { stat, zxid: 3n } });
		expect(await Promise.all(writes)).toMatchObject(['done', { name: 'ConnectionLossError' }, 'done']);
	});

	it('so many operations wait and no more, and those that are given up are never sent', async () => {
		const ck = await open({ retry: { firstPauseMs: 10, mostWaitingOperations: 2 } });
		servers[0]!.streams[0]!.fail(status.UNAVAILABLE);
		await expect.poll(() => ck.state).toBe('suspended');
		const controller = new AbortController();
		const given = failure(ck.set('/up', 'x', { signal: controller.signal }));
		const kept = ck.get('/kept');
		const beyond = await failure(ck.get('/beyond'));
		expect(beyond).toBeInstanceOf(ConnectionLossError);
		controller.abort('enough');
		expect(await given).toMatchObject({ name: 'AbortError', wasSent: false });
		expect(await given).toBeInstanceOf(OperationAbortedError);
		const third = ck.get('/third');
		(await servers[0]!.stream(1)).attach();
		const two = await servers[0]!.stream(1, 2);
		two.reply(0, got(5n));
		two.reply(1, got(5n));
		await Promise.all([kept, third]);
		expect(two.operations.map(({ op }) => op)).toMatchObject([
			{ $case: 'get', value: { path: '/kept' } },
			{ $case: 'get', value: { path: '/third' } },
		]);
	});
});

describe('a session that is lost', () => {
	it('60: because the server says so, is replaced by one that does not go back in time', async () => {
		const ck = await open();
		const first = ck.session;
		const read = ck.get('/a');
		(await servers[0]!.stream(0, 1)).reply(0, got(77n));
		await read;
		servers[0]!.streams[0]!.fail(status.UNAVAILABLE);
		const attaching = await servers[0]!.stream(1);
		const waiting = failure(ck.get('/b'));
		attaching.fail(status.FAILED_PRECONDITION, { code: -112, name: 'SessionExpired' });
		expect(await waiting).toBeInstanceOf(SessionExpiredError);
		expect(first.signal.aborted).toBe(true);
		expect(ck.session).toBe(first);
		const later = ck.get('/c');
		(await servers[0]!.stream(2)).open(50n, 60_000, 4n);
		const two = await servers[0]!.stream(2, 2);
		expect(two.begin?.$case).toBe('open');
		expect(two.kinds).toEqual(['sync', 'get']);
		two.reply(0, { $case: 'sync', value: { path: '/', zxid: 78n } });
		two.reply(1, got(78n));
		await later;
		expect(ck.session.id).toBe(4n);
		expect(ck.session.signal.aborted).toBe(false);
		expect(states()).toEqual(['suspended', 'lost', 'connected']);
	});

	it('because its server is silent, is given up after its timeout, and the server is told where it can be', async () => {
		const ck = await open({}, 1000);
		const { signal } = ck.session;
		const written = failure(ck.set('/a', 'x'));
		await new Promise((resolve) => signal.addEventListener('abort', resolve));
		expect(ck.state).toBe('lost');
		expect(await written).toBeInstanceOf(SessionExpiredError);
		(await servers[0]!.stream(servers[0]!.streams.length - 1)).fail(status.UNAVAILABLE);
	});

	it('because this process was stopped for too long, is given up before anything that came meanwhile is looked at', async () => {
		const ck = await open();
		const one = await servers[0]!.stream(0);
		const { signal } = ck.session;
		const read = failure(
			ck.get('/a').then(() => {
				throw new Error(`answered while the signal was ${signal.aborted ? '' : 'not '}aborted`);
			}),
		);
		await servers[0]!.stream(0, 1);
		// What has come is looked at before timers are, as after a stop.
		const nowMs = performance.now();
		const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs + 61_000);
		one.reply(0, got(2n));
		const failed = await read;
		clock.mockRestore();
		expect(failed).toBeInstanceOf(SessionExpiredError);
		expect(signal.aborted).toBe(true);
		await expect.poll(() => one.kinds.at(-1)).toBe('closeSession');
	});
});

describe('a watch', () => {
	const created = WatchEventType.WATCH_EVENT_TYPE_NODE_CREATED;

	async function watching(): Promise<{ ck: Chronokeeper; events: AsyncIterator<NodeEvent, undefined> }> {
		const ck = await open();
		const events = ck.watch('/w', { recursive: true });
		(await servers[0]!.stream(0, 1)).reply(0, { $case: 'addWatch', value: { zxid: 5n } });
		await events.ready;
		return { ck, events };
	}

	/** @param early what comes in front of the answer that the watch is set */
	async function reattach(zxid: bigint, ...early: NonNullable<OperateResponse_Item['item']>[]): Promise<void> {
		servers[0]!.streams[0]!.fail(status.UNAVAILABLE);
		(await servers[0]!.stream(1)).attach(zxid);
		const two = await servers[0]!.stream(1, 1);
		expect(two.operations[0]!.op).toMatchObject({ $case: 'setWatches', value: { persistentRecursive: ['/w'] } });
		two.say(...early, replyItem(two.operations[0]!.id, { $case: 'setWatches', value: { zxid } }));
	}

	it('54: is told what the history knows of the time without a stream, behind what it was told of a transaction in part', async () => {
		const { events } = await watching();
		servers[0]!.tail = {
			transactions: [
				{
					transaction: {
						zxid: 9n,
						type: 'multi',
						changes: [
							{ type: 'create', path: '/w/a' },
							{ type: 'create', path: '/w/b' },
							{ type: 'create', path: '/other' },
						],
					},
				},
				{
					transaction: {
						zxid: 10n,
						type: 'multi',
						changes: [
							{ type: 'setData', path: '/w/a' },
							{ type: 'setACL', path: '/w/a' },
							{ type: 'deleteContainer', path: '/w/b' },
						],
					},
				},
				{ transaction: { zxid: 12n, type: 'create', changes: [{ type: 'create', path: '/w/c' }] } },
			],
			zxid: 12n,
		};
		servers[0]!.streams[0]!.say(happened(created, '/w/a', 9n));
		expect(await take(events, 1)).toEqual(['created /w/a 9']);
		await reattach(11n, happened(WatchEventType.WATCH_EVENT_TYPE_NODE_DELETED, '/w/b', 10n));
		servers[0]!.streams[1]!.say(happened(created, '/w/c', 12n));
		expect(await take(events, 4)).toEqual([
			'created /w/b 9',
			'dataChanged /w/a 10',
			'deleted /w/b 10',
			'created /w/c 12',
		]);
		servers[0]!.streams[1]!.say(happened(created, '/w/d', 13n));
		expect(await take(events, 1)).toEqual(['created /w/d 13']);
		expect(servers[0]!.tails).toMatchObject([{ fromZxid: 8n, paths: [{ path: '/w', recursive: true }] }]);
	});

	it('says that something was missed where nobody knows it, and goes on', async () => {
		const { events } = await watching();
		await reattach(11n);
		servers[0]!.streams[1]!.say(happened(created, '/w/c', 12n));
		expect(await take(events, 2)).toEqual(['missed /w undefined', 'created /w/c 12']);
	});

	it('48: outlives a session that is over before its stream is, whether it was set in it or is being set', async () => {
		const { ck, events } = await watching();
		const expired = ErrorDetail.fromPartial({ code: -112, name: 'SessionExpired' });
		servers[0]!.streams[0]!.fail(status.UNAVAILABLE);
		(await servers[0]!.stream(1)).attach(5n);
		const attached = await servers[0]!.stream(1, 1);
		attached.reply(0, { $case: 'error', value: expired });
		const late = ck.watch('/late');
		(await servers[0]!.stream(1, 2)).reply(1, { $case: 'error', value: expired });
		await servers[0]!.stream(1, 3);
		attached.fail(status.FAILED_PRECONDITION, expired);
		(await servers[0]!.stream(2)).open(5n, 6000, 4n);
		const next = await servers[0]!.stream(2, 2);
		expect(next.kinds).toEqual(['setWatches', 'addWatch']);
		next.reply(0, { $case: 'setWatches', value: { zxid: 5n } });
		next.reply(1, { $case: 'addWatch', value: { zxid: 5n } });
		await late.ready;
		next.say(happened(created, '/w/c', 12n), happened(created, '/late', 13n));
		expect(await take(events, 1)).toEqual(['created /w/c 12']);
		expect(await take(late, 1)).toEqual(['created /late 13']);
	});

	it('asks nobody when nothing has happened', async () => {
		const { events } = await watching();
		await reattach(5n);
		servers[0]!.streams[1]!.say(happened(created, '/w/c', 12n));
		expect(await take(events, 1)).toEqual(['created /w/c 12']);
		expect(servers[0]!.tails).toEqual([]);
	});

	it('46: of one who gives up takes no other one’s with it', async () => {
		const ck = await open();
		const controller = new AbortController();
		const first = failure(ck.untilDeleted('/a', { signal: controller.signal }));
		const one = await servers[0]!.stream(0, 1);
		one.reply(0, { $case: 'exists', value: { stat, zxid: 5n } });
		const read = ck.get('/b');
		(await servers[0]!.stream(0, 2)).reply(1, got(5n));
		await read;
		const told: NodeEvent[] = [];
		const second = ck.exists('/a', { watch: (event) => told.push(event) });
		controller.abort();
		expect(await first).toMatchObject({ name: 'AbortError' });
		await servers[0]!.stream(0, 3);
		one.reply(2, { $case: 'exists', value: { stat, zxid: 5n } });
		await second;
		one.say(happened(WatchEventType.WATCH_EVENT_TYPE_NODE_DELETED, '/a', 6n));
		await expect.poll(() => told).toMatchObject([{ type: 'deleted', path: '/a' }]);
		// The one who waited alone takes his along; one that has fired is gone.
		const last = new AbortController();
		const third = failure(ck.untilDeleted('/c', { signal: last.signal }));
		(await servers[0]!.stream(0, 4)).reply(3, { $case: 'exists', value: { stat, zxid: 6n } });
		const fourth = ck.untilDeleted('/d');
		(await servers[0]!.stream(0, 5)).reply(4, { $case: 'exists', value: { stat, zxid: 6n } });
		one.say(happened(WatchEventType.WATCH_EVENT_TYPE_NODE_DELETED, '/d', 7n));
		await Promise.race([fourth, servers[0]!.stream(0, 6)]);
		last.abort();
		expect(await third).toMatchObject({ name: 'AbortError' });
		await expect.poll(() => one.kinds).toContain('removeWatches');
		expect(one.operations.filter(({ op }) => op?.$case === 'removeWatches').map(({ op }) => op!.value)).toMatchObject([
			{ path: '/c' },
		]);
	});

	it('that the server refuses ends with its error', async () => {
		const ck = await open();
		const events = ck.watch('w');
		const ready = failure(events.ready);
		const detail = {
			code: -8,
			name: 'BadArguments',
			path: 'w',
			zxid: 0n,
			op: undefined,
			opCodes: [],
			advice: '',
			reason: '',
		};
		(await servers[0]!.stream(0, 1)).reply(0, { $case: 'error', value: detail });
		expect(await ready).toMatchObject({ codeName: 'BadArguments' });
		expect(await failure(events.next())).toMatchObject({ name: 'BadArgumentsError', path: 'w' });
		expect(await events.next()).toEqual({ value: undefined, done: true });
	});

	it('51: is one of the server’s however many loops there are, and goes with the last of them', async () => {
		const ck = await open();
		const loops = [ck.watch('/w'), ck.watch('/w'), ck.watch('/w', { signal: AbortSignal.abort() })];
		const one = await servers[0]!.stream(0, 1);
		one.say(replyItem(one.operations[0]!.id, { $case: 'addWatch', value: { zxid: 5n } }), happened(created, '/w', 6n));
		for (const events of loops.slice(0, 2)) expect(await take(events, 1)).toEqual(['created /w 6']);
		await loops[0]!.return();
		await loops[1]!.return();
		await servers[0]!.stream(0, 2);
		expect(one.kinds).toEqual(['addWatch', 'removeWatches']);
	});
});
