/** Every way to tamper with a row of the history: the rows of a database in memory, so that thousands of ways can be tried. */
import type { HistoryRows, Row } from '#audit/verify/rows';
import { type ColumnType, type TableName, tableNames, tables } from '#audit/verify/tables';

type TableRows = ReadonlyMap<TableName, readonly Row[]>;

export class MemoryRows implements HistoryRows {
	readonly #tables: TableRows;

	private constructor(all: TableRows) {
		this.#tables = all;
	}

	static async of(rows: HistoryRows): Promise<MemoryRows> {
		const all = new Map<TableName, readonly Row[]>();
		for (const name of tableNames) all.set(name, await rows.all(name));
		return new MemoryRows(all);
	}

	/** The same with other rows in one table, in the table's order. */
	with(table: TableName, rows: readonly Row[]): MemoryRows {
		const order = orderOf(table);
		const sorted = [...rows].sort((a, b) => {
			for (const column of order) {
				const difference = Buffer.compare(a[column] ?? Buffer.alloc(0), b[column] ?? Buffer.alloc(0));
				if (difference !== 0) return difference;
			}
			return 0;
		});
		return new MemoryRows(new Map([...this.#tables, [table, sorted]]));
	}

	rows(table: TableName): readonly Row[] {
		return this.#tables.get(table)!;
	}

	async *read(table: TableName, from = 0, to: number = Number.MAX_SAFE_INTEGER): AsyncGenerator<readonly Row[], void> {
		const { range } = tables[table];
		const rows = this.rows(table);
		if (range === null) {
			yield rows;
			return;
		}
		const column = Object.keys(tables[table].columns).indexOf(range);
		yield rows.filter((row) => {
			const zxid = Number(row[column]!.readBigInt64BE(0));
			return zxid >= from && zxid <= to;
		});
	}

	async all(table: TableName): Promise<readonly Row[]> {
		return this.rows(table);
	}

	async count(table: TableName): Promise<number> {
		return this.rows(table).length;
	}

	async close(): Promise<void> {}
}

function orderOf(table: TableName): number[] {
	const names = Object.keys(tables[table].columns);
	return tables[table].order.split(', ').map((name) => names.indexOf(name));
}

/** What identifies a row: the columns that it is ordered by. */
export function keyColumns(table: TableName): readonly number[] {
	return table === 'mirror_cursor' ? [] : orderOf(table);
}

/** Another value of a column, as small a change as there is. */
export function altered(value: Buffer | null, type: ColumnType): Buffer {
	if (value === null) return invented(type);
	const other = Buffer.from(value);
	switch (type) {
		case 'bool':
			other[0] = 1 - other[0]!;
			return other;
		case 'timestamptz':
			other.writeBigInt64BE(other.readBigInt64BE(0) + 1000n);
			return other;
		case 'text':
			return Buffer.from(`${value.toString()}x`);
		case 'jsonb':
			return Buffer.from(
				value.toString('latin1').replace(/"perms": (\d+)/, (_, perms: string) => `"perms": ${Number(perms) ^ 1}`),
				'latin1',
			);
		case 'bytea':
			if (value.length === 0) return Buffer.from('x');
			other.writeUInt8(other.at(-1)! ^ 1, other.length - 1);
			return other;
		default:
			other.writeUInt8(other.at(-1)! ^ 1, other.length - 1);
			return other;
	}
}

function invented(type: ColumnType): Buffer {
	switch (type) {
		case 'int2':
			return Buffer.alloc(2);
		case 'int4':
			return Buffer.alloc(4);
		case 'int8':
		case 'timestamptz':
			return Buffer.from([0, 0, 0, 2, 0, 0, 0, 5]);
		case 'bool':
			return Buffer.alloc(1);
		case 'jsonb':
			return Buffer.from('\u0001[]');
		default:
			return Buffer.from('x');
	}
}
