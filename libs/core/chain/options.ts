/** What the operator can set about the chain; ZooKeeper's names and defaults where it has them. */
import type { Id } from '#jute/records';
import { maxCounter } from '../model/zxid.ts';

export interface ChainOptions {
	/** The basic unit of time: sessions expire on its boundaries. */
	readonly tickMs: number;
	readonly minSessionTimeoutMs: number;
	readonly maxSessionTimeoutMs: number;
	/** TTL nodes are allowed (`zookeeper.extendedTypesEnabled`). */
	readonly extendedTypesEnabled: boolean;
	readonly skipAcl: boolean;
	/** Nothing is written: every client reads, sessions are this server's own, and those of the recovered state neither expire nor end. For copies that people look around in. */
	readonly isCopy: boolean;
	readonly enforceQuota: boolean;
	/** exists needs READ on a node that exists: on from 3.8.4 and 3.9.2, off in 3.8.0 (semantics 37). */
	readonly checkExistsAcl: boolean;
	/** A version about to become -1 becomes 0 (ZOOKEEPER-4743, in no release up to 3.9.5; semantics 26). */
	readonly versionSkipsMinusOne: boolean;
	/** Members refuse writes of their own clients by the ACLs that they have applied (`enableEagerACLCheck`). */
	readonly eagerAclCheck: boolean;
	readonly reconfigEnabled: boolean;
	/** One participant is a single server and no ensemble, so no reconfiguration may lead there. */
	readonly standaloneEnabled: boolean;
	/** New sessions are known to this replica only, until they create an ephemeral node (semantics 66). */
	readonly localSessionsEnabled: boolean;
	/** Whether they may become global then. */
	readonly localSessionsUpgradingEnabled: boolean;
	/** Identity `super` when a client authenticates as this `user:base64(sha1(user:password))`; null: nobody can. */
	readonly superDigest: string | null;
	/** Schemes that ACLs may have besides `world`, `ip` and `digest`: those by which a door of this replica can tell who somebody is (semantics 35). */
	readonly aclSchemes: readonly string[];
	readonly containerCheckIntervalMs: number;
	readonly containerMaxPerMinute: number;
	/** A container that never had a child goes after this long; 0: never, ZooKeeper's default (semantics 33). */
	readonly containerMaxNeverUsedIntervalMs: number;
	/** Requests taken and not yet answered, from which on doors stop reading from their connections (`globalOutstandingLimit`). */
	readonly globalOutstandingLimit: number;
	/** Requests taken and not yet answered, from which on the host itself answers ThrottledOp. */
	readonly maxOutstanding: number;
	/** The same bound in bytes of request data. */
	readonly maxOutstandingBytes: number;
	/** Log bytes not yet durable, from which on no further request is prepared. */
	readonly maxPendingLogBytes: number;
	/** The last counter of an epoch: fewer than there are, for tests (semantics 7). */
	readonly lastCounter: number;
	/** Requests per turn: bounds how long one turn holds the event loop, and hands the log the first of many while the others are prepared. */
	readonly maxBatch: number;
}

export const defaultChainOptions: ChainOptions = {
	tickMs: 3000,
	minSessionTimeoutMs: 6000,
	maxSessionTimeoutMs: 60_000,
	extendedTypesEnabled: false,
	skipAcl: false,
	isCopy: false,
	enforceQuota: false,
	checkExistsAcl: false,
	versionSkipsMinusOne: false,
	eagerAclCheck: false,
	reconfigEnabled: false,
	standaloneEnabled: true,
	localSessionsEnabled: false,
	localSessionsUpgradingEnabled: false,
	superDigest: null,
	aclSchemes: [],
	containerCheckIntervalMs: 60_000,
	containerMaxPerMinute: 10_000,
	containerMaxNeverUsedIntervalMs: 0,
	globalOutstandingLimit: 1000,
	maxOutstanding: 100_000,
	maxOutstandingBytes: 256 * 1024 * 1024,
	maxPendingLogBytes: 64 * 1024 * 1024,
	lastCounter: maxCounter,
	maxBatch: 128,
};

/** The identity that passes every ACL (semantics 34). */
export const superIdentity: Id = { scheme: 'super', id: '' };
