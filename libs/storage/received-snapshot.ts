/**
 * A learner's history is replaced by a snapshot from its leader (semantics 80). What it had, logs and snapshots, must not count any more: its log may
 * hold transactions that were never committed, in front of the snapshot's zxid and behind it.
 *
 * The rename of the new snapshot to `received-snapshot-<zxid>` is the step at which the histories change places: before it the old one is whole,
 * from then on DataDirectory shows nothing but the new one. Then the old files are removed, and only when that is durable does the snapshot get
 * its ordinary name.
 */
import path from 'node:path';
import { assert } from '#core/model/assert';
import type { Zxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import type { SessionId } from '#jute/scalars';
import type { DataDirectory } from './data-directory.ts';
import { type FileChanges, realFileChanges } from './disk.ts';
import { receivedSnapshotFileName, snapshotFileName } from './file-names.ts';
import { FileSnapshotStore } from './snapshot-store.ts';

export interface ReceivedState {
	/** Its last processed zxid is `zxid`. */
	readonly tree: DataTree;
	readonly sessions: ReadonlyMap<SessionId, number>;
	readonly zxid: Zxid;
	/**
	 * It came as what ZooKeeper's leader streams, which may have some of what happened behind it, and no transaction's digest has agreed with it. Recovery replays
	 * those that the log has, and believes the tree once it agrees with one of them.
	 */
	readonly isFuzzy?: boolean;
}

export interface InstallOptions {
	/** Its thread writes the snapshot. */
	readonly store?: FileSnapshotStore;
	readonly changes?: FileChanges;
}

/**
 * Makes the state the only one on disk. The log is stopped (FileTxnLog.restart) and no other snapshot is being written. Durable when it resolves; when it
 * rejects, or after a crash, there is either the old history or the new one.
 */
export async function installSnapshot(
	directory: DataDirectory,
	state: ReceivedState,
	options: InstallOptions = {},
): Promise<void> {
	const { tree, sessions, zxid, isFuzzy = false } = state;
	assert(tree.lastProcessedZxid === zxid, 'a tree is installed at its own zxid');
	await finishInstall(directory, options.changes);
	const store = options.store ?? new FileSnapshotStore(directory.snapshotDirectory);
	const frozen = tree.freeze();
	try {
		frozen.sessions = sessions;
		await store.write(frozen, { name: receivedSnapshotFileName(zxid), isFuzzy });
	} finally {
		frozen.release();
	}
	await finishInstall(directory, options.changes);
}

/** Removes what the received snapshot has taken the place of. Does nothing when there is no such snapshot. */
export async function finishInstall(directory: DataDirectory, changes: FileChanges = realFileChanges): Promise<void> {
	const received = directory.received();
	if (received === null) return;
	const { snapshotDirectory, logDirectory } = directory;
	for (const file of directory.replaced()) await changes.remove(file);
	await changes.syncDirectory(snapshotDirectory);
	if (logDirectory !== snapshotDirectory) await changes.syncDirectory(logDirectory);
	await changes.rename(received.path, path.join(snapshotDirectory, snapshotFileName(received.zxid)));
	await changes.syncDirectory(snapshotDirectory);
}
