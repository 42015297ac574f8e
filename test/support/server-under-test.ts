/**
 * The server that clients we did not write are tried on: Chronokeeper as a process of its own. With INTEROP_SERVER=zookeeper it is the real
 * ZooKeeper, to see that a spec asks for what ZooKeeper does.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './processes.ts';
import { RealZooKeeper, superUser } from './real-zookeeper.ts';
import { ServerProcess } from './server-process.ts';

const onZooKeeper = process.env.INTEROP_SERVER === 'zookeeper';
/** The shortest session timeout is two of them, the longest twenty. */
const tickTimeMs = 500;
const containerCheckIntervalMs = 300;

type Running = RealZooKeeper | ServerProcess;

export class ServerUnderTest {
	readonly port: number;
	readonly #folder: string;
	#running: Running;

	private constructor(running: Running, port: number, folder: string) {
		this.#running = running;
		this.port = port;
		this.#folder = folder;
	}

	static async start(): Promise<ServerUnderTest> {
		const port = await freePort();
		const folder = mkdtempSync(join(tmpdir(), 'server-under-test-'));
		try {
			return new ServerUnderTest(await run(folder, port), port, folder);
		} catch (error) {
			rmSync(folder, { recursive: true, force: true });
			throw error;
		}
	}

	/** host:port of ZooKeeper's client port. */
	get address(): string {
		return `127.0.0.1:${this.port}`;
	}

	/** host:port of the gRPC door, which ZooKeeper has not. */
	get grpc(): string {
		if (this.#running instanceof RealZooKeeper) throw new Error('ZooKeeper has no gRPC door');
		return this.#running.grpc;
	}

	get log(): string {
		return this.#running.log;
	}

	/** On the same port and directory; killed, or asked to stop. */
	async restart(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
		await this.#running.stop(signal);
		this.#running = await run(this.#folder, this.port);
	}

	async stop(): Promise<void> {
		await this.#running.stop('SIGKILL');
		rmSync(this.#folder, { recursive: true, force: true });
	}
}

function run(folder: string, port: number): Promise<Running> {
	const dataDir = join(folder, 'data');
	if (onZooKeeper) {
		const properties = { 'znode.container.checkIntervalMs': String(containerCheckIntervalMs) };
		return RealZooKeeper.start({ dataDir, port, properties, config: { tickTime: tickTimeMs } });
	}
	return ServerProcess.start(dataDir, {
		CK_CLIENT_PORT: String(port),
		CK_CLIENT_PORT_ADDRESS: '127.0.0.1',
		CK_TICK_TIME: String(tickTimeMs),
		CK_EXTENDED_TYPES_ENABLED: 'true',
		CK_ZNODE_CONTAINER_CHECK_INTERVAL_MS: String(containerCheckIntervalMs),
		CK_DIGEST_AUTHENTICATION_PROVIDER_SUPER_DIGEST: superUser.digest,
		CK_4LW_COMMANDS_WHITELIST: '*',
	});
}
