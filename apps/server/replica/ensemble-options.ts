/** ZooKeeper's keys of an ensemble, as the parts of a member take them. */
import type { ObserverPauses } from '#core/host/peer';
import type { SyncLimits } from '#core/zab/leader/sync-throttle';
import type { ElectionPortOptions } from '#quorum/election-port';
import type { ServerConfig } from '../config/config.ts';
import type { EnsembleLimits } from '../config/ensemble.ts';

export function electionPortOptions(
	config: ServerConfig,
	{ tickMs, syncLimit }: EnsembleLimits,
): Pick<ElectionPortOptions, 'connectTimeoutMs' | 'helloTimeoutMs' | 'openAttempts' | 'keepAlive'> {
	const { cnxTimeout, quorumCnxnTimeoutMs, electionPortBindRetry, tcpKeepAlive } = config;
	return {
		connectTimeoutMs: cnxTimeout,
		helloTimeoutMs: quorumCnxnTimeoutMs > 0 ? quorumCnxnTimeoutMs : tickMs * syncLimit,
		openAttempts: electionPortBindRetry,
		keepAlive: tcpKeepAlive,
	};
}

/** @param random from 0 to just below 1 */
export function observerPauses(config: ServerConfig, random: () => number): ObserverPauses {
	const upTo = (ms: number) => Math.floor(random() * ms);
	return {
		beforeElection: () => upTo(config['observer.election.DelayMs']),
		beforeConnecting: () => upTo(config['observer.reconnectDelayMs']),
	};
}

/** Unless somebody says so, small logs are sent however small the snapshot is. */
export function snapshotSizeFactor({ given, snapshotSizeFactor: factor }: ServerConfig): number | undefined {
	return given.has('snapshotSizeFactor') ? factor : undefined;
}

export function syncLimits(config: ServerConfig): SyncLimits {
	const { forceSnapshotSync, maxConcurrentSnapSyncs, maxConcurrentDiffSyncs } = config;
	return { forceSnapshot: forceSnapshotSync, maxConcurrentSnapSyncs, maxConcurrentDiffSyncs };
}
