/**
 * Answers: by time, by prefix, session, principal and type, with data as text and JSON; data that are kept out of PostgreSQL; who may see what.
 *
 * Short for writers: new columns without a default, functions, views. The two indexes are made here only while the tables are empty; otherwise
 * libs/audit/migrate.ts makes those of concurrent-indexes.ts afterwards, while the writers go on.
 */
import { type Kysely, sql } from 'kysely';
import { accessStatements } from './0004/access.ts';
import { changeStatements } from './0004/changes.ts';
import { comments } from './0004/comments.ts';
import { dataStatements } from './0004/data.ts';
import { nodeStatements } from './0004/nodes.ts';
import { timeStatements } from './0004/time.ts';
import { viewStatements } from './0004/views.ts';
import { commentOn } from './comment-on.ts';

export async function up(db: Kysely<unknown>): Promise<void> {
	for (const statement of [
		...tableStatements,
		...dataStatements,
		...viewStatements,
		...timeStatements,
		...nodeStatements,
		...changeStatements,
		...accessStatements,
	]) {
		await sql.raw(statement).execute(db);
	}
	await commentOn(db, comments);
	await sql.raw(inheritComments).execute(db);
}

/** A column of a view that shows one of its table means what that means. */
const inheritComments = `
	do $$
	declare
		shown record;
	begin
		for shown in
			select v.relname as view, a.attname as column, col_description(t.oid, b.attnum) as means
			from pg_class v
			join pg_class t on t.relnamespace = v.relnamespace
				and t.relname = case v.relname when 'history_version' then 'znode_version' when 'history_cursor' then 'mirror_cursor' else replace(v.relname, 'history_', '') end
			join pg_attribute a on a.attrelid = v.oid and a.attnum > 0
			join pg_attribute b on b.attrelid = t.oid and b.attname = a.attname
			where v.relnamespace = 'chronokeeper'::regnamespace and v.relkind = 'v' and col_description(v.oid, a.attnum) is null
		loop
			execute format('comment on column chronokeeper.%I.%I is %L', shown.view, shown.column, shown.means);
		end loop;
	end $$`;

const tableStatements = [
	`alter table chronokeeper.change add column data_hash bytea`,
	`alter table chronokeeper.snapshot_node add column data_hash bytea`,
	`create table chronokeeper.clock_run (
		first_zxid bigint primary key,
		began timestamptz not null
	)`,
	`alter table chronokeeper.mirror_cursor add column clock_zxid bigint, add column redacted boolean not null default false`,
	`do $$ begin
		if not exists (select from chronokeeper.txn) and not exists (select from chronokeeper.change) then
			create index change_type on chronokeeper.change (type);
			create index txn_principal on chronokeeper.txn (principal collate "C") where principal is not null;
		end if;
	end $$`,
];
