/** The rows of a database, all of one moment, however long the reading takes and whatever the mirror writes meanwhile. */
import pg from 'pg';
import copyStreams from 'pg-copy-streams';
import type { HistoryRows, Row } from './rows.ts';
import { type TableName, tables } from './tables.ts';

export class DatabaseRows implements HistoryRows {
	readonly #url: string;
	readonly #first: pg.Client;
	readonly #snapshot: string;

	private constructor(url: string, first: pg.Client, snapshot: string) {
		this.#url = url;
		this.#first = first;
		this.#snapshot = snapshot;
	}

	static async open(databaseUrl: string): Promise<DatabaseRows> {
		const client = await connect(databaseUrl);
		try {
			await client.query('begin isolation level repeatable read read only');
			const { rows } = await client.query<{ snapshot: string }>('select pg_export_snapshot() as snapshot');
			return new DatabaseRows(databaseUrl, client, rows[0]!.snapshot);
		} catch (error) {
			await client.end().catch(() => undefined); // The reason is the error, not how the connection ended.
			throw error;
		}
	}

	async *read(table: TableName, from = 0, to: number = Number.MAX_SAFE_INTEGER): AsyncGenerator<readonly Row[], void> {
		const client = await connect(this.#url);
		try {
			await client.query('begin isolation level repeatable read read only');
			await client.query(`set transaction snapshot '${this.#snapshot}'`);
			await client.query("set local work_mem = '128MB'; set local jit = off");
			const { columns, order, range } = tables[table];
			const where = range === null ? '' : ` where ${range} >= ${from.toFixed(0)} and ${range} <= ${to.toFixed(0)}`;
			const select = `select ${Object.keys(columns).join(', ')} from chronokeeper.${table}${where} order by ${order}`;
			const stream = client.query(copyStreams.to(`copy (${select}) to stdout binary`, { highWaterMark: 1 << 20 }));
			yield* batches(stream);
		} finally {
			// Also of a stream that nobody read to its end: the connection goes with it.
			await client.end().catch(() => undefined);
		}
	}

	async all(table: TableName): Promise<readonly Row[]> {
		const rows: Row[] = [];
		for await (const batch of this.read(table)) for (const row of batch) rows.push(row);
		return rows;
	}

	async count(table: TableName): Promise<number> {
		const { rows } = await this.#first.query<{ rows: string | null }>(
			`select sum(greatest(c.reltuples, 0))::bigint as rows from pg_class c
			where c.oid in (select inhrelid from pg_inherits where inhparent = $1::regclass union all select $1::regclass)`,
			[`chronokeeper.${table}`],
		);
		return Number(rows[0]?.rows ?? 0);
	}

	/** The migrations that it has. */
	async schema(): Promise<string[]> {
		const { rows } = await this.#first.query<{ name: string }>(
			'select name from chronokeeper.kysely_migration order by name',
		);
		return rows.map((row) => row.name);
	}

	async close(): Promise<void> {
		await this.#first.end().catch(() => undefined); // A broken connection is closed already.
	}
}

async function connect(url: string): Promise<pg.Client> {
	const client = new pg.Client({ connectionString: url, application_name: 'chronokeeper audit' });
	client.on('error', () => undefined); // The statement under way reports it.
	await client.connect();
	return client;
}

const headBytes = 19;

async function* batches(stream: AsyncIterable<Buffer>): AsyncGenerator<readonly Row[], void> {
	let rest: Buffer = Buffer.alloc(0);
	let isBegun = false;
	for await (const chunk of stream) {
		const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
		let at = 0;
		if (!isBegun) {
			if (bytes.length < headBytes) {
				rest = bytes;
				continue;
			}
			at = headBytes;
			isBegun = true;
		}
		const rows: Row[] = [];
		for (;;) {
			const end = readRow(bytes, at, rows);
			if (end === null) break;
			at = end;
		}
		rest = bytes.subarray(at);
		if (rows.length > 0) yield rows;
	}
	if (rest.length > 0) throw new Error(`a COPY from PostgreSQL ended ${rest.length} bytes into a row`);
}

/** Null when the row is not complete. The trailer is none. */
function readRow(bytes: Buffer, start: number, rows: Row[]): number | null {
	if (bytes.length - start < 2) return null;
	const count = bytes.readInt16BE(start);
	let at = start + 2;
	if (count === -1) return at;
	const row: (Buffer | null)[] = [];
	for (let i = 0; i < count; i++) {
		if (bytes.length - at < 4) return null;
		const length = bytes.readInt32BE(at);
		at += 4;
		if (length === -1) {
			row.push(null);
			continue;
		}
		if (at + length > bytes.length) return null;
		row.push(bytes.subarray(at, at + length));
		at += length;
	}
	rows.push(row);
	return at;
}
