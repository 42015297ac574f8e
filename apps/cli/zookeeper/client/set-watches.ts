/** Sets a client's watches again on a new connection, in requests that stay far below what servers accept. */
import type { SetWatchesRequest } from '#jute/client/requests';
import type { Chroot } from './client-path.ts';
import type { Watches } from './watches.ts';

const mostCharacters = 128 * 1024;
/** ZooKeeper's name of each kind. */
const fields = [
	['data', 'data'],
	['exist', 'exist'],
	['children', 'child'],
	['persistent', 'persistent'],
	['persistentRecursive', 'persistentRecursive'],
] as const;

type Batch = Record<(typeof fields)[number][1], string[]>;

export function setWatchesRequests(watches: Watches, chroot: Chroot, lastZxid: number): SetWatchesRequest[] {
	const requests: SetWatchesRequest[] = [];
	let batch = emptyBatch();
	let characters = 0;
	const finish = (): void => {
		if (characters > 0) requests.push(requestOf(batch, lastZxid));
		batch = emptyBatch();
		characters = 0;
	};
	for (const [kind, field] of fields) {
		for (const path of watches.paths(kind)) {
			const serverPath = chroot.toServer(path);
			batch[field].push(serverPath);
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
