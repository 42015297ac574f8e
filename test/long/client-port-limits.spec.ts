/**
 * The limits of the client port over real sockets: what exceeds one is refused as ZooKeeper does it, and nobody else notices. Two that take long run with
 * LONG_SPECS=1 only.
 */
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { writeConnectRequest } from '#jute/client/connect';
import type { ClientRequest } from '#jute/client/requests';
import { opCode } from '#jute/op-codes';
import type { SessionId } from '#jute/scalars';
import type { Values } from '#server/config/keys';
import type { RunningServer } from '#server/start-server';
import { LiveBufferPeak } from '#test/support/live-bytes';
import { freePort } from '#test/support/processes';
import { TestServers } from '#test/support/test-servers';
import { frame, requestBody, requestFrame, WireClient } from '#test/support/wire-client';
import { fourLetterWord } from '#test/support/wire-tree';

const mebibyte = 1 << 20;
const servers = new TestServers();
const clients: WireClient[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
	for (const client of clients.splice(0)) await client.close();
	for (const socket of sockets.splice(0)) socket.destroy();
	await servers.close();
});
afterAll(() => servers.remove());

interface Started {
	readonly server: RunningServer;
	readonly port: number;
	word(word: string): Promise<string>;
	connect(): Promise<WireClient>;
}

async function start(overrides: Partial<Values> = {}): Promise<Started> {
	const port = await freePort();
	const allowed = { '4lw.commands.whitelist': ['*'], maxClientCnxns: 0, clientPortAddress: '127.0.0.1' };
	const server = await servers.start(servers.newDirectory(), { clientPort: port, ...allowed, ...overrides });
	return {
		server,
		port,
		word: (word) => fourLetterWord(port, word),
		connect: async () => keep(await WireClient.connect(port)),
	};
}

function keep(client: WireClient): WireClient {
	clients.push(client);
	return client;
}

async function figure({ word }: Started, name: string): Promise<number> {
	const line = (await word('mntr')).split('\n').find((one) => one.startsWith(`${name}\t`));
	return Number(line?.split('\t')[1]);
}

const handshakeFrame = frame((writer) =>
	writeConnectRequest(writer, {
		protocolVersion: 0,
		lastZxidSeen: 0,
		timeoutMs: 30_000,
		sessionId: 0n as SessionId,
		password: new Uint8Array(16),
		readOnly: false,
	}),
);
const ignore = (): void => {};
const create = (path: string, data: Uint8Array | null = null): ClientRequest => ({
	kind: 'create',
	path,
	data,
	acl: openAcl,
	flags: 0,
});
const getData = (path: string, watch = false): ClientRequest => ({ kind: 'getData', path, watch });
const setData = (path: string, data: Uint8Array | null): ClientRequest => ({
	kind: 'setData',
	path,
	data,
	version: -1,
});

async function succeed(client: WireClient, request: ClientRequest): Promise<void> {
	expect(await client.send(request)).toMatchObject({ error: 0 });
}

/** Until a connection is accepted: the server learns of an end a moment after the client. */
async function connectAgain(port: number): Promise<WireClient> {
	for (;;) {
		try {
			return keep(await WireClient.connect(port));
		} catch {
			await new Promise((resolve) => setImmediate(resolve));
		}
	}
}

