/** Bytes of the two directories of a replica: `dirs`, and two lines of `conf`. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerView } from '../server-view.ts';

export interface DirectoryFigures {
	readonly snapshotDirectory: string;
	readonly logDirectory: string;
	readonly snapshotBytes: number;
	readonly logBytes: number;
}

export function directoryFigures({ replica }: ServerView): DirectoryFigures {
	const { snapshotDirectory, logDirectory } = replica.directory;
	const snapshotBytes = bytesIn(snapshotDirectory);
	return {
		snapshotDirectory,
		logDirectory,
		snapshotBytes,
		logBytes: logDirectory === snapshotDirectory ? snapshotBytes : bytesIn(logDirectory),
	};
}

/** What is in the way of a purge or a snapshot counts as nothing. */
function bytesIn(directory: string): number {
	let bytes = 0;
	for (const entry of readdirSync(directory, { withFileTypes: true })) {
		const path = join(directory, entry.name);
		if (entry.isDirectory()) bytes += bytesIn(path);
		else bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
	}
	return bytes;
}
