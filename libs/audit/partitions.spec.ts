/** Partitions are made ahead of what is written, and nobody is locked out for it. */
import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Zxid } from '#core/model/zxid';
import { GrownDatabase, GrownHistory } from '#test/support/grown-history';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import {
	type Partition,
	type PartitionLimits,
	PartitionMaker,
	readPartitions,
	recoverPartitions,
} from './partitions.ts';

let database: TestDatabase;
let history: GrownHistory;
let grown: GrownDatabase;
let maker: PartitionMaker;
const epoch = (n: number) => n * 2 ** 32;

beforeEach(async () => {
	database = await createDatabase();
	history = new GrownHistory(1);
});
afterEach(async () => {
	await maker.settled();
	await grown.close();
	await database.drop();
});

async function connect(): Promise<pg.Client> {
	const client = new pg.Client({ connectionString: database.url });
	await client.connect();
	return client;
}

async function open(limits: Partial<PartitionLimits>): Promise<void> {
	maker = new PartitionMaker({ rows: 1000, bytes: 1e12, ageMs: 0, ...limits }, connect);
	grown = new GrownDatabase(database.url, maker);
	await grown.open();
}

const bounds = (partitions: readonly Partition[]) => partitions.map(({ from, to }) => [from, to]);
const partitions = async () => bounds(await readPartitions(grown.client));

/** Every zxid has its row, and each is where the bounds say. */
async function expectAll(): Promise<void> {
	const rows = await database.query<{ zxid: string }>('select zxid from chronokeeper.txn order by zxid');
	expect(rows.map((it) => Number(it.zxid))).toEqual(history.zxids);
	expect(await database.query('select * from chronokeeper.verify_chain(0, 20)')).toEqual([]);
	const { rows: tables } = await grown.client.query<{ partition: string; from_zxid: string; to_zxid: string }>(
		'select partition, from_zxid, to_zxid from chronokeeper.partitions()',
	);
	for (const { partition, from_zxid, to_zxid } of tables) {
		const key = partition.startsWith('znode') ? 'from_zxid' : 'zxid';
		const [row] = await database.query(
			`select count(*)::int as strays from chronokeeper.${partition} where ${key} < $1 or ${key} >= $2`,
			[from_zxid ?? 0, to_zxid ?? Number.MAX_SAFE_INTEGER],
		);
		expect(row, partition).toEqual({ strays: 0 });
	}
}

it('is bounded before the first row comes, and the next one is there', async () => {
	await open({ rows: 200 });
	await grown.write(history.more(10));
	expect(await partitions()).toEqual([
		[null, 201],
		[201, null],
	]);
	await grown.write(history.more(180));
	expect(await partitions()).toHaveLength(2);
	for (let i = 0; i < 15; i++) await grown.write(history.more(40));
	expect(await partitions()).toEqual([
		[null, 201],
		[201, 401],
		[401, 601],
		[601, 801],
		[801, null],
	]);
	await expectAll();
});

it('takes in the epoch after an election while it has few rows, and ends with it when it has many', async () => {
	await open({});
	for (let n = 0; n < 5; n++) {
		await grown.write(history.more(1, n));
		await grown.write(history.more(19));
	}
	expect(await partitions()).toEqual([
		[null, epoch(4) + 1001],
		[epoch(4) + 1001, null],
	]);
	await grown.write(history.more(500));
	await grown.write(history.more(10, 5));
	expect(await partitions()).toEqual([
		[null, epoch(4) + 1001],
		[epoch(4) + 1001, epoch(5) + 1001],
		[epoch(5) + 1001, null],
	]);
	await expectAll();
});

it('lets the rows go where there is room while a reader is in the way, and makes the partition when it is gone', async () => {
	await open({});
	const reader = await connect();
	await reader.query('begin; select count(*) from chronokeeper.txn');
	await grown.write(history.more(50));
	expect(await partitions()).toEqual([[null, null]]);
	await reader.query('commit');
	await reader.end();
	await grown.write(history.more(50));
	expect(await partitions()).toEqual([
		[null, 1051],
		[1051, null],
	]);
	await expectAll();
});

