import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatZxid, makeZxid, type Zxid } from '#core/model/zxid';
import { PowerCutFiles } from '#test/contract/power-cut-files';
import { RecordingListener } from '#test/contract/txn-log.contract';
import { seeded } from '#test/support/generated-log';
import { MadeHistory, writeStoredHistory } from '#test/support/stored-history';
import { DataDirectory } from './data-directory.ts';
import { readLogs } from './history-reader.ts';
import { finishInstall, installSnapshot } from './received-snapshot.ts';
import { recover } from './recovery.ts';
import { FileTxnLog } from './txn-log.ts';

let root: string;
let old: MadeHistory;
let made = 0;
beforeEach(async () => {
	root = mkdtempSync(path.join(tmpdir(), 'chronokeeper-received-'));
	old = await writeStoredHistory(path.join(root, 'data'), path.join(root, 'logs'));
});
afterEach(() => rmSync(root, { recursive: true }));

const dataDir = () => path.join(root, 'data');
const dataLogDir = () => path.join(root, 'logs');

/** A leader's history, which is not the one that is here: up to this zxid. */
function leaders(epoch: number, counter: number): MadeHistory {
	const history = new MadeHistory('leaders');
	history.add(epoch, 1, counter);
	return history;
}

async function expectState(of: MadeHistory, where: { dataDir: string; dataLogDir: string }, what = ''): Promise<void> {
	const recovered = await recover(where);
	expect(formatZxid(recovered.lastZxid), what).toBe(formatZxid(of.lastZxid));
	expect(recovered.tree.digest(), what).toBe(of.tree.digest());
	expect(recovered.sessions, what).toEqual(of.sessions);
	expect(recovered.warnings, what).toEqual([]);
}

function expectOnly(zxid: Zxid, where: { dataDir: string; dataLogDir: string }): void {
	expect(readdirSync(path.join(where.dataDir, 'version-2')), 'data').toEqual([`snapshot.${zxid.toString(16)}`]);
	expect(readdirSync(path.join(where.dataLogDir, 'version-2')), 'logs').toEqual([]);
}

const newer: readonly [string, number, number][] = [
	['far behind the old history', 7, 30],
	['inside the old history: the log has transactions behind it that never were', 2, 15],
	['in front of all of it', 1, 12],
	['with the zxid of a snapshot of the old history', 2, 30],
];

