/** What is pruned is gone, what is kept says the same as before, wherever a prune dies, and the mirror goes on meanwhile. */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeZxid, type Zxid } from '#core/model/zxid';
import { GrownDatabase, GrownHistory } from '#test/support/grown-history';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { type Partition, PartitionMaker, readPartitions } from './partitions.ts';
import { PruneRefused, prune, resumePrune } from './prune.ts';
import { type PrunePlan, planPrune } from './prune-plan.ts';
import { DatabaseRows } from './verify/database-rows.ts';
import { verify } from './verify/verify.ts';

interface Grown {
	readonly database: TestDatabase;
	readonly history: GrownHistory;
	readonly grown: GrownDatabase;
	readonly maker: PartitionMaker;
}

let own: Grown;
let client: pg.Client;

async function connect(url: string): Promise<pg.Client> {
	const client = new pg.Client({ connectionString: url });
	client.on('error', () => undefined); // Ended on purpose.
	await client.connect();
	return client;
}

/** Partitions of 60, 300 transactions in two epochs. */
async function grow(seed: number): Promise<Grown> {
	const database = await createDatabase();
	const maker = new PartitionMaker({ rows: 60, bytes: 1e12, ageMs: 0 }, () => connect(database.url));
	const grown = new GrownDatabase(database.url, maker);
	const history = new GrownHistory(seed);
	await grown.open();
	for (let i = 0; i < 3; i++) await grown.write(history.more(60));
	await grown.write(history.more(60, 1));
	await grown.write(history.more(60));
	return { database, history, grown, maker };
}

async function drop({ database, grown, maker }: Grown): Promise<void> {
	await maker.settled();
	await grown.close();
	await database.drop();
}

beforeEach(async () => {
	own = await grow(3);
	client = await connect(own.database.url);
});
afterEach(async () => {
	await client.end().catch(() => undefined); // It may have been ended on purpose.
	await drop(own);
});

const query = <Row extends object>(sql: string, parameters: unknown[] = []) => own.database.query<Row>(sql, parameters);

/** All that the functions say of the history from a zxid on. */
async function answers({ database, history }: Grown, from: Zxid): Promise<unknown> {
	const zxids = history.zxids.filter((it) => it >= from);
	const all: unknown[] = [];
	const last = zxids.at(-1)!;
	for (let i = 0; i < zxids.length; i += 37) {
		const z = zxids[i]!;
		all.push(
			await database.query('select path, data, version, cversion, pzxid, acl from chronokeeper.tree_at($1::bigint)', [
				z,
			]),
			await database.query('select path, data from chronokeeper.children_at($1, $2::bigint)', ['/n1', z]),
			await database.query('select path, data, mzxid from chronokeeper.znode_at($1, $2::bigint)', ['/q7', z]),
		);
	}
	all.push(
		await database.query('select * from chronokeeper.diff($1::bigint, $2::bigint)', [from, last]),
		await database.query('select zxid, type, data from chronokeeper.znode_history($1) where zxid > $2', ['/n1', from]),
		await database.query(
			'select t.*, c.* from chronokeeper.txn t left join chronokeeper.change c using (zxid) where t.zxid > $1 order by t.zxid, c.ordinal',
			[from],
		),
		await database.query(
			'select * from chronokeeper.session where closed_zxid is null or closed_zxid > $1 order by session',
			[from],
		),
	);
	return all;
}

async function expectSound({ database, history }: Grown): Promise<void> {
	const [kept] = await database.query<{ first: string }>('select min(zxid) as first from chronokeeper.txn');
	expect(await database.query('select * from chronokeeper.verify_chain(0, $1::bigint + 9)', [kept!.first])).toEqual([]);
	expect(await database.query('select * from chronokeeper.verify_ledger()')).toEqual([]);
	const whole = await DatabaseRows.open(database.url);
	expect((await verify(whole)).findings).toEqual([]);
	await whole.close();
	const rows = await database.query<{ path: string; data: Buffer | null }>(
		'select path, data from chronokeeper.tree_at($1::bigint)',
		[history.zxid],
	);
	const paths = [...history.tree.paths()].sort();
	expect(rows.map((it) => it.path)).toEqual(paths);
	for (const { path, data } of rows) {
		const expected = history.tree.data(path) ?? null;
		expect(data, path).toEqual(expected === null ? null : Buffer.from(expected));
	}
	const overlapping = await database.query(
		`select path, from_zxid from (
			select path, from_zxid, to_zxid, lead(from_zxid) over (partition by path order by from_zxid) as next from chronokeeper.znode_version
		) v where next < to_zxid or (to_zxid is null and next is not null)`,
	);
	expect(overlapping).toEqual([]);
}

const keepLast = async (count: number): Promise<PrunePlan> => planPrune(client, { keepLast: count });

