import type { Zxid } from '#jute/scalars';
import type { FrozenTree } from '../tree/frozen-tree.ts';

export interface SnapshotInfo {
	readonly zxid: Zxid;
	readonly file: string;
	readonly bytes: number;
	readonly digest: bigint;
	readonly durationMs: number;
}

/** Writes exact snapshots without holding up the event loop. */
export interface SnapshotStore {
	/**
	 * Writes the frozen tree to a temporary file, syncs, renames and syncs the directory. The caller releases the frozen tree when the
	 * promise settles. Rejects when the disk is full or fails: the log still has everything, so the replica goes on.
	 */
	write(frozen: FrozenTree): Promise<SnapshotInfo>;
}
