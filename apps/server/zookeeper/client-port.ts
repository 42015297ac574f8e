/** ZooKeeper's client port: accepts connections, within their limits, and hands each one to a ClientConnection. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { SessionId } from '#core/model/zxid';
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
	readonly #server: Server;
	readonly #connections = new Connections<ClientConnection>();
	readonly #stats = new ServiceStats();
	readonly #context: PortContext;
	readonly #socketLimit = socketLimit();
	readonly #refusals: Refusals;
	readonly #sweeper: NodeJS.Timeout;
	#port = 0;

	/** Use open(). */
	private constructor(parts: ClientPortParts) {
		const { config, replica, logger, tracing } = parts;
		this.#config = config;
		this.#logger = logger;
		this.#refusals = new Refusals(logger);
		const port = () => this.#port;
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
		this.#context = new PortContext({ view: this.view, logger, tracing });
		this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
		this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
		this.#sweeper.unref();
	}

	/** Listens when `clientPort` is not 0. @throws Error naming the port and the keys when it cannot be listened on */
	static async open(parts: ClientPortParts): Promise<ClientPort> {
		const port = new ClientPort(parts);
		parts.replica.attach(port);
		if (parts.config.clientPort !== 0) await port.#listen();
		return port;
	}

	/** Of the host's batch. */
	answered(): void {
		this.#context.answered();
	}

	sessionClosed(id: SessionId): void {
		this.#connections.ofSession(id)?.close('its session is over');
	}

	/** Sessions live on: their clients find another replica, or this one when it has a leader again. */
	suspended(reason: Error): void {
		for (const connection of [...this.#connections]) connection.close(reason.message);
	}

	/** Accepts and reads nothing more; resolves when what is under way is answered, or after so many milliseconds. */
	async drain(timeoutMs: number): Promise<void> {
		clearInterval(this.#sweeper);
		this.#server.close();
		for (const connection of this.#connections) connection.drain();
		const until = performance.now() + timeoutMs;
		while (this.#hasOutstanding() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
	}

	/** Closes every connection. Sessions live on: their clients come back. */
	close(): void {
		for (const connection of [...this.#connections]) connection.close('the server stops');
	}

	async #listen(): Promise<void> {
		const { clientPortAddress: host, clientPortListenBacklog } = this.#config;
		const port = await portOrAny(this.#config, 'clientPort', host, this.#logger);
		const backlog = clientPortListenBacklog > 0 ? clientPortListenBacklog : defaultBacklog;
		this.#server.listen({ port, backlog, ...(host === '' ? {} : { host }) });
		try {
			await once(this.#server, 'listening');
		} catch (error) {
			const address = `${host === '' ? '' : `${host}:`}${port}`;
			throw new Error(
				`the client port ${address} cannot be listened on (clientPort, clientPortAddress): ${(error as Error).message}`,
				{ cause: error },
			);
		}
		this.#port = (this.#server.address() as AddressInfo).port;
		this.#server.on('error', (error) => this.#logger.warn({ err: error }, 'a connection could not be accepted'));
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
