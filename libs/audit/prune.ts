/**
 * Removes the oldest partitions and keeps the tree at the cut as a base in front of what remains. The mirror goes on meanwhile, and readers are locked
 * out by nothing.
 *
 * 1. Each version that was valid across the cut is split in two there, some thousand at a time. That says the same as before: nothing is lost or gained
 *    by it, wherever it stops.
 * 2. In one transaction the tree at the cut becomes a base, compared with the digest that the cluster recorded; what lies in front becomes a gap of the kind
 *    `pruned`; and the ledger keeps the hash that the chain goes on from. From here on the functions say so.
 * 3. Partition by partition is detached, concurrently, and dropped.
 * 4. Sessions that had ended are deleted.
 *
 * Whoever prunes next finishes what was left at any step.
 */
import type pg from 'pg';
import { formatZxid, type Zxid } from '#core/model/zxid';
import { inTransaction } from './batch-writer.ts';
import type { PrunePlan } from './prune-plan.ts';
import { redactedSnapshotNodeColumns, versionColumns } from './rows.ts';
import { loadStoredTree, storedSessions } from './stored-tree.ts';

export interface PruneOptions {
	/** Who wanted it and why: a part of the row in `gap`. */
	readonly reason: string;
	/** Called before each step that is a transaction of its own. */
	readonly step?: (step: string) => Promise<void> | void;
}

/** The base would not be the tree that the cluster had, or another is at it: nothing was removed. */
export class PruneRefused extends Error {
	override readonly name = 'PruneRefused';
}

/** Whoever removes or rewrites partitions has it. */
export const partitionsLock = `hashtext('chronokeeper.prune')`;
/** How many versions are split at once: the mirror waits for that. */
const splitRows = 4_000;
const deleteRows = 10_000;

/** @throws PruneRefused */
export async function prune(client: pg.ClientBase, plan: PrunePlan, options: PruneOptions): Promise<void> {
	await alone(client, async () => {
		await finishPrune(client, options);
		const { through } = plan;
		if (through === null || (await prunedThrough(client)) >= through) return;
		await splitVersions(client, plan, through, options);
		await options.step?.('record');
		await record(client, through, options.reason);
		await finishPrune(client, options);
	});
}

/** Ends what another prune began, if one did. Whether there was anything to do. */
export async function resumePrune(client: pg.ClientBase, options: PruneOptions): Promise<void> {
	await alone(client, () => finishPrune(client, options));
}

async function alone(client: pg.ClientBase, work: () => Promise<void>): Promise<void> {
	const { rows } = await client.query<{ locked: boolean }>(`select pg_try_advisory_lock(${partitionsLock}) as locked`);
	if (!rows[0]!.locked) throw new PruneRefused('the history is being pruned already');
	try {
		await work();
	} finally {
		// The connection may be gone, and the lock with it.
		await client.query(`select pg_advisory_unlock(${partitionsLock})`).catch(() => undefined);
	}
}

async function prunedThrough(client: pg.ClientBase): Promise<number> {
	const { rows } = await client.query<{ through: string | null }>(
		`select max(through_zxid) as through from chronokeeper.gap where kind = 'pruned'`,
	);
	return Number(rows[0]?.through ?? -1);
}

const spanning = 'v.from_zxid < $1 and (v.to_zxid is null or v.to_zxid > $1)';

async function splitVersions(client: pg.ClientBase, plan: PrunePlan, cut: Zxid, options: PruneOptions): Promise<void> {
	for (const { number } of plan.partitions) {
		const partition = `chronokeeper.znode_version_${number}`;
		// A version that the mirror ends meanwhile moves within the partition, perhaps to where this was already; but only once.
		for (;;) {
			const { rows: pages } = await client.query<{ page: string; count: string }>(
				`select (v.ctid::text::point)[0]::bigint as page, count(*) from ${partition} v where ${spanning} group by 1 order by 1`,
				[cut],
			);
			if (pages.length === 0) break;
			for (const { from, to } of chunks(pages)) {
				await options.step?.('split');
				await inTransaction(client, () => splitPages(client, partition, cut, from, to));
			}
		}
	}
}

function* chunks(
	pages: readonly { readonly page: string; readonly count: string }[],
): Generator<{ from: number; to: number }, void> {
	let from: number | null = null;
	let rows = 0;
	for (const { page, count } of pages) {
		from ??= Number(page);
		rows += Number(count);
		if (rows < splitRows) continue;
		yield { from, to: Number(page) };
		from = null;
		rows = 0;
	}
	if (from !== null) yield { from, to: Number(pages.at(-1)!.page) };
}