describe('connections', () => {
	it('are as many from one address as maxClientCnxns', async () => {
		const started = await start({ maxClientCnxns: 3 });
		const [first] = [await started.connect(), await started.connect(), await started.connect()];
		await expect(WireClient.connect(started.port)).rejects.toThrow(/closed|ECONNRESET/);
		await succeed(first, { kind: 'whoAmI' });
		await first.close();
		await succeed(await connectAgain(started.port), { kind: 'whoAmI' });
	});

	it('are as many as maxCnxns', async () => {
		const started = await start({ maxCnxns: 2 });
		const [first, second] = [await started.connect(), await started.connect()];
		await expect(WireClient.connect(started.port)).rejects.toThrow(/closed|ECONNRESET/);
		await succeed(second, { kind: 'whoAmI' });
		await first.close();
		await succeed(await connectAgain(started.port), { kind: 'whoAmI' });
	});

	it('open sessions no faster than their tokens come', async () => {
		const started = await start({ connectionMaxTokens: 2, connectionTokenFillTime: 3_600_000 });
		const [first, second] = [await started.connect(), await started.connect()];
		await expect(WireClient.connect(started.port)).rejects.toThrow('closed');
		// A session that exists needs a token to be taken up again, too.
		await expect(WireClient.reattach(started.port, first.session)).rejects.toThrow('closed');
		await succeed(first, { kind: 'whoAmI' });
		await succeed(second, { kind: 'whoAmI' });
		expect(await figure(started, 'zk_connection_rejected')).toBe(2);
	});

	it('take as many tokens as their sessions weigh', async () => {
		const weighed = { connection_throttle_weight_enabled: true, connectionTokenFillTime: 3_600_000 };
		// Two global sessions are six tokens: one new session, one taken up again, and one left over.
		const started = await start({ ...weighed, connectionMaxTokens: 2 });
		const first = await started.connect();
		await first.close();
		const again = keep(await WireClient.reattach(started.port, first.session));
		await expect(WireClient.connect(started.port)).rejects.toThrow('closed');
		await expect(WireClient.reattach(started.port, first.session)).rejects.toThrow('closed');
		await succeed(again, { kind: 'whoAmI' });
	});

	it('are closed when they open no session in time, those with half a handshake too', async () => {
		const started = await start({ 'nio.sessionlessCnxnTimeout': 2000 });
		const open = await started.connect();
		const silent = keep(await WireClient.open(started.port));
		const half = keep(await WireClient.open(started.port));
		half.writeRaw(Uint8Array.of(0, 0, 0, 44, 0, 0));
		const byteByByte = keep(await WireClient.open(started.port));
		byteByByte.writeRaw(Uint8Array.of(0));
		await Promise.all([silent.closed, half.closed, byteByByte.closed]);
		await succeed(open, { kind: 'whoAmI' });
		expect(await figure(started, 'zk_num_alive_connections')).toBeLessThanOrEqual(2);
	});
});

describe('jute.maxbuffer', () => {
	const most = 5000;

	/** A setData whose frame has so many bytes behind its length. */
	function setDataOf(bytes: number): ClientRequest {
		const empty = requestFrame(opCode.setData, requestBody(setData('/n', new Uint8Array(0))), 1).length - 4;
		return setData('/n', new Uint8Array(bytes - empty));
	}

	it('is the largest request: one byte more closes the connection', async () => {
		const started = await start({ 'jute.maxbuffer': most });
		const client = await started.connect();
		const other = await started.connect();
		await succeed(client, create('/n'));
		await succeed(client, setDataOf(most - 1));
		await succeed(client, setDataOf(most));
		await expect(client.send(setDataOf(most + 1))).rejects.toThrow('closed');
		const { response } = await other.send(getData('/n'));
		expect(response).toMatchObject({ kind: 'getData', stat: { version: 2, dataLength: most - 22 } });
	});

	it('is no limit on answers', async () => {
		const started = await start({ 'jute.maxbuffer': most });
		const client = await started.connect();
		await succeed(client, create('/n', new Uint8Array(most - 200)));
		const reads = Array.from({ length: 100 }, () => ({ kind: 'getData', path: '/n', watch: false }) as const);
		const reply = await client.send({ kind: 'multiRead', ops: reads });
		expect(reply.body.length).toBeGreaterThan(90 * most);
	});

	it.each([-1, -(2 ** 31), 2 ** 31 - 1])('closes the connection of a client that claims %i bytes', async (length) => {
		const started = await start();
		const before = keep(await WireClient.open(started.port));
		const behind = await started.connect();
		const lie = new Uint8Array(new Int32Array([length]).buffer).reverse();
		before.writeRaw(lie);
		behind.writeRaw(lie);
		await Promise.all([before.closed, behind.closed]);
		await succeed(await started.connect(), { kind: 'whoAmI' });
	});
});

