/** Caches of the client against a whole replica, and over a network that is cut. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CacheSource } from '#client/cache/znode-cache';
import {
	type CacheEvent,
	type Chronokeeper,
	type ConnectOptions,
	connect,
	SessionExpiredError,
	type Stat,
	ZnodeCache,
} from '#client/index';
import { missedEvent } from '#client/node-event';
import type { EventSink } from '#client/shared-watch';
import { Cable } from '#test/support/cable';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
const soon = { timeout: 60_000 } as const;
let address: string;
let cable: Cable;
let ck: Chronokeeper;
let other: Chronokeeper;

beforeAll(async () => {
	address = (await servers.start(servers.newDirectory(), { minSessionTimeout: 400 })).addresses.grpc;
	cable = servers.keep(await Cable.lay(address));
	other = servers.keep(await connect({ endpoints: address }));
	ck = await open();
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

async function open(options: Partial<ConnectOptions> = {}): Promise<Chronokeeper> {
	return servers.keep(await connect({ endpoints: cable.address, retry: { longestPauseMs: 100 }, ...options }));
}

function text(data: Uint8Array | null | undefined): string | null | undefined {
	return data && new TextDecoder().decode(data);
}

function told(cache: ZnodeCache): string[] {
	const events: string[] = [];
	cache.on(({ type, path, old, node }: CacheEvent) =>
		events.push([type, path, text(old?.data) ?? '-', text(node?.data) ?? '-'].join(' ')),
	);
	return events;
}

/** What a server has there, read one by one. */
async function read(path: string): Promise<[string, string | null | undefined, Stat][]> {
	const { data, stat } = await other.get(path);
	const { names } = await other.children(path);
	const below = await Promise.all(names.map((name) => read(path === '/' ? `/${name}` : `${path}/${name}`)));
	return [[path, text(data), stat], ...below.flat()];
}

function contents(cache: ZnodeCache): [string, string | null | undefined, Stat][] {
	return [...cache]
		.map(([path, { data, stat }]): [string, string | null | undefined, Stat] => [path, text(data), stat])
		.sort(([a], [b]) => (a < b ? -1 : 1));
}

