/** What the history answers by time, prefix, session, principal and type, on 100,000 transactions: right, and by index. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { makeRows } from '#test/support/made-rows';
import { MirroredReplica } from '#test/support/mirrored-replica';
import { createDatabase, type TestDatabase } from '#test/support/postgres';

let database: TestDatabase;
beforeAll(async () => {
	database = await createDatabase();
	await makeRows(database);
	await database.query('select chronokeeper.note_clock_runs()');
	// What the indexes say is visible to all need not be looked up: as autovacuum leaves it.
	await database.query('vacuum chronokeeper.txn, chronokeeper.change, chronokeeper.znode_version');
});
afterAll(() => database?.drop());

const value = async (sql: string, parameters: unknown[] = []) => {
	const [row] = await database.query<{ value: string | null }>(`select (${sql}) as value`, parameters);
	return row!.value;
};

describe('zxid_at', () => {
	it('gives the greatest zxid whose time is not later, whatever the clocks of the leaders did', async () => {
		const wrong = await database.query(
			`select p.at, chronokeeper.zxid_at(p.at) as found, x.expected from (
				select t.time + make_interval(secs => (h - 1) * 0.03) as at from chronokeeper.txn t, generate_series(0, 2) h
				where (t.zxid & 65535) % 1471 = 5 or (t.zxid & 65535) in (1, 2, 25000, 10000, 10001, 10002)
			) p cross join lateral (select max(t.zxid) as expected from chronokeeper.txn t where t.time <= p.at) x
			where chronokeeper.last_zxid_at(p.at) is distinct from x.expected`,
		);
		expect(wrong).toEqual([]);
		const [count] = await database.query('select count(*)::int as runs from chronokeeper.clock_run');
		// The first, the step within the second epoch, the third epoch, and none for the fourth, whose clock was right again.
		expect(count).toEqual({ runs: 3 });
	});

	it('is right as well for what an older version wrote and did not note', async () => {
		const cursor = await value('select clock_zxid from chronokeeper.mirror_cursor');
		await database.query(`update chronokeeper.mirror_cursor set clock_zxid = chronokeeper.zxid('0x200002000')`);
		await database.query(`delete from chronokeeper.clock_run where first_zxid > chronokeeper.zxid('0x200002000')`);
		try {
			const wrong = await database.query(
				`select p.at from (select t.time as at from chronokeeper.txn t where (t.zxid & 65535) % 2999 = 5) p
				where chronokeeper.last_zxid_at(p.at) is distinct from (select max(t.zxid) from chronokeeper.txn t where t.time <= p.at)`,
			);
			expect(wrong).toEqual([]);
			expect(await value('select chronokeeper.note_clock_runs()')).not.toBe('0');
		} finally {
			expect(await value('select clock_zxid from chronokeeper.mirror_cursor')).toBe(cursor);
		}
	});

	it('says what it does not know', async () => {
		await expect(value(`chronokeeper.zxid_at('2001-01-01Z')`)).rejects.toThrow('it begins later');
		await database.query(
			`insert into chronokeeper.gap values (chronokeeper.zxid('0x3000061a8'), chronokeeper.zxid('0x400000000'), 'lost', 'a test')`,
		);
		try {
			await expect(
				value(
					`chronokeeper.zxid_at((select time + interval '1 ms' from chronokeeper.txn where zxid = chronokeeper.zxid('0x3000061a8')))`,
				),
			).rejects.toThrow(/lies in a gap: what happened between 0x3000061a8 and 0x400000000 is not known: a test/);
		} finally {
			await database.query('delete from chronokeeper.gap');
		}
		await database.query(`insert into chronokeeper.snapshot (zxid, source, base) values (0, 'the empty tree', true)`);
		expect(await value(`chronokeeper.zxid_at('2001-01-01Z')`)).toBe('0');
		await database.query('delete from chronokeeper.snapshot');
	});

	it('takes times wherever a zxid is taken, as timestamptz and as text', async () => {
		const [same] = await database.query(
			`select (select array_agg(n.path || n.from_zxid) from chronokeeper.tree_at(t.time, '/app/17') n)
					= (select array_agg(n.path || n.from_zxid) from chronokeeper.tree_at(t.zxid, '/app/17') n) as tree,
				(select count(*) from chronokeeper.children_at('/app', t.time)) = (select count(*) from chronokeeper.children_at('/app', t.zxid)) as children,
				(select n.from_zxid from chronokeeper.znode_at('/app/17', t.time::text) n) = (select n.from_zxid from chronokeeper.znode_at('/app/17', t.zxid) n) as text,
				(select count(*) from chronokeeper.diff(t.time - interval '1 minute', t.time)) = 600 as diff
			from chronokeeper.txn t where t.zxid = chronokeeper.zxid('0x400003000')`,
		);
		expect(same).toEqual({ tree: true, children: true, text: true, diff: true });
		await expect(value(`select count(*) from chronokeeper.tree_at('5f')`)).rejects.toThrow('"5f" is not a zxid');
	});
});

describe('changes', () => {
	const ids = async (sql: string) => (await database.query<{ zxid: string }>(sql)).map((it) => it.zxid);

	it('are those at and below a prefix between two zxids, both included', async () => {
		const [from, to] = [`chronokeeper.zxid('0x100000010')`, `chronokeeper.zxid('0x300000010')`];
		for (const prefix of ['/app/17', '/app', '/']) {
			const expected = await ids(
				`select zxid from chronokeeper.change where zxid between ${from} and ${to} and (path = '${prefix}' or starts_with(path, rtrim('${prefix}', '/') || '/')) order by zxid`,
			);
			expect(expected.length).toBeGreaterThan(5);
			expect(await ids(`select zxid from chronokeeper.changes('${prefix}', ${from}, ${to})`)).toEqual(expected);
		}
		expect(await ids(`select zxid from chronokeeper.changes('/app/1')`)).toHaveLength(madeTimes(1));
	});

	it('of a time are those behind the state at its beginning', async () => {
		const expected = await ids(
			`select zxid from chronokeeper.txn where zxid > chronokeeper.zxid('0x400000100') and zxid <= chronokeeper.zxid('0x400000200') order by zxid`,
		);
		expect(
			await ids(
				`select c.zxid from chronokeeper.changes('/', (select time from chronokeeper.txn where zxid = chronokeeper.zxid('0x400000100')),
					(select time from chronokeeper.txn where zxid = chronokeeper.zxid('0x400000200'))) c`,
			),
		).toEqual(expected);
	});

	it('are found by session, principal and type', async () => {
		expect(await ids(`select zxid from chronokeeper.changes_by_session(1017)`)).toHaveLength(200);
		expect(await ids(`select zxid from chronokeeper.changes_by_session('1017')`)).toHaveLength(200);
		const bob = await ids(`select zxid from chronokeeper.txn where principal like 'digest:bob10:%' order by zxid`);
		expect(bob).toHaveLength(1000);
		expect(await ids(`select zxid from chronokeeper.changes_by_principal('digest:bob10')`)).toEqual(bob);
		expect(await ids(`select zxid from chronokeeper.changes_by_principal('digest:bob10:x')`)).toEqual(bob);
		expect(await ids(`select zxid from chronokeeper.changes_by_principal('digest:bob1')`)).toEqual([]);
		expect(await ids(`select zxid from chronokeeper.changes_by_type('setACL')`)).toHaveLength(100);
	});
});

/** How often one of the 5,000 nodes was set. */
function madeTimes(_node: number): number {
	return 20;
}

