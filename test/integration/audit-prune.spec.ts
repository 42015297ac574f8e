/** `ck audit prune`, and the whole life of a history in a database whose owner is nobody special. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrateToLatest } from '#audit/migrate';
import { type Mirror, startMirror } from '#audit/mirror';
import { makeZxid } from '#core/model/zxid';
import { ckHere, objects } from '#test/support/ck';
import { generateLog, mixedWorkload } from '#test/support/generated-log';
import { createDatabase, type TestDatabase } from '#test/support/postgres';

const work = mkdtempSync(path.join(tmpdir(), 'ck-prune-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const txns = 3_500;

async function mirrorInto(url: string): Promise<Mirror> {
	const dataDir = mkdtempSync(path.join(work, 'data-'));
	await generateLog(dataDir, txns, mixedWorkload(), 1, Date.parse('2026-01-01T00:00:00Z'));
	const mirror = startMirror({ databaseUrl: url, dataDir, partitions: { rows: 1_000 } });
	for (let n = 500; n <= txns; n += 500) {
		mirror.committed(makeZxid(0, n));
		await mirror.mirroredThrough(makeZxid(0, n));
	}
	return mirror;
}

describe('ck audit prune', () => {
	let database: TestDatabase;
	const prune = (...args: string[]) => ckHere(['audit', 'prune', '--database', database.url, ...args]);

	beforeAll(async () => {
		database = await createDatabase();
		await (await mirrorInto(database.url)).stop();
	});
	afterAll(() => database.drop());

	it('wants to know what is to be kept', async () => {
		expect(await prune()).toMatchObject({ status: 2, stdout: '' });
		expect(await prune('--before', 'yesterday')).toMatchObject({ status: 2 });
		expect(await prune('--max-size', '5')).toMatchObject({ status: 2 });
	});

	it('packs what is full, once', async () => {
		const pack = (...args: string[]) => ckHere(['audit', 'pack', '--database', database.url, ...args]);
		const check = () => ckHere(['audit', 'check', '--no-cluster', '--database', database.url]);
		expect((await pack('--dry-run')).stdout).toMatch(/^(\w+_\d: .*\n){9}Would pack .*\.\n$/);
		expect((await check()).stdout).toMatch('0 of 3 partitions that are full are packed.');
		expect((await pack()).stdout).toMatch(/^(\w+_\d: .*, now .*\n){9}Packed .* into .*\.\n$/);
		expect((await check()).stdout).toMatch('3 of 3 partitions that are full are packed.');
		expect((await pack()).stdout).toBe('Nothing to pack: no partition is full that is not packed.\n');
		expect(objects((await pack('--json')).stdout)).toEqual([]);
	});

	it('says what would go, and what is in the way of more', async () => {
		const { stdout } = await prune('--before', '0x7d2', '--dry-run');
		expect(stdout).toMatch(/^Would remove the transactions up to 0x7d1, of .*: about .* in 2 partitions, .* of .*\.\n/);
		expect(stdout).toMatch('The history would begin with the tree right after 0x7d1.');
		expect((await prune('--before', '0x100', '--dry-run')).stdout).toBe(
			'Nothing to remove. The oldest partition ends with 0x3e9, and something of it is to be kept.\n',
		);
		const [object] = objects((await prune('--before', '2026-01-01 00:00:01.500Z', '--dry-run', '--json')).stdout);
		expect(object).toMatchObject({
			...{ dryRun: true, through: '0x3e9', throughTime: '2026-01-01T00:00:01.000Z', partitions: 1, nextBound: '0x7d1' },
		});
		expect(await database.query('select from chronokeeper.gap')).toEqual([]);
	});

	it('removes it, and the history says by whom and why', async () => {
		const { status, stdout } = await prune('--keep-last', '2000', '--reason', 'they asked us to forget');
		expect({ status, stdout: stdout.slice(0, 7) }).toEqual({ status: 0, stdout: 'Removed' });
		expect(await database.query('select reason from chronokeeper.gap')).toEqual([
			{ reason: 'ck audit prune, all but the last 2000: they asked us to forget' },
		]);
		expect((await prune('--keep-last', '2000')).stdout).toMatch('Nothing to remove');
		const tree = await ckHere(['tree', '--database', database.url, '--at', '0x100']);
		expect(tree).toMatchObject({ status: 1, stdout: '' });
		expect(tree.stderr).toMatch('0x100 was pruned: the history is kept from 0x3e9 on');
	});
});

describe('the ordinary owner of a database, as on a managed PostgreSQL', () => {
	let database: TestDatabase;
	let owner: string;
	let url: string;

	beforeAll(async () => {
		database = await createDatabase({ migrate: false });
		owner = `owner_${new URL(database.url).pathname.slice(1)}`;
		await database.query(`create role ${owner} login password 'secret' nosuperuser nocreatedb nocreaterole`);
		await database.query(`alter database ${new URL(database.url).pathname.slice(1)} owner to ${owner}`);
		const own = new URL(database.url);
		own.username = owner;
		own.password = 'secret';
		url = own.href;
	});
	afterAll(async () => {
		await database.query(`drop owned by ${owner} cascade`);
		await database.query(`alter database ${new URL(database.url).pathname.slice(1)} owner to current_user`);
		await database.query(`drop role ${owner}`);
		await database.drop();
	});

	it('migrates, mirrors, divides, prunes and verifies', async () => {
		await migrateToLatest(url);
		const mirror = await mirrorInto(url);
		expect(mirror.status().lastError).toBeNull();
		await mirror.stop();
		const pruned = await ckHere(['audit', 'prune', '--database', url, '--keep-last', '1000']);
		expect(pruned).toMatchObject({ status: 0 });
		const client = new pg.Client({ connectionString: url });
		await client.connect();
		const ask = async (sql: string) => (await client.query(sql)).rows as object[];
		expect(await ask('select rolsuper from pg_roles where rolname = current_user')).toEqual([{ rolsuper: false }]);
		expect(await ask('select min(zxid)::int as first, max(zxid)::int as last from chronokeeper.txn')).toEqual([
			{ first: 2002, last: txns },
		]);
		expect(await ask('select * from chronokeeper.verify_chain(2002, 2100)')).toEqual([]);
		expect(await ask(`select extname from pg_extension where extname <> 'plpgsql'`)).toEqual([]);
		await client.end();
		const { status, stdout } = await ckHere(['audit', 'verify', '--database', url]);
		expect(stdout).toMatch('every row is what was mirrored');
		expect(status).toBe(0);
	});
});
