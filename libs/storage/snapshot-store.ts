/**
 * The replica's snapshots: a thread of its own writes them, so that the event loop never waits for one. Under load one follows the other and the
 * thread stays, as starting it costs more than a small snapshot does; when it was idle for a while it goes, and with it what memory it held.
 */
import fs from 'node:fs';
import path from 'node:path';
import { formatZxid } from '#core/model/zxid';
import type { SnapshotInfo, SnapshotStore } from '#core/ports/snapshot-store';
import type { FrozenTree } from '#core/tree/frozen-tree';
import { unfinishedSnapshotPrefix } from './file-names.ts';
import { SnapshotThread } from './snapshot-thread.ts';
import type { SnapshotFacts } from './snapshot-worker.ts';
import type { WrittenSnapshot } from './snapshot-writer.ts';

const idleMs = 30_000;

export class FileSnapshotStore implements SnapshotStore {
	readonly #directory: string;
	#idle: SnapshotThread | null = null;
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

	async write(frozen: FrozenTree, facts: SnapshotFacts = {}): Promise<SnapshotInfo> {
		const begun = performance.now();
		const written = await this.#written(frozen, facts);
		return {
			zxid: frozen.zxid,
			file: written.file,
			bytes: written.bytes,
			digest: frozen.digest,
			durationMs: performance.now() - begun,
		};
	}

	async #written(frozen: FrozenTree, facts: SnapshotFacts): Promise<WrittenSnapshot> {
		const thread = this.#takeThread();
		try {
			return await thread.write({
				isFuzzy: frozen.isFuzzy,
				...facts,
				directory: this.#directory,
				frozen: frozen.transferable(),
			});
		} catch (cause) {
			const problem = (cause as Error).message;
			throw new Error(`Cannot write the snapshot of zxid ${formatZxid(frozen.zxid)}: ${problem}`, { cause });
		} finally {
			this.#leave(thread);
		}
	}

	#takeThread(): SnapshotThread {
		clearTimeout(this.#goes);
		const thread = this.#idle;
		this.#idle = null;
		return thread?.isUsable === true ? thread : new SnapshotThread();
	}

	#leave(thread: SnapshotThread): void {
		if (this.#idle !== null) {
			thread.end();
			return;
		}
		this.#idle = thread;
		this.#goes = setTimeout(() => {
			this.#idle = null;
			thread.end();
		}, idleMs).unref();
	}
}