describe('indexes answer', () => {
	/** Each asks for little; so many rows it may read, of all tables. */
	const questions: readonly (readonly [string, number])[] = [
		["chronokeeper.zxid_at('2026-11-20 13:00Z')", 200],
		["chronokeeper.znode_at('/app/17', '0x200000100')", 20],
		["chronokeeper.znode_at('/app/17', timestamptz '2026-11-20 13:00Z')", 200],
		["chronokeeper.children_at('/app/17', '0x200000100')", 20],
		["chronokeeper.tree_at('0x200000100', '/app/17')", 40],
		["chronokeeper.diff('0x200000100', '0x200000120')", 500],
		["chronokeeper.znode_history('/app/17')", 100],
		["chronokeeper.changes('/app/17')", 100],
		["chronokeeper.changes('/app', '0x200000100', '0x200000120')", 200],
		["chronokeeper.changes('/app/17', timestamptz '2026-11-20 12:30Z', timestamptz '2026-11-20 13:00Z')", 500],
		['chronokeeper.changes_by_session(1017)', 1000],
		["chronokeeper.changes_by_principal('digest:bob10')", 5000],
		["chronokeeper.changes_by_type('setACL')", 1000],
		["chronokeeper.blame('/app/17')", 200],
		["chronokeeper.history_version where path = '/app/17' and data_json is not null", 200],
		["chronokeeper.history_change where path = '/app/17' and data_text like '{%'", 100],
	];

	it.each(questions)('%s', async (question, rows) => {
		const client = new pg.Client({ connectionString: database.url });
		await client.connect();
		try {
			await client.query('begin');
			const { rowCount } = await client.query(`select * from ${question}`);
			const { rows: read } = await client.query<{ table: string; seq: string; read: string }>(
				`select s.relname as table, s.seq_scan as seq, coalesce(s.seq_tup_read, 0) + coalesce(s.idx_tup_fetch, 0) as read
				from pg_stat_xact_user_tables s where s.schemaname = 'chronokeeper' and s.relname ~ '^(txn|change|znode_version)_'`,
			);
			expect(
				read.filter(({ seq }) => seq !== '0'),
				'sequential scans',
			).toEqual([]);
			const total = read.reduce((sum, it) => sum + Number(it.read), 0);
			expect(total, JSON.stringify(read)).toBeLessThanOrEqual(rows);
			if (!question.includes('children_at')) expect(rowCount).toBeGreaterThan(0);
		} finally {
			await client.end();
		}
	});
});

