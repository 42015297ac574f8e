import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatZxid, makeZxid, type Zxid } from '#core/model/zxid';
import { PowerCutFiles } from '#test/contract/power-cut-files';
import { RecordingListener } from '#test/contract/txn-log.contract';
import { seeded } from '#test/support/generated-log';
import { MadeHistory, writeStoredHistory } from '#test/support/stored-history';
import { TruncationRefused } from './damage.ts';
import { DataDirectory } from './data-directory.ts';
import { readLogs } from './history-reader.ts';
import { recover } from './recovery.ts';
import { truncateLogs } from './truncate.ts';
import { FileTxnLog } from './txn-log.ts';

let root: string;
let history: MadeHistory;
let made = 0;
beforeEach(async () => {
	root = mkdtempSync(path.join(tmpdir(), 'chronokeeper-truncate-'));
	history = await writeStoredHistory(path.join(root, 'first'));
});
afterEach(() => rmSync(root, { recursive: true }));

function copy(): string {
	const to = path.join(root, `copy-${++made}`);
	cpSync(path.join(root, 'first'), to, { recursive: true });
	return to;
}

const zxidsIn = (dataDir: string) => [...readLogs(dataDir)].map((entry) => entry.record.header.zxid);

/** The replica starts, with the state that was there at this zxid. */
async function expectState(dataDir: string, zxid: Zxid, what = ''): Promise<void> {
	const recovered = await recover({ dataDir });
	expect(formatZxid(recovered.lastZxid), what).toBe(formatZxid(zxid));
	expect(recovered.tree.digest(), what).toBe(history.states.get(zxid)!.digest);
	expect(recovered.sessions, what).toEqual(history.states.get(zxid)!.sessions);
}

/** Nothing is left of what lay behind. */
async function expectCut(dataDir: string, zxid: Zxid, what = ''): Promise<void> {
	await expectState(dataDir, zxid, what);
	expect(Math.max(0, ...zxidsIn(dataDir)), what).toBeLessThanOrEqual(zxid);
	const directory = new DataDirectory(dataDir);
	for (const file of [...directory.logs(), ...directory.snapshots()]) expect(file.zxid, what).toBeLessThanOrEqual(zxid);
}

const cuts = [
	makeZxid(2, 39),
	makeZxid(2, 30),
	makeZxid(2, 20),
	makeZxid(2, 1),
	makeZxid(1, 60),
	makeZxid(1, 41),
	makeZxid(1, 3),
];

