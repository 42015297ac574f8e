/** The rows of an export, read back as the database has them. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { bytesOf, type Cell } from './cells.ts';
import { type ExportedFile, ExportProblem, type Manifest, manifestName } from './export.ts';
import { type HistoryRows, int8, type Row } from './rows.ts';
import { type TableName, tables } from './tables.ts';

export class ExportRows implements HistoryRows {
	readonly manifest: Manifest;
	readonly #directory: string;

	private constructor(directory: string, manifest: Manifest) {
		this.#directory = directory;
		this.manifest = manifest;
	}

	/** @throws ExportProblem */
	static open(directory: string): ExportRows {
		const file = path.join(directory, manifestName);
		if (!existsSync(file)) throw new ExportProblem(`${directory} has no ${manifestName}: it is no export`);
		let manifest: Manifest;
		try {
			manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
		} catch (error) {
			throw new ExportProblem(`${file} is not JSON: ${(error as Error).message}`, { cause: error });
		}
		if (manifest.format !== 'chronokeeper-history' || manifest.version !== 1) {
			throw new ExportProblem(`${file} is not of a format that this version reads`);
		}
		return new ExportRows(directory, manifest);
	}

	/** What is not as the manifest says: files that are missing, or other than they were. */
	async problems(progress?: (done: number, total: number) => void): Promise<string[]> {
		const problems: string[] = [];
		const total = this.manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
		let done = 0;
		const sum = `${manifestName}.sha256`;
		const text = readFileSync(path.join(this.#directory, manifestName));
		const own = createHash('sha256').update(text).digest('hex');
		const written = path.join(this.#directory, sum);
		if (!existsSync(written)) problems.push(`${sum} is missing`);
		else if (readFileSync(written, 'utf8').slice(0, 64) !== own)
			problems.push(`${manifestName} is not what ${sum} says`);
		for (const { file, bytes, sha256 } of this.manifest.files) {
			const at = path.join(this.#directory, file);
			if (!existsSync(at)) {
				problems.push(`${file} is missing`);
				continue;
			}
			if (statSync(at).size !== bytes) {
				problems.push(`${file} has ${statSync(at).size} bytes, and had ${bytes}`);
				continue;
			}
			const hash = createHash('sha256');
			for await (const chunk of createReadStream(at, { highWaterMark: 1 << 20 })) {
				hash.update(chunk as Buffer);
				progress?.((done += (chunk as Buffer).length), total);
			}
			if (hash.digest('hex') !== sha256) problems.push(`${file} is not what it was: its SHA-256 is another`);
		}
		return problems;
	}

	async *read(table: TableName, from = 0, to: number = Number.MAX_SAFE_INTEGER): AsyncGenerator<readonly Row[], void> {
		const entry = this.manifest.files.find((it) => it.table === table);
		if (entry === undefined) throw new ExportProblem(`the export has no ${table}`);
		const { range } = tables[table];
		const column = range === null ? -1 : Object.keys(tables[table].columns).indexOf(range);
		for await (const batch of this.#rows(entry)) {
			const wanted =
				column === -1 ? batch : batch.filter((row) => int8(row[column]!) >= from && int8(row[column]!) <= to);
			if (wanted.length > 0) yield wanted;
		}
	}

	async all(table: TableName): Promise<readonly Row[]> {
		// What a part of the history ends with is not where the database had come to.
		if (table === 'mirror_cursor' && this.manifest.to !== null) return [];
		const rows: Row[] = [];
		for await (const batch of this.read(table)) rows.push(...batch);
		return rows;
	}

	async count(table: TableName): Promise<number> {
		return this.manifest.files.find((it) => it.table === table)?.rows ?? 0;
	}

	async close(): Promise<void> {}

	/** Of what the first transaction's hash follows from. */
	get hashBefore(): Buffer {
		return Buffer.from(this.manifest.hashBefore, 'hex');
	}

	async *#rows({ file, table }: ExportedFile): AsyncGenerator<Row[], void> {
		const types = Object.entries(tables[table].columns);
		const isCsv = this.manifest.encoding === 'csv';
		let line = 0;
		const rowOf = (cells: (name: string, i: number) => Cell): Row => {
			try {
				return types.map(([name, type], i) => bytesOf(cells(name, i), type));
			} catch (error) {
				throw new ExportProblem(`${file}, row ${line}: ${(error as Error).message}`, { cause: error });
			}
		};
		for await (const records of isCsv ? csvRecords(this.#text(file)) : lines(this.#text(file))) {
			const rows: Row[] = [];
			for (const record of records) {
				line++;
				if (typeof record === 'string') {
					const object = parsed(record, file, line);
					rows.push(rowOf((name) => object[name] ?? null));
				} else if (line > 1) rows.push(rowOf((_, i) => record[i] ?? null));
			}
			yield rows;
		}
	}

	async *#text(file: string): AsyncGenerator<string, void> {
		const at = path.join(this.#directory, file);
		if (!existsSync(at)) throw new ExportProblem(`${file} is missing`);
		for await (const chunk of createReadStream(at, { encoding: 'utf8', highWaterMark: 1 << 20 })) yield chunk as string;
	}
}

function parsed(text: string, file: string, line: number): Readonly<Record<string, Cell>> {
	try {
		return JSON.parse(text) as Readonly<Record<string, Cell>>;
	} catch (error) {
		throw new ExportProblem(`${file}, line ${line}: ${(error as Error).message}`, { cause: error });
	}
}

async function* lines(chunks: AsyncIterable<string>): AsyncGenerator<string[], void> {
	let rest = '';
	for await (const chunk of chunks) {
		const parts = (rest + chunk).split('\n');
		rest = parts.pop()!;
		yield parts;
	}
	if (rest !== '') yield [rest];
}

/** RFC 4180: null where nothing stands between two commas, the empty text where two quotes do. */
export async function* csvRecords(chunks: AsyncIterable<string>): AsyncGenerator<(string | null)[][], void> {
	let record: (string | null)[] = [];
	let field = '';
	let state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';
	const endField = (): void => {
		record.push(state === 'start' ? null : field);
		field = '';
		state = 'start';
	};
	for await (const chunk of chunks) {
		const records: (string | null)[][] = [];
		for (let i = 0; i < chunk.length; i++) {
			const unit = chunk[i]!;
			if (state === 'quoted') {
				if (unit === '"') {
					state = 'closed';
					continue;
				}
				const end = chunk.indexOf('"', i);
				field += chunk.slice(i, end === -1 ? chunk.length : end);
				i = (end === -1 ? chunk.length : end) - 1;
			} else if (unit === '"') {
				// A second quote behind one that closed: it was one within the text.
				if (state === 'closed') field += '"';
				state = 'quoted';
			} else if (unit === ',') endField();
			else if (unit === '\n') {
				endField();
				records.push(record);
				record = [];
			} else if (unit !== '\r') {
				field += unit;
				state = 'plain';
			}
		}
		yield records;
	}
	if (record.length > 0 || state !== 'start') {
		endField();
		yield [record];
	}
}