describe('what may go', () => {
	it('is whole partitions, and never the one that is filled', async () => {
		const partitions = await readPartitions(client);
		expect(partitions.map((it) => it.to)).toEqual([...[61, 121, 181], ...[makeZxid(1, 61), makeZxid(1, 121), null]]);
		const through = async (request: Parameters<typeof planPrune>[1]) => (await planPrune(client, request)).through;
		expect(await through({})).toBeNull();
		expect(await through({ before: 121 as Zxid })).toBe(61);
		expect(await through({ before: 122 as Zxid })).toBe(121);
		expect(await through({ before: 61 as Zxid })).toBeNull();
		expect(await through({ before: makeZxid(9, 1) })).toBe(makeZxid(1, 61));
		expect(await through({ keepLast: 179 })).toBe(121);
		expect(await through({ keepLast: 180 })).toBe(61);
		expect(await through({ keepLast: 0 })).toBe(makeZxid(1, 61));
		const timeOf = async (zxid: number) =>
			Number((await query<{ time: Date }>('select time from chronokeeper.txn where zxid = $1', [zxid]))[0]!.time);
		expect(await through({ beforeMs: (await timeOf(121)) + 1 })).toBe(121);
		expect(await through({ beforeMs: await timeOf(121) })).toBe(61);
		expect(await through({ beforeMs: await timeOf(121), before: makeZxid(9, 1) })).toBe(61);
		const { totalBytes } = await planPrune(client, { keepLast: 0 });
		expect(await through({ maxBytes: totalBytes })).toBeNull();
		expect(await through({ maxBytes: totalBytes - 1 })).toBe(61);
		expect(await through({ maxBytes: totalBytes - partitions[0]!.bytes - 1 })).toBe(121);
		expect(await through({ maxBytes: 0 })).toBe(makeZxid(1, 61));
	});
});

it('leaves all answers from the cut on as they were, and says of the rest that it was pruned', async () => {
	const plan = await keepLast(150);
	expect(plan).toMatchObject({ through: 121 });
	const before = await answers(own, 121 as Zxid);
	await prune(client, plan, { reason: 'of the test' });
	expect(await answers(own, 121 as Zxid)).toEqual(before);
	await expectSound(own);
	expect((await readPartitions(client)).map((it) => it.from)).toEqual([121, 181, makeZxid(1, 61), makeZxid(1, 121)]);
	for (const sql of [
		'select * from chronokeeper.tree_at(120)',
		`select * from chronokeeper.znode_at('/n1', 120)`,
		`select * from chronokeeper.children_at('/n1', 0)`,
		'select * from chronokeeper.diff(60, 150)',
	]) {
		await expect(query(sql), sql).rejects.toThrow('was pruned: the history is kept from 0x79 on: of the test');
	}
	expect(await query('select after_zxid, through_zxid, kind, reason from chronokeeper.gap')).toEqual([
		{ after_zxid: '0', through_zxid: '121', kind: 'pruned', reason: 'of the test' },
	]);
	expect(await query('select min(zxid) as first from chronokeeper.txn')).toEqual([{ first: '122' }]);
	expect(await query('select from chronokeeper.session where closed_zxid <= 121')).toEqual([]);
	// The chain is verified from the cut on: another hash there is found.
	await query(`update chronokeeper.ledger set content = sha256(content) where kind = 'pruned'`);
	expect(await query('select zxid from chronokeeper.verify_chain(0, 130)')).toEqual([{ zxid: '122' }]);
});

it('can be done again and again, while the history goes on', async () => {
	for (const count of [200, 150, 90]) {
		await prune(client, await keepLast(count), { reason: `but ${count}` });
		await own.grown.write(own.history.more(20));
		await expectSound(own);
	}
	const [cut] = await query<{ zxid: string }>(
		'select through_zxid as zxid from chronokeeper.gap order by through_zxid desc',
	);
	await answers(own, Number(cut!.zxid) as Zxid);
	expect(await query('select distinct snapshot_zxid from chronokeeper.snapshot_node')).toEqual([
		{ snapshot_zxid: cut!.zxid },
	]);
	expect(await keepLast(1000)).toMatchObject({ through: null });
});

