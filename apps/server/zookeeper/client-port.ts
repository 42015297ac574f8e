/** ZooKeeper's client port: accepts connections, within their limits, and hands each one to a ClientConnection. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { SessionId } from '#core/model/zxid';
import type { HostPort } from '#core/zab/quorum-config';
import { isEveryHost } from '#core/zab/quorum-server';
import type { DoorMetrics } from '#telemetry/door-metrics';
import type { Logger } from '#telemetry/logger';
import type { Tracing } from '#telemetry/tracing';
import type { ServerConfig } from '../config/config.ts';
import { portOrAny } from '../default-port.ts';
import type { Replica, ReplicaDoor } from '../replica/replica.ts';
import { ClientConnection } from './client-connection.ts';
import { Connections } from './connections.ts';
import { Limits } from './limits.ts';
import { PortContext } from './port-context.ts';
import { Refusals } from './refusals.ts';
import type { ServerView } from './server-view.ts';
import { ServiceStats } from './service-stats.ts';
import { socketLimit } from './socket-limit.ts';
import { TraceMask } from './trace-mask.ts';

export interface ClientPortParts {
	readonly config: ServerConfig;
	readonly replica: Replica;
	readonly logger: Logger;
	readonly tracing: Tracing;
	readonly metrics: DoorMetrics;
}

/** ZooKeeper leaves it to Java, which takes 50: a thousand clients that come back at once are more. */
const defaultBacklog = 1024;
/** How often connections without a session are looked at. */
const sweepMs = 1000;

type ClientSocket = Socket & { connection?: ClientConnection };

export class ClientPort implements ReplicaDoor {
	readonly view: ServerView;
	readonly #config: ServerConfig;
	readonly #logger: Logger;
	#server: Server;
	readonly #connections = new Connections<ClientConnection>();
	readonly #stats = new ServiceStats();
	readonly #context: PortContext;
	readonly #socketLimit = socketLimit();
	readonly #refusals: Refusals;
	readonly #sweeper: NodeJS.Timeout;
	/** What is listened on; an empty host is every address. Port 0: nothing. */
	#address: HostPort = { host: '', port: 0 };
	/** Settles when no move is under way. */
	#moved: Promise<void> = Promise.resolve();
	#isClosed = false;

	/** Use open(). */
	private constructor(parts: ClientPortParts) {
		const { config, replica, logger, tracing, metrics } = parts;
		this.#config = config;
		this.#logger = logger;
		this.#refusals = new Refusals(logger);
		const port = () => this.#address.port;
		this.view = {
			config,
			replica,
			connections: this.#connections,
			stats: this.#stats,
			traceMask: new TraceMask(),
			limits: new Limits(config),
			get clientPort() {
				return port();
			},
		};
		const sessionTaken = (id: SessionId) => replica.sessionTaken(id, this);
		this.#context = new PortContext({ view: this.view, logger, tracing, metrics, sessionTaken });
		this.#server = this.#newServer();
		this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
		this.#sweeper.unref();
	}

	/** Listens when `clientPort` is not 0. @throws Error naming the port and the keys when it cannot be listened on */
	static async open(parts: ClientPortParts): Promise<ClientPort> {
		const port = new ClientPort(parts);
		parts.replica.attach(port);
		if (parts.config.clientPort !== 0) await port.#open();
		return port;
	}

	/** A reconfiguration says that clients connect there. Those that are connected stay, as at ZooKeeper. */
	moved(address: HostPort): void {
		this.#moved = this.#moved.then(() => this.#move({ host: hostOf(address), port: address.port }));
	}

	/** Of the host's batch. */
	answered(): void {
		this.#context.answered();
	}

	sessionClosed(id: SessionId): void {
		this.#connections.ofSession(id)?.close('its session is over');
	}

	sessionTaken(id: SessionId): void {
		this.#connections.ofSession(id)?.close('the session was attached over gRPC');
	}

