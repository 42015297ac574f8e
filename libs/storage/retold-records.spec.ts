import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeZxid } from '#core/model/zxid';
import { adler32 } from '#jute/adler32';
import { generateLog, setDataWorkload } from '#test/support/generated-log';
import { LogDamage } from './damage.ts';
import { DataDirectory } from './data-directory.ts';
import { LogFileReader } from './log-file-reader.ts';
import { logSequence } from './log-sequence.ts';

const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-retold-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A log with these records of another one, in this order, in one file or more. */
let logs = 0;
async function logOf(...files: readonly (readonly number[])[]): Promise<DataDirectory> {
	const source = await generateLog(join(folder, `source${++logs}`), 20, setDataWorkload(5));
	const file = new DataDirectory(source.dataDir, source.dataDir).logs()[0]!.path;
	const bytes = readFileSync(file);
	const records = new Map<number, Buffer>();
	const reader = new LogFileReader(file);
	let start = 0;
	for (let entry = reader.next(); entry.kind === 'record'; entry = reader.next()) {
		if (start === 0) start = entry.offset;
		records.set(entry.record.header.zxid, bytes.subarray(entry.offset, entry.offset + entry.length));
	}
	reader.close();
	const dataDir = join(folder, `data${logs}`);
	mkdirSync(join(dataDir, 'version-2'), { recursive: true });
	for (const zxids of files) {
		const content = Buffer.concat([bytes.subarray(0, start), ...zxids.map((zxid) => records.get(zxid)!)]);
		writeFileSync(join(dataDir, 'version-2', `log.${zxids[0]!.toString(16)}`), content);
	}
	return new DataDirectory(dataDir, dataDir);
}

function read(directory: DataDirectory): { readonly zxids: readonly number[]; readonly warnings: readonly string[] } {
	const warnings: string[] = [];
	const entries = logSequence(directory.logs(), makeZxid(0, 1), { warn: (warning) => warnings.push(warning) });
	return { zxids: [...entries].map(({ record }) => record.header.zxid), warnings };
}

describe('a log that tells something again', () => {
	it.each([
		[[[1, 1, 2, 3]], [1, 2, 3], 1],
		[[[1, 2, 3, 2, 3, 4]], [1, 2, 3, 4], 1],
		[[[1, 2, 3, 2, 2, 3, 4, 4, 5]], [1, 2, 3, 4, 5], 2],
		[[[1, 2, 3, 2]], [1, 2, 3], 1],
		[
			[
				[1, 2, 3, 4],
				[3, 4, 5],
			],
			[1, 2, 3, 4, 5],
			1,
		],
	] as const)('78: of %j each record counts once, and it is said', async (files, zxids, times) => {
		const { zxids: found, warnings } = read(await logOf(...files));
		expect(found).toEqual(zxids);
		expect(warnings).toHaveLength(times);
		expect(warnings[0]).toMatch(/log\.\w+ at byte \d+: what is there from 0x\d on is logged again, the same/);
	});

	it.each([
		// What is not told again was never committed.
		[[[1, 2, 3, 2, 4]], '0x4 stands behind 0x3'],
		[[[2, 3, 1, 2]], '0x1 stands behind 0x3'],
	] as const)('78: %j is two histories', async (files, problem) => {
		const directory = await logOf(...files);
		expect(() => read(directory)).toThrow(LogDamage);
		expect(() => read(directory)).toThrow(problem);
	});

	it('78: another record of the same zxid is another history', async () => {
		const directory = await logOf([1, 2, 3, 2, 3]);
		const { path } = directory.logs()[0]!;
		const other = await logOf([1]);
		const lone = readFileSync(other.logs()[0]!.path);
		const whole = readFileSync(path);
		const reader = new LogFileReader(path);
		const [one, two] = [reader.next(), reader.next()];
		reader.close();
		if (one.kind !== 'record' || two.kind !== 'record') throw new Error('no records');
		// Behind the first one comes the first one again with another time, and a right checksum.
		expect(lone.length).toBeGreaterThan(one.offset);
		const changed = Buffer.from(whole.subarray(one.offset, one.offset + one.length));
		changed[12 + 8 + 4 + 8 + 7]! ^= 1;
		changed.writeUInt32BE(adler32(changed, 12, changed.length - 1), 4);
		writeFileSync(path, Buffer.concat([whole.subarray(0, two.offset), changed, whole.subarray(two.offset)]));
		expect(() => read(directory)).toThrow('0x1 stands behind 0x1');
	});
});
