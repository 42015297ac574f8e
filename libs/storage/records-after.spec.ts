import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TxnRecord } from '#core/model/txn-record';
import { formatZxid, makeZxid, type Zxid } from '#core/model/zxid';
import { RecordingListener, sampleRecord } from '#test/contract/txn-log.contract';
import { generateLog, setDataWorkload } from '#test/support/generated-log';
import { MadeHistory, writeStoredHistory } from '#test/support/stored-history';
import { DataDirectory } from './data-directory.ts';
import { LogTail } from './history-reader.ts';
import { type LogEntry, LogFileReader } from './log-file-reader.ts';
import { recordsAfter } from './records-after.ts';
import { truncateLogs } from './truncate.ts';
import { FileTxnLog } from './txn-log.ts';

type Batches = AsyncIterable<readonly TxnRecord[]> | null;

let first: string;
let history: MadeHistory;
let root: string;
let directory: DataDirectory;
beforeAll(async () => {
	first = mkdtempSync(path.join(tmpdir(), 'chronokeeper-history-'));
	history = await writeStoredHistory(first);
});
afterAll(() => rmSync(first, { recursive: true }));
beforeEach(() => {
	root = mkdtempSync(path.join(tmpdir(), 'chronokeeper-after-'));
	cpSync(first, root, { recursive: true });
	directory = new DataDirectory(root);
});
afterEach(() => rmSync(root, { recursive: true }));

async function all(batches: Batches): Promise<TxnRecord[]> {
	const records: TxnRecord[] = [];
	for await (const batch of batches!) records.push(...batch);
	return records;
}

const zxids = (records: readonly TxnRecord[]) => records.map((record) => formatZxid(record.header.zxid));
const between = (after: Zxid, upTo: Zxid) =>
	history.records.filter(({ header: { zxid } }) => zxid > after && zxid <= upTo);

