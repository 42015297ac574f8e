/**
 * The SQL functions: zxids as people write them, and the tree at a zxid. Each that takes zxids has a twin that takes text, so that
 * '0x500000012', '21474836498' and 21474836498 all work. Everything is schema-qualified: it works whatever search_path is set.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	for (const statement of statements) await sql.raw(statement).execute(db);
}

/** The columns of a node at a zxid, as every function that gives nodes has them. */
const nodeColumns = `
	path text, kind text, data bytea, data_length integer, num_children integer,
	czxid bigint, mzxid bigint, pzxid bigint, ctime timestamptz, mtime timestamptz,
	version integer, cversion integer, aversion integer, client_cversion integer, ephemeral_owner bigint, acl jsonb,
	from_zxid bigint, to_zxid bigint`;

/** Those columns from a row v of znode_version. */
const nodeOf = (v: string): string => `
	${v}.path, chronokeeper.znode_kind(${v}.ephemeral_owner), chronokeeper.content_of(${v}.path, ${v}.data_zxid),
	${v}.data_length, ${v}.num_children, ${v}.czxid, ${v}.mzxid, ${v}.pzxid, ${v}.ctime, ${v}.mtime,
	${v}.version, ${v}.cversion, ${v}.aversion, ${v}.client_cversion, ${v}.ephemeral_owner,
	(select a.acl from chronokeeper.acl a where a.id = ${v}.acl_id), ${v}.from_zxid, ${v}.to_zxid`;

/**
 * The children of \`parent\` that were there at z. Versions that were superseded lie in classes by how many zxids they were valid for
 * (span s: 4^s up to 4^(s+1)), so those of class s that were valid at z began in the last 4^(s+1) zxids before it: 27 short index scans
 * instead of one over all children there ever were. Class 63 holds the versions that are still valid.
 */
const childrenOf = (parent: string, z: string): string => `
	select v.* from generate_series(0, 26) s
	cross join lateral (
		select * from chronokeeper.znode_version v
		where v.parent = ${parent} and v.span = s::smallint
			and v.from_zxid > ${z} - (1::bigint << (2 * s + 2)) and v.from_zxid <= ${z} and v.to_zxid > ${z}
		offset 0
	) v
	union all
	select v.* from chronokeeper.znode_version v where v.parent = ${parent} and v.span = 63 and v.from_zxid <= ${z}`;

/**
 * Each of those scans must be one by index for one node and one class. The planner knows neither how few rows a class has nor that the walk is
 * short, so nothing else is left to it; \`offset 0\` keeps the scans apart.
 */
const plannerSettings = ['seqscan', 'bitmapscan', 'hashjoin', 'mergejoin', 'material']
	.map((it) => `set enable_${it} = off`)
	.join(' ');

