/**
 * Nodes at a zxid. Each function is in two parts: one that finds the versions, and one, plain SQL, that says what they are. PostgreSQL expands the second
 * into the query that calls it, so that data, text and JSON are fetched and parsed only where they are asked for.
 */
const seesAll = '(select chronokeeper.sees_all())';

/** The columns of a node at a zxid, as every function that gives nodes has them. */
export const nodeColumns = `
	path text, kind text, data bytea, data_length integer, num_children integer,
	czxid bigint, mzxid bigint, pzxid bigint, ctime timestamptz, mtime timestamptz,
	version integer, cversion integer, aversion integer, client_cversion integer, ephemeral_owner bigint, acl jsonb,
	from_zxid bigint, to_zxid bigint, data_text text, data_json jsonb, data_hash bytea`;

export const content = (path: string, from: string, data: string) =>
	`case when ${seesAll} then chronokeeper.content_of(${path}, ${data}) else chronokeeper.open_content(${path}, ${from}) end`;
export const contentHash = (path: string, from: string, data: string) =>
	`case when (select m.redacted from chronokeeper.history_cursor m) then case when ${seesAll} then chronokeeper.content_hash_of(${path}, ${data}) else chronokeeper.open_content_hash(${path}, ${from}) end end`;
const aclOf = (path: string, from: string, id: string) =>
	`coalesce((select a.acl from chronokeeper.history_acl a where a.id = ${id}),
		(select h.acl from chronokeeper.history_version h where h.path = ${path} and h.from_zxid = ${from}))`;

const versionNames =
	'path, from_zxid, to_zxid, czxid, mzxid, pzxid, data_zxid, ephemeral_owner, ctime, mtime, acl_id, version, cversion, aversion, client_cversion, data_length, num_children';
const versionColumns = `
	path text, from_zxid bigint, to_zxid bigint, czxid bigint, mzxid bigint, pzxid bigint, data_zxid bigint, ephemeral_owner bigint,
	ctime timestamptz, mtime timestamptz, acl_id bigint, version integer, cversion integer, aversion integer, client_cversion integer,
	data_length integer, num_children integer`;
const of = (v: string) => versionNames.replaceAll(/\w+/g, (name) => `${v}.${name}`);

const nodeOf = (v: string): string => `
	${v}.path, chronokeeper.znode_kind(${v}.ephemeral_owner), ${content(`${v}.path`, `${v}.from_zxid`, `${v}.data_zxid`)},
	${v}.data_length, ${v}.num_children, ${v}.czxid, ${v}.mzxid, ${v}.pzxid, ${v}.ctime, ${v}.mtime,
	${v}.version, ${v}.cversion, ${v}.aversion, ${v}.client_cversion, ${v}.ephemeral_owner,
	${aclOf(`${v}.path`, `${v}.from_zxid`, `${v}.acl_id`)}, ${v}.from_zxid, ${v}.to_zxid,
	chronokeeper.data_text(${content(`${v}.path`, `${v}.from_zxid`, `${v}.data_zxid`)}),
	chronokeeper.data_json(${content(`${v}.path`, `${v}.from_zxid`, `${v}.data_zxid`)}),
	${contentHash(`${v}.path`, `${v}.from_zxid`, `${v}.data_zxid`)}`;

/** As in 0002: the children that were there at z, with 27 short index scans instead of one over all there ever were. */
const childrenOf = (parent: string, z: string): string => `
	select ${of('v')} from generate_series(0, 26) s
	cross join lateral (
		select ${of('v')} from chronokeeper.history_version v
		where v.parent = ${parent} and v.span = s::smallint
			and v.from_zxid > ${z} - (1::bigint << (2 * s + 2)) and v.from_zxid <= ${z} and v.to_zxid > ${z}
		offset 0
	) v
	union all
	select ${of('v')} from chronokeeper.history_version v where v.parent = ${parent} and v.span = 63 and v.from_zxid <= ${z}`;

const validAt = (path: string, z: string): string => `
	select ${of('v')} from (
		select ${of('n')} from chronokeeper.history_version n where n.path = ${path} and n.from_zxid <= ${z} order by n.from_zxid desc limit 1
	) v where v.to_zxid is null or v.to_zxid > ${z}`;

/** As in 0002: each scan must be one by index for one node and one class, which the planner cannot know. */
const plannerSettings = ['seqscan', 'bitmapscan', 'hashjoin', 'mergejoin', 'material']
	.map((it) => `set enable_${it} = off`)
	.join(' ');

const differenceColumns = `
	path text, difference text, data_before bytea, data_after bytea, acl_before jsonb, acl_after jsonb,
	version_before integer, version_after integer, mzxid_before bigint, mzxid_after bigint,
	data_text_before text, data_text_after text, data_json_before jsonb, data_json_after jsonb, data_hash_before bytea, data_hash_after bytea`;