describe('a reader beside the mirror', () => {
	it('sees one state in each statement, however many functions it asks', async () => {
		const own = await createDatabase();
		const replica = new MirroredReplica({ databaseUrl: own.url });
		try {
			await replica.open();
			await replica.create('/first', null);
			await replica.mirrored();
			let isWriting = true;
			const states = new Set<number>();
			const reading = (async () => {
				while (isWriting || states.size === 0) {
					const [row] = await own.query<{ nodes: number; history: number; changes: number; children: number }>(
						`select (select count(*)::int from chronokeeper.tree_at(c.zxid) where path ~ '^/[ab]') as nodes,
							(select count(*)::int from chronokeeper.changes('/') where path ~ '^/[ab]') as changes,
							(select count(*)::int from chronokeeper.children_at('/', c.zxid) where path ~ '^/[ab]') as children,
							(select 2 * count(*)::int from chronokeeper.history_txn where type = 'multi') as history
						from chronokeeper.mirror_cursor c where c.zxid is not null`,
					);
					if (row === undefined) continue;
					expect(row).toEqual({ nodes: row.nodes, changes: row.nodes, children: row.nodes, history: row.nodes });
					states.add(row.nodes);
				}
			})();
			for (let i = 0; i < 40; i++) {
				const create = (path: string) => ({
					kind: 'create' as const,
					path,
					data: null,
					acl: openAcl,
					mode: 'persistent' as const,
					withStat: false,
				});
				await replica.call({ kind: 'multi', ops: [create(`/a${i}`), create(`/b${i}`)] });
				await replica.mirrored();
			}
			isWriting = false;
			await reading;
			expect(states.size).toBeGreaterThan(1);
		} finally {
			await replica.remove();
			await own.drop();
		}
	});
});
