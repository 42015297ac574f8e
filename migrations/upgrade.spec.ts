/** From every earlier schema, with a recorded history in it, to the newest: nothing is lost, and who writes or reads meanwhile is not kept waiting. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import copyStreams from 'pg-copy-streams';
import { afterAll, describe, expect, it } from 'vitest';
import { importDirectories } from '#audit/import';
import { migrateToLatest } from '#audit/migrate';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { unpackRecording } from '#test/support/recordings';
import { writeStoredHistory } from '#test/support/stored-history';
import { wantedSchema } from '#test/support/wanted-schema';
import { describeSchema } from './describe-schema.ts';
import { migrations } from './index.ts';

const work = mkdtempSync(join(tmpdir(), 'ck-upgrade-'));

/** A data directory, and the history in it as the newest version imports it. */
interface Imported {
	readonly directory: string;
	readonly database: TestDatabase;
}

/** 20,000 transactions of ZooKeeper, and a hundred that are enough for what does not depend on what they are. */
const recorded = imported('recording-a', (directory) => unpackRecording('recording-a', directory));
const made = imported('made', (directory) => writeStoredHistory(directory));

function imported(name: string, write: (directory: string) => unknown): () => Promise<Imported> {
	let once: Promise<Imported> | undefined;
	return () => {
		once ??= (async () => {
			const directory = join(work, name);
			await write(directory);
			const database = await createDatabase();
			await importDirectories([directory], database.url);
			return { directory, database };
		})();
		return once;
	};
}

const used: (() => Promise<Imported>)[] = [];
afterAll(async () => {
	for (const history of new Set(used)) await (await history()).database.drop();
	rmSync(work, { recursive: true, force: true });
});

/** A database with the schema of then and the history in it, as a version of then left it. */
async function earlier(through: string, history: () => Promise<Imported>): Promise<TestDatabase> {
	used.push(history);
	const { database: newest } = await history();
	const database = await createDatabase({ migrate: false });
	await migrateToLatest(database.url, { through });
	const [from, to] = [new pg.Client(newest.url), new pg.Client(database.url)];
	await Promise.all([from.connect(), to.connect()]);
	try {
		const tables = await database.query<{ name: string; columns: string }>(
			`select c.relname as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
			from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
			where c.relnamespace = 'chronokeeper'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relname not like 'kysely%'
			group by c.relname`,
		);
		for (const { name, columns } of tables) {
			if (name === 'mirror_cursor') await to.query('delete from chronokeeper.mirror_cursor');
			await pipeline(
				from.query(copyStreams.to(`copy (select ${columns} from chronokeeper.${name}) to stdout`)),
				to.query(copyStreams.from(`copy chronokeeper.${name} (${columns}) from stdin`)),
			);
		}
		// The hash of a transaction was another before 0005.
		if (through < '0005') await to.query(chainOfThen);
	} finally {
		await Promise.all([from.end(), to.end()]);
	}
	return database;
}

/** Of the last ones: those before them stay as they are. */
const chainOfThen = `do $$
	declare
		first bigint := (select greatest(max(zxid) - 500, 0) from chronokeeper.txn);
		chained bytea := coalesce((select hash from chronokeeper.txn where zxid < first order by zxid desc limit 1), '');
		t record;
	begin
		for t in select zxid from chronokeeper.txn where zxid >= first order by zxid loop
			chained := chronokeeper.txn_hash(chained, t.zxid);
			update chronokeeper.txn set hash = chained where zxid = t.zxid;
		end loop;
		update chronokeeper.mirror_cursor set hash = chained;
	end $$`;