describe('large requests', () => {
	it('may hold so many bytes together, and their connections are closed beyond', async () => {
		const started = await start({ largeRequestThreshold: 1000, largeRequestMaxBytes: 30_000 });
		const [client, other, greedy] = [await started.connect(), await started.connect(), await started.connect()];
		await succeed(client, create('/n'));
		const large = { type: opCode.setData, body: requestBody(setData('/n', new Uint8Array(9000))) };
		// Three fit, and again three when those are answered.
		for (let round = 0; round < 3; round++) {
			const replies = await Promise.all(client.sendTogether([large, large, large]));
			expect(replies.map(({ error }) => error)).toEqual([0, 0, 0]);
		}
		void Promise.allSettled(greedy.sendTogether([large, large, large, large]));
		await greedy.closed;
		const small = await other.send(setData('/n', new Uint8Array(900)));
		expect(small.error).toBe(0);
		// What the closed connection had handed over is answered by then, and counted off.
		const replies = await Promise.all(other.sendTogether([large, large, large]));
		expect(replies.map(({ error }) => error)).toEqual([0, 0, 0]);
	});
});

describe('requests under way', () => {
	/** Pipelines reads and writes in turn; resolves with all answers. */
	async function flood(client: WireClient, path: string, count: number): Promise<void> {
		const read = requestBody(getData(path));
		const write = requestBody(setData(path, new Uint8Array(20)));
		const answers = client.sendTogether(
			Array.from({ length: count }, (_, i) =>
				i % 10 === 0 ? { type: opCode.setData, body: write } : { type: opCode.getData, body: read },
			),
		);
		for (const [index, reply] of (await Promise.all(answers)).entries()) {
			if (reply.error !== 0) throw new Error(`answer ${index} of ${count} is ${reply.error}`);
		}
		const { replies } = client;
		for (let i = 1; i < replies.length; i++) {
			if (replies[i]!.xid <= replies[i - 1]!.xid) throw new Error('answers are not in the order of their requests');
			if (replies[i]!.zxid < replies[i - 1]!.zxid) throw new Error('a later answer shows an earlier state');
		}
	}

	it('10: 100,000 pipelined by one client are all answered, in their order, and others do not starve', async () => {
		const started = await start({ globalOutstandingLimit: 100 });
		const { host } = started.server.replica;
		const greedy = await started.connect();
		await succeed(greedy, create('/n'));
		let isOver = false;
		const all = flood(greedy, '/n', 100_000).finally(() => {
			isOver = true;
		});
		const others = await Promise.all(Array.from({ length: 5 }, () => started.connect()));
		let turns = 0;
		let mostOutstanding = 0;
		while (!isOver) {
			const before = performance.now();
			await Promise.all(others.map((client) => succeed(client, setData('/n', new Uint8Array(1)))));
			expect(performance.now() - before).toBeLessThan(10_000);
			mostOutstanding = Math.max(mostOutstanding, host.outstanding);
			turns += 1;
		}
		await all;
		expect(turns).toBeGreaterThan(5);
		expect(mostOutstanding).toBeLessThan(5000);
		expect(host.stats.throttled).toBe(0);
		expect(host.outstanding).toBe(0);
	});

	it('are no more than request_throttle_max_requests, whoever asks, and all are answered', async () => {
		const started = await start({ request_throttle_max_requests: 4 });
		const { host } = started.server.replica;
		const setUp = await started.connect();
		await succeed(setUp, create('/n'));
		let mostOutstanding = 0;
		const submit = host.submit.bind(host);
		host.submit = (request) => {
			submit(request);
			mostOutstanding = Math.max(mostOutstanding, host.outstanding);
		};
		const all = await Promise.all(Array.from({ length: 10 }, () => started.connect()));
		await Promise.all(all.map((client) => flood(client, '/n', 300)));
		expect(mostOutstanding).toBe(4);
	});

	it('10: are answered ThrottledOp in their turn when they waited too long', async () => {
		const started = await start({ request_throttle_max_requests: 1, throttled_op_wait_time: 1 });
		const client = await started.connect();
		await succeed(client, create('/n'));
		const write = { type: opCode.setData, body: requestBody(setData('/n', null)) };
		const replies = await Promise.all(client.sendTogether(Array.from({ length: 300 }, () => write)));
		const errors = replies.map(({ error }) => error);
		expect(new Set(errors)).toEqual(new Set([0, -127]));
		expect(errors[0]).toBe(0);
		expect(client.replies.map(({ xid }) => xid)).toEqual(client.replies.map(({ xid }) => xid).sort((a, b) => a - b));
		const { response } = await client.send(getData('/n'));
		expect(response).toMatchObject({ stat: { version: errors.filter((error) => error === 0).length } });
	});
});