it('is ended where the history is a little later, when it became too large before its time: proved while writing goes on', async () => {
	await open({});
	await grown.write(history.more(50));
	await grown.write(history.more(700));
	// Wider than now, as after another configuration.
	maker = new PartitionMaker({ rows: 400, bytes: 1e12, ageMs: 0, quickBytes: 0, proofZxids: 100 }, connect);
	const { from } = await reopened();
	expect(await constraints()).toEqual([]);
	await grown.write(history.more(10));
	expect(await constraints()).toEqual(['change_1', 'txn_1', 'znode_version_1']);
	await maker.settled();
	await grown.write(history.more(10));
	expect(await partitions()).toEqual([
		[null, from + 100],
		[from + 100, null],
	]);
	expect(await constraints()).toEqual([]);
	await grown.write(history.more(200));
	await expectAll();
});

it('waits for the proof when a batch reaches the bound that is being proved', async () => {
	await open({});
	await grown.write(history.more(300));
	maker = new PartitionMaker({ rows: 100, bytes: 1e12, ageMs: 0, quickBytes: 0, proofZxids: 100 }, connect);
	await reopened();
	await grown.write(history.more(10));
	await grown.write(history.more(500));
	expect(await partitions()).toEqual([
		[null, 400],
		[400, 811],
		[811, null],
	]);
	await expectAll();
});

it('takes away what a writer that died had begun to prove', async () => {
	await open({});
	await grown.write(history.more(10));
	await database.query('alter table chronokeeper.txn_1 add constraint bounded check (zxid < 15) not valid');
	await expect(
		database.query(
			"insert into chronokeeper.txn (zxid, epoch, time, session, cxid, type, error, door, hash) values (15, 0, now(), 0, 0, '', 0, '', '')",
		),
	).rejects.toThrow('bounded');
	await recoverPartitions(grown.client);
	await grown.write(history.more(10));
	await expectAll();
});

it('is ended by age', async () => {
	await open({ ageMs: 1000 });
	await grown.write(history.more(10));
	await reopened({ ageMs: 1000 });
	await grown.write(history.more(10));
	expect(await partitions()).toEqual([
		[null, 11],
		[11, 1011],
		[1011, null],
	]);
	await expectAll();
});

it('is not made by who may not: everything else goes on', async () => {
	await open({});
	const role = `writer_${process.pid}`;
	await database.query(`create role ${role}`);
	await database.query(`grant usage on schema chronokeeper to ${role}`);
	await database.query(`grant all on all tables in schema chronokeeper to ${role}`);
	try {
		await grown.client.query(`set role ${role}`);
		await grown.write(history.more(10));
		await grown.write(history.more(10));
		expect(maker.refused).toMatch('must be owner');
		await grown.client.query('reset role');
		expect(await partitions()).toEqual([[null, null]]);
		await expectAll();
	} finally {
		await database.query(`drop owned by ${role}; drop role ${role}`);
	}
});

/** As when the mirror's limits are others after a restart; looked at before the next batch. */
async function reopened(limits?: Partial<PartitionLimits>): Promise<{ readonly from: Zxid }> {
	if (limits !== undefined) maker = new PartitionMaker({ rows: 1000, bytes: 1e12, ageMs: 0, ...limits }, connect);
	await grown.client.query('analyze chronokeeper.txn');
	grown.makePartitionsWith(maker);
	return { from: history.zxid };
}

async function constraints(): Promise<string[]> {
	const rows = await database.query<{ name: string }>(
		`select conrelid::regclass::text as name from pg_constraint where conname = 'bounded' order by 1`,
	);
	return rows.map((it) => it.name.replace('chronokeeper.', ''));
}