describe('80: TRUNC, of the files of a stopped log', () => {
	for (const zxid of cuts) {
		it(`80: cut at ${formatZxid(zxid)}: the state there, nothing behind it, and a new history goes on`, async () => {
			const dataDir = copy();
			await truncateLogs(new DataDirectory(dataDir), zxid);
			await expectCut(dataDir, zxid);
			await truncateLogs(new DataDirectory(dataDir), zxid);
			await expectCut(dataDir, zxid, 'a second time');

			const other = new MadeHistory('other');
			const log = new FileTxnLog({ directory: path.join(dataDir, 'version-2'), lastZxid: zxid, preAllocSizeKiB: 4 });
			const { tree } = await recover({ dataDir });
			const records = other.add(3, 1, 5).map((record) => {
				tree.apply(record);
				return { ...record, digest: { version: 2, value: tree.digest() } };
			});
			log.append(records);
			await log.close();
			const again = await recover({ dataDir });
			expect([again.lastZxid, again.tree.digest()]).toEqual([makeZxid(3, 5), tree.digest()]);
		});

		it(`80: the power is cut at any step of the cut at ${formatZxid(zxid)}: a beginning of the history that has all up to there, and it can be cut again`, async () => {
			const dataDir = copy();
			const inner = path.join(dataDir, 'version-2');
			const files = new PowerCutFiles(inner);
			await truncateLogs(new DataDirectory(dataDir), zxid, files);
			await expectCut(dataDir, zxid);
			expect(files.steps.length).toBeGreaterThan(1);
			for (let count = 0; count <= files.steps.length; count++) {
				for (let variant = 0; variant < 3; variant++) {
					const what = `${count} steps, variant ${variant}`;
					const random = seeded(count * 10 + variant + 1);
					const image = path.join(root, `image-${++made}`);
					files.image(() => path.join(image, 'version-2'), count, variant === 0 ? undefined : () => random() < 0.5);
					const { lastZxid } = await recover({ dataDir: image });
					expect(lastZxid, what).toBeGreaterThanOrEqual(zxid);
					await expectState(image, lastZxid, what);
					await truncateLogs(new DataDirectory(image), zxid);
					await expectCut(image, zxid, what);
					rmSync(image, { recursive: true });
				}
			}
		});
	}

	it('80: a bare epoch zxid, which no transaction has, leaves what is before that epoch', async () => {
		const dataDir = copy();
		await truncateLogs(new DataDirectory(dataDir), makeZxid(2, 0));
		await expectCut(dataDir, makeZxid(1, 60));
	});

	it('80: logs and snapshots in directories of their own', async () => {
		const dataDir = path.join(root, 'snapshots');
		const dataLogDir = path.join(root, 'logs');
		const zxid = makeZxid(2, 5);
		await writeStoredHistory(dataDir, dataLogDir);
		await truncateLogs(new DataDirectory(dataDir, dataLogDir), zxid);
		const recovered = await recover({ dataDir, dataLogDir });
		expect([recovered.lastZxid, recovered.tree.digest()]).toEqual([zxid, history.states.get(zxid)!.digest]);
	});

	it('80: what lies behind the cut need not even be readable', async () => {
		const dataDir = copy();
		const zxid = makeZxid(2, 35);
		const behind = [...readLogs(dataDir)].find((entry) => entry.record.header.zxid === makeZxid(2, 37))!;
		const bytes = readFileSync(behind.file);
		bytes.fill(0xee, behind.offset + 20, behind.offset + 40);
		writeFileSync(behind.file, bytes);
		await truncateLogs(new DataDirectory(dataDir), zxid);
		await expectCut(dataDir, zxid);
	});

	describe('is refused, and nothing is changed', () => {
		async function expectRefused(dataDir: string, zxid: Zxid, problem: RegExp): Promise<void> {
			const files = new PowerCutFiles(path.join(dataDir, 'version-2'));
			const refusal = truncateLogs(new DataDirectory(dataDir), zxid, files);
			await expect(refusal).rejects.toThrow(problem);
			await expect(refusal).rejects.toBeInstanceOf(TruncationRefused);
			expect(files.steps).toEqual([]);
		}

		it('80: behind the end of the log, or between two transactions that are neighbours', async () => {
			await expectRefused(
				copy(),
				makeZxid(2, 41),
				/does not have this transaction, the last one before it is 0x200000028/,
			);
			await expectRefused(
				copy(),
				makeZxid(1, 61),
				/does not have this transaction, the last one before it is 0x10000003c/,
			);
		});

		it('80: where no snapshot is old enough, or the one that is cannot be read', async () => {
			const dataDir = copy();
			const [first, second] = new DataDirectory(dataDir).snapshots();
			truncateSync(first!.path, 100);
			await expectRefused(dataDir, makeZxid(1, 29), /there is no sound snapshot at or before it/);
			const bytes = readFileSync(second!.path);
			bytes[200]! ^= 1;
			writeFileSync(second!.path, bytes);
			await expectRefused(dataDir, makeZxid(1, 45), /there is no sound snapshot at or before it/);
		});

		it('80: where transactions in front of the cut are missing', async () => {
			const dataDir = copy();
			const directory = new DataDirectory(dataDir);
			rmSync(directory.logs()[1]!.path);
			rmSync(directory.snapshots()[1]!.path);
			await expectRefused(dataDir, makeZxid(1, 45), /between 0x100000014 and 0x100000029 transactions are missing/);
		});
	});

	it('80: a fuzzy snapshot that holds what is cut goes too, although its name is older', async () => {
		const dataDir = copy();
		const snapshot = new DataDirectory(dataDir).snapshots()[2]!;
		const bytes = readFileSync(snapshot.path);
		// The digest section's zxid, in front of version, digest and the last seal: not under the first seal's checksum.
		bytes.writeBigInt64BE(BigInt(makeZxid(1, 55)), bytes.length - 13 - 20);
		writeFileSync(snapshot.path, bytes);
		await truncateLogs(new DataDirectory(dataDir), makeZxid(1, 52));
		await expectCut(dataDir, makeZxid(1, 52));
		expect(new DataDirectory(dataDir).snapshots().map((file) => formatZxid(file.zxid))).toEqual(['0x0', '0x10000001e']);
	});
});

