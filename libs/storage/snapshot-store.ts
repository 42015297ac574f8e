/** The replica's snapshots: each is written by a thread of its own, so that the event loop never waits for one. */
import fs from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SnapshotInfo, SnapshotStore } from '#core/ports/snapshot-store';
import type { FrozenTree } from '#core/tree/frozen-tree';
import { unfinishedSnapshotPrefix } from './file-names.ts';
import type { WrittenSnapshot } from './snapshot-writer.ts';

export class FileSnapshotStore implements SnapshotStore {
	readonly #directory: string;

	/** The directory of the snapshots: the data directory's version-2, locked by this replica. */
	constructor(directory: string) {
		this.#directory = directory;
	}

	/** Removes what a crash in the middle of a snapshot left. Returns the names. */
	removeUnfinished(): string[] {
		const names = fs.readdirSync(this.#directory).filter((name) => name.startsWith(unfinishedSnapshotPrefix));
		for (const name of names) fs.unlinkSync(path.join(this.#directory, name));
		return names;
	}

	async write(frozen: FrozenTree): Promise<SnapshotInfo> {
		const begun = performance.now();
		const written = await this.#inWorker(frozen);
		return {
			zxid: frozen.zxid,
			file: written.file,
			bytes: written.bytes,
			digest: frozen.digest,
			durationMs: performance.now() - begun,
		};
	}

	#inWorker(frozen: FrozenTree): Promise<WrittenSnapshot> {
		const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
		return new Promise((resolve, reject) => {
			const worker = new Worker(new URL(`./snapshot-worker.${extension}`, import.meta.url), {
				workerData: { directory: this.#directory, frozen: frozen.transferable() },
				execArgv: extension === 'ts' ? ['--conditions=source'] : [],
			});
			let written: WrittenSnapshot | null = null;
			worker.on('message', (message: WrittenSnapshot) => {
				written = message;
			});
			worker.on('error', (cause) =>
				reject(
					new Error(`Cannot write the snapshot of zxid 0x${frozen.zxid.toString(16)}: ${(cause as Error).message}`, {
						cause,
					}),
				),
			);
			worker.on('exit', (code) => {
				// The memory may be given back only when the thread that reads it is gone.
				if (written !== null) resolve(written);
				else reject(new Error(`the thread that writes snapshots ended with code ${code}`));
			});
		});
	}
}
