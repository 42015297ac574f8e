/** What answers read: no more than they say, whatever the planner knows of the parameters. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { importDirectories } from '#audit/import';
import { dataVersionsQuery } from '#audit/queries/blame';
import { generateLog, setDataWorkload } from '#test/support/generated-log';
import { createDatabase, type TestDatabase } from '#test/support/postgres';

const work = mkdtempSync(join(tmpdir(), 'ck-plans-'));
const nodes = 20;
const txns = 4_000;
let database: TestDatabase;

beforeAll(async () => {
	database = await createDatabase();
	const log = await generateLog(work, txns, setDataWorkload(nodes));
	await importDirectories([log.dataDir], database.url);
	await database.query('analyze chronokeeper.txn, chronokeeper.change, chronokeeper.znode_version');
});
afterAll(async () => {
	await database?.drop();
	rmSync(work, { recursive: true, force: true });
});

interface PlanNode {
	readonly 'Relation Name'?: string;
	readonly 'Actual Rows': number;
	readonly 'Actual Loops': number;
	readonly 'Rows Removed by Filter'?: number;
	readonly Plans?: readonly PlanNode[];
}

/** Rows of a table's partitions that were looked at. */
async function rowsRead(table: string, query: string, parameters: readonly unknown[] = []): Promise<number> {
	const [row] = await database.query<{ 'QUERY PLAN': readonly { Plan: PlanNode }[] }>(
		`explain (analyze, format json) ${query}`,
		[...parameters],
	);
	const of = (node: PlanNode): number => {
		const own = node['Relation Name']?.startsWith(`${table}_`) === true;
		const rows = own ? (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'] : 0;
		return (node.Plans ?? []).reduce((sum, it) => sum + of(it), rows);
	};
	return of(row!['QUERY PLAN'][0]!.Plan);
}

it('the history of a node reads its transactions and no others', async () => {
	const history = `select * from chronokeeper.znode_history('/bench/d6')`;
	const changes = (await database.query(history)).length;
	expect(changes).toBeGreaterThan(100);
	expect(await rowsRead('change', history)).toBe(changes);
	expect(await rowsRead('txn', history)).toBe(changes);
});

it('so do who changed it, and its data', async () => {
	const changes = (await database.query(`select * from chronokeeper.znode_history('/bench/d6')`)).length;
	const [row] = await database.query<{ czxid: string }>(
		`select czxid from chronokeeper.znode_at('/bench/d6', ${txns}::bigint)`,
	);
	const pool = new pg.Pool({ connectionString: database.url });
	const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
	const { sql, parameters } = dataVersionsQuery('/bench/d6', Number(row!.czxid)).compile(db);
	await db.destroy();
	expect(await rowsRead('txn', sql, parameters)).toBe(changes);
	const blame = `select * from chronokeeper.blame('/bench/d6')`;
	expect(await rowsRead('txn', blame)).toBeLessThanOrEqual(changes);
});

it('the data of a node are looked up once for all that is made of them, and only where they are asked for', async () => {
	const client = new pg.Client({ connectionString: database.url });
	await client.connect();
	try {
		const lookedUp = async (columns: string) => {
			await client.query(`begin; set local track_functions = 'all'`);
			await client.query(`select ${columns} from chronokeeper.znode_at('/bench/d6', ${txns}::bigint)`);
			const { rows } = await client.query<{ calls: string | null }>(
				`select pg_stat_get_xact_function_calls('chronokeeper.content_of(text, bigint)'::regprocedure) as calls`,
			);
			await client.query('rollback');
			return Number(rows[0]!.calls);
		};
		expect(await lookedUp('path, version, acl')).toBe(0);
		expect(await lookedUp('data, data_text, data_json')).toBe(1);
	} finally {
		await client.end();
	}
});
