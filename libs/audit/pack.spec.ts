/** What is packed says the same as before, takes less, and lets the mirror and readers go on, wherever a pack dies. */
import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GrownDatabase, GrownHistory } from '#test/support/grown-history';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { type PackOptions, PackRefused, pack, packable } from './pack.ts';
import { Packing } from './packing.ts';
import { PartitionMaker } from './partitions.ts';
import { prune } from './prune.ts';
import { planPrune } from './prune-plan.ts';
import { DatabaseRows } from './verify/database-rows.ts';
import { verify } from './verify/verify.ts';

let database: TestDatabase;
let history: GrownHistory;
let grown: GrownDatabase;
let maker: PartitionMaker;
let client: pg.Client;

async function connect(): Promise<pg.Client> {
	const client = new pg.Client({ connectionString: database.url });
	client.on('error', () => undefined); // Ended on purpose.
	await client.connect();
	return client;
}

/** Partitions of 60, 300 transactions in two epochs. */
beforeEach(async () => {
	database = await createDatabase();
	maker = new PartitionMaker({ rows: 60, bytes: 1e12, ageMs: 0 }, connect);
	grown = new GrownDatabase(database.url, maker);
	history = new GrownHistory(5);
	await grown.open();
	for (let i = 0; i < 3; i++) await grown.write(history.more(60));
	await grown.write(history.more(60, 1));
	await grown.write(history.more(60));
	client = await connect();
});
afterEach(async () => {
	await client.end().catch(() => undefined); // It may have been ended on purpose.
	await maker.settled();
	await grown.close();
	await database.drop();
});

const query = <Row extends object>(sql: string, parameters: unknown[] = []) => database.query<Row>(sql, parameters);

/** Every row of the three tables, the answers of the functions, the indexes. */
async function everything(): Promise<unknown[]> {
	return [
		await query('select * from chronokeeper.txn order by zxid'),
		await query('select * from chronokeeper.change order by zxid, ordinal'),
		await query('select * from chronokeeper.znode_version order by path, from_zxid'),
		await query(`select path, data, acl from chronokeeper.tree_at($1::bigint)`, [history.zxids[100]!]),
		await query(`select * from chronokeeper.znode_history('/n1')`),
		await query(
			`select c.relname, p.relname as parent from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
			where c.relkind = 'i' and c.relnamespace = 'chronokeeper'::regnamespace order by 1`,
		),
	];
}

async function packAll(options: PackOptions = {}): Promise<void> {
	for (const what of await packable(client)) if (!what.isPacked) await pack(client, connect, what, options);
}

async function expectSound(): Promise<void> {
	expect(await query('select * from chronokeeper.verify_chain(0, $1)', [history.zxid])).toEqual([]);
	const whole = await DatabaseRows.open(database.url);
	expect((await verify(whole)).findings).toEqual([]);
	await whole.close();
	const rows = await query<{ path: string }>('select path from chronokeeper.tree_at($1::bigint)', [history.zxid]);
	expect(rows.map((it) => it.path)).toEqual([...history.tree.paths()].sort());
}

const leftOver = () => query(`select relname from pg_class where relname ~ '_packed'`);

it('all that was there is there, in the order that is asked for, with the same indexes; the mirror and a prune go on with it', async () => {
	const before = await everything();
	expect((await packable(client)).map((it) => it.partition)).toHaveLength(3 * 4);
	expect(await packable(client, 1)).toHaveLength(3 * 3);
	await packAll();
	expect(await everything()).toEqual(before);
	expect((await packable(client)).every((it) => it.isPacked)).toBe(true);
	expect(await query('select count(*)::int as n from chronokeeper.partitions() where packed')).toEqual([{ n: 12 }]);
	expect(await leftOver()).toEqual([]);
	await expectSound();
	for (let i = 0; i < 3; i++) await grown.write(history.more(60));
	await expectSound();
	await packAll();
	await prune(client, await planPrune(client, { before: history.zxids[200]! }), { reason: 'it is old' });
	await expectSound();
});

it('leaves nothing free between columns, in pages and in indexes', async () => {
	const partition = (await packable(client))[0]!.partition;
	const number = partition.slice(partition.lastIndexOf('_') + 1);
	const sizes = async () => {
		const [rows] = await query<{ size: string }>(
			`select sum(pg_column_size(t.*)) as size from chronokeeper.txn_${number} t`,
		);
		return Number(rows!.size);
	};
	const before = await sizes();
	await packAll();
	expect(await sizes()).toBeLessThan(before);
	const loose = await query(
		`select c.relname from pg_inherits i join pg_class p on p.oid = i.inhparent and p.relname in ('txn', 'change', 'znode_version')
		join pg_index x on x.indrelid = i.inhrelid join pg_class c on c.oid = x.indexrelid join pg_am m on m.oid = c.relam and m.amname = 'btree'
		where c.relname ~ '_${number}_' and c.reloptions is distinct from array['fillfactor=100']`,
	);
	expect(loose).toEqual([]);
});

it('takes over what the mirror ends while it copies', async () => {
	let written = 0;
	await packAll({
		step: async (step) => {
			if (!step.startsWith('freeze znode_version')) return;
			await grown.write(history.more(30));
			written++;
		},
	});
	expect(written).toBeGreaterThanOrEqual(4);
	await expectSound();
});