/** The mirror waits for the cursor's row: it must not end a version that is being split. */
async function splitPages(client: pg.ClientBase, partition: string, cut: Zxid, from: number, to: number) {
	await client.query('select from chronokeeper.mirror_cursor for update');
	const second = versionColumns.split(', ').map((column) => {
		if (column === 'from_zxid') return '$1::bigint';
		if (column === 'span')
			return 'case when s.to_zxid is null then 63 else chronokeeper.version_span(s.to_zxid - $1) end';
		return `s.${column}`;
	});
	await client.query(
		`with spanning as materialized (
			select v.* from ${partition} v where v.ctid >= $2::text::tid and v.ctid < $3::text::tid and ${spanning}
		), second as (
			insert into chronokeeper.znode_version (${versionColumns}) select ${second.join(', ')} from spanning s
		)
		update ${partition} v set to_zxid = $1, span = chronokeeper.version_span($1 - v.from_zxid)
		from spanning s where v.path = s.path and v.from_zxid = s.from_zxid`,
		[cut, `(${from},0)`, `(${to + 1},0)`],
	);
}

/** Behind this the tree at the cut is all versions that begin with it. */
async function record(client: pg.ClientBase, cut: Zxid, reason: string): Promise<void> {
	await inTransaction(client, async () => {
		const digest = await writeBase(client, cut);
		const sessions = await storedSessions(client, cut);
		await client.query(
			`insert into chronokeeper.snapshot_session select $1::bigint, * from unnest($2::bigint[], $3::int[]) on conflict do nothing`,
			[cut, [...sessions.keys()].map((it) => BigInt.asIntN(64, it)), [...sessions.values()]],
		);
		// What is not there any more is not in doubt either.
		await client.query(
			`with gone as (delete from chronokeeper.gap where through_zxid <= $1 returning *)
			select chronokeeper.note_in_ledger('gap', chronokeeper.zxid_hex(after_zxid) || ' ' || chronokeeper.zxid_hex(through_zxid), '') from gone`,
			[cut],
		);
		await client.query(
			`with gone as (delete from chronokeeper.snapshot where zxid < $1 returning *)
			select chronokeeper.note_in_ledger('snapshot', chronokeeper.zxid_hex(zxid) || ' ' || source, '') from gone`,
			[cut],
		);
		await client.query(
			`with gone as (delete from chronokeeper.snapshot_node where snapshot_zxid < $1 returning snapshot_zxid),
			closed as (delete from chronokeeper.snapshot_session where snapshot_zxid < $1 returning snapshot_zxid)
			select chronokeeper.note_in_ledger('base', chronokeeper.zxid_hex(snapshot_zxid), '')
			from (select snapshot_zxid from gone union select snapshot_zxid from closed) x`,
			[cut],
		);
		await client.query(
			`insert into chronokeeper.snapshot (zxid, source, digest_zxid, digest, znodes, sessions, base)
			select $1::bigint, $2, $1, $3::bigint, (select count(*) from chronokeeper.snapshot_node where snapshot_zxid = $1), $4::integer, true
			on conflict (zxid, source) do update set base = true`,
			[cut, pruneSource, BigInt.asIntN(64, digest), sessions.size],
		);
		await client.query(
			`insert into chronokeeper.gap (after_zxid, through_zxid, kind, reason) values (0, $1::bigint, 'pruned', $2)`,
			[cut, reason],
		);
		await client.query(
			`select chronokeeper.note_in_ledger('snapshot', chronokeeper.zxid_hex(s.zxid) || ' ' || s.source, chronokeeper.snapshot_content(s))
			from chronokeeper.snapshot s where s.zxid = $1::bigint and s.source = $2`,
			[cut, pruneSource],
		);
		await client.query(
			`select chronokeeper.note_in_ledger('gap', chronokeeper.zxid_hex(g.after_zxid) || ' ' || chronokeeper.zxid_hex(g.through_zxid), chronokeeper.gap_content(g))
			from chronokeeper.gap g where g.kind = 'pruned'`,
		);
		await client.query(
			`select chronokeeper.note_in_ledger('base', chronokeeper.zxid_hex($1::bigint), chronokeeper.base_content($1)),
				chronokeeper.note_in_ledger('pruned', chronokeeper.zxid_hex($1), chronokeeper.hash_before($1 + 1))`,
			[cut],
		);
	});
}

/** Stands where a base has the name of its file. */
export const pruneSource = 'the history before it, which was pruned';

