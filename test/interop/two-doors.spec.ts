/** One tree, two doors: what a client of ZooKeeper's port (Kazoo) does and watches, and what a client of the gRPC door does, meet. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ChronokeeperClient, CreateMode } from '#client/client';
import { errors } from '#jute/errors';
import { KazooRemote } from '#test/support/kazoo-remote';
import { ServerUnderTest } from '#test/support/server-under-test';

interface ZnodeStat {
	readonly czxid: number;
	readonly mzxid: number;
	readonly pzxid: number;
	readonly version: number;
	readonly cversion: number;
	readonly ephemeralOwner: number;
	readonly numChildren: number;
}

const data = (text: string): Uint8Array => new TextEncoder().encode(text);

let server: ServerUnderTest;
let grpc: ChronokeeperClient;
let kazoo: KazooRemote;

beforeAll(async () => {
	server = await ServerUnderTest.start();
	grpc = new ChronokeeperClient({ address: server.grpc });
});
afterAll(async () => {
	grpc?.close();
	await server?.stop();
});
beforeEach(async () => {
	kazoo = await KazooRemote.connect(server.address);
});
afterEach(() => kazoo.close());

describe("writes through gRPC, seen on ZooKeeper's port", () => {
	it('49: each kind of write fires the watches it concerns', async () => {
		expect(await kazoo.watch('exists', '/grpc')).toBeNull();
		await kazoo.watch('get_children', '/');
		await grpc.create('/grpc', data('one'));
		await kazoo.hears('CREATED /grpc', 'CHILD /');

		expect(await kazoo.watch('get', '/grpc')).toMatchObject(['one', { version: 0 }]);
		const { zxid } = await grpc.set('/grpc', data('two'));
		await kazoo.hears('CHANGED /grpc');
		expect(await kazoo.call('get', ['/grpc'])).toMatchObject(['two', { version: 1, mzxid: Number(zxid) }]);

		await kazoo.watch('get', '/grpc');
		await kazoo.watch('get_children', '/grpc');
		await grpc.multi([
			{
				op: {
					$case: 'create',
					value: { path: '/grpc/child', data: data(''), mode: CreateMode.CREATE_MODE_PERSISTENT, acl: [], ttlMs: 0n },
				},
			},
			{ op: { $case: 'set', value: { path: '/grpc', data: data('three'), version: 1 } } },
		]);
		await kazoo.hears('CHILD /grpc', 'CHANGED /grpc');

		await kazoo.watch('exists', '/grpc/child');
		await grpc.delete('/grpc/child');
		await kazoo.hears('DELETED /grpc/child');
	});

	it('a write that was acknowledged through one door is there through the other', async () => {
		await grpc.create('/sequence', null);
		for (let round = 0; round < 20; round++) {
			const { path, stat } = await grpc.create('/sequence/n-', data(`${round}`), {
				mode: CreateMode.CREATE_MODE_PERSISTENT_SEQUENTIAL,
			});
			expect(await kazoo.call('get', [path])).toMatchObject([`${round}`, { czxid: Number(stat.czxid) }]);
			const next = (await kazoo.call('create', ['/sequence/n-', { data: 'z' }], { sequence: true })) as string;
			expect(Number(next.slice(-10))).toBe(2 * round + 1);
			expect((await grpc.exists(next))?.version).toBe(0);
		}
		const { names, stat } = await grpc.children('/sequence');
		const [seen, parent] = (await kazoo.call('get_children', ['/sequence'], { include_data: true })) as [
			string[],
			ZnodeStat,
		];
		expect(seen.sort()).toEqual(names);
		expect(parent).toMatchObject({ cversion: 40, numChildren: 40, pzxid: Number(stat.pzxid) });
	});
});

describe("writes on ZooKeeper's port, seen through gRPC", () => {
	it('data, Stat and children', async () => {
		await kazoo.call('create', ['/kazoo', { data: 'one' }]);
		await kazoo.call('set', ['/kazoo', { data: 'two' }]);
		const node = await grpc.get('/kazoo');
		expect(Buffer.from(node.data!).toString()).toBe('two');
		const [, stat] = (await kazoo.call('get', ['/kazoo'])) as [string, ZnodeStat];
		expect(node.stat).toMatchObject({ version: 1, czxid: BigInt(stat.czxid), mzxid: BigInt(stat.mzxid) });
		await kazoo.call('ensure_path', ['/kazoo/a/b']);
		expect((await grpc.children('/kazoo')).names).toEqual(['a']);
		expect(await grpc.allChildrenNumber('/kazoo')).toBe(2);
		await kazoo.call('delete', ['/kazoo'], { recursive: true });
		expect(await grpc.exists('/kazoo')).toBeUndefined();
		await expect(grpc.get('/kazoo')).rejects.toMatchObject({ code: errors.noNode.code });
	});

	it('63: sessions and their ephemerals', async () => {
		const before = await grpc.status();
		const owner = await KazooRemote.connect(server.address);
		try {
			await owner.call('create', ['/owned', { data: '' }], { ephemeral: true });
			expect((await grpc.exists('/owned'))?.ephemeralOwner).toBe(owner.sessionId);
			const during = await grpc.status();
			expect(during.sessions).toBe(before.sessions + 1);
			expect(during.ephemerals).toBe(before.ephemerals + 1n);
			await kazoo.watch('exists', '/owned');
			await grpc.set('/owned', data('set through gRPC'));
			await kazoo.hears('CHANGED /owned');
			await kazoo.watch('exists', '/owned');
		} finally {
			await owner.close();
		}
		await kazoo.hears('DELETED /owned');
		expect(await grpc.exists('/owned')).toBeUndefined();
		expect(await grpc.status()).toMatchObject({ sessions: before.sessions, ephemerals: before.ephemerals });
	});

	it('an ephemeral that is deleted through gRPC is gone for its session, which lives on', async () => {
		await kazoo.call('create', ['/fleeting', { data: '' }], { ephemeral: true });
		await kazoo.watch('exists', '/fleeting');
		await grpc.delete('/fleeting');
		await kazoo.hears('DELETED /fleeting');
		await kazoo.call('create', ['/fleeting', { data: 'again' }], { ephemeral: true });
		expect((await grpc.exists('/fleeting'))?.ephemeralOwner).toBe(kazoo.sessionId);
	});
});

describe('the same rules at both doors', () => {
	it('34: who may do what is the same, and who one is too', async () => {
		const ada = new ChronokeeperClient({ address: server.grpc, auth: 'ada:secret' });
		try {
			await ada.create('/adas', data('hers'), { acl: [{ perms: 31, id: { scheme: 'auth', id: '' } }] });
			await expect(kazoo.call('get', ['/adas'])).rejects.toThrow('NoAuthError');
			await expect(grpc.get('/adas')).rejects.toMatchObject({ code: errors.noAuth.code });
			await kazoo.call('add_auth', ['digest', 'ada:secret']);
			expect(await kazoo.call('get', ['/adas'])).toMatchObject(['hers', { aversion: 0 }]);
			await kazoo.call('set', ['/adas', { data: 'still hers' }]);
			expect(Buffer.from((await ada.get('/adas')).data!).toString()).toBe('still hers');
			await ada.setAcl('/adas', [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }]);
			await expect(kazoo.call('set', ['/adas', { data: 'no longer' }])).rejects.toThrow('NoAuthError');
		} finally {
			ada.close();
		}
	});

	it('29: versions guard against the other door', async () => {
		await kazoo.call('create', ['/guarded', { data: '0' }]);
		await grpc.set('/guarded', data('1'), 0);
		await expect(kazoo.call('set', ['/guarded', { data: '2' }], { version: 0 })).rejects.toThrow('BadVersionError');
		await kazoo.call('set', ['/guarded', { data: '2' }], { version: 1 });
		await expect(grpc.set('/guarded', data('3'), 1)).rejects.toMatchObject({ code: errors.badVersion.code });
		await expect(grpc.create('/guarded', null)).rejects.toMatchObject({ code: errors.nodeExists.code });
	});
});
