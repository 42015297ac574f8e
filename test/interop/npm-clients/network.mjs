/** A network between client and server that can fail. */
import { connect, createServer } from 'node:net';

export class Network {
	#pairs = new Set();
	#frozen = false;
	#listener;

	/** @param to host:port */
	static async open(to) {
		const [host, port] = to.split(':');
		const network = new Network();
		network.#listener = createServer((client) => network.#join(client, connect(Number(port), host)));
		await new Promise((resolve) => network.#listener.listen(0, '127.0.0.1', resolve));
		return network;
	}

	get address() {
		return `127.0.0.1:${this.#listener.address().port}`;
	}

	/** Ends the connections there are. New ones may be made. */
	cut() {
		for (const one of this.#pairs) one.destroy();
	}

	/** Keeps the connections and passes nothing on, in new ones neither. */
	freeze() {
		this.#frozen = true;
		for (const one of this.#pairs) one.pause();
	}

	thaw() {
		this.#frozen = false;
		for (const one of this.#pairs) one.resume();
	}

	close() {
		this.#listener.close();
		this.cut();
	}

	#join(client, server) {
		for (const [one, other] of [
			[client, server],
			[server, client],
		]) {
			this.#pairs.add(one);
			one.on('data', (chunk) => other.write(chunk));
			one.on('error', () => {});
			one.on('close', () => {
				this.#pairs.delete(one);
				other.destroy();
			});
			if (this.#frozen) one.pause();
		}
	}
}
