/** Time travel of the client: the tree as it was, versions, differences and the tail, with and without a chroot. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
	type Chronokeeper,
	connect,
	type HistoryGap,
	type NodeDifference,
	type NodeVersion,
	NoNodeError,
	type PastNode,
} from '#client/index';
import { Cable } from '#test/support/cable';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
let database: TestDatabase;
let endpoints: string;
let ck: Chronokeeper;

beforeAll(async () => {
	database = await createDatabase();
	const mirrored = { 'audit.mode': 'async', 'audit.url': database.url } as const;
	endpoints = (await servers.start(servers.newDirectory(), mirrored)).addresses.grpc;
	ck = servers.keep(await connect({ endpoints }));
	// A mirror that is new has a database to look at first, which takes its time where others work.
	await vi.waitFor(() => ck.at(1n).exists('/'), { timeout: 60_000 });
});
afterAll(async () => {
	await servers.close();
	servers.remove();
	await database?.drop();
});

function text(data: Uint8Array | null | undefined): string | null | undefined {
	return data && new TextDecoder().decode(data);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
	const found: T[] = [];
	for await (const item of items) found.push(item);
	return found;
}

const brief = ({ path, data }: PastNode) => [path, text(data)];

/** The clock goes on by a millisecond at least. */
async function laterThan(time: Date): Promise<void> {
	while (Date.now() <= time.getTime()) await new Promise((resolve) => setImmediate(resolve));
}

