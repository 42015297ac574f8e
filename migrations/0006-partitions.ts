/**
 * What partitions and their pruning need of the schema: functions and comments, no row is read or rewritten.
 *
 * The history in front of a cut is dropped with its partitions; the tree at the cut stays as a base in snapshot_node, the cut is a row of `gap`
 * of the kind \`pruned\`, and the ledger has kept the hash that the chain goes on from.
 */
import { type Kysely, sql } from 'kysely';
import { commentOn } from './comment-on.ts';

export async function up(db: Kysely<unknown>): Promise<void> {
	for (const statement of statements) await sql.raw(statement).execute(db);
	await commentOn(db, comments);
}

const statements = [
	/**
	 * Versions behind a cut may name data that were set in front of it: they are in the base at the cut, because nothing has set them since. Whether
	 * a row was found decides, not whether it has data: they may be null. One expression, so that it is inlined where it is called for each node.
	 */
	`create or replace function chronokeeper.content_of(path text, data_zxid bigint) returns bytea language sql stable parallel safe as $$
		select (select x.data from (
			(select c.data from chronokeeper.change c where c.path = content_of.path and c.zxid = content_of.data_zxid and c.size_after is not null
				order by c.ordinal desc limit 1)
			union all
			(select n.data from chronokeeper.snapshot_node n where n.path = content_of.path and n.snapshot_zxid >= content_of.data_zxid
				order by n.snapshot_zxid limit 1)
		) x limit 1) $$`,

	`create or replace function chronokeeper.require_known(z bigint) returns void language plpgsql stable as $$
	declare
		last_zxid bigint := (select c.zxid from chronokeeper.history_cursor c);
		missing chronokeeper.gap;
	begin
		if last_zxid is null or z > last_zxid then
			raise exception 'zxid % lies ahead of the mirror, which is at %', chronokeeper.zxid_hex(z), coalesce(chronokeeper.zxid_hex(last_zxid), 'nothing yet')
				using errcode = 'invalid_parameter_value';
		end if;
		select * into missing from chronokeeper.gap g where z > g.after_zxid and z < g.through_zxid
			or (z = 0 and g.after_zxid = 0 and not exists (select from chronokeeper.snapshot s where s.base and s.zxid = 0)) limit 1;
		if found and missing.kind = 'pruned' then
			raise exception 'zxid % was pruned: the history is kept from % on: %', chronokeeper.zxid_hex(z),
				chronokeeper.zxid_hex(missing.through_zxid), missing.reason
				using errcode = 'no_data_found';
		elsif found then
			raise exception 'zxid % lies in a gap: the tree is not known between % and %: %', chronokeeper.zxid_hex(z),
				chronokeeper.zxid_hex(missing.after_zxid), chronokeeper.zxid_hex(missing.through_zxid), missing.reason
				using errcode = 'no_data_found';
		end if;
	end $$`,

	`create function chronokeeper.hash_before(z bigint) returns bytea language sql stable as $$
		select coalesce(
			(select t.hash from chronokeeper.txn t where t.zxid < z order by t.zxid desc limit 1),
			(select l.content from chronokeeper.ledger l where l.kind = 'pruned' and chronokeeper.zxid(l.subject) < z order by l.number desc limit 1),
			'\\x'::bytea) $$`,

	// With more than one partition PostgreSQL takes a plan for the one zxid to be worth making, and makes it anew for each transaction: that took ten times as long as all else.
	`create or replace function chronokeeper.verify_chain(z1 bigint, z2 bigint) returns table (zxid bigint, problem text) language sql stable
		set plan_cache_mode = force_generic_plan set jit = off as $$
		select x.zxid, 'the row or its changes are not what was mirrored, or a row before it is missing' from (
			select t.zxid, t.hash, lag(t.hash) over (order by t.zxid) as previous from chronokeeper.txn t
			where t.zxid <= z2 and t.zxid >= coalesce((select max(p.zxid) from chronokeeper.txn p where p.zxid < z1), z1)
		) x
		cross join lateral (select coalesce(x.previous, chronokeeper.hash_before(x.zxid)) as hash) p
		where x.zxid >= z1 and x.zxid > coalesce((select max(g.through_zxid) from chronokeeper.gap g where g.kind = 'pruned'), -1)
			and case when chronokeeper.txn_hash(p.hash, x.zxid) = x.hash then false
				else chronokeeper.txn_hash_without_facts(p.hash, x.zxid) <> x.hash end
		union all
		select null, 'acl ' || a.id || ' is not the one that was mirrored' from chronokeeper.acl a
		where ('x' || encode(substr(sha256(convert_to(a.acl::text, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint <> a.id
		order by 1 $$`,

	`create function chronokeeper.partitions() returns table ("table" text, partition text, from_zxid bigint, to_zxid bigint, estimated_rows bigint, bytes bigint)
	language sql stable as $$
		select p.relname::text, c.relname::text,
			substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM \\(''?(\\d+)')::bigint, substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''?(\\d+)')::bigint,
			greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0)::bigint, pg_total_relation_size(c.oid)
		from pg_inherits i join pg_class p on p.oid = i.inhparent and p.relkind = 'p' join pg_namespace n on n.oid = p.relnamespace and n.nspname = 'chronokeeper'
		join pg_class c on c.oid = i.inhrelid
		where not i.inhdetachpending
		order by 1, 3 nulls first $$`,
];

const comments: Readonly<Record<string, string>> = {
	'table chronokeeper.gap':
		'What the history does not know, or knows no more. No row: it is complete from its first transaction to mirror_cursor.zxid.',
	'column chronokeeper.gap.kind':
		'lost: the logs are not there. undecided: there are transactions, but whether they were committed cannot be told from what was read. restore: the cluster was set back to an earlier state. mismatch: the tree is not the one that the cluster had, and an operator let it pass. pruned: it was kept for as long as it was to be kept.',
	'table chronokeeper.snapshot_node':
		'The content of base snapshots: the tree that the history begins with, or goes on with behind a gap, or is kept from where what lay in front was pruned.',
	'column chronokeeper.znode_version.data_zxid':
		'Where its data is: with path, the change of that zxid, or the content of the snapshot of that zxid, or, where that was pruned, of the first snapshot behind it; see content_of(). The mzxid, except for base snapshots and the counters of quotas.',
	'function chronokeeper.content_of(text, bigint)': 'The data of a node, from its path and data_zxid.',
	'function chronokeeper.require_known(bigint)':
		'Raises an error when the tree at the zxid is not known: ahead of the mirror, in a gap, or pruned.',
	'function chronokeeper.hash_before(bigint)':
		'The hash chain in front of a transaction: the hash of the one before it, or the one that was kept when that was pruned; no bytes in front of the first.',
	'function chronokeeper.partitions()':
		'The partitions of the history with their bounds (null: none), about how many rows they have, and their bytes with indexes. Those of txn and change hold the zxids above from_zxid - 1 and below to_zxid, those of znode_version the versions that began there.',
};