it('waits for a snapshot that is older than the copy, which would not see it, and is refused when that stays', async () => {
	const reader = await connect();
	await reader.query('begin isolation level repeatable read');
	const [before] = (await reader.query('select count(*)::int as n from chronokeeper.txn')).rows as { n: number }[];
	const [what] = (await packable(client)).filter((it) => it.table === 'change');
	await expect(pack(client, connect, what!, { patienceMs: 300 })).rejects.toThrow(
		`${what!.partition} was not packed: a transaction that is older than the copy is still open`,
	);
	expect(await leftOver()).toEqual([]);
	expect((await reader.query('select count(*)::int as n from chronokeeper.txn')).rows).toEqual([before]);
	await reader.query('commit');
	// One that begins behind the copy sees it, although its rows are not older than itself.
	const [txns] = (await packable(client)).filter((it) => it.table === 'txn');
	await pack(client, connect, txns!, {
		step: async (step) => {
			if (!step.startsWith('locked')) return;
			await reader.query('begin isolation level repeatable read');
			await reader.query('select 1');
		},
	});
	expect((await reader.query('select count(*)::int as n from chronokeeper.txn')).rows).toEqual([before]);
	await reader.end();
	await expectSound();
});

it('gives way to a reader that holds the table, and to a prune', async () => {
	const reader = await connect();
	const [what] = await packable(client);
	let tried = 0;
	await pack(client, connect, what!, {
		step: async (step) => {
			if (!step.startsWith('locked')) return;
			if (tried++ === 0) await reader.query(`begin; lock table chronokeeper.${what!.table} in access share mode`);
			else await reader.query('commit');
		},
	});
	expect(tried).toBe(2);
	await reader.query(`select pg_advisory_lock(hashtext('chronokeeper.prune'))`);
	await expect(packAll()).rejects.toThrow(PackRefused);
	await reader.end();
});

/** Of the process that serves a connection. */
const pidOf = (connection: pg.Client) => (connection as unknown as { readonly processID: number }).processID;

it('leaves the history whole wherever it dies, and the next one takes away what is left', async () => {
	const before = await everything();
	const steps: string[] = [];
	const [what] = (await packable(client)).filter((it) => it.table === 'znode_version');
	await pack(client, connect, what!, { step: (step) => void steps.push(step) });
	expect(new Set(steps.map((it) => it.split(' ')[0]))).toEqual(new Set(['copy', 'freeze', 'locked', 'swapped']));
	for (const fatal of ['freeze', 'locked', 'swapped']) {
		const [next] = (await packable(client)).filter((it) => it.table === 'znode_version' && !it.isPacked);
		const own: pg.Client[] = [client];
		const remembered = async () => {
			const second = await connect();
			own.push(second);
			return second;
		};
		const dying = pack(client, remembered, next!, {
			step: async (step) => {
				if (!step.startsWith(fatal)) return;
				await query('select pg_terminate_backend(p) from unnest($1::int[]) p', [own.map((it) => pidOf(it))]);
			},
		});
		await expect(dying).rejects.toThrow(/terminat|not queryable|Connection/);
		expect(await everything()).toEqual(before);
		client = await connect();
	}
	await packAll();
	expect(await everything()).toEqual(before);
	expect(await leftOver()).toEqual([]);
	await expectSound();
});

it('refuses a copy that is not what it was made from', async () => {
	const [what] = (await packable(client)).filter((it) => it.table === 'txn');
	await query(
		`create function chronokeeper.forge() returns trigger language plpgsql as $$ begin new.cxid := 77; return new; end $$`,
	);
	await query(`create function chronokeeper.add_forger() returns event_trigger language plpgsql as $$ begin
		if to_regclass('chronokeeper.${what!.partition}_packed') is not null and not exists (select from pg_trigger where tgname = 'forge') then
			execute 'create trigger forge before insert on chronokeeper.${what!.partition}_packed for each row execute function chronokeeper.forge()';
		end if; end $$`);
	await query(
		`create event trigger forger on ddl_command_end when tag in ('CREATE TABLE') execute function chronokeeper.add_forger()`,
	);
	await expect(pack(client, connect, what!)).rejects.toThrow(/rows of the copy are not those of/);
	expect(await leftOver()).toEqual([]);
	await expectSound();
});

it('packs nothing of a history without a full partition', async () => {
	const small = await createDatabase();
	const own = new pg.Client({ connectionString: small.url });
	await own.connect();
	expect(await packable(own)).toEqual([]);
	await own.end();
	await small.drop();
});

it('is done by the mirror when it has nothing else to do, until all are packed whose next one is full', async () => {
	const packing = new Packing({ isOn: true, everyMs: 1 }, connect);
	const off = new Packing({ isOn: false }, connect);
	off.run();
	await off.settled();
	expect((await packable(client)).filter((it) => it.isPacked)).toEqual([]);
	for (let i = 0; i < 10; i++) {
		packing.run();
		await packing.settled();
	}
	expect(packing.problem).toBeNull();
	expect((await packable(client)).map((it) => it.isPacked)).toEqual([...Array(9).fill(true), ...Array(3).fill(false)]);
	await packing.stop();
	await expectSound();
});

it('is cut off by the end of the mirror, and says what stands in its way', async () => {
	const packing = new Packing({ isOn: true, everyMs: 1 }, connect);
	const reader = await connect();
	await reader.query('begin; lock table chronokeeper.mirror_cursor in exclusive mode');
	packing.run();
	await packing.stop();
	await reader.query('rollback');
	await reader.end();
	expect(await packable(client)).toHaveLength(12);
	await expectSound();
	const readOnly = new Packing({ isOn: true }, async () => {
		const connection = await connect();
		await connection.query("set default_transaction_read_only = 'on'");
		return connection;
	});
	readOnly.run();
	await readOnly.settled();
	expect(readOnly.problem).toMatch('a partition was not packed: cannot execute');
});