describe('the past', () => {
	it('is read by zxid and by time, as soon as it is past', async () => {
		await ck.create('/past', 'one');
		await ck.create('/past/a', 'a');
		const before = await ck.create('/past/a/b', 'b');
		const time = new Date();
		await laterThan(time);
		await ck.set('/past', 'two');
		await ck.delete('/past/a/b');
		const after = await ck.create('/past/c', null);
		for (const moment of [before.zxid, `0x${before.zxid.toString(16)}`, `${before.zxid}`, time, time.toISOString()]) {
			const past = ck.at(moment);
			expect(await past.zxid()).toBe(before.zxid);
			expect(brief(await past.get('/past'))).toEqual(['/past', 'one']);
			expect((await past.exists('/past/a/b'))!.czxid).toBe(before.zxid);
			expect(await past.exists('/past/c')).toBeUndefined();
			expect((await past.children('/past')).names).toEqual(['a']);
			expect((await all(past.tree('/past'))).map(brief)).toEqual([
				['/past', 'one'],
				['/past/a', 'a'],
				['/past/a/b', 'b'],
			]);
		}
		const now = ck.at(after.zxid);
		expect((await now.children('/past')).names).toEqual(['a', 'c']);
		expect((await now.get('/past')).stat).toEqual(await ck.exists('/past'));
		expect((await now.children('/past')).stat).toEqual(await ck.exists('/past'));
		const missing = now.get('/past/a/b');
		await expect(missing).rejects.toThrow(NoNodeError);
		await expect(missing).rejects.toMatchObject({ path: '/past/a/b', codeName: 'NoNode' });
		await expect(now.children('/none')).rejects.toThrow(NoNodeError);
		expect(() => ck.at('soon')).toThrow(RangeError);
	});

	it('has the versions of a node and of what is below it, with who did it', async () => {
		await ck.create('/log', 'one');
		const second = await ck.set('/log', null);
		await ck.transaction().set('/log', 'three').create('/log/a', 'a').create('/logbook', 'other').commit();
		await ck.delete('/log/a');
		const last = await ck.delete('/log');
		await ck.at(last).exists('/');
		const short = (version: NodeVersion | HistoryGap) =>
			version.kind === 'gap' ? 'gap' : [version.type, version.path, version.version, text(version.data)];
		expect((await all(ck.history('/log', { withData: true }))).map(short)).toEqual([
			['create', '/log', 0, 'one'],
			['setData', '/log', 1, null],
			['setData', '/log', 2, 'three'],
			['delete', '/log', undefined, undefined],
		]);
		const below = (await all(ck.history('/log', { recursive: true, from: second.zxid, to: last - 1n }))).map(short);
		expect(below).toEqual([
			['setData', '/log', 1, undefined],
			['setData', '/log', 2, undefined],
			['create', '/log/a', 0, undefined],
			['delete', '/log/a', undefined, undefined],
		]);
		const [first] = (await all(ck.history('/log'))) as NodeVersion[];
		expect(first!.by).toMatchObject({ door: 'grpc' });
		expect(first!.sessionId).toBe(ck.session.id);
		expect(Math.abs(first!.time.getTime() - Date.now())).toBeLessThan(60_000);
		expect(first!.dataLength).toBe(3);
	});

	it('differs from another moment where something changed', async () => {
		await ck.create('/diff', 'one');
		await ck.create('/diff/gone', 'gone');
		const from = (await ck.create('/diff/same', null)).zxid;
		await ck.set('/diff', 'two');
		await ck.delete('/diff/gone');
		await ck.create('/diff/brief', null);
		await ck.delete('/diff/brief');
		const to = (await ck.create('/diff/new', 'new')).zxid;
		const short = ({ path, kind, before, after }: NodeDifference) => [
			path,
			kind,
			text(before?.data),
			text(after?.data),
		];
		expect((await all(ck.changes('/diff', from, to))).map(short)).toEqual([
			['/diff', 'changed', 'one', 'two'],
			['/diff/gone', 'deleted', 'gone', undefined],
			['/diff/new', 'created', undefined, 'new'],
		]);
	});

	it('54: has the Stat that a watch’s events of a time without a server lack', async () => {
		const cable = servers.keep(await Cable.lay(endpoints));
		const far = await connect({ endpoints: cable.address, retry: { firstPauseMs: 10, longestPauseMs: 50 } });
		servers.keep(far);
		await ck.create('/gap', 'one');
		const watch = far.watch('/gap', { withData: true });
		await watch.ready;
		cable.unplug();
		const { stat, zxid } = await ck.set('/gap', 'two');
		cable.plug();
		const { value } = await watch.next();
		expect({ ...value, data: text(value?.data) }).toEqual({
			type: 'dataChanged',
			path: '/gap',
			zxid,
			stat: undefined,
			data: 'two',
		});
		expect(await far.at(zxid).exists('/gap')).toEqual(stat);
		await watch.return();
	});

	it('goes on as a tail, each transaction once', async () => {
		const from = (await ck.create('/tail', 'one')).zxid;
		const seen: unknown[] = [];
		const tail = ck.tail({ from, paths: [{ path: '/tail', recursive: true }], withData: true });
		const read = (async () => {
			for await (const { zxid, type, changes } of tail) {
				seen.push([zxid, type, ...changes.map(({ path, data }) => [path, text(data)])]);
				if (changes.some(({ path }) => path === '/tail/end')) break;
			}
		})();
		const first = await ck.set('/tail', 'two');
		await ck.create('/unheard', null);
		const [second] = await ck.transaction().create('/tail/a', 'a').set('/tail', null).commit();
		const third = await ck.create('/tail/end', null);
		await read;
		expect(seen).toEqual([
			[first.zxid, 'setData', ['/tail', 'two']],
			[second!.zxid, 'multi', ['/tail/a', 'a'], ['/tail', null]],
			[third.zxid, 'create', ['/tail/end', null]],
		]);
	});

	it('is below the chroot of its client', async () => {
		await ck.create('/home', null);
		const jailed = servers.keep(await connect({ endpoints, chroot: '/home' }));
		const from = (await jailed.create('/a', 'one')).zxid;
		await ck.transaction().set('/home/a', 'two').create('/homeless', null).commit();
		const last = (await jailed.create('/end', null)).zxid;
		expect((await all(jailed.at(last).tree())).map(brief)).toEqual([
			['/', null],
			['/a', 'two'],
			['/end', null],
		]);
		expect(await jailed.at(last).exists('/homeless')).toBeUndefined();
		expect((await jailed.at(last).children('/')).names).toEqual(['a', 'end']);
		const versions = (await all(jailed.history('/a'))) as NodeVersion[];
		expect(versions.map(({ path, version }) => [path, version])).toEqual([
			['/a', 0],
			['/a', 1],
		]);
		expect((await all(jailed.changes('/', from, last))).map(({ path }) => path)).toEqual(['/a', '/end']);
		const heard: string[] = [];
		for await (const { changes } of jailed.tail({ from: 0n })) {
			heard.push(changes.map(({ path }) => path).join());
			if (heard.at(-1) === '/end') break;
		}
		expect(heard).toEqual(['/', '/a', '/a', '/end']);
	});

	it('ends a loop when its signal fires', async () => {
		const stop = new AbortController();
		const tail = all(ck.tail({ signal: stop.signal }));
		const history = all(ck.history('/', { recursive: true, signal: AbortSignal.abort() }));
		stop.abort();
		expect(await tail).toEqual([]);
		expect(await history).toEqual([]);
	});
});