describe('a client that does not read', () => {
	it('is not read any more, costs bounded memory, and has every answer when it reads on', async () => {
		const started = await start();
		const { server } = started;
		const client = await started.connect();
		const other = await started.connect();
		await succeed(client, create('/n', new Uint8Array(100_000)));
		client.pause();
		const memory = new LiveBufferPeak(256 * mebibyte);
		const read = { type: opCode.getData, body: requestBody(getData('/n')) };
		const answers = client.sendTogether(Array.from({ length: 1000 }, () => read));
		// 100 MB are asked for. The server stops reading; meanwhile it has time for others.
		for (let i = 0; i < 100; i++) {
			await succeed(other, setData('/n', new Uint8Array(100_000)));
			memory.sample();
		}
		expect(memory.highest).toBeLessThan(256 * mebibyte);
		expect(server.replica.host.outstanding).toBe(0);
		client.resume();
		const all = await Promise.all(answers);
		expect(all.every(({ error }) => error === 0)).toBe(true);
	});
});

describe('a client that reads slowly', () => {
	// It takes longer than a session may be silent: LONG_SPECS=1 runs it.
	it.runIf(process.env.LONG_SPECS === '1')('keeps its session, although its pings wait', async () => {
		const started = await start({ tickTime: 1000 });
		const setUp = await started.connect();
		await succeed(setUp, create('/n', new Uint8Array(1_000_000)));
		const client = keep(await WireClient.connect(started.port, { timeoutMs: 4000 }));
		const read = { type: opCode.getData, body: requestBody(getData('/n')) };
		const answers = client.sendTogether(Array.from({ length: 60 }, () => read));
		const pings = setInterval(() => void client.ping(), 500);
		// An answer at a time.
		const reading = setInterval(() => {
			const { length } = client.log;
			client.resume();
			client.until(() => client.log.length > length).then(() => client.pause(), ignore);
		}, 120);
		try {
			const startMs = performance.now();
			for (const { error } of await Promise.all(answers)) expect(error).toBe(0);
			expect(performance.now() - startMs).toBeGreaterThan(5000);
		} finally {
			clearInterval(pings);
			clearInterval(reading);
			client.resume();
		}
		await succeed(client, { kind: 'whoAmI' });
	});
});

describe('a client that does not read its events', () => {
	it('is cut off, and those who caused them and others who hear of them go on', async () => {
		const started = await start({ 'client.maxUnsentBytes': 16 * mebibyte });
		const { host } = started.server.replica;
		const [deaf, listener, writer] = [await started.connect(), await started.connect(), await started.connect()];
		for (const one of [deaf, listener]) await succeed(one, { kind: 'addWatch', path: '/', mode: 1 });
		// An event of it has half a megabyte.
		const path = `/${'x'.repeat(500_000)}`;
		await succeed(writer, create(path));
		deaf.pause();
		let writes = 0;
		for (; host.watches.summary().connections > 1 && writes < 200; writes++) await succeed(writer, setData(path, null));
		expect(host.watches.summary().connections).toBe(1);
		// What the kernel and the client hold counts, too.
		expect(writes).toBeGreaterThan(30);
		deaf.resume();
		await deaf.closed;
		await succeed(listener, { kind: 'whoAmI' });
		expect(listener.events.length).toBe(1 + writes);
	});
});

