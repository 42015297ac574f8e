/** Every example of docs/sql.md runs, on the history of a real ZooKeeper that Chronokeeper went on with; its reference is the database's own comments. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMirror } from '#audit/mirror';
import { openAcl } from '#jute/acl';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { recordingDirectory, unpackRecording } from '#test/support/recordings';
import { TestReplica } from '#test/support/replica';

const file = path.join(recordingDirectory('.'), '..', '..', 'docs', 'sql.md');
const document = readFileSync(file, 'utf8');
const work = mkdtempSync(path.join(tmpdir(), 'ck-sql-'));

interface Example {
	readonly line: number;
	readonly sql: string;
	readonly rows: boolean;
}

function examples(): Example[] {
	const found: Example[] = [];
	for (const match of document.matchAll(/(<!-- no rows -->\n)?```sql\n([\s\S]*?)```/g)) {
		const line = document.slice(0, match.index).split('\n').length;
		found.push({ line, sql: match[2]!, rows: match[1] === undefined && !/^(set|listen) /.test(match[2]!) });
	}
	return found;
}

let database: TestDatabase;
let client: pg.Client;

/** Somebody changes /config/db through Chronokeeper, on ZooKeeper's own directory. */
beforeAll(async () => {
	database = await createDatabase();
	const dataDir = path.join(work, 'a');
	unpackRecording('recording-a', path.join(dataDir, 'version-2'));
	const replica = await TestReplica.open(dataDir);
	const mirror = startMirror({ databaseUrl: database.url, dataDir });
	try {
		const bob = {
			door: 'grpc' as const,
			identities: [{ scheme: 'digest', id: 'bob:Zm9vYmFy' }],
			address: '203.0.113.7:51234',
		};
		const data = (text: string) => new TextEncoder().encode(text);
		const persistent = { acl: openAcl, mode: 'persistent' as const, withStat: false };
		const session = await replica.openSession(10_000);
		const sampled = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', requestId: 'r-1' };
		await replica.call({ kind: 'create', path: '/config', data: null, ...persistent }, session, bob);
		await replica.call({ kind: 'create', path: '/config/db', data: data('host=db1'), ...persistent }, session, bob);
		await replica.call(
			{ kind: 'setData', path: '/config/db', data: data('host=db2'), version: 0 },
			session,
			bob,
			sampled,
		);
		const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }];
		await replica.call({ kind: 'setACL', path: '/config/db', acl, version: -1 }, session, bob);
		await replica.call(
			{ kind: 'create', path: '/config/web', data: data('{"replicas": 3}'), ...persistent },
			session,
			bob,
		);
		mirror.committed(replica.host.lastProcessedZxid);
		await mirror.mirroredThrough(replica.host.lastProcessedZxid);
	} finally {
		await mirror.stop();
		await replica.close();
	}
	client = new pg.Client({ connectionString: database.url });
	await client.connect();
});
afterAll(async () => {
	await client?.end();
	await database?.drop();
	rmSync(work, { recursive: true, force: true });
});

describe('docs/sql.md', () => {
	it.each(examples())('line $line', async ({ sql, rows }) => {
		const result = await client.query(sql);
		if (rows) expect(result.rowCount, sql).toBeGreaterThan(0);
		else expect(result.rows, sql).toEqual([]);
	});

	it('refers to every table, column and function (CK_REWRITE=1 writes the reference anew)', async () => {
		const begin = '<!-- reference: written by test/integration/sql-examples.spec.ts with CK_REWRITE=1 -->\n';
		const end = '<!-- end of reference -->';
		const [before, rest] = document.split(begin) as [string, string];
		const [reference, after] = rest.split(end) as [string, string];
		const written = await referenceOf(database);
		if (process.env.CK_REWRITE === '1') writeFileSync(file, `${before}${begin}${written}${end}${after}`);
		else expect(reference).toBe(written);
	});
});

async function referenceOf({ query }: TestDatabase): Promise<string> {
	const columns = await query<{ table: string; says: string; column: string; type: string; means: string }>(
		`select c.relname as table, obj_description(c.oid) as says, a.attname as column, format_type(a.atttypid, null) as type, col_description(c.oid, a.attnum) as means
		from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
		where c.relnamespace = 'chronokeeper'::regnamespace and c.relkind in ('r', 'p', 'v') and not c.relispartition and c.relname not like 'kysely%'
		order by array_position(array['txn', 'change', 'znode_version', 'acl', 'session', 'epoch', 'snapshot', 'snapshot_node', 'snapshot_session', 'gap', 'mirror_cursor', 'ledger', 'checkpoint'], c.relname::text), c.relname, a.attnum`,
	);
	const functions = await query<{ signature: string; says: string; result: string }>(
		`select p.proname || '(' || string_agg(distinct pg_get_function_arguments(p.oid), ') or (') || ')' as signature, min(obj_description(p.oid)) as says,
			min(case when p.proretset and 't' = any (p.proargmodes) then 'rows: ' || array_to_string((select array_agg(n) from unnest(p.proargnames, p.proargmodes) as x (n, m) where m = 't'), ', ') else pg_get_function_result(p.oid) end) as result
		from pg_proc p where p.pronamespace = 'chronokeeper'::regnamespace group by p.proname order by min(p.oid)`,
	);
	const cell = (text: string) => text.replaceAll('|', '\\|');
	const parts: string[] = [];
	for (const table of new Set(columns.map((it) => it.table))) {
		const own = columns.filter((it) => it.table === table);
		parts.push(`\n### \`${table}\`\n\n${own[0]!.says}\n\n| column | type | |\n|---|---|---|`);
		parts.push(
			...own.map(
				({ column, type, means }) =>
					`| \`${column}\` | ${type.replace('timestamp with time zone', 'timestamptz')} | ${cell(means)} |`,
			),
		);
	}
	parts.push('\n## Functions\n\n| function | gives | |\n|---|---|---|');
	parts.push(
		...functions.map(({ signature, says, result }) => `| \`${cell(signature)}\` | ${cell(result)} | ${cell(says)} |`),
	);
	return `${parts.join('\n')}\n\n`;
}
