/** The client that connect() makes, against a whole replica. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
	BadVersionError,
	type Chronokeeper,
	type ConnectOptions,
	connect,
	type NodeEvent,
	NodeExistsError,
	NoNodeError,
	OperationAbortedError,
	OperationTimeoutError,
	SessionExpiredError,
} from '#client/index';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
let endpoints: string;
let ck: Chronokeeper;

beforeAll(async () => {
	endpoints = (await servers.start(servers.newDirectory())).addresses.grpc;
	ck = await open();
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

async function open(options: Partial<ConnectOptions> = {}): Promise<Chronokeeper> {
	return servers.keep(await connect({ endpoints, sessionTimeoutMs: 10_000, ...options }));
}

function text(data: Uint8Array | null | undefined): string | null | undefined {
	return data && Buffer.from(data).toString();
}

async function take<T>(events: AsyncIterableIterator<T, undefined>, count: number): Promise<T[]> {
	const taken: T[] = [];
	while (taken.length < count) {
		const { value, done } = await events.next();
		if (done) break;
		taken.push(value);
	}
	return taken;
}

function failure(promise: Promise<unknown>): Promise<unknown> {
	return promise.then(
		() => 'done',
		(error: unknown) => error,
	);
}

describe('operations', () => {
	it('take text and bytes, and give errors by their class', async () => {
		const { path, stat, zxid } = await ck.create('/ops', 'text');
		expect(path).toBe('/ops');
		expect(stat.czxid).toBe(zxid);
		expect(text((await ck.get('/ops')).data)).toBe('text');
		await ck.set('/ops', new Uint8Array([1]), { version: 0 });
		expect((await ck.get('/ops')).data).toEqual(Buffer.from([1]));
		const stale = await failure(ck.set('/ops', null, { version: 0 }));
		expect(stale).toBeInstanceOf(BadVersionError);
		expect(stale).toMatchObject({ code: -103, codeName: 'BadVersion', path: '/ops', name: 'BadVersionError' });
		expect(await failure(ck.create('/ops'))).toBeInstanceOf(NodeExistsError);
		expect(await failure(ck.get('/none'))).toBeInstanceOf(NoNodeError);
		expect(await ck.exists('/none')).toBeUndefined();
		expect(await ck.delete('/none', { ifExists: true })).toBe(0n);
		await ck.delete('/ops');
	});

	it('parents are created, and trees deleted', async () => {
		await ck.create('/a/b/c/d', 'x', { parents: true });
		await ck.ensurePath('/a/b/x/y', { mode: 'container' });
		expect((await ck.children('/a/b')).names).toEqual(['c', 'x']);
		await ck.deleteTree('/a');
		await ck.deleteTree('/a');
		expect(await ck.exists('/a')).toBeUndefined();
	});

	it('10: a transaction is done as a whole or not at all', async () => {
		const results = await ck.transaction().create('/t').create('/t/n-', 'x', { mode: 'persistentSequential' }).commit();
		expect(results.map(({ path }) => path)).toEqual(['/t', '/t/n-0000000000']);
		expect(new Set(results.map(({ zxid }) => zxid)).size).toBe(1);
		const failed = await failure(ck.transaction().set('/t', 'y').check('/t', 7).commit());
		expect(failed).toMatchObject({ codeName: 'BadVersion', op: 1 });
		expect((await ck.get('/t')).data).toBeNull();
	});

	it('63: an ephemeral node goes with its session', async () => {
		const other = await open();
		const { stat } = await other.create('/mine', null, { mode: 'ephemeral' });
		expect(stat.ephemeralOwner).toBe(other.session.id);
		await other.close();
		expect(await ck.exists('/mine')).toBeUndefined();
		expect(other.session.signal.reason).toBeInstanceOf(SessionExpiredError);
	});

	it('end when their caller has no patience, and say whether they were sent', async () => {
		const aborted = await failure(ck.create('/never', null, { signal: AbortSignal.abort('enough') }));
		expect(aborted).toBeInstanceOf(OperationAbortedError);
		expect(aborted).toMatchObject({ name: 'AbortError', wasSent: false, cause: 'enough' });
		expect(await ck.exists('/never')).toBeUndefined();
		const controller = new AbortController();
		const sent = failure(ck.sync('/', { signal: controller.signal }));
		await Promise.resolve();
		await Promise.resolve();
		controller.abort();
		expect(await sent).toMatchObject({ wasSent: true });
		expect(await failure(ck.untilDeleted('/', { timeoutMs: 1 }))).toBeInstanceOf(OperationTimeoutError);
	});
});

describe('a chroot', () => {
	it('is left out everywhere', async () => {
		const app = await open({ chroot: '/deep/app' });
		await app.ensurePath('/');
		const events = app.watch('/', { recursive: true });
		expect((await app.create('/x')).path).toBe('/x');
		expect((await ck.children('/deep/app')).names).toEqual(['x']);
		expect(await failure(app.get('/none'))).toMatchObject({ path: '/none' });
		expect(await take(events, 1)).toMatchObject([{ type: 'created', path: '/x' }]);
		await app.close();
	});
});

describe('watches', () => {
	it('46: a callback is called once', async () => {
		const events: NodeEvent[] = [];
		expect(await ck.exists('/once', { watch: (event) => events.push(event) })).toBeUndefined();
		await ck.create('/once');
		await ck.set('/once', 'x');
		expect(events).toMatchObject([{ type: 'created', path: '/once' }]);
	});

	it('51: loops over the same share one watch of the server, and each hears everything', async () => {
		const loops = [ck.watch('/shared'), ck.watch('/shared')];
		await ck.create('/shared', 'one');
		await ck.set('/shared', 'two');
		for (const events of loops) {
			expect((await take(events, 2)).map(({ type }) => type)).toEqual(['created', 'dataChanged']);
			await events.return();
		}
		await ck.set('/shared', 'three');
		expect(await loops[0]!.next()).toEqual({ value: undefined, done: true });
	});

	it('untilDeleted() resolves when the node is gone', async () => {
		await ck.untilDeleted('/not-there');
		await ck.create('/held', null);
		let isGone = false;
		const gone = ck.untilDeleted('/held').then(() => (isGone = true));
		await ck.set('/held', 'x');
		await ck.sync();
		expect(isGone).toBe(false);
		await ck.delete('/held');
		await gone;
	});
});

it('a client that is closed says so', async () => {
	const other = await open();
	const states: string[] = [];
	other.on(({ state }) => states.push(state));
	const loop = other.watch('/x');
	await other.close();
	expect(states).toEqual(['closed']);
	expect(await loop.next()).toEqual({ value: undefined, done: true });
	expect(await failure(other.get('/x'))).toBeInstanceOf(SessionExpiredError);
});

it('84: identities are the session’s, and one that is no good fails connect()', async () => {
	const ann = await open({ auth: [{ scheme: 'digest', credentials: 'ann:secret' }] });
	const [own] = (await ann.whoAmI()).filter(({ scheme }) => scheme === 'digest');
	await ann.create('/anns', 'x', { acl: [{ perms: 31, id: own }] });
	expect(await failure(ck.get('/anns'))).toMatchObject({ name: 'NoAuthError', path: '/anns' });
	expect(text((await ann.get('/anns')).data)).toBe('x');
	const nobody = connect({ endpoints, auth: [{ scheme: 'no such', credentials: 'x' }] });
	expect(await failure(nobody)).toMatchObject({ name: 'AuthFailedError' });
});

it('nobody there: connect() says why', async () => {
	const connecting = connect({ endpoints: '127.0.0.1:1', connectTimeoutMs: 3000 });
	expect(await failure(connecting)).toMatchObject({
		name: 'ConnectionLossError',
		message: expect.stringContaining('cannot reach 127.0.0.1:1'),
	});
	await expect.poll(() => ck.state).toBe('connected');
});
