/** What the election and the quorum port both do with sockets: to listen on their addresses, and to reach one of a server's. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { After } from '#core/ports/timers';
import type { HostPort } from '#core/zab/quorum-config';

/**
 * One line for people about a connection that went wrong. What a server can repeat at will is said the first time only.
 */
export type Warn = (message: string) => void;

export const systemAfter: After = (ms, run) => {
	const timer = setTimeout(run, ms);
	return () => clearTimeout(timer);
};

/** An attempt at several addresses of one name has an error for each, and no message. */
export function problemOf(error: Error): string {
	if (error.message !== '') return error.message;
	return error instanceof AggregateError ? error.errors.map((each: Error) => problemOf(each)).join(', ') : error.name;
}

/** `host:port`, brackets around an IPv6 address. */
export function formatAddress({ host, port }: HostPort): string {
	return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function formatAddresses(addresses: readonly HostPort[]): string {
	return addresses.map(formatAddress).join(', ');
}

/** Who is at the other end, an IPv4 address as such. */
export function remoteAddress(socket: Socket): string {
	const host = (socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, '');
	return formatAddress({ host, port: socket.remotePort ?? 0 });
}

/**
 * Listens on all of these addresses; an empty host is every address of the machine. Sockets come with noDelay.
 * @throws Error naming the address that cannot be listened on; then on none
 */
export async function listen(
	addresses: readonly HostPort[],
	accept: (socket: Socket) => void,
	keepAlive: boolean,
): Promise<Server[]> {
	const servers: Server[] = [];
	try {
		for (const { host, port } of addresses) {
			const server = createServer({ noDelay: true, keepAlive, keepAliveInitialDelay: keepAliveMs }, accept);
			server.listen({ port, ...(host === '' ? {} : { host }) });
			await once(server, 'listening').catch((error: unknown) => {
				throw new Error(`${formatAddress({ host, port })} cannot be listened on: ${(error as Error).message}`, {
					cause: error,
				});
			});
			// A connection that could not be accepted, for want of file descriptors: the other side tries again.
			server.on('error', () => {});
			servers.push(server);
		}
		return servers;
	} catch (error) {
		for (const server of servers) server.close();
		throw error;
	}
}

export interface ConnectOptions {
	readonly after: After;
	/** For everything together. */
	readonly timeoutMs: number;
	/** How often each address is tried, and what lies between. */
	readonly attempts: number;
	readonly retryMs: number;
	readonly keepAlive: boolean;
	/** Gives it up. */
	readonly signal?: AbortSignal;
}

const keepAliveMs = 10_000;

/**
 * Tries the addresses at the same time, each by itself again and again. The first that answers wins. The socket has noDelay and no
 * listener.
 * @throws Error with what became of every address
 */
export function connectToAny(addresses: readonly HostPort[], options: ConnectOptions): Promise<Socket> {
	return new Promise((resolve, reject) => {
		const { signal } = options;
		const problems: string[] = [];
		const finish = (settle: () => void): void => {
			cancelTimeout();
			signal?.removeEventListener('abort', onAbort);
			for (const attempt of attempts) attempt.cancel();
			settle();
		};
		const fail = (problem: string): void => finish(() => reject(new Error(problem)));
		const onAbort = (): void => fail('the port was closed');
		const cancelTimeout = options.after(options.timeoutMs, () =>
			fail(`no answer from ${formatAddresses(addresses)} within ${options.timeoutMs} ms`),
		);
		const attempts = addresses.map(
			(address) =>
				new Attempts(address, options, {
					connected: (socket) => finish(() => resolve(socket)),
					failed: (error) => {
						problems.push(`${formatAddress(address)}: ${problemOf(error)}`);
						if (problems.length === addresses.length) fail(problems.join('; '));
					},
				}),
		);
		if (addresses.length === 0) fail('no address is known');
		else if (signal?.aborted) onAbort();
		else signal?.addEventListener('abort', onAbort);
	});
}

/** Of one address. Nothing is said after cancel(), nor from inside the constructor. */
class Attempts {
	readonly #address: HostPort;
	readonly #options: ConnectOptions;
	readonly #outcome: { connected(socket: Socket): void; failed(error: Error): void };
	#left: number;
	#socket: Socket | null = null;
	#cancelRetry: (() => void) | null = null;

	constructor(
		address: HostPort,
		options: ConnectOptions,
		outcome: { connected(socket: Socket): void; failed(error: Error): void },
	) {
		this.#address = address;
		this.#options = options;
		this.#outcome = outcome;
		this.#left = options.attempts;
		this.#try();
	}

	cancel(): void {
		this.#cancelRetry?.();
		this.#socket?.destroy();
		this.#socket = null;
	}

	#try(): void {
		this.#left--;
		const { keepAlive } = this.#options;
		const socket = connect({ ...this.#address, noDelay: true, keepAlive, keepAliveInitialDelay: keepAliveMs });
		this.#socket = socket;
		let problem = new Error('it connected to itself');
		socket.on('error', (error) => {
			problem = error;
		});
		socket.on('connect', () => {
			// Where nobody listens, a port out of the range for outgoing connections can be reached from the very same port.
			if (socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress) {
				socket.destroy();
				return;
			}
			this.#socket = null;
			this.#outcome.connected(socket);
		});
		socket.on('close', () => {
			if (this.#socket !== socket) return;
			this.#socket = null;
			if (this.#left === 0) this.#outcome.failed(problem);
			else this.#cancelRetry = this.#options.after(this.#options.retryMs, () => this.#try());
		});
	}
}