	/** Sessions live on: their clients find another replica, or this one when it has a leader again. */
	suspended(reason: Error): void {
		for (const connection of [...this.#connections]) connection.close(reason.message);
	}

	/** Accepts and reads nothing more; resolves when what is under way is answered, or after so many milliseconds. */
	async drain(timeoutMs: number): Promise<void> {
		clearInterval(this.#sweeper);
		this.#isClosed = true;
		this.#server.close();
		for (const connection of this.#connections) connection.drain();
		const until = performance.now() + timeoutMs;
		while (this.#hasOutstanding() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
	}

	/** Closes every connection. Sessions live on: their clients come back. */
	close(): void {
		for (const connection of [...this.#connections]) connection.close('the server stops');
	}

	async #open(): Promise<void> {
		const { clientPortAddress: host } = this.#config;
		const port = await portOrAny(this.#config, 'clientPort', host, this.#logger);
		try {
			await this.#listen({ host, port });
		} catch (error) {
			throw new Error(
				`the client port ${shown({ host, port })} cannot be listened on (clientPort, clientPortAddress): ${(error as Error).message}`,
				{ cause: error },
			);
		}
	}

	async #move(address: HostPort): Promise<void> {
		const before = this.#address;
		const former = this.#server;
		if (this.#isClosed || (before.port === address.port && hostOf(before) === hostOf(address))) return;
		// With another port, the old one is given up when the new one is there.
		if (before.port === address.port) former.close();
		this.#server = this.#newServer();
		try {
			await this.#listen(address);
		} catch (error) {
			this.#logger.error(
				`clients are to connect to ${shown(address)} from now on, which cannot be listened on: ${(error as Error).message}. It stays ${shown(before)} until the next start`,
			);
			this.#server = former;
			if (before.port !== address.port) return;
			this.#server = this.#newServer();
			await this.#listen(before).catch((again: unknown) =>
				this.#logger.error({ err: again }, 'there is no client port'),
			);
			return;
		}
		if (before.port !== 0 && before.port !== address.port) former.close();
		this.#logger.info(`clients connect to ${shown(address)} from now on`);
	}

	#newServer(): Server {
		return createServer({ noDelay: true }, (socket) => this.#accept(socket));
	}

	async #listen({ host, port }: HostPort): Promise<void> {
		const server = this.#server;
		const { clientPortListenBacklog } = this.#config;
		const backlog = clientPortListenBacklog > 0 ? clientPortListenBacklog : defaultBacklog;
		server.listen({ port, backlog, ...(host === '' ? {} : { host }) });
		await once(server, 'listening');
		this.#address = { host, port: (server.address() as AddressInfo).port };
		server.on('error', (error) => this.#logger.warn({ err: error }, 'a connection could not be accepted'));
		if (this.#isClosed) server.close();
	}

	#accept(socket: ClientSocket): void {
		socket.on('error', ignoreError);
		const connection = new ClientConnection(socket, this.#context);
		const limit = this.#limitFor(connection.address);
		if (limit !== undefined) {
			this.#stats.connectionsRejected += 1;
			this.#refusals.refused(connection.address, limit);
			socket.destroy();
			return;
		}
		this.#context.sockets += 1;
		this.#connections.add(connection);
		socket.connection = connection;
		socket.on('data', onData);
		socket.on('drain', onDrain);
		socket.on('close', onClose);
	}

	/** Why there may be no further connection; undefined when there may. */
	#limitFor(address: string): string | undefined {
		const { maxCnxns, maxClientCnxns } = this.#config;
		if (maxCnxns > 0 && this.#connections.size >= maxCnxns) return `there are ${maxCnxns} already (maxCnxns)`;
		if (this.#context.sockets >= this.#socketLimit)
			return `the process may not open more files, and the log needs some (ulimit -n; ${this.#socketLimit} connections)`;
		if (maxClientCnxns > 0 && this.#connections.countFrom(address) >= maxClientCnxns)
			return `there are ${maxClientCnxns} from this address already (maxClientCnxns)`;
		return undefined;
	}

	/** Whoever connects and says nothing goes (`nio.sessionlessCnxnTimeout`). */
	#sweep(): void {
		this.#context.backedUp.noteProgress();
		const before = Date.now() - this.#config['nio.sessionlessCnxnTimeout'];
		for (const connection of this.#connections) {
			if (!connection.isSessionless || connection.stats.establishedMs >= before) continue;
			this.#stats.sessionlessExpired += 1;
			connection.close('it opened no session');
		}
	}

	#hasOutstanding(): boolean {
		for (const connection of this.#connections) if (connection.outstanding > 0) return true;
		return false;
	}
}

/** Some write the address of all of them, some leave it out. */
function hostOf({ host }: HostPort): string {
	return isEveryHost(host) ? '' : host;
}

function shown({ host, port }: HostPort): string {
	return host === '' ? String(port) : `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

// One function each for all sockets: ten thousand idle connections keep no closures.
function onData(this: ClientSocket, chunk: Uint8Array): void {
	this.connection?.received(chunk);
}

function onDrain(this: ClientSocket): void {
	this.connection?.drained();
}

function onClose(this: ClientSocket): void {
	this.connection?.closed();
}

/** A reset or a broken pipe: `close` follows and does what is to be done. */
function ignoreError(): void {}
