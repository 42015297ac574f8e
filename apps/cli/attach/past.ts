/** What a server of an ensemble has kept of its past, copied into the directory of an observer, while that server may go on. */
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DataDirectory, versionDirectory } from '#storage/data-directory';
import { Failure } from '../failure.ts';

export interface PastOptions {
	/** Of the server: its dataDir, and its dataLogDir where that is another. */
	readonly from: readonly string[];
	/** The observer's dataDir. */
	readonly into: string;
	readonly progress: (bytes: { readonly done: number; readonly total: number; readonly file: string }) => void;
}

const epochFiles = ['currentEpoch', 'acceptedEpoch'];

/**
 * All or nothing: it is there when everything was copied. The last record of a log that is still written to may be cut off, as by a loss of power; recovery expects that.
 * @returns how many bytes; 0 when the observer has a past of its own
 */
export async function copyPast({ from, into, progress }: PastOptions): Promise<number> {
	const target = path.join(into, versionDirectory);
	if (existsSync(target)) return 0;
	const [dataDir, dataLogDir] = from as [string, string | undefined];
	const source = new DataDirectory(dataDir, dataLogDir);
	const [compressed] = source.compressedSnapshots();
	const files = [...source.snapshots(), ...source.logs()].map(({ path: file }) => file);
	if (files.length === 0) {
		throw new Failure(
			compressed === undefined
				? `${from.join(' and ')} has no snapshots and no logs of ZooKeeper`
				: `the snapshots in ${dataDir} are compressed, which this release does not read`,
			'Name the dataDir of a server, and its dataLogDir with a second --past where that is another.',
		);
	}
	for (const name of epochFiles) {
		const file = path.join(source.snapshotDirectory, name);
		if (existsSync(file)) files.push(file);
	}
	const total = files.reduce((sum, file) => sum + statSync(file).size, 0);
	const unfinished = `${target}.unfinished`;
	rmSync(unfinished, { recursive: true, force: true });
	mkdirSync(unfinished, { recursive: true });
	let done = 0;
	for (const file of files) {
		const counted = new Transform({
			transform(chunk: Buffer, _, pass) {
				done += chunk.length;
				progress({ done, total: Math.max(done, total), file: path.basename(file) });
				pass(null, chunk);
			},
		});
		const copy = createWriteStream(path.join(unfinished, path.basename(file)), { flush: true });
		await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), counted, copy);
	}
	renameSync(unfinished, target);
	return done;
}
