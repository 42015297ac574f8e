-- The schema that all migrations together make. Written by migrations/schema.spec.ts with CK_REWRITE=1; reviewed as SQL.

set check_function_bodies = off;

create schema chronokeeper;

create table chronokeeper.acl (
	id bigint not null,
	acl jsonb not null,
	PRIMARY KEY (id)
);

create table chronokeeper.change (
	zxid bigint not null,
	ordinal integer not null,
	type text collate "C" not null,
	path text collate "C" not null,
	size_before integer,
	size_after integer,
	version integer,
	acl_id bigint,
	data bytea,
	data_hash bytea,
	PRIMARY KEY (zxid, ordinal)
) partition by RANGE (zxid);

create table chronokeeper.checkpoint (
	zxid bigint not null,
	hash bytea not null,
	ledger bigint not null,
	ledger_hash bytea not null,
	time timestamp with time zone not null,
	key_id text collate "C" not null,
	signature bytea not null,
	PRIMARY KEY (zxid)
);

create table chronokeeper.clock_run (
	first_zxid bigint not null,
	began timestamp with time zone not null,
	PRIMARY KEY (first_zxid)
);

create table chronokeeper.epoch (
	epoch integer not null,
	first_zxid bigint not null,
	began timestamp with time zone not null,
	PRIMARY KEY (epoch)
);

create table chronokeeper.gap (
	after_zxid bigint not null,
	through_zxid bigint not null,
	kind text not null,
	reason text not null,
	noted timestamp with time zone not null default now(),
	PRIMARY KEY (after_zxid, through_zxid)
);

create table chronokeeper.ledger (
	number bigint not null,
	kind text collate "C" not null,
	subject text collate "C" not null,
	content bytea not null,
	noted timestamp with time zone not null,
	hash bytea not null,
	PRIMARY KEY (number)
);

create table chronokeeper.mirror_cursor (
	id smallint not null default 1,
	zxid bigint,
	digest bigint,
	hash bytea,
	writer text,
	mirrored timestamp with time zone,
	loading boolean not null default false,
	clock_zxid bigint,
	redacted boolean not null default false,
	PRIMARY KEY (id),
	CHECK ((id = 1))
);

create table chronokeeper.session (
	session bigint not null,
	opened_zxid bigint not null,
	opened timestamp with time zone,
	timeout_ms integer not null,
	closed_zxid bigint,
	closed timestamp with time zone,
	principal text,
	address text,
	PRIMARY KEY (session, opened_zxid)
);

create table chronokeeper.snapshot (
	zxid bigint not null,
	source text not null,
	digest_zxid bigint,
	digest bigint,
	znodes bigint,
	sessions integer,
	bytes bigint,
	base boolean not null,
	recorded timestamp with time zone not null default now(),
	PRIMARY KEY (zxid, source)
);

create table chronokeeper.snapshot_node (
	snapshot_zxid bigint not null,
	path text collate "C" not null,
	czxid bigint not null,
	mzxid bigint not null,
	pzxid bigint not null,
	ephemeral_owner bigint not null,
	ctime timestamp with time zone not null,
	mtime timestamp with time zone not null,
	acl_id bigint not null,
	version integer not null,
	cversion integer not null,
	aversion integer not null,
	data bytea,
	data_hash bytea,
	PRIMARY KEY (path, snapshot_zxid)
);

create table chronokeeper.snapshot_session (
	snapshot_zxid bigint not null,
	session bigint not null,
	timeout_ms integer not null,
	PRIMARY KEY (snapshot_zxid, session)
);

create table chronokeeper.txn (
	zxid bigint not null,
	epoch integer not null,
	time timestamp with time zone not null,
	session bigint not null,
	cxid integer not null,
	type text collate "C" not null,
	path text collate "C",
	error integer not null,
	digest bigint,
	principal text,
	address text,
	door text collate "C" not null,
	request_id text,
	trace_id text collate "C",
	context bytea,
	hash bytea not null,
	PRIMARY KEY (zxid)
) partition by RANGE (zxid);

create table chronokeeper.znode_version (
	from_zxid bigint not null,
	to_zxid bigint,
	czxid bigint not null,
	mzxid bigint not null,
	pzxid bigint not null,
	data_zxid bigint not null,
	ephemeral_owner bigint not null,
	ctime timestamp with time zone not null,
	mtime timestamp with time zone not null,
	acl_id bigint not null,
	version integer not null,
	cversion integer not null,
	aversion integer not null,
	client_cversion integer not null,
	data_length integer not null,
	num_children integer not null,
	span smallint not null,
	path text collate "C" not null,
	parent text collate "C",
	PRIMARY KEY (path, from_zxid)
) partition by RANGE (from_zxid);

create table chronokeeper.change_1 partition of chronokeeper.change FOR VALUES FROM (MINVALUE) TO (MAXVALUE);

create table chronokeeper.txn_1 partition of chronokeeper.txn FOR VALUES FROM (MINVALUE) TO (MAXVALUE);

create table chronokeeper.znode_version_1 partition of chronokeeper.znode_version FOR VALUES FROM (MINVALUE) TO (MAXVALUE);

CREATE INDEX change_by_path ON chronokeeper.change USING btree (path);

CREATE INDEX change_type ON chronokeeper.change USING btree (type);

CREATE INDEX ledger_subject ON chronokeeper.ledger USING btree (kind, subject, number);

CREATE INDEX session_open ON chronokeeper.session USING btree (session) WHERE (closed_zxid IS NULL);

CREATE INDEX txn_by_session ON chronokeeper.txn USING btree (session);

CREATE INDEX txn_principal ON chronokeeper.txn USING btree (principal COLLATE "C") WHERE (principal IS NOT NULL);

CREATE INDEX txn_time ON chronokeeper.txn USING brin ("time");

CREATE INDEX znode_version_parent ON chronokeeper.znode_version USING btree (parent, span, from_zxid);

CREATE OR REPLACE FUNCTION chronokeeper.zxid(value text)
 RETURNS bigint
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
	declare
		trimmed text := btrim(value);
	begin
		if trimmed ~* '^0x[0-9a-f]{1,16}$' then
			return ('x' || lpad(substr(trimmed, 3), 16, '0'))::bit(64)::bigint;
		elsif trimmed ~ '^[0-9]{1,19}$' then
			return trimmed::bigint;
		end if;
		raise exception '"%" is not a zxid: write hexadecimal like 0x500000012, or decimal', value using errcode = 'invalid_parameter_value';
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.zxid(value bigint)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$ select value $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.zxid_hex(zxid bigint)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$ select '0x' || to_hex(zxid) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.zxid_epoch(zxid bigint)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$ select (zxid >> 32)::integer $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.zxid_counter(zxid bigint)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$ select zxid & 4294967295 $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.session_hex(session bigint)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$ select '0x' || to_hex(session) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.session_id(value text)
 RETURNS bigint
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
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
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.session_id(value bigint)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$ select value $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.znode_kind(ephemeral_owner bigint)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
		select case
			when ephemeral_owner = 0 then 'persistent'
			when ephemeral_owner = -9223372036854775808 then 'container'
			when ephemeral_owner >> 40 = -65536 then 'ttl'
			else 'ephemeral' end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.znode_ttl_ms(ephemeral_owner bigint)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
		select case when ephemeral_owner >> 40 = -65536 then ephemeral_owner & 1099511627775 end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.version_span(zxids bigint)
 RETURNS smallint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
		select width_bucket(zxids, array[4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864, 268435456, 1073741824, 4294967296, 17179869184, 68719476736, 274877906944, 1099511627776, 4398046511104, 17592186044416, 70368744177664, 281474976710656, 1125899906842624, 4503599627370496]::bigint[])::smallint $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.content_of(path text, data_zxid bigint)
 RETURNS bytea
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
		select (select x.data from (
			(select c.data from chronokeeper.change c where c.path = content_of.path and c.zxid = content_of.data_zxid and c.size_after is not null
				order by c.ordinal desc limit 1)
			union all
			(select n.data from chronokeeper.snapshot_node n where n.path = content_of.path and n.snapshot_zxid >= content_of.data_zxid
				order by n.snapshot_zxid limit 1)
		) x limit 1) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.require_known(z bigint)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
AS $function$
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
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.hash_field(value bytea)
 RETURNS bytea
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
		select case when value is null then '\xffffffff'::bytea else int4send(length(value)) || value end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.txn_hash(previous bytea, z bigint)
 RETURNS bytea
 LANGUAGE sql
 STABLE
AS $function$
		select sha256(previous ||
	chronokeeper.hash_field(int8send(t.zxid)) || chronokeeper.hash_field(int4send(t.epoch)) || chronokeeper.hash_field(timestamptz_send(t.time)) || chronokeeper.hash_field(int8send(t.session)) || chronokeeper.hash_field(int4send(t.cxid)) || chronokeeper.hash_field(convert_to(t.type, 'UTF8'))
	|| chronokeeper.hash_field(convert_to(t.path, 'UTF8')) || chronokeeper.hash_field(int4send(t.error)) || chronokeeper.hash_field(int8send(t.digest)) || chronokeeper.hash_field(convert_to(t.principal, 'UTF8')) || chronokeeper.hash_field(convert_to(t.address, 'UTF8')) || chronokeeper.hash_field(convert_to(t.door, 'UTF8'))
	|| chronokeeper.hash_field(convert_to(t.request_id, 'UTF8')) || chronokeeper.hash_field(convert_to(t.trace_id, 'UTF8')) || chronokeeper.hash_field(t.context)
	|| coalesce((select string_agg(
		case when c.data_hash is null then '\x0009'::bytea else '\x000a'::bytea end
		|| chronokeeper.hash_field(int8send(c.zxid)) || chronokeeper.hash_field(int4send(c.ordinal)) || chronokeeper.hash_field(convert_to(c.type, 'UTF8')) || chronokeeper.hash_field(convert_to(c.path, 'UTF8')) || chronokeeper.hash_field(int4send(c.size_before))
		|| chronokeeper.hash_field(int4send(c.size_after)) || chronokeeper.hash_field(int4send(c.version)) || chronokeeper.hash_field(int8send(c.acl_id)) || chronokeeper.hash_field(c.data)
		|| case when c.data_hash is null then ''::bytea else chronokeeper.hash_field(c.data_hash) end, ''::bytea order by c.data_hash is not null, c.ordinal)
		from chronokeeper.change c where c.zxid = t.zxid), ''::bytea) || chronokeeper.txn_facts(z))
		from chronokeeper.txn t where t.zxid = z $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.verify_chain(z1 bigint, z2 bigint)
 RETURNS TABLE(zxid bigint, problem text)
 LANGUAGE sql
 STABLE
 SET plan_cache_mode TO 'force_generic_plan'
 SET jit TO 'off'
