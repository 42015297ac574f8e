/** Commands about clients: their connections, sessions and watches. */
import type { Connection, Connections } from '../../zookeeper/connections.ts';
import { connectionFigures, remoteText } from '../../zookeeper/figures/connection-figures.ts';
import { ephemeralsBySession, sessionExpiries } from '../../zookeeper/figures/expiry-figures.ts';
import { resetConnectionStats } from '../../zookeeper/figures/resets.ts';
import { watchesByPath, watchesBySession, watchSummary } from '../../zookeeper/figures/watch-figures.ts';
import type { Command } from './command.ts';
import { Entries, type Json, type JsonObject } from './json-text.ts';
import { serverStats } from './server-commands.ts';

export const clientCommands: readonly Command[] = [
	{
		names: ['connections', 'cons'],
		run: ({ view }) => ({ connections: map(view.connections, full), secure_connections: [] }),
	},
	{
		names: ['stats', 'stat'],
		run: ({ view }) => ({
			...serverStats(view),
			connections: map(view.connections, brief),
			secure_connections: [],
		}),
	},
	{
		names: ['connection_stat_reset', 'crst'],
		mutates: true,
		run({ view }) {
			resetConnectionStats(view);
			return {};
		},
	},
	{
		names: ['dump'],
		run: ({ view }) => ({
			expiry_time_to_session_ids: new Entries(
				map(sessionExpiries(view), ({ atMs, members }) => [String(atMs), map(members, signed)] as const),
			),
			session_id_to_ephemeral_paths: new Entries(
				map(ephemeralsBySession(view), ([session, paths]) => [String(signed(session)), paths] as const),
			),
		}),
	},
	{
		names: ['watches', 'wchc'],
		run: ({ view }) => ({
			session_id_to_watched_paths: new Entries(
				map(watchesBySession(view), ([session, paths]) => [String(signed(session)), paths] as const),
			),
		}),
	},
	{
		names: ['watches_by_path', 'wchp'],
		run: ({ view }) => ({
			path_to_session_ids: new Entries(
				map(watchesByPath(view), ([path, sessions]) => [path, map(sessions, signed)] as const),
			),
		}),
	},
	{
		names: ['watch_summary', 'wchs'],
		run({ view }) {
			const { connections, paths, watches } = watchSummary(view);
			return { num_connections: connections, num_paths: paths, num_total_watches: watches };
		},
	},
];

function brief(connection: Connections extends Iterable<infer C> ? C : never): JsonObject {
	const figures = connectionFigures(connection);
	return {
		remote_socket_address: remoteText(connection).slice(1),
		interest_ops: figures.interestOps,
		outstanding_requests: figures.outstanding,
		packets_received: figures.packetsReceived,
		packets_sent: figures.packetsSent,
	};
}

function full(connection: Connection): JsonObject {
	const figures = connectionFigures(connection);
	return {
		...brief(connection),
		session_id: signed(figures.sessionId),
		last_operation: figures.lastOp,
		established: figures.establishedMs,
		session_timeout: figures.sessionTimeoutMs,
		last_cxid: figures.lastCxid,
		last_zxid: figures.lastZxid,
		last_response_time: figures.lastResponseMs,
		last_latency: figures.lastLatencyMs,
		min_latency: figures.minLatencyMs,
		avg_latency: figures.meanLatencyMs,
		max_latency: figures.maxLatencyMs,
	};
}

/** A Java long. */
function signed(id: bigint): bigint {
	return BigInt.asIntN(64, id);
}

/** As it is asked for, not all at once. */
function* map<T, R extends Json | readonly [string, Json]>(values: Iterable<T>, to: (value: T) => R): Iterable<R> {
	for (const value of values) yield to(value);
}
