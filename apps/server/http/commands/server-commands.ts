/** Commands about the server as a whole. */

import { configurationFigures } from '../../zookeeper/figures/configuration-figures.ts';
import { Decimal } from '../../zookeeper/figures/decimal.ts';
import { directoryFigures } from '../../zookeeper/figures/directory-figures.ts';
import { environment } from '../../zookeeper/figures/environment.ts';
import { lastSnapshot } from '../../zookeeper/figures/last-snapshot.ts';
import { monitorFigures } from '../../zookeeper/figures/monitor-figures.ts';
import { resetServiceStats } from '../../zookeeper/figures/resets.ts';
import { isReadOnly, serviceFigures } from '../../zookeeper/figures/service.ts';
import { spokenVersion } from '../../zookeeper/figures/spoken-version.ts';
import type { ServerView } from '../../zookeeper/server-view.ts';
import type { Command } from './command.ts';
import type { JsonObject } from './json-text.ts';
import { systemProperties } from './system-properties.ts';

export const serverCommands: readonly Command[] = [
	{
		names: ['configuration', 'conf', 'config'],
		run({ view }) {
			const figures = configurationFigures(view);
			return {
				client_port: figures.clientPort,
				data_dir: figures.dataDir,
				data_log_dir: figures.dataLogDir,
				tick_time: figures.tickTime,
				max_client_cnxns: figures.maxClientCnxns,
				min_session_timeout: figures.minSessionTimeout,
				max_session_timeout: figures.maxSessionTimeout,
				server_id: figures.serverId,
				client_port_listen_backlog: figures.clientPortListenBacklog,
			};
		},
	},
	{
		names: ['dirs'],
		run({ view }) {
			const { snapshotBytes, logBytes } = directoryFigures(view);
			return { datadir_size: snapshotBytes, logdir_size: logBytes };
		},
	},
	{ names: ['environment', 'env', 'envi'], always: true, run: () => Object.fromEntries(environment()) },
	{
		names: ['hash'],
		run: ({ view }) => ({
			digests: view.replica.host.tree.digests.entries().map(({ zxid, digest }) => ({
				zxid,
				digest: BigInt.asIntN(64, digest),
				digest_version: 2,
			})),
		}),
	},
	{
		names: ['initial_configuration', 'icfg'],
		run: ({ initialConfiguration }) => ({ initial_configuration: initialConfiguration }),
	},
	{ names: ['is_read_only', 'isro'], run: ({ view }) => ({ read_only: isReadOnly(view) }) },
	{
		names: ['last_snapshot', 'lsnp'],
		run({ view }) {
			const snapshot = lastSnapshot(view.replica);
			return snapshot === undefined
				? { zxid: 'ffffffffffffffff', timestamp: -1 }
				: { zxid: snapshot.zxid.toString(16), timestamp: snapshot.writtenSeconds };
		},
	},
	{ names: ['monitor', 'mntr'], always: true, run: ({ view }) => Object.fromEntries(monitorFigures(view)) },
	{ names: ['ruok'], run: () => ({}) },
	{ names: ['server_stats', 'srvr'], run: ({ view }) => serverStats(view) },
	{
		names: ['stat_reset', 'srst'],
		mutates: true,
		run({ view }) {
			resetServiceStats(view);
			return {};
		},
	},
	{ names: ['system_properties', 'sysp'], always: true, run: ({ view }) => systemProperties(view.config) },
	{
		names: ['get_trace_mask', 'gtmk'],
		always: true,
		run: ({ view }) => ({ tracemask: view.traceMask.value }),
	},
	{ names: ['set_trace_mask', 'stmk'], mutates: true, always: true, run: setTraceMask },
];

export function serverStats(view: ServerView): JsonObject {
	const figures = serviceFigures(view);
	const { snapshotBytes, logBytes } = directoryFigures(view);
	const { lastResponseBytes, minResponseBytes, maxResponseBytes, authFailures } = view.stats;
	const responses = {
		last_buffer_size: lastResponseBytes,
		min_buffer_size: minResponseBytes,
		max_buffer_size: maxResponseBytes,
	};
	return {
		version: spokenVersion,
		read_only: isReadOnly(view),
		server_stats: {
			packets_sent: figures.packetsSent,
			packets_received: figures.packetsReceived,
			fsync_threshold_exceed_count: view.replica.slowSyncs,
			client_response_stats: responses,
			data_dir_size: snapshotBytes,
			log_dir_size: logBytes,
			provider_null: false,
			server_state: figures.mode,
			last_processed_zxid: figures.zxid,
			outstanding_requests: figures.outstanding,
			avg_latency: new Decimal(figures.latency.meanMs),
			max_latency: figures.latency.maxMs,
			min_latency: figures.latency.minMs,
			num_alive_client_connections: figures.connections,
			uptime: figures.uptimeMs,
			auth_failed_count: authFailures,
		},
		client_response: responses,
		node_count: figures.znodes,
	};
}

function setTraceMask({ view, query }: Parameters<Command['run']>[0]): JsonObject {
	const { traceMask: text } = query;
	if (text === undefined) return { error: 'setTraceMask requires long traceMask argument' };
	const mask = /^[+-]?[0-9]{1,19}$/.test(text) ? BigInt(text) : undefined;
	if (mask === undefined || BigInt.asIntN(64, mask) !== mask) {
		return { error: `setTraceMask requires long traceMask argument, got ${text}` };
	}
	view.traceMask.value = mask;
	return { tracemask: mask };
}
