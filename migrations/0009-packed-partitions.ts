/** partitions() says which partitions are packed: see libs/audit/pack.ts, which marks them with a comment. No row is read or rewritten. */
import { type Kysely, sql } from 'kysely';
import { commentOn } from './comment-on.ts';

export async function up(db: Kysely<unknown>): Promise<void> {
	for (const statement of statements) await sql.raw(statement).execute(db);
	await commentOn(db, comments);
}

const statements = [
	'drop function chronokeeper.partitions()',
	`create function chronokeeper.partitions() returns table (
		"table" text, partition text, from_zxid bigint, to_zxid bigint, estimated_rows bigint, bytes bigint, packed boolean
	) language sql stable as $$
		select p.relname::text, c.relname::text,
			substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM \\(''?(\\d+)')::bigint, substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''?(\\d+)')::bigint,
			greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0)::bigint, pg_total_relation_size(c.oid),
			coalesce(starts_with(obj_description(c.oid, 'pg_class'), 'Packed'), false)
		from pg_inherits i join pg_class p on p.oid = i.inhparent and p.relkind = 'p' join pg_namespace n on n.oid = p.relnamespace and n.nspname = 'chronokeeper'
		join pg_class c on c.oid = i.inhrelid
		where not i.inhdetachpending
		order by 1, 3 nulls first $$`,
];

const comments: Readonly<Record<string, string>> = {
	'function chronokeeper.partitions()':
		'The partitions of the history with their bounds (null: none), about how many rows they have, their bytes with indexes, and whether they are packed. Those of txn and change hold the zxids above from_zxid - 1 and below to_zxid, those of znode_version the versions that began there.',
};
