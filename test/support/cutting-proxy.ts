/** A proxy in front of PostgreSQL that cuts the connection at a message of a client: in front of it, or behind it, when the server has it and the answer is lost. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Cut {
	/** Which message of the transaction, from 0, which is its `begin`. */
	readonly message: number;
	readonly isForwarded: boolean;
}

export class CuttingProxy {
	readonly url: string;
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	#cut: Cut | null = null;
	/** The messages of the last transaction that was seen to its end. */
	messages = 0;

	private constructor(url: string, server: Server) {
		this.url = url;
		this.#server = server;
	}

	static async open(databaseUrl: string): Promise<CuttingProxy> {
		const target = new URL(databaseUrl);
		const server = createServer();
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		const address = server.address();
		const url = new URL(databaseUrl);
		url.host = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
		const proxy = new CuttingProxy(url.href, server);
		server.on('connection', (client) => proxy.#serve(client, Number(target.port), target.hostname));
		return proxy;
	}

	/** Once: the next transaction that has so many messages. */
	arm(cut: Cut): void {
		this.#cut = cut;
	}

	/** Whether the cut is still to come. */
	get armed(): boolean {
		return this.#cut !== null;
	}

	disarm(): void {
		this.#cut = null;
	}

	async close(): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		await new Promise((resolve) => this.#server.close(resolve));
	}

	#serve(client: Socket, port: number, host: string): void {
		const server = connect(port, host);
		for (const socket of [client, server]) {
			this.#sockets.add(socket);
			socket.setNoDelay(true);
			socket.on('error', () => undefined);
			socket.on('close', () => {
				this.#sockets.delete(socket);
				client.destroy();
				server.destroy();
			});
		}
		server.on('data', (bytes) => client.write(bytes));
		let rest: Buffer = Buffer.alloc(0);
		let isStarted = false;
		let message = -1;
		client.on('data', (chunk) => {
			rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
			for (;;) {
				const head = isStarted ? 5 : 4;
				if (rest.length < head) return;
				const length = rest.readInt32BE(head - 4) + head - 4;
				if (rest.length < length) return;
				const bytes = rest.subarray(0, length);
				rest = rest.subarray(length);
				const text = isStarted && bytes[0] === 0x51 ? bytes.toString('latin1', 5, length - 1) : '';
				isStarted = true;
				if (text === 'begin') message = 0;
				else if (message >= 0) message++;
				if (this.#cut !== null && message === this.#cut.message) {
					const { isForwarded } = this.#cut;
					this.#cut = null;
					server.removeAllListeners('data');
					// What the server has been sent it works off, although nobody is there any more to be told.
					if (isForwarded) server.write(bytes, () => client.destroy());
					else client.destroy();
					return;
				}
				server.write(bytes);
				if (text === 'commit' || text === 'rollback') {
					this.messages = message;
					message = -1;
				}
			}
		});
	}
}
