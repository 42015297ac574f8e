/**
 * The same answers as before, sooner. A node's content is looked up once for its data as bytes, as text and as JSON, and only where one of them is asked for; most bytes that
 * are no JSON show it with the first. What only readers of the views need is planned only for them. And znode_history() asks the index of txn for each change: a planner
 * that adds up what a look into each partition costs would rather read them all. Functions only: no row is read or rewritten.
 */
import { type Kysely, sql } from 'kysely';
import { historyColumns } from './0004/changes.ts';
import { utf8Character } from './0004/data.ts';
import { content, contentHash, nodeColumns } from './0004/nodes.ts';
import { commentOn } from './comment-on.ts';

export async function up(db: Kysely<unknown>): Promise<void> {
	for (const statement of statements) await sql.raw(statement).execute(db);
	await commentOn(db, {
		'function chronokeeper.version_acl(text, bigint)':
			'The ACL of a version of a node, as the current user may see it.',
	});
}

/** White space, a quotation mark, a bracket, the first letters of true, false and null, a digit or a minus. */
const jsonBegins = `'\\x20090a0d227b5b74666e2d30313233343536373839'::bytea`;

/** OFFSET keeps it a query of its own: PostgreSQL then leaves out what nobody asks for, and repeats nothing. */
const nodesOf = (versions: string): string => `
	select v.path, chronokeeper.znode_kind(v.ephemeral_owner), d.data,
		v.data_length, v.num_children, v.czxid, v.mzxid, v.pzxid, v.ctime, v.mtime,
		v.version, v.cversion, v.aversion, v.client_cversion, v.ephemeral_owner,
		coalesce((select a.acl from chronokeeper.history_acl a where a.id = v.acl_id), chronokeeper.version_acl(v.path, v.from_zxid)), v.from_zxid, v.to_zxid,
		chronokeeper.data_text(d.data), chronokeeper.data_json(d.data), ${contentHash('v.path', 'v.from_zxid', 'v.data_zxid')}
	from ${versions} v cross join lateral (select ${content('v.path', 'v.from_zxid', 'v.data_zxid')} as data offset 0) d`;

const statements = [
	`create or replace function chronokeeper.data_text(data bytea) returns text language plpgsql immutable strict parallel safe as $$
	declare
		bytes text;
	begin
		if position('\\x00'::bytea in data) > 0 then
			return null;
		end if;
		bytes := convert_from(data, 'LATIN1');
		-- Any byte that is not ASCII takes two in UTF-8.
		if octet_length(bytes) = octet_length(data) then
			return bytes;
		elsif bytes collate "C" ~ '^(?:${utf8Character})*$' then
			return convert_from(data, 'UTF8');
		end if;
		return null;
	end $$`,
	`create or replace function chronokeeper.data_json(data bytea) returns jsonb language plpgsql immutable strict parallel safe as $$
	declare
		value text;
	begin
		if position(substr(data, 1, 1) in ${jsonBegins}) = 0 then
			return null;
		end if;
		value := chronokeeper.data_text(data);
		if value is not null and chronokeeper.is_json(value) then
			return value::jsonb;
		end if;
		return null;
	end $$`,

	`create function chronokeeper.version_acl(znode text, from_zxid bigint) returns jsonb language sql stable parallel safe as $$
		select v.acl from chronokeeper.history_version v where v.path = znode and v.from_zxid = version_acl.from_zxid $$`,
	`create or replace function chronokeeper.znode_at(znode text, z bigint) returns table (${nodeColumns}) language sql stable rows 1 as $$
		${nodesOf('chronokeeper.version_at(znode, z)')} $$`,
	`create or replace function chronokeeper.children_at(znode text, z bigint) returns table (${nodeColumns}) language sql stable as $$
		${nodesOf('chronokeeper.child_versions_at(znode, z)')} $$`,
	`create or replace function chronokeeper.tree_at(z bigint, prefix text default '/') returns table (${nodeColumns}) language sql stable rows 10000 as $$
		${nodesOf('chronokeeper.tree_versions_at(z, prefix)')} $$`,

	`create or replace function chronokeeper.znode_history(znode text) returns table (${historyColumns}) language sql stable as $$
		select c.zxid, t.time, c.type, c.version, c.size_before, c.size_after, c.data, c.acl,
			t.session, t.principal, t.address, t.door, t.request_id, t.trace_id, c.data_text, c.data_json, c.data_hash
		from chronokeeper.history_change c cross join lateral (
			select o.time, o.session, o.principal, o.address, o.door, o.request_id, o.trace_id from chronokeeper.history_txn o where o.zxid = c.zxid offset 0
		) t
		where c.path = znode
		order by c.zxid, c.ordinal $$`,
];
