import type { QuorumConfig } from './quorum-config.ts';

/** Where a replica's membership survives a restart. A call returns when it is durable: what depends on it leaves the replica afterwards. */
export interface MembershipStore {
	/** Of a reconfiguration that is logged here and may be committed (ZooKeeper's `zoo.cfg.dynamic.next`). */
	saveNext(config: QuorumConfig): void;
	/** In force from now on; a `next` of this version or an older one is obsolete. */
	saveCurrent(config: QuorumConfig): void;
}
