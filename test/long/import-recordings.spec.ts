/** The recorded history of real ZooKeeper servers goes into PostgreSQL and comes out of it as ZooKeeper had it. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ImportOutcome, importDirectories } from '#audit/import';
import { formatZxid, parseZxid } from '#core/model/zxid';
import { describeSchema } from '#migrations/describe-schema';
import { expectEqual } from '#test/support/equal';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import {
	type ExpectedNode,
	expectedState,
	expectedTree,
	expectedZxids,
	type RecordingName,
	recordingDirectory,
	unpackRecording,
} from '#test/support/recordings';
import { wantedSchema } from '#test/support/wanted-schema';

interface CommittedTxn {
	readonly zxid: string;
	readonly type: string;
	readonly digest: string;
}

const work = mkdtempSync(path.join(tmpdir(), 'ck-import-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Once each: an import changes nothing in them. */
function unpacked(names: readonly RecordingName[]): string[] {
	return names.map((name) => {
		const directory = path.join(work, name);
		if (!existsSync(directory)) unpackRecording(name, directory);
		return directory;
	});
}

const server = (n: 1 | 2 | 3): RecordingName => `recording-c-ensemble/server${n}`;
const committed: readonly CommittedTxn[] = gunzipSync(
	readFileSync(path.join(recordingDirectory('recording-c-ensemble'), 'committed.csv.gz')),
)
	.toString('utf8')
	.trimEnd()
	.split('\n')
	.slice(1)
	.map((line) => {
		const [zxid, type, , digest] = line.split(',') as [string, string, string, string];
		return { zxid, type, digest };
	});

interface TxnRow {
	readonly zxid: string;
	readonly type: string;
	readonly digest: string;
}

const storedTxns = (database: TestDatabase): Promise<TxnRow[]> =>
	database.query<TxnRow & object>(
		`select chronokeeper.zxid_hex(zxid) as zxid, type, coalesce(digest::text, '') as digest from chronokeeper.txn t order by t.zxid`,
	);

