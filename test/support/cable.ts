/** A way to a server that can be unplugged: connections break, and new ones come to nothing. Or it is silent: they stay, and nothing comes through them. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Cable {
	/** host:port to connect to. */
	readonly address: string;
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	#target: string;
	#isPlugged = true;
	#isSilent = false;

	private constructor(address: string, server: Server, target: string) {
		this.address = address;
		this.#server = server;
		this.#target = target;
	}

	/** @param target host:port */
	static async lay(target: string): Promise<Cable> {
		const server = createServer();
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		const { port: own } = server.address() as { port: number };
		const cable = new Cable(`127.0.0.1:${own}`, server, target);
		server.on('connection', (client) => cable.#connect(client));
		return cable;
	}

	/** Where new connections come out: a server that was started again may have another port. @param target host:port */
	leadTo(target: string): void {
		this.#target = target;
	}

	/** What there is breaks. */
	cut(): void {
		for (const socket of this.#sockets) socket.destroy();
	}

	unplug(): void {
		this.#isPlugged = false;
		this.cut();
	}

	silence(): void {
		this.#isSilent = true;
	}

	/** As it was. What was swallowed is lost: connections that were silent break. */
	plug(): void {
		if (this.#isSilent) this.cut();
		this.#isSilent = false;
		this.#isPlugged = true;
	}

	async close(): Promise<void> {
		this.unplug();
		await new Promise((resolve) => this.#server.close(resolve));
	}

	#connect(client: Socket): void {
		if (!this.#isPlugged) {
			client.destroy();
			return;
		}
		const [host, port] = this.#target.split(':') as [string, string];
		const server = connect(Number(port), host);
		for (const [from, to] of [
			[client, server],
			[server, client],
		] as const) {
			this.#sockets.add(from);
			from.setNoDelay(true);
			from.on('error', () => {});
			from.on('close', () => {
				this.#sockets.delete(from);
				to.destroy();
			});
			from.on('data', (bytes) => {
				if (!this.#isSilent) to.write(bytes);
			});
		}
	}
}
