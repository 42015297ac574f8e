import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAuditContext } from '#core/model/audit-context';
import type { TxnRecord } from '#core/model/txn-record';
import { formatZxid, makeZxid, type Zxid } from '#core/model/zxid';
import { RecordingListener, sampleRecord } from '#test/contract/txn-log.contract';
import { unpackRecording } from '#test/support/recordings';
import { damageRecord } from '#test/support/stored-history';
import { LogTail, readLogs } from './history-reader.ts';
import { FileTxnLog } from './txn-log.ts';

let root: string;
beforeEach(() => {
	root = mkdtempSync(path.join(tmpdir(), 'chronokeeper-history-'));
	mkdirSync(path.join(root, 'version-2'));
});
afterEach(() => rmSync(root, { recursive: true }));

const zxids = (entries: Iterable<{ readonly record: { readonly header: { readonly zxid: Zxid } } }>) =>
	Array.from(entries, (entry) => entry.record.header.zxid as number);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

const readable = (record: TxnRecord): TxnRecord => ({ ...record, context: readAuditContext(record.context) });

function openLog(lastZxid = 0, preAllocSizeKiB = 64) {
	const listener = new RecordingListener();
	const directory = path.join(root, 'version-2');
	return { listener, log: new FileTxnLog({ directory, lastZxid: lastZxid as Zxid, preAllocSizeKiB }, listener) };
}

describe('readLogs', () => {
	it('gives every record from a zxid on, across files', () => {
		unpackRecording('recording-a', path.join(root, 'version-2'));
		expect(zxids(readLogs(root))).toEqual(range(1, 0x4e42));
		expect(zxids(readLogs(root, 0x49bc as Zxid))).toEqual(range(0x49bc, 0x4e42));
		expect(zxids(readLogs(root, 0x4e43 as Zxid))).toEqual([]);
		expect(zxids(readLogs([root, root], 0x4e40 as Zxid))).toEqual(range(0x4e40, 0x4e42));
	});

	it('says where transactions are missing', () => {
		unpackRecording('recording-c-ensemble/server1', path.join(root, 'version-2'));
		const holes = Array.from(readLogs(root)).filter((entry) => entry.holeAfter !== undefined);
		expect(holes.map((entry) => [formatZxid(entry.holeAfter!), formatZxid(entry.record.header.zxid)])).toEqual([
			['0x3000008b3', '0x4000000ff'],
		]);
	});

	it('hands out data that stay when reading goes on', () => {
		unpackRecording('recording-a', path.join(root, 'version-2'));
		const kept = [...readLogs(root)].map(({ record }) => ('data' in record.txn ? record.txn.data : null));
		const again = [...readLogs(root)].map(({ record }) => ('data' in record.txn ? record.txn.data : null));
		expect(
			Buffer.concat(kept.flatMap((data) => data ?? [])).equals(Buffer.concat(again.flatMap((data) => data ?? []))),
		).toBe(true);
	});
});

describe('readLogs of a replica that is running', () => {
	it('takes what was written while it read for what it is, not for records behind damage', async () => {
		const { log, listener } = openLog();
		log.append(range(1, 10).map((zxid) => sampleRecord(zxid)));
		await listener.reached(10);
		const entries = readLogs(root);
		const seen = [entries.next().value!.record.header.zxid as number];
		log.append(range(11, 30).map((zxid) => sampleRecord(zxid)));
		await listener.reached(30);
		for (const entry of entries) seen.push(entry.record.header.zxid);
		expect(seen).toEqual(range(1, 30));
		await log.close();
	});
});

describe('LogTail', () => {
	it('follows a log while it is written, up to the committed zxid only', async () => {
		const { log, listener } = openLog();
		const tail = new LogTail(root, 0 as Zxid);
		expect(tail.next(100 as Zxid)).toBeNull();
		const seen: number[] = [];
		for (let zxid = 1; zxid <= 400; zxid++) {
			log.append([sampleRecord(zxid, zxid % 50 === 0 ? 70_000 : 100)]);
			if (zxid % 97 === 0) log.roll();
			if (zxid % 20 !== 0) continue;
			await listener.reached(zxid);
			const committed = (zxid - 3) as Zxid;
			for (let entry = tail.next(committed); entry !== null; entry = tail.next(committed)) {
				expect(readable(entry.record)).toEqual(
					sampleRecord(entry.record.header.zxid, entry.record.header.zxid % 50 === 0 ? 70_000 : 100),
				);
				expect(entry.holeAfter).toBeUndefined();
				seen.push(entry.record.header.zxid);
			}
			expect(tail.lastZxid).toBe(committed);
		}
		expect(seen).toEqual(range(1, 397));
		await log.close();
		expect(
			[tail.next(400 as Zxid), tail.next(400 as Zxid), tail.next(400 as Zxid)].map(
				(entry) => entry?.record.header.zxid,
			),
		).toEqual([398, 399, 400]);
		expect(tail.next(400 as Zxid)).toBeNull();
		tail.close();
	});

	it('begins in the middle, and behind the end of what is there', async () => {
		unpackRecording('recording-a', path.join(root, 'version-2'));
		const tail = new LogTail(root, 0x49bc as Zxid);
		expect(tail.next(0x4e42 as Zxid)).toMatchObject({ record: { header: { zxid: 0x49bd } }, offset: 16 });
		tail.close();
		const late = new LogTail(root, 0x4e42 as Zxid);
		expect(late.next(0x5000 as Zxid)).toBeNull();
		const { log, listener } = openLog(0x4e42);
		log.append([sampleRecord(0x4e43)]);
		await listener.reached(0x4e43);
		expect(readable(late.next(0x5000 as Zxid)!.record)).toEqual(sampleRecord(0x4e43));
		late.close();
		await log.close();
	});

	it('says when transactions are missing', () => {
		unpackRecording('recording-a', path.join(root, 'version-2'), (file) => file !== 'log.4446');
		const tail = new LogTail(root, 0x4440 as Zxid);
		const holes: [number, number][] = [];
		for (let entry = tail.next(0x4e42 as Zxid); entry !== null; entry = tail.next(0x4e42 as Zxid)) {
			if (entry.holeAfter !== undefined) holes.push([entry.holeAfter, entry.record.header.zxid]);
		}
		expect(holes).toEqual([[0x4445, 0x49bd]]);
		tail.close();
	});

	it('3: does not take damage that looks like the end of a file for the end of its epoch', async () => {
		const { log, listener } = openLog();
		for (const from of [1, 11, 21]) {
			log.append(range(from, from + 9).map((zxid) => sampleRecord(zxid)));
			await listener.reached(from + 9);
		}
		log.roll();
		log.append([sampleRecord(makeZxid(1, 1))]);
		await log.close();
		// What the records behind it say was on the disk proves that it is no end.
		damageRecord(path.join(root, 'version-2', 'log.1'), 15 as Zxid, 'mark');
		const tail = new LogTail(root, 0 as Zxid);
		const seen: Zxid[] = [];
		const readAll = () => {
			for (let entry = tail.next(makeZxid(1, 1)); entry !== null; entry = tail.next(makeZxid(1, 1)))
				seen.push(entry.record.header.zxid);
		};
		expect(readAll).toThrow('are missing');
		expect(seen).toEqual(range(1, 14));
		tail.close();
	});
});
