import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readAuditContext } from '#core/model/audit-context';
import type { TxnRecord } from '#core/model/txn-record';
import type { Zxid } from '#core/model/zxid';
import { type Disk, realDisk } from '#storage/disk';
import { readLogs } from '#storage/history-reader';
import { FileTxnLog, type LogSync } from '#storage/txn-log';
import { expectEqual } from '#test/support/equal';
import { PowerCutDisk } from './power-cut-disk.ts';
import { RecordingListener, sampleRecord, txnLogContract } from './txn-log.contract.ts';

const root = mkdtempSync(join(tmpdir(), 'chronokeeper-txn-log-'));
let made = 0;
const newDirectory = () => join(root, String(++made));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function recordsIn(directory: string): TxnRecord[] {
	return Array.from(readLogs(directory), ({ record }) => ({ ...record, context: readAuditContext(record.context) }));
}

/** The real disk until it is broken. */
class BreakableDisk implements Disk {
	broken = false;

	async create(path: string) {
		const file = await realDisk.create(path);
		return {
			write: (bytes: Uint8Array, length: number, position: number) =>
				this.#unlessBroken(() => file.write(bytes, length, position)),
			writeDurably: (bytes: Uint8Array, length: number, position: number) =>
				this.#unlessBroken(() => file.writeDurably(bytes, length, position)),
			truncate: (size: number) => this.#unlessBroken(() => file.truncate(size)),
			datasync: () => this.#unlessBroken(() => file.datasync()),
			close: () => file.close(),
		};
	}

	syncDirectory(path: string) {
		return realDisk.syncDirectory(path);
	}

	#unlessBroken(action: () => Promise<void>): Promise<void> {
		return this.broken ? Promise.reject(new Error('EIO: i/o error, simulated')) : action();
	}
}

txnLogContract('on files', (listener, lastZxid) => {
	const directory = mkdtempSync(join(root, 'files-'));
	const disk = new BreakableDisk();
	return {
		log: new FileTxnLog({ directory, lastZxid, preAllocSizeKiB: 64, disk }, listener),
		recorded: () => recordsIn(directory),
		breakDisk: () => {
			disk.broken = true;
		},
		dispose: () => rmSync(directory, { recursive: true }),
	};
});

txnLogContract('on a disk whose power can be cut', (listener, lastZxid) => {
	const disk = new PowerCutDisk();
	const directory = mkdtempSync(join(root, 'simulated-'));
	return {
		log: new FileTxnLog({ directory, lastZxid, preAllocSizeKiB: 64, disk }, listener),
		recorded: () => {
			const image = newDirectory();
			disk.image(image, disk.steps.length);
			return recordsIn(image);
		},
		breakDisk: () => {
			disk.failure = { from: disk.steps.length, code: 'EIO' };
		},
		dispose: () => rmSync(directory, { recursive: true }),
	};
});

it('tells of each durable write which transactions it was for, before they are said to be durable', async () => {
	const told: string[] = [];
	const listener = new RecordingListener();
	const spans: LogSync[] = [];
	const synced = (sync: LogSync) => {
		spans.push(sync);
		told.push(`${sync.txns} through ${sync.zxid}, durable before: ${listener.last}`);
	};
	const directory = newDirectory();
	mkdirSync(directory);
	const log = new FileTxnLog({ directory, lastZxid: 0 as Zxid, preAllocSizeKiB: 64, synced }, listener);
	log.append([sampleRecord(1, 10), sampleRecord(2, 10)]);
	log.append([sampleRecord(3, 10)]);
	await listener.reached(3);
	log.append([sampleRecord(4, 10)]);
	await listener.reached(4);
	await log.close();
	expect(told).toEqual(['3 through 3, durable before: 0', '1 through 4, durable before: 3']);
	for (const { startMs, endMs, bytes } of spans) {
		expect(endMs).toBeGreaterThan(startMs);
		expect(bytes).toBeGreaterThan(10);
	}
	expect(spans[1]!.startMs).toBeGreaterThanOrEqual(spans[0]!.endMs);
	const unforced = new FileTxnLog({ directory, lastZxid: 4 as Zxid, forceSync: false, synced }, listener);
	unforced.append([sampleRecord(5, 10)]);
	await listener.reached(5);
	await unforced.close();
	expect(spans.length).toBe(2);
});

