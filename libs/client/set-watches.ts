/** The watches of a session for its next stream, in requests that stay far below what servers accept. */
import { SetWatchesRequest } from '#proto/chronokeeper/v1/watch';
import type { WatchedKind } from './watched-paths.ts';

const mostCharacters = 128 * 1024;

const fields = {
	data: 'data',
	exist: 'exist',
	children: 'child',
	persistent: 'persistent',
	persistentRecursive: 'persistentRecursive',
} as const satisfies Readonly<Record<WatchedKind, keyof SetWatchesRequest>>;

export function setWatchesRequests(
	pathsOf: (kind: WatchedKind) => Iterable<string>,
	relativeZxid: bigint,
): SetWatchesRequest[] {
	const requests: SetWatchesRequest[] = [];
	let room = 0;
	for (const [kind, field] of Object.entries(fields) as [WatchedKind, (typeof fields)[WatchedKind]][]) {
		for (const path of pathsOf(kind)) {
			if (room <= 0) {
				requests.push(SetWatchesRequest.create({ relativeZxid }));
				room = mostCharacters;
			}
			requests.at(-1)![field].push(path);
			room -= path.length;
		}
	}
	return requests;
}