AS $function$
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
		order by 1 $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.data_text(data bytea)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
	declare
		bytes text;
	begin
		if position('\x00'::bytea in data) > 0 then
			return null;
		end if;
		bytes := convert_from(data, 'LATIN1');
		-- Any byte that is not ASCII takes two in UTF-8.
		if octet_length(bytes) = octet_length(data) then
			return bytes;
		elsif bytes collate "C" ~ '^(?:[\u0001-\u007f]|[\u00c2-\u00df][\u0080-\u00bf]|\u00e0[\u00a0-\u00bf][\u0080-\u00bf]|[\u00e1-\u00ec\u00ee\u00ef][\u0080-\u00bf]{2}|\u00ed[\u0080-\u009f][\u0080-\u00bf]|\u00f0[\u0090-\u00bf][\u0080-\u00bf]{2}|[\u00f1-\u00f3][\u0080-\u00bf]{3}|\u00f4[\u0080-\u008f][\u0080-\u00bf]{2})*$' then
			return convert_from(data, 'UTF8');
		end if;
		return null;
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.json_depth(value text)
 RETURNS bigint
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
	declare
		brackets text;
	begin
		if length(value) - length(translate(value, '[{', '')) <= 1000 then
			return length(value) - length(translate(value, '[{', ''));
		end if;
		brackets := regexp_replace(regexp_replace(value, '"(?:[^"\\]|\\.)*"', '', 'g'), '[^][{}]+', '', 'g');
		return (select coalesce(max(d.depth), 0) from (
			select sum(case when b.bracket in ('[', '{') then 1 else -1 end) over (order by b.number) as depth
			from unnest(string_to_array(brackets, null)) with ordinality b (bracket, number)
		) d);
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.is_json(value text)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
	begin
		if value !~ '^[ \t\n\r]*["{[tfn0-9-]' or chronokeeper.json_depth(value) > 1000 then
			return false;
		elsif current_setting('server_version_num')::integer >= 160000 then
			return pg_input_is_valid(value, 'jsonb');
		end if;
		return chronokeeper.is_json_by_grammar(value);
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.is_json_by_grammar(value text)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
	declare
		reduced text;
		before text;
	begin
		-- What jsonb refuses although the grammar allows it: U+0000 and half a pair of surrogates.
		if regexp_replace(replace(value, '\\', ''), '\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', '', 'g') ~ '\\u(?:0000|[dD][89a-fA-F])'
			or value ~ '[\u0001-\u0008\u000b\u000c\u000e-\u001f]' then
			return false;
		end if;
		reduced := regexp_replace(value, '"(?:[^"\\\u0001-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"', E'\u0001', 'g');
		-- Numbers with more digits than anybody writes may be too large for numeric.
		if reduced ~ '[0-9]{250}' then
			return false;
		end if;
		reduced := regexp_replace(reduced, 'true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?', E'\u0002', 'g');
		reduced := regexp_replace(reduced, '[ \t\n\r]+', '', 'g');
		loop
			before := reduced;
			reduced := regexp_replace(reduced, '\{(?:\u0001:[\u0001\u0002](?:,\u0001:[\u0001\u0002])*)?\}|\[(?:[\u0001\u0002](?:,[\u0001\u0002])*)?\]', E'\u0002', 'g');
			exit when reduced = before;
		end loop;
		return reduced in (E'\u0001', E'\u0002');
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.data_json(data bytea)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
	declare
		value text;
	begin
		if position(substr(data, 1, 1) in '\x20090a0d227b5b74666e2d30313233343536373839'::bytea) = 0 then
			return null;
		end if;
		value := chronokeeper.data_text(data);
		if value is not null and chronokeeper.is_json(value) then
			return value::jsonb;
		end if;
		return null;
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.sees_all()
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
		select has_table_privilege('chronokeeper.change', 'select') $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.is_open(acl jsonb)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
		select jsonb_array_length(acl) = 0 or exists (
			select from jsonb_array_elements(acl) e
			where e ->> 'scheme' = 'world' and e ->> 'id' = 'anyone' and (e ->> 'perms')::integer & 1 = 1) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.without_hashes(principal text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
		select regexp_replace(principal, '(^|,)(digest:[^:]*):[^,]*', '\1\2:x', 'g') $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.without_hashes(acl jsonb)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
		select coalesce(jsonb_agg(
			case when e.entry ->> 'scheme' = 'digest' then jsonb_set(e.entry, '{id}', to_jsonb(regexp_replace(e.entry ->> 'id', ':.*$', ':x'))) else e.entry end
			order by e.number), '[]') from jsonb_array_elements(acl) with ordinality e (entry, number) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.content_hash_of(path text, data_zxid bigint)
 RETURNS bytea
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
		select x.data_hash from (
			(select c.data_hash from chronokeeper.change c where c.path = content_hash_of.path and c.zxid = content_hash_of.data_zxid
				and c.size_after is not null order by c.ordinal desc limit 1)
			union all
			(select n.data_hash from chronokeeper.snapshot_node n where n.path = content_hash_of.path and n.snapshot_zxid >= content_hash_of.data_zxid
				order by n.snapshot_zxid limit 1)
		) x limit 1 $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.open_change(z bigint, znode text)
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
		select exists (
			select from chronokeeper.znode_version v join chronokeeper.acl a on a.id = v.acl_id
			where v.path = znode and v.from_zxid = z and chronokeeper.is_open(a.acl)
		) and not exists (
			select from chronokeeper.change c join chronokeeper.acl a on a.id = c.acl_id
			where c.zxid = z and c.path = znode and not chronokeeper.is_open(a.acl)
		) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.open_content(znode text, from_zxid bigint)
 RETURNS bytea
 LANGUAGE sql
 STABLE PARALLEL SAFE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
		select chronokeeper.content_of(v.path, v.data_zxid) from chronokeeper.znode_version v join chronokeeper.acl a on a.id = v.acl_id
		where v.path = open_content.znode and v.from_zxid = open_content.from_zxid and chronokeeper.is_open(a.acl) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.open_content_hash(znode text, from_zxid bigint)
 RETURNS bytea
 LANGUAGE sql
 STABLE PARALLEL SAFE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
		select chronokeeper.content_hash_of(v.path, v.data_zxid) from chronokeeper.znode_version v join chronokeeper.acl a on a.id = v.acl_id
		where v.path = open_content_hash.znode and v.from_zxid = open_content_hash.from_zxid and chronokeeper.is_open(a.acl) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.note_clock_runs()
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
	declare
		cursor_row chronokeeper.mirror_cursor;
		noted bigint;
	begin
		select * into cursor_row from chronokeeper.mirror_cursor m for update;
		if cursor_row.clock_zxid is not distinct from cursor_row.zxid then
			return 0;
		end if;
		insert into chronokeeper.clock_run
			select x.zxid, x.time from (
				select t.zxid, t.time, lag(t.time) over (order by t.zxid) as before from chronokeeper.txn t
				where t.zxid > coalesce(cursor_row.clock_zxid, -1) and t.zxid <= cursor_row.zxid
			) x where x.before is null or x.time < x.before
			on conflict do nothing;
		get diagnostics noted = row_count;
		update chronokeeper.mirror_cursor set clock_zxid = zxid;
		return noted;
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.last_zxid_at(at timestamp with time zone)
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE
AS $function$
	declare
		noted bigint;
		last bigint;
		low bigint;
		high bigint;
		middle bigint;
		probe record;
	begin
		select coalesce(m.clock_zxid, -1), m.zxid into noted, last from chronokeeper.history_cursor m;
		if noted < last then
			select t.zxid into low from chronokeeper.history_txn t where t.zxid > noted and t.zxid <= last and t.time <= at order by t.zxid desc limit 1;
			if found then
				return low;
			end if;
		end if;
		select r.first_zxid into low from chronokeeper.clock_run r where r.began <= at and r.first_zxid <= noted order by r.first_zxid desc limit 1;
		if not found then
			return null;
		end if;
		select coalesce(min(r.first_zxid) - 1, noted) into high from chronokeeper.clock_run r where r.first_zxid > low and r.first_zxid <= noted;
		-- The transaction at low is not later; nothing behind high belongs to the run.
		while low < high loop
			middle := low + (high - low + 1) / 2;
			select t.zxid, t.time into probe from chronokeeper.history_txn t where t.zxid >= middle and t.zxid <= high order by t.zxid limit 1;
			if found and probe.time <= at then
				low := probe.zxid;
			else
				high := middle - 1;
			end if;
		end loop;
		-- What was pruned meanwhile is not there any more.
		return (select t.zxid from chronokeeper.history_txn t where t.zxid = low);
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.zxid_at(at timestamp with time zone)
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE
AS $function$
	declare
		z bigint := chronokeeper.last_zxid_at(at);
		missing chronokeeper.gap;
	begin
		if at is null then
			return null;
		elsif z is null and exists (select from chronokeeper.snapshot s where s.base and s.zxid = 0)
			and not exists (select from chronokeeper.gap g where g.after_zxid = 0 and g.kind <> 'mismatch') then
			return 0;
		elsif z is null then
			raise exception 'the history knows nothing of %: it begins later', at using errcode = 'no_data_found';
		end if;
		select * into missing from chronokeeper.gap g
			where g.after_zxid = z and not exists (select from chronokeeper.history_txn t where t.zxid = g.through_zxid) limit 1;
		if found then
			raise exception '% lies in a gap: what happened between % and % is not known: %', at,
				chronokeeper.zxid_hex(missing.after_zxid), chronokeeper.zxid_hex(missing.through_zxid), missing.reason
				using errcode = 'no_data_found';
		end if;
		return z;
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.zxid_or_time(value text)
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE STRICT
AS $function$
	begin
		if btrim(value) ~* '^(0x[0-9a-f]+|[0-9]+)$' then
			return chronokeeper.zxid(value);
		elsif btrim(value) ~ '^[0-9]{4}-[0-9]|^[0-9]{1,2}:|^[a-zA-Z]' then
			return chronokeeper.zxid_at(value::timestamptz);
		end if;
		return chronokeeper.zxid(value);
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.version_at(znode text, z bigint)
 RETURNS TABLE(path text, from_zxid bigint, to_zxid bigint, czxid bigint, mzxid bigint, pzxid bigint, data_zxid bigint, ephemeral_owner bigint, ctime timestamp with time zone, mtime timestamp with time zone, acl_id bigint, version integer, cversion integer, aversion integer, client_cversion integer, data_length integer, num_children integer)
 LANGUAGE plpgsql
 STABLE ROWS 1
AS $function$
	#variable_conflict use_column
	begin
		perform chronokeeper.require_known(z);
		return query
	select v.path, v.from_zxid, v.to_zxid, v.czxid, v.mzxid, v.pzxid, v.data_zxid, v.ephemeral_owner, v.ctime, v.mtime, v.acl_id, v.version, v.cversion, v.aversion, v.client_cversion, v.data_length, v.num_children from (
		select n.path, n.from_zxid, n.to_zxid, n.czxid, n.mzxid, n.pzxid, n.data_zxid, n.ephemeral_owner, n.ctime, n.mtime, n.acl_id, n.version, n.cversion, n.aversion, n.client_cversion, n.data_length, n.num_children from chronokeeper.history_version n where n.path = znode and n.from_zxid <= z order by n.from_zxid desc limit 1
	) v where v.to_zxid is null or v.to_zxid > z;
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.child_versions_at(znode text, z bigint)
 RETURNS TABLE(path text, from_zxid bigint, to_zxid bigint, czxid bigint, mzxid bigint, pzxid bigint, data_zxid bigint, ephemeral_owner bigint, ctime timestamp with time zone, mtime timestamp with time zone, acl_id bigint, version integer, cversion integer, aversion integer, client_cversion integer, data_length integer, num_children integer)
 LANGUAGE plpgsql
 STABLE
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_material TO 'off'
 SET jit TO 'off'
AS $function$
	#variable_conflict use_column
	begin
		perform chronokeeper.require_known(z);
		return query select v.path, v.from_zxid, v.to_zxid, v.czxid, v.mzxid, v.pzxid, v.data_zxid, v.ephemeral_owner, v.ctime, v.mtime, v.acl_id, v.version, v.cversion, v.aversion, v.client_cversion, v.data_length, v.num_children from (
	select v.path, v.from_zxid, v.to_zxid, v.czxid, v.mzxid, v.pzxid, v.data_zxid, v.ephemeral_owner, v.ctime, v.mtime, v.acl_id, v.version, v.cversion, v.aversion, v.client_cversion, v.data_length, v.num_children from generate_series(0, 26) s
	cross join lateral (
		select v.path, v.from_zxid, v.to_zxid, v.czxid, v.mzxid, v.pzxid, v.data_zxid, v.ephemeral_owner, v.ctime, v.mtime, v.acl_id, v.version, v.cversion, v.aversion, v.client_cversion, v.data_length, v.num_children from chronokeeper.history_version v
		where v.parent = znode and v.span = s::smallint
			and v.from_zxid > z - (1::bigint << (2 * s + 2)) and v.from_zxid <= z and v.to_zxid > z
		offset 0
	) v
	union all
	select v.path, v.from_zxid, v.to_zxid, v.czxid, v.mzxid, v.pzxid, v.data_zxid, v.ephemeral_owner, v.ctime, v.mtime, v.acl_id, v.version, v.cversion, v.aversion, v.client_cversion, v.data_length, v.num_children from chronokeeper.history_version v where v.parent = znode and v.span = 63 and v.from_zxid <= z) v order by v.path;
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.tree_versions_at(z bigint, prefix text)
 RETURNS TABLE(path text, from_zxid bigint, to_zxid bigint, czxid bigint, mzxid bigint, pzxid bigint, data_zxid bigint, ephemeral_owner bigint, ctime timestamp with time zone, mtime timestamp with time zone, acl_id bigint, version integer, cversion integer, aversion integer, client_cversion integer, data_length integer, num_children integer)
 LANGUAGE plpgsql
 STABLE ROWS 10000
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET enable_material TO 'off'
 SET jit TO 'off'
AS $function$
	#variable_conflict use_column
	begin
		perform chronokeeper.require_known(z);
		return query
			with recursive walk as (

	select v.path, v.from_zxid, v.to_zxid, v.czxid, v.mzxid, v.pzxid, v.data_zxid, v.ephemeral_owner, v.ctime, v.mtime, v.acl_id, v.version, v.cversion, v.aversion, v.client_cversion, v.data_length, v.num_children from (
		select n.path, n.from_zxid, n.to_zxid, n.czxid, n.mzxid, n.pzxid, n.data_zxid, n.ephemeral_owner, n.ctime, n.mtime, n.acl_id, n.version, n.cversion, n.aversion, n.client_cversion, n.data_length, n.num_children from chronokeeper.history_version n where n.path = prefix and n.from_zxid <= z order by n.from_zxid desc limit 1
	) v where v.to_zxid is null or v.to_zxid > z
				union all
				select child.path, child.from_zxid, child.to_zxid, child.czxid, child.mzxid, child.pzxid, child.data_zxid, child.ephemeral_owner, child.ctime, child.mtime, child.acl_id, child.version, child.cversion, child.aversion, child.client_cversion, child.data_length, child.num_children from walk w cross join lateral (
	select v.path, v.from_zxid, v.to_zxid, v.czxid, v.mzxid, v.pzxid, v.data_zxid, v.ephemeral_owner, v.ctime, v.mtime, v.acl_id, v.version, v.cversion, v.aversion, v.client_cversion, v.data_length, v.num_children from generate_series(0, 26) s
	cross join lateral (
		select v.path, v.from_zxid, v.to_zxid, v.czxid, v.mzxid, v.pzxid, v.data_zxid, v.ephemeral_owner, v.ctime, v.mtime, v.acl_id, v.version, v.cversion, v.aversion, v.client_cversion, v.data_length, v.num_children from chronokeeper.history_version v
		where v.parent = w.path and v.span = s::smallint
			and v.from_zxid > z - (1::bigint << (2 * s + 2)) and v.from_zxid <= z and v.to_zxid > z
		offset 0
	) v
	union all
	select v.path, v.from_zxid, v.to_zxid, v.czxid, v.mzxid, v.pzxid, v.data_zxid, v.ephemeral_owner, v.ctime, v.mtime, v.acl_id, v.version, v.cversion, v.aversion, v.client_cversion, v.data_length, v.num_children from chronokeeper.history_version v where v.parent = w.path and v.span = 63 and v.from_zxid <= z) child where w.num_children > 0
			)
			select w.path, w.from_zxid, w.to_zxid, w.czxid, w.mzxid, w.pzxid, w.data_zxid, w.ephemeral_owner, w.ctime, w.mtime, w.acl_id, w.version, w.cversion, w.aversion, w.client_cversion, w.data_length, w.num_children from walk w order by w.path;
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.znode_at(znode text, z bigint)
 RETURNS TABLE(path text, kind text, data bytea, data_length integer, num_children integer, czxid bigint, mzxid bigint, pzxid bigint, ctime timestamp with time zone, mtime timestamp with time zone, version integer, cversion integer, aversion integer, client_cversion integer, ephemeral_owner bigint, acl jsonb, from_zxid bigint, to_zxid bigint, data_text text, data_json jsonb, data_hash bytea)
 LANGUAGE sql
 STABLE ROWS 1
AS $function$

	select v.path, chronokeeper.znode_kind(v.ephemeral_owner), d.data,
		v.data_length, v.num_children, v.czxid, v.mzxid, v.pzxid, v.ctime, v.mtime,
		v.version, v.cversion, v.aversion, v.client_cversion, v.ephemeral_owner,
		coalesce((select a.acl from chronokeeper.history_acl a where a.id = v.acl_id), chronokeeper.version_acl(v.path, v.from_zxid)), v.from_zxid, v.to_zxid,
		chronokeeper.data_text(d.data), chronokeeper.data_json(d.data), case when (select m.redacted from chronokeeper.history_cursor m) then case when (select chronokeeper.sees_all()) then chronokeeper.content_hash_of(v.path, v.data_zxid) else chronokeeper.open_content_hash(v.path, v.from_zxid) end end
	from chronokeeper.version_at(znode, z) v cross join lateral (select case when (select chronokeeper.sees_all()) then chronokeeper.content_of(v.path, v.data_zxid) else chronokeeper.open_content(v.path, v.from_zxid) end as data offset 0) d $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.children_at(znode text, z bigint)
 RETURNS TABLE(path text, kind text, data bytea, data_length integer, num_children integer, czxid bigint, mzxid bigint, pzxid bigint, ctime timestamp with time zone, mtime timestamp with time zone, version integer, cversion integer, aversion integer, client_cversion integer, ephemeral_owner bigint, acl jsonb, from_zxid bigint, to_zxid bigint, data_text text, data_json jsonb, data_hash bytea)
 LANGUAGE sql
 STABLE
AS $function$

	select v.path, chronokeeper.znode_kind(v.ephemeral_owner), d.data,
		v.data_length, v.num_children, v.czxid, v.mzxid, v.pzxid, v.ctime, v.mtime,
		v.version, v.cversion, v.aversion, v.client_cversion, v.ephemeral_owner,
		coalesce((select a.acl from chronokeeper.history_acl a where a.id = v.acl_id), chronokeeper.version_acl(v.path, v.from_zxid)), v.from_zxid, v.to_zxid,
		chronokeeper.data_text(d.data), chronokeeper.data_json(d.data), case when (select m.redacted from chronokeeper.history_cursor m) then case when (select chronokeeper.sees_all()) then chronokeeper.content_hash_of(v.path, v.data_zxid) else chronokeeper.open_content_hash(v.path, v.from_zxid) end end
	from chronokeeper.child_versions_at(znode, z) v cross join lateral (select case when (select chronokeeper.sees_all()) then chronokeeper.content_of(v.path, v.data_zxid) else chronokeeper.open_content(v.path, v.from_zxid) end as data offset 0) d $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.tree_at(z bigint, prefix text DEFAULT '/'::text)
 RETURNS TABLE(path text, kind text, data bytea, data_length integer, num_children integer, czxid bigint, mzxid bigint, pzxid bigint, ctime timestamp with time zone, mtime timestamp with time zone, version integer, cversion integer, aversion integer, client_cversion integer, ephemeral_owner bigint, acl jsonb, from_zxid bigint, to_zxid bigint, data_text text, data_json jsonb, data_hash bytea)
 LANGUAGE sql
 STABLE ROWS 10000
AS $function$

	select v.path, chronokeeper.znode_kind(v.ephemeral_owner), d.data,
		v.data_length, v.num_children, v.czxid, v.mzxid, v.pzxid, v.ctime, v.mtime,
		v.version, v.cversion, v.aversion, v.client_cversion, v.ephemeral_owner,
		coalesce((select a.acl from chronokeeper.history_acl a where a.id = v.acl_id), chronokeeper.version_acl(v.path, v.from_zxid)), v.from_zxid, v.to_zxid,
		chronokeeper.data_text(d.data), chronokeeper.data_json(d.data), case when (select m.redacted from chronokeeper.history_cursor m) then case when (select chronokeeper.sees_all()) then chronokeeper.content_hash_of(v.path, v.data_zxid) else chronokeeper.open_content_hash(v.path, v.from_zxid) end end
	from chronokeeper.tree_versions_at(z, prefix) v cross join lateral (select case when (select chronokeeper.sees_all()) then chronokeeper.content_of(v.path, v.data_zxid) else chronokeeper.open_content(v.path, v.from_zxid) end as data offset 0) d $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.differing_versions(z1 bigint, z2 bigint, prefix text)
 RETURNS TABLE(path text, difference text, from_zxid_before bigint, from_zxid_after bigint, data_zxid_before bigint, data_zxid_after bigint, acl_id_before bigint, acl_id_after bigint, version_before integer, version_after integer, mzxid_before bigint, mzxid_after bigint)
 LANGUAGE plpgsql
 STABLE
 SET jit TO 'off'
AS $function$
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
				-- Inside a gap nothing says what changed: then every node that was there in front of it or is behind it may have.
				select c.path from chronokeeper.history_change c where c.zxid > low and c.zxid <= high
				union
				select v.path from chronokeeper.gap g cross join lateral (
					select n.path from chronokeeper.tree_versions_at(g.after_zxid, prefix) n
					union all
					select n.path from chronokeeper.tree_versions_at(g.through_zxid, prefix) n
				) v
				where g.through_zxid > low and g.after_zxid < high and g.kind <> 'mismatch'
			), compared as (
				select t.path, a.czxid as czxid_a, b.czxid as czxid_b, a.mzxid as mzxid_a, b.mzxid as mzxid_b, a.aversion as aversion_a, b.aversion as aversion_b,
					a.version as version_a, b.version as version_b, a.acl_id as acl_a, b.acl_id as acl_b, a.data_zxid as data_a, b.data_zxid as data_b,
					a.from_zxid as from_a, b.from_zxid as from_b
				from touched t
				left join lateral (
	select v.path, v.from_zxid, v.to_zxid, v.czxid, v.mzxid, v.pzxid, v.data_zxid, v.ephemeral_owner, v.ctime, v.mtime, v.acl_id, v.version, v.cversion, v.aversion, v.client_cversion, v.data_length, v.num_children from (
		select n.path, n.from_zxid, n.to_zxid, n.czxid, n.mzxid, n.pzxid, n.data_zxid, n.ephemeral_owner, n.ctime, n.mtime, n.acl_id, n.version, n.cversion, n.aversion, n.client_cversion, n.data_length, n.num_children from chronokeeper.history_version n where n.path = t.path and n.from_zxid <= z1 order by n.from_zxid desc limit 1
	) v where v.to_zxid is null or v.to_zxid > z1) a on true
				left join lateral (
	select v.path, v.from_zxid, v.to_zxid, v.czxid, v.mzxid, v.pzxid, v.data_zxid, v.ephemeral_owner, v.ctime, v.mtime, v.acl_id, v.version, v.cversion, v.aversion, v.client_cversion, v.data_length, v.num_children from (
		select n.path, n.from_zxid, n.to_zxid, n.czxid, n.mzxid, n.pzxid, n.data_zxid, n.ephemeral_owner, n.ctime, n.mtime, n.acl_id, n.version, n.cversion, n.aversion, n.client_cversion, n.data_length, n.num_children from chronokeeper.history_version n where n.path = t.path and n.from_zxid <= z2 order by n.from_zxid desc limit 1
	) v where v.to_zxid is null or v.to_zxid > z2) b on true
				where t.path = prefix or (t.path >= beneath and t.path < beyond)
			)
			select d.path,
				case
					when d.czxid_a is null then 'created'
					when d.czxid_b is null then 'deleted'
					when d.czxid_a <> d.czxid_b then 'recreated'
					when d.mzxid_a <> d.mzxid_b and (d.acl_a <> d.acl_b or d.aversion_a <> d.aversion_b) then 'data and acl'
					when d.mzxid_a <> d.mzxid_b then 'data'
					else 'acl' end,
				d.from_a, d.from_b, d.data_a, d.data_b, d.acl_a, d.acl_b, d.version_a, d.version_b, d.mzxid_a, d.mzxid_b
			from compared d
			where (d.czxid_a is not null or d.czxid_b is not null)
				and (d.czxid_a is distinct from d.czxid_b or d.mzxid_a <> d.mzxid_b or d.aversion_a <> d.aversion_b or d.acl_a <> d.acl_b)
			order by d.path;
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.diff(z1 bigint, z2 bigint, prefix text DEFAULT '/'::text)
 RETURNS TABLE(path text, difference text, data_before bytea, data_after bytea, acl_before jsonb, acl_after jsonb, version_before integer, version_after integer, mzxid_before bigint, mzxid_after bigint, data_text_before text, data_text_after text, data_json_before jsonb, data_json_after jsonb, data_hash_before bytea, data_hash_after bytea)
 LANGUAGE sql
 STABLE