describe('80: committed transactions from the log on disk', () => {
	it('80: are sent while they are smaller than snapshotSizeFactor of the newest snapshot', () => {
		const upTo = history.lastZxid;
		const newest = directory.snapshots().at(-1)!.path;
		const isSent = (after: Zxid, snapshotSizeFactor?: number) =>
			recordsAfter(directory, after, { upTo, snapshotSizeFactor }) !== null;
		const [many, few] = [makeZxid(1, 5), makeZxid(2, 38)];
		truncateSync(newest, 10_000);
		expect([many, few].map((after) => isSent(after, 0.33))).toEqual([false, true]);
		expect([many, few].map((after) => isSent(after, 0))).toEqual([true, true]);
		expect([many, few].map((after) => isSent(after, -0.01))).toEqual([false, false]);
		expect([many, few].map((after) => isSent(after))).toEqual([true, true]);
		truncateSync(newest, 10_000_000);
		expect([many, few].map((after) => isSent(after, 0.33))).toEqual([true, true]);
		for (const snapshot of directory.snapshots()) rmSync(snapshot.path);
		expect([0.33, -1].map((factor) => isSent(few, factor))).toEqual([true, false]);
	});

	it('80: those behind a zxid up to another, whichever two, over files and epochs', async () => {
		const points = [
			0,
			makeZxid(1, 1),
			makeZxid(1, 20),
			makeZxid(1, 33),
			makeZxid(1, 60),
			makeZxid(2, 1),
			makeZxid(2, 40),
		];
		for (const after of points as Zxid[]) {
			for (const upTo of points as Zxid[]) {
				const found = await all(recordsAfter(directory, after, { upTo }));
				expect(found, `${formatZxid(after)} to ${formatZxid(upTo)}`).toEqual(between(after, upTo));
			}
		}
	});

	it('80: what is in front of them is passed over by its heads: what is wrong in it does not matter', async () => {
		const log = directory.logs().at(-1)!;
		const reader = new LogFileReader(log.path);
		const [damaged, , asked] = [reader.next(), reader.next(), reader.next()] as LogEntry[];
		reader.close();
		const bytes = readFileSync(log.path);
		bytes[damaged!.offset + damaged!.length - 2]! ^= 1;
		writeFileSync(log.path, bytes);
		const after = asked!.record.header.zxid;
		expect(zxids(await all(recordsAfter(directory, after, { upTo: history.lastZxid })))).toEqual(
			zxids(between(after, history.lastZxid)),
		);
		await expect(all(recordsAfter(directory, (log.zxid - 1) as Zxid, { upTo: history.lastZxid }))).rejects.toThrow(
			'the checksum of a record is wrong',
		);
	});

	it('80: behind a zxid that this history does not have: those behind it, which shows that it is not there', async () => {
		const found = await all(recordsAfter(directory, makeZxid(1, 77), { upTo: makeZxid(2, 3) }));
		expect(zxids(found)).toEqual(['0x200000001', '0x200000002', '0x200000003']);
	});

	it('80: null where the log does not reach back that far', async () => {
		rmSync(directory.logs()[0]!.path);
		expect(recordsAfter(directory, makeZxid(1, 19), { upTo: makeZxid(2, 40) })).toBeNull();
		const found = await all(recordsAfter(directory, makeZxid(1, 20), { upTo: makeZxid(2, 40) }));
		expect(found).toEqual(between(makeZxid(1, 20), makeZxid(2, 40)));
		for (const log of directory.logs()) rmSync(log.path);
		expect(recordsAfter(directory, makeZxid(2, 40), { upTo: makeZxid(2, 40) })).toBeNull();
	});

	it('80: nothing comes from behind a hole, unless it begins there', async () => {
		rmSync(directory.logs()[1]!.path);
		const upTo = makeZxid(2, 40);
		const found = await all(recordsAfter(directory, makeZxid(1, 5), { upTo }));
		expect(found).toEqual(between(makeZxid(1, 5), makeZxid(1, 20)));
		expect(await all(recordsAfter(directory, makeZxid(1, 20), { upTo }))).toEqual([]);
		expect(await all(recordsAfter(directory, makeZxid(1, 30), { upTo }))).toEqual([]);
		expect(await all(recordsAfter(directory, makeZxid(1, 40), { upTo }))).toEqual(between(makeZxid(1, 40), upTo));
	});

	it('80: null where the end of an epoch may be missing in front of the log: nothing but a snapshot of that state shows that it is not', async () => {
		const upTo = makeZxid(2, 40);
		const [zero] = directory.snapshots();
		expect(zero!.zxid).toBe(0);
		for (const log of directory.logs()) if (log.zxid < makeZxid(2, 1)) rmSync(log.path);
		for (const snapshot of directory.snapshots()) if (snapshot.zxid !== 0) rmSync(snapshot.path);
		const [log] = directory.logs();
		renameSync(log!.path, path.join(path.dirname(log!.path), 'log.200000001'));
		expect(recordsAfter(directory, 0 as Zxid, { upTo })).not.toBeNull();
		const received = path.join(directory.snapshotDirectory, 'snapshot.10000003c');
		renameSync(zero!.path, received);
		expect(recordsAfter(directory, 0 as Zxid, { upTo })).toBeNull();
		expect(recordsAfter(directory, makeZxid(1, 0), { upTo })).toBeNull();
		expect(recordsAfter(directory, makeZxid(1, 60), { upTo })).not.toBeNull();
		expect(recordsAfter(directory, makeZxid(2, 0), { upTo })).not.toBeNull();
	});

	it('80: nothing comes from behind an epoch whose end only a snapshot has', async () => {
		const upTo = makeZxid(2, 40);
		const after = makeZxid(1, 50);
		const [zero] = directory.snapshots();
		for (const snapshot of directory.snapshots()) rmSync(snapshot.path);
		expect(await all(recordsAfter(directory, after, { upTo }))).toEqual(between(after, upTo));
		writeFileSync(path.join(path.dirname(zero!.path), 'snapshot.10000003d'), '');
		expect(await all(recordsAfter(directory, after, { upTo }))).toEqual(between(after, makeZxid(1, 60)));
	});

	it('80: null where a snapshot is less to send: the bytes behind the zxid count, not those in front of it', () => {
		const upTo = makeZxid(2, 40);
		const isSent = (after: Zxid, maxBytes: number) => recordsAfter(directory, after, { upTo, maxBytes }) !== null;
		expect(isSent(makeZxid(1, 1), 2_000)).toBe(false);
		expect(isSent(makeZxid(1, 1), 100_000)).toBe(true);
		expect(isSent(makeZxid(2, 38), 2_000)).toBe(true);
		const snapshot = directory.snapshots().at(-1)!;
		truncateSync(directory.logs()[0]!.path, 65 << 20);
		expect(recordsAfter(directory, makeZxid(1, 1), { upTo })).not.toBeNull();
		truncateSync(snapshot.path, 300 << 20);
		expect(recordsAfter(directory, makeZxid(1, 1), { upTo })).not.toBeNull();
	});

	it('80: from a log that is being written: what is committed, and where that is not in the log yet, what there is', async () => {
		const listener = new RecordingListener();
		const log = new FileTxnLog({ directory: directory.logDirectory, lastZxid: history.lastZxid }, listener);
		const mine = new MadeHistory('more');
		const more = mine.add(3, 1, 50);
		log.append(more.slice(0, 30));
		await listener.reached(makeZxid(3, 30));
		expect(await all(recordsAfter(directory, makeZxid(2, 40), { upTo: makeZxid(3, 20) }))).toEqual(more.slice(0, 20));
		const reading = recordsAfter(directory, makeZxid(2, 40), { upTo: makeZxid(3, 50) });
		expect(await all(reading)).toEqual(more.slice(0, 30));
		log.append(more.slice(30));
		await log.close();
		expect(await all(recordsAfter(directory, makeZxid(3, 30), { upTo: makeZxid(3, 50) }))).toEqual(more.slice(30));
	});

	it('80: 100,000 of them come in batches, and others run in between', async () => {
		const dataDir = path.join(root, 'many');
		const { lastZxid: upTo } = await generateLog(dataDir, 100_000, setDataWorkload(1000));
		const many = new DataDirectory(dataDir);
		let turns = 0;
		let isReading = true;
		const run = () => {
			turns += 1;
			if (isReading) setImmediate(run);
		};
		setImmediate(run);
		let count = 0;
		let largest = 0;
		for await (const batch of recordsAfter(many, 50_000 as Zxid, { upTo })!) {
			expect(batch[0]!.header.zxid).toBe(50_001 + count);
			count += batch.length;
			largest = Math.max(largest, batch.length);
		}
		isReading = false;
		expect(count).toBe(50_000);
		expect(largest).toBeLessThan(5_000);
		// 10 MB, a quarter of one at a time; those in front of them are passed over in fewer, larger steps.
		expect(turns).toBeGreaterThan(30);
	});
});

