/** What a log that goes on has to do with the files that are there already. */
import fs from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { LogDamage } from './damage.ts';
import { logPrefix, zxidInName } from './file-names.ts';
import { LogFileReader } from './log-file-reader.ts';

/**
 * A crash can leave a file that has the next log's name and no transaction: only its header, zeros, or a torn first record. It is written
 * over, as ZooKeeper does.
 * @throws LogDamage when it has a transaction: then somebody else writes in this directory.
 */
export function assertReplaceable(file: string): void {
	if (!fs.existsSync(file)) return;
	const reader = new LogFileReader(file);
	try {
		if (reader.next().kind === 'end') return;
	} finally {
		reader.close();
	}
	throw new LogDamage({
		file,
		problem: 'the log that this replica was about to begin is already there and has transactions',
		advice: 'See whether another server uses the same directory, stop it, and start again',
	});
}

/** Makes what recovery read durable: after a crash of the process alone it may still be in the operating system's memory only. */
export async function syncLogs(directory: string): Promise<void> {
	for (const name of await readdir(directory)) {
		if (zxidInName(name, logPrefix) === undefined) continue;
		const file = await open(path.join(directory, name), 'r+');
		try {
			await file.datasync();
		} finally {
			await file.close();
		}
	}
}