describe('a prune that dies', () => {
	let control: Grown;
	let steps: string[];

	beforeAll(async () => {
		control = await grow(3);
		const pruner = await connect(control.database.url);
		steps = [];
		await prune(pruner, await planPrune(pruner, { keepLast: 150 }), {
			reason: 'of the test',
			step: (step) => void steps.push(step),
		});
		await pruner.end();
		await control.grown.write(control.history.more(30));
	});
	afterAll(() => drop(control));

	const names = [
		'split',
		'record',
		...['txn', 'change', 'znode_version'].flatMap((it) => [`detach ${it}`, `drop ${it}`]),
		'sessions',
	];

	it('has steps at which it can', async () => {
		expect([...new Set(steps)]).toEqual(names);
		expect(await control.database.query('select * from chronokeeper.verify_chain(0, 9223372036854775807)')).toEqual([]);
	});

	/** The last of each kind; all of them when there is time. */
	const deaths = names.flatMap((name) =>
		(process.env.LONG_SPECS === '1' ? [0, 1, 2, 3] : [3]).map((nth) => ({ name, nth })),
	);
	it.each(deaths)(
		'is finished by the next, after it died before $name ($nth), and the history goes on between',
		async ({ name, nth }) => {
			const all = steps.flatMap((step, at) => (step === name ? [at] : []));
			const at = all[Math.min(nth, all.length - 1)]!;
			let count = 0;
			const step = async () => {
				if (count++ !== at) return;
				const [{ pid }] = (await client.query('select pg_backend_pid() as pid')).rows as [{ pid: number }];
				await query('select pg_terminate_backend($1)', [pid]);
			};
			const plan = await keepLast(150);
			await expect(prune(client, plan, { reason: 'of the test', step })).rejects.toThrow(/terminat|connection/);
			await own.grown.write(own.history.more(30));
			await expectSound(own);
			const next = await connect(own.database.url);
			await resumePrune(next, { reason: 'of the test' });
			await prune(next, plan, { reason: 'of the test' });
			await next.end();
			await expectSound(own);
			expect(await answers(own, 121 as Zxid)).toEqual(await answers(control, 121 as Zxid));
			const left = await query(
				`select relname from pg_class where relname ~ '_\\d+$' and relkind = 'r' and not relispartition and relnamespace = 'chronokeeper'::regnamespace`,
			);
			expect(left).toEqual([]);
		},
	);
});

it('is finished where a partition was being detached: a reader was in the way, and the pruner died', async () => {
	const reader = await connect(own.database.url);
	await reader.query('begin; select count(*) from chronokeeper.txn');
	const pruning = prune(client, await keepLast(150), { reason: 'of the test' });
	const waiting = async () =>
		(await query<{ pid: number }>(
			`select pid from pg_stat_activity where datname = current_database() and query like '%detach partition chronokeeper.txn%concurrently' and wait_event_type = 'Lock'`,
		)) as { pid: number }[];
	let pids: { pid: number }[] = [];
	while (pids.length === 0) pids = await waiting();
	// Whoever comes now is not in its way.
	expect(await query('select count(*)::int from chronokeeper.txn where zxid > 121')).toEqual([{ count: 179 }]);
	await own.grown.write(own.history.more(10));
	const died = pruning.catch((error: Error) => error.message);
	await query('select pg_terminate_backend($1)', [pids[0]!.pid]);
	expect(await died).toMatch(/terminat|connection/);
	await reader.query('commit');
	await reader.end();
	expect(await query('select from pg_inherits where inhdetachpending')).toHaveLength(1);
	const next = await connect(own.database.url);
	await resumePrune(next, { reason: 'of the test' });
	await next.end();
	await expectSound(own);
	expect((await readPartitions(own.grown.client)).map((it) => it.from)[0]).toBe(121);
});

it('loses nothing to a mirror that ends versions at the same time', async () => {
	let steps = 0;
	const pruning = prune(client, await keepLast(90), { reason: 'of the test', step: () => void steps++ });
	let done = false;
	const ended = pruning.finally(() => {
		done = true;
	});
	while (!done) await own.grown.write(own.history.more(5));
	await ended;
	expect(steps).toBeGreaterThan(3);
	await expectSound(own);
});

it('removes nothing when the tree is not the one that the cluster had', async () => {
	await query(
		`update chronokeeper.znode_version set version = version + 1 where path = '/zookeeper' and from_zxid < 121 and (to_zxid is null or to_zxid > 121)`,
	);
	await expect(prune(client, await keepLast(150), { reason: 'of the test' })).rejects.toThrow(PruneRefused);
	expect(await query('select from chronokeeper.gap')).toEqual([]);
	expect(await query('select min(zxid) as first from chronokeeper.txn')).toEqual([{ first: '1' }]);
});

it('is done by one at a time', async () => {
	const other = await connect(own.database.url);
	const plan = await keepLast(150);
	let refused: unknown;
	await prune(client, plan, {
		reason: 'of the test',
		step: async (step) => {
			if (step === 'record') refused = await prune(other, plan, { reason: 'of another' }).catch((error) => error);
		},
	});
	await other.end();
	expect(refused).toBeInstanceOf(PruneRefused);
});

it('begins behind a gap that it would begin in', async () => {
	const bound = (await readPartitions(client)).map((it: Partition) => it.to)[2]! as Zxid;
	const gap = { afterZxid: own.history.zxid, throughZxid: makeZxid(3, 0) };
	expect(bound).toBe(181);
	await own.grown.goOnBehindGap(own.history, gap.throughZxid);
	for (let i = 0; i < 6; i++) await own.grown.write(own.history.more(30, 3));
	const before = await answers(own, gap.throughZxid);
	const plan = await keepLast(90);
	await prune(client, plan, { reason: 'of the test' });
	expect(plan.through).toBeGreaterThanOrEqual(gap.throughZxid);
	expect(before).toBeDefined();
	await expectSound(own);
});
