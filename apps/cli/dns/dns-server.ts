/** DNS over UDP and TCP at one address. Whatever comes in, it goes on: a message costs at most its answer, a connection at most its own end. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { respond, serverFailure, type Transport } from './response.ts';
import type { Zone } from './zone.ts';

export interface DnsServerOptions {
	readonly host: string;
	/** 0: a free one, the same for both. */
	readonly port: number;
	/** As it is at the moment of a query. */
	readonly zone: () => Zone;
	/** Told of what went wrong on the way to an answer. */
	readonly failed: (error: Error) => void;
}

/** A connection that says nothing (RFC 7766 leaves it to the server). */
const idleMs = 10_000;
const mostConnections = 256;
/** Bytes of answers that a connection does not read; then nothing more is read from it. */
const mostUnreadBytes = 256 * 1024;
/** Of free ports for UDP, which may be taken for TCP. */
const mostAttempts = 20;

export class DnsServer {
	readonly #options: DnsServerOptions;
	readonly #connections = new Set<Socket>();
	#udp: UdpSocket | undefined;
	#tcp: Server | undefined;

	private constructor(options: DnsServerOptions) {
		this.#options = options;
	}

	/** @throws Error when it cannot listen there */
	static async start(options: DnsServerOptions): Promise<DnsServer> {
		const server = new DnsServer(options);
		for (let attempt = 1; ; attempt++) {
			try {
				await server.#listen();
				return server;
			} catch (error) {
				await server.close();
				const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
				if (options.port !== 0 || !isTaken || attempt === mostAttempts) throw error;
			}
		}
	}

	get port(): number {
		return this.#udp!.address().port;
	}

	async close(): Promise<void> {
		const [udp, tcp] = [this.#udp, this.#tcp];
		[this.#udp, this.#tcp] = [undefined, undefined];
		for (const connection of this.#connections) connection.destroy();
		await Promise.all([
			udp && new Promise<void>((resolve) => udp.close(() => resolve())),
			tcp && new Promise<void>((resolve) => tcp.close(() => resolve())),
		]);
	}

	async #listen(): Promise<void> {
		const { host, port, failed } = this.#options;
		const udp = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', reuseAddr: false });
		await new Promise<void>((resolve, reject) => {
			udp.once('error', (error) => {
				udp.close();
				reject(error);
			});
			udp.bind(port, host, resolve);
		});
		this.#udp = udp;
		udp.removeAllListeners('error').on('error', failed);
		udp.on('message', (message, { address, port: from }) => {
			const answer = this.#answer(message, 'udp');
			// Who asked may be gone: that is nobody's failure.
			if (answer !== undefined) udp.send(answer, from, address, () => {});
		});
		const tcp = createServer((connection) => this.#serve(connection));
		tcp.maxConnections = mostConnections;
		await new Promise<void>((resolve, reject) => {
			tcp.once('error', reject);
			tcp.listen(udp.address().port, host, resolve);
		});
		this.#tcp = tcp;
		tcp.removeAllListeners('error').on('error', failed);
	}

	/** Messages have their length in front of them, in two bytes. They are answered in their order. */
	#serve(connection: Socket): void {
		this.#connections.add(connection);
		let input: Buffer = Buffer.alloc(0);
		const take = (): void => {
			while (input.length >= 2 && connection.writableLength < mostUnreadBytes) {
				const end = 2 + input.readUInt16BE(0);
				if (input.length < end) break;
				const answer = this.#answer(input.subarray(2, end), 'tcp');
				input = input.subarray(end);
				if (answer === undefined) {
					// What is no query in a stream: nothing behind it can be trusted to be one.
					connection.destroy();
					return;
				}
				const length = Buffer.alloc(2);
				length.writeUInt16BE(answer.length);
				connection.write(Buffer.concat([length, answer]));
			}
			if (connection.writableLength >= mostUnreadBytes) connection.pause();
		};
		connection.setTimeout(idleMs, () => connection.destroy());
		connection.on('error', () => connection.destroy());
		connection.on('close', () => this.#connections.delete(connection));
		connection.on('drain', () => {
			take();
			if (connection.writableLength < mostUnreadBytes) connection.resume();
		});
		connection.on('data', (chunk) => {
			input = input.length === 0 ? chunk : Buffer.concat([input, chunk]);
			take();
		});
	}

	#answer(message: Buffer, transport: Transport): Buffer | undefined {
		try {
			return respond(message, this.#options.zone(), transport);
		} catch (error) {
			this.#options.failed(error as Error);
			return serverFailure(message);
		}
	}
}