/** A random number generator that starts from a seed: mulberry32. */
function seeded(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

interface Run {
	readonly disk: PowerCutDisk;
	readonly records: readonly TxnRecord[];
	/** What was acknowledged before each step. */
	readonly durableAt: readonly number[];
}

/** Writes records of all sizes, some of many pages, in batches as they come, over several files. */
async function run(seed: number): Promise<Run> {
	const random = seeded(seed);
	const disk = new PowerCutDisk();
	const durableAt: number[] = [];
	const listener = new RecordingListener();
	disk.onStep = () => durableAt.push(listener.last);
	const directory = mkdtempSync(join(root, 'run-'));
	const log = new FileTxnLog(
		{ directory, lastZxid: 0 as Zxid, preAllocSizeKiB: random() < 0.3 ? 0 : 64, disk },
		listener,
	);
	const records: TxnRecord[] = [];
	for (let batch = 0; batch < 12; batch++) {
		const appended: TxnRecord[] = [];
		const count = 1 + Math.floor(random() * 12);
		for (let i = 0; i < count; i++) {
			const bytes = random() < 0.15 ? Math.floor(random() * 20_000) : Math.floor(random() * 600);
			appended.push(sampleRecord(records.length + appended.length + 1, bytes));
		}
		records.push(...appended);
		log.append(appended);
		if (random() < 0.3) await listener.reached(records.length);
		if (random() < 0.2) log.roll();
	}
	await log.close();
	durableAt.push(listener.last);
	return { disk, records, durableAt };
}

function expectNothingLost(directory: string, made: Run, cut: number, what: string): void {
	const found = recordsIn(directory);
	const acknowledged = made.durableAt[cut]!;
	expect(found.length, `${what}: acknowledged ${acknowledged}`).toBeGreaterThanOrEqual(acknowledged);
	expectEqual(found, made.records.slice(0, found.length), what);
}

describe('the power is cut at each step of writing', () => {
	for (const seed of [1, 2, 3, 4]) {
		it(`seed ${seed}: a killed process loses nothing that was acknowledged`, async () => {
			const made = await run(seed);
			expect(made.durableAt.at(-1)).toBe(made.records.length);
			for (let cut = 0; cut <= made.disk.steps.length; cut++) {
				const directory = newDirectory();
				made.disk.image(directory, cut);
				expectNothingLost(directory, made, cut, `cut at step ${cut}`);
			}
		});

		it(`seed ${seed}: a machine without power loses nothing that was acknowledged, whichever pages reached the disk`, async () => {
			const made = await run(seed);
			for (let cut = 0; cut <= made.disk.steps.length; cut++) {
				for (let variant = 0; variant < 6; variant++) {
					const random = seeded(seed * 10_000 + cut * 10 + variant);
					const directory = newDirectory();
					made.disk.image(directory, cut, () => random() < 0.5);
					expectNothingLost(directory, made, cut, `cut at step ${cut}, variant ${variant}`);
					rmSync(directory, { recursive: true });
				}
			}
		});
	}

	it('every byte of the last records: what is cut off there is not there, and what is before it is', async () => {
		const directory = mkdtempSync(join(root, 'bytes-'));
		const listener = new RecordingListener();
		const log = new FileTxnLog({ directory, lastZxid: 0 as Zxid, preAllocSizeKiB: 0 }, listener);
		log.append([1, 2, 3].map((zxid) => sampleRecord(zxid)));
		await log.close();
		const entries = [...readLogs(directory)];
		const { file, offset, length } = entries[2]!;
		const bytes = readFileSync(file);
		for (let cut = entries[1]!.offset; cut < offset + length; cut++) {
			for (const padded of [false, true]) {
				writeFileSync(
					file,
					padded ? Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(8192)]) : bytes.subarray(0, cut),
				);
				expect(recordsIn(directory)).toHaveLength(cut < offset ? 1 : 2);
			}
		}
	});
});

describe('syncs', () => {
	async function stepsOf(forceSync: boolean): Promise<string[]> {
		const disk = new PowerCutDisk();
		const listener = new RecordingListener();
		const directory = mkdtempSync(join(root, 'syncs-'));
		const log = new FileTxnLog({ directory, lastZxid: 0 as Zxid, preAllocSizeKiB: 64, forceSync, disk }, listener);
		log.append([sampleRecord(1)]);
		await listener.reached(1);
		return disk.steps.map((step) => step.kind);
	}

	it('the name of a new log is durable before anything in it is', async () => {
		const steps = await stepsOf(true);
		expect(steps.slice(0, 3)).toEqual(['create', 'syncDirectory', 'truncate']);
		expect(steps).toContain('writeDurably');
	});

	it('there are none with forceSync=no', async () => {
		expect(await stepsOf(false)).toEqual(['create', 'truncate', 'write']);
	});
});

describe('a disk that fails', () => {
	for (const code of ['ENOSPC', 'EIO']) {
		it(`${code} at any step: what was acknowledged is found again, and a new log goes on behind it`, async () => {
			const total = (await run(5)).disk.steps.length;
			for (let from = 0; from < total; from++) {
				const disk = new PowerCutDisk();
				disk.failure = { from, code };
				const listener = new RecordingListener();
				const directory = mkdtempSync(join(root, 'failing-'));
				const log = new FileTxnLog({ directory, lastZxid: 0 as Zxid, preAllocSizeKiB: 64, disk }, listener);
				for (let zxid = 1; zxid <= 40 && listener.failures.length === 0; zxid++) {
					log.append([sampleRecord(zxid, 900)]);
					if (zxid % 4 === 0) await listener.reached(zxid);
					if (zxid % 16 === 0) log.roll();
				}
				await listener.reached(40);
				await log.close().catch(() => undefined);
				disk.image(directory, disk.steps.length);
				const found = recordsIn(directory);
				expect(found.length).toBeGreaterThanOrEqual(listener.last);
				if (listener.failures.length === 0) continue;
				expect(listener.failures[0]!.message).toContain(code);
				const again = new RecordingListener();
				const next = new FileTxnLog({ directory, lastZxid: found.length as Zxid, preAllocSizeKiB: 64 }, again);
				next.append([sampleRecord(found.length + 1)]);
				await next.close();
				expect(again.failures).toEqual([]);
				expect(recordsIn(directory)).toHaveLength(found.length + 1);
				expect(readdirSync(directory).length).toBeGreaterThan(0);
				rmSync(directory, { recursive: true });
			}
		});
	}
});
