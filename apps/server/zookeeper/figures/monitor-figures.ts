/**
 * What `mntr` and the AdminServer's `monitor` show, under ZooKeeper's names. Of its names those are there that have a meaning on one server
 * of this kind; docs/operations.md lists the others.
 */
import type { Tally } from '#core/model/tally';
import type { LatencySpread } from '../latency-spread.ts';
import type { ServerView } from '../server-view.ts';
import { Decimal } from './decimal.ts';
import { ensembleFigures } from './ensemble-figures.ts';
import type { Figure } from './figure.ts';
import { fileDescriptors } from './file-descriptors.ts';
import { fourDigits } from './latency-figures.ts';
import { quotaFigures } from './quota-figures.ts';
import { serviceFigures } from './service.ts';
import { spokenVersion } from './spoken-version.ts';

export function* monitorFigures(view: ServerView): IterableIterator<Figure> {
	yield ['version', spokenVersion];
	yield* gauges(view);
	yield* ensembleFigures(view);
	yield* fileDescriptors();
	yield* quotaFigures(view.replica.host.tree);
	yield* counters(view);
	yield* summaries(view);
}

function* gauges(view: ServerView): IterableIterator<Figure> {
	const { replica, stats, limits } = view;
	const { host } = replica;
	const figures = serviceFigures(view);
	let localSessions = 0;
	for (const session of host.sessions.all()) if (session.isLocal) localSessions += 1;
	yield ['server_state', figures.mode];
	yield ['ephemerals_count', host.tree.ephemeralCount];
	yield ['num_alive_connections', figures.connections];
	yield ['avg_latency', new Decimal(figures.latency.meanMs)];
	yield ['min_latency', figures.latency.minMs];
	yield ['max_latency', figures.latency.maxMs];
	yield ['outstanding_requests', figures.outstanding];
	yield ['znode_count', figures.znodes];
	yield ['watch_count', host.watches.tableEntries];
	yield ['approximate_data_size', host.tree.approximateDataSize];
	yield ['global_sessions', host.sessions.committedSize];
	yield ['local_sessions', localSessions];
	yield ['packets_received', figures.packetsReceived];
	yield ['packets_sent', figures.packetsSent];
	yield ['last_client_response_size', stats.lastResponseBytes];
	yield ['min_client_response_size', stats.minResponseBytes];
	yield ['max_client_response_size', stats.maxResponseBytes];
	yield ['connection_drop_probability', new Decimal(limits.connections.dropChance)];
	yield ['auth_failed_count', stats.authFailures];
	yield ['uptime', figures.uptimeMs];
}

function* counters({ replica, stats, limits }: ServerView): IterableIterator<Figure> {
	const { host, gate, recovery } = replica;
	yield ['bytes_received_count', stats.bytesReceived];
	yield ['response_bytes', stats.responseBytes];
	yield ['watch_bytes', stats.watchBytes];
	yield ['connection_request_count', stats.sessionsAsked + stats.sessionsRenewed];
	yield ['connection_revalidate_count', stats.sessionsRenewed];
	yield ['connection_rejected', stats.connectionsRejected];
	yield ['connection_drop_count', stats.connectionsDropped];
	yield ['sessionless_connections_expired', stats.sessionlessExpired];
	yield ['stale_sessions_expired', host.stats.sessionsExpired];
	yield ['prep_processor_request_queued', host.stats.requests];
	yield ['sync_processor_request_queued', gate.txns];
	yield ['request_throttle_wait_count', stats.throttleWaits];
	yield ['throttled_ops', host.stats.throttled];
	yield ['stale_requests_dropped', stats.staleRequestsDropped];
	yield ['large_requests_rejected', limits.largeRequests.rejected];
	yield ['digest_mismatches_count', recovery.recovered.digestMismatches];
	yield ['unrecoverable_error_count', host.state === 'broken' || host.state === 'logFailed' ? 1 : 0];
}

function* summaries({ replica, stats }: ServerView): IterableIterator<Figure> {
	const { fired } = replica.host.watches;
	const { recovered, durationMs } = replica.recovery;
	yield* once('dbinittime', Math.round(durationMs));
	yield* once('startup_txns_loaded', recovered.txnsReplayed);
	yield* summary('fsynctime', replica.syncs);
	yield* summary('snapshottime', replica.snapshotTimes);
	yield* summary('node_created_watch_count', fired.nodeCreated);
	yield* summary('node_deleted_watch_count', fired.nodeDeleted);
	yield* summary('node_changed_watch_count', fired.nodeDataChanged);
	yield* summary('node_children_watch_count', fired.nodeChildrenChanged);
	yield* summary('readlatency', stats.readLatency);
	yield* percentiles('readlatency', stats.readLatency);
	yield* summary('updatelatency', stats.updateLatency);
	yield* percentiles('updatelatency', stats.updateLatency);
}

/** Whole numbers as ZooKeeper's are, between which everything measured lies. */
function* summary(name: string, tally: Tally): IterableIterator<Figure> {
	yield [`avg_${name}`, new Decimal(fourDigits(tally.mean))];
	yield [`min_${name}`, Math.floor(tally.min)];
	yield [`max_${name}`, Math.ceil(tally.max)];
	yield [`cnt_${name}`, tally.count];
	yield [`sum_${name}`, Math.round(tally.sum)];
}

function* percentiles(name: string, latency: LatencySpread): IterableIterator<Figure> {
	yield [`p50_${name}`, latency.percentileMs(0.5)];
	yield [`p95_${name}`, latency.percentileMs(0.95)];
	yield [`p99_${name}`, latency.percentileMs(0.99)];
	yield [`p999_${name}`, latency.percentileMs(0.999)];
}

/** What happened once, at the start. */
function* once(name: string, value: number): IterableIterator<Figure> {
	yield [`avg_${name}`, new Decimal(value)];
	yield [`min_${name}`, value];
	yield [`max_${name}`, value];
	yield [`cnt_${name}`, 1];
	yield [`sum_${name}`, value];
}
