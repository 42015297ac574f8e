/**
 * Packs partitions that are full: nothing is added to them any more, so they are written once more, in order, without the room that versions which ended
 * left and that indexes keep for what is to come, and with the columns in the order that wastes least.
 *
 * 1. The packed copy is made beside the partition: rows, indexes, and a comparison of each row with the one it was made from.
 * 2. It is frozen: its rows are then seen by every snapshot, however old. That needs that no older one is open; otherwise it is tried again later.
 * 3. While the mirror waits for mirror_cursor, what it ended meanwhile is ended in the copy, and the copy takes the partition's place. Readers wait for that
 *    exchange alone, which looks at no row.
 *
 * A copy that was cut off is dropped by whoever packs next. Each table of a partition is packed for itself, so that at most one is made again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { inTransaction } from './batch-writer.ts';
import { endInCopy, makeCopy, type PackedCopy } from './packed-copy.ts';
import { readPartitions } from './partitions.ts';
import { partitionsLock } from './prune.ts';

export interface PackOptions {
	/** Called before each step. */
	readonly step?: (step: string) => Promise<void> | void;
	/** How long it is tried to freeze the copy, and to put it in place, where others are in the way; milliseconds. */
	readonly patienceMs?: number;
}

/** Others are in the way, or the copy is not what it was made from: all is as it was. */
export class PackRefused extends Error {
	override readonly name = 'PackRefused';
}

/** A table of a partition. */
export interface Packable {
	readonly table: string;
	/** Without the schema. */
	readonly partition: string;
	readonly bytes: number;
	readonly isPacked: boolean;
}

export interface Packed extends Packable {
	readonly bytesAfter: number;
}

const patienceMsDefault = 120_000;
const shortestPauseMs = 100;
const longestPauseMs = 10_000;
/** A batch of the mirror may take so long. */
const cursorTimeoutMs = 5_000;
const swapTimeoutMs = 200;
/** Lock not available, deadlock. */
const inTheWay: readonly unknown[] = ['55P03', '40P01'];

/**
 * The tables of the partitions that are full, the oldest first.
 * @param behind so many partitions behind them are full, too: most versions in them have ended by then
 */
export async function packable(client: pg.ClientBase, behind = 0): Promise<Packable[]> {
	const partitions = await readPartitions(client);
	const { rows: cursors } = await client.query<{ zxid: string | null }>('select zxid from chronokeeper.mirror_cursor');
	const cursor = Number(cursors[0]?.zxid ?? -1);
	const full = partitions.filter((_, i) => {
		const last = partitions[i + behind];
		return last !== undefined && last.to !== null && last.to < cursor;
	});
	const { rows } = await client.query<{ table: string; partition: string; bytes: string; packed: boolean }>(
		'select p."table", p.partition, p.bytes, p.packed from chronokeeper.partitions() p',
	);
	return full.flatMap(({ number }) =>
		rows
			.filter(({ partition }) => partition.endsWith(`_${number}`))
			.map(({ table, partition, bytes, packed }) => ({ table, partition, bytes: Number(bytes), isPacked: packed })),
	);
}

/**
 * @param connect for a second connection: one holds the mirror up while the other writes
 * @throws PackRefused
 */
export async function pack(
	client: pg.ClientBase,
	connect: () => Promise<pg.Client>,
	what: Packable,
	options: PackOptions = {},
): Promise<Packed> {
	const { rows } = await client.query<{ locked: boolean }>(`select pg_try_advisory_lock(${partitionsLock}) as locked`);
	if (!rows[0]!.locked) throw new PackRefused('the history is being pruned or packed already');
	try {
		await dropCopies(client);
		const maker = await connect();
		try {
			await options.step?.(`copy ${what.partition}`);
			const copy = await makeCopy(maker, what.table, what.partition);
			if (copy.differences !== 0)
				throw new PackRefused(`${copy.differences} rows of the copy are not those of ${what.partition}`);
			await untilInPlace(client, maker, copy, options);
		} finally {
			await maker.end().catch(() => undefined); // A broken connection is closed already.
		}
		const after = await client.query<{ bytes: string }>('select pg_total_relation_size($1::regclass) as bytes', [
			`chronokeeper.${what.partition}`,
		]);
		return { ...what, isPacked: true, bytesAfter: Number(after.rows[0]!.bytes) };
	} finally {
		// The connection may be gone, and all that it held with it.
		await dropCopies(client).catch(() => undefined);
		await client.query(`select pg_advisory_unlock(${partitionsLock})`).catch(() => undefined);
	}
}

