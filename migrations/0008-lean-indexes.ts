/**
 * Two indexes without the zxid behind their column. Rows lie in the order of the zxids anyway, and without it equal keys share one entry: of a node that is set ten times
 * an index row takes 10 bytes instead of 65, of a session's transactions 7 instead of 32.
 *
 * Here only while the tables are empty; otherwise libs/audit/concurrent-indexes.ts builds the new ones while the writers go on, and drops the old ones then.
 */
import { type Kysely, sql } from 'kysely';
import { beneath, changeColumns, changeOf, joined } from './0004/changes.ts';

export async function up(db: Kysely<unknown>): Promise<void> {
	for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
	`do $$ begin
		if not exists (select from chronokeeper.txn) and not exists (select from chronokeeper.change) then
			create index if not exists change_by_path on chronokeeper.change (path);
			create index if not exists txn_by_session on chronokeeper.txn (session);
			drop index if exists chronokeeper.change_path;
			drop index if exists chronokeeper.txn_session;
		end if;
	end $$`,

	// What has no place in an index is asked of each row: a time is turned into a zxid once, in a query of its own. What is a zxid already the planner should know.
	changesBetween('z1 text, z2 text', textToZxid('z1'), textToZxid('z2')),
	changesBetween(
		't1 timestamptz, t2 timestamptz',
		'(select coalesce(chronokeeper.last_zxid_at(t1), -1) + 1)',
		'(select coalesce(chronokeeper.last_zxid_at(t2), -1))',
	),
];

function textToZxid(text: string): string {
	return `case when btrim(${text}) ~* '^(0x[0-9a-f]+|[0-9]+)$' then chronokeeper.zxid(${text}) else (select chronokeeper.zxid_or_time(${text})) end`;
}

function changesBetween(parameters: string, first: string, last: string): string {
	return `create or replace function chronokeeper.changes(prefix text, ${parameters}) returns table (${changeColumns}) language sql stable as $$
		select ${changeOf} from ${joined}
		where c.zxid >= ${first} and c.zxid <= ${last} and ${beneath}
		order by c.zxid, c.ordinal $$`;
}
