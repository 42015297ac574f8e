/** The packed copy of one table of a partition that is full; pack.ts puts it in the partition's place. */
import type pg from 'pg';

export interface PackedCopy {
	/** txn, change or znode_version. */
	readonly table: string;
	/** What it is a copy of. */
	readonly partition: string;
	/** Its own name, until it is in place. */
	readonly name: string;
	/** What its indexes are called, and what they are to be called in place. */
	readonly indexes: readonly { readonly made: string; readonly wanted: string }[];
	/** The last transaction that wrote into it. */
	xid: string;
	/** How many rows are not as they were: none. */
	readonly differences: number;
}

/** In the order in which they were written, and in which they are verified. */
const orders: Readonly<Record<string, string>> = {
	txn: 'zxid',
	change: 'zxid, ordinal',
	znode_version: 'from_zxid, path',
};

interface Column {
	readonly name: string;
	readonly type: string;
	readonly collation: string | null;
	readonly required: boolean;
}

/** In one transaction, on a connection that does nothing else until it is in place. */
export async function makeCopy(client: pg.ClientBase, table: string, partition: string): Promise<PackedCopy> {
	const name = `${partition}_packed`;
	const [from, to] = [`chronokeeper.${partition}`, `chronokeeper.${name}`];
	await client.query('begin isolation level repeatable read');
	try {
		const columns = await columnsOf(client, from);
		await createTable(client, to, columns);
		const names = columns.map((it) => it.name).join(', ');
		await client.query("set local work_mem = '64MB'; set local maintenance_work_mem = '256MB'; set local jit = off");
		await client.query(`insert into ${to} (${names}) select ${names} from ${from} order by ${orders[table]}`);
		await addBounds(client, from, to);
		const indexes = await buildIndexes(client, from, to);
		await client.query(`analyze ${to}`);
		await client.query('set local enable_hashjoin = off');
		const differences = await countDifferences(client, from, to, columns);
		if (table === 'znode_version') {
			await client.query(
				`create temporary table open_version on commit preserve rows as select path, from_zxid from ${to} where to_zxid is null`,
			);
		}
		const { rows } = await client.query<{ xid: string }>('select pg_current_xact_id()::xid::text as xid');
		await client.query('commit');
		return { table, partition, name, indexes, xid: rows[0]!.xid, differences };
	} catch (error) {
		await client.query('rollback').catch(() => undefined); // The connection may be gone: then there is nothing to roll back.
		throw error;
	}
}

/** Those that are as wide as their boundaries first, so that nothing is left free between them. */
async function columnsOf(client: pg.ClientBase, from: string): Promise<Column[]> {
	const { rows } = await client.query<Column>(
		`select quote_ident(a.attname) as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required,
			case when co.collname <> 'default' then quote_ident(co.collname) end as collation
		from pg_attribute a left join pg_collation co on co.oid = a.attcollation
		where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped order by a.attlen desc, not a.attnotnull, a.attnum`,
		[from],
	);
	return rows;
}

async function createTable(client: pg.ClientBase, to: string, columns: readonly Column[]): Promise<void> {
	const defined = columns.map(
		({ name, type, collation, required }) =>
			`${name} ${type}${collation === null ? '' : ` collate ${collation}`}${required ? ' not null' : ''}`,
	);
	await client.query(`create table ${to} (${defined.join(', ')})`);
}

/** Proves that it may take the partition's place, so that nothing is looked through then. */
async function addBounds(client: pg.ClientBase, from: string, to: string): Promise<void> {
	const { rows } = await client.query<{ within: string }>(
		'select pg_get_partition_constraintdef($1::regclass) as within',
		[from],
	);
	await client.query(`alter table ${to} add constraint within check (${rows[0]!.within})`);
}

/** The same as the partition has, also those that somebody added; without room for what is to come. */
async function buildIndexes(client: pg.ClientBase, from: string, to: string): Promise<PackedCopy['indexes']> {
	const { rows } = await client.query<{
		name: string;
		definition: string;
		method: string;
		columns: string | null;
	}>(
		`select c.relname as name, pg_get_indexdef(i.indexrelid) as definition, m.amname as method,
			substring(pg_get_constraintdef(k.oid) from '\\(.*\\)') as columns
		from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
		left join pg_constraint k on k.conindid = i.indexrelid and k.contype = 'p' and k.conrelid = i.indrelid
		where i.indrelid = $1::regclass and i.indisvalid order by i.indisprimary desc, c.relname`,
		[from],
	);
	const indexes: { made: string; wanted: string }[] = [];
	for (const [i, { name, definition, method, columns }] of rows.entries()) {
		const made = `${to.slice(to.indexOf('.') + 1)}_${i}`;
		indexes.push({ made, wanted: `"${name}"` });
		if (columns !== null) {
			await client.query(`alter table ${to} add constraint ${made} primary key ${columns} with (fillfactor = 100)`);
			continue;
		}
		const [, unique = '', how = ''] =
			/^CREATE (UNIQUE )?INDEX .*? ON (?:ONLY )?\S+ USING (.*)$/s.exec(definition) ?? [];
		const dense = method === 'btree' && !/ WITH \(/.test(how);
		const [keys = '', where] = how.split(/ (?=WHERE )/);
		const full = dense ? `${keys} with (fillfactor = 100)${where === undefined ? '' : ` ${where}`}` : how;
		await client.query(`create ${unique}index ${made} on ${to} using ${full}`);
	}
	return indexes;
}

async function countDifferences(
	client: pg.ClientBase,
	from: string,
	to: string,
	columns: readonly Column[],
): Promise<number> {
	const { rows: keys } = await client.query<{ name: string }>(
		`select quote_ident(a.attname) as name from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
		where i.indrelid = $1::regclass and i.indisprimary`,
		[from],
	);
	const of = (alias: string) => columns.map(({ name }) => `${alias}.${name}`).join(', ');
	const key = keys.map((it) => it.name);
	const { rows } = await client.query<{ count: string }>(
		`select count(*) from ${from} a full join ${to} b on ${key.map((it) => `a.${it} = b.${it}`).join(' and ')}
		where a.${key[0]} is null or b.${key[0]} is null or row(${of('a')}) is distinct from row(${of('b')})`,
	);
	return Number(rows[0]!.count);
}

/** Ends in the copy the versions that were ended in the partition since it was made. Returns how many. */
export async function endInCopy(client: pg.ClientBase, copy: PackedCopy): Promise<number> {
	await client.query('begin');
	try {
		await client.query(
			'set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off; set local jit = off',
		);
		const { rows } = await client.query<{ count: string; xid: string }>(
			`with ended as materialized (
				select o.path, o.from_zxid, o.to_zxid, o.span from open_version w cross join lateral (
					select * from chronokeeper.${copy.partition} o where o.path = w.path and o.from_zxid = w.from_zxid offset 0
				) o where o.to_zxid is not null
			), copied as (
				update chronokeeper.${copy.name} c set to_zxid = e.to_zxid, span = e.span from ended e
				where c.path = e.path and c.from_zxid = e.from_zxid
			), gone as (
				delete from open_version w using ended e where w.path = e.path and w.from_zxid = e.from_zxid
			)
			select count(*) as count, pg_current_xact_id()::xid::text as xid from ended`,
		);
		await client.query('commit');
		copy.xid = rows[0]!.xid;
		return Number(rows[0]!.count);
	} catch (error) {
		await client.query('rollback').catch(() => undefined); // The connection may be gone: then there is nothing to roll back.
		throw error;
	}
}
