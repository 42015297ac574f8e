/**
 * Watches as ZooKeeper's words and commands show them: those on data, and the persistent ones. Its table of watches on children is shown
 * nowhere; `zk_watch_count` alone counts both.
 */
import type { WatchSummary } from '#core/tree/watches';
import type { ServerView } from '../server-view.ts';

export function watchSummary({ replica }: ServerView): WatchSummary {
	return replica.host.watches.dataTableSummary();
}

export function* watchesBySession({
	replica,
}: ServerView): IterableIterator<readonly [session: bigint, paths: Iterable<string>]> {
	for (const [watcher, paths] of replica.host.watches.dataTableByWatcher()) yield [watcher.sessionId, paths];
}

export function* watchesByPath({
	replica,
}: ServerView): IterableIterator<readonly [path: string, sessions: readonly bigint[]]> {
	for (const [path, watchers] of replica.host.watches.dataTableByPath()) {
		yield [path, watchers.map((watcher) => watcher.sessionId)];
	}
}
