/** Sessions over gRPC, by unary calls: they are the ones of the ZooKeeper port. */
import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { errors } from '#jute/errors';
import { CreateMode } from '#proto/chronokeeper/v1/znode';
import type { RunningServer } from '#server/start-server';
import { GrpcCaller, inside, zooKeeperCode } from '#test/support/grpc-session';
import { freePort } from '#test/support/processes';
import { TestServers } from '#test/support/test-servers';
import { WireClient } from '#test/support/wire-client';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

const ephemeral = CreateMode.CREATE_MODE_EPHEMERAL;
const refused = { code: status.FAILED_PRECONDITION };

async function start(
	overrides: Parameters<TestServers['start']>[1] = {},
): Promise<{ server: RunningServer; caller: GrpcCaller; zookeeperPort: number }> {
	const directory = servers.newDirectory();
	const zookeeperPort = await freePort();
	const keys = { tickTime: 200, maxSessionTimeout: 60_000, clientPort: zookeeperPort };
	const server = await servers.start(directory, { ...keys, ...overrides });
	return { server, zookeeperPort, caller: servers.keep(new GrpcCaller(server.addresses.grpc)) };
}

describe('a session over gRPC', () => {
	it('58: is opened with a timeout within the bounds, and its id and password are whole', async () => {
		// Ticks long enough for the shortest to be there when it is looked for.
		const { caller, server } = await start({ tickTime: 10_000, maxSessionTimeout: 600_000 });
		const { sessions } = caller;
		const short = await caller.call(sessions, 'openSession', { timeoutMs: 1 });
		const long = await caller.call(sessions, 'openSession', { timeoutMs: 4_000_000_000 });
		const unsaid = await caller.call(sessions, 'openSession');
		expect([short.timeoutMs, long.timeoutMs, unsaid.timeoutMs]).toEqual([20_000, 600_000, 30_000]);
		for (const { sessionId, password } of [short, long, unsaid]) {
			expect(sessionId).toBeGreaterThan(2n ** 56n);
			expect(password).toHaveLength(16);
			expect(server.replica.host.sessions.get(sessionId as never)).toBeDefined();
		}
		expect(new Set([short.sessionId, long.sessionId, unsaid.sessionId]).size).toBe(3);
	});

	it('14, 63: owns ephemeral nodes through unary calls, which go when it is closed', async () => {
		const { caller, server } = await start();
		const { sessions, znodes } = caller;
		const session = await caller.call(sessions, 'openSession', { timeoutMs: 4000 });
		const created = await caller.call(znodes, 'create', { path: '/mine', mode: ephemeral }, inside(session, {}, 10));
		expect(created.stat!.ephemeralOwner).toBe(session.sessionId);
		const mine = await caller.call(znodes, 'getEphemerals', {}, inside(session));
		expect(mine.paths).toEqual(['/mine']);
		expect((await caller.call(znodes, 'exists', { path: '/mine' })).stat?.ephemeralOwner).toBe(session.sessionId);
		const closed = await caller.call(sessions, 'closeSession', {}, inside(session));
		expect(closed.zxid).toBe(BigInt(server.replica.host.lastProcessedZxid));
		expect((await caller.call(znodes, 'exists', { path: '/mine' })).stat).toBeUndefined();
		const after = caller.call(sessions, 'keepAlive', {}, inside(session));
		await expect(after.catch((error) => [error.code, zooKeeperCode(error)])).resolves.toEqual([
			status.FAILED_PRECONDITION,
			errors.sessionExpired.code,
		]);
	});

	it('60: is not there for who does not know its password, nor is one that never was', async () => {
		const { caller } = await start();
		const { sessions, znodes } = caller;
		const { sessionId, password } = await caller.call(sessions, 'openSession');
		const wrong = { sessionId, password: password.map((byte) => byte ^ 1) };
		const unknown = { sessionId: sessionId + 77n, password };
		for (const proof of [wrong, unknown]) {
			const attempts = [
				() => caller.call(znodes, 'create', { path: '/x', mode: ephemeral }, inside(proof)),
				() => caller.call(znodes, 'get', { path: '/' }, inside(proof)),
				() => caller.call(sessions, 'keepAlive', {}, inside(proof)),
				() => caller.call(sessions, 'closeSession', {}, inside(proof)),
				() =>
					caller.call(sessions, 'authenticate', { scheme: 'digest', credentials: Buffer.from('a:b') }, inside(proof)),
				() => caller.call(sessions, 'attachSession', proof),
			];
			for (const attempt of attempts) {
				const error = await attempt().then(
					() => undefined,
					(reason: unknown) => reason,
				);
				expect(error).toMatchObject(refused);
				expect(zooKeeperCode(error)).toBe(errors.sessionExpired.code);
			}
		}
		await caller.call(sessions, 'keepAlive', {}, inside({ sessionId, password }));
	});

	it('is named whole or not at all', async () => {
		const { caller } = await start();
		const { sessions, znodes } = caller;
		const session = await caller.call(sessions, 'openSession');
		const bare = inside(session);
		bare.remove('ck-session-password-bin');
		await expect(caller.call(znodes, 'get', { path: '/' }, bare)).rejects.toMatchObject({
			code: status.UNAUTHENTICATED,
			details: expect.stringContaining('ck-session-password-bin'),
		});
		for (const id of ['0', 'abc', '-1', `${1n << 64n}`]) {
			const metadata = inside(session);
			metadata.set('ck-session-id', id);
			await expect(caller.call(znodes, 'get', { path: '/' }, metadata), id).rejects.toMatchObject({
				code: status.INVALID_ARGUMENT,
			});
		}
		await expect(caller.call(sessions, 'keepAlive')).rejects.toMatchObject({
			code: status.INVALID_ARGUMENT,
			details: expect.stringContaining('ck-session-id'),
		});
		await expect(caller.call(znodes, 'create', { path: '/e', mode: ephemeral })).rejects.toMatchObject({
			code: status.INVALID_ARGUMENT,
			details: expect.stringContaining('needs a session'),
		});
	});

	it('38: has the identity from Authenticate on, in every call that names it, and nobody else has', async () => {
		const { caller } = await start();
		const { sessions, znodes } = caller;
		const session = await caller.call(sessions, 'openSession');
		const digest = { scheme: 'digest', credentials: Buffer.from('user:secret') };
		const { identities } = await caller.call(sessions, 'authenticate', digest, inside(session));
		expect(identities.map(({ scheme }) => scheme)).toEqual(['ip', 'digest']);
		const acl = [{ perms: 31, id: { scheme: 'auth', id: '' } }];
		await caller.call(znodes, 'create', { path: '/secret', acl }, inside(session));
		await expect(caller.call(znodes, 'get', { path: '/secret' })).rejects.toMatchObject({
			code: status.PERMISSION_DENIED,
		});
		await caller.call(znodes, 'get', { path: '/secret' }, inside(session));
		expect((await caller.call(znodes, 'whoAmI', {}, inside(session))).identities).toEqual(identities);
		for (const scheme of ['nonsense', 'sasl']) {
			await expect(caller.call(sessions, 'authenticate', { ...digest, scheme }, inside(session))).rejects.toMatchObject(
				{ code: status.UNAUTHENTICATED },
			);
		}
	});

	it('62: is kept alive by unary calls, and expires without them', async () => {
		const { caller, server } = await start();
		const { sessions, znodes } = caller;
		const open = () => caller.call(sessions, 'openSession', { timeoutMs: 4000 });
		const [kept, silent] = [await open(), await open()];
		await caller.call(znodes, 'create', { path: '/kept', mode: ephemeral }, inside(kept));
		await caller.call(znodes, 'create', { path: '/silent', mode: ephemeral }, inside(silent));
		const begunMs = performance.now();
		await expect
			.poll(async () => {
				await caller.call(sessions, 'keepAlive', {}, inside(kept));
				return (await caller.call(znodes, 'exists', { path: '/silent' })).stat;
			})
			.toBeUndefined();
		expect(performance.now() - begunMs).toBeGreaterThan(silent.timeoutMs - 400);
		expect((await caller.call(znodes, 'exists', { path: '/kept' })).stat).toBeDefined();
		expect(server.replica.host.sessions.get(silent.sessionId as never)).toBeUndefined();
		await expect(caller.call(znodes, 'get', { path: '/' }, inside(silent))).rejects.toMatchObject(refused);
	});

	it('60, 65: goes from the ZooKeeper port to gRPC and back', async () => {
		const { caller, zookeeperPort } = await start();
		const { sessions, znodes } = caller;
		const first = await WireClient.connect(zookeeperPort, { timeoutMs: 20_000 });
		const session = { sessionId: first.session.id as bigint, password: first.session.password };
		// The call attaches the session: its connection at the other port is closed.
		await caller.call(znodes, 'create', { path: '/e', mode: ephemeral }, inside(session));
		expect(await first.closed).toBeDefined();
		const back = await WireClient.reattach(zookeeperPort, first.session);
		expect(back.connected.sessionId).toBe(session.sessionId);
		const attached = await caller.call(sessions, 'attachSession', { ...session, timeoutMs: 10_000 });
		expect(attached.timeoutMs).toBe(10_000);
		expect(await back.closed).toBeDefined();

		const ours = await caller.call(sessions, 'openSession', { timeoutMs: 20_000 });
		await caller.call(znodes, 'create', { path: '/f', mode: ephemeral }, inside(ours));
		const there = await WireClient.reattach(zookeeperPort, {
			id: ours.sessionId as never,
			password: ours.password,
			timeoutMs: 20_000,
		});
		expect(there.connected.sessionId).toBe(ours.sessionId);
		await there.close();
	});

	it('61: is not attached where less is known than its owner has seen', async () => {
		const { caller, server } = await start();
		const { sessions } = caller;
		const session = await caller.call(sessions, 'openSession');
		const known = BigInt(server.replica.host.lastProcessedZxid);
		await expect(
			caller.call(sessions, 'attachSession', { ...session, lastZxidSeen: known + 1n }),
		).rejects.toMatchObject({ code: status.UNAVAILABLE });
		const attached = await caller.call(sessions, 'attachSession', { ...session, lastZxidSeen: known });
		expect(attached.zxid).toBe(known);
	});
});
