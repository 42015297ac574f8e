import type { KeyName } from './keys.ts';

/**
 * Keys of ZooKeeper 3.8 that have no effect (yet, or because what they tune is not there): they are accepted, with one warning that names them.
 * A trailing `.*` stands for any name.
 */
export const laterKeys: Readonly<Record<string, string>> = {
	observerMasterPort: 'A port for observers; for an ensemble.',
	'observerMaster.sizeLimit': 'For an ensemble.',
	'leader.ackLoggingFrequency': 'For an ensemble.',
	'leader.closeSocketAsync': 'For an ensemble.',
	'learner.closeSocketAsync': 'For an ensemble.',
	'learner.asyncSending': 'For an ensemble.',
	'follower.skipLearnerRequestToNextProcessor': 'For an ensemble.',
	forward_learner_requests_to_commit_processor_disabled: 'For an ensemble.',
	'multiAddress.reachabilityCheckTimeoutMs': 'For an ensemble.',
	'multiAddress.reachabilityCheckEnabled': 'For an ensemble.',
	oraclePath: 'For an ensemble of two.',
	ensembleAuthName: 'For an ensemble.',
	sslQuorum: 'TLS between replicas.',
	sslQuorumReloadCertFiles: 'TLS between replicas.',
	portUnification: 'TLS between replicas.',
	'quorum.auth.*': 'SASL between replicas.',
	'quorum.cnxn.threads.size': 'SASL between replicas.',
	'ssl.*': 'TLS, for clients and (`ssl.quorum.*`) between replicas.',
	'client.portUnification': 'TLS for clients on `clientPort`.',
	'client.secure': 'TLS for clients.',
	secureClientPortAddress: 'The address of `secureClientPort`.',
	clientTcpKeepAlive: "For ZooKeeper's client port.",
	serverCnxnFactory: "For ZooKeeper's client port.",
	'request_throttler.shutdownTimeout': 'For the throttling of requests.',
	advancedFlowControlEnabled: 'For Netty.',
	'netty.*': 'For Netty.',
	'outstandingHandshake.limit': 'For Netty.',
	'nio.numSelectorThreads': 'For Java NIO.',
	'nio.numWorkerThreads': 'For Java NIO.',
	'nio.directBufferBytes': 'For Java NIO.',
	'nio.shutdownTimeout': 'For Java NIO.',
	'commitProcessor.*': 'For threads that are not there.',
	'messageTracker.BufferSize': 'For debugging an ensemble.',
	'messageTracker.Enabled': 'For debugging an ensemble.',
	maxResponseCacheSize: 'For a cache that is not there.',
	maxGetChildrenResponseCacheSize: 'For a cache that is not there.',
	watchManagerName: 'There is one watch manager.',
	watcherCleanThreadsNum: 'There is one watch manager.',
	watcherCleanThreshold: 'There is one watch manager.',
	watcherCleanIntervalInSeconds: 'There is one watch manager.',
	maxInProcessingDeadWatchers: 'There is one watch manager.',
	bitHashCacheSize: 'There is one watch manager.',
	'pathStats.*': 'For statistics that are not there; see the mirror.',
	flushDelay: 'The log syncs as soon as the disk is free, and what came in meanwhile together.',
	maxWriteQueuePollTime: 'See `flushDelay`.',
	maxBatchSize: 'See `flushDelay`.',
	txnLogSizeLimitInKb: 'The log rolls with each snapshot; see `snapSizeLimitInKb`.',
	'snapshot.compression.method': 'Snapshots are written uncompressed.',
	'digest.enabled': 'The digest is always on.',
	'closeSessionTxn.enabled': 'Always on.',
	emulate353TTLNodes: 'For data of ZooKeeper 3.5.3.',
	'jute.maxbuffer.extrasize': 'What the server adds to a request is never refused.',
	intBufferStartingSizeBytes: 'For a buffer that is not there.',
	'datadir.autocreate': 'The data directory is made when it is not there.',
	'db.autocreate': 'An empty data directory is a new tree.',
	'audit.enable': "ZooKeeper's audit log file; here the audit is in PostgreSQL, see `audit.mode`.",
	'audit.impl.class': "ZooKeeper's audit log file.",
	'admin.idleTimeout': "For ZooKeeper's AdminServer; here see `httpPort`.",
	'admin.httpVersion': "For ZooKeeper's AdminServer; here HTTP is 1.1.",
	'admin.portUnification': "TLS for ZooKeeper's AdminServer.",
	'admin.forceHttps': "TLS for ZooKeeper's AdminServer.",
	'admin.needClientAuth': "TLS for ZooKeeper's AdminServer.",
	'admin.rateLimiterIntervalInMS': "For the snapshot command of ZooKeeper 3.9's AdminServer.",
	'admin.snapshot.enabled': "For the snapshot command of ZooKeeper 3.9's AdminServer.",
	'admin.restore.enabled': "For the restore command of ZooKeeper 3.9's AdminServer.",
	'metricsProvider.*': 'Metrics are at `httpPort`, `/metrics`.',
	'jvm.pause.*': 'There is no JVM.',
	'jmx.*': 'There is no JVM.',
	'SASLAuthenticationProvider.superPassword': 'For SASL clients.',
	superUser: 'For TLS and SASL clients.',
	'ssl.authProvider': 'For TLS clients.',
	sessionRequireClientSASLAuth: 'For SASL clients.',
	allowSaslFailedClients: 'For SASL clients.',
	letAnySaslUserDoX: 'For SASL clients.',
	'enforce.auth.enabled': 'For clients that must authenticate.',
	'enforce.auth.schemes': 'For clients that must authenticate.',
	'authProvider.*': 'A class of an authentication scheme of your own.',
	'kerberos.*': 'For Kerberos.',
	kinit: 'For Kerberos.',
	requireKerberosConfig: 'For Kerberos.',
	'security.auth_to_local': 'For Kerberos.',
	'sasl.*': 'For SASL.',
	'server.principal': 'For Kerberos.',
	'server.realm': 'For Kerberos.',
	'request.timeout': 'For clients.',
	configFile: 'Written by ZooKeeper beside a dynamic configuration.',
};

/** Keys that are read and checked, but that nothing looks at: setting one is said to be without effect. */
export const unbuiltKeys: ReadonlySet<KeyName> = new Set<KeyName>([
	'syncEnabled',
	'request_throttle_stall_time',
	'request_stale_connection_check',
]);

const exact = new Set(Object.keys(laterKeys).filter((key) => !key.endsWith('.*')));
const prefixes = Object.keys(laterKeys)
	.filter((key) => key.endsWith('.*'))
	.map((key) => key.slice(0, -1));

export function isLaterKey(key: string): boolean {
	if (exact.has(key)) return true;
	return prefixes.some((prefix) => key.startsWith(prefix) && key.length > prefix.length);
}
