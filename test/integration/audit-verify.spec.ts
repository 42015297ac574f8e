/** The history cannot be altered without a trace: each kind of change to each table is found, and the row is named. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateKeys, KeyRefused, readSigningKey, readVerifyingKey, type VerifyingKey } from '#audit/checkpoint-key';
import { importDirectories } from '#audit/import';
import { startMirror } from '#audit/mirror';
import { DatabaseRows } from '#audit/verify/database-rows';
import type { Verified } from '#audit/verify/outcome';
import type { Row } from '#audit/verify/rows';
import { type TableName, tables } from '#audit/verify/tables';
import { verify } from '#audit/verify/verify';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { altered, keyColumns, MemoryRows } from '#test/support/tampering';
import { type VariedHistory, writeVariedHistory } from '#test/support/varied-history';

const work = mkdtempSync(path.join(tmpdir(), 'ck-verify-'));
const keyFile = path.join(work, 'mirror.pem');
let key: VerifyingKey;
let database: TestDatabase;
let history: VariedHistory;
let memory: MemoryRows;

/** What epoch 1 was before the directory lost a log, and then the mirror of the directory as it is, with a key: a base, a gap, a second base, checkpoints. */
beforeAll(async () => {
	const { privatePem, publicPem } = generateKeys();
	writeFileSync(keyFile, privatePem, { mode: 0o600 });
	writeFileSync(path.join(work, 'mirror.pub'), publicPem);
	key = readVerifyingKey(path.join(work, 'mirror.pub'));
	database = await createDatabase();
	await importDirectories([(await writeVariedHistory(path.join(work, 'early'), { epochs: 1 })).dataDir], database.url);
	history = await writeVariedHistory(path.join(work, 'late'), { hole: true });
	const mirror = startMirror({
		databaseUrl: database.url,
		dataDir: history.dataDir,
		checkpoints: { keyFile, txns: 1, seconds: 1 },
	});
	mirror.committed(history.lastZxid);
	await mirror.mirroredThrough(history.lastZxid);
	await mirror.stop();
	const rows = await DatabaseRows.open(database.url);
	memory = await MemoryRows.of(rows);
	await rows.close();
});
afterAll(async () => {
	await database?.drop();
	rmSync(work, { recursive: true, force: true });
});

async function verified(keys: readonly VerifyingKey[] = [key]): Promise<Verified> {
	const rows = await DatabaseRows.open(database.url);
	try {
		return await verify(rows, { keys });
	} finally {
		await rows.close();
	}
}

interface Tampering {
	readonly what: string;
	readonly rows: readonly Row[];
	/** What it may be called: a change of its key makes it another row. */
	readonly keys: readonly string[];
}

/** Every other value of every column of every row, every row gone, every row twice, every two neighbours with each other's content. */
function* tamperings(table: TableName): Generator<Tampering, void> {
	const rows = memory.rows(table);
	const types = Object.values(tables[table].columns);
	const names = Object.keys(tables[table].columns);
	const key = keyColumns(table);
	const keysOf = (...some: readonly Row[]) => some.map((row) => keyOf(table, row));
	for (const [i, row] of rows.entries()) {
		// LONG_SPECS=1 tries each of the many.
		if (rows.length > 25 && i % 3 !== 0 && process.env.LONG_SPECS !== '1') continue;
		for (const [column, name] of names.entries()) {
			const other = row.with(column, altered(row[column]!, types[column]!));
			// A row that is there already cannot be there again.
			if (key.includes(column) && rows.some((it) => isSameKey(table, it, other))) continue;
			yield { what: `${name} of ${keyOf(table, row)}`, rows: rows.with(i, other), keys: keysOf(row, other) };
		}
		yield { what: `${keyOf(table, row)} is deleted`, rows: rows.toSpliced(i, 1), keys: keysOf(row) };
		const last = key.at(-1) ?? 0;
		const copy = row.with(last, altered(row[last]!, types[last]!));
		if (key.length > 0 && !rows.some((it) => isSameKey(table, it, copy)))
			yield { what: `${keyOf(table, copy)} is inserted`, rows: [...rows, copy], keys: keysOf(copy) };
		const next = rows[i + 1];
		if (next === undefined) continue;
		const content = (from: Row, to: Row) => to.map((value, column) => (key.includes(column) ? value : from[column]!));
		if (
			content(next, row).every(
				(value, column) => value === row[column] || (value !== null && row[column]?.equals(value) === true),
			)
		)
			continue;
		const swapped = rows.with(i, content(next, row)).with(i + 1, content(row, next));
		yield { what: `${keyOf(table, row)} is swapped with the next`, rows: swapped, keys: keysOf(row, next) };
	}
}

function isSameKey(table: TableName, a: Row, b: Row): boolean {
	return keyColumns(table).every((column) => a[column]!.equals(b[column]!));
}

function keyOf(table: TableName, row: Row): string {
	const types = Object.values(tables[table].columns);
	const values = keyColumns(table).map((column) => {
		const value = row[column]!;
		if (types[column] === 'text') return value.toString();
		const number = types[column] === 'int4' ? BigInt(value.readInt32BE()) : value.readBigInt64BE();
		const isZxid = Object.keys(tables[table].columns)[column]!.endsWith('zxid');
		return isZxid ? `0x${BigInt.asUintN(64, number).toString(16)}` : `${number}`;
	});
	const [first, second] = values as [string, string];
	if (table === 'change') return `${first} #${second}`;
	if (table === 'znode_version') return `${second} from ${first}`;
	if (table === 'session') return `0x${BigInt.asUintN(64, BigInt(second)).toString(16)} opened ${first}`;
	if (table === 'snapshot_node' || table === 'snapshot_session') return `base ${first}`;
	return values.join(' ');
}

