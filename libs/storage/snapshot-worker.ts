/** The thread that writes one snapshot: it reads the frozen tree's shared memory while the replica goes on. */
import { parentPort, workerData } from 'node:worker_threads';
import { type FrozenTreeMessage, frozenNodes } from '#core/tree/frozen-tree';
import { writeSnapshotFile } from './snapshot-writer.ts';
import { lowerThreadPriority } from './thread-priority.ts';

const { directory, frozen } = workerData as { readonly directory: string; readonly frozen: FrozenTreeMessage };
lowerThreadPriority();
const { zxid, sessions, acls, digest } = frozen;
parentPort?.postMessage(writeSnapshotFile(directory, { zxid, sessions, acls, nodes: frozenNodes(frozen) }, digest));
