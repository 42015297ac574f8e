/** Changes with who made them: of a node, below a prefix, of a session, a principal, a type; and who is to blame. */

export const changeColumns = `
	zxid bigint, "time" timestamptz, ordinal integer, type text, path text, version integer, size_before integer, size_after integer,
	data bytea, data_text text, data_json jsonb, data_hash bytea, acl jsonb,
	session bigint, principal text, address text, door text, request_id text, trace_id text`;
export const changeOf = `
	t.zxid, t.time, c.ordinal, c.type, c.path, c.version, c.size_before, c.size_after,
	c.data, c.data_text, c.data_json, c.data_hash, c.acl,
	t.session, t.principal, t.address, t.door, t.request_id, t.trace_id`;
export const joined = 'chronokeeper.history_change c join chronokeeper.history_txn t on t.zxid = c.zxid';

export const beneath = `(c.path = prefix
			or (c.path >= case when prefix = '/' then '/' else prefix || '/' end and c.path < case when prefix = '/' then '0' else prefix || '0' end))`;

/** Every zxid there can be. */
const anyZxid = 'z1 bigint default 0, z2 bigint default 9223372036854775807';
const within = 't.zxid >= z1 and t.zxid <= z2';

/** A session's and a principal's transactions are shown when they changed nothing, too: they may have been refused. */
const txnsWith = `
	select t.zxid, t.time, c.ordinal, coalesce(c.type, t.type), coalesce(c.path, t.path), c.version, c.size_before, c.size_after,
		c.data, c.data_text, c.data_json, c.data_hash, c.acl,
		t.session, t.principal, t.address, t.door, t.request_id, t.trace_id, t.error
	from chronokeeper.history_txn t left join chronokeeper.history_change c on c.zxid = t.zxid`;

export const historyColumns = `
		zxid bigint, "time" timestamptz, type text, version integer, size_before integer, size_after integer, data bytea, acl jsonb,
		session bigint, principal text, address text, door text, request_id text, trace_id text, data_text text, data_json jsonb, data_hash bytea`;

const blameColumns = `
	what text, zxid bigint, "time" timestamptz, version integer,
	session bigint, principal text, address text, door text, request_id text, trace_id text`;

export const changeStatements = [
	`drop function chronokeeper.znode_history(text)`,
	`create function chronokeeper.znode_history(znode text) returns table (${historyColumns}
	) language sql stable as $$
		select c.zxid, t.time, c.type, c.version, c.size_before, c.size_after, c.data, c.acl,
			t.session, t.principal, t.address, t.door, t.request_id, t.trace_id, c.data_text, c.data_json, c.data_hash
		from ${joined}
		where c.path = znode
		order by c.zxid, c.ordinal $$`,

	`create function chronokeeper.changes(prefix text, ${anyZxid}) returns table (${changeColumns}) language sql stable as $$
		select ${changeOf} from ${joined}
		where c.zxid >= z1 and c.zxid <= z2 and ${beneath}
		order by c.zxid, c.ordinal $$`,
	`create function chronokeeper.changes(prefix text, z1 text, z2 text) returns table (${changeColumns}) language sql stable as $$
		select * from chronokeeper.changes(prefix, chronokeeper.zxid_or_time(z1), chronokeeper.zxid_or_time(z2)) $$`,
	`create function chronokeeper.changes(prefix text, t1 timestamptz, t2 timestamptz) returns table (${changeColumns}) language sql stable as $$
		select * from chronokeeper.changes(prefix, coalesce(chronokeeper.last_zxid_at(t1), -1) + 1, coalesce(chronokeeper.last_zxid_at(t2), -1)) $$`,

	`create function chronokeeper.changes_by_type(type text, ${anyZxid}) returns table (${changeColumns}) language sql stable as $$
		select ${changeOf} from ${joined}
		where c.zxid >= z1 and c.zxid <= z2 and c.type = changes_by_type.type
		order by c.zxid, c.ordinal $$`,
	`create function chronokeeper.changes_by_session(session bigint, ${anyZxid}) returns table (${changeColumns}, error integer) language sql stable as $$
		${txnsWith}
		where t.session = changes_by_session.session and ${within}
		order by t.zxid, c.ordinal $$`,
	`create function chronokeeper.changes_by_session(session text, ${anyZxid}) returns table (${changeColumns}, error integer) language sql stable as $$
		select * from chronokeeper.changes_by_session(chronokeeper.session_id(session), z1, z2) $$`,

	/** As the owner of the tables, by what everybody may see of an identity: who asks for digest:bob:guess gets what digest:bob did. */
	`create function chronokeeper.zxids_of_principal(principal text, z1 bigint, z2 bigint) returns setof bigint language plpgsql stable
	security definer set search_path = pg_catalog as $$
	#variable_conflict use_column
	declare
		asked text := zxids_of_principal.principal;
		digest integer := case when asked like 'digest:%' then 1 else nullif(strpos(asked, ',digest:'), 0) + 1 end;
		beginning text := left(asked, digest - 1) || substring(substr(asked, digest) from '^digest:[^:]*');
	begin
		if beginning is not null then
			return query select t.zxid from chronokeeper.txn t
				where t.zxid >= z1 and t.zxid <= z2 and t.principal collate "C" >= beginning || ':' and t.principal collate "C" < beginning || ';';
		else
			return query select t.zxid from chronokeeper.txn t
				where t.zxid >= z1 and t.zxid <= z2 and t.principal collate "C" = asked;
		end if;
	end $$`,
	`create function chronokeeper.changes_by_principal(principal text, ${anyZxid}) returns table (${changeColumns}, error integer) language sql stable as $$
		${txnsWith}
		where t.zxid in (select * from chronokeeper.zxids_of_principal(changes_by_principal.principal, z1, z2))
		order by t.zxid, c.ordinal $$`,

	`create function chronokeeper.blame(znode text) returns table (${blameColumns}) language sql stable as $$
		with last_life as (
			-- Its deletion ends a life; the one that is there, or was there last, is the one that is asked for.
			select v.czxid, v.ctime, v.mzxid, v.mtime, v.version, v.aversion, v.to_zxid from chronokeeper.history_version v
			where v.path = znode order by v.from_zxid desc limit 1
		), facts as (
			select 0 as place, 'created' as what, l.czxid as zxid, l.ctime as "time", 0 as version from last_life l
			union all
			select 1, 'data', l.mzxid, l.mtime, l.version from last_life l
			union all
			select 2, 'acl', coalesce(a.zxid, l.czxid), coalesce(a.time, l.ctime), l.aversion from last_life l left join lateral (
				select c.zxid, null::timestamptz as "time" from chronokeeper.history_change c
				where c.path = znode and c.zxid >= l.czxid and c.type = 'setACL' order by c.zxid desc, c.ordinal desc limit 1
			) a on true
			union all
			select 3, 'deleted', d.zxid, null, d.version from last_life l cross join lateral (
				select c.zxid, c.version, c.type from chronokeeper.history_change c
				where c.path = znode and c.zxid = l.to_zxid order by c.ordinal desc limit 1
			) d where d.type in ('delete', 'deleteContainer')
		)
		select f.what, f.zxid, coalesce(t.time, f.time), f.version, t.session, t.principal, t.address, t.door, t.request_id, t.trace_id
		from facts f left join chronokeeper.history_txn t on t.zxid = f.zxid
		order by f.place $$`,
];
