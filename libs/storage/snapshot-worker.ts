/** The thread that writes snapshots: it reads the frozen tree's shared memory while the replica goes on. */
import { parentPort } from 'node:worker_threads';
import { type FrozenTreeMessage, frozenNodes } from '#core/tree/frozen-tree';
import { type WrittenSnapshot, writeSnapshotFile } from './snapshot-writer.ts';
import { lowerThreadPriority } from './thread-priority.ts';

export interface SnapshotOrder {
	readonly directory: string;
	readonly frozen: FrozenTreeMessage;
	/** `snapshot.<zxid>` unless it is given. */
	readonly name?: string;
}

/** When it is sent the thread reads the frozen tree no more. */
export type SnapshotOutcome = { readonly written: WrittenSnapshot } | { readonly problem: Error };

lowerThreadPriority();
parentPort?.on('message', (order: SnapshotOrder) => parentPort?.postMessage(perform(order)));

function perform({ directory, frozen, name }: SnapshotOrder): SnapshotOutcome {
	const { zxid, sessions, acls, digest } = frozen;
	try {
		const content = { zxid, sessions, acls, nodes: frozenNodes(frozen) };
		return { written: writeSnapshotFile(directory, content, digest, name) };
	} catch (error) {
		return { problem: error as Error };
	}
}
