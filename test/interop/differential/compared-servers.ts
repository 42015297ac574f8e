/** The two servers of a comparison, with the same settings: the real ZooKeeper and Chronokeeper. */
import { join } from 'node:path';
import { freePort } from '#test/support/processes';
import { RealZooKeeper, superUser } from '#test/support/real-zookeeper';
import type { TestServers } from '#test/support/test-servers';
import { ComparedServer } from './comparison.ts';
import { maxTimeoutMs, minTimeoutMs } from './generator.ts';
import type { Names } from './transcript.ts';

export interface Settings {
	readonly enforceQuota: boolean;
	readonly extendedTypesEnabled: boolean;
	readonly reconfigEnabled: boolean;
	readonly skipACL: boolean;
	readonly tickTime: number;
	readonly minSessionTimeout: number;
	readonly maxSessionTimeout: number;
	/** How often containers and TTL nodes are looked at. */
	readonly 'znode.container.checkIntervalMs': number;
}

const neverMs = 86_400_000;

/** Nothing expires or goes by itself while a script runs, and hard quotas are enforced. */
export const patient: Settings = {
	enforceQuota: true,
	extendedTypesEnabled: true,
	reconfigEnabled: false,
	skipACL: false,
	tickTime: 2000,
	minSessionTimeout: minTimeoutMs,
	maxSessionTimeout: maxTimeoutMs,
	'znode.container.checkIntervalMs': neverMs,
};

/** The other value of each switch but one. */
export const otherwise: Settings = {
	...patient,
	enforceQuota: false,
	extendedTypesEnabled: false,
	reconfigEnabled: true,
};

export class StoppableServer extends ComparedServer {
	readonly #stop: () => Promise<unknown>;

	constructor(name: string, port: number, names: Names | undefined, stop: () => Promise<unknown>) {
		super(name, port, names);
		this.#stop = stop;
	}

	async stop(): Promise<void> {
		await this.#stop();
	}
}

export async function startZooKeeper(
	servers: TestServers,
	dataDir: string,
	settings: Settings,
	names?: Names,
): Promise<StoppableServer> {
	const { enforceQuota, extendedTypesEnabled, reconfigEnabled, skipACL, ...others } = settings;
	const { 'znode.container.checkIntervalMs': checkIntervalMs, ...config } = others;
	const properties = {
		'zookeeper.enforceQuota': String(enforceQuota),
		'zookeeper.skipACL': skipACL ? 'yes' : 'no',
		'zookeeper.extendedTypesEnabled': String(extendedTypesEnabled),
		'znode.container.checkIntervalMs': String(checkIntervalMs),
	};
	const server = await RealZooKeeper.start({
		dataDir,
		config: { ...config, reconfigEnabled: String(reconfigEnabled) },
		properties,
	});
	servers.keep({ close: () => server.stop('SIGKILL') });
	return new StoppableServer('ZooKeeper', server.port, names, () => server.stop('SIGKILL'));
}

export async function startChronokeeper(
	servers: TestServers,
	dataDir: string,
	settings: Settings,
	names?: Names,
): Promise<StoppableServer> {
	const clientPort = await freePort();
	const server = await servers.start(dataDir, {
		...settings,
		clientPort,
		clientPortAddress: '127.0.0.1',
		maxClientCnxns: 0,
		'DigestAuthenticationProvider.superDigest': superUser.digest,
	});
	return new StoppableServer('Chronokeeper', clientPort, names, () => server.close());
}

/** Both on empty directories: the zxids they give are the same ones as long as they behave alike. */
export async function startPair(servers: TestServers, settings: Settings): Promise<[StoppableServer, StoppableServer]> {
	const folder = servers.newDirectory();
	return [
		await startZooKeeper(servers, join(folder, 'zookeeper'), settings),
		await startChronokeeper(servers, join(folder, 'chronokeeper'), settings),
	];
}