describe('80: SNAP, on disk', () => {
	for (const [where, epoch, counter] of newer) {
		it(`80: a snapshot ${where}: nothing else is left, and a new log goes on`, async () => {
			const history = leaders(epoch, counter);
			const places = { dataDir: dataDir(), dataLogDir: dataLogDir() };
			const directory = new DataDirectory(dataDir(), dataLogDir());
			const { tree, sessions, lastZxid: zxid } = history;
			await installSnapshot(directory, { tree, sessions, zxid });
			expectOnly(zxid, places);
			await expectState(history, places);
			const log = new FileTxnLog({ directory: directory.logDirectory, lastZxid: zxid, preAllocSizeKiB: 4 });
			log.append(history.add(epoch, counter + 1, 20));
			await log.close();
			await expectState(history, places);
			expect([...readLogs(dataLogDir())]).toHaveLength(20);
		});

		it(`80: the power is cut at any step of installing a snapshot ${where}: the old history whole, or the new one`, async () => {
			const history = leaders(epoch, counter);
			const inner = [path.join(dataDir(), 'version-2'), path.join(dataLogDir(), 'version-2')];
			const name = history.lastZxid.toString(16);

			// While it is being written: the old one.
			writeFileSync(path.join(inner[0]!, `unfinished-snapshot-${name}`), 'the beginning of a snapshot');
			await expectState(old, { dataDir: dataDir(), dataLogDir: dataLogDir() }, 'unfinished');
			rmSync(path.join(inner[0]!, `unfinished-snapshot-${name}`));

			// From the rename on: the new one.
			const elsewhere = path.join(root, 'elsewhere');
			cpSync(inner[0]!, elsewhere, { recursive: true });
			history.writeSnapshot(elsewhere);
			cpSync(path.join(elsewhere, `snapshot.${name}`), path.join(inner[0]!, `received-snapshot-${name}`));
			const files = new PowerCutFiles(...inner);
			const directory = new DataDirectory(dataDir(), dataLogDir());
			expect(directory.logs()).toEqual([]);
			expect(directory.snapshots().map((file) => file.zxid)).toEqual([history.lastZxid]);
			await finishInstall(directory, files);
			expect(files.steps.length).toBeGreaterThan(10);
			for (let count = 0; count <= files.steps.length; count++) {
				for (let variant = 0; variant < 3; variant++) {
					const random = seeded(count * 10 + variant + 1);
					const image = path.join(root, `image-${++made}`);
					const of = (at: string) => path.join(image, at === inner[0] ? 'data' : 'logs', 'version-2');
					files.image(of, count, variant === 0 ? undefined : () => random() < 0.5);
					const places = { dataDir: path.join(image, 'data'), dataLogDir: path.join(image, 'logs') };
					await expectState(history, places, `${count} steps, variant ${variant}`);
					expectOnly(history.lastZxid, places);
					rmSync(image, { recursive: true });
				}
			}
		});
	}

	it('80: under a log that is running, which goes on behind it', async () => {
		const directory = new DataDirectory(dataDir(), dataLogDir());
		const places = { dataDir: dataDir(), dataLogDir: dataLogDir() };
		const listener = new RecordingListener();
		const log = new FileTxnLog({ directory: directory.logDirectory, lastZxid: old.lastZxid }, listener);
		log.append(old.add(2, 41, 30));
		const history = leaders(2, 15);
		const { tree, sessions, lastZxid: zxid } = history;
		await log.restart(zxid, () => installSnapshot(directory, { tree, sessions, zxid }));
		expect(listener.durables).toEqual([]);
		expectOnly(zxid, places);
		log.append(history.add(2, 16, 10));
		await listener.reached(makeZxid(2, 25));
		await log.close();
		expect(listener.failures).toEqual([]);
		await expectState(history, places);
	});

	it('80: a disk that fails on the way: the old history if nothing was replaced, and the log says what failed', async () => {
		const directory = new DataDirectory(dataDir(), dataLogDir());
		const places = { dataDir: dataDir(), dataLogDir: dataLogDir() };
		const history = leaders(2, 15);
		const { tree, sessions, lastZxid: zxid } = history;
		rmSync(path.join(root, 'nowhere'), { force: true });
		const lost = new DataDirectory(path.join(root, 'nowhere'));
		await expect(installSnapshot(lost, { tree, sessions, zxid })).rejects.toThrow(/Cannot write the snapshot.*ENOENT/);
		await expectState(old, places);

		const listener = new RecordingListener();
		const log = new FileTxnLog({ directory: directory.logDirectory, lastZxid: old.lastZxid }, listener);
		const changes = new PowerCutFiles(directory.snapshotDirectory, directory.logDirectory);
		changes.syncDirectory = () => Promise.reject(new Error('EIO: simulated'));
		const restart = log.restart(zxid, () => installSnapshot(directory, { tree, sessions, zxid }, { changes }));
		await expect(restart).rejects.toThrow('EIO: simulated');
		expect(listener.failures).toHaveLength(1);
		await expectState(history, places);
	});

	it('80: one snapshot right behind another, the first of them interrupted', async () => {
		const directory = new DataDirectory(dataDir(), dataLogDir());
		const first = leaders(2, 15);
		first.writeSnapshot(directory.snapshotDirectory);
		const at = path.join(directory.snapshotDirectory, `snapshot.${first.lastZxid.toString(16)}`);
		cpSync(at, path.join(directory.snapshotDirectory, `received-snapshot-${first.lastZxid.toString(16)}`));
		const second = leaders(3, 15);
		const { tree, sessions, lastZxid: zxid } = second;
		await installSnapshot(directory, { tree, sessions, zxid });
		expectOnly(zxid, { dataDir: dataDir(), dataLogDir: dataLogDir() });
		await expectState(second, { dataDir: dataDir(), dataLogDir: dataLogDir() });
	});

	it('78, 80: a fuzzy state, as ZooKeeper streams it, is what it should be with the log behind it', async () => {
		const directory = new DataDirectory(dataDir(), dataLogDir());
		const places = { dataDir: dataDir(), dataLogDir: dataLogDir() };
		const zxid = makeZxid(3, 20);
		const history = leaders(3, 20);
		const behind = history.add(3, 21, 20);
		const fuzzy = leaders(3, 20);
		for (const record of behind.filter((_record, index) => index % 3 === 0 && index < 12)) fuzzy.tree.apply(record);
		fuzzy.tree.lastProcessedZxid = zxid;
		const state = { tree: fuzzy.tree, sessions: fuzzy.sessions, zxid };
		for (const isFuzzy of [true, false]) {
			await installSnapshot(directory, { ...state, isFuzzy });
			const log = new FileTxnLog({ directory: directory.logDirectory, lastZxid: zxid, preAllocSizeKiB: 4 });
			log.append(behind);
			await log.close();
			if (isFuzzy) await expectState(history, places);
			else await expect(recover(places)).rejects.toThrow('what the files give is not the tree that was there');
		}
	});
});
