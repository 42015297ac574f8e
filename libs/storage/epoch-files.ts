/** The small files beside the snapshots: acceptedEpoch and currentEpoch, and myid in the data directory itself. */
import fs from 'node:fs';
import path from 'node:path';
import { maxEpoch } from '#core/model/zxid';
import { StorageDamage } from './damage.ts';
import type { DataDirectory } from './data-directory.ts';
import { replaceFile } from './disk.ts';

export type EpochName = 'acceptedEpoch' | 'currentEpoch';

/** Undefined where there is no such file: a new server. */
export function readEpoch(directory: DataDirectory, name: EpochName): number | undefined {
	return readNumber(path.join(directory.snapshotDirectory, name), maxEpoch);
}

/** Durable when it returns, and never half written: a temporary file takes the place of the old one. */
export function writeEpoch(directory: DataDirectory, name: EpochName, epoch: number): void {
	if (!Number.isInteger(epoch) || epoch < 0 || epoch > maxEpoch) throw new RangeError(`${epoch} is not an epoch`);
	replaceFile(path.join(directory.snapshotDirectory, name), String(epoch));
}

/** The server's number; undefined for a standalone server. */
export function readMyId(directory: DataDirectory): number | undefined {
	return readNumber(path.join(directory.dataDir, 'myid'), 255);
}

function readNumber(file: string, largest: number): number | undefined {
	let text: string;
	try {
		text = fs.readFileSync(file, 'latin1').trim();
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw error;
	}
	const value = Number(text);
	if (/^[0-9]{1,15}$/.test(text) && value <= largest) return value;
	throw new StorageDamage({
		file,
		problem: `the file must hold one number from 0 to ${largest} and holds "${text.slice(0, 40)}"`,
		advice:
			'Nothing was changed. Write the right number into it: the other replicas of the ensemble know the epoch, zoo.cfg the server',
	});
}
