/** The configuration that ZooKeeper shows: `conf`, and the AdminServer's `configuration`. */
import type { ServerView } from '../server-view.ts';

export interface ConfigurationFigures {
	/** -1: none, as for the other one. */
	readonly clientPort: number;
	readonly secureClientPort: number;
	readonly dataDir: string;
	readonly dataLogDir: string;
	readonly tickTime: number;
	readonly maxClientCnxns: number;
	readonly minSessionTimeout: number;
	readonly maxSessionTimeout: number;
	readonly clientPortListenBacklog: number;
	readonly serverId: number;
}

export function configurationFigures({ config, clientPort, replica }: ServerView): ConfigurationFigures {
	return {
		clientPort: clientPort === 0 ? -1 : clientPort,
		secureClientPort: config.secureClientPort === 0 ? -1 : config.secureClientPort,
		dataDir: replica.directory.snapshotDirectory,
		dataLogDir: replica.directory.logDirectory,
		tickTime: config.tickTime,
		maxClientCnxns: config.maxClientCnxns,
		minSessionTimeout: config.minSessionTimeout,
		maxSessionTimeout: config.maxSessionTimeout,
		clientPortListenBacklog: config.clientPortListenBacklog,
		serverId: config.serverId,
	};
}
