import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ErrorDetail, Stat } from '#proto/chronokeeper/v1/common';
import type { OperateResponse_Item, Reply } from '#proto/chronokeeper/v1/session';
import { WatchEvent, WatchEventType } from '#proto/chronokeeper/v1/watch';
import { replyItem, ScriptedServer, type ScriptedStream, scriptedPassword } from '#test/support/scripted-server';
import { ChronokeeperClient } from './client.ts';
import type { Session, SessionEvent } from './session.ts';

const stat = Stat.fromPartial({ version: 4 });
let server: ScriptedServer;
let client: ChronokeeperClient;
let streams: readonly ScriptedStream[];
let events: SessionEvent[];

beforeEach(async () => {
	events = [];
	server = await ScriptedServer.start();
	streams = server.streams;
	client = new ChronokeeperClient({ address: server.address, timeoutMs: 30_000 });
});
afterEach(() => {
	client.close();
	server.close();
});

function nodeChanged(type: WatchEventType, path: string): NonNullable<OperateResponse_Item['item']> {
	return { $case: 'event', value: WatchEvent.fromPartial({ type, path, zxid: 9n }) };
}

const got = (zxid: bigint): NonNullable<Reply['result']> => ({
	$case: 'get',
	value: { data: new Uint8Array([7]), stat, zxid },
});

function stream(nth: number, operations = 0): Promise<ScriptedStream> {
	return server.stream(nth, operations);
}

async function open(): Promise<Session> {
	const opening = client.openSession({ timeoutMs: 60_000, onEvent: (event) => events.push(event) });
	(await stream(0)).open();
	return opening;
}

function failure(promise: Promise<unknown>): Promise<unknown> {
	return promise.then(
		() => 'done',
		(error: unknown) => error,
	);
}

describe('a session', () => {
	it('is opened with what was asked for, and knows what it was given', async () => {
		const session = await open();
		expect(streams[0]!.received[0]).toEqual({
			begin: { $case: 'open', value: { timeoutMs: 60_000, repeatable: true } },
			operations: [],
		});
		expect(session).toMatchObject({ id: 2n ** 64n - 1n, timeoutMs: 60_000, state: 'attached' });
		expect([...session.password]).toEqual([1, 2, 3]);
	});

	it('sends what is submitted in one turn in one message, and gives each its own answer', async () => {
		const session = await open();
		const answers = [session.get('/a'), session.exists('/b'), session.get('/c')];
		const one = await stream(0, 3);
		expect(one.received).toHaveLength(2);
		expect(one.kinds).toEqual(['get', 'exists', 'get']);
		one.reply(0, got(5n));
		one.reply(1, { $case: 'exists', value: { stat: undefined, zxid: 5n } });
		one.reply(2, { $case: 'error', value: ErrorDetail.fromPartial({ code: -101, name: 'NoNode', path: '/c' }) });
		expect(await answers[0]).toEqual({ data: Buffer.from([7]), stat, zxid: 5n });
		expect(await answers[1]).toBeUndefined();
		expect(await failure(answers[2]!)).toMatchObject({ codeName: 'NoNode', code: -101, path: '/c' });
	});

	it('46: hears of a change before the answer that shows it', async () => {
		const session = await open();
		const order: string[] = [];
		const answer = session.get('/a', { watch: true }).then(() => order.push(`answer after ${events.length}`));
		const one = await stream(0, 1);
		const id = one.operations[0]!.id;
		one.say(nodeChanged(WatchEventType.WATCH_EVENT_TYPE_NODE_DATA_CHANGED, '/a'), replyItem(id, got(9n)));
		await answer;
		expect(order).toEqual(['answer after 1']);
		const event = { type: 'NodeDataChanged', path: '/a', zxid: 9n, stat: undefined, data: undefined };
		expect(events).toEqual([{ kind: 'node', event }]);
	});

	it('is not opened where nobody is, or nobody wants it', async () => {
		const nobody = new ChronokeeperClient({ address: '127.0.0.1:1' });
		expect(await failure(nobody.openSession())).toMatchObject({ status: 'UNAVAILABLE' });
		nobody.close();
		const opening = client.openSession();
		(await stream(0)).fail(status.RESOURCE_EXHAUSTED);
		expect(await failure(opening)).toMatchObject({ status: 'RESOURCE_EXHAUSTED', message: 'by the test' });
	});

	it('is not waited for forever, neither when it begins nor when it ends', async () => {
		const hurried = new ChronokeeperClient({ address: client.address, timeoutMs: 100 });
		expect(await failure(hurried.openSession())).toMatchObject({
			status: 'DEADLINE_EXCEEDED',
			message: 'no answer to the stream of a session within 100 ms',
		});
		hurried.close();
		// The first one may have given up before its stream came to the server.
		const other = await ScriptedServer.start();
		const patient = new ChronokeeperClient({ address: other.address, timeoutMs: 2000 });
		const opening = patient.openSession();
		(await other.stream(0)).open();
		const session = await opening;
		await session.close();
		expect(session.state).toBe('closed');
		expect(other.streams[0]!.kinds).toEqual(['closeSession']);
		patient.close();
		other.close();
	});

	it('is closed by an operation, and does nothing afterwards', async () => {
		const session = await open();
		const closing = session.close();
		const one = await stream(0, 1);
		expect(one.kinds).toEqual(['closeSession']);
		one.reply(0, { $case: 'closeSession', value: { zxid: 4n } });
		one.end();
		await closing;
		expect(session.state).toBe('closed');
		expect(await failure(session.get('/a'))).toMatchObject({ codeName: 'SessionExpired' });
		expect(streams).toHaveLength(1);
	});
});