AS $function$
		select d.path, d.difference, case when (select chronokeeper.sees_all()) then chronokeeper.content_of(d.path, d.data_zxid_before) else chronokeeper.open_content(d.path, d.from_zxid_before) end, case when (select chronokeeper.sees_all()) then chronokeeper.content_of(d.path, d.data_zxid_after) else chronokeeper.open_content(d.path, d.from_zxid_after) end, coalesce((select a.acl from chronokeeper.history_acl a where a.id = d.acl_id_before),
		(select h.acl from chronokeeper.history_version h where h.path = d.path and h.from_zxid = d.from_zxid_before)), coalesce((select a.acl from chronokeeper.history_acl a where a.id = d.acl_id_after),
		(select h.acl from chronokeeper.history_version h where h.path = d.path and h.from_zxid = d.from_zxid_after)),
			d.version_before, d.version_after, d.mzxid_before, d.mzxid_after,
			chronokeeper.data_text(case when (select chronokeeper.sees_all()) then chronokeeper.content_of(d.path, d.data_zxid_before) else chronokeeper.open_content(d.path, d.from_zxid_before) end), chronokeeper.data_text(case when (select chronokeeper.sees_all()) then chronokeeper.content_of(d.path, d.data_zxid_after) else chronokeeper.open_content(d.path, d.from_zxid_after) end),
			chronokeeper.data_json(case when (select chronokeeper.sees_all()) then chronokeeper.content_of(d.path, d.data_zxid_before) else chronokeeper.open_content(d.path, d.from_zxid_before) end), chronokeeper.data_json(case when (select chronokeeper.sees_all()) then chronokeeper.content_of(d.path, d.data_zxid_after) else chronokeeper.open_content(d.path, d.from_zxid_after) end), case when (select m.redacted from chronokeeper.history_cursor m) then case when (select chronokeeper.sees_all()) then chronokeeper.content_hash_of(d.path, d.data_zxid_before) else chronokeeper.open_content_hash(d.path, d.from_zxid_before) end end, case when (select m.redacted from chronokeeper.history_cursor m) then case when (select chronokeeper.sees_all()) then chronokeeper.content_hash_of(d.path, d.data_zxid_after) else chronokeeper.open_content_hash(d.path, d.from_zxid_after) end end
		from chronokeeper.differing_versions(z1, z2, prefix) d $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.znode_at(znode text, z text)
 RETURNS TABLE(path text, kind text, data bytea, data_length integer, num_children integer, czxid bigint, mzxid bigint, pzxid bigint, ctime timestamp with time zone, mtime timestamp with time zone, version integer, cversion integer, aversion integer, client_cversion integer, ephemeral_owner bigint, acl jsonb, from_zxid bigint, to_zxid bigint, data_text text, data_json jsonb, data_hash bytea)
 LANGUAGE sql
 STABLE
AS $function$ select * from chronokeeper.znode_at(znode, chronokeeper.zxid_or_time(z)) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.children_at(znode text, z text)
 RETURNS TABLE(path text, kind text, data bytea, data_length integer, num_children integer, czxid bigint, mzxid bigint, pzxid bigint, ctime timestamp with time zone, mtime timestamp with time zone, version integer, cversion integer, aversion integer, client_cversion integer, ephemeral_owner bigint, acl jsonb, from_zxid bigint, to_zxid bigint, data_text text, data_json jsonb, data_hash bytea)
 LANGUAGE sql
 STABLE
AS $function$ select * from chronokeeper.children_at(znode, chronokeeper.zxid_or_time(z)) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.tree_at(z text, prefix text DEFAULT '/'::text)
 RETURNS TABLE(path text, kind text, data bytea, data_length integer, num_children integer, czxid bigint, mzxid bigint, pzxid bigint, ctime timestamp with time zone, mtime timestamp with time zone, version integer, cversion integer, aversion integer, client_cversion integer, ephemeral_owner bigint, acl jsonb, from_zxid bigint, to_zxid bigint, data_text text, data_json jsonb, data_hash bytea)
 LANGUAGE sql
 STABLE
AS $function$ select * from chronokeeper.tree_at(chronokeeper.zxid_or_time(z), prefix) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.diff(z1 text, z2 text, prefix text DEFAULT '/'::text)
 RETURNS TABLE(path text, difference text, data_before bytea, data_after bytea, acl_before jsonb, acl_after jsonb, version_before integer, version_after integer, mzxid_before bigint, mzxid_after bigint, data_text_before text, data_text_after text, data_json_before jsonb, data_json_after jsonb, data_hash_before bytea, data_hash_after bytea)
 LANGUAGE sql
 STABLE
AS $function$ select * from chronokeeper.diff(chronokeeper.zxid_or_time(z1), chronokeeper.zxid_or_time(z2), prefix) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.znode_at(znode text, z timestamp with time zone)
 RETURNS TABLE(path text, kind text, data bytea, data_length integer, num_children integer, czxid bigint, mzxid bigint, pzxid bigint, ctime timestamp with time zone, mtime timestamp with time zone, version integer, cversion integer, aversion integer, client_cversion integer, ephemeral_owner bigint, acl jsonb, from_zxid bigint, to_zxid bigint, data_text text, data_json jsonb, data_hash bytea)
 LANGUAGE sql
 STABLE
AS $function$ select * from chronokeeper.znode_at(znode, chronokeeper.zxid_at(z)) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.children_at(znode text, z timestamp with time zone)
 RETURNS TABLE(path text, kind text, data bytea, data_length integer, num_children integer, czxid bigint, mzxid bigint, pzxid bigint, ctime timestamp with time zone, mtime timestamp with time zone, version integer, cversion integer, aversion integer, client_cversion integer, ephemeral_owner bigint, acl jsonb, from_zxid bigint, to_zxid bigint, data_text text, data_json jsonb, data_hash bytea)
 LANGUAGE sql
 STABLE
