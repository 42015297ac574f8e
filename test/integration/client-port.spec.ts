/** ZooKeeper's client port of a whole server, as the bytes on its socket show it: the rules that concern the door itself. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import type { ClientRequest } from '#jute/client/requests';
import { errors } from '#jute/errors';
import { addWatchMode, createFlags, eventType, opCode, specialXid } from '#jute/op-codes';
import type { SessionId } from '#jute/scalars';
import type { RunningServer } from '#server/start-server';
import { freePort } from '#test/support/processes';
import { TestServers } from '#test/support/test-servers';
import { WireClient } from '#test/support/wire-client';

const servers = new TestServers();
let server: RunningServer;
let port: number;
const open: WireClient[] = [];

beforeAll(async () => {
	port = await freePort();
	server = await servers.start(servers.newDirectory(), {
		clientPort: port,
		tickTime: 200,
		maxSessionTimeout: 60_000,
		maxClientCnxns: 0,
	});
});

afterEach(async () => {
	for (const client of open.splice(0)) await client.close();
});

afterAll(async () => {
	await servers.close();
	servers.remove();
});

async function client(handshake: Parameters<typeof WireClient.connect>[1] = {}): Promise<WireClient> {
	const one = await WireClient.connect(port, handshake);
	open.push(one);
	return one;
}

let paths = 0;
const newPath = (): string => `/node${++paths}`;
const create = (path: string, flags: number = createFlags.persistent): ClientRequest => ({
	kind: 'create',
	path,
	data: Uint8Array.of(1),
	acl: openAcl,
	flags,
});

describe('answers', () => {
	it("4: carry the write's own zxid, a read's the last one processed, auth's 0", async () => {
		const one = await client();
		const path = newPath();
		const written = await one.send(create(path));
		const failed = await one.send(create(path));
		const read = await one.send({ kind: 'exists', path, watch: false });
		const auth = await one.send({ kind: 'auth', type: 0, scheme: 'digest', auth: Buffer.from('u:p') });
		expect([failed.zxid - written.zxid, read.zxid - written.zxid, auth.zxid]).toEqual([1, 1, 0]);
		expect(failed.error).toBe(errors.nodeExists.code);
	});

	it('20: opcode 1 gives the path, opcode 15 path and Stat', async () => {
		const one = await client();
		const path = newPath();
		expect((await one.send(create(path))).response).toEqual({ kind: 'create', path });
		const second = newPath();
		const { response } = await one.send({ kind: 'create2', path: second, data: null, acl: openAcl, flags: 0 });
		expect(response).toMatchObject({ kind: 'create2', path: second, stat: { version: 0, dataLength: 0 } });
	});

	it('21: an unknown flag, and a TTL flag without a TTL, are BadArguments in a transaction of their own', async () => {
		const one = await client();
		const before = (await one.send(create(newPath()))).zxid;
		const unknown = await one.send(create(newPath(), 7));
		expect(unknown).toMatchObject({ error: errors.badArguments.code, zxid: before + 1 });
	});

	it('10: come in the order of the requests, whatever they are', async () => {
		const one = await client();
		const path = newPath();
		const requests: ClientRequest[] = [create(path)];
		for (let i = 0; i < 200; i++) {
			requests.push({ kind: 'setData', path, data: Uint8Array.of(i), version: -1 });
			requests.push({ kind: 'getData', path, watch: false });
		}
		const replies = await Promise.all(requests.map((request) => one.send(request)));
		expect(one.replies.map(({ xid }) => xid)).toEqual(replies.map(({ xid }) => xid));
		const read = replies.slice(1).flatMap(({ response }) => (response?.kind === 'getData' ? [response.data![0]] : []));
		expect(read).toEqual(Array.from({ length: 200 }, (_, i) => i));
	});

	it('68: to an unknown operation is Unimplemented, then the connection is closed', async () => {
		const one = await client();
		expect(await one.sendBody(999, new Uint8Array(0))).toMatchObject({ error: errors.unimplemented.code });
		await one.closed;
	});

	it('31: to a check outside of a multi is Unimplemented, then the connection is closed', async () => {
		const one = await client();
		const answer = await one.send({ kind: 'check', path: '/', version: -1 });
		expect(answer.error).toBe(errors.unimplemented.code);
		await one.closed;
	});

	it('68: a ping is answered with xid -2', async () => {
		const one = await client();
		expect(await one.ping()).toMatchObject({ xid: specialXid.ping, error: 0 });
	});
});

describe('a multi', () => {
	it('40, 45: with an operation it cannot have is MarshallingError, in a transaction of its own', async () => {
		const one = await client();
		const before = (await one.send(create(newPath()))).zxid;
		// setACL within a multi: a header of its opcode, then nothing that matters.
		const answer = await one.sendBody(opCode.multi, Uint8Array.of(0, 0, 0, 7, 0, 255, 255, 255, 255));
		expect(answer).toMatchObject({ error: errors.marshallingError.code, zxid: before + 1 });
	});

	it('42: that fails is answered without an error in the header, 0 before the failure and -2 behind it', async () => {
		const one = await client();
		const path = newPath();
		const answer = await one.send({
			kind: 'multi',
			ops: [
				{ kind: 'create', path, data: null, acl: openAcl, flags: 0 },
				{ kind: 'delete', path: '/missing', version: -1 },
				{ kind: 'check', path, version: 0 },
			],
		});
		expect(answer.error).toBe(0);
		expect(answer.response).toEqual({
			kind: 'multi',
			results: [0, errors.noNode.code, errors.runtimeInconsistency.code].map((code) => ({ kind: 'error', code })),
		});
		expect((await one.send({ kind: 'exists', path, watch: false })).error).toBe(errors.noNode.code);
	});
});

describe('watch events', () => {
	it('46, 47: come with xid -1 and zxid -1, ahead of the answer to the write that caused them', async () => {
		const one = await client();
		const path = newPath();
		await one.send(create(path));
		await one.send({ kind: 'getData', path, watch: true });
		await one.send({ kind: 'setData', path, data: null, version: -1 });
		const [event, reply] = one.log.slice(-2);
		expect(event).toMatchObject({ kind: 'event', type: eventType.nodeDataChanged, state: 3, path, zxid: -1 });
		expect(reply).toMatchObject({ kind: 'reply', type: opCode.setData });
	});

	it('49, 52: of a persistent recursive watch come for the whole subtree', async () => {
		const one = await client();
		const path = newPath();
		await one.send(create(path));
		await one.send({ kind: 'addWatch', path, mode: addWatchMode.persistentRecursive });
		await one.send(create(`${path}/a`));
		await one.send(create(`${path}/a/b`));
		expect(one.events.map(({ type, path }) => [type, path])).toEqual([
			[eventType.nodeCreated, `${path}/a`],
			[eventType.nodeCreated, `${path}/a/b`],
		]);
	});

	it('53, 54, 56: setWatches comes in pieces, each re-arms or tells what has changed', async () => {
		const one = await client();
		const [changed, kept] = [newPath(), newPath()];
		await one.send(create(changed));
		const { zxid } = await one.send(create(kept));
		await one.send({ kind: 'setData', path: changed, data: null, version: -1 });
		const piece = { exist: [], child: [], persistent: [], persistentRecursive: [] };
		await one.send({ kind: 'setWatches', relativeZxid: zxid, data: [changed], ...piece });
		await one.send({ kind: 'setWatches2', relativeZxid: zxid, data: [kept], ...piece });
		expect(one.events.map(({ path }) => path)).toEqual([changed]);
		await one.send({ kind: 'setData', path: kept, data: null, version: -1 });
		expect(one.events.map(({ path }) => path)).toEqual([changed, kept]);
	});
});

describe('authentication', () => {
	it('38: counts for the next request in the same bytes', async () => {
		const one = await client();
		const path = newPath();
		const acl = [{ perms: 31, scheme: 'auth', id: '' }];
		const [, created] = await Promise.all([
			one.send({ kind: 'auth', type: 0, scheme: 'digest', auth: Buffer.from('ben:secret') }),
			one.send({ kind: 'create', path, data: null, acl, flags: 0 }),
		]);
		expect(created.error).toBe(0);
		const other = await client();
		expect((await other.send({ kind: 'getData', path, watch: false })).error).toBe(errors.noAuth.code);
	});

	it('38: with an unknown scheme fails with AuthFailed and zxid 0, then the connection is closed', async () => {
		const one = await client();
		const answer = await one.send({ kind: 'auth', type: 0, scheme: 'kerberos', auth: null });
		expect(answer).toMatchObject({ xid: specialXid.auth, error: errors.authFailed.code, zxid: 0 });
		await one.closed;
	});

	it('38: by SASL is answered by an empty token, as by a server without SASL', async () => {
		const one = await client();
		const answer = await one.send({ kind: 'sasl', token: Uint8Array.of(1) });
		expect(answer).toMatchObject({ error: 0, zxid: 0, response: { kind: 'sasl', token: null } });
	});
});

describe('sessions', () => {
	it('58: get a timeout between the least and the greatest', async () => {
		expect((await client({ timeoutMs: 1 })).connected.timeoutMs).toBe(400);
		expect((await client({ timeoutMs: 1_000_000 })).connected.timeoutMs).toBe(60_000);
	});

	it('67: of a client that does not send the read-only flag have none in the answer', async () => {
		expect((await client({ readOnly: undefined })).connected.readOnly).toBeUndefined();
		expect((await client({ readOnly: true })).connected.readOnly).toBe(false);
	});

	it('60: with a wrong password are refused, and live on', async () => {
		const one = await client();
		const refused = await WireClient.open(port);
		open.push(refused);
		const password = new Uint8Array(16).fill(7);
		const answer = await refused.handshake({ sessionId: one.session.id, password });
		expect(answer).toMatchObject({ timeoutMs: 0, sessionId: 0n, password: new Uint8Array(16) });
		await refused.closed;
		expect((await one.ping()).error).toBe(0);
	});

	it('60: that nobody knows are refused', async () => {
		const one = await WireClient.open(port);
		open.push(one);
		expect((await one.handshake({ sessionId: 77n as SessionId })).timeoutMs).toBe(0);
		await one.closed;
	});

	it('61: of a client that has seen more are refused without an answer', async () => {
		const one = await WireClient.open(port);
		open.push(one);
		await expect(one.handshake({ lastZxidSeen: 2 ** 40 })).rejects.toThrow('closed the connection');
	});

	it('65: move to the connection that came last: the other one is closed', async () => {
		const one = await client();
		const path = newPath();
		await one.send(create(path, createFlags.ephemeral));
		const two = await WireClient.reattach(port, one.session);
		open.push(two);
		await one.closed;
		expect((await two.send({ kind: 'getEphemerals', path: '/' })).response).toMatchObject({ names: [path] });
	});

	it('62, 63: of a silent client expire, their ephemerals go and their connection is closed', async () => {
		const one = await client({ timeoutMs: 1500 });
		const watching = await client({ timeoutMs: 20_000 });
		const path = newPath();
		await one.send(create(path, createFlags.ephemeral));
		await watching.send({ kind: 'exists', path, watch: true });
		await one.closed;
		await watching.until(() => watching.events.some((event) => event.path === path));
		expect(watching.events.at(-1)).toMatchObject({ type: eventType.nodeDeleted, path });
	});

	it('2, 63: closed by their client are answered, then the connection is closed', async () => {
		const one = await client();
		const path = newPath();
		const { zxid } = await one.send(create(path, createFlags.ephemeral));
		expect(await one.send({ kind: 'closeSession' })).toMatchObject({ error: 0, zxid: zxid + 1 });
		await one.closed;
		const other = await client();
		expect((await other.send({ kind: 'exists', path, watch: false })).error).toBe(errors.noNode.code);
	});
});

describe('both doors', () => {
	it('46: a watch set here hears of a write made by gRPC, and a write made here shows there', async () => {
		const one = await client();
		const path = newPath();
		await one.send(create(path));
		await one.send({ kind: 'getData', path, watch: true });
		const grpc = servers.connect(server.addresses.grpc);
		await grpc.set(path, Buffer.of(9));
		await one.until(() => one.events.length === 1);
		expect(one.events[0]).toMatchObject({ type: eventType.nodeDataChanged, path });
		await one.send({ kind: 'setData', path, data: Uint8Array.of(10), version: 1 });
		expect((await grpc.get(path)).data).toEqual(Buffer.of(10));
	});
});