/** The tables in which a wrong row may be named: the content of a base is vouched for as a whole. */
const namedIn: Readonly<Partial<Record<TableName, readonly TableName[]>>> = {
	snapshot_session: ['snapshot_node'],
	// The last row of the ledger leaves no hole; what it vouched for is unknown then.
	ledger: ['ledger', 'snapshot', 'gap', 'checkpoint', 'snapshot_node', 'txn'],
};

describe('a history that nobody touched', () => {
	it('is right in every row, with its gap, and signed to its end', async () => {
		const outcome = await verified();
		expect(outcome.findings).toEqual([]);
		expect(outcome).toMatchObject({ lastZxid: history.lastZxid, txns: 24, withoutFacts: 0, unsignedTxns: 0 });
		expect(outcome.gaps).toMatchObject([{ kind: 'lost' }]);
		expect(outcome.signedCheckpoints).toBeGreaterThan(0);
		expect(outcome.signedZxid).toBe(history.lastZxid);
		expect(await database.query('select * from chronokeeper.verify_ledger()')).toEqual([]);
		expect(await database.query('select * from chronokeeper.verify_chain(0, 9223372036854775807)')).toEqual([]);
	});

	it('has a message under each signature that SQL gives, too', async () => {
		const checkpoints = await database.query<{ message: string; signature: Buffer }>(
			'select chronokeeper.checkpoint_message(c) as message, signature from chronokeeper.checkpoint c',
		);
		expect(checkpoints.length).toBeGreaterThan(0);
		for (const { message, signature } of checkpoints) expect(key.verifies(message, signature)).toBe(true);
	});

	it('has no column in these tables that nothing vouches for', async () => {
		const columns = await database.query<{ table: TableName; column: string }>(
			`select c.relname as table, a.attname as column from pg_attribute a join pg_class c on c.oid = a.attrelid
			where c.relnamespace = 'chronokeeper'::regnamespace and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and c.relname = any ($1)`,
			[Object.keys(tables).filter((name) => name !== 'mirror_cursor')],
		);
		expect(columns.length).toBeGreaterThan(80);
		// A new one belongs into verify/tables.ts, and into what its table's hash is made of.
		expect(columns.filter(({ table, column }) => !(column in tables[table].columns))).toEqual([]);
	});

	it('can be verified in part', async () => {
		const rows = await DatabaseRows.open(database.url);
		try {
			const from = history.lastZxid - 1;
			expect(await verify(rows, { from: from as typeof history.lastZxid })).toMatchObject({
				findings: [],
				wrongRows: 0,
			});
		} finally {
			await rows.close();
		}
	});
});

describe('tampering', () => {
	const names = (Object.keys(tables) as TableName[]).filter((name) => name !== 'mirror_cursor');
	it.each(names)('with any row of %s is found, and the row is named', async (table) => {
		const unnoticed: string[] = [];
		let tried = 0;
		for (const { what, rows, keys } of tamperings(table)) {
			tried++;
			const { findings } = await verify(memory.with(table, rows), { keys: [key] });
			const tablesOfRow = namedIn[table] ?? [table];
			if (!findings.some((it) => tablesOfRow.includes(it.table)))
				unnoticed.push(`${what}: ${JSON.stringify(findings.slice(0, 3))} ${keys.length}`);
		}
		expect(unnoticed).toEqual([]);
		expect(tried).toBeGreaterThan(4);
	});

	it('with rows in the database is found there', async () => {
		await database.query(`update chronokeeper.change set data = 'forged' where path = '/a' and type = 'create'`);
		const first = await verified();
		expect(first.findings.map(({ table }) => table)).toEqual(expect.arrayContaining(['txn', 'change']));
		const row = first.findings.find(({ table }) => table === 'change');
		expect(row).toMatchObject({ row: '0x100000002 #0' });
		expect((await verified([readVerifyingKey(path.join(work, 'mirror.pub'))])).wrongRows).toBeGreaterThan(0);
		await database.query(`update chronokeeper.change set data = '/a' where path = '/a' and type = 'create'`);
		expect((await verified()).findings).toEqual([]);
	});

	it('that takes away the end is found where a checkpoint or the cursor knows of it', async () => {
		const txns = memory.rows('txn');
		const cut = txns.slice(0, -2);
		const { findings } = await verify(memory.with('txn', cut), { keys: [key] });
		expect(findings.map(({ table }) => table)).toEqual(expect.arrayContaining(['txn', 'checkpoint']));
	});

	it('with another key is found', async () => {
		const other = generateKeys();
		writeFileSync(path.join(work, 'other.pub'), other.publicPem);
		const { findings } = await verified([readVerifyingKey(path.join(work, 'other.pub'))]);
		expect(findings[0]).toMatchObject({ table: 'checkpoint', problem: expect.stringContaining('was not given') });
	});
});

describe('the key', () => {
	it('is refused when others may read it, when it is of another kind, and when it is none', () => {
		const refused = path.join(work, 'refused.pem');
		writeFileSync(refused, generateKeys().privatePem, { mode: 0o600 });
		expect(readSigningKey(refused).sign('x')).toHaveLength(64);
		chmodSync(refused, 0o644);
		expect(() => readSigningKey(refused)).toThrow(KeyRefused);
		expect(() => readSigningKey(refused)).toThrow('chmod 600');
		chmodSync(refused, 0o600);
		writeFileSync(refused, 'no key');
		expect(() => readSigningKey(refused)).toThrow('holds no private key');
		expect(() => readSigningKey(path.join(work, 'nowhere.pem'))).toThrow('cannot be read');
		expect(() => readVerifyingKey(keyFile)).toThrow('holds a private key');
	});
});