/** @returns the digest of the tree. @throws PruneRefused */
async function writeBase(client: pg.ClientBase, cut: Zxid): Promise<bigint> {
	const columns = redactedSnapshotNodeColumns.split(', ').map((column) => {
		if (column === 'snapshot_zxid') return 'v.from_zxid';
		return column.startsWith('data') ? `d.${column}` : `v.${column}`;
	});
	const content = redactedSnapshotNodeColumns
		.split(', ')
		.filter((it) => it.startsWith('data'))
		.join(', ');
	await client.query(
		`insert into chronokeeper.snapshot_node (${redactedSnapshotNodeColumns}) select ${columns.join(', ')}
		from chronokeeper.znode_version v left join lateral (
			(select ${content} from chronokeeper.change c
				where c.path = v.path and c.zxid = v.data_zxid and c.size_after is not null order by c.ordinal desc limit 1)
			union all
			(select ${content} from chronokeeper.snapshot_node n where n.path = v.path and n.snapshot_zxid >= v.data_zxid
				order by n.snapshot_zxid limit 1)
			limit 1
		) d on true
		where v.from_zxid = $1 and (v.to_zxid is null or v.to_zxid > $1) on conflict do nothing`,
		[cut],
	);
	const tree = await loadStoredTree(client, cut, false, undefined, baseSql(cut));
	const recorded = await recordedDigest(client, cut);
	const isWhole = tree.digest() === recorded;
	if (recorded !== null && !isWhole && !(await hasRedacted(client, cut))) {
		throw new PruneRefused(
			`the rows at ${formatZxid(cut)} make a tree with digest ${tree.digest()}, the cluster recorded ${recorded}: the history was altered or is incomplete, and nothing was removed. ck audit check says where`,
		);
	}
	return recorded ?? tree.digest();
}

/** Data that are kept out of the database are a part of the digest. */
async function hasRedacted(client: pg.ClientBase, cut: Zxid): Promise<boolean> {
	const { rows } = await client.query(
		'select from chronokeeper.snapshot_node where snapshot_zxid = $1 and data_hash is not null limit 1',
		[cut],
	);
	return rows.length > 0;
}

function baseSql(cut: Zxid): string {
	return `copy (
		select n.path, n.czxid, n.mzxid, n.pzxid, n.ctime, n.mtime, n.version, n.cversion, n.aversion, n.ephemeral_owner, n.acl_id, n.data
		from chronokeeper.snapshot_node n where n.snapshot_zxid = ${cut.toFixed(0)} order by n.path
	) to stdout binary`;
}

/** Null where none was, or where an operator let another one pass. */
async function recordedDigest(client: pg.ClientBase, cut: Zxid): Promise<bigint | null> {
	const { rows } = await client.query<{ digest: string | null }>(
		`select d.digest from (
			(select t.zxid, t.digest from chronokeeper.txn t where t.zxid <= $1 and t.digest is not null order by t.zxid desc limit 1)
			union all
			(select s.zxid, s.digest from chronokeeper.snapshot s where s.base and s.zxid <= $1 order by s.zxid desc limit 1)
		) d where not exists (select from chronokeeper.gap g where g.kind = 'mismatch' and g.through_zxid <= $1)
		order by d.zxid desc limit 1`,
		[cut],
	);
	const digest = rows[0]?.digest ?? null;
	return digest === null ? null : BigInt.asUintN(64, BigInt(digest));
}

/** Steps 3 and 4. */
async function finishPrune(client: pg.ClientBase, options: PruneOptions): Promise<void> {
	const cut = await prunedThrough(client);
	if (cut < 0) return;
	// The transactions first: what verifies them needs the others.
	for (const [table, above] of [
		['txn', 1],
		['change', 1],
		['znode_version', 0],
	] as const) {
		await dropPartitions(client, table, cut + above, options);
	}
	for (;;) {
		await options.step?.('sessions');
		const { rowCount } = await client.query(
			`delete from chronokeeper.session where ctid = any (array(
				select s.ctid from chronokeeper.session s where s.closed_zxid <= $1 limit ${deleteRows}))`,
			[cut],
		);
		if ((rowCount ?? 0) < deleteRows) return;
	}
}

async function dropPartitions(client: pg.ClientBase, table: string, bound: number, options: PruneOptions) {
	const { rows: partitions } = await client.query<{ name: string; pending: boolean }>(
		`select c.relname as name, i.inhdetachpending as pending from pg_inherits i join pg_class c on c.oid = i.inhrelid
		where i.inhparent = $1::regclass and (i.inhdetachpending or substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''?(\\d+)')::bigint <= $2)
		order by c.oid`,
		[`chronokeeper.${table}`, bound],
	);
	for (const { name, pending } of partitions) {
		await options.step?.(`detach ${table}`);
		const how = pending ? 'finalize' : 'concurrently';
		await client.query(`alter table chronokeeper.${table} detach partition chronokeeper.${name} ${how}`);
	}
	const { rows: detached } = await client.query<{ name: string }>(
		`select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'chronokeeper'
		where c.relkind = 'r' and not c.relispartition and c.relname ~ $1`,
		[`^${table}_\\d+$`],
	);
	for (const { name } of detached) {
		await options.step?.(`drop ${table}`);
		await client.query(`drop table chronokeeper.${name}`);
	}
}
