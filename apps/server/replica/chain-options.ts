import { type ChainOptions, defaultChainOptions } from '#core/chain/options';
import { roleSuffix } from '#core/tree/acl-check';
import type { ServerConfig } from '../config/config.ts';

/** ZooKeeper's keys as the chain names them. */
export function chainOptions(config: ServerConfig): ChainOptions {
	const superDigest = config['DigestAuthenticationProvider.superDigest'];
	return {
		...defaultChainOptions,
		tickMs: config.tickTime,
		minSessionTimeoutMs: config.minSessionTimeout,
		maxSessionTimeoutMs: config.maxSessionTimeout,
		extendedTypesEnabled: config.extendedTypesEnabled,
		skipAcl: config.skipACL,
		isCopy: config.readOnlyCopy,
		enforceQuota: config.enforceQuota,
		checkExistsAcl: config.checkExistsAcl,
		versionSkipsMinusOne: config.versionSkipsMinusOne,
		eagerAclCheck: config.enableEagerACLCheck,
		reconfigEnabled: config.reconfigEnabled,
		standaloneEnabled: config.standaloneEnabled,
		aclSchemes: aclSchemes(config),
		superDigest: superDigest === '' ? null : superDigest,
		containerCheckIntervalMs: config['znode.container.checkIntervalMs'],
		containerMaxPerMinute: config['znode.container.maxPerMinute'],
		containerMaxNeverUsedIntervalMs: config['znode.container.maxNeverUsedIntervalMs'],
		globalOutstandingLimit: config.globalOutstandingLimit,
		// A single server has none, as ZooKeeper's.
		localSessionsEnabled: config.ensemble !== undefined && config.localSessionsEnabled,
		localSessionsUpgradingEnabled: config.ensemble !== undefined && config.localSessionsUpgradingEnabled,
	};
}

/** As in ZooKeeper, an access control list may name who can be there: the same keys belong on all servers of an ensemble. */
function aclSchemes(config: ServerConfig): readonly string[] {
	const certificates = config['grpc.tls.clientCa'] === '' ? [] : ['x509'];
	const scheme = config['grpc.jwt.scheme'];
	return config['grpc.jwt.jwks'] === '' ? certificates : [...certificates, scheme, `${scheme}${roleSuffix}`];
}
