/** All migrations together are schema.sql, and every table and column says what it is. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrateToLatest } from '#audit/migrate';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { schemaFile, wantedSchema } from '#test/support/wanted-schema';
import { describeSchema } from './describe-schema.ts';
import { migrations } from './index.ts';

let migrated: TestDatabase;

beforeAll(async () => {
	migrated = await createDatabase();
});
afterAll(() => migrated.drop());

it('equals schema.sql (CK_REWRITE=1 writes it anew)', async () => {
	const described = await describeSchema((sql) => migrated.query(sql));
	if (process.env.CK_REWRITE === '1') writeFileSync(schemaFile, described);
	expect(described).toBe(await wantedSchema());
});

it('schema.sql by itself makes the same database', async () => {
	const fresh = await createDatabase({ migrate: false });
	try {
		await fresh.query(readFileSync(schemaFile, 'utf8'));
		expect(await describeSchema((sql) => fresh.query(sql))).toBe(await describeSchema((sql) => migrated.query(sql)));
	} finally {
		await fresh.drop();
	}
});

it('runs each migration once', async () => {
	expect(await migrateToLatest(migrated.url)).toEqual({ applied: [], notices: [] });
	const names = await migrated.query<{ name: string }>('select name from chronokeeper.kysely_migration order by name');
	expect(names.map((it) => it.name)).toEqual(Object.keys(migrations));
});

it('has a comment on every table, view, column and function', async () => {
	const silent = await migrated.query(
		`select c.relname || coalesce('.' || a.attname, '') as what from pg_class c
		join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'chronokeeper'
		left join lateral (
			select null as attname, 0 as attnum union all
			select a.attname, a.attnum from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		) a on true
		where c.relkind in ('r', 'p', 'v') and not c.relispartition and c.relname not like 'kysely%' and col_description(c.oid, a.attnum) is null and a.attnum > 0
			or c.relkind in ('r', 'p', 'v') and not c.relispartition and c.relname not like 'kysely%' and a.attnum = 0 and obj_description(c.oid, 'pg_class') is null
		union all
		select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace and n.nspname = 'chronokeeper'
		where obj_description(p.oid, 'pg_proc') is null`,
	);
	expect(silent).toEqual([]);
});

it('takes zxids as hexadecimal text, decimal text and numbers', async () => {
	const [row] = await migrated.query(
		`select chronokeeper.zxid('0x500000012') as hex, chronokeeper.zxid('21474836498') as decimal, chronokeeper.zxid(21474836498) as number,
			chronokeeper.zxid_hex(21474836498) as shown, chronokeeper.zxid_epoch(21474836498) as epoch, chronokeeper.zxid_counter(21474836498) as counter,
			chronokeeper.session_id('0xffffffffffffffff') as session, chronokeeper.session_hex(-1) as owner, chronokeeper.session_id('18446744073709551615') as unsigned`,
	);
	expect(row).toEqual({
		...{
			hex: '21474836498',
			decimal: '21474836498',
			number: '21474836498',
			shown: '0x500000012',
			epoch: 5,
			counter: '18',
		},
		...{ session: '-1', owner: '0xffffffffffffffff', unsigned: '-1' },
	});
	await expect(migrated.query(`select chronokeeper.zxid('5f')`)).rejects.toThrow(
		'"5f" is not a zxid: write hexadecimal like 0x500000012, or decimal',
	);
});

it('gives versions the same class as the mirror does', async () => {
	const rows = await migrated.query<{ span: number; zxids: string }>(
		`select chronokeeper.version_span(z) as span, z as zxids from (select (4::bigint ^ k)::bigint + d as z from generate_series(0, 26) k, unnest(array[-1, 0, 1]) d) x where z > 0`,
	);
	const { spanOf } = await import('#audit/rows');
	expect(rows.length).toBeGreaterThan(75);
	for (const { span, zxids } of rows) expect(span, zxids).toBe(spanOf(Number(zxids)));
});