describe('80: TRUNC, of a log that is running', () => {
	it('80: waits for what is in flight, says nothing of what is cut, and goes on in a new file', async () => {
		const dataDir = copy();
		const directory = path.join(dataDir, 'version-2');
		const listener = new RecordingListener();
		const log = new FileTxnLog({ directory, lastZxid: history.lastZxid, preAllocSizeKiB: 64 }, listener);
		log.append(history.add(2, 41, 5));
		await listener.reached(makeZxid(2, 45));
		for (let i = 0; i < 10; i++) log.append(history.add(2, 46 + i, 1));
		const zxid = makeZxid(2, 47);
		const cut = log.truncate(zxid, new DataDirectory(dataDir));
		await cut;
		expect(listener.durables.every((each) => each <= zxid)).toBe(true);
		expect(log.pendingBytes).toBe(0);
		await expectCut(dataDir, zxid);

		const other = await recover({ dataDir });
		const records = new MadeHistory('other').add(3, 1, 20).map((record) => {
			other.tree.apply(record);
			return { ...record, digest: { version: 2, value: other.tree.digest() } };
		});
		log.append(records);
		await listener.reached(makeZxid(3, 20));
		expect(path.basename(log.currentFile)).toBe('log.300000001');
		await log.close();
		expect(listener.failures).toEqual([]);
		const again = await recover({ dataDir });
		expect([again.lastZxid, again.tree.digest()]).toEqual([makeZxid(3, 20), other.tree.digest()]);
		expect(again.warnings).toEqual([]);
	});

	it('80: one that has not written anything yet, and one whose whole file goes', async () => {
		const dataDir = copy();
		const directory = path.join(dataDir, 'version-2');
		const log = new FileTxnLog({ directory, lastZxid: history.lastZxid, preAllocSizeKiB: 64 });
		await log.truncate(makeZxid(2, 40), new DataDirectory(dataDir));
		log.append(history.add(2, 41, 5));
		await log.truncate(makeZxid(2, 40), new DataDirectory(dataDir));
		await expectCut(dataDir, makeZxid(2, 40));
		const { tree } = await recover({ dataDir });
		const [record] = new MadeHistory('other').add(2, 41, 1);
		tree.apply(record!);
		log.append([{ ...record!, digest: { version: 2, value: tree.digest() } }]);
		await log.close();
		expect((await recover({ dataDir })).tree.digest()).toBe(tree.digest());
	});

	it('80: goes on as it was where it cannot be cut', async () => {
		const dataDir = copy();
		const listener = new RecordingListener();
		const directory = path.join(dataDir, 'version-2');
		const log = new FileTxnLog({ directory, lastZxid: history.lastZxid, preAllocSizeKiB: 64 }, listener);
		log.append(history.add(2, 41, 1));
		await expect(log.truncate(makeZxid(1, 61), new DataDirectory(dataDir))).rejects.toThrow(
			'does not have this transaction',
		);
		// What was on its way to the disk would have been cut, and is there.
		expect(listener.durables.at(-1)).toBe(makeZxid(2, 41));
		log.append(history.add(2, 42, 1));
		await log.close();
		expect(listener.failures).toEqual([]);
		await expectState(dataDir, makeZxid(2, 42));
	});
});