AS $function$ select * from chronokeeper.children_at(znode, chronokeeper.zxid_at(z)) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.tree_at(z timestamp with time zone, prefix text DEFAULT '/'::text)
 RETURNS TABLE(path text, kind text, data bytea, data_length integer, num_children integer, czxid bigint, mzxid bigint, pzxid bigint, ctime timestamp with time zone, mtime timestamp with time zone, version integer, cversion integer, aversion integer, client_cversion integer, ephemeral_owner bigint, acl jsonb, from_zxid bigint, to_zxid bigint, data_text text, data_json jsonb, data_hash bytea)
 LANGUAGE sql
 STABLE
AS $function$ select * from chronokeeper.tree_at(chronokeeper.zxid_at(z), prefix) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.diff(z1 timestamp with time zone, z2 timestamp with time zone, prefix text DEFAULT '/'::text)
 RETURNS TABLE(path text, difference text, data_before bytea, data_after bytea, acl_before jsonb, acl_after jsonb, version_before integer, version_after integer, mzxid_before bigint, mzxid_after bigint, data_text_before text, data_text_after text, data_json_before jsonb, data_json_after jsonb, data_hash_before bytea, data_hash_after bytea)
 LANGUAGE sql
 STABLE
AS $function$ select * from chronokeeper.diff(chronokeeper.zxid_at(z1), chronokeeper.zxid_at(z2), prefix) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.znode_history(znode text)
 RETURNS TABLE(zxid bigint, "time" timestamp with time zone, type text, version integer, size_before integer, size_after integer, data bytea, acl jsonb, session bigint, principal text, address text, door text, request_id text, trace_id text, data_text text, data_json jsonb, data_hash bytea)
 LANGUAGE sql
 STABLE
AS $function$
		select c.zxid, t.time, c.type, c.version, c.size_before, c.size_after, c.data, c.acl,
			t.session, t.principal, t.address, t.door, t.request_id, t.trace_id, c.data_text, c.data_json, c.data_hash
		from chronokeeper.history_change c cross join lateral (
			select o.time, o.session, o.principal, o.address, o.door, o.request_id, o.trace_id from chronokeeper.history_txn o where o.zxid = c.zxid offset 0
		) t
		where c.path = znode
		order by c.zxid, c.ordinal $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.changes(prefix text, z1 bigint DEFAULT 0, z2 bigint DEFAULT '9223372036854775807'::bigint)
 RETURNS TABLE(zxid bigint, "time" timestamp with time zone, ordinal integer, type text, path text, version integer, size_before integer, size_after integer, data bytea, data_text text, data_json jsonb, data_hash bytea, acl jsonb, session bigint, principal text, address text, door text, request_id text, trace_id text)
 LANGUAGE sql
 STABLE
AS $function$
		select
	t.zxid, t.time, c.ordinal, c.type, c.path, c.version, c.size_before, c.size_after,
	c.data, c.data_text, c.data_json, c.data_hash, c.acl,
	t.session, t.principal, t.address, t.door, t.request_id, t.trace_id from chronokeeper.history_change c join chronokeeper.history_txn t on t.zxid = c.zxid
		where c.zxid >= z1 and c.zxid <= z2 and (c.path = prefix
			or (c.path >= case when prefix = '/' then '/' else prefix || '/' end and c.path < case when prefix = '/' then '0' else prefix || '0' end))
		order by c.zxid, c.ordinal $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.changes(prefix text, z1 text, z2 text)
 RETURNS TABLE(zxid bigint, "time" timestamp with time zone, ordinal integer, type text, path text, version integer, size_before integer, size_after integer, data bytea, data_text text, data_json jsonb, data_hash bytea, acl jsonb, session bigint, principal text, address text, door text, request_id text, trace_id text)
 LANGUAGE sql
 STABLE
AS $function$
		select
	t.zxid, t.time, c.ordinal, c.type, c.path, c.version, c.size_before, c.size_after,
	c.data, c.data_text, c.data_json, c.data_hash, c.acl,
	t.session, t.principal, t.address, t.door, t.request_id, t.trace_id from chronokeeper.history_change c join chronokeeper.history_txn t on t.zxid = c.zxid
		where c.zxid >= case when btrim(z1) ~* '^(0x[0-9a-f]+|[0-9]+)$' then chronokeeper.zxid(z1) else (select chronokeeper.zxid_or_time(z1)) end and c.zxid <= case when btrim(z2) ~* '^(0x[0-9a-f]+|[0-9]+)$' then chronokeeper.zxid(z2) else (select chronokeeper.zxid_or_time(z2)) end and (c.path = prefix
			or (c.path >= case when prefix = '/' then '/' else prefix || '/' end and c.path < case when prefix = '/' then '0' else prefix || '0' end))
		order by c.zxid, c.ordinal $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.changes(prefix text, t1 timestamp with time zone, t2 timestamp with time zone)
 RETURNS TABLE(zxid bigint, "time" timestamp with time zone, ordinal integer, type text, path text, version integer, size_before integer, size_after integer, data bytea, data_text text, data_json jsonb, data_hash bytea, acl jsonb, session bigint, principal text, address text, door text, request_id text, trace_id text)
 LANGUAGE sql
 STABLE
AS $function$
		select
	t.zxid, t.time, c.ordinal, c.type, c.path, c.version, c.size_before, c.size_after,
	c.data, c.data_text, c.data_json, c.data_hash, c.acl,
	t.session, t.principal, t.address, t.door, t.request_id, t.trace_id from chronokeeper.history_change c join chronokeeper.history_txn t on t.zxid = c.zxid
		where c.zxid >= (select coalesce(chronokeeper.last_zxid_at(t1), -1) + 1) and c.zxid <= (select coalesce(chronokeeper.last_zxid_at(t2), -1)) and (c.path = prefix
			or (c.path >= case when prefix = '/' then '/' else prefix || '/' end and c.path < case when prefix = '/' then '0' else prefix || '0' end))
		order by c.zxid, c.ordinal $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.changes_by_type(type text, z1 bigint DEFAULT 0, z2 bigint DEFAULT '9223372036854775807'::bigint)
 RETURNS TABLE(zxid bigint, "time" timestamp with time zone, ordinal integer, type text, path text, version integer, size_before integer, size_after integer, data bytea, data_text text, data_json jsonb, data_hash bytea, acl jsonb, session bigint, principal text, address text, door text, request_id text, trace_id text)
 LANGUAGE sql
 STABLE
AS $function$
		select
	t.zxid, t.time, c.ordinal, c.type, c.path, c.version, c.size_before, c.size_after,
	c.data, c.data_text, c.data_json, c.data_hash, c.acl,
	t.session, t.principal, t.address, t.door, t.request_id, t.trace_id from chronokeeper.history_change c join chronokeeper.history_txn t on t.zxid = c.zxid
		where c.zxid >= z1 and c.zxid <= z2 and c.type = changes_by_type.type
		order by c.zxid, c.ordinal $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.changes_by_session(session bigint, z1 bigint DEFAULT 0, z2 bigint DEFAULT '9223372036854775807'::bigint)
 RETURNS TABLE(zxid bigint, "time" timestamp with time zone, ordinal integer, type text, path text, version integer, size_before integer, size_after integer, data bytea, data_text text, data_json jsonb, data_hash bytea, acl jsonb, session bigint, principal text, address text, door text, request_id text, trace_id text, error integer)
 LANGUAGE sql
 STABLE
AS $function$

	select t.zxid, t.time, c.ordinal, coalesce(c.type, t.type), coalesce(c.path, t.path), c.version, c.size_before, c.size_after,
		c.data, c.data_text, c.data_json, c.data_hash, c.acl,
		t.session, t.principal, t.address, t.door, t.request_id, t.trace_id, t.error
	from chronokeeper.history_txn t left join chronokeeper.history_change c on c.zxid = t.zxid
		where t.session = changes_by_session.session and t.zxid >= z1 and t.zxid <= z2
		order by t.zxid, c.ordinal $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.changes_by_session(session text, z1 bigint DEFAULT 0, z2 bigint DEFAULT '9223372036854775807'::bigint)
 RETURNS TABLE(zxid bigint, "time" timestamp with time zone, ordinal integer, type text, path text, version integer, size_before integer, size_after integer, data bytea, data_text text, data_json jsonb, data_hash bytea, acl jsonb, session bigint, principal text, address text, door text, request_id text, trace_id text, error integer)
 LANGUAGE sql
 STABLE
AS $function$
		select * from chronokeeper.changes_by_session(chronokeeper.session_id(session), z1, z2) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.zxids_of_principal(principal text, z1 bigint, z2 bigint)
 RETURNS SETOF bigint
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog'
AS $function$
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
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.changes_by_principal(principal text, z1 bigint DEFAULT 0, z2 bigint DEFAULT '9223372036854775807'::bigint)
 RETURNS TABLE(zxid bigint, "time" timestamp with time zone, ordinal integer, type text, path text, version integer, size_before integer, size_after integer, data bytea, data_text text, data_json jsonb, data_hash bytea, acl jsonb, session bigint, principal text, address text, door text, request_id text, trace_id text, error integer)
 LANGUAGE sql
 STABLE
AS $function$

	select t.zxid, t.time, c.ordinal, coalesce(c.type, t.type), coalesce(c.path, t.path), c.version, c.size_before, c.size_after,
		c.data, c.data_text, c.data_json, c.data_hash, c.acl,
		t.session, t.principal, t.address, t.door, t.request_id, t.trace_id, t.error
	from chronokeeper.history_txn t left join chronokeeper.history_change c on c.zxid = t.zxid
		where t.zxid in (select * from chronokeeper.zxids_of_principal(changes_by_principal.principal, z1, z2))
		order by t.zxid, c.ordinal $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.blame(znode text)
 RETURNS TABLE(what text, zxid bigint, "time" timestamp with time zone, version integer, session bigint, principal text, address text, door text, request_id text, trace_id text)
 LANGUAGE sql
 STABLE
AS $function$
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
		order by f.place $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.set_up_access(reader text DEFAULT 'chronokeeper_reader'::text, writer text DEFAULT 'chronokeeper_writer'::text)
 RETURNS SETOF text
 LANGUAGE plpgsql
AS $function$
	declare
		wanted text;
		relation record;
	begin
		foreach wanted in array array[reader, writer] loop
			if not exists (select from pg_roles r where r.rolname = wanted) then
				begin
					execute format('create role %I nologin', wanted);
				exception
					when duplicate_object or unique_violation then null;
					when insufficient_privilege then
						return next format('%s may not create the role %s: let somebody who may run "create role %I nologin", then "select chronokeeper.set_up_access()"', current_user, wanted, wanted);
						continue;
				end;
			end if;
			execute format('grant usage on schema chronokeeper to %I', wanted);
		end loop;
		if exists (select from pg_roles r where r.rolname = reader) then
			execute format('grant select on chronokeeper.history_txn to %I', reader);
			execute format('grant select on chronokeeper.history_change to %I', reader);
			execute format('grant select on chronokeeper.history_version to %I', reader);
			execute format('grant select on chronokeeper.history_session to %I', reader);
			execute format('grant select on chronokeeper.history_acl to %I', reader);
			execute format('grant select on chronokeeper.history_cursor to %I', reader);
			execute format('grant select on chronokeeper.epoch to %I', reader);
			execute format('grant select on chronokeeper.gap to %I', reader);
			execute format('grant select on chronokeeper.clock_run to %I', reader);
			execute format('grant select on chronokeeper.snapshot_session to %I', reader);
			execute format('grant select (zxid, source, digest_zxid, znodes, sessions, bytes, base, recorded) on chronokeeper.snapshot to %I', reader);
		end if;
		if exists (select from pg_roles r where r.rolname = writer) then
			execute format('grant select on all tables in schema chronokeeper to %I', writer);
			for relation in
				select c.relname from pg_class c where c.relnamespace = 'chronokeeper'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
					and c.relname not like 'kysely%' and c.relname <> 'mirror_cursor'
			loop
				execute format('grant insert on chronokeeper.%I to %I', relation.relname, writer);
			end loop;
			execute format('grant update (zxid, digest, hash, writer, mirrored, clock_zxid, redacted) on chronokeeper.mirror_cursor to %I', writer);
			execute format('grant update (to_zxid, span) on chronokeeper.znode_version to %I', writer);
			execute format('grant update (closed_zxid, closed) on chronokeeper.session to %I', writer);
			execute format('grant update (base, znodes, sessions, bytes) on chronokeeper.snapshot to %I', writer);
		end if;
		if not exists (select from pg_publication p where p.pubname = 'chronokeeper') then
			begin
				create publication chronokeeper for table chronokeeper.txn, chronokeeper.change, chronokeeper.acl, chronokeeper.session, chronokeeper.epoch, chronokeeper.gap
					with (publish = 'insert, update', publish_via_partition_root = true);
			exception
				when duplicate_object or unique_violation then null;
				when insufficient_privilege then
					return next format('%s may not create the publication chronokeeper (it needs CREATE on the database): then "select chronokeeper.set_up_access()"', current_user);
			end;
		end if;
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.txn_facts(z bigint)
 RETURNS bytea
 LANGUAGE sql
 STABLE
AS $function$
		select coalesce(
			(select '\xffff'::bytea || string_agg(chronokeeper.hash_field(int8send(v.ephemeral_owner)) || chronokeeper.hash_field(int4send(p.cversion)), ''::bytea order by c.ordinal)
				from chronokeeper.change c
				left join chronokeeper.znode_version v on v.path = c.path and v.from_zxid = z
				left join chronokeeper.znode_version p on p.path = coalesce(nullif(regexp_replace(c.path, '/[^/]*$', ''), ''), '/') and p.from_zxid = z
				where c.zxid = z and c.type in ('create', 'create2', 'createContainer', 'createTTL')),
			(select '\xffff'::bytea || chronokeeper.hash_field(int4send(s.timeout_ms)) from chronokeeper.txn t
				join chronokeeper.session s on s.session = t.session and s.opened_zxid = t.zxid where t.zxid = z and t.type = 'createSession'),
			''::bytea) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.txn_hash_without_facts(previous bytea, z bigint)
 RETURNS bytea
 LANGUAGE sql
 STABLE
