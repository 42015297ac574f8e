/**
 * Keeps two replicas from opening one directory.
 *
 * A lock of the operating system on a file, taken through SQLite (Node has no call for it): the kernel gives it up when the process ends, however it
 * ends, so there is no stale lock, no pid to guess about, and it holds between containers that share the directory.
 */
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DirectoryInUse } from './damage.ts';
import type { DataDirectory } from './data-directory.ts';

export const lockFileName = 'chronokeeper.lock';
const sqliteBusy = 5;

export class DirectoryLock {
	readonly #locks: DatabaseSync[] = [];

	/**
	 * Makes the directories when they are missing and locks them.
	 * @throws DirectoryInUse
	 */
	static acquire(directory: DataDirectory): DirectoryLock {
		directory.create();
		const lock = new DirectoryLock();
		try {
			const both = [directory.snapshotDirectory, directory.logDirectory].map((name) => fs.realpathSync(name));
			for (const name of new Set(both)) lock.#locks.push(take(path.join(name, lockFileName)));
			return lock;
		} catch (error) {
			lock.release();
			throw error;
		}
	}

	release(): void {
		for (const lock of this.#locks.splice(0)) lock.close();
	}
}

function take(file: string): DatabaseSync {
	// An empty database and a transaction that writes nothing: the file stays empty and has no journal.
	const lock = new DatabaseSync(file, { timeout: 0 });
	try {
		lock.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
		return lock;
	} catch (error) {
		lock.close();
		if ((error as { errcode?: number }).errcode !== sqliteBusy) throw error;
		throw new DirectoryInUse({
			file,
			problem: 'another process has this data directory open',
			advice: `Stop it first (on Linux, "fuser ${file}" names it), or give this replica a dataDir of its own`,
		});
	}
}