const statements = [
	`create function chronokeeper.zxid(value text) returns bigint language plpgsql immutable strict parallel safe as $$
	declare
		trimmed text := btrim(value);
	begin
		if trimmed ~* '^0x[0-9a-f]{1,16}$' then
			return ('x' || lpad(substr(trimmed, 3), 16, '0'))::bit(64)::bigint;
		elsif trimmed ~ '^[0-9]{1,19}$' then
			return trimmed::bigint;
		end if;
		raise exception '"%" is not a zxid: write hexadecimal like 0x500000012, or decimal', value using errcode = 'invalid_parameter_value';
	end $$`,
	`create function chronokeeper.zxid(value bigint) returns bigint language sql immutable strict parallel safe as $$ select value $$`,
	`create function chronokeeper.zxid_hex(zxid bigint) returns text language sql immutable strict parallel safe as $$ select '0x' || to_hex(zxid) $$`,
	`create function chronokeeper.zxid_epoch(zxid bigint) returns integer language sql immutable strict parallel safe as $$ select (zxid >> 32)::integer $$`,
	`create function chronokeeper.zxid_counter(zxid bigint) returns bigint language sql immutable strict parallel safe as $$ select zxid & 4294967295 $$`,
	`create function chronokeeper.session_hex(session bigint) returns text language sql immutable strict parallel safe as $$ select '0x' || to_hex(session) $$`,
	`create function chronokeeper.session_id(value text) returns bigint language plpgsql immutable strict parallel safe as $$
	declare
		trimmed text := btrim(value);
	begin
		if trimmed ~* '^0x[0-9a-f]{1,16}$' then
			return ('x' || lpad(substr(trimmed, 3), 16, '0'))::bit(64)::bigint;
		elsif trimmed ~ '^[0-9]{1,20}$' and trimmed::numeric < 18446744073709551616 then
			return (trimmed::numeric - case when trimmed::numeric > 9223372036854775807 then 18446744073709551616 else 0 end)::bigint;
		elsif trimmed ~ '^-[0-9]{1,19}$' then
			return trimmed::bigint;
		end if;
		raise exception '"%" is not a session id: write hexadecimal like 0x10000314cd30019, or decimal', value using errcode = 'invalid_parameter_value';
	end $$`,
	`create function chronokeeper.session_id(value bigint) returns bigint language sql immutable strict parallel safe as $$ select value $$`,
	`create function chronokeeper.znode_kind(ephemeral_owner bigint) returns text language sql immutable strict parallel safe as $$
		select case
			when ephemeral_owner = 0 then 'persistent'
			when ephemeral_owner = -9223372036854775808 then 'container'
			when ephemeral_owner >> 40 = -65536 then 'ttl'
			else 'ephemeral' end $$`,
	`create function chronokeeper.znode_ttl_ms(ephemeral_owner bigint) returns bigint language sql immutable strict parallel safe as $$
		select case when ephemeral_owner >> 40 = -65536 then ephemeral_owner & 1099511627775 end $$`,
	`create function chronokeeper.version_span(zxids bigint) returns smallint language sql immutable strict parallel safe as $$
		select width_bucket(zxids, array[${Array.from({ length: 26 }, (_, i) => 4n ** BigInt(i + 1)).join(', ')}]::bigint[])::smallint $$`,

	`create function chronokeeper.content_of(path text, data_zxid bigint) returns bytea language sql stable parallel safe as $$
		select coalesce(
			(select c.data from chronokeeper.change c where c.path = content_of.path and c.zxid = content_of.data_zxid and c.size_after is not null
				order by c.ordinal desc limit 1),
			(select n.data from chronokeeper.snapshot_node n where n.path = content_of.path and n.snapshot_zxid = content_of.data_zxid)) $$`,

	`create function chronokeeper.require_known(z bigint) returns void language plpgsql stable as $$
	declare
		last_zxid bigint := (select c.zxid from chronokeeper.mirror_cursor c);
		missing chronokeeper.gap;
	begin
		if last_zxid is null or z > last_zxid then
			raise exception 'zxid % lies ahead of the mirror, which is at %', chronokeeper.zxid_hex(z), coalesce(chronokeeper.zxid_hex(last_zxid), 'nothing yet')
				using errcode = 'invalid_parameter_value';
		end if;
		select * into missing from chronokeeper.gap g where z > g.after_zxid and z < g.through_zxid
			or (z = 0 and g.after_zxid = 0 and not exists (select from chronokeeper.snapshot s where s.base and s.zxid = 0)) limit 1;
		if found then
			raise exception 'zxid % lies in a gap: the tree is not known between % and %: %', chronokeeper.zxid_hex(z),
				chronokeeper.zxid_hex(missing.after_zxid), chronokeeper.zxid_hex(missing.through_zxid), missing.reason
				using errcode = 'no_data_found';
		end if;
	end $$`,

	`create function chronokeeper.znode_at(znode text, z bigint) returns table (${nodeColumns}) language plpgsql stable rows 1 as $$
	#variable_conflict use_column
	begin
		perform chronokeeper.require_known(z);
		return query
			select ${nodeOf('v')} from (
				select * from chronokeeper.znode_version n where n.path = znode and n.from_zxid <= z order by n.from_zxid desc limit 1
			) v where v.to_zxid is null or v.to_zxid > z;
	end $$`,

	`create function chronokeeper.children_at(znode text, z bigint) returns table (${nodeColumns}) language plpgsql stable ${plannerSettings} set jit = off as $$
	#variable_conflict use_column
	begin
		perform chronokeeper.require_known(z);
		return query select ${nodeOf('v')} from (${childrenOf('znode', 'z')}) v order by v.path;
	end $$`,

	`create function chronokeeper.tree_at(z bigint, prefix text default '/') returns table (${nodeColumns}) language plpgsql stable rows 10000 ${plannerSettings} set jit = off as $$
	#variable_conflict use_column
	begin
		perform chronokeeper.require_known(z);
		return query
			with recursive walk as (
				select v.* from (
					select * from chronokeeper.znode_version n where n.path = prefix and n.from_zxid <= z order by n.from_zxid desc limit 1
				) v where v.to_zxid is null or v.to_zxid > z
				union all
				select child.* from walk w cross join lateral (${childrenOf('w.path', 'z')}) child where w.num_children > 0
			)
			select ${nodeOf('w')} from walk w order by w.path;
	end $$`,

	`create function chronokeeper.znode_history(znode text) returns table (
		zxid bigint, "time" timestamptz, type text, version integer, size_before integer, size_after integer, data bytea, acl jsonb,
		session bigint, principal text, address text, door text, request_id text, trace_id text
	) language sql stable as $$
		select c.zxid, t.time, c.type, c.version, c.size_before, c.size_after, c.data,
			(select a.acl from chronokeeper.acl a where a.id = c.acl_id),
			t.session, t.principal, t.address, t.door, t.request_id, t.trace_id
		from chronokeeper.change c join chronokeeper.txn t on t.zxid = c.zxid
		where c.path = znode
		order by c.zxid, c.ordinal $$`,

	`create function chronokeeper.diff(z1 bigint, z2 bigint, prefix text default '/') returns table (
		path text, difference text, data_before bytea, data_after bytea, acl_before jsonb, acl_after jsonb,
		version_before integer, version_after integer, mzxid_before bigint, mzxid_after bigint
	) language plpgsql stable set jit = off as $$
	#variable_conflict use_column
	declare
		low bigint := least(z1, z2);
		high bigint := greatest(z1, z2);
		beneath text := case when prefix = '/' then '/' else prefix || '/' end;
		beyond text := case when prefix = '/' then '0' else prefix || '0' end;
	begin
		perform chronokeeper.require_known(z1), chronokeeper.require_known(z2);
		return query
			with touched as (
				-- Inside a gap nothing says what changed: then every node that ended or began with it may have.
				select c.path from chronokeeper.change c where c.zxid > low and c.zxid <= high
				union
				select v.path from chronokeeper.gap g, chronokeeper.znode_version v
					where g.through_zxid > low and g.after_zxid < high and (v.from_zxid = g.through_zxid or v.to_zxid = g.after_zxid + 1)
			), compared as (
				select t.path, a.czxid as czxid_a, b.czxid as czxid_b, a.mzxid as mzxid_a, b.mzxid as mzxid_b, a.aversion as aversion_a, b.aversion as aversion_b,
					a.version as version_a, b.version as version_b, a.acl_id as acl_a, b.acl_id as acl_b, a.data_zxid as data_a, b.data_zxid as data_b
				from touched t
				left join lateral (
					select * from (select * from chronokeeper.znode_version n where n.path = t.path and n.from_zxid <= z1 order by n.from_zxid desc limit 1) v
					where v.to_zxid is null or v.to_zxid > z1
				) a on true
				left join lateral (
					select * from (select * from chronokeeper.znode_version n where n.path = t.path and n.from_zxid <= z2 order by n.from_zxid desc limit 1) v
					where v.to_zxid is null or v.to_zxid > z2
				) b on true
				where t.path = prefix or (t.path >= beneath and t.path < beyond)
			)
			select d.path,
				case
					when d.czxid_a is null then 'created'
					when d.czxid_b is null then 'deleted'
					when d.czxid_a <> d.czxid_b then 'recreated'
					when d.mzxid_a <> d.mzxid_b and d.acl_a <> d.acl_b then 'data and acl'
					when d.mzxid_a <> d.mzxid_b then 'data'
					else 'acl' end,
				chronokeeper.content_of(d.path, d.data_a), chronokeeper.content_of(d.path, d.data_b),
				(select a.acl from chronokeeper.acl a where a.id = d.acl_a), (select a.acl from chronokeeper.acl a where a.id = d.acl_b),
				d.version_a, d.version_b, d.mzxid_a, d.mzxid_b
			from compared d
			where (d.czxid_a is not null or d.czxid_b is not null)
				and (d.czxid_a is distinct from d.czxid_b or d.mzxid_a <> d.mzxid_b or d.aversion_a <> d.aversion_b or d.acl_a <> d.acl_b)
			order by d.path;
	end $$`,

	...twins(),

	`create function chronokeeper.hash_field(value bytea) returns bytea language sql immutable parallel safe as $$
		select case when value is null then '\\xffffffff'::bytea else int4send(length(value)) || value end $$`,
	`create function chronokeeper.txn_hash(previous bytea, z bigint) returns bytea language sql stable as $$
		select sha256(previous
			|| chronokeeper.hash_field(int8send(t.zxid)) || chronokeeper.hash_field(int4send(t.epoch))
			|| chronokeeper.hash_field(timestamptz_send(t.time)) || chronokeeper.hash_field(int8send(t.session))
			|| chronokeeper.hash_field(int4send(t.cxid)) || chronokeeper.hash_field(convert_to(t.type, 'UTF8'))
			|| chronokeeper.hash_field(convert_to(t.path, 'UTF8')) || chronokeeper.hash_field(int4send(t.error))
			|| chronokeeper.hash_field(int8send(t.digest)) || chronokeeper.hash_field(convert_to(t.principal, 'UTF8'))
			|| chronokeeper.hash_field(convert_to(t.address, 'UTF8')) || chronokeeper.hash_field(convert_to(t.door, 'UTF8'))
			|| chronokeeper.hash_field(convert_to(t.request_id, 'UTF8')) || chronokeeper.hash_field(convert_to(t.trace_id, 'UTF8'))
			|| chronokeeper.hash_field(t.context)
			|| coalesce((select string_agg(
				'\\x0009'::bytea || chronokeeper.hash_field(int8send(c.zxid)) || chronokeeper.hash_field(int4send(c.ordinal))
				|| chronokeeper.hash_field(convert_to(c.type, 'UTF8')) || chronokeeper.hash_field(convert_to(c.path, 'UTF8'))
				|| chronokeeper.hash_field(int4send(c.size_before)) || chronokeeper.hash_field(int4send(c.size_after))
				|| chronokeeper.hash_field(int4send(c.version)) || chronokeeper.hash_field(int8send(c.acl_id))
				|| chronokeeper.hash_field(c.data), ''::bytea order by c.ordinal)
				from chronokeeper.change c where c.zxid = t.zxid), ''::bytea))
		from chronokeeper.txn t where t.zxid = z $$`,
	`create function chronokeeper.verify_chain(z1 bigint, z2 bigint) returns table (zxid bigint, problem text) language sql stable as $$
		select x.zxid, 'the row or its changes are not what was mirrored, or a row before it is missing' from (
			select t.zxid, t.hash, lag(t.hash) over (order by t.zxid) as previous from chronokeeper.txn t
			where t.zxid <= z2 and t.zxid >= coalesce((select max(p.zxid) from chronokeeper.txn p where p.zxid < z1), z1)
		) x
		where x.zxid >= z1 and chronokeeper.txn_hash(coalesce(x.previous, '\\x'::bytea), x.zxid) <> x.hash
		union all
		select null, 'acl ' || a.id || ' is not the one that was mirrored' from chronokeeper.acl a
		where ('x' || encode(substr(sha256(convert_to(a.acl::text, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint <> a.id
		order by 1 $$`,
];

/** The same functions for zxids as text. */
function twins(): string[] {
	const call = (name: string, parameters: string, result: string, call: string) =>
		`create function chronokeeper.${name}(${parameters}) returns ${result} language sql stable as $$ select * from chronokeeper.${name}(${call}) $$`;
	const nodes = `table (${nodeColumns})`;
	return [
		call('znode_at', 'znode text, z text', nodes, 'znode, chronokeeper.zxid(z)'),
		call('children_at', 'znode text, z text', nodes, 'znode, chronokeeper.zxid(z)'),
		call('tree_at', "z text, prefix text default '/'", nodes, 'chronokeeper.zxid(z), prefix'),
		call(
			'diff',
			"z1 text, z2 text, prefix text default '/'",
			`table (
		path text, difference text, data_before bytea, data_after bytea, acl_before jsonb, acl_after jsonb,
		version_before integer, version_after integer, mzxid_before bigint, mzxid_after bigint
	)`,
			'chronokeeper.zxid(z1), chronokeeper.zxid(z2), prefix',
		),
	];
}