async function expectUpgraded(database: TestDatabase, history: () => Promise<Imported>): Promise<void> {
	const { directory, database: newest } = await history();
	const withoutPartitions = (schema: string) => schema.replaceAll(/^create table \S+ partition of .*\n\n/gm, '');
	expect(withoutPartitions(await describeSchema((sql) => database.query(sql)))).toBe(
		withoutPartitions(await wantedSchema()),
	);
	expect(
		await database.query(
			'select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid where not i.indisvalid',
		),
	).toEqual([]);
	const chain =
		'select v.* from (select max(zxid) as zxid from chronokeeper.txn) last cross join lateral chronokeeper.verify_chain(last.zxid - 1000, last.zxid) v';
	expect(await database.query(chain)).toEqual([]);
	expect(await database.query('select * from chronokeeper.verify_ledger()')).toEqual([]);
	const tree = 'select t.* from chronokeeper.mirror_cursor c cross join lateral chronokeeper.tree_at(c.zxid) t';
	expect(await database.query(tree)).toEqual(await newest.query(tree));
	const [time] = await database.query(
		`select chronokeeper.last_zxid_at(t.time) = (select max(o.zxid) from chronokeeper.txn o where o.time <= t.time) as right
		from chronokeeper.txn t order by t.zxid offset 50 limit 1`,
	);
	expect(time).toEqual({ right: true });
	expect(await importDirectories([directory], database.url)).toMatchObject({ txns: 0 });
	expect(await database.query('select zxid = clock_zxid as noted from chronokeeper.mirror_cursor')).toEqual([
		{ noted: true },
	]);
}

/** 0001 and 0002 were never without 0003. */
const released = Object.keys(migrations).slice(2, -1);

describe('the newest schema', () => {
	it.each(released)('comes from %s', async (through) => {
		const history = through === released[0] || process.env.LONG_SPECS === '1' ? recorded : made;
		const database = await earlier(through, history);
		try {
			const { applied } = await migrateToLatest(database.url);
			expect(applied).toEqual(Object.keys(migrations).filter((name) => name > through));
			await expectUpgraded(database, history);
		} finally {
			await database.drop();
		}
	});

	it('comes beside a writer: neither its batch nor any reader waits for the migration', async () => {
		const database = await earlier('0003-comments', made);
		const writer = new pg.Client({ connectionString: database.url, application_name: 'writer' });
		await writer.connect();
		try {
			await writer.query('begin');
			const write = async (zxid: number) => {
				await writer.query(`update chronokeeper.mirror_cursor set zxid = $1, mirrored = now()`, [zxid]);
				await writer.query(
					`insert into chronokeeper.txn (zxid, epoch, time, session, cxid, type, error, door, hash) values ($1, 0, now(), 0, 0, 'setData', 0, 'grpc', '')`,
					[zxid],
				);
				await writer.query(
					`insert into chronokeeper.change (zxid, ordinal, type, path) values ($1, 0, 'setData', '/')`,
					[zxid],
				);
			};
			const next = 0x2_0000_0029;
			await write(next);
			let isMigrated = false;
			const migrating = migrateToLatest(database.url).finally(() => {
				isMigrated = true;
			});
			await until(async () => (await waiting(database)) > 0);
			// Who comes while it waits gets through before the batch ends, and the batch goes on.
			await database.query('select count(*) from chronokeeper.change');
			await write(next + 1);
			expect(isMigrated).toBe(false);
			await writer.query('rollback');
			expect((await migrating).applied).toContain('0004-answers');
			await expectUpgraded(database, made);
		} finally {
			await writer.end();
			await database.drop();
		}
	});

	it('gets its indexes while a batch is open, and takes away what a build that was cut off left', async () => {
		const database = await earlier('0003-comments', made);
		const writer = new pg.Client({ connectionString: database.url, application_name: 'writer' });
		await writer.connect();
		try {
			await migrateToLatest(database.url, { through: '0004-answers' });
			await database.query('drop index chronokeeper.change_type');
			await database.query('create index change_type on only chronokeeper.change (type)');
			// As a concurrent build that was cut off leaves it.
			await database.query('create index change_1_type on chronokeeper.change_1 (type)');
			await database.query(
				`update pg_index set indisvalid = false where indexrelid = 'chronokeeper.change_1_type'::regclass`,
			);
			await writer.query('begin; update chronokeeper.mirror_cursor set writer = null');
			const migrating = migrateToLatest(database.url);
			await database.query(`update chronokeeper.change set version = version where zxid = 1`);
			await writer.query('commit');
			await migrating;
			await expectUpgraded(database, made);
		} finally {
			await writer.end();
			await database.drop();
		}
	});
});

async function waiting({ query }: TestDatabase): Promise<number> {
	const rows = await query(
		`select from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database()`,
	);
	return rows.length;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
	while (!(await holds()));
}
