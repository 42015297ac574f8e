/** A way to a server that breaks when so many bytes have come through: in front of some that were read, so that the other side never has them, or behind them, so that it has them and nobody hears of it. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface ByteCut {
	readonly direction: 'to server' | 'to client';
	/** Counted over all connections, from when the cut was planned. */
	readonly bytes: number;
	/** Whether those up to there arrive. Otherwise those of the same packet are lost as well. */
	readonly arrives: boolean;
}

export class CuttingCable {
	/** host:port to connect to. */
	readonly address: string;
	/** host:port that it leads to, from the next connection on. */
	target: string;
	cuts = 0;
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	readonly #passed = { 'to server': 0, 'to client': 0 };
	#next: ByteCut | null = null;
	/** Asked for the next cut when one was made. */
	plan: () => ByteCut | null = () => null;

	private constructor(address: string, target: string, server: Server) {
		this.address = address;
		this.target = target;
		this.#server = server;
	}

	/** @param target host:port */
	static async lay(target: string): Promise<CuttingCable> {
		const server = createServer();
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		const { port: own } = server.address() as { port: number };
		const cable = new CuttingCable(`127.0.0.1:${own}`, target, server);
		server.on('connection', (client) => {
			const [host, to] = cable.target.split(':') as [string, string];
			cable.#connect(client, connect(Number(to), host));
		});
		return cable;
	}

	/** Somebody is connected through it. */
	get isInUse(): boolean {
		return this.#sockets.size > 0;
	}

	/** From now on. */
	arm(): void {
		this.#passed['to server'] = 0;
		this.#passed['to client'] = 0;
		this.#next = this.plan();
	}

	/** The cut that is planned has not been made. */
	get isArmed(): boolean {
		return this.#next !== null;
	}

	disarm(): void {
		this.#next = null;
	}

	async close(): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		await new Promise((resolve) => this.#server.close(resolve));
	}

	#connect(client: Socket, server: Socket): void {
		for (const [from, to, direction] of [
			[client, server, 'to server'],
			[server, client, 'to client'],
		] as const) {
			this.#sockets.add(from);
			from.setNoDelay(true);
			from.on('error', () => {});
			from.on('close', () => {
				this.#sockets.delete(from);
				to.destroy();
			});
			from.on('data', (bytes) => this.#pass(bytes, from, to, direction));
		}
	}

	#pass(bytes: Buffer, from: Socket, to: Socket, direction: ByteCut['direction']): void {
		const passed = this.#passed[direction];
		const cut = this.#next;
		this.#passed[direction] += bytes.length;
		if (cut?.direction !== direction || this.#passed[direction] < cut.bytes) {
			to.write(bytes);
			return;
		}
		this.cuts += 1;
		this.#next = null;
		for (const socket of [from, to]) socket.removeAllListeners('data');
		from.removeAllListeners('close');
		this.#sockets.delete(from);
		from.destroy();
		const part = bytes.subarray(0, cut.bytes - passed);
		// What was sent before is read on the other side, in front of the end.
		to.resume();
		if (cut.arrives && part.length > 0) to.end(part);
		else to.end();
		this.arm();
	}
}
