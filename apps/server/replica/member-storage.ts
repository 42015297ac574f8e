/** What a member's history stands on: the data directory, its running log, and the thread that writes snapshots. */
import type { TxnRecord } from '#core/model/txn-record';
import type { Zxid } from '#core/model/zxid';
import { SnapshotNeeded } from '#core/ports/history';
import type { ReplicaStorage, StateReceiver, StoredState } from '#core/ports/replica-storage';
import type { FrozenTree } from '#core/tree/frozen-tree';
import { LogDamage, TruncationRefused } from '#storage/damage';
import type { DataDirectory } from '#storage/data-directory';
import { readEpoch, writeEpoch } from '#storage/epoch-files';
import { installSnapshot } from '#storage/received-snapshot';
import { recordsAfter } from '#storage/records-after';
import { recover } from '#storage/recovery';
import { treeOptions } from '#storage/replay';
import type { FileSnapshotStore } from '#storage/snapshot-store';
import { SnapshotStreamReader, snapshotStream } from '#storage/snapshot-stream';
import type { FileTxnLog } from '#storage/txn-log';

export interface MemberStorageParts {
	readonly directory: DataDirectory;
	readonly log: FileTxnLog;
	readonly store: FileSnapshotStore;
	/** Resolves when no snapshot of the replica's own is being written. */
	readonly snapshotsSettled: () => Promise<void>;
	/** Where the epoch files are missing: the epoch of the last transaction, as ZooKeeper takes it. */
	readonly firstEpoch: number;
	/** See RecordsAfterOptions. */
	readonly snapshotSizeFactor?: number | undefined;
}

export class MemberStorage implements ReplicaStorage {
	readonly #parts: MemberStorageParts;
	#acceptedEpoch: number;
	#currentEpoch: number;

	/** @throws StorageDamage when an epoch file holds no number */
	constructor(parts: MemberStorageParts) {
		this.#parts = parts;
		this.#currentEpoch = readEpoch(parts.directory, 'currentEpoch') ?? parts.firstEpoch;
		this.#acceptedEpoch = Math.max(readEpoch(parts.directory, 'acceptedEpoch') ?? parts.firstEpoch, this.#currentEpoch);
	}

	get acceptedEpoch(): number {
		return this.#acceptedEpoch;
	}

	set acceptedEpoch(epoch: number) {
		writeEpoch(this.#parts.directory, 'acceptedEpoch', epoch);
		this.#acceptedEpoch = epoch;
	}

	get currentEpoch(): number {
		return this.#currentEpoch;
	}

	set currentEpoch(epoch: number) {
		writeEpoch(this.#parts.directory, 'currentEpoch', epoch);
		this.#currentEpoch = epoch;
	}

	recordsAfter(zxid: Zxid, upTo: Zxid): AsyncIterable<readonly TxnRecord[]> | null {
		const { directory, snapshotSizeFactor } = this.#parts;
		return recordsAfter(directory, zxid, { upTo, snapshotSizeFactor });
	}

	snapshotStream(frozen: FrozenTree): Iterator<Uint8Array> {
		return snapshotStream(frozen.transferable());
	}

	receiveSnapshot(): StateReceiver {
		return new SnapshotStreamReader(treeOptions());
	}

	async truncateLog(zxid: Zxid): Promise<void> {
		await this.#parts.snapshotsSettled();
		try {
			await this.#parts.log.truncate(zxid, this.#parts.directory);
		} catch (error) {
			// These are of the plan: nothing was changed.
			if (error instanceof TruncationRefused || error instanceof LogDamage) throw new SnapshotNeeded(error);
			throw error;
		}
	}

	async reload(): Promise<StoredState> {
		const { dataDir, logDirectory } = this.#parts.directory;
		const { tree, sessions } = await recover({ dataDir, dataLogDir: logDirectory });
		return { tree, sessions };
	}

	async install({ tree, sessions }: StoredState, zxid: Zxid): Promise<void> {
		const { directory, log, store, snapshotsSettled } = this.#parts;
		await snapshotsSettled();
		const { isFuzzy } = tree;
		await log.restart(zxid, () => installSnapshot(directory, { tree, sessions, zxid, isFuzzy }, { store }));
	}
}
