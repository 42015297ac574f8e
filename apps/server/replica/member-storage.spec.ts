import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeZxid, nextZxid, type Zxid } from '#core/model/zxid';
import { SnapshotNeeded } from '#core/ports/history';
import { DataDirectory } from '#storage/data-directory';
import { recover } from '#storage/recovery';
import { FileSnapshotStore } from '#storage/snapshot-store';
import { FileTxnLog } from '#storage/txn-log';
import { RecordingListener } from '#test/contract/txn-log.contract';
import { MadeHistory, writeStoredHistory } from '#test/support/stored-history';
import { MemberStorage } from './member-storage.ts';

let dataDir: string;
let history: MadeHistory;
beforeEach(async () => {
	dataDir = mkdtempSync(path.join(tmpdir(), 'chronokeeper-member-storage-'));
	history = await writeStoredHistory(dataDir);
});
afterEach(() => rmSync(dataDir, { recursive: true }));

function open(
	lastZxid: Zxid,
	directory = new DataDirectory(dataDir),
): { storage: MemberStorage; log: FileTxnLog; listener: RecordingListener } {
	const log = new FileTxnLog({ directory: directory.logDirectory, lastZxid, preAllocSizeKiB: 4 });
	const listener = new RecordingListener();
	log.listen(listener);
	const store = new FileSnapshotStore(directory.snapshotDirectory);
	const storage = new MemberStorage({ directory, log, store, snapshotsSettled: async () => {}, firstEpoch: 1 });
	return { storage, log, listener };
}

describe('80: TRUNC', () => {
	it('80: also takes the snapshots that hold what is cut, where they are in another directory than the logs', async () => {
		const snapshots = path.join(dataDir, 'snapshots');
		const logs = path.join(dataDir, 'logs');
		const { lastZxid } = await writeStoredHistory(snapshots, logs);
		const { storage, log } = open(lastZxid, new DataDirectory(snapshots, logs));
		const zxid = makeZxid(2, 25);
		const isNewer = ({ zxid: at }: { readonly zxid: Zxid }) => at > zxid;
		const directory = new DataDirectory(snapshots, logs);
		expect(directory.snapshots().some(isNewer)).toBe(true);
		await storage.truncateLog(zxid);
		await log.close();
		expect(directory.snapshots().some(isNewer)).toBe(false);
		expect((await recover({ dataDir: snapshots, dataLogDir: logs })).lastZxid).toBe(zxid);
		expect((await storage.reload()).tree.lastProcessedZxid).toBe(zxid);
	});

	it('80: that no snapshot allows is refused as such; all that was logged stays, and the log goes on', async () => {
		const snapshots = path.join(dataDir, 'version-2');
		for (const name of readdirSync(snapshots)) {
			if (name.startsWith('snapshot.') && name !== 'snapshot.20000001e') rmSync(path.join(snapshots, name));
		}
		const { storage, log } = open(history.lastZxid);
		await expect(storage.truncateLog(makeZxid(2, 20))).rejects.toBeInstanceOf(SnapshotNeeded);
		log.append(history.add(2, 41, 5));
		await log.close();
		const recovered = await recover({ dataDir });
		expect(recovered.lastZxid).toBe(makeZxid(2, 45));
		expect(recovered.tree.digest()).toBe(history.tree.digest());
	});
});

describe('78: a received state that is not proved', () => {
	async function installed(isFuzzy: boolean): Promise<MadeHistory> {
		const leaders = new MadeHistory('leaders');
		leaders.add(3, 1, 20);
		const { storage, log } = open(history.lastZxid);
		leaders.tree.isFuzzy = isFuzzy;
		await storage.install(leaders, leaders.lastZxid);
		await log.close();
		return leaders;
	}

	it('78: is not proved after a start either, until a transaction agrees', async () => {
		for (const isFuzzy of [true, false]) {
			const leaders = await installed(isFuzzy);
			expect((await recover({ dataDir })).tree.isFuzzy).toBe(isFuzzy);
			const { log } = open(leaders.lastZxid);
			log.append(leaders.add(3, 21, 1));
			await log.close();
			const recovered = await recover({ dataDir });
			expect(recovered.tree.isFuzzy).toBe(false);
			expect(recovered.lastZxid).toBe(nextZxid(makeZxid(3, 20)));
			expect(recovered.tree.digest()).toBe(leaders.tree.digest());
		}
	});

	it('78: is not proved by a snapshot of the replica’s own', async () => {
		await installed(true);
		const { tree } = await recover({ dataDir });
		const elsewhere = path.join(dataDir, 'elsewhere');
		cpSync(path.join(dataDir, 'version-2'), path.join(elsewhere, 'version-2'), { recursive: true });
		const frozen = tree.freeze();
		await new FileSnapshotStore(path.join(elsewhere, 'version-2')).write(frozen);
		frozen.release();
		expect((await recover({ dataDir: elsewhere })).tree.isFuzzy).toBe(true);
	});
});