/** A node of tree_at in the words of the expected files. */
async function treeAt(database: TestDatabase, zxid: string): Promise<ExpectedNode[]> {
	const rows = await database.query<{ node: ExpectedNode }>(
		`select json_build_object(
			'path', path, 'data', case when data is null then null else translate(encode(data, 'base64'), E'\\n', '') end,
			'czxid', chronokeeper.zxid_hex(czxid), 'mzxid', chronokeeper.zxid_hex(mzxid), 'pzxid', chronokeeper.zxid_hex(pzxid),
			'ctime', (extract(epoch from ctime) * 1000)::bigint, 'mtime', (extract(epoch from mtime) * 1000)::bigint,
			'version', version, 'cversion', cversion, 'aversion', aversion, 'ephemeralOwner', chronokeeper.session_hex(ephemeral_owner),
			'clientCversion', client_cversion, 'numChildren', num_children, 'acl', acl) as node
		from chronokeeper.tree_at($1)`,
		[zxid],
	);
	return rows.map((row) => row.node).sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What each server changes by itself, without a transaction (the README of the recordings says so). */
function comparable(nodes: readonly ExpectedNode[], ensemble: boolean): ExpectedNode[] {
	const own = (it: ExpectedNode) =>
		ensemble && (it.path === '/zookeeper/config' || it.path.endsWith('/zookeeper_stats'));
	return nodes.filter((it) => !own(it)).sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function compareTrees(
	database: TestDatabase,
	name: RecordingName,
	leftOut: readonly string[] = [],
): Promise<void> {
	for (const zxid of expectedZxids(name)) {
		if (leftOut.includes(zxid)) continue;
		const ensemble = name !== 'recording-a';
		const actual = comparable(await treeAt(database, `0x${zxid}`), ensemble);
		const expected = comparable(expectedTree(name, zxid), ensemble);
		expectEqual(
			actual.map((it) => it.path),
			expected.map((it) => it.path),
			`${name} ${zxid}`,
		);
		expectEqual(actual, expected, `${name} ${zxid}`);
	}
}

/** Open sessions with their timeouts, as the expected states have them. */
async function compareSessions(
	database: TestDatabase,
	name: RecordingName,
	leftOut: readonly string[] = [],
): Promise<void> {
	for (const zxid of expectedZxids(name)) {
		if (leftOut.includes(zxid)) continue;
		const rows = await database.query<{ id: string; timeout_ms: number }>(
			`select chronokeeper.session_hex(session) as id, timeout_ms from chronokeeper.session
			where opened_zxid <= chronokeeper.zxid($1) and (closed_zxid is null or closed_zxid > chronokeeper.zxid($1))`,
			[`0x${zxid}`],
		);
		const state = expectedState(name, zxid) as unknown as { sessions: Record<string, number> };
		expect(Object.fromEntries(rows.map((row) => [row.id, row.timeout_ms])), `${name} ${zxid}`).toEqual(state.sessions);
	}
}

describe('recording a: one server', () => {
	let database: TestDatabase;
	let outcome: ImportOutcome;
	beforeAll(async () => {
		database = await createDatabase();
		outcome = await importDirectories(unpacked(['recording-a']), database.url);
	});
	afterAll(() => database.drop());

	it('has every transaction, errors included, with ZooKeeper’s digest', async () => {
		expect(outcome).toMatchObject({ txns: 20034, lastZxid: 0x4e42, gaps: [], uncommitted: [], digest: 4072018188466n });
		const expected = gunzipSync(
			readFileSync(path.join(recordingDirectory('recording-a'), 'expected', 'digests.csv.gz')),
		)
			.toString('utf8')
			.trimEnd()
			.split('\n')
			.slice(1)
			.map((line) => {
				const [zxid, type, , digest] = line.split(',');
				return { zxid, type, digest };
			});
		expect(await storedTxns(database)).toEqual(expected);
	});

	it(
		'76, 78: gives ZooKeeper’s tree at every expected zxid: path, data, Stat, ACL',
		() => compareTrees(database, 'recording-a'),
		60_000,
	);

	it('knows the open sessions at every expected zxid', () => compareSessions(database, 'recording-a'));

	it('leaves the schema as it was: the indexes that a large import builds last are there', async () => {
		expect(withoutPartitions(await describeSchema((sql) => database.query(sql)))).toBe(
			withoutPartitions(await wantedSchema()),
		);
	});

	it('finishes what an import left that was cut off: versions behind the cursor, missing indexes', async () => {
		const versions = 'select * from chronokeeper.znode_version v order by v.path, v.from_zxid';
		const before = await database.query(versions);
		await database.query(`insert into chronokeeper.znode_version select * from (
			select (jsonb_populate_record(v, '{"from_zxid": 20099}')).* from chronokeeper.znode_version v where v.path = '/acl' and v.to_zxid is null) x`);
		await database.query(
			`update chronokeeper.znode_version set to_zxid = 20099, span = 3 where path = '/acl' and to_zxid is null and from_zxid < 20099`,
		);
		await database.query(`update chronokeeper.mirror_cursor set loading = true`);
		await database.query('drop index chronokeeper.change_by_path');
		expect(await database.query(versions)).not.toEqual(before);
		expect(await importDirectories(unpacked(['recording-a']), database.url)).toMatchObject({ txns: 0 });
		expect(await database.query(versions)).toEqual(before);
		expect(withoutPartitions(await describeSchema((sql) => database.query(sql)))).toBe(
			withoutPartitions(await wantedSchema()),
		);
	});

	it('adds nothing the second time', async () => {
		const again = await importDirectories(unpacked(['recording-a']), database.url);
		expect(again).toMatchObject({ txns: 0, lastZxid: 0x4e42, gaps: [] });
		expect(await database.query('select count(*)::int from chronokeeper.txn')).toEqual([{ count: 20034 }]);
	});

	it('chains the rows with hashes that SQL can check, and finds an altered row', async () => {
		expect(await database.query(`select * from chronokeeper.verify_chain(1, 3000)`)).toEqual([]);
		await database.query(`update chronokeeper.txn set session = session + 1 where zxid = 700`);
		await database.query(
			`update chronokeeper.change set data = 'forged' where zxid = (select min(zxid) from chronokeeper.change where zxid > 900)`,
		);
		const found = await database.query<{ zxid: string }>(`select zxid from chronokeeper.verify_chain(1, 3000)`);
		expect(found[0]?.zxid).toBe('700');
		expect(found).toHaveLength(2);
		await database.query(`update chronokeeper.txn set session = session - 1 where zxid = 700`);
	});
});

describe('recording c: an ensemble with holes and uncommitted tails', () => {
	const combinations: readonly (readonly (1 | 2 | 3)[])[] = [
		[1, 2, 3],
		[3, 2, 1],
		[1, 2],
		[1, 3],
		[2, 3],
	];
	it.each(combinations.map((servers) => ({ servers })))(
		'$servers together have exactly what was committed',
		async ({ servers }) => {
			const database = await createDatabase();
			try {
				const outcome = await importDirectories(unpacked(servers.map(server)), database.url);
				expect(outcome).toMatchObject({ txns: committed.length, gaps: [], warnings: [] });
				const phantoms = outcome.uncommitted.map(
					(it) => `${path.basename(it.server)} ${formatZxid(it.first)} ${formatZxid(it.last)}`,
				);
				const expected = [
					...(servers.includes(2) ? ['server2 0x200000967 0x20000096e'] : []),
					...(servers.includes(1) ? ['server1 0x3000008b1 0x3000008b3'] : []),
				];
				expect(phantoms).toEqual(expected);
				expectEqual(await storedTxns(database), committed);
				for (const n of [1, 2, 3] as const) {
					await compareTrees(database, server(n), ['20000096e', '3000008b3']);
					await compareSessions(database, server(n), ['20000096e', '3000008b3']);
				}
				expect(await importDirectories(unpacked(servers.map(server)), database.url)).toMatchObject({
					txns: 0,
					gaps: [],
				});
			} finally {
				await database.drop();
			}
		},
		120_000,
	);

	it.each([
		{ n: 1 as const, after: '0x30000057f', through: '0x4000000fe', undecided: '0x300000580 to 0x3000008b3' },
		{ n: 2 as const, after: '0x2000007f0', through: '0x3000003ad', undecided: '0x2000007f1 to 0x20000096e' },
		{ n: 3 as const, after: '0x100000a10', through: '0x20000046c', undecided: '0x100000a11 to 0x100000e3b' },
	])(
		'server $n alone has no transaction that was not committed, and names what it cannot decide',
		async ({ n, after, through, undecided }) => {
			const database = await createDatabase();
			try {
				const outcome = await importDirectories(unpacked([server(n)]), database.url);
				expect(outcome.gaps).toHaveLength(1);
				expect(outcome.gaps[0]).toMatchObject({
					afterZxid: parseZxid(after),
					throughZxid: parseZxid(through),
					kind: 'undecided',
				});
				expect(outcome.gaps[0]?.reason).toContain(undecided);
				const known = new Map(committed.map((it) => [it.zxid, it]));
				for (const row of await storedTxns(database)) expectEqual(row, known.get(row.zxid));
				expect(
					await database.query(
						'select chronokeeper.zxid_hex(after_zxid) as after, chronokeeper.zxid_hex(through_zxid) as through from chronokeeper.gap',
					),
				).toEqual([{ after, through }]);
				await compareTrees(database, server(n), ['20000096e', '3000008b3']);
				await compareSessions(database, server(n), ['20000096e', '3000008b3']);
				await expect(treeAt(database, formatZxid((parseZxid(after) + 1) as never))).rejects.toThrow('lies in a gap');
				expect(await importDirectories(unpacked([server(n)]), database.url)).toMatchObject({ txns: 0, gaps: [] });
			} finally {
				await database.drop();
			}
		},
		60_000,
	);

	it('goes on where an earlier import ended', async () => {
		const database = await createDatabase();
		try {
			const whole = unpacked([server(1), server(2), server(3)]);
			const early = path.join(work, 'early');
			unpackRecording(server(2), early, (file) => !/^(log|snapshot)\.[234]/.test(file));
			await importDirectories([early], database.url);
			const rest = await importDirectories(whole, database.url);
			expect(rest.gaps).toEqual([]);
			expectEqual(await storedTxns(database), committed);
			expect(await database.query('select * from chronokeeper.verify_chain(0, 9223372036854775807)')).toEqual([]);
			await compareTrees(database, server(3));
		} finally {
			await database.drop();
		}
	});
});

/** They are made as the history grows. */
function withoutPartitions(schema: string): string {
	return schema.replaceAll(/^create table chronokeeper\.\w+_\d+ partition of .*\n\n/gm, '');
}
