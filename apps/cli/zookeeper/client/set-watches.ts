/** Sets a client's watches again on a new connection, in requests that stay far below what servers accept. */
import type { SetWatchesRequest } from '#jute/client/requests';
import type { Chroot } from './client-path.ts';
import type { WatchedPaths } from './watches.ts';

const mostCharacters = 128 * 1024;
const kinds = ['data', 'exist', 'child', 'persistent', 'persistentRecursive'] as const;

type Batch = Record<(typeof kinds)[number], string[]>;

export function setWatchesRequests(watched: WatchedPaths, chroot: Chroot, lastZxid: number): SetWatchesRequest[] {
	const requests: SetWatchesRequest[] = [];
	let batch = emptyBatch();
	let characters = 0;
	const finish = (): void => {
		if (characters > 0) requests.push(requestOf(batch, lastZxid));
		batch = emptyBatch();
		characters = 0;
	};
	for (const kind of kinds) {
		for (const path of watched[kind]) {
			const serverPath = chroot.toServer(path);
			batch[kind].push(serverPath);
			characters += serverPath.length;
			if (characters >= mostCharacters) finish();
		}
	}
	finish();
	return requests;
}

/** Servers before 3.6 know the shorter form only. */
function requestOf(batch: Batch, relativeZxid: number): SetWatchesRequest {
	const persistent = batch.persistent.length > 0 || batch.persistentRecursive.length > 0;
	return { kind: persistent ? 'setWatches2' : 'setWatches', relativeZxid, ...batch };
}

function emptyBatch(): Batch {
	return { data: [], exist: [], child: [], persistent: [], persistentRecursive: [] };
}