describe('a client that asks for more than memory holds', () => {
	it('has all answers of hundreds of large reads in one pipeline when it reads them', async () => {
		const started = await start();
		const client = await started.connect();
		await succeed(client, create('/n', new Uint8Array(1_000_000)));
		const read = { type: opCode.getData, body: requestBody(getData('/n')) };
		let arrived = 0;
		const raw = connect(started.port, '127.0.0.1');
		sockets.push(raw);
		raw.on('data', (chunk) => {
			arrived += chunk.length;
		});
		const closed = new Promise((resolve) => raw.on('close', () => resolve('closed')));
		const memory = new LiveBufferPeak(350 * mebibyte);
		raw.write(handshakeFrame);
		const frames = Array.from({ length: 400 }, (_, i) => requestFrame(read.type, read.body, i + 1));
		raw.write(Buffer.concat([...frames, requestFrame(opCode.closeSession, new Uint8Array(0), 401)]));
		const other = await started.connect();
		let isOver = false;
		void closed.then(() => {
			isOver = true;
		});
		while (!isOver) {
			await succeed(other, { kind: 'whoAmI' });
			memory.sample();
		}
		expect(arrived).toBeGreaterThan(400 * 1_000_000);
		expect(memory.highest).toBeLessThan(350 * mebibyte);
	});

	it('is refused an answer that no replica could hold', async () => {
		const started = await start();
		const client = await started.connect();
		const other = await started.connect();
		await succeed(client, create('/n', new Uint8Array(1_000_000)));
		const memory = new LiveBufferPeak(300 * mebibyte);
		const ops = Array.from({ length: 20_000 }, () => ({ kind: 'getData', path: '/n', watch: false }) as const);
		expect(await client.send({ kind: 'multiRead', ops })).toMatchObject({ error: -5 });
		memory.sample();
		expect(memory.highest).toBeLessThan(300 * mebibyte);
		await succeed(other, { kind: 'whoAmI' });
	});
});

describe('a client that is to go', () => {
	// Half a minute is what it has: LONG_SPECS=1 runs it.
	it.runIf(process.env.LONG_SPECS === '1')('goes even when it reads nothing and goes on sending', async () => {
		const started = await start({ tickTime: 200 });
		const client = keep(await WireClient.connect(started.port, { timeoutMs: 400 }));
		await succeed(client, create('/n', new Uint8Array(1_000_000)));
		client.pause();
		// Its session expires with thirty megabytes on the way to it.
		for (let i = 0; i < 30; i++) void client.send(getData('/n'));
		const sending = setInterval(() => client.writeRaw(new Uint8Array(100)), 50);
		try {
			expect(await client.closed).toMatch(/ECONNRESET|EPIPE/);
		} finally {
			clearInterval(sending);
		}
	});

	it('goes alone when it meets a bug', async () => {
		const started = await start();
		const { host } = started.server.replica;
		const [unlucky, other] = [await started.connect(), await started.connect()];
		const submit = host.submit.bind(host);
		host.submit = (request) => {
			if (request.op.kind === 'whoAmI' && request.sessionId === unlucky.session.id) throw new TypeError('a bug');
			submit(request);
		};
		await expect(unlucky.send({ kind: 'whoAmI' })).rejects.toThrow(/closed|ECONNRESET/);
		await succeed(other, { kind: 'whoAmI' });
	});
});

it('reads a frame that comes a byte at a time, while others are served', async () => {
	const started = await start();
	const slow = keep(await WireClient.open(started.port));
	const other = await started.connect();
	await slow.handshake();
	const reply = slow.expectReply(7, opCode.whoAmI);
	for (const byte of requestFrame(opCode.whoAmI, new Uint8Array(0), 7)) {
		slow.writeRaw(Uint8Array.of(byte));
		await succeed(other, { kind: 'whoAmI' });
	}
	expect((await reply).error).toBe(0);
});
