/** A database's `chronokeeper` schema as SQL, read from PostgreSQL's catalogue: what migrations/schema.sql must be. */
type Query = (sql: string) => Promise<object[]>;

/** Tables, their partitions, indexes, functions, comments, in a fixed order. The same on every release of PostgreSQL from 16 on; see test/support/wanted-schema.ts. */
export async function describeSchema(query: Query): Promise<string> {
	const parts = [
		'-- The schema that all migrations together make. Written by migrations/schema.spec.ts with CK_REWRITE=1; reviewed as SQL.',
		// As pg_dump does: a function that was replaced later may call one that is newer than itself.
		'set check_function_bodies = off;',
		'create schema chronokeeper;',
	];
	for (const sql of [tables, partitions, indexes, functions, views, comments]) {
		const rows = (await query(sql)) as { statement: string }[];
		parts.push(...rows.map((row) => row.statement.replaceAll(/[ \t]+$/gm, '')));
	}
	parts.push('insert into chronokeeper.mirror_cursor (id) values (1);');
	return `${parts.join('\n\n')}\n`;
}

const inSchema = `n.nspname = 'chronokeeper'`;
const ours = `not c.relname like 'kysely%'`;

const tables = `
	select 'create table chronokeeper.' || c.relname || E' (\\n' || string_agg(
		E'\\t' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
			|| case when co.collname is not null and co.collname <> 'default' then ' collate "' || co.collname || '"' else '' end
			|| case when a.attnotnull then ' not null' else '' end
			|| coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''), E',\\n' order by a.attnum)
		|| coalesce((select string_agg(E',\\n\\t' || pg_get_constraintdef(k.oid), '' order by k.contype desc, k.conname)
			from pg_constraint k where k.conrelid = c.oid and k.contype in ('p', 'u', 'c')), '')
		|| E'\\n)' || coalesce(' partition by ' || pg_get_partkeydef(c.oid), '') || ';' as statement
	from pg_class c join pg_namespace n on n.oid = c.relnamespace and ${inSchema}
	join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
	left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
	left join pg_collation co on co.oid = a.attcollation
	where c.relkind in ('r', 'p') and not c.relispartition and ${ours}
	group by c.oid, c.relname order by c.relname`;

const partitions = `
	select 'create table chronokeeper.' || c.relname || ' partition of chronokeeper.' || p.relname || ' ' || pg_get_expr(c.relpartbound, c.oid) || ';' as statement
	from pg_class c join pg_namespace n on n.oid = c.relnamespace and ${inSchema}
	join pg_inherits i on i.inhrelid = c.oid join pg_class p on p.oid = i.inhparent
	where c.relkind = 'r' and c.relispartition order by c.relname`;

const indexes = `
	select replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON ') || ';' as statement
	from pg_class c join pg_namespace n on n.oid = c.relnamespace and ${inSchema} join pg_index i on i.indexrelid = c.oid
	join pg_class t on t.oid = i.indrelid
	where c.relkind in ('i', 'I') and not i.indisprimary and not c.relispartition and not t.relispartition and not t.relname like 'kysely%' order by c.relname`;

const functions = `
	select pg_get_functiondef(p.oid) || ';' as statement
	from pg_proc p join pg_namespace n on n.oid = p.pronamespace and ${inSchema}
	order by p.oid`;

const views = `
	select 'create view chronokeeper.' || c.relname || coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '') || E' as\\n' || pg_get_viewdef(c.oid) as statement
	from pg_class c join pg_namespace n on n.oid = c.relnamespace and ${inSchema}
	where c.relkind = 'v' order by c.oid`;

const comments = `
	select statement from (
		select 0 as kind, '' as name, 0 as number, 'comment on schema chronokeeper is ' || quote_literal(obj_description(n.oid, 'pg_namespace')) || ';' as statement
		from pg_namespace n where ${inSchema}
		union all
		select 1, c.relname, d.objsubid, 'comment on ' || case when d.objsubid = 0 then case c.relkind when 'v' then 'view' else 'table' end || ' chronokeeper.' || c.relname else 'column chronokeeper.' || c.relname || '.' || a.attname end
			|| ' is ' || quote_literal(d.description) || ';'
		from pg_class c join pg_namespace n on n.oid = c.relnamespace and ${inSchema}
		join pg_description d on d.objoid = c.oid and d.classoid = 'pg_class'::regclass
		left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid
		where c.relkind in ('r', 'p', 'v') and ${ours}
		union all
		select 2, p.proname || pg_get_function_identity_arguments(p.oid), 0,
			'comment on function chronokeeper.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ') is ' || quote_literal(obj_description(p.oid, 'pg_proc')) || ';'
		from pg_proc p join pg_namespace n on n.oid = p.pronamespace and ${inSchema} where obj_description(p.oid, 'pg_proc') is not null
	) x order by kind, name collate "C", number`;
