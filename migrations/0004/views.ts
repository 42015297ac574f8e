/**
 * The history as far as the current user may see it. Who may read the tables sees everything. Others, the role chronokeeper_reader above all, see what
 * anybody could have read: data of nodes whose ACL of then was open to the world, identities without the hashes of passwords, and no hashes that a
 * guess at secret data could be tried on. Each view hides columns and no rows, but for history_acl: a condition sees what the view shows.
 */

const seesAll = '(select chronokeeper.sees_all())';

export const viewStatements = [
	`create function chronokeeper.sees_all() returns boolean language sql stable parallel safe as $$
		select has_table_privilege('chronokeeper.change', 'select') $$`,
	`create function chronokeeper.is_open(acl jsonb) returns boolean language sql immutable strict parallel safe as $$
		select jsonb_array_length(acl) = 0 or exists (
			select from jsonb_array_elements(acl) e
			where e ->> 'scheme' = 'world' and e ->> 'id' = 'anyone' and (e ->> 'perms')::integer & 1 = 1) $$`,
	`create function chronokeeper.without_hashes(principal text) returns text language sql immutable strict parallel safe as $$
		select regexp_replace(principal, '(^|,)(digest:[^:]*):[^,]*', '\\1\\2:x', 'g') $$`,
	`create function chronokeeper.without_hashes(acl jsonb) returns jsonb language sql immutable strict parallel safe as $$
		select coalesce(jsonb_agg(
			case when e.entry ->> 'scheme' = 'digest' then jsonb_set(e.entry, '{id}', to_jsonb(regexp_replace(e.entry ->> 'id', ':.*$', ':x'))) else e.entry end
			order by e.number), '[]') from jsonb_array_elements(acl) with ordinality e (entry, number) $$`,

	`create function chronokeeper.content_hash_of(path text, data_zxid bigint) returns bytea language sql stable parallel safe as $$
		select x.data_hash from (
			(select c.data_hash from chronokeeper.change c where c.path = content_hash_of.path and c.zxid = content_hash_of.data_zxid
				and c.size_after is not null order by c.ordinal desc limit 1)
			union all
			(select n.data_hash from chronokeeper.snapshot_node n where n.path = content_hash_of.path and n.snapshot_zxid >= content_hash_of.data_zxid
				order by n.snapshot_zxid limit 1)
		) x limit 1 $$`,

	/** These three run as the owner of the tables. What they give is decided by rows, never by what the caller says of them. */
	`create function chronokeeper.open_change(z bigint, znode text) returns boolean language sql stable parallel safe
	security definer set search_path = pg_catalog as $$
		select exists (
			select from chronokeeper.znode_version v join chronokeeper.acl a on a.id = v.acl_id
			where v.path = znode and v.from_zxid = z and chronokeeper.is_open(a.acl)
		) and not exists (
			select from chronokeeper.change c join chronokeeper.acl a on a.id = c.acl_id
			where c.zxid = z and c.path = znode and not chronokeeper.is_open(a.acl)
		) $$`,
	`create function chronokeeper.open_content(znode text, from_zxid bigint) returns bytea language sql stable parallel safe
	security definer set search_path = pg_catalog as $$
		select chronokeeper.content_of(v.path, v.data_zxid) from chronokeeper.znode_version v join chronokeeper.acl a on a.id = v.acl_id
		where v.path = open_content.znode and v.from_zxid = open_content.from_zxid and chronokeeper.is_open(a.acl) $$`,
	`create function chronokeeper.open_content_hash(znode text, from_zxid bigint) returns bytea language sql stable parallel safe
	security definer set search_path = pg_catalog as $$
		select chronokeeper.content_hash_of(v.path, v.data_zxid) from chronokeeper.znode_version v join chronokeeper.acl a on a.id = v.acl_id
		where v.path = open_content_hash.znode and v.from_zxid = open_content_hash.from_zxid and chronokeeper.is_open(a.acl) $$`,

	`create view chronokeeper.history_txn as
		select t.zxid, t.epoch, t.time, t.session, t.cxid, t.type, t.path, t.error,
			case when ${seesAll} then t.digest end as digest,
			case when ${seesAll} then t.principal else chronokeeper.without_hashes(t.principal) end as principal,
			t.address, t.door, t.request_id, t.trace_id,
			case when ${seesAll} then t.hash end as hash
		from chronokeeper.txn t`,

	`create view chronokeeper.history_cursor as
		select m.zxid, case when ${seesAll} then m.digest end as digest, case when ${seesAll} then m.hash end as hash,
			m.writer, m.mirrored, m.loading, m.clock_zxid, m.redacted
		from chronokeeper.mirror_cursor m`,

	`create view chronokeeper.history_acl with (security_barrier) as
		select a.id, a.acl from chronokeeper.acl a where ${seesAll}`,

	`create view chronokeeper.history_change as
		select c.zxid, c.ordinal, c.type, c.path, c.size_before, c.size_after, c.version,
			case when ${seesAll} then c.acl_id end as acl_id,
			(select case when ${seesAll} then a.acl else chronokeeper.without_hashes(a.acl) end from chronokeeper.acl a where a.id = c.acl_id) as acl,
			case when ${seesAll} or chronokeeper.open_change(c.zxid, c.path) then c.data end as data,
			chronokeeper.data_text(case when ${seesAll} or chronokeeper.open_change(c.zxid, c.path) then c.data end) as data_text,
			chronokeeper.data_json(case when ${seesAll} or chronokeeper.open_change(c.zxid, c.path) then c.data end) as data_json,
			case when c.data_hash is not null and (${seesAll} or chronokeeper.open_change(c.zxid, c.path)) then c.data_hash end as data_hash,
			c.data_hash is not null as redacted
		from chronokeeper.change c`,

	`create view chronokeeper.history_version as
		select v.path, v.parent, v.span, v.from_zxid, v.to_zxid, chronokeeper.znode_kind(v.ephemeral_owner) as kind,
			v.czxid, v.mzxid, v.pzxid, v.data_zxid, v.ephemeral_owner, v.ctime, v.mtime,
			v.version, v.cversion, v.aversion, v.client_cversion, v.data_length, v.num_children,
			case when ${seesAll} then v.acl_id end as acl_id,
			(select case when ${seesAll} then a.acl else chronokeeper.without_hashes(a.acl) end from chronokeeper.acl a where a.id = v.acl_id) as acl,
			case when ${seesAll} then chronokeeper.content_of(v.path, v.data_zxid) else chronokeeper.open_content(v.path, v.from_zxid) end as data,
			chronokeeper.data_text(case when ${seesAll} then chronokeeper.content_of(v.path, v.data_zxid) else chronokeeper.open_content(v.path, v.from_zxid) end) as data_text,
			chronokeeper.data_json(case when ${seesAll} then chronokeeper.content_of(v.path, v.data_zxid) else chronokeeper.open_content(v.path, v.from_zxid) end) as data_json,
			case when (select m.redacted from chronokeeper.history_cursor m) then
				case when ${seesAll} then chronokeeper.content_hash_of(v.path, v.data_zxid) else chronokeeper.open_content_hash(v.path, v.from_zxid) end end as data_hash
		from chronokeeper.znode_version v`,

	`create view chronokeeper.history_session as
		select s.session, s.opened_zxid, s.opened, s.timeout_ms, s.closed_zxid, s.closed,
			case when ${seesAll} then s.principal else chronokeeper.without_hashes(s.principal) end as principal, s.address
		from chronokeeper.session s`,
];