AS $function$
		select sha256(previous ||
	chronokeeper.hash_field(int8send(t.zxid)) || chronokeeper.hash_field(int4send(t.epoch)) || chronokeeper.hash_field(timestamptz_send(t.time)) || chronokeeper.hash_field(int8send(t.session)) || chronokeeper.hash_field(int4send(t.cxid)) || chronokeeper.hash_field(convert_to(t.type, 'UTF8'))
	|| chronokeeper.hash_field(convert_to(t.path, 'UTF8')) || chronokeeper.hash_field(int4send(t.error)) || chronokeeper.hash_field(int8send(t.digest)) || chronokeeper.hash_field(convert_to(t.principal, 'UTF8')) || chronokeeper.hash_field(convert_to(t.address, 'UTF8')) || chronokeeper.hash_field(convert_to(t.door, 'UTF8'))
	|| chronokeeper.hash_field(convert_to(t.request_id, 'UTF8')) || chronokeeper.hash_field(convert_to(t.trace_id, 'UTF8')) || chronokeeper.hash_field(t.context)
	|| coalesce((select string_agg(
		case when c.data_hash is null then '\x0009'::bytea else '\x000a'::bytea end
		|| chronokeeper.hash_field(int8send(c.zxid)) || chronokeeper.hash_field(int4send(c.ordinal)) || chronokeeper.hash_field(convert_to(c.type, 'UTF8')) || chronokeeper.hash_field(convert_to(c.path, 'UTF8')) || chronokeeper.hash_field(int4send(c.size_before))
		|| chronokeeper.hash_field(int4send(c.size_after)) || chronokeeper.hash_field(int4send(c.version)) || chronokeeper.hash_field(int8send(c.acl_id)) || chronokeeper.hash_field(c.data)
		|| case when c.data_hash is null then ''::bytea else chronokeeper.hash_field(c.data_hash) end, ''::bytea order by c.data_hash is not null, c.ordinal)
		from chronokeeper.change c where c.zxid = t.zxid), ''::bytea))
		from chronokeeper.txn t where t.zxid = z $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.gap_content(g gap)
 RETURNS bytea
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
		select sha256(chronokeeper.hash_field(int8send(g.after_zxid)) || chronokeeper.hash_field(int8send(g.through_zxid)) || chronokeeper.hash_field(convert_to(g.kind, 'UTF8')) || chronokeeper.hash_field(convert_to(g.reason, 'UTF8')) || chronokeeper.hash_field(timestamptz_send(g.noted))) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.snapshot_content(s snapshot)
 RETURNS bytea
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
		select sha256(chronokeeper.hash_field(int8send(s.zxid)) || chronokeeper.hash_field(convert_to(s.source, 'UTF8')) || chronokeeper.hash_field(int8send(s.digest_zxid)) || chronokeeper.hash_field(int8send(s.digest)) || chronokeeper.hash_field(int8send(s.znodes))
			|| chronokeeper.hash_field(int4send(s.sessions)) || chronokeeper.hash_field(int8send(s.bytes)) || chronokeeper.hash_field(boolsend(s.base)) || chronokeeper.hash_field(timestamptz_send(s.recorded))) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.base_content(z bigint)
 RETURNS bytea
 LANGUAGE sql
 STABLE
AS $function$
		select sha256(
			(select int8send(count(*)) || coalesce(string_agg(sha256(case when n.data_hash is null then '\x000d'::bytea else '\x000e'::bytea end
				|| chronokeeper.hash_field(int8send(n.snapshot_zxid)) || chronokeeper.hash_field(convert_to(n.path, 'UTF8')) || chronokeeper.hash_field(int8send(n.czxid)) || chronokeeper.hash_field(int8send(n.mzxid)) || chronokeeper.hash_field(int8send(n.pzxid))
				|| chronokeeper.hash_field(int8send(n.ephemeral_owner)) || chronokeeper.hash_field(timestamptz_send(n.ctime)) || chronokeeper.hash_field(timestamptz_send(n.mtime)) || chronokeeper.hash_field(int8send(n.acl_id)) || chronokeeper.hash_field(int4send(n.version))
				|| chronokeeper.hash_field(int4send(n.cversion)) || chronokeeper.hash_field(int4send(n.aversion)) || chronokeeper.hash_field(n.data)
				|| case when n.data_hash is null then ''::bytea else chronokeeper.hash_field(n.data_hash) end), ''::bytea order by n.path), ''::bytea)
				from chronokeeper.snapshot_node n where n.snapshot_zxid = z)
			|| (select int8send(count(*)) || coalesce(string_agg(sha256('\x0003'::bytea
				|| chronokeeper.hash_field(int8send(s.snapshot_zxid)) || chronokeeper.hash_field(int8send(s.session)) || chronokeeper.hash_field(int4send(s.timeout_ms))), ''::bytea order by s.session), ''::bytea)
				from chronokeeper.snapshot_session s where s.snapshot_zxid = z)) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.checkpoint_message(c checkpoint)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
		select format(E'chronokeeper checkpoint 1\nzxid %s\nhash %s\nledger %s %s\ntime %s\nkey %s\n', chronokeeper.zxid_hex(c.zxid), encode(c.hash, 'hex'),
			c.ledger, encode(c.ledger_hash, 'hex'), to_char(c.time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), c.key_id) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.checkpoint_content(c checkpoint)
 RETURNS bytea
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
		select sha256(chronokeeper.hash_field(int8send(c.zxid)) || chronokeeper.hash_field(c.hash) || chronokeeper.hash_field(int8send(c.ledger)) || chronokeeper.hash_field(c.ledger_hash) || chronokeeper.hash_field(timestamptz_send(c.time))
			|| chronokeeper.hash_field(convert_to(c.key_id, 'UTF8')) || chronokeeper.hash_field(c.signature)) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.ledger_hash(previous bytea, l ledger)
 RETURNS bytea
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
		select sha256(previous || chronokeeper.hash_field(int8send(l.number)) || chronokeeper.hash_field(convert_to(l.kind, 'UTF8')) || chronokeeper.hash_field(convert_to(l.subject, 'UTF8')) || chronokeeper.hash_field(l.content) || chronokeeper.hash_field(timestamptz_send(l.noted))) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.note_in_ledger(kind text, subject text, content bytea)
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
	declare
		last chronokeeper.ledger;
		next chronokeeper.ledger;
	begin
		perform pg_advisory_xact_lock(hashtext('chronokeeper.ledger'));
		select * into last from chronokeeper.ledger l order by l.number desc limit 1;
		next.number := coalesce(last.number, 0) + 1;
		next.kind := kind;
		next.subject := subject;
		next.content := content;
		next.noted := date_trunc('milliseconds', clock_timestamp());
		next.hash := chronokeeper.ledger_hash(coalesce(last.hash, ''::bytea), next);
		insert into chronokeeper.ledger select next.*;
		return next.number;
	end $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.verify_ledger()
 RETURNS TABLE(kind text, subject text, problem text)
 LANGUAGE sql
 STABLE
AS $function$
		with newest as (
			select distinct on (l.kind, l.subject) l.kind, l.subject, l.content from chronokeeper.ledger l order by l.kind, l.subject, l.number desc
		), there as (
			select 'gap' as kind, chronokeeper.zxid_hex(g.after_zxid) || ' ' || chronokeeper.zxid_hex(g.through_zxid) as subject, chronokeeper.gap_content(g) as content
				from chronokeeper.gap g
			union all
			select 'snapshot', chronokeeper.zxid_hex(s.zxid) || ' ' || s.source, chronokeeper.snapshot_content(s) from chronokeeper.snapshot s
			union all
			select 'base', chronokeeper.zxid_hex(b.zxid), chronokeeper.base_content(b.zxid)
				from (select s.zxid from chronokeeper.snapshot s where s.base union select n.snapshot_zxid from chronokeeper.snapshot_node n) b
			union all
			select 'checkpoint', chronokeeper.zxid_hex(c.zxid), chronokeeper.checkpoint_content(c) from chronokeeper.checkpoint c
		)
		select 'ledger', x.number::text, 'the row is not what was written, or a row before it is missing'
		from (select l as whole, l.number, l.hash, lag(l.hash) over w as previous, lag(l.number) over w as before from chronokeeper.ledger l window w as (order by l.number)) x
		where chronokeeper.ledger_hash(coalesce(x.previous, ''::bytea), x.whole) <> x.hash or x.number <> coalesce(x.before, 0) + 1
		union all
		select t.kind, t.subject, case when n.content is null or n.content = ''::bytea then 'the ledger does not know it' else 'it is not what the ledger says' end
		from there t left join newest n using (kind, subject) where n.content is distinct from t.content
		union all
		select n.kind, n.subject, 'it is in the ledger and nowhere else'
		from newest n left join there t using (kind, subject)
		where n.kind in ('gap', 'snapshot', 'base', 'checkpoint') and n.content <> ''::bytea and t.subject is null
		order by 1, 2 $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.hash_before(z bigint)
 RETURNS bytea
 LANGUAGE sql
 STABLE
AS $function$
		select coalesce(
			(select t.hash from chronokeeper.txn t where t.zxid < z order by t.zxid desc limit 1),
			(select l.content from chronokeeper.ledger l where l.kind = 'pruned' and chronokeeper.zxid(l.subject) < z order by l.number desc limit 1),
			'\x'::bytea) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.txn_reason(z bigint)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
		select case
			when t.request_id = 'restore' and t.door = 'system' then
				'the cluster was restored into a directory: all sessions of then ended'
			when t.request_id ~ '^restore-.+-[^-]+$' then
				'a live restore or revert: ' || regexp_replace(t.request_id, '^restore-(.+)-[^-]+$', '\1')
			when t.type = 'closeSession' and (t.door = 'system' and t.request_id is distinct from 'restore' or t.door = 'apache-zookeeper' and t.cxid = 0) then
				'the session expired: its client was not heard of for its timeout' || coalesce((select ' of ' || s.timeout_ms || ' ms'
					from chronokeeper.history_session s where s.session = t.session and s.opened_zxid <= t.zxid order by s.opened_zxid desc limit 1), '')
			when t.type = 'closeSession' then 'its client closed the session'
			when t.type = 'deleteContainer' then coalesce((select case v.kind
					when 'ttl' then 'a TTL node without children was not changed for its ' || chronokeeper.znode_ttl_ms(v.ephemeral_owner) || ' ms'
					when 'container' then 'a container whose last child was gone, or that never had one' end
				from chronokeeper.history_version v where v.path = t.path and v.from_zxid < t.zxid order by v.from_zxid desc limit 1),
				'a container or TTL node that was over')
			when t.type = 'error' and t.door = 'system' then 'the server wanted to end something that was in use again: nothing was changed'
		end
		from chronokeeper.history_txn t where t.zxid = z $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.txn_reason(z text)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
		select chronokeeper.txn_reason(chronokeeper.zxid(z)) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.session_life(session bigint)
 RETURNS TABLE(zxid bigint, "time" timestamp with time zone, event text, principal text, address text, door text, request_id text, trace_id text, details text)
 LANGUAGE sql
 STABLE
AS $function$
		with txns as (
			select t.*, lag(t.address) over own as address_before, lag(t.door) over own as door_before, lag(t.principal) over own as principal_before,
				lag(t.zxid) over own as zxid_before
			from chronokeeper.history_txn t
			where t.session = session_life.session and t.door <> 'system' and t.address is not null
			window own as (order by t.zxid)
		)
		select e.zxid, e.time, e.event, e.principal, e.address, e.door, e.request_id, e.trace_id, e.details from (
			select s.opened_zxid as zxid, 0 as place, s.opened as time, case when t.zxid is null then 'known' else 'opened' end as event,
				coalesce(t.principal, s.principal) as principal, coalesce(t.address, s.address) as address, t.door, t.request_id, t.trace_id,
				'timeout ' || s.timeout_ms || ' ms' || case when t.zxid is null then '; it was open where the history begins' else '' end as details
			from chronokeeper.history_session s
			left join chronokeeper.history_txn t on t.zxid = s.opened_zxid and t.type = 'createSession' and t.session = s.session
			where s.session = session_life.session
			union all
			select t.zxid, 1, t.time,
				case when regexp_replace(t.address, ':[0-9]+$', '') <> regexp_replace(t.address_before, ':[0-9]+$', '') or t.door <> t.door_before then 'moved'
					when t.address <> t.address_before then 're-attached' else 'authenticated' end,
				t.principal, t.address, t.door, t.request_id, t.trace_id,
				case when t.address <> t.address_before or t.door <> t.door_before then 'seen with this transaction; before it was ' || t.address_before || ' at ' || t.door_before
					else 'before it was ' || coalesce(t.principal_before, 'nobody in particular') end
			from txns t
			where t.zxid_before is not null and t.type <> 'createSession'
				and (t.address <> t.address_before or t.door <> t.door_before or t.principal is distinct from t.principal_before)
			union all
			select t.zxid, 2, t.time, case when t.request_id = 'restore' and t.door = 'system' then 'restored' when (t.door = 'system' and t.request_id is distinct from 'restore' or t.door = 'apache-zookeeper' and t.cxid = 0) then 'expired' else 'closed' end,
				t.principal, t.address, t.door, t.request_id, t.trace_id,
				chronokeeper.txn_reason(t.zxid) || '; ' || (select case count(*) when 0 then 'it had no ephemeral nodes'
					else 'with it went ' || count(*) || ' ephemeral nodes: ' || string_agg(c.path, ', ' order by c.path) end
					from chronokeeper.history_change c where c.zxid = t.zxid and c.type = 'delete')
			from chronokeeper.history_txn t
			where t.session = session_life.session and t.type = 'closeSession'
		) e order by e.zxid, e.place $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.session_life(session text)
 RETURNS TABLE(zxid bigint, "time" timestamp with time zone, event text, principal text, address text, door text, request_id text, trace_id text, details text)
 LANGUAGE sql
 STABLE
