/** One TCP connection to a server: whole frames in both directions, and when the last ones were. */
import { connect, type Socket } from 'node:net';
import { JuteReader, JuteWriter } from '#jute/codec';
import type { Host } from './connect-string.ts';

export interface ConnectionEvents {
	/** What it throws ends the connection. */
	frame(reader: JuteReader): void;
	/** Once, whoever closed it. */
	closed(): void;
}

export class Connection {
	readonly #socket: Socket;
	readonly #maxFrameBytes: number;
	readonly #events: ConnectionEvents;
	readonly #writer = new JuteWriter();
	#chunks: Buffer[] = [];
	#gathered = 0;
	/** Bytes that must have gathered before it is worth a look. */
	#wanted = 4;
	#heardAt = performance.now();
	#sentAt = performance.now();

	/** `opened` is told when requests can be sent. Frames of `maxFrameBytes` and more are refused, as ZooKeeper's client does. */
	constructor(host: Host, maxFrameBytes: number, events: ConnectionEvents, opened: () => void) {
		this.#maxFrameBytes = maxFrameBytes;
		this.#events = events;
		this.#socket = connect({ host: host.host, port: host.port, noDelay: true }, () => {
			this.#heardAt = this.#sentAt = performance.now();
			opened();
		});
		this.#socket.on('data', (chunk) => this.#received(chunk));
		// 'close' follows, and says all there is to say.
		this.#socket.on('error', () => {});
		this.#socket.on('close', () => events.closed());
	}

	get idleReceivingMs(): number {
		return performance.now() - this.#heardAt;
	}

	get idleSendingMs(): number {
		return performance.now() - this.#sentAt;
	}

	send(write: (writer: JuteWriter) => void): void {
		const writer = this.#writer;
		writer.reset();
		writer.writeInt(0);
		write(writer);
		writer.patchInt(0, writer.position - 4);
		this.#sentAt = performance.now();
		this.#socket.write(writer.view().slice());
	}

	close(): void {
		this.#socket.destroy();
	}

	#received(chunk: Buffer): void {
		this.#heardAt = performance.now();
		this.#chunks.push(chunk);
		this.#gathered += chunk.length;
		if (this.#gathered < this.#wanted) return;
		const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
		try {
			const used = this.#deliver(bytes);
			this.#chunks = used === bytes.length ? [] : [bytes.subarray(used)];
			this.#gathered = bytes.length - used;
		} catch {
			// Not the protocol: the other side cannot be trusted any further.
			this.close();
		}
	}

	/** @returns how many bytes were whole frames */
	#deliver(bytes: Buffer): number {
		let at = 0;
		this.#wanted = 4;
		while (bytes.length - at >= 4 && !this.#socket.destroyed) {
			const length = bytes.readInt32BE(at);
			if (length < 0 || length >= this.#maxFrameBytes) throw new RangeError(`Packet len ${length} is out of range!`);
			if (bytes.length - at - 4 < length) {
				this.#wanted = 4 + length;
				break;
			}
			this.#events.frame(new JuteReader(bytes, at + 4, at + 4 + length));
			at += 4 + length;
		}
		return at;
	}
}