describe('80: a log that is followed while its end is cut', () => {
	it('80: what was read ahead and cut is never given out, however it was read and whichever files went', async () => {
		for (const ahead of [0, 1, 15, 25]) {
			for (const cut of [makeZxid(2, 20), makeZxid(2, 25), makeZxid(2, 40)]) {
				const dataDir = path.join(root, `cut-${ahead}-${cut}`);
				mkdirSync(dataDir);
				cpSync(first, dataDir, { recursive: true });
				const inner = path.join(dataDir, 'version-2');
				const log = new FileTxnLog({ directory: inner, lastZxid: history.lastZxid, preAllocSizeKiB: 64 });
				const phantoms = new MadeHistory('phantom').add(2, 41, 30);
				log.append(phantoms);
				await log.close();
				const tail = new LogTail(dataDir, makeZxid(2, 1));
				const seen: number[] = [];
				const read = (committed: Zxid) => {
					for (let entry = tail.next(committed); entry !== null; entry = tail.next(committed)) {
						seen.push(entry.record.header.zxid);
					}
				};
				read((cut - ahead) as Zxid);
				await truncateLogs(new DataDirectory(dataDir), cut);
				read(cut);
				const next = new FileTxnLog({ directory: inner, lastZxid: cut, preAllocSizeKiB: 64 });
				next.append(Array.from({ length: 5 }, (_, index) => sampleRecord(makeZxid(3, index + 1))));
				await next.close();
				read(makeZxid(3, 3));
				read(makeZxid(3, 5));
				tail.close();
				const kept = between(makeZxid(2, 1), cut).map((record) => record.header.zxid);
				expect(seen).toEqual([...kept, ...[1, 2, 3, 4, 5].map((counter) => makeZxid(3, counter))]);
			}
		}
	});
});