AS $function$
		select * from chronokeeper.session_life(chronokeeper.session_id(session)) $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.partitions()
 RETURNS TABLE("table" text, partition text, from_zxid bigint, to_zxid bigint, estimated_rows bigint, bytes bigint, packed boolean)
 LANGUAGE sql
 STABLE
AS $function$
		select p.relname::text, c.relname::text,
			substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM \(''?(\d+)')::bigint, substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''?(\d+)')::bigint,
			greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0)::bigint, pg_total_relation_size(c.oid),
			coalesce(starts_with(obj_description(c.oid, 'pg_class'), 'Packed'), false)
		from pg_inherits i join pg_class p on p.oid = i.inhparent and p.relkind = 'p' join pg_namespace n on n.oid = p.relnamespace and n.nspname = 'chronokeeper'
		join pg_class c on c.oid = i.inhrelid
		where not i.inhdetachpending
		order by 1, 3 nulls first $function$
;

CREATE OR REPLACE FUNCTION chronokeeper.version_acl(znode text, from_zxid bigint)
 RETURNS jsonb
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
		select v.acl from chronokeeper.history_version v where v.path = znode and v.from_zxid = version_acl.from_zxid $function$
;

create view chronokeeper.history_txn as
 SELECT zxid,
    epoch,
    "time",
    session,
    cxid,
    type,
    path,
    error,
        CASE
            WHEN ( SELECT sees_all() AS sees_all) THEN digest
            ELSE NULL::bigint
        END AS digest,
        CASE
            WHEN ( SELECT sees_all() AS sees_all) THEN principal
            ELSE without_hashes(principal)
        END AS principal,
    address,
    door,
    request_id,
    trace_id,
        CASE
            WHEN ( SELECT sees_all() AS sees_all) THEN hash
            ELSE NULL::bytea
        END AS hash
   FROM txn t;

create view chronokeeper.history_cursor as
 SELECT zxid,
        CASE
            WHEN ( SELECT sees_all() AS sees_all) THEN digest
            ELSE NULL::bigint
        END AS digest,
        CASE
            WHEN ( SELECT sees_all() AS sees_all) THEN hash
            ELSE NULL::bytea
        END AS hash,
    writer,
    mirrored,
    loading,
    clock_zxid,
    redacted
   FROM mirror_cursor m;

create view chronokeeper.history_acl with (security_barrier=true) as
 SELECT id,
    acl
   FROM acl a
  WHERE ( SELECT sees_all() AS sees_all);

create view chronokeeper.history_change as
 SELECT zxid,
    ordinal,
    type,
    path,
    size_before,
    size_after,
    version,
        CASE
            WHEN ( SELECT sees_all() AS sees_all) THEN acl_id
            ELSE NULL::bigint
        END AS acl_id,
    ( SELECT
                CASE
                    WHEN ( SELECT sees_all() AS sees_all) THEN a.acl
                    ELSE without_hashes(a.acl)
                END AS without_hashes
           FROM acl a
          WHERE (a.id = c.acl_id)) AS acl,
        CASE
            WHEN (( SELECT sees_all() AS sees_all) OR open_change(zxid, path)) THEN data
            ELSE NULL::bytea
        END AS data,
    data_text(
        CASE
            WHEN (( SELECT sees_all() AS sees_all) OR open_change(zxid, path)) THEN data
            ELSE NULL::bytea
        END) AS data_text,
    data_json(
        CASE
            WHEN (( SELECT sees_all() AS sees_all) OR open_change(zxid, path)) THEN data
            ELSE NULL::bytea
        END) AS data_json,
        CASE
            WHEN ((data_hash IS NOT NULL) AND (( SELECT sees_all() AS sees_all) OR open_change(zxid, path))) THEN data_hash
            ELSE NULL::bytea
        END AS data_hash,
    (data_hash IS NOT NULL) AS redacted
   FROM change c;

create view chronokeeper.history_version as
 SELECT path,
    parent,
    span,
    from_zxid,
    to_zxid,
    znode_kind(ephemeral_owner) AS kind,
    czxid,
    mzxid,
    pzxid,
    data_zxid,
    ephemeral_owner,
    ctime,
    mtime,
    version,
    cversion,
    aversion,
    client_cversion,
    data_length,
    num_children,
        CASE
            WHEN ( SELECT sees_all() AS sees_all) THEN acl_id
            ELSE NULL::bigint
        END AS acl_id,
    ( SELECT
                CASE
                    WHEN ( SELECT sees_all() AS sees_all) THEN a.acl
                    ELSE without_hashes(a.acl)
                END AS without_hashes
           FROM acl a
          WHERE (a.id = v.acl_id)) AS acl,
        CASE
            WHEN ( SELECT sees_all() AS sees_all) THEN content_of(path, data_zxid)
            ELSE open_content(path, from_zxid)
        END AS data,
    data_text(
        CASE
            WHEN ( SELECT sees_all() AS sees_all) THEN content_of(path, data_zxid)
            ELSE open_content(path, from_zxid)
        END) AS data_text,
    data_json(
        CASE
            WHEN ( SELECT sees_all() AS sees_all) THEN content_of(path, data_zxid)
            ELSE open_content(path, from_zxid)
        END) AS data_json,
        CASE
            WHEN ( SELECT m.redacted
               FROM history_cursor m) THEN
            CASE
                WHEN ( SELECT sees_all() AS sees_all) THEN content_hash_of(path, data_zxid)
                ELSE open_content_hash(path, from_zxid)
            END
            ELSE NULL::bytea
        END AS data_hash
   FROM znode_version v;

create view chronokeeper.history_session as
 SELECT session,
    opened_zxid,
    opened,
    timeout_ms,
    closed_zxid,
    closed,
        CASE
            WHEN ( SELECT sees_all() AS sees_all) THEN principal
            ELSE without_hashes(principal)
        END AS principal,
    address
   FROM session s;

comment on schema chronokeeper is 'The history of a ZooKeeper or Chronokeeper cluster: every transaction, every version of every znode. A public API: see docs/sql.md. A zxid is epoch << 32 | counter; show it with zxid_hex(), type it as 0x500000012 in every function.';

comment on table chronokeeper.acl is 'Every ACL that a node ever had.';

comment on column chronokeeper.acl.id is 'The first 8 bytes of the SHA-256 of the ACL as text: it says what it means.';

comment on column chronokeeper.acl.acl is 'In the order of the node: perms is a bit set (read 1, write 2, create 4, delete 8, admin 16). U+0000, which PostgreSQL cannot hold, is written ␀0, a lone surrogate ␀uXXXX, and ␀ itself ␀␀.';

comment on table chronokeeper.change is 'One row per change of a node: what a transaction did. A multi has many, a closeSession one for each ephemeral it deleted.';

comment on column chronokeeper.change.zxid is 'The transaction: txn.zxid.';

comment on column chronokeeper.change.ordinal is 'The order within the transaction, from 0.';

comment on column chronokeeper.change.type is 'create, create2, createContainer, createTTL, delete, deleteContainer, setData, reconfig, setACL; quota when ZooKeeper itself recounted what lies under a quota.';

comment on column chronokeeper.change.path is 'The node.';

comment on column chronokeeper.change.size_before is 'Bytes of data before it; null when the node was not there.';

comment on column chronokeeper.change.size_after is 'Bytes of data after it, when it set the data; null otherwise.';

comment on column chronokeeper.change.version is 'The version after it: the data''s, for setACL the ACL''s; for a deletion the data''s last one.';

comment on column chronokeeper.change.acl_id is 'The ACL that it gave the node: acl.id. Null when it gave none.';

comment on column chronokeeper.change.data is 'The data that it gave the node. Null when it gave none, when it set it to null, and when they are kept out of PostgreSQL: then data_hash is there.';

comment on column chronokeeper.change.data_hash is 'SHA-256 of data that are kept out of PostgreSQL (audit.redact). Null for all others.';

comment on table chronokeeper.checkpoint is 'Signatures under the history: what was there at a checkpoint, and was signed with a key that is not in the database, cannot be rewritten. See checkpoint_message().';

comment on column chronokeeper.checkpoint.zxid is 'The history up to this transaction is signed.';

comment on column chronokeeper.checkpoint.hash is 'The hash chain there: txn.hash.';

comment on column chronokeeper.checkpoint.ledger is 'The ledger up to this number is signed, too.';

comment on column chronokeeper.checkpoint.ledger_hash is 'ledger.hash of that number.';

comment on column chronokeeper.checkpoint.time is 'When it was signed, by the mirror''s clock.';

comment on column chronokeeper.checkpoint.key_id is 'The first 8 bytes of the SHA-256 of the public key (SubjectPublicKeyInfo, DER), in hexadecimal.';

comment on column chronokeeper.checkpoint.signature is 'Ed25519 (RFC 8032) of checkpoint_message(), UTF-8: 64 bytes.';

comment on table chronokeeper.clock_run is 'Stretches of the history in which the clock did not go backwards, for zxid_at(): clocks of leaders differ. Derived from txn.';

comment on column chronokeeper.clock_run.first_zxid is 'The first transaction of the stretch; it goes on to the next one.';

comment on column chronokeeper.clock_run.began is 'The time of that transaction: none in the stretch is earlier.';

comment on table chronokeeper.epoch is 'One row per epoch in which there was a transaction: each is one leader.';

comment on column chronokeeper.epoch.epoch is 'The epoch.';

comment on column chronokeeper.epoch.first_zxid is 'Its first transaction that is known.';

comment on column chronokeeper.epoch.began is 'The time of that transaction.';

comment on table chronokeeper.gap is 'What the history does not know, or knows no more. No row: it is complete from its first transaction to mirror_cursor.zxid.';

comment on column chronokeeper.gap.after_zxid is 'The last transaction that is known; 0 for none.';

comment on column chronokeeper.gap.through_zxid is 'The transactions behind after_zxid up to and including this one are not known; the tree right after this one is, from a snapshot.';

comment on column chronokeeper.gap.kind is 'lost: the logs are not there. undecided: there are transactions, but whether they were committed cannot be told from what was read. restore: the cluster was set back to an earlier state. mismatch: the tree is not the one that the cluster had, and an operator let it pass. pruned: it was kept for as long as it was to be kept.';

comment on column chronokeeper.gap.reason is 'What is missing and why, in words.';

comment on column chronokeeper.gap.noted is 'When this row was written.';

comment on view chronokeeper.history_acl is 'acl, for those who may read the tables; no rows for others.';

comment on column chronokeeper.history_acl.id is 'The first 8 bytes of the SHA-256 of the ACL as text: it says what it means.';

comment on column chronokeeper.history_acl.acl is 'In the order of the node: perms is a bit set (read 1, write 2, create 4, delete 8, admin 16). U+0000, which PostgreSQL cannot hold, is written ␀0, a lone surrogate ␀uXXXX, and ␀ itself ␀␀.';

comment on view chronokeeper.history_change is 'change as far as the current user may see it, with data as text and JSON, and the ACL that it gave.';

comment on column chronokeeper.history_change.zxid is 'The transaction: txn.zxid.';

comment on column chronokeeper.history_change.ordinal is 'The order within the transaction, from 0.';

comment on column chronokeeper.history_change.type is 'create, create2, createContainer, createTTL, delete, deleteContainer, setData, reconfig, setACL; quota when ZooKeeper itself recounted what lies under a quota.';

comment on column chronokeeper.history_change.path is 'The node.';

comment on column chronokeeper.history_change.size_before is 'Bytes of data before it; null when the node was not there.';

comment on column chronokeeper.history_change.size_after is 'Bytes of data after it, when it set the data; null otherwise.';

comment on column chronokeeper.history_change.version is 'The version after it: the data''s, for setACL the ACL''s; for a deletion the data''s last one.';

comment on column chronokeeper.history_change.acl_id is 'As in change. Null for those who may not read the tables.';

comment on column chronokeeper.history_change.acl is 'The ACL that it gave the node; the hashes of digest entries are x for those who may not read the tables.';

comment on column chronokeeper.history_change.data is 'The data. Null too when they are redacted, and for those who may not see them: nodes whose ACL of then was not open to the world, unless the user may read the tables.';

comment on column chronokeeper.history_change.data_text is 'The data as text, when they are valid UTF-8 without U+0000.';

comment on column chronokeeper.history_change.data_json is 'The data as JSON, when they are.';

comment on column chronokeeper.history_change.data_hash is 'SHA-256 of the data that were kept out of PostgreSQL; null when they were not.';

comment on column chronokeeper.history_change.redacted is 'Whether its data are kept out of PostgreSQL.';

comment on view chronokeeper.history_cursor is 'mirror_cursor as far as the current user may see it.';

comment on column chronokeeper.history_cursor.zxid is 'The last transaction that is here. Null while nothing is.';

comment on column chronokeeper.history_cursor.digest is 'As in mirror_cursor. Null for those who may not read the tables.';

comment on column chronokeeper.history_cursor.hash is 'As in mirror_cursor. Null for those who may not read the tables.';

comment on column chronokeeper.history_cursor.writer is 'Which mirror or import wrote last.';

comment on column chronokeeper.history_cursor.mirrored is 'When it did.';

comment on column chronokeeper.history_cursor.loading is 'An import fills the database, or was cut off: some indexes are missing, and versions may lie behind the cursor until it is finished.';

comment on column chronokeeper.history_cursor.clock_zxid is 'Up to this transaction clock_run is complete. Behind zxid while something was written by a version that did not know it.';

comment on column chronokeeper.history_cursor.redacted is 'Whether there are data that are kept out of PostgreSQL, in change or in snapshot_node: data_hash is null everywhere else.';

comment on view chronokeeper.history_session is 'session as far as the current user may see it.';

comment on column chronokeeper.history_session.session is 'The session id, unsigned 64 bits in a signed column: see session_hex(), session_id().';

comment on column chronokeeper.history_session.opened_zxid is 'The createSession transaction; or the base snapshot that it was found open in (opened is null then).';

comment on column chronokeeper.history_session.opened is 'When it was opened.';

comment on column chronokeeper.history_session.timeout_ms is 'The timeout that it was granted, in milliseconds.';

comment on column chronokeeper.history_session.closed_zxid is 'The closeSession transaction. Null while it is open.';