const side = (suffix: 'before' | 'after') => {
	const [path, from, data] = ['d.path', `d.from_zxid_${suffix}`, `d.data_zxid_${suffix}`];
	return {
		data: content(path, from, data),
		acl: aclOf(path, from, `d.acl_id_${suffix}`),
		hash: contentHash(path, from, data),
	};
};
const [before, after] = [side('before'), side('after')];

export const nodeStatements = [
	`drop function chronokeeper.znode_at(text, text)`,
	`drop function chronokeeper.znode_at(text, bigint)`,
	`drop function chronokeeper.children_at(text, text)`,
	`drop function chronokeeper.children_at(text, bigint)`,
	`drop function chronokeeper.tree_at(text, text)`,
	`drop function chronokeeper.tree_at(bigint, text)`,
	`drop function chronokeeper.diff(text, text, text)`,
	`drop function chronokeeper.diff(bigint, bigint, text)`,

	`create function chronokeeper.version_at(znode text, z bigint) returns table (${versionColumns}) language plpgsql stable rows 1 as $$
	#variable_conflict use_column
	begin
		perform chronokeeper.require_known(z);
		return query ${validAt('znode', 'z')};
	end $$`,
	`create function chronokeeper.child_versions_at(znode text, z bigint) returns table (${versionColumns}) language plpgsql stable ${plannerSettings} set jit = off as $$
	#variable_conflict use_column
	begin
		perform chronokeeper.require_known(z);
		return query select ${of('v')} from (${childrenOf('znode', 'z')}) v order by v.path;
	end $$`,
	`create function chronokeeper.tree_versions_at(z bigint, prefix text) returns table (${versionColumns}) language plpgsql stable rows 10000 ${plannerSettings} set jit = off as $$
	#variable_conflict use_column
	begin
		perform chronokeeper.require_known(z);
		return query
			with recursive walk as (
				${validAt('prefix', 'z')}
				union all
				select ${of('child')} from walk w cross join lateral (${childrenOf('w.path', 'z')}) child where w.num_children > 0
			)
			select ${of('w')} from walk w order by w.path;
	end $$`,

	`create function chronokeeper.znode_at(znode text, z bigint) returns table (${nodeColumns}) language sql stable rows 1 as $$
		select ${nodeOf('v')} from chronokeeper.version_at(znode, z) v $$`,
	`create function chronokeeper.children_at(znode text, z bigint) returns table (${nodeColumns}) language sql stable as $$
		select ${nodeOf('v')} from chronokeeper.child_versions_at(znode, z) v $$`,
	`create function chronokeeper.tree_at(z bigint, prefix text default '/') returns table (${nodeColumns}) language sql stable rows 10000 as $$
		select ${nodeOf('v')} from chronokeeper.tree_versions_at(z, prefix) v $$`,

	`create function chronokeeper.differing_versions(z1 bigint, z2 bigint, prefix text) returns table (
		path text, difference text, from_zxid_before bigint, from_zxid_after bigint, data_zxid_before bigint, data_zxid_after bigint,
		acl_id_before bigint, acl_id_after bigint, version_before integer, version_after integer, mzxid_before bigint, mzxid_after bigint
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
				left join lateral (${validAt('t.path', 'z1')}) a on true
				left join lateral (${validAt('t.path', 'z2')}) b on true
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
	end $$`,
	`create function chronokeeper.diff(z1 bigint, z2 bigint, prefix text default '/') returns table (${differenceColumns}) language sql stable as $$
		select d.path, d.difference, ${before.data}, ${after.data}, ${before.acl}, ${after.acl},
			d.version_before, d.version_after, d.mzxid_before, d.mzxid_after,
			chronokeeper.data_text(${before.data}), chronokeeper.data_text(${after.data}),
			chronokeeper.data_json(${before.data}), chronokeeper.data_json(${after.data}), ${before.hash}, ${after.hash}
		from chronokeeper.differing_versions(z1, z2, prefix) d $$`,

	...twins('text', (z) => `chronokeeper.zxid_or_time(${z})`),
	...twins('timestamptz', (z) => `chronokeeper.zxid_at(${z})`),
];

/** The same functions for zxids (and times) as text, and for times. */
function twins(type: string, zxid: (parameter: string) => string): string[] {
	const twin = (name: string, parameters: string, columns: string, call: string) =>
		`create function chronokeeper.${name}(${parameters}) returns table (${columns}) language sql stable as $$ select * from chronokeeper.${name}(${call}) $$`;
	const nodes = (name: string, parameters: string, call: string) => twin(name, parameters, nodeColumns, call);
	return [
		nodes('znode_at', `znode text, z ${type}`, `znode, ${zxid('z')}`),
		nodes('children_at', `znode text, z ${type}`, `znode, ${zxid('z')}`),
		nodes('tree_at', `z ${type}, prefix text default '/'`, `${zxid('z')}, prefix`),
		twin(
			'diff',
			`z1 ${type}, z2 ${type}, prefix text default '/'`,
			differenceColumns,
			`${zxid('z1')}, ${zxid('z2')}, prefix`,
		),
	];
}
