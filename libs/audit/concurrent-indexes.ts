/**
 * Builds the indexes that came with a later version on a history that is there already, while it goes on growing: `create index concurrently`, partition by
 * partition. What an attempt that was cut off left behind is invalid, and made anew. Those that they take the place of are dropped afterwards.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type ConcurrentIndex, concurrentIndexes, retiredIndexes } from '#migrations/concurrent-indexes';
import { lockTimeoutMs, untilLocked } from './short-locks.ts';

const lock = `hashtext('chronokeeper.concurrent_indexes')`;
const lockPauseMs = 200;

/** Cheap when there is nothing to do. Waits for another that builds them. */
export async function buildIndexes(pool: pg.Pool): Promise<void> {
	if ((await missing(pool)).length === 0 && (await retired(pool)).length === 0) return;
	const client = await pool.connect();
	try {
		// Not a lock that is waited for: a statement that waits has a snapshot, and a concurrent build waits for all of them.
		while (!(await isLocked(client))) await sleep(lockPauseMs);
		for (const index of await missing(client)) await build(client, index);
		for (const name of await retired(client)) {
			await untilLocked(() => client.query(`drop index if exists chronokeeper.${name}`));
		}
		await client.query(`select pg_advisory_unlock(${lock})`);
	} finally {
		client.release();
	}
}

async function isLocked(client: pg.ClientBase): Promise<boolean> {
	const { rows } = await client.query<{ locked: boolean }>(`select pg_try_advisory_lock(${lock}) as locked`);
	return rows[0]!.locked;
}

/** None while an import fills the database: it builds them itself. */
async function missing(client: pg.Pool | pg.ClientBase): Promise<ConcurrentIndex[]> {
	const { rows } = await client.query<{ name: string }>(
		`select name from unnest($1::text[], $2::text[]) as wanted (name, relation)
		where to_regclass('chronokeeper.' || relation) is not null
			and not exists (select from pg_index i where i.indexrelid = to_regclass('chronokeeper.' || name) and i.indisvalid)
			and not coalesce((select c.loading from chronokeeper.mirror_cursor c), false)`,
		[concurrentIndexes.map((it) => it.name), concurrentIndexes.map((it) => it.table)],
	);
	return concurrentIndexes.filter((it) => rows.some(({ name }) => name === it.name));
}

/** None while one of the others is missing: they are asked instead. */
async function retired(client: pg.Pool | pg.ClientBase): Promise<string[]> {
	const { rows } = await client.query<{ name: string }>(
		`select name from unnest($1::text[]) as old (name) where to_regclass('chronokeeper.' || name) is not null
			and not exists (select from unnest($2::text[]) as wanted (name)
				where not exists (select from pg_index i where i.indexrelid = to_regclass('chronokeeper.' || wanted.name) and i.indisvalid))`,
		[retiredIndexes, concurrentIndexes.map((it) => it.name)],
	);
	return rows.map((row) => row.name);
}

async function build(client: pg.ClientBase, { name, table, on }: ConcurrentIndex): Promise<void> {
	await untilLocked(() => client.query(`create index if not exists ${name} on only chronokeeper.${table} ${on}`));
	const { rows: partitions } = await client.query<{
		partition: string;
		index: string;
		left: boolean;
		attached: boolean;
	}>(
		`select c.relname as partition, c.relname || substr($2, length($1) + 1) as index,
			exists (select from pg_index i where i.indexrelid = to_regclass('chronokeeper.' || c.relname || substr($2, length($1) + 1)) and not i.indisvalid) as left,
			exists (select from pg_inherits a join pg_index i on i.indexrelid = a.inhrelid
				where a.inhparent = to_regclass('chronokeeper.' || $2) and i.indrelid = c.oid) as attached
		from pg_inherits p join pg_class c on c.oid = p.inhrelid where p.inhparent = to_regclass('chronokeeper.' || $1)`,
		[table, name],
	);
	for (const { partition, index, left, attached } of partitions) {
		if (attached) continue;
		// These wait for transactions to end, and nobody waits for them.
		await client.query('set lock_timeout = 0');
		if (left) await client.query(`drop index concurrently chronokeeper.${index}`);
		await client.query(`create index concurrently if not exists ${index} on chronokeeper.${partition} ${on}`);
		await client.query(`set lock_timeout = ${lockTimeoutMs}`);
		await untilLocked(() => client.query(`alter index chronokeeper.${name} attach partition chronokeeper.${index}`));
	}
}