comment on column chronokeeper.history_session.closed is 'When it was closed.';

comment on column chronokeeper.history_session.principal is 'As in session; the hashes of digest identities are x for those who may not read the tables.';

comment on column chronokeeper.history_session.address is 'As in txn, of its createSession.';

comment on view chronokeeper.history_txn is 'txn as far as the current user may see it.';

comment on column chronokeeper.history_txn.zxid is 'epoch << 32 | counter; see zxid_hex(), zxid_epoch(), zxid_counter().';

comment on column chronokeeper.history_txn.epoch is 'The epoch of the leader that made it.';

comment on column chronokeeper.history_txn.time is 'The leader''s wall clock when it prepared the transaction. It may go backwards between leaders.';

comment on column chronokeeper.history_txn.session is 'The session that asked, unsigned 64 bits in a signed column: see session_hex(). 0: the server itself.';

comment on column chronokeeper.history_txn.cxid is 'The client''s own number of the request.';

comment on column chronokeeper.history_txn.type is 'createSession, closeSession, create, create2, createContainer, createTTL, delete, deleteContainer, setData, reconfig, setACL, check, multi, error.';

comment on column chronokeeper.history_txn.path is 'The node, where the transaction is about one. Null for multi (see change), sessions and errors.';

comment on column chronokeeper.history_txn.error is 'ZooKeeper''s error code, 0 for success. A multi that failed has the code of the operation that failed, and no changes.';

comment on column chronokeeper.history_txn.digest is 'As in txn. Null for those who may not read the tables.';

comment on column chronokeeper.history_txn.principal is 'As in txn; the hashes of digest identities are x for those who may not read the tables.';

comment on column chronokeeper.history_txn.address is 'The client''s address. Null when it is not known.';

comment on column chronokeeper.history_txn.door is 'How it came in: grpc, zookeeper, http, system; apache-zookeeper when an Apache ZooKeeper server made it, which logs nothing of who did it; unknown when a later version of Chronokeeper wrote it (see context).';

comment on column chronokeeper.history_txn.request_id is 'The id that the door gave the request.';

comment on column chronokeeper.history_txn.trace_id is 'The id of its OpenTelemetry trace, when it was sampled.';

comment on column chronokeeper.history_txn.hash is 'As in txn. Null for those who may not read the tables.';

comment on view chronokeeper.history_version is 'znode_version as far as the current user may see it, with data, also as text and JSON, and the ACL.';

comment on column chronokeeper.history_version.path is 'The node.';

comment on column chronokeeper.history_version.parent is 'Its parent; null for /.';

comment on column chronokeeper.history_version.span is 'For the index: floor(log4(to_zxid - from_zxid)); 63 while it is valid.';

comment on column chronokeeper.history_version.from_zxid is 'The transaction that made this version.';

comment on column chronokeeper.history_version.to_zxid is 'The transaction that ended it: the next version, or the deletion. Null while it is valid.';

comment on column chronokeeper.history_version.kind is 'persistent, ephemeral, container or ttl.';

comment on column chronokeeper.history_version.czxid is 'Stat: the zxid of the transaction that created the node.';

comment on column chronokeeper.history_version.mzxid is 'Stat: the zxid of the transaction that last set its data.';

comment on column chronokeeper.history_version.pzxid is 'Stat: the zxid of the transaction that last created or deleted a child.';

comment on column chronokeeper.history_version.data_zxid is 'Where its data is: with path, the change of that zxid, or the content of the snapshot of that zxid; see content_of(). The mzxid, except for base snapshots and the counters of quotas.';

comment on column chronokeeper.history_version.ephemeral_owner is '0 persistent; the owning session (see session_hex) for an ephemeral; containers and TTL nodes have their marks here, which clients see as 0. znode_kind() and znode_ttl_ms() read it.';

comment on column chronokeeper.history_version.ctime is 'Stat: when the node was created (milliseconds; the time of that transaction).';

comment on column chronokeeper.history_version.mtime is 'Stat: when its data was last set.';

comment on column chronokeeper.history_version.version is 'Stat: how often its data was set.';

comment on column chronokeeper.history_version.cversion is 'How often a child was created: the stored cversion, from which sequence numbers are made. Clients see client_cversion.';

comment on column chronokeeper.history_version.aversion is 'Stat: how often its ACL was set.';

comment on column chronokeeper.history_version.client_cversion is 'Stat: the cversion that clients see, 2 * cversion - num_children.';

comment on column chronokeeper.history_version.data_length is 'Stat: bytes of data.';

comment on column chronokeeper.history_version.num_children is 'Stat: how many children it has.';

comment on column chronokeeper.history_version.acl_id is 'As in znode_version. Null for those who may not read the tables.';

comment on column chronokeeper.history_version.acl is 'Its ACL; the hashes of digest entries are x for those who may not read the tables.';

comment on column chronokeeper.history_version.data is 'The data. Null too when they are redacted, and for those who may not see them: nodes whose ACL of then was not open to the world, unless the user may read the tables.';

comment on column chronokeeper.history_version.data_text is 'The data as text, when they are valid UTF-8 without U+0000.';

comment on column chronokeeper.history_version.data_json is 'The data as JSON, when they are.';

comment on column chronokeeper.history_version.data_hash is 'SHA-256 of the data that were kept out of PostgreSQL; null when they were not.';

comment on table chronokeeper.ledger is 'What was written beside the transactions, in a hash chain of its own: a gap, a snapshot, the content of a base, a checkpoint that is altered, added or removed shows. verify_ledger() checks it.';

comment on column chronokeeper.ledger.number is 'From 1, without a hole.';

comment on column chronokeeper.ledger.kind is 'gap, snapshot, checkpoint: a row of that table. base: the content of a base snapshot. pruned: the history before this zxid was removed on purpose.';

comment on column chronokeeper.ledger.subject is 'Which: gap ''after_zxid through_zxid'', snapshot ''zxid source'', the others a zxid; zxids in hexadecimal. The newest row of a subject counts.';

comment on column chronokeeper.ledger.content is 'SHA-256 of it: see gap_content(), snapshot_content(), base_content(), checkpoint_content(). Empty: it was removed on purpose. For pruned the hash chain of the transactions at that zxid.';

comment on column chronokeeper.ledger.noted is 'When this row was written.';

comment on column chronokeeper.ledger.hash is 'The chain: SHA-256 of the hash before it and this row; see ledger_hash().';

comment on table chronokeeper.mirror_cursor is 'One row: how far the history goes. Each batch advances it in its own transaction, from exactly where the last one ended.';

comment on column chronokeeper.mirror_cursor.id is 'Always 1.';

comment on column chronokeeper.mirror_cursor.zxid is 'The last transaction that is here. Null while nothing is.';

comment on column chronokeeper.mirror_cursor.digest is 'The tree''s digest there.';

comment on column chronokeeper.mirror_cursor.hash is 'The hash chain there: txn.hash of the last row.';

comment on column chronokeeper.mirror_cursor.writer is 'Which mirror or import wrote last.';

comment on column chronokeeper.mirror_cursor.mirrored is 'When it did.';

comment on column chronokeeper.mirror_cursor.loading is 'An import fills the database, or was cut off: some indexes are missing, and versions may lie behind the cursor until it is finished.';

comment on column chronokeeper.mirror_cursor.clock_zxid is 'Up to this transaction clock_run is complete. Behind zxid while something was written by a version that did not know it.';

comment on column chronokeeper.mirror_cursor.redacted is 'Whether there are data that are kept out of PostgreSQL, in change or in snapshot_node: data_hash is null everywhere else.';

comment on table chronokeeper.session is 'One row per session.';

comment on column chronokeeper.session.session is 'The session id, unsigned 64 bits in a signed column: see session_hex(), session_id().';

comment on column chronokeeper.session.opened_zxid is 'The createSession transaction; or the base snapshot that it was found open in (opened is null then).';

comment on column chronokeeper.session.opened is 'When it was opened.';

comment on column chronokeeper.session.timeout_ms is 'The timeout that it was granted, in milliseconds.';

comment on column chronokeeper.session.closed_zxid is 'The closeSession transaction. Null while it is open.';

comment on column chronokeeper.session.closed is 'When it was closed.';

comment on column chronokeeper.session.principal is 'As in txn, of its createSession.';

comment on column chronokeeper.session.address is 'As in txn, of its createSession.';

comment on table chronokeeper.snapshot is 'The snapshot files that were seen. What a snapshot holds is tree_at(zxid).';

comment on column chronokeeper.snapshot.zxid is 'The zxid in its name.';

comment on column chronokeeper.snapshot.source is 'The file.';

comment on column chronokeeper.snapshot.digest_zxid is 'The zxid of its digest section: later than zxid when the snapshot is fuzzy.';

comment on column chronokeeper.snapshot.digest is 'The tree''s digest at digest_zxid.';

comment on column chronokeeper.snapshot.znodes is 'How many nodes it holds; null when its content was not read.';

comment on column chronokeeper.snapshot.sessions is 'How many sessions it holds; null when its content was not read.';

comment on column chronokeeper.snapshot.bytes is 'The size of the file.';

comment on column chronokeeper.snapshot.base is 'Whether the history begins with it, or goes on with it behind a gap: then its content is in snapshot_node.';

comment on column chronokeeper.snapshot.recorded is 'When this row was written.';

comment on table chronokeeper.snapshot_node is 'The content of base snapshots: the tree that the history begins with, or goes on with behind a gap, or is kept from where what lay in front was pruned.';

comment on column chronokeeper.snapshot_node.snapshot_zxid is 'The zxid at which this was the tree: the to_zxid of the gap, 0 for an empty tree.';

comment on column chronokeeper.snapshot_node.path is 'The node.';

comment on column chronokeeper.snapshot_node.czxid is 'Stat: the zxid of the transaction that created the node.';

comment on column chronokeeper.snapshot_node.mzxid is 'Stat: the zxid of the transaction that last set its data.';

comment on column chronokeeper.snapshot_node.pzxid is 'Stat: the zxid of the transaction that last created or deleted a child.';

comment on column chronokeeper.snapshot_node.ephemeral_owner is '0 persistent; the owning session (see session_hex) for an ephemeral; containers and TTL nodes have their marks here, which clients see as 0. znode_kind() and znode_ttl_ms() read it.';

comment on column chronokeeper.snapshot_node.ctime is 'Stat: when the node was created (milliseconds; the time of that transaction).';

comment on column chronokeeper.snapshot_node.mtime is 'Stat: when its data was last set.';

comment on column chronokeeper.snapshot_node.acl_id is 'Its ACL: acl.id.';

comment on column chronokeeper.snapshot_node.version is 'Stat: how often its data was set.';

comment on column chronokeeper.snapshot_node.cversion is 'How often a child was created: the stored cversion, from which sequence numbers are made. Clients see client_cversion.';

comment on column chronokeeper.snapshot_node.aversion is 'Stat: how often its ACL was set.';

comment on column chronokeeper.snapshot_node.data is 'Its data; may be null.';

comment on column chronokeeper.snapshot_node.data_hash is 'SHA-256 of data that are kept out of PostgreSQL (audit.redact). Null for all others.';

comment on table chronokeeper.snapshot_session is 'The sessions of base snapshots.';

comment on column chronokeeper.snapshot_session.snapshot_zxid is 'As in snapshot_node.';

comment on column chronokeeper.snapshot_session.session is 'As in session.';

comment on column chronokeeper.snapshot_session.timeout_ms is 'The timeout that it was granted, in milliseconds.';

comment on table chronokeeper.txn is 'One row for every zxid: each committed transaction, also those that failed (an error takes a zxid, too).';

comment on column chronokeeper.txn.zxid is 'epoch << 32 | counter; see zxid_hex(), zxid_epoch(), zxid_counter().';

comment on column chronokeeper.txn.epoch is 'The epoch of the leader that made it.';

comment on column chronokeeper.txn.time is 'The leader''s wall clock when it prepared the transaction. It may go backwards between leaders.';

comment on column chronokeeper.txn.session is 'The session that asked, unsigned 64 bits in a signed column: see session_hex(). 0: the server itself.';

comment on column chronokeeper.txn.cxid is 'The client''s own number of the request.';

comment on column chronokeeper.txn.type is 'createSession, closeSession, create, create2, createContainer, createTTL, delete, deleteContainer, setData, reconfig, setACL, check, multi, error.';

comment on column chronokeeper.txn.path is 'The node, where the transaction is about one. Null for multi (see change), sessions and errors.';

comment on column chronokeeper.txn.error is 'ZooKeeper''s error code, 0 for success. A multi that failed has the code of the operation that failed, and no changes.';

comment on column chronokeeper.txn.digest is 'The tree''s digest (version 2) right after it, as the leader logged it; null where the log has none: ZooKeeper logs none with error transactions.';

comment on column chronokeeper.txn.principal is 'Who asked: the authenticated identities of the session, as scheme:id, separated by commas. Null when none is known: ZooKeeper does not log it.';

comment on column chronokeeper.txn.address is 'The client''s address. Null when it is not known.';

comment on column chronokeeper.txn.door is 'How it came in: grpc, zookeeper, http, system; apache-zookeeper when an Apache ZooKeeper server made it, which logs nothing of who did it; unknown when a later version of Chronokeeper wrote it (see context).';

comment on column chronokeeper.txn.request_id is 'The id that the door gave the request.';

comment on column chronokeeper.txn.trace_id is 'The id of its OpenTelemetry trace, when it was sampled.';

comment on column chronokeeper.txn.context is 'The audit context as it was logged, when this version cannot read it. Otherwise null.';

comment on column chronokeeper.txn.hash is 'The hash chain: SHA-256 of the hash before it, this row and its changes. txn_hash() computes it, verify_chain() checks it.';

comment on table chronokeeper.znode_version is 'One row per version of each node, valid from from_zxid up to but not including to_zxid: the tree at z is all rows with from_zxid <= z and (to_zxid is null or to_zxid > z). See tree_at(), znode_at(), children_at().';

comment on column chronokeeper.znode_version.from_zxid is 'The transaction that made this version.';

