/**
 * The replica's snapshots: a thread of its own writes them, so that the event loop never waits for one. Under load one follows the other and the
 * thread stays, as starting it costs more than a small snapshot does; when it was idle for a while it goes, and with it what memory it held.
 */
import fs from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { formatZxid } from '#core/model/zxid';
import type { SnapshotInfo, SnapshotStore } from '#core/ports/snapshot-store';
import type { FrozenTree } from '#core/tree/frozen-tree';
import { unfinishedSnapshotPrefix } from './file-names.ts';
import type { SnapshotOrder, SnapshotOutcome } from './snapshot-worker.ts';
import type { WrittenSnapshot } from './snapshot-writer.ts';

const idleMs = 30_000;

export class FileSnapshotStore implements SnapshotStore {
	readonly #directory: string;
	#idle: Worker | null = null;
	#goes: NodeJS.Timeout | undefined;

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
		const worker = this.#takeWorker();
		return new Promise((resolve, reject) => {
			const fail = (cause: Error) =>
				reject(new Error(`Cannot write the snapshot of zxid ${formatZxid(frozen.zxid)}: ${cause.message}`, { cause }));
			let problem: Error | null = null;
			worker.once('error', (error: Error) => {
				problem = error;
			});
			// The memory may be given back only when nobody reads it: after an answer, or when the thread is gone.
			worker.once('exit', (code) => fail(problem ?? new Error(`its thread ended with code ${code}`)));
			worker.once('message', (outcome: SnapshotOutcome) => {
				worker.removeAllListeners();
				this.#rest(worker);
				if ('written' in outcome) resolve(outcome.written);
				else fail(outcome.problem);
			});
			const order: SnapshotOrder = { directory: this.#directory, frozen: frozen.transferable() };
			worker.postMessage(order);
		});
	}

	#takeWorker(): Worker {
		clearTimeout(this.#goes);
		const idle = this.#idle;
		this.#idle = null;
		if (idle === null) return startWorker();
		idle.removeAllListeners();
		idle.ref();
		return idle;
	}

	/** An idle thread holds up nobody who wants to end the process. */
	#rest(worker: Worker): void {
		if (this.#idle !== null) {
			void worker.terminate();
			return;
		}
		this.#idle = worker;
		worker.unref();
		// Whatever ended it, the next snapshot has another.
		worker.once('error', () => this.#forget(worker));
		worker.once('exit', () => this.#forget(worker));
		this.#goes = setTimeout(() => {
			this.#forget(worker);
			void worker.terminate();
		}, idleMs).unref();
	}

	#forget(worker: Worker): void {
		if (this.#idle === worker) this.#idle = null;
	}
}

function startWorker(): Worker {
	const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
	return new Worker(new URL(`./snapshot-worker.${extension}`, import.meta.url), {
		execArgv: extension === 'ts' ? ['--conditions=source'] : [],
	});
}
