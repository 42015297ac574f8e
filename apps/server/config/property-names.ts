/**
 * What ZooKeeper reads from Java system properties. Most of them are `zookeeper.` and the key; these are the exceptions, and what the documentation calls
 * by another name than the code.
 */
import { type KeyName, keyNames } from './keys.ts';

/** Other names of keys, in zoo.cfg as well as behind `-Dzookeeper.`. */
export const aliases: ReadonlyMap<string, KeyName> = new Map<string, KeyName>([
	['connection_throttle_tokens', 'connectionMaxTokens'],
	['connection_throttle_fill_time', 'connectionTokenFillTime'],
	['connection_throttle_fill_count', 'connectionTokenFillCount'],
	['connection_throttle_freeze_time', 'connectionFreezeTime'],
	['connection_throttle_drop_increase', 'connectionDropIncrease'],
	['connection_throttle_drop_decrease', 'connectionDropDecrease'],
	['connection_throttle_decrease_ratio', 'connectionDecreaseRatio'],
	['requestThrottleLimit', 'request_throttle_max_requests'],
	['requestThrottleStallTime', 'request_throttle_stall_time'],
	['requestThrottleDropStale', 'request_throttle_drop_stale'],
	['requestStaleLatencyCheck', 'request_stale_latency_check'],
	['requestStaleConnectionCheck', 'request_stale_connection_check'],
	['throttledOpWaitTime', 'throttled_op_wait_time'],
	['superDigest', 'DigestAuthenticationProvider.superDigest'],
	['leader.maxTimeToWaitForEpoch', 'maxTimeToWaitForEpoch'],
	['leader.maxConcurrentSnapSyncs', 'maxConcurrentSnapSyncs'],
	['leader.maxConcurrentDiffSyncs', 'maxConcurrentDiffSyncs'],
	['observer.syncEnabled', 'syncEnabled'],
	['admin.serverPort', 'httpPort'],
	['admin.serverAddress', 'httpAddress'],
]);

/** Read without the prefix `zookeeper.` too, or only so. */
const bareProperties: ReadonlySet<string> = new Set<KeyName>([
	'jute.maxbuffer',
	'readonlymode.enabled',
	'znode.container.checkIntervalMs',
	'znode.container.maxPerMinute',
	'znode.container.maxNeverUsedIntervalMs',
	'fsync.warningthresholdms',
	'request_throttle_drop_stale',
]);

/** ZooKeeper takes these from zoo.cfg only: a property of the name is nothing. */
const fileOnly: ReadonlySet<string> = new Set<KeyName>([
	'tickTime',
	'dataDir',
	'dataLogDir',
	'clientPort',
	'clientPortAddress',
	'clientPortListenBacklog',
	'secureClientPort',
	'maxClientCnxns',
	'minSessionTimeout',
	'maxSessionTimeout',
	'autopurge.snapRetainCount',
	'autopurge.purgeInterval',
	'standaloneEnabled',
	'reconfigEnabled',
	'dynamicConfigFile',
	'initLimit',
	'syncLimit',
	'connectToLearnerMasterLimit',
	'electionAlg',
	'peerType',
	'quorumListenOnAllIPs',
	'localSessionsEnabled',
	'localSessionsUpgradingEnabled',
	'syncEnabled',
]);

const properties: ReadonlySet<string> = new Set(keyNames.filter((name) => !fileOnly.has(name)));

/** The key that a system property sets; undefined when it sets none. */
export function keyOfProperty(name: string): KeyName | undefined {
	if (bareProperties.has(name)) return name as KeyName;
	if (!name.startsWith('zookeeper.')) return undefined;
	const key = name.slice('zookeeper.'.length);
	return aliases.get(key) ?? (properties.has(key) ? (key as KeyName) : undefined);
}
