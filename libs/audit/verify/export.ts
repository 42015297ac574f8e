/**
 * `ck audit export`: the history, or a part of it, as files that anybody can read, and that can be verified without the database: one file for each
 * table and a manifest with the SHA-256 of each.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { formatZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import { type Cell, cellOf } from './cells.ts';
import { type HistoryRows, type Row, zxidOf } from './rows.ts';
import { type ColumnType, columnOf, type TableName, tableNames, tables } from './tables.ts';

export type ExportFormat = 'ndjson' | 'csv';

export interface ExportOptions {
	readonly from?: Zxid;
	readonly to?: Zxid;
	readonly format: ExportFormat;
	/** Made when it is not there; must be empty. */
	readonly intoDir: string;
	readonly progress?: (table: TableName, rows: number, done: number, total: number) => void;
}

export interface ExportedFile {
	readonly table: TableName;
	readonly file: string;
	readonly rows: number;
	readonly bytes: number;
	readonly sha256: string;
	readonly columns: Readonly<Record<string, ColumnType>>;
}

export interface Manifest {
	readonly format: 'chronokeeper-history';
	/** Of this manifest and the files. */
	readonly version: 1;
	readonly encoding: ExportFormat;
	/** Migrations of the database that it came from. */
	readonly schema: readonly string[];
	readonly exported: string;
	/** The transactions that were asked for; null: from the beginning, to the end. */
	readonly from: string | null;
	readonly to: string | null;
	/** The first and the last that are in it, with the hash chain there. What the tree in front of `from` comes from is in it, too. */
	readonly first: { readonly zxid: string; readonly hash: string } | null;
	readonly last: { readonly zxid: string; readonly hash: string } | null;
	/** What the first one's hash follows from. */
	readonly hashBefore: string;
	readonly checkpoints: number;
	readonly files: readonly ExportedFile[];
}

export const manifestName = 'manifest.json';

/** An export was refused, or cannot be read; the message says why. */
export class ExportProblem extends Error {
	override readonly name = 'ExportProblem';
}

const zxidColumn = columnOf('txn', 'zxid');
const hashColumn = columnOf('txn', 'hash');
const lastOfAll = Number.MAX_SAFE_INTEGER as Zxid;

export async function exportHistory(
	rows: HistoryRows,
	schema: readonly string[],
	options: ExportOptions,
): Promise<Manifest> {
	const { from, to = lastOfAll, format, intoDir, progress } = options;
	if (existsSync(intoDir) && readdirSync(intoDir).length > 0) {
		throw new ExportProblem(`${intoDir} is not empty: name a new directory, nothing is overwritten`);
	}
	mkdirSync(intoDir, { recursive: true });
	const begin = from === undefined ? zeroZxid : await baseBefore(rows, from);
	const total = (await rows.count('txn')) + (await rows.count('change')) + (await rows.count('znode_version'));
	const files: ExportedFile[] = [];
	let first: Manifest['first'] = null;
	let last: Manifest['last'] = null;
	let done = 0;
	for (const table of tableNames) {
		const file = new TableFile(intoDir, table, format);
		try {
			for await (const batch of rows.read(table, beginOf(table, begin), table === 'checkpoint' ? lastOfAll : to)) {
				for (const row of batch) {
					file.add(row);
					if (table === 'txn') {
						last = { zxid: formatZxid(zxidOf(row[zxidColumn]!)), hash: row[hashColumn]!.toString('hex') };
						first ??= last;
					}
				}
				done += batch.length;
				progress?.(table, file.rows, done, Math.max(total, done));
			}
		} finally {
			file.close();
		}
		files.push(file.entry());
	}
	const manifest: Manifest = {
		format: 'chronokeeper-history',
		version: 1,
		encoding: format,
		schema,
		exported: new Date().toISOString(),
		from: from === undefined ? null : formatZxid(from),
		to: to === lastOfAll ? null : formatZxid(to),
		first,
		last,
		hashBefore: (await hashBefore(rows, begin)).toString('hex'),
		checkpoints: files.find((it) => it.table === 'checkpoint')!.rows,
		files,
	};
	const text = `${JSON.stringify(manifest, null, '\t')}\n`;
	writeFileSync(path.join(intoDir, manifestName), text);
	const digest = createHash('sha256').update(text).digest('hex');
	writeFileSync(path.join(intoDir, `${manifestName}.sha256`), `${digest}  ${manifestName}\n`);
	return manifest;
}

/** Versions and sessions that were valid already began earlier. The ledger knows all checkpoints, so all are there. */
function beginOf(table: TableName, begin: Zxid): Zxid {
	return table === 'znode_version' || table === 'session' || table === 'checkpoint' ? zeroZxid : begin;
}

/** The tree in front of a part is made from the base before it, with what came since. */
async function baseBefore(rows: HistoryRows, from: Zxid): Promise<Zxid> {
	const isBase = columnOf('snapshot', 'base');
	const bases = (await rows.all('snapshot')).filter((row) => row[isBase]![0] === 1).map((row) => zxidOf(row[0]!));
	return bases.filter((zxid) => zxid < from).at(-1) ?? zeroZxid;
}

async function hashBefore(rows: HistoryRows, zxid: Zxid): Promise<Buffer> {
	let last: Buffer = Buffer.alloc(0);
	if (zxid === zeroZxid) return last;
	for await (const batch of rows.read('txn', zeroZxid, zxid)) last = batch.at(-1)?.[hashColumn] ?? last;
	return last;
}

const pieceBytes = 1 << 20;

class TableFile {
	rows = 0;
	readonly #table: TableName;
	readonly #format: ExportFormat;
	readonly #name: string;
	readonly #file: number;
	readonly #sha256: Hash = createHash('sha256');
	readonly #columns: readonly (readonly [name: string, type: ColumnType])[];
	#bytes = 0;
	#pending: string[] = [];
	#pendingLength = 0;

	constructor(directory: string, table: TableName, format: ExportFormat) {
		this.#table = table;
		this.#format = format;
		this.#name = `${table}.${format}`;
		this.#columns = Object.entries(tables[table].columns);
		this.#file = openSync(path.join(directory, this.#name), 'wx');
		if (format === 'csv') this.#write(`${this.#columns.map(([name]) => name).join(',')}\r\n`);
	}

	add(row: Row): void {
		this.rows++;
		const cells = this.#columns.map(([, type], i) => cellOf(row[i]!, type));
		if (this.#format === 'csv') this.#write(`${cells.map(csvField).join(',')}\r\n`);
		else this.#write(`${JSON.stringify(Object.fromEntries(this.#columns.map(([name], i) => [name, cells[i]])))}\n`);
	}

	close(): void {
		this.#flush();
		fsyncSync(this.#file);
		closeSync(this.#file);
	}

	entry(): ExportedFile {
		const columns = tables[this.#table].columns;
		const sha256 = this.#sha256.digest('hex');
		return { table: this.#table, file: this.#name, rows: this.rows, bytes: this.#bytes, sha256, columns };
	}

	#write(text: string): void {
		this.#pending.push(text);
		this.#pendingLength += text.length;
		if (this.#pendingLength > pieceBytes) this.#flush();
	}

	#flush(): void {
		const bytes = Buffer.from(this.#pending.join(''));
		this.#pending = [];
		this.#pendingLength = 0;
		this.#sha256.update(bytes);
		for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
		this.#bytes += bytes.length;
	}
}

/** RFC 4180. Null is nothing, and the empty text stands in quotes: so readers that tell them apart can. */
export function csvField(cell: Cell): string {
	if (cell === null) return '';
	const text = String(cell);
	return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
