import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Zxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { DirectoryInUse, StorageDamage } from './damage.ts';
import { DataDirectory } from './data-directory.ts';
import { DirectoryLock, lockFileName } from './directory-lock.ts';
import { readEpoch, readMyId, writeEpoch } from './epoch-files.ts';
import { purge, purgeable } from './purge.ts';
import { FileSnapshotStore } from './snapshot-store.ts';

let root: string;
beforeEach(() => {
	root = mkdtempSync(path.join(tmpdir(), 'chronokeeper-directory-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function touch(...parts: string[]): void {
	const file = path.join(root, ...parts);
	mkdirSync(path.dirname(file), { recursive: true });
	writeFileSync(file, '');
}

const names = (files: readonly { readonly path: string }[]) => files.map((file) => path.basename(file.path));

describe('the layout', () => {
	it('is version-2 below dataDir and dataLogDir, as ZooKeeper has it', () => {
		touch('data', 'version-2', 'snapshot.0');
		touch('log', 'version-2', 'log.1');
		const directory = new DataDirectory(path.join(root, 'data'), path.join(root, 'log'));
		expect(names(directory.snapshots())).toEqual(['snapshot.0']);
		expect(names(directory.logs())).toEqual(['log.1']);
	});

	it('is a directory with the files directly in it, when it is', () => {
		for (const name of ['log.a', 'log.5', 'log.10', 'snapshot.100000000', 'snapshot.ff']) touch(name);
		for (const other of [
			'log.',
			'log.xyz',
			'log.1.gz',
			'snapshot.5df.gz',
			'logs.1',
			'acceptedEpoch',
			'snapshot.fffffffffffffffff',
		])
			touch(other);
		const directory = new DataDirectory(root);
		expect(names(directory.logs())).toEqual(['log.5', 'log.a', 'log.10']);
		expect(names(directory.snapshots())).toEqual(['snapshot.ff', 'snapshot.100000000']);
		expect(directory.compressedSnapshots().map((file) => path.basename(file))).toEqual(['snapshot.5df.gz']);
	});

	it('does not overlook a file whose zxid is beyond what this build holds', () => {
		touch('log.1');
		touch('log.20000000000000');
		expect(() => new DataDirectory(root).logs()).toThrow(/log\.20000000000000: zxid 0x20000000000000 is outside/);
		touch('snapshot.8000000000000000');
		expect(new DataDirectory(root).snapshots()).toEqual([]);
	});

	it('is nothing yet for a new replica, and only create() makes it', () => {
		const directory = new DataDirectory(path.join(root, 'new'), path.join(root, 'new-log'));
		expect([directory.logs(), directory.snapshots()]).toEqual([[], []]);
		expect(readdirSync(root)).toEqual([]);
		directory.create();
		expect(readdirSync(root, { recursive: true }).sort()).toEqual([
			'new',
			'new-log',
			'new-log/version-2',
			'new/version-2',
		]);
	});
});

describe('epochs and myid', () => {
	it('are undefined for a new server, and what was written afterwards', () => {
		const directory = new DataDirectory(root);
		directory.create();
		expect(readEpoch(directory, 'acceptedEpoch')).toBeUndefined();
		writeEpoch(directory, 'acceptedEpoch', 5);
		writeEpoch(directory, 'acceptedEpoch', 6);
		writeEpoch(directory, 'currentEpoch', 5);
		expect([readEpoch(directory, 'acceptedEpoch'), readEpoch(directory, 'currentEpoch')]).toEqual([6, 5]);
		expect(readFileSync(path.join(root, 'version-2', 'acceptedEpoch'), 'utf8')).toBe('6');
		expect(readdirSync(path.join(root, 'version-2')).sort()).toEqual(['acceptedEpoch', 'currentEpoch']);
		expect(readMyId(directory)).toBeUndefined();
		writeFileSync(path.join(root, 'myid'), '3\n');
		expect(readMyId(directory)).toBe(3);
	});

	it('that are no number are named with what to do', () => {
		const directory = new DataDirectory(root);
		directory.create();
		for (const text of ['', 'five', '-1', '1e3', '99999999999']) {
			writeFileSync(path.join(root, 'version-2', 'currentEpoch'), text);
			expect(() => readEpoch(directory, 'currentEpoch')).toThrow(StorageDamage);
		}
		expect(() => writeEpoch(directory, 'currentEpoch', 2 ** 21)).toThrow(RangeError);
	});
});

describe('the lock', () => {
	const holder = fileURLToPath(new URL('../../test/support/lock-holder.ts', import.meta.url));

	it('keeps a second replica out, in this process and in another, and is free again after release()', () => {
		const directory = new DataDirectory(path.join(root, 'a'), path.join(root, 'b'));
		const lock = DirectoryLock.acquire(directory);
		expect(() => DirectoryLock.acquire(directory)).toThrow(DirectoryInUse);
		expect(() => DirectoryLock.acquire(new DataDirectory(path.join(root, 'c'), path.join(root, 'b')))).toThrow(
			/another process has this data directory open/,
		);
		lock.release();
		DirectoryLock.acquire(directory).release();
		expect(readdirSync(path.join(root, 'a', 'version-2'))).toEqual([lockFileName]);
	});

	it('of a process that is killed is gone with it', async () => {
		const child = spawn(process.execPath, ['--conditions=source', holder, root], {
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		await once(child.stdout!, 'data');
		expect(() => DirectoryLock.acquire(new DataDirectory(root))).toThrow(DirectoryInUse);
		child.kill('SIGKILL');
		await once(child, 'exit');
		const lock = DirectoryLock.acquire(new DataDirectory(root));
		expect(existsSync(path.join(root, 'version-2', lockFileName))).toBe(true);
		lock.release();
	});
});

describe('purge', () => {
	async function snapshots(...zxids: number[]): Promise<DataDirectory> {
		const directory = new DataDirectory(root);
		directory.create();
		const tree = new DataTree();
		for (const zxid of zxids) {
			tree.lastProcessedZxid = zxid as Zxid;
			const frozen = tree.freeze();
			await new FileSnapshotStore(directory.snapshotDirectory).write(frozen);
			frozen.release();
		}
		return directory;
	}
	const everything = Number.MAX_SAFE_INTEGER as Zxid;

	it('keeps the newest snapshots and every log that the oldest of them needs', async () => {
		const directory = await snapshots(0, 10, 20, 30, 40);
		for (const zxid of [1, 11, 18, 25, 41]) touch('version-2', `log.${zxid.toString(16)}`);
		const gone = purge(directory, { retain: 3, keepFromZxid: everything });
		expect(names(gone)).toEqual(['snapshot.0', 'snapshot.a', 'log.1', 'log.b']);
		expect(names(directory.snapshots())).toEqual(['snapshot.14', 'snapshot.1e', 'snapshot.28']);
		expect(names(directory.logs())).toEqual(['log.12', 'log.19', 'log.29']);
		expect(purge(directory, { retain: 3, keepFromZxid: everything })).toEqual([]);
	});

	it('waits for the mirror: what it lacks stays, with the snapshot before it', async () => {
		const directory = await snapshots(0, 10, 20, 30, 40);
		for (const zxid of [1, 11, 18, 25, 41]) touch('version-2', `log.${zxid.toString(16)}`);
		expect(names(purgeable(directory, { retain: 3, keepFromZxid: 12 as Zxid }))).toEqual(['snapshot.0']);
		expect(purgeable(directory, { retain: 3, keepFromZxid: 1 as Zxid })).toEqual([]);
		expect(purgeable(directory, { retain: 3, keepFromZxid: 0 as Zxid })).toEqual([]);
	});

	it('does not count snapshots that are not complete, and keeps at least three', async () => {
		const directory = await snapshots(10, 20, 30);
		for (const zxid of [1, 11, 21]) touch('version-2', `log.${zxid.toString(16)}`);
		touch('version-2', 'snapshot.32');
		expect(purgeable(directory, { retain: 1, keepFromZxid: everything })).toEqual([]);
	});
});

describe('the snapshot store', () => {
	it('removes what a crash left unfinished, and leaves nothing when it fails', async () => {
		const store = new FileSnapshotStore(root);
		touch('unfinished-snapshot-5df');
		touch('snapshot.5df');
		expect(store.removeUnfinished()).toEqual(['unfinished-snapshot-5df']);
		expect(readdirSync(root)).toEqual(['snapshot.5df']);
		const frozen = new DataTree().freeze();
		const nowhere = new FileSnapshotStore(path.join(root, 'nowhere'));
		await expect(nowhere.write(frozen)).rejects.toThrow(/Cannot write the snapshot of zxid 0x0: ENOENT/);
		mkdirSync(path.join(root, 'snapshot.0'));
		await expect(store.write(frozen)).rejects.toThrow(/Cannot write the snapshot/);
		expect(readdirSync(root).sort()).toEqual(['snapshot.0', 'snapshot.5df']);
		frozen.release();
	});

	it('writes one after the other, also behind one that failed, and several at once', async () => {
		const store = new FileSnapshotStore(root);
		mkdirSync(path.join(root, 'snapshot.1'));
		const snapshotAt = (zxid: number) => {
			const frozen = new DataTree().freeze();
			Object.assign(frozen, { zxid });
			return store.write(frozen);
		};
		await snapshotAt(2);
		await expect(snapshotAt(1)).rejects.toThrow('Cannot write the snapshot of zxid 0x1');
		await snapshotAt(3);
		await Promise.all([snapshotAt(4), snapshotAt(5)]);
		await snapshotAt(6);
		expect(readdirSync(root).sort()).toEqual([1, 2, 3, 4, 5, 6].map((zxid) => `snapshot.${zxid}`));
	});
});