describe('a stream that is lost', () => {
	it('fails what was under way, and the session goes on where it was', async () => {
		const session = await open();
		const seen = session.get('/a');
		(await stream(0, 1)).reply(0, got(77n));
		await seen;
		const lost = failure(session.set('/a', null));
		await stream(0, 2);
		streams[0]!.fail(status.UNAVAILABLE);
		expect(await lost).toMatchObject({ codeName: 'ConnectionLoss', message: expect.stringContaining('unknown') });
		const later = session.get('/b');
		const two = await stream(1);
		expect(two.received[0]!.begin).toEqual({
			$case: 'attach',
			value: {
				sessionId: 2n ** 64n - 1n,
				password: Buffer.from(scriptedPassword),
				timeoutMs: 60_000,
				lastZxidSeen: 77n,
				repeatable: true,
			},
		});
		expect(two.kinds).toEqual([]);
		two.attach();
		await stream(1, 1);
		two.reply(0, got(78n));
		expect((await later).zxid).toBe(78n);
		expect(events.map(({ kind }) => kind)).toEqual(['detached', 'attached']);
	});

	it('38, 54: gets its identities and the watches that have not fired on the next one, in front of everything else', async () => {
		const session = await open();
		const one = await stream(0);
		const all = Promise.all([
			session.authenticate('digest', new TextEncoder().encode('ann:pw')),
			session.get('/data', { watch: true }),
			session.exists('/fired', { watch: true }),
			session.exists('/missing', { watch: true }),
			session.children('/children', { watch: true }),
			session.addWatch('/persistent', 'persistent'),
			session.addWatch('/removed', 'persistentRecursive'),
			session.addWatch('/recursive', 'persistentRecursive'),
			session.removeWatches('/removed'),
		]);
		await stream(0, 9);
		one.reply(0, { $case: 'authenticate', value: { identities: [] } });
		one.reply(1, got(5n));
		one.reply(2, { $case: 'exists', value: { stat, zxid: 5n } });
		one.reply(3, { $case: 'exists', value: { stat: undefined, zxid: 5n } });
		one.reply(4, { $case: 'listChildren', value: { children: [], stat, zxid: 5n, nextPageToken: '' } });
		for (const nth of [5, 6, 7]) one.reply(nth, { $case: 'addWatch', value: { zxid: 5n } });
		one.reply(8, { $case: 'removeWatches', value: { zxid: 5n } });
		one.say(nodeChanged(WatchEventType.WATCH_EVENT_TYPE_NODE_DELETED, '/fired'));
		await all;
		one.end();
		await expect.poll(() => session.state).toBe('detached');
		const later = session.sync();
		(await stream(1)).attach();
		const two = await stream(1, 3);
		expect(two.kinds).toEqual(['authenticate', 'setWatches', 'sync']);
		expect(two.operations[1]!.op!.value).toEqual({
			relativeZxid: 8n,
			data: ['/data'],
			exist: ['/missing'],
			child: ['/children'],
			persistent: ['/persistent'],
			persistentRecursive: ['/recursive'],
		});
		two.reply(0, { $case: 'authenticate', value: { identities: [] } });
		two.reply(1, { $case: 'setWatches', value: { zxid: 9n } });
		two.reply(2, { $case: 'sync', value: { path: '/', zxid: 9n } });
		expect(await later).toBe(9n);
	});

	it('is made up for again and again', async () => {
		const session = await open();
		for (const nth of [0, 1, 2]) (await stream(nth)).fail(status.UNAVAILABLE);
		(await stream(3)).attach();
		await expect.poll(() => session.state).toBe('attached');
		expect(events.map(({ kind }) => kind)).toEqual(['detached', 'attached']);
	});

	it('60: is the last one when the session has expired meanwhile', async () => {
		const session = await open();
		streams[0]!.end();
		await expect.poll(() => session.state).toBe('detached');
		const waiting = failure(session.get('/a'));
		(await stream(1)).fail(status.FAILED_PRECONDITION, { code: -112, name: 'SessionExpired' });
		expect(await waiting).toMatchObject({ codeName: 'SessionExpired' });
		expect(session.state).toBe('expired');
		expect(events.at(-1)).toMatchObject({ kind: 'expired' });
		await session.close();
		expect(streams).toHaveLength(2);
	});
});

