/** An export holds what the database holds, byte for byte, and is verified without it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importDirectories } from '#audit/import';
import { DatabaseRows } from '#audit/verify/database-rows';
import { type ExportFormat, type ExportOptions, exportHistory } from '#audit/verify/export';
import { ExportRows } from '#audit/verify/export-rows';
import { tableNames } from '#audit/verify/tables';
import { verify } from '#audit/verify/verify';
import { makeZxid } from '#core/model/zxid';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { MemoryRows } from '#test/support/tampering';
import { type VariedHistory, writeVariedHistory } from '#test/support/varied-history';

const work = mkdtempSync(path.join(tmpdir(), 'ck-export-'));
const formats = ['ndjson', 'csv'] as const;
let database: TestDatabase;
let history: VariedHistory;
let memory: MemoryRows;

beforeAll(async () => {
	database = await createDatabase();
	await importDirectories([(await writeVariedHistory(path.join(work, 'early'), { epochs: 1 })).dataDir], database.url);
	history = await writeVariedHistory(path.join(work, 'late'), { hole: true });
	await importDirectories([history.dataDir], database.url);
	const rows = await DatabaseRows.open(database.url);
	memory = await MemoryRows.of(rows);
	await rows.close();
});
afterAll(async () => {
	await database?.drop();
	rmSync(work, { recursive: true, force: true });
});

let directories = 0;
async function exported(format: ExportFormat, more: Partial<ExportOptions> = {}, rows = memory): Promise<string> {
	const intoDir = path.join(work, `export-${directories++}`);
	await exportHistory(rows, ['0001-history'], { format, intoDir, ...more });
	return intoDir;
}

describe.each(formats)('an export to %s', (format) => {
	it('has the same bytes in every column of every row', async () => {
		const rows = ExportRows.open(await exported(format));
		expect(await rows.problems()).toEqual([]);
		for (const table of tableNames) expect(await rows.all(table), table).toEqual(memory.rows(table));
		expect(rows.manifest).toMatchObject({ version: 1, first: { zxid: '0x100000001' }, last: { zxid: '0x20000000b' } });
	});

	it('keeps what needs quotes, and tells nothing from the empty text', async () => {
		const rows = memory.rows('txn');
		const texts = ['a,"b"\r\nc', '', 'päth ␀ \u2028 😀', '"', ',', '\n'].map((text) => Buffer.from(text));
		const awkward = rows.map((row, i) => row.with(9, texts[i % texts.length]!));
		const read = ExportRows.open(await exported(format, {}, memory.with('txn', awkward)));
		expect(await read.all('txn')).toEqual(awkward);
	});

	it('is verified as the database is, as a whole and in part', async () => {
		const whole = ExportRows.open(await exported(format));
		expect(await verify(whole)).toMatchObject({ findings: [], txns: 24, lastZxid: history.lastZxid });
		for (const [from, to] of [
			[makeZxid(1, 5), makeZxid(1, 12)],
			[makeZxid(2, 9), history.lastZxid],
		] as const) {
			const part = ExportRows.open(await exported(format, { from, to }));
			expect(await verify(part, { from, to })).toMatchObject({ findings: [], lastZxid: to });
		}
	});

	it('shows every file that was changed since, and the row', async () => {
		const directory = await exported(format);
		const file = path.join(directory, `change.${format}`);
		const forged = readFileSync(file, 'utf8').replace(
			Buffer.from('second').toString('base64'),
			Buffer.from('forged').toString('base64'),
		);
		writeFileSync(file, forged);
		const rows = ExportRows.open(directory);
		expect(await rows.problems()).toEqual([`change.${format} is not what it was: its SHA-256 is another`]);
		const { findings } = await verify(rows);
		expect(findings).toEqual(
			expect.arrayContaining([expect.objectContaining({ table: 'change', row: '0x100000008 #0' })]),
		);
		rmSync(file);
		expect(await rows.problems()).toEqual([`change.${format} is missing`]);
	});
});

it('nothing is overwritten, and what is no export is refused', async () => {
	const directory = await exported('csv');
	await expect(exportHistory(memory, [], { format: 'csv', intoDir: directory })).rejects.toThrow('is not empty');
	expect(() => ExportRows.open(work)).toThrow('it is no export');
	writeFileSync(path.join(directory, 'manifest.json'), '{}');
	expect(() => ExportRows.open(directory)).toThrow('not of a format');
});
