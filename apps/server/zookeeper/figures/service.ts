/** How the replica serves: what `srvr`, `stat`, `mntr` and the AdminServer's `server_stats` and `monitor` have in common. */
import type { Host } from '#core/host/host';
import type { ServerConfig } from '../../config/config.ts';
import type { Replica } from '../../replica/replica.ts';
import type { ServerView } from '../server-view.ts';
import { type LatencyFigures, latencyFigures } from './latency-figures.ts';

export interface ServiceFigures {
	readonly latency: LatencyFigures;
	readonly packetsReceived: number;
	readonly packetsSent: number;
	readonly connections: number;
	readonly outstanding: number;
	readonly zxid: number;
	readonly mode: Replica['role'] | 'read-only';
	readonly znodes: number;
	readonly uptimeMs: number;
}

/** What a word and a command answer while the replica does not serve. */
export const notServing = 'This ZooKeeper instance is not currently serving requests';

/** False once it is stopped or broken: nothing it could say would be of use. */
export function isServing({ replica }: ServerView): boolean {
	const { state } = replica.host;
	return state === 'serving' || state === 'readOnly' || state === 'logFailed';
}

/** It leads, and the client port is for those of the others: only the AdminServer's commands are answered. */
export function sendsClientsAway({ role }: Pick<Host, 'role'>, config: Pick<ServerConfig, 'leaderServes'>): boolean {
	return role === 'leader' && !config.leaderServes;
}

/** Reads are all that is served. */
export function isReadOnly({ replica, config }: ServerView): boolean {
	return config.readOnlyCopy || replica.host.isReadOnly || replica.host.state === 'logFailed';
}

export function serviceFigures(view: ServerView): ServiceFigures {
	const { stats, connections, replica } = view;
	const { host } = replica;
	return {
		latency: latencyFigures(stats.latency),
		packetsReceived: stats.packetsReceived,
		packetsSent: stats.packetsSent,
		connections: connections.size,
		outstanding: host.outstanding,
		zxid: host.lastProcessedZxid,
		mode: isReadOnly(view) ? 'read-only' : replica.role,
		// ZooKeeper has the root under two names and counts both.
		znodes: host.tree.size + 1,
		uptimeMs: Math.floor(performance.now() - replica.startedMs),
	};
}
