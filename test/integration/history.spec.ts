/** The history as gRPC and `ck` ask for it, on a recording. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { History, type HistoryDifference, type HistoryNode, type HistoryTxn } from '#audit/history';
import { importDirectories } from '#audit/import';
import { type Mirror, startMirror } from '#audit/mirror';
import type { Zxid } from '#core/model/zxid';
import { openAcl } from '#jute/acl';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { expectedTree, unpackRecording } from '#test/support/recordings';
import { TestReplica } from '#test/support/replica';

const work = mkdtempSync(path.join(tmpdir(), 'ck-history-'));
let database: TestDatabase;
let history: History;
beforeAll(async () => {
	database = await createDatabase();
	const directory = path.join(work, 'a');
	unpackRecording('recording-a', directory);
	await importDirectories([directory], database.url);
	history = new History(database.url);
});
afterAll(async () => {
	await history.close();
	await database.drop();
	rmSync(work, { recursive: true, force: true });
});

async function all<T>(batches: AsyncIterable<T[]>): Promise<T[]> {
	const items: T[] = [];
	for await (const batch of batches) items.push(...batch);
	return items;
}

const at = (zxid: number): Zxid => zxid as Zxid;

describe('History', () => {
	it('gives every transaction once and in order, page by page', async () => {
		const txns = (await all(history.txns())) as HistoryTxn[];
		expect(txns.map((it) => it.zxid)).toEqual(Array.from({ length: 20034 }, (_, i) => i + 1));
		expect(txns[0]).toMatchObject({ type: 'createSession', door: 'apache-zookeeper', principal: null, changes: [] });
		expect(txns.filter((it) => it.type === 'multi' && it.error === 0 && it.changes.length > 1).length).toBeGreaterThan(
			100,
		);
	});

	it('filters by node, subtree, session, type and range', async () => {
		const everything = (await all(history.txns())) as HistoryTxn[];
		const session = everything[0]!.session;
		const cases = [
			{ filter: { path: '/acl' }, holds: (it: HistoryTxn) => it.changes.some((change) => change.path === '/acl') },
			{
				filter: { path: '/acl', recursive: true, from: 2000, to: 9000 },
				holds: (it: HistoryTxn) =>
					it.zxid >= 2000 &&
					it.zxid <= 9000 &&
					it.changes.some(({ path }) => path === '/acl' || path.startsWith('/acl/')),
			},
			{ filter: { session }, holds: (it: HistoryTxn) => it.session === session },
			{
				filter: { type: 'error', from: 100, limit: 700 },
				holds: (it: HistoryTxn) => it.type === 'error' && it.zxid >= 100,
			},
			{
				filter: { path: '/', recursive: true, type: 'deleteContainer' },
				holds: (it: HistoryTxn) => it.type === 'deleteContainer' && it.changes.length > 0,
			},
		];
		for (const { filter, holds } of cases) {
			const expected = everything.filter(holds).slice(0, filter.limit);
			expect(expected.length).toBeGreaterThan(0);
			expect(
				await all(history.txns(filter)),
				JSON.stringify(filter, (_, value) => String(value)),
			).toEqual(expected);
		}
	});

	it('gives nodes as clients would have got them', async () => {
		const expected = expectedTree('recording-a', '2f12');
		const tree = (await all(history.treeAt(at(0x2f12)))) as HistoryNode[];
		expect(tree).toHaveLength(expected.length);
		const wanted = expected.find((it) => it.ephemeralOwner.startsWith('0x8') && it.numChildren > 0)!;
		const node = await history.nodeAt(wanted.path, at(0x2f12));
		expect(node).toMatchObject({
			path: wanted.path,
			kind: 'container',
			storedCversion: wanted.cversion,
			acl: wanted.acl,
		});
		expect(node?.stat).toMatchObject({
			cversion: wanted.clientCversion,
			ephemeralOwner: 0n,
			ctime: wanted.ctime,
			numChildren: wanted.numChildren,
		});
		expect(await history.nodeAt('/never', at(0x2f12))).toBeUndefined();
		expect(await all(history.childPathsAt('/acl', at(0x2f12)))).toEqual(
			expected
				.map((it) => it.path)
				.filter((it) => /^\/acl\/[^/]+$/.test(it))
				.sort(),
		);
		expect(await all(history.treeAt(at(0x2f12), '/acl'))).toEqual(
			tree.filter((it) => it.path === '/acl' || it.path.startsWith('/acl/')),
		);
	});

	it('diff is what the trees at both zxids differ in, in both directions', async () => {
		const plain = (nodes: HistoryNode[]) =>
			new Map(nodes.filter((it) => !it.path.endsWith('/zookeeper_stats')).map((it) => [it.path, it]));
		for (const [z1, z2] of [
			[0x5df, 0x2f12],
			[0x2f12, 0x5df],
			[0x2338, 0x2339],
		] as const) {
			const before = plain(await all(history.treeAt(at(z1))));
			const after = plain(await all(history.treeAt(at(z2))));
			const differs = (node: string) => {
				const [a, b] = [before.get(node), after.get(node)];
				return (
					a === undefined ||
					b === undefined ||
					a.stat.czxid !== b.stat.czxid ||
					a.stat.mzxid !== b.stat.mzxid ||
					a.stat.aversion !== b.stat.aversion
				);
			};
			const expected = [...new Set([...before.keys(), ...after.keys()])].filter(differs).sort();
			const differences = ((await all(history.diff(at(z1), at(z2)))) as HistoryDifference[]).filter(
				(it) => !it.path.endsWith('/zookeeper_stats'),
			);
			expect(differences.map((it) => it.path)).toEqual(expected);
			for (const { path: node, difference, before: a, after: b } of differences) {
				expect(a).toEqual(before.get(node) ?? null);
				expect(b).toEqual(after.get(node) ?? null);
				if (difference === 'created') expect(a).toBeNull();
				if (difference === 'deleted') expect(b).toBeNull();
			}
		}
	});

	it('says what it does not know', async () => {
		await expect(history.nodeAt('/', at(0x4e43))).rejects.toThrow(
			'zxid 0x4e43 lies ahead of the mirror, which is at 0x4e42',
		);
		await expect(all(history.treeAt(at(0x9999)))).rejects.toMatchObject({ code: '22023' });
	});

	it('follows what is committed next, and shows gaps where they are', async () => {
		const own = await createDatabase();
		const dataDir = path.join(work, 'live');
		const replica = await TestReplica.open(dataDir);
		const mirror: Mirror = startMirror({ databaseUrl: own.url, dataDir });
		const live = new History(own.url);
		const stop = new AbortController();
		try {
			const create = (node: string) =>
				replica.call({ kind: 'create', path: node, data: null, acl: openAcl, mode: 'persistent', withStat: false });
			await create('/one');
			mirror.committed(replica.host.lastProcessedZxid);
			await mirror.mirroredThrough(replica.host.lastProcessedZxid);
			await own.query(`insert into chronokeeper.gap values (0, 0, 'lost', 'a test')`);
			const seen: string[] = [];
			for await (const batch of live.txns({}, true, stop.signal)) {
				for (const it of batch) seen.push('zxid' in it ? (it.path ?? '') : it.reason);
				if (seen.includes('/three')) stop.abort();
				await create(seen.includes('/two') ? '/three' : '/two');
				mirror.committed(replica.host.lastProcessedZxid);
			}
			expect(seen).toEqual(['a test', '/one', '/two', '/three']);
		} finally {
			await live.close();
			await mirror.stop();
			await replica.close();
			await own.drop();
		}
	});
});