async function dropCopies(client: pg.ClientBase): Promise<void> {
	const { rows } = await client.query<{ name: string }>(
		`select c.relname as name from pg_class c where c.relnamespace = 'chronokeeper'::regnamespace and c.relkind = 'r'
			and not c.relispartition and c.relname ~ '^(txn|change|znode_version)_\\d+_packed$'`,
	);
	for (const { name } of rows) await client.query(`drop table chronokeeper.${name}`);
}

async function untilInPlace(
	client: pg.ClientBase,
	maker: pg.ClientBase,
	copy: PackedCopy,
	options: PackOptions,
): Promise<void> {
	const until = performance.now() + (options.patienceMs ?? patienceMsDefault);
	for (;;) {
		const begun = performance.now();
		await options.step?.(`freeze ${copy.partition}`);
		const problem = (await freeze(maker, copy)) ?? (await putInPlace(client, maker, copy, options));
		if (problem === null) return;
		// Most of the time is left to others, however long a look at the copy takes.
		const pauseMs = Math.min(Math.max(shortestPauseMs, 4 * (performance.now() - begun)), longestPauseMs);
		if (performance.now() + pauseMs > until) throw new PackRefused(`${copy.partition} was not packed: ${problem}`);
		await sleep(pauseMs);
	}
}

/** Why not; null when all rows that were written up to the copy's last transaction are seen by everybody. */
async function freeze(maker: pg.ClientBase, copy: PackedCopy): Promise<string | null> {
	await maker.query(`vacuum (freeze) chronokeeper.${copy.name}`);
	const { rows } = await maker.query<{ frozen: boolean }>(
		'select age(c.relfrozenxid) < age($2::xid) as frozen from pg_class c where c.oid = $1::regclass',
		[`chronokeeper.${copy.name}`, copy.xid],
	);
	return rows[0]!.frozen ? null : 'a transaction that is older than the copy is still open';
}

/** Why not; null when it is done. */
async function putInPlace(
	client: pg.ClientBase,
	maker: pg.ClientBase,
	copy: PackedCopy,
	options: PackOptions,
): Promise<string | null> {
	let problem: string | null = null;
	try {
		await inTransaction(client, async () => {
			await client.query(`set local lock_timeout = ${cursorTimeoutMs}`);
			// Takes no transaction id, which would keep the other connection from freezing.
			await client.query('lock table chronokeeper.mirror_cursor in exclusive mode');
			await options.step?.(`locked ${copy.partition}`);
			problem = await catchUp(client, maker, copy);
			if (problem !== null) throw new NotNow();
			await client.query(`set local lock_timeout = ${swapTimeoutMs}`);
			await swap(client, copy);
			await options.step?.(`swapped ${copy.partition}`);
		});
	} catch (error) {
		if (error instanceof NotNow) return problem;
		if (inTheWay.includes((error as { code?: unknown }).code)) return 'somebody holds a lock on the history';
		throw error;
	}
	return null;
}

/** What the comment on a packed partition says; partitions() in SQL looks for it. */
const packedMark = 'Packed: see audit.pack.';

class NotNow extends Error {}

/** The mirror is waiting: what it, or an import, did to the partition since the copy was made. */
async function catchUp(client: pg.ClientBase, maker: pg.ClientBase, copy: PackedCopy): Promise<string | null> {
	const { rows } = await client.query<{ loading: boolean }>('select loading from chronokeeper.mirror_cursor');
	if (rows[0]!.loading) return 'an import is under way, or was cut off';
	if (copy.table !== 'znode_version') return null;
	return (await endInCopy(maker, copy)) === 0 ? null : freeze(maker, copy);
}

async function swap(client: pg.ClientBase, { table, partition, name, indexes }: PackedCopy): Promise<void> {
	const { rows } = await client.query<{ bounds: string; grants: string[] }>(
		`select pg_get_expr(c.relpartbound, c.oid) as bounds, array(
			select format('grant %s on chronokeeper.%I to %s', a.privilege_type, c.relname, case a.grantee when 0 then 'public' else a.grantee::regrole::text end)
			from aclexplode(c.relacl) a where a.grantee <> c.relowner) as grants
		from pg_class c where c.oid = $1::regclass`,
		[`chronokeeper.${partition}`],
	);
	const { bounds, grants } = rows[0]!;
	await client.query(`alter table chronokeeper.${table} detach partition chronokeeper.${partition}`);
	await client.query(`drop table chronokeeper.${partition}`);
	await client.query(`alter table chronokeeper.${name} rename to ${partition}`);
	await client.query(`alter table chronokeeper.${table} attach partition chronokeeper.${partition} ${bounds}`);
	await client.query(`alter table chronokeeper.${partition} drop constraint within`);
	for (const { made, wanted } of indexes) await client.query(`alter index chronokeeper.${made} rename to ${wanted}`);
	for (const grant of grants) await client.query(grant);
	await client.query(`comment on table chronokeeper.${partition} is '${packedMark}'`);
}
