/** Thousands of clients that are connected and only ping. */
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { readConnectResponse, writeConnectRequest } from '#jute/client/connect';
import { JuteReader, JuteWriter } from '#jute/codec';
import { opCode, specialXid } from '#jute/op-codes';
import type { SessionId } from '#jute/scalars';

const timeoutMs = 30_000;
const atOnce = 200;

export class IdleSessions {
	readonly #sockets: Socket[] = [];
	/** Connections that the server closed, and refused sessions. */
	lost = 0;
	pongs = 0;

	get size(): number {
		return this.#sockets.length;
	}

	async open(address: string, count: number): Promise<void> {
		const [host, port] = address.split(':');
		for (let opened = 0; opened < count; opened += atOnce) {
			const group = Math.min(atOnce, count - opened);
			await Promise.all(Array.from({ length: group }, () => this.#openOne(host!, Number(port))));
		}
	}

	/** Pings every third of the session timeout. */
	async hold(seconds: number): Promise<void> {
		const until = performance.now() + seconds * 1000;
		while (performance.now() < until) {
			for (const socket of this.#sockets) socket.write(ping);
			await pause(Math.min(timeoutMs / 3, Math.max(0, until - performance.now())));
		}
	}

	close(): void {
		for (const socket of this.#sockets) socket.removeAllListeners('close').destroy();
	}

	#openOne(host: string, port: number): Promise<void> {
		return new Promise((resolve, reject) => {
			const socket = connect(port, host, () => socket.write(hello));
			socket.setNoDelay(true);
			socket.on('error', reject);
			socket.once('data', (chunk) => {
				const answer = readConnectResponse(new JuteReader(chunk, 4));
				if (answer.timeoutMs <= 0) this.lost += 1;
				socket.on('data', () => (this.pongs += 1));
				resolve();
			});
			socket.on('close', () => (this.lost += 1));
			this.#sockets.push(socket);
		});
	}
}

const hello = frame((writer) =>
	writeConnectRequest(writer, {
		protocolVersion: 0,
		lastZxidSeen: 0,
		timeoutMs,
		sessionId: 0n as SessionId,
		password: new Uint8Array(16),
		readOnly: false,
	}),
);
const ping = frame((writer) => {
	writer.writeInt(specialXid.ping);
	writer.writeInt(opCode.ping);
});

function frame(write: (writer: JuteWriter) => void): Uint8Array {
	const writer = new JuteWriter();
	writer.writeInt(0);
	write(writer);
	writer.patchInt(0, writer.position - 4);
	return writer.view().slice();
}