it('a server that goes away still answers what is under way; the rest goes to the next stream', async () => {
	const session = await open();
	const early = session.get('/a');
	const one = await stream(0, 1);
	one.say({ $case: 'goingAway', value: { reason: 'the server is shut down' } });
	await expect.poll(() => session.state).toBe('detached');
	expect(events).toEqual([{ kind: 'detached', reason: 'the server is shut down' }]);
	const late = session.get('/b');
	one.reply(0, got(5n));
	expect((await early).zxid).toBe(5n);
	one.end();
	(await stream(1)).attach();
	const two = await stream(1, 1);
	two.reply(0, got(6n));
	expect((await late).zxid).toBe(6n);
	expect(one.kinds).toEqual(['get']);
});

it('a server that says it goes away and stays is left', async () => {
	const hurried = new ChronokeeperClient({ address: client.address, timeoutMs: 2000 });
	const opening = hurried.openSession({ onEvent: (event) => events.push(event) });
	(await stream(0)).open();
	await opening;
	streams[0]!.say({ $case: 'goingAway', value: { reason: 'the server is shut down' } });
	(await stream(1)).attach();
	await expect.poll(() => events.map(({ kind }) => kind)).toEqual(['detached', 'attached']);
	hurried.close();
});

it('an answer to another operation than the next ends the stream', async () => {
	const session = await open();
	const asked = failure(session.get('/a'));
	const one = await stream(0, 1);
	one.say(replyItem(4711, got(5n)));
	expect(await asked).toMatchObject({ codeName: 'ConnectionLoss', message: expect.stringContaining('4711') });
	(await stream(1)).attach();
	await expect.poll(() => session.state).toBe('attached');
});

it('a client that is closed leaves its sessions to their timeout', async () => {
	const session = await open();
	const asked = failure(session.get('/a'));
	await stream(0, 1);
	client.close();
	expect(await asked).toMatchObject({ codeName: 'ConnectionLoss' });
	expect(session.state).toBe('closed');
	expect(streams[0]!.kinds).toEqual(['get']);
});
