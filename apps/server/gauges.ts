/** The gauges of a replica: what /metrics shows besides what is measured per request. */
import type { Metrics } from '#telemetry/metrics';
import type { MirrorService } from './mirror/mirror-service.ts';
import type { Replica } from './replica/replica.ts';
import type { ReplicaHealth } from './replica-health.ts';
import { synchronizedLearners } from './zookeeper/figures/ensemble-figures.ts';
import type { ServerView } from './zookeeper/server-view.ts';

export function addGauges(
	metrics: Metrics,
	replica: Replica,
	mirror: MirrorService | undefined,
	health: ReplicaHealth,
	view: ServerView,
): void {
	addClientPortGauges(metrics, view);
	addEnsembleGauges(metrics, replica);
	const { host, gate, snapshots } = replica;
	metrics.queue('intake', () => host.queues.intake);
	metrics.queue('log', () => gate.pendingTxns);
	metrics.queue('commit', () => host.queues.commit);
	metrics.gauge('zxid', 'The last zxid applied, as a number: exact up to epoch 2097151.', () => host.lastProcessedZxid);
	metrics.gauge('znodes', 'Nodes in the tree.', () => host.tree.size);
	metrics.gauge('ephemeral_znodes', 'Ephemeral nodes in the tree.', () => host.tree.ephemeralCount);
	metrics.gauge('data_size_bytes', 'Bytes of all paths and data, about.', () => host.tree.approximateDataSize);
	metrics.gauge('sessions', 'Open sessions.', () => host.sessions.size);
	metrics.gauge('outstanding_requests', 'Requests taken and not yet answered.', () => host.outstanding);
	metrics.gauge('log_pending_bytes', 'Bytes given to the log and not yet on disk.', () => gate.pendingBytes);
	metrics.gauge('ready', '1 when reads and writes are served.', () => (health.check().ready ? 1 : 0));
	metrics.gauge(
		'last_snapshot_zxid',
		'The state in the newest snapshot written since the start.',
		() => snapshots.last?.zxid,
	);
	metrics.counter(
		'log_slow_syncs',
		'Syncs of the log that took longer than fsync.warningthresholdms.',
		() => replica.slowSyncs,
	);
	metrics.counters('watch_events', 'Events that watchers were told, by their type.', () =>
		Object.entries(host.watches.fired).map(([type, tally]) => [{ type }, tally.sum]),
	);
	metrics.counter('requests', 'Requests taken.', () => host.stats.requests);
	metrics.counter('txns', 'Transactions applied.', () => host.stats.txnsApplied);
	metrics.counter('txns_logged', 'Transactions given to the log.', () => gate.txns);
	metrics.counter('log_bytes', 'Bytes given to the log.', () => gate.bytes);
	metrics.counter('sessions_expired', 'Sessions that expired.', () => host.stats.sessionsExpired);
	metrics.counter('requests_failed_by_bug', 'Requests that met a bug of the server.', () => host.stats.requestsFailed);
	if (mirror === undefined) return;
	metrics.gauge(
		'writes_refused',
		'1 while audit.mode=strict refuses new writes, because PostgreSQL takes nothing.',
		() => (host.refusals.areWritesRefused ? 1 : 0),
	);
	metrics.gauge('mirror_zxid', 'Everything up to this zxid is in PostgreSQL.', () => mirror.health().mirroredZxid);
	metrics.gauge('mirror_lag_txns', 'Transactions that are not in PostgreSQL yet.', () => mirror.health().lagTxns);
	metrics.gauge('mirror_lag_seconds', 'Age of the oldest of them.', () => mirror.health().lagSeconds);
	metrics.gauge('mirror_up', '1 when the mirror can write, or could if it were to.', () => {
		const { state } = mirror.health();
		return state === 'in-step' || state === 'catching-up' || state === 'standing-by' ? 1 : 0;
	});
	metrics.gauge('mirror_writes', "1 when this replica's mirror is the one that writes.", () => {
		const { state } = mirror.health();
		return state === 'standing-by' || state === 'stopped' ? 0 : 1;
	});
}

const roles = ['standalone', 'leader', 'follower', 'observer', 'looking'] as const;

/** What it is to its ensemble, and what a leader knows of the others. */
function addEnsembleGauges(metrics: Metrics, replica: Replica): void {
	metrics.gauges('role', '1 for what the replica is, 0 for what it is not.', () =>
		roles.map((role) => [{ role }, replica.role === role ? 1 : 0]),
	);
	const { member } = replica;
	if (member === undefined) return;
	metrics.gauge('participants', 'Voters of the ensemble.', () => member.membership.current.participants.length);
	metrics.gauge('synced_followers', 'Of a leader: voters that are in step with it.', () => {
		const { leader } = member.peer;
		return leader === null ? undefined : synchronizedLearners(member, leader.learners()).voting.length;
	});
}

/** Of ZooKeeper's client port. Latencies are those of `mntr`, since the start or the last `srst`. */
function addClientPortGauges(metrics: Metrics, { connections, stats, replica }: ServerView): void {
	const { watches } = replica.host;
	metrics.gauge('client_connections', 'Open connections of the client port.', () => connections.size);
	metrics.gauge('watches', 'Watches that are set, by all connections.', () => watches.summary().watches);
	metrics.counter('client_packets_received', 'Requests that came in by the client port.', () => stats.packetsReceived);
	metrics.counter('client_packets_sent', 'Answers and events that left by it.', () => stats.packetsSent);
	metrics.counter('client_bytes_received', 'Bytes that came in by it.', () => stats.bytesReceived);
	metrics.counter('client_bytes_sent', 'Bytes that left by it.', () => stats.bytesSent);
	metrics.counter(
		'client_connections_rejected',
		'Connections that a limit turned away.',
		() => stats.connectionsRejected,
	);
	metrics.gauge(
		'client_latency_mean_seconds',
		'From a request to its answer, at the client port.',
		() => stats.latency.meanMs / 1000,
	);
	metrics.gauge('client_latency_max_seconds', 'The longest of them.', () => stats.latency.maxMs / 1000);
}
