/**
 * What a connection has to say: written into one buffer until the end of the batch, then sent in one write. The kernel mostly takes all of it
 * at once; what it does not take, because the client does not read, is unsent.
 */
import type { Socket } from 'node:net';
import type { JuteWriter } from '#jute/codec';
import type { Reader } from './backed-up.ts';
import type { BatchedConnection, PortContext } from './port-context.ts';

/** More than this unsent, and the client has to read before more is done for it. */
const backedUpBytes = 1 << 20;
/** How long a client may take to read what it is sent before its connection is closed for good. */
const closingMs = 5000;
/** The same for one that goes on sending: what it sends counts as a sign of life. */
const longestClosingMs = 30_000;

/** Whose output it is. */
export interface Speaker extends BatchedConnection {
	/** The client reads, if slowly. */
	stillReads(): void;
	/** The client has not read so many bytes. */
	cut(bytes: number): void;
}

export class ConnectionOutput implements Reader {
	readonly #socket: Socket;
	readonly #context: PortContext;
	readonly #connection: Speaker;
	#buffer: JuteWriter | null = null;
	#endsWhenSent = false;
	/** What the system had not taken when it was last looked at. */
	#queuedBytes = 0;

	constructor(socket: Socket, context: PortContext, connection: Speaker) {
		this.#socket = socket;
		this.#context = context;
		this.#connection = connection;
	}

	/** Where the next answer or event is written; it leaves at the end of the batch, or with send(). */
	get writer(): JuteWriter {
		if (this.#buffer !== null) return this.#buffer;
		this.#buffer = this.#context.outputs.take();
		this.#context.willSend(this.#connection);
		return this.#buffer;
	}

	/** Outside of a batch: writes, and sends at once, behind what was written before. */
	sendNow(write: (writer: JuteWriter) => void): void {
		this.#buffer ??= this.#context.outputs.take();
		write(this.#buffer);
		this.send();
	}

	/** Sends everything that was written. */
	send(): void {
		const buffer = this.#buffer;
		if (buffer === null) return;
		this.#buffer = null;
		const socket = this.#socket;
		if (!socket.destroyed) {
			this.#context.stats.bytesSent += buffer.position;
			socket.write(buffer.view());
		}
		// What the kernel did not take at once is still read from the buffer.
		if (socket.writableLength === 0) this.#context.outputs.giveBack(buffer);
		else if (this.isBackedUp) this.#context.backedUp.add(this);
		if (this.#endsWhenSent) this.#end();
	}

	/** The client reads too slowly. `drain` of the socket tells when it has caught up. */
	get isBackedUp(): boolean {
		return this.#socket.writableLength > backedUpBytes;
	}

	get unsentBytes(): number {
		return this.#socket.writableLength;
	}

	/** Everything is sent, or never will be. */
	caughtUp(): void {
		this.#context.backedUp.delete(this);
	}

	/** Now and then, while it is backed up. */
	noteProgress(): void {
		const bytes = queuedBytes(this.#socket);
		if (bytes < this.#queuedBytes) this.#connection.stillReads();
		this.#queuedBytes = bytes;
	}

	cut(bytes: number): void {
		this.#connection.cut(bytes);
	}

	/** What is written and not with the client, when it is more than can be kept; otherwise 0. */
	get excessBytes(): number {
		const written = this.#buffer?.position ?? 0;
		if (written <= backedUpBytes && this.#socket.writableLength === 0) return 0;
		const bytes = written + this.#socket.writableLength;
		return bytes > this.#context.config['client.maxUnsentBytes'] ? bytes : 0;
	}

	/** Closes the connection behind what was written. */
	endWhenSent(): void {
		this.#endsWhenSent = true;
		if (this.#buffer === null) this.#end();
	}

	#end(): void {
		const socket = this.#socket;
		socket.destroySoon();
		if (socket.writableLength === 0) return;
		// A client that neither reads nor goes would keep the socket for ever.
		socket.setTimeout(closingMs, () => socket.destroy());
		const last = setTimeout(() => socket.destroy(), longestClosingMs).unref();
		socket.on('close', () => clearTimeout(last));
	}
}

/** Node says of a write only that it is over: how far it is, its handle knows. */
function queuedBytes(socket: Socket): number {
	const { _handle: handle } = socket as { readonly _handle?: { readonly writeQueueSize?: number } | null };
	return handle?.writeQueueSize ?? socket.writableLength;
}