comment on column chronokeeper.znode_version.to_zxid is 'The transaction that ended it: the next version, or the deletion. Null while it is valid.';

comment on column chronokeeper.znode_version.czxid is 'Stat: the zxid of the transaction that created the node.';

comment on column chronokeeper.znode_version.mzxid is 'Stat: the zxid of the transaction that last set its data.';

comment on column chronokeeper.znode_version.pzxid is 'Stat: the zxid of the transaction that last created or deleted a child.';

comment on column chronokeeper.znode_version.data_zxid is 'Where its data is: with path, the change of that zxid, or the content of the snapshot of that zxid, or, where that was pruned, of the first snapshot behind it; see content_of(). The mzxid, except for base snapshots and the counters of quotas.';

comment on column chronokeeper.znode_version.ephemeral_owner is '0 persistent; the owning session (see session_hex) for an ephemeral; containers and TTL nodes have their marks here, which clients see as 0. znode_kind() and znode_ttl_ms() read it.';

comment on column chronokeeper.znode_version.ctime is 'Stat: when the node was created (milliseconds; the time of that transaction).';

comment on column chronokeeper.znode_version.mtime is 'Stat: when its data was last set.';

comment on column chronokeeper.znode_version.acl_id is 'Its ACL: acl.id.';

comment on column chronokeeper.znode_version.version is 'Stat: how often its data was set.';

comment on column chronokeeper.znode_version.cversion is 'How often a child was created: the stored cversion, from which sequence numbers are made. Clients see client_cversion.';

comment on column chronokeeper.znode_version.aversion is 'Stat: how often its ACL was set.';

comment on column chronokeeper.znode_version.client_cversion is 'Stat: the cversion that clients see, 2 * cversion - num_children.';

comment on column chronokeeper.znode_version.data_length is 'Stat: bytes of data.';

comment on column chronokeeper.znode_version.num_children is 'Stat: how many children it has.';

comment on column chronokeeper.znode_version.span is 'For the index: floor(log4(to_zxid - from_zxid)); 63 while it is valid.';

comment on column chronokeeper.znode_version.path is 'The node.';

comment on column chronokeeper.znode_version.parent is 'Its parent; null for /.';

comment on function chronokeeper.base_content(z bigint) is 'What the ledger says of the content of a base snapshot: SHA-256 of the number of its nodes, the SHA-256 of each in the order of the paths, and the same of its sessions.';

comment on function chronokeeper.blame(znode text) is 'Who created a node, last set its data and its ACL, and deleted it if it is gone. A who of nulls: the history does not go back as far, or does not say.';

comment on function chronokeeper.changes_by_principal(principal text, z1 bigint, z2 bigint) is 'Everything that a principal (see txn.principal) did, in order, with what it changed; what was refused, too. Of a digest identity the hash is left out: digest:bob.';

comment on function chronokeeper.changes_by_session(session bigint, z1 bigint, z2 bigint) is 'Everything that a session did, in order, with what it changed; what was refused, too.';

comment on function chronokeeper.changes_by_session(session text, z1 bigint, z2 bigint) is 'Everything that a session did, in order, with what it changed; what was refused, too.';

comment on function chronokeeper.changes_by_type(type text, z1 bigint, z2 bigint) is 'Every change of a type (see change.type), with who made it, in order.';

comment on function chronokeeper.changes(prefix text, t1 timestamp with time zone, t2 timestamp with time zone) is 'Every change of a node and of everything beneath it behind the state at one time up to that at another, with who made it, in order.';

comment on function chronokeeper.changes(prefix text, z1 bigint, z2 bigint) is 'Every change of a node and of everything beneath it between two zxids, both included, with who made it, in order.';

comment on function chronokeeper.changes(prefix text, z1 text, z2 text) is 'Every change of a node and of everything beneath it between two zxids, both included, with who made it, in order.';

comment on function chronokeeper.checkpoint_content(c checkpoint) is 'What the ledger says of a checkpoint: SHA-256 of its row.';

comment on function chronokeeper.checkpoint_message(c checkpoint) is 'What is signed: six lines of text, each with its line feed.';

comment on function chronokeeper.child_versions_at(znode text, z bigint) is 'What children_at() is made of: the versions alone.';

comment on function chronokeeper.children_at(znode text, z bigint) is 'The children of a node as they were right after that zxid.';

comment on function chronokeeper.children_at(znode text, z text) is 'The children of a node as they were right after that zxid.';

comment on function chronokeeper.children_at(znode text, z timestamp with time zone) is 'The children of a node as they were at that time: see zxid_at().';

comment on function chronokeeper.content_hash_of(path text, data_zxid bigint) is 'The SHA-256 of the data of a node that are kept out of PostgreSQL, from its path and data_zxid.';

comment on function chronokeeper.content_of(path text, data_zxid bigint) is 'The data of a node, from its path and data_zxid.';

comment on function chronokeeper.data_json(data bytea) is 'Data as JSON; null when they are not, or nested more than 1000 deep. Immutable: an index on (data_json(data) ->> …) is possible.';

comment on function chronokeeper.data_text(data bytea) is 'Data as text; null when they are not valid UTF-8, or have a U+0000 in them.';

comment on function chronokeeper.differing_versions(z1 bigint, z2 bigint, prefix text) is 'What diff() is made of: the versions alone.';

comment on function chronokeeper.diff(z1 bigint, z2 bigint, prefix text) is 'What differs between the trees at two zxids: nodes created, deleted, recreated, with other data or another ACL. z1 may be the later one.';

comment on function chronokeeper.diff(z1 text, z2 text, prefix text) is 'What differs between the trees at two zxids: nodes created, deleted, recreated, with other data or another ACL. z1 may be the later one.';

comment on function chronokeeper.diff(z1 timestamp with time zone, z2 timestamp with time zone, prefix text) is 'What differs between the trees at two times: nodes created, deleted, recreated, with other data or another ACL. z1 may be the later one.';

comment on function chronokeeper.gap_content(g gap) is 'What the ledger says of a gap: SHA-256 of its row.';

comment on function chronokeeper.hash_before(z bigint) is 'The hash chain in front of a transaction: the hash of the one before it, or the one that was kept when that was pruned; no bytes in front of the first.';

comment on function chronokeeper.hash_field(value bytea) is 'One field of what the hash chain is computed over: its length and its bytes.';

comment on function chronokeeper.is_json_by_grammar(value text) is 'The same by the grammar of RFC 8259, for PostgreSQL before 16, which cannot be asked.';

comment on function chronokeeper.is_json(value text) is 'Whether PostgreSQL takes it as jsonb.';

comment on function chronokeeper.is_open(acl jsonb) is 'Whether an ACL lets anybody read.';

comment on function chronokeeper.json_depth(value text) is 'How deep JSON is nested, counted exactly only beyond 1000 brackets: never less than it is.';

comment on function chronokeeper.last_zxid_at(at timestamp with time zone) is 'As zxid_at(); null where that raises an error.';

comment on function chronokeeper.ledger_hash(previous bytea, l ledger) is 'The hash that a row of the ledger must have, from the hash before it and the row.';

comment on function chronokeeper.note_clock_runs() is 'Completes clock_run up to the cursor, for what was written by a version that did not know it. Returns how many rows that made.';

comment on function chronokeeper.note_in_ledger(kind text, subject text, content bytea) is 'Adds a row to the ledger, in the transaction that writes what it is about. An empty content: it is removed.';

comment on function chronokeeper.open_change(z bigint, znode text) is 'Whether the data that a transaction gave a node could be read by anybody: its ACL right after it, and every one it gave the node.';

comment on function chronokeeper.open_content_hash(znode text, from_zxid bigint) is 'The hash of the redacted data of the version of a node that began with that zxid, when anybody could read them.';

comment on function chronokeeper.open_content(znode text, from_zxid bigint) is 'The data of the version of a node that began with that zxid, when anybody could read them.';

comment on function chronokeeper.partitions() is 'The partitions of the history with their bounds (null: none), about how many rows they have, their bytes with indexes, and whether they are packed. Those of txn and change hold the zxids above from_zxid - 1 and below to_zxid, those of znode_version the versions that began there.';

comment on function chronokeeper.require_known(z bigint) is 'Raises an error when the tree at the zxid is not known: ahead of the mirror, in a gap, or pruned.';

comment on function chronokeeper.sees_all() is 'Whether the current user may read the tables, and so all there is.';

comment on function chronokeeper.session_hex(session bigint) is 'The session id as people read it: 0x10000314cd30019.';

comment on function chronokeeper.session_id(value bigint) is 'The session id itself.';

comment on function chronokeeper.session_id(value text) is 'The session id that 0x10000314cd30019, or its decimal form, means.';

comment on function chronokeeper.session_life(session bigint) is 'The life of a session: opened (or known: it was open where the history begins), re-attached (a new connection from the same host), moved (another host or door), authenticated, expired, closed, restored (ended by a restore into a directory), with the ephemeral nodes that went with it. Coming back with a session is no transaction: it shows at the next one.';

comment on function chronokeeper.session_life(session text) is 'The life of a session: opened (or known: it was open where the history begins), re-attached (a new connection from the same host), moved (another host or door), authenticated, expired, closed, restored (ended by a restore into a directory), with the ephemeral nodes that went with it. Coming back with a session is no transaction: it shows at the next one.';

comment on function chronokeeper.set_up_access(reader text, writer text) is 'Makes the roles (chronokeeper_reader and chronokeeper_writer when it is not told other names) and the publication chronokeeper where they are missing, and gives them what they need. A row for each that the current user may not make. Run by every migration.';

comment on function chronokeeper.snapshot_content(s snapshot) is 'What the ledger says of a snapshot: SHA-256 of its row.';

comment on function chronokeeper.tree_at(z bigint, prefix text) is 'The tree as it was right after that zxid; with a prefix, that node and everything beneath it.';

comment on function chronokeeper.tree_at(z text, prefix text) is 'The tree as it was right after that zxid; with a prefix, that node and everything beneath it.';

comment on function chronokeeper.tree_at(z timestamp with time zone, prefix text) is 'The tree as it was at that time: see zxid_at(); with a prefix, that node and everything beneath it.';

comment on function chronokeeper.tree_versions_at(z bigint, prefix text) is 'What tree_at() is made of: the versions alone.';

comment on function chronokeeper.txn_facts(z bigint) is 'What the hash of a transaction covers beside its row and its changes: of each node it created the owner, and the cversion of its parent; of a session it opened the timeout.';

comment on function chronokeeper.txn_hash_without_facts(previous bytea, z bigint) is 'The same as versions before migration 0005 made it: without the facts. What they wrote stays verifiable.';

comment on function chronokeeper.txn_hash(previous bytea, z bigint) is 'The hash that a transaction must have, from the hash before it, its row, its changes and its facts.';

comment on function chronokeeper.txn_reason(z bigint) is 'Why a transaction was made that nobody asked for just then, in words: expiry, the end of a container or TTL node, a restore. Null where the request itself is the reason.';

comment on function chronokeeper.txn_reason(z text) is 'Why a transaction was made that nobody asked for just then, in words: expiry, the end of a container or TTL node, a restore. Null where the request itself is the reason.';

comment on function chronokeeper.verify_chain(z1 bigint, z2 bigint) is 'The transactions between two zxids whose hash is not what it must be: none, unless rows were altered, added or removed.';

comment on function chronokeeper.verify_ledger() is 'What is not as the ledger says: gaps, snapshots, contents of bases and checkpoints that were altered, added or removed, and rows of the ledger itself.';

comment on function chronokeeper.version_acl(znode text, from_zxid bigint) is 'The ACL of a version of a node, as the current user may see it.';

comment on function chronokeeper.version_at(znode text, z bigint) is 'What znode_at() is made of: the version alone.';

comment on function chronokeeper.version_span(zxids bigint) is 'The class of a version that was valid for so many zxids: see znode_version.span.';

comment on function chronokeeper.without_hashes(acl jsonb) is 'An ACL without the hashes of passwords: bob:x.';

comment on function chronokeeper.without_hashes(principal text) is 'Identities without the hashes of passwords: digest:bob:x.';

comment on function chronokeeper.znode_at(znode text, z bigint) is 'The node as it was right after that zxid; no row when it was not there.';

comment on function chronokeeper.znode_at(znode text, z text) is 'The node as it was right after that zxid; no row when it was not there.';

comment on function chronokeeper.znode_at(znode text, z timestamp with time zone) is 'The node as it was at that time: see zxid_at(); no row when it was not there.';

comment on function chronokeeper.znode_history(znode text) is 'Every change of a node, with who did it.';

comment on function chronokeeper.znode_kind(ephemeral_owner bigint) is 'persistent, ephemeral, container or ttl, from an ephemeral_owner.';

comment on function chronokeeper.znode_ttl_ms(ephemeral_owner bigint) is 'The time to live of a TTL node, from its ephemeral_owner; null for others.';

comment on function chronokeeper.zxid_at(at timestamp with time zone) is 'The last zxid whose time is not later: of all transactions that the leaders'' clocks date at or before then, the one with the greatest zxid. Where a leader''s clock was behind that of the one before it, its transactions count with the time it gave them. 0 before the first transaction of a history that is complete from its beginning; an error before that of any other, and inside a gap.';

comment on function chronokeeper.zxid_counter(zxid bigint) is 'The counter of a zxid.';

comment on function chronokeeper.zxid_epoch(zxid bigint) is 'The epoch of a zxid.';

comment on function chronokeeper.zxid_hex(zxid bigint) is 'The zxid as people read it: 0x500000012.';

comment on function chronokeeper.zxid_or_time(value text) is 'The zxid that is written there, or the one of the time: ''0x500000012'', ''21474836498'', ''2026-11-20 14:00+01'', ''yesterday 14:00''.';

comment on function chronokeeper.zxids_of_principal(principal text, z1 bigint, z2 bigint) is 'The transactions of a principal between two zxids. Of a digest identity the hash does not count.';

comment on function chronokeeper.zxid(value bigint) is 'The zxid itself.';

comment on function chronokeeper.zxid(value text) is 'The zxid that 0x500000012 or 21474836498 means.';

insert into chronokeeper.mirror_cursor (id) values (1);
