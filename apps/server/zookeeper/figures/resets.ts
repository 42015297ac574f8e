/** What `crst` and `srst` do, and the AdminServer's `connection_stat_reset` and `stat_reset`. */
import type { ServerView } from '../server-view.ts';

export function resetConnectionStats({ connections }: ServerView): void {
	for (const connection of connections) connection.stats.reset();
}

/** Also what `mntr` has of its own. What it has in common with /metrics goes on: there counters only rise. */
export function resetServiceStats({ stats, replica }: ServerView): void {
	stats.reset();
	for (const tally of Object.values(replica.host.watches.fired)) tally.reset();
	replica.syncs.reset();
	replica.snapshotTimes.reset();
	replica.member?.peer.leader?.proposalSizes.reset();
}
