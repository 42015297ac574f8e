/** The thread that writes snapshots: it reads the frozen tree's shared memory while the replica goes on. */
import { parentPort } from 'node:worker_threads';
import { type FrozenTreeMessage, frozenNodes } from '#core/tree/frozen-tree';
import { type WrittenSnapshot, writeSnapshotFile } from './snapshot-writer.ts';
import { lowerThreadPriority } from './thread-priority.ts';

export interface SnapshotFacts {
	/** `snapshot.<zxid>` unless it is given. */
	readonly name?: string;
	/** The tree may have some of what happened behind its zxid: it is written without a digest. */
	readonly isFuzzy?: boolean;
}

export interface SnapshotOrder extends SnapshotFacts {
	readonly directory: string;
	readonly frozen: FrozenTreeMessage;
}

/** When it is sent the thread reads the frozen tree no more. */
export type SnapshotOutcome = { readonly written: WrittenSnapshot } | { readonly problem: Error };

lowerThreadPriority();
parentPort?.on('message', (order: SnapshotOrder) => parentPort?.postMessage(perform(order)));

function perform({ directory, frozen, name, isFuzzy }: SnapshotOrder): SnapshotOutcome {
	const { zxid, sessions, acls, digest } = frozen;
	try {
		const content = { zxid, sessions, acls, nodes: frozenNodes(frozen) };
		return { written: writeSnapshotFile(directory, content, isFuzzy ? null : digest, name) };
	} catch (error) {
		return { problem: error as Error };
	}
}