function sorted<T extends readonly [string, ...unknown[]]>(list: readonly T[]): T[] {
	return list.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

describe('a cache', () => {
	it('has a subtree with its Stats, and what its own client wrote when that is answered', async () => {
		await ck.create('/tree/a/b', 'b', { parents: true });
		for (let i = 0; i < 50; i++) await ck.create(`/tree/a/n${i}`, `${i}`);
		await using cache = ck.cache('/tree');
		expect(cache.state).toBe('filling');
		await cache.ready;
		expect(cache.state).toBe('current');
		expect(contents(cache)).toEqual(sorted(await read('/tree')));
		expect(cache.size).toBe(53);
		expect(cache.children('/tree/a').slice(0, 3)).toEqual(['b', 'n0', 'n1']);
		const events = told(cache);
		await ck.set('/tree/a/b', 'new');
		expect(text(cache.get('/tree/a/b')?.data)).toBe('new');
		await ck.delete('/tree/a/n7');
		expect(cache.has('/tree/a/n7')).toBe(false);
		await ck.create('/tree/x', null);
		expect(cache.children()).toEqual(['a', 'x']);
		await ck.create('/treetop', 'not below it');
		expect(events).toEqual(['changed /tree/a/b b new', 'deleted /tree/a/n7 7 -', 'created /tree/x - -']);
		expect(contents(cache)).toEqual(sorted(await read('/tree')));
	});

	it('follows transactions of many changes with Stats that are the server’s', async () => {
		await ck.create('/multi', '0');
		await using cache = ck.cache('/multi');
		await cache.ready;
		await ck.transaction().set('/multi', '1').create('/multi/a', 'a').create('/multi/a/b', 'b').commit();
		expect(contents(cache)).toEqual(sorted(await read('/multi')));
		await ck
			.transaction()
			.delete('/multi/a/b')
			.set('/multi/a', 'A')
			.delete('/multi/a')
			.create('/multi/a', 'again')
			.create('/multi/c', null)
			.set('/multi', '2')
			.commit();
		expect(contents(cache)).toEqual(sorted(await read('/multi')));
	});

	it('of children has them alone, and of a node that alone', async () => {
		await ck.create('/kinds/a/deep', 'deep', { parents: true });
		await using children = ck.cache('/kinds', { kind: 'children' });
		await using node = ck.cache('/kinds', { kind: 'node' });
		await using none = ck.cache('/not-there', { kind: 'node' });
		await Promise.all([children.ready, node.ready, none.ready]);
		expect([...children].map(([path]) => path)).toEqual(['/kinds/a']);
		expect([...node].map(([path]) => path)).toEqual(['/kinds']);
		expect(none.get()).toBeUndefined();
		const events = [told(children), told(node), told(none)];
		await ck.set('/kinds', '1');
		await ck.create('/kinds/b', 'b');
		await ck.set('/kinds/a/deep', 'unheard');
		await ck.create('/not-there', 'now');
		await ck.delete('/not-there');
		expect(events).toEqual([
			['created /kinds/b - b'],
			['changed /kinds - 1'],
			['created /not-there - now', 'deleted /not-there now -'],
		]);
		expect(node.get()!.stat).toEqual(await ck.exists('/kinds'));
		expect(contents(children)).toEqual(sorted((await read('/kinds')).filter(([path]) => /^\/kinds\/[ab]$/.test(path))));
	});

	it('is below the chroot of its client', async () => {
		await other.create('/jail/cell/a', 'a', { parents: true });
		const jailed = await open({ chroot: '/jail' });
		await using cache = jailed.cache('/cell');
		await cache.ready;
		const events = told(cache);
		await jailed.set('/cell/a', 'b');
		expect([...cache].map(([path]) => path).sort()).toEqual(['/cell', '/cell/a']);
		expect(events).toEqual(['changed /cell/a a b']);
	});

	it('leaves out what its client may not read', async () => {
		const acl = [{ perms: 31, id: { scheme: 'auth', id: '' } }];
		const owner = await open({ auth: [{ scheme: 'digest', credentials: 'ann:secret' }] });
		await owner.create('/acl', 'open');
		await owner.create('/acl/hers', 'hers', { acl });
		await owner.create('/acl/hers/below', 'hers too');
		await using hers = owner.cache('/acl');
		await using ours = ck.cache('/acl');
		await Promise.all([hers.ready, ours.ready]);
		expect(hers.size).toBe(3);
		expect([...ours].map(([path]) => path)).toEqual(['/acl']);
	});

	it('tells a loop that is slow what each node became', async () => {
		await ck.create('/slow', '0');
		await using cache = ck.cache('/slow');
		await cache.ready;
		const events = cache.events();
		const count = 10_050;
		await Promise.all(Array.from({ length: count }, (_, i) => ck.set('/slow', `${i + 1}`)));
		await ck.create('/slow/end', null);
		const seen: string[] = [];
		for await (const { type, path, old, node } of events) {
			if (path === '/slow/end') break;
			seen.push(`${type} ${text(old?.data)} ${text(node?.data)}`);
		}
		expect(seen[0]).toBe('changed 0 10001');
		expect(seen).toHaveLength(1 + count - 10_001);
		expect(seen.at(-1)).toBe(`changed ${count - 1} ${count}`);
	});

	it('ends its loops when it is closed, and was never ready when its client was closed before', async () => {
		const own = await open();
		const cache = own.cache('/');
		await cache.ready;
		const loop = (async () => {
			for await (const _ of cache.events());
			return 'over';
		})();
		await cache.close();
		expect(await loop).toBe('over');
		expect(cache.state).toBe('closed');
		const ended = own.cache('/');
		await own.close();
		await expect(ended.ready).rejects.toThrow(SessionExpiredError);
		await expect(own.cache('/').ready).rejects.toThrow(SessionExpiredError);
		const aborted = ck.cache('/', { signal: AbortSignal.abort() });
		await expect(aborted.ready).rejects.toThrow(SessionExpiredError);
	});
});

describe('a cache whose network is cut', () => {
	async function cutWhile(path: string, cache: ZnodeCache, change: () => Promise<void>): Promise<void> {
		cable.unplug();
		await vi.waitFor(() => expect(cache.state).toBe('stale'), soon);
		await change();
		cable.plug();
		await vi.waitFor(() => expect(cache.state).toBe('current'), soon);
		expect(contents(cache)).toEqual(sorted(await read(path)));
	}

	async function changed(path: string): Promise<string[]> {
		await other.set(`${path}/set`, 'two');
		await other.set(`${path}/set`, 'three');
		await other.delete(`${path}/gone`);
		await other.delete(`${path}/again`);
		await other.create(`${path}/again`, 'second');
		await other.create(`${path}/new`, 'new');
		await other.create(`${path}/new/below`, 'below');
		await other.create(`${path}/brief`, null);
		await other.delete(`${path}/brief`);
		return [
			`changed ${path}/set one three`,
			`created ${path}/again - second`,
			`created ${path}/new - new`,
			`created ${path}/new/below - below`,
			`deleted ${path}/again first -`,
			`deleted ${path}/gone gone -`,
		];
	}

	async function grown(path: string): Promise<void> {
		await other.ensurePath(path);
		await other.create(`${path}/set`, 'one');
		await other.create(`${path}/gone`, 'gone');
		await other.create(`${path}/again`, 'first');
		await other.create(`${path}/same`, 'same');
	}

	it('tells what happened meanwhile, each once, and goes on', async () => {
		await grown('/cut');
		const own = await open();
		await using cache = own.cache('/cut');
		await cache.ready;
		const events = told(cache);
		let expected: string[] = [];
		await cutWhile('/cut', cache, async () => {
			expected = await changed('/cut');
		});
		expect(events.toSorted()).toEqual(expected);
		await own.set('/cut/same', 'after');
		expect(events.at(-1)).toBe('changed /cut/same same after');
	});

	it('goes on in a new session', async () => {
		await grown('/lost');
		const own = await open({ sessionTimeoutMs: 3000 });
		await using cache = own.cache('/lost');
		await cache.ready;
		const events = told(cache);
		const before = own.session;
		let expected: string[] = [];
		await cutWhile('/lost', cache, async () => {
			expected = await changed('/lost');
			await vi.waitFor(() => expect(before.signal.aborted).toBe(true), soon);
		});
		expect(own.session.id).not.toBe(before.id);
		expect(events.toSorted()).toEqual(expected);
		// By another: so short a session may be lost again where others need the processor.
		await other.set('/lost/same', 'after');
		await vi.waitFor(() => expect(events.at(-1)).toBe('changed /lost/same same after'), soon);
	});

	it('reads everything anew where nobody can tell what happened', async () => {
		await grown('/missed');
		let sink: EventSink | undefined;
		const follow: CacheSource['follow'] = (_path, _recursive, own) => {
			sink = own;
			return { ready: () => Promise.resolve(), stop: () => {} };
		};
		const multiRead: CacheSource['multiRead'] = (reads) => other.multiRead(reads);
		const deaf: CacheSource = { multiRead, follow, on: () => () => {}, state: () => 'connected' };
		await using cache = new ZnodeCache(deaf, '/missed');
		await cache.ready;
		const events = told(cache);
		const expected = await changed('/missed');
		sink!.push(missedEvent('/missed'));
		expect(cache.state).toBe('stale');
		await vi.waitFor(() => expect(cache.state).toBe('current'), soon);
		expect(events.toSorted()).toEqual(expected);
		expect(contents(cache)).toEqual(sorted(await read('/missed')));
	});

	it('is what the server has though it is cut again and again while it is filled', async () => {
		await other.ensurePath('/often');
		await Promise.all(Array.from({ length: 800 }, (_, i) => other.create(`/often/n${i}`, 'x')));
		const own = await open();
		await using cache = own.cache('/often');
		for (let i = 0; i < 5; i++) {
			cable.unplug();
			await other.set('/often/n1', `${i}`);
			await other.create(`/often/late${i}`, null);
			await other.delete(`/often/n${100 + i}`);
			cable.plug();
			await vi.waitFor(() => expect(own.state).toBe('connected'), soon);
		}
		await cache.ready;
		await vi.waitFor(() => expect(cache.state).toBe('current'), soon);
		expect(contents(cache)).toEqual(sorted(await read('/often')));
	});
});
