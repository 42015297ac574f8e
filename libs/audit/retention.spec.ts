/** The mirror keeps what it was told to keep, by itself. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { type Mirror, type MirrorOptions, startMirror } from '#audit/mirror';
import { makeZxid } from '#core/model/zxid';
import { generateLog, mixedWorkload } from '#test/support/generated-log';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { Retention } from './retention.ts';

const work = mkdtempSync(path.join(tmpdir(), 'ck-retention-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

let database: TestDatabase;
let mirror: Mirror | undefined;
beforeEach(async () => {
	database = await createDatabase();
});
afterEach(async () => {
	await mirror?.stop();
	await database.drop();
});

const txns = 4_000;

async function mirrored(options: Partial<MirrorOptions>): Promise<void> {
	const dataDir = mkdtempSync(path.join(work, 'data-'));
	mkdirSync(dataDir, { recursive: true });
	await generateLog(dataDir, txns, mixedWorkload(), 1, Date.now() - 86_400_000);
	mirror = startMirror({ databaseUrl: database.url, dataDir, partitions: { rows: 500 }, ...options });
	for (let n = 250; n <= txns; n += 250) {
		mirror.committed(makeZxid(0, n));
		await mirror.mirroredThrough(makeZxid(0, n));
	}
}

async function until(condition: () => Promise<boolean>): Promise<void> {
	while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

const first = async () =>
	Number((await database.query<{ first: string }>('select min(zxid) as first from chronokeeper.txn'))[0]!.first);

it('by age: what is older goes as soon as its partition is complete', async () => {
	await mirrored({ retention: { ageMs: 1, bytes: 0, everyMs: 1 } });
	await until(async () => (await first()) > txns / 2);
	expect(mirror!.status().lastError).toBeNull();
	const [gap] = await database.query('select kind, reason from chronokeeper.gap');
	expect(gap).toMatchObject({ kind: 'pruned' });
	expect(await database.query('select * from chronokeeper.verify_ledger()')).toEqual([]);
	await expect(database.query('select * from chronokeeper.tree_at(10)')).rejects.toThrow('was pruned');
});

it('by size: no more goes than must', async () => {
	await mirrored({});
	await mirror!.stop();
	const sizes = async () =>
		(await database.query<{ bytes: string }>('select bytes from chronokeeper.partitions()')).length;
	const before = await sizes();
	// Nothing is left to do for who does it by itself, and would change what there is.
	await database.query('vacuum analyze');
	const [{ bytes }] = (await database.query<{ bytes: string }>(
		`select sum(pg_total_relation_size(oid)) as bytes from pg_class where relnamespace = 'chronokeeper'::regnamespace and relkind = 'r'`,
	)) as [{ bytes: string }];
	const connect = async () => {
		const client = new pg.Client({ connectionString: database.url });
		await client.connect();
		return client;
	};
	const keepAll = new Retention({ ageMs: 0, bytes: Number(bytes) + 1_000_000 }, connect);
	keepAll.run();
	await keepAll.settled();
	expect(await sizes()).toBe(before);
	const keepMost = new Retention({ ageMs: 0, bytes: Number(bytes) - 1 }, connect);
	keepMost.run();
	await keepMost.settled();
	expect(keepMost.problem).toBeNull();
	expect(await sizes()).toBe(before - 3);
	expect(await first()).toBeGreaterThan(250);
});

it('says why it cannot', async () => {
	await mirrored({});
	await mirror!.stop();
	const connect = async () => {
		const client = new pg.Client({ connectionString: database.url });
		await client.connect();
		await client.query("set default_transaction_read_only = 'on'");
		return client;
	};
	const retention = new Retention({ ageMs: 1, bytes: 0 }, connect);
	retention.run();
	await retention.settled();
	expect(retention.problem).toMatch('the history was not pruned: cannot execute');
});
