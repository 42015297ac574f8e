/** One TCP connection between a leader and a learner. Packets stand in it without anything between them. */
import type { Socket } from 'node:net';
import { assert } from '#core/model/assert';
import type { QuorumLink, QuorumLinkListener } from '#core/ports/quorum-link';
import type { After } from '#core/ports/timers';
import { JuteError } from '#jute/codec';
import { QuorumPacketDecoder } from '#jute/quorum/packet-decoder';
import type { QuorumPacket } from '#jute/quorum/packets';
import { LinkOutput, type Stream } from './link-output.ts';
import { remoteAddress } from './sockets.ts';

/** How long what was sent last may take to leave when the link is closed. */
const closingMs = 1000;

export interface TcpLinkParts {
	readonly maxPacketBytes: number;
	readonly maxUnsentBytes: number;
	readonly after: After;
	/** flush() is wanted at the end of this turn of the event loop. */
	willFlush(link: TcpLink): void;
	/** The same for tellReceived(). */
	hasReceived(link: TcpLink): void;
	/** Once. */
	closed(link: TcpLink): void;
}

export class TcpLink implements QuorumLink {
	readonly address: string;
	readonly #socket: Socket;
	readonly #parts: TcpLinkParts;
	readonly #decoder: QuorumPacketDecoder;
	readonly #output: LinkOutput;
	#listener: QuorumLinkListener | null = null;
	/** Who takes what comes, while a stream does. */
	#take: ((chunk: Uint8Array) => Uint8Array | null) | null = null;
	/** Streams that close() left unsent. */
	#unsent: readonly Stream[] = [];
	#isReceiving = false;
	/** The listener has not been told yet that this was all. */
	#hasReceived = false;
	#isClosed = false;
	#reason: Error | null = null;
	readonly #ended = Promise.withResolvers<void>();

	constructor(socket: Socket, parts: TcpLinkParts) {
		this.address = remoteAddress(socket);
		this.#socket = socket;
		this.#parts = parts;
		this.#decoder = new QuorumPacketDecoder(parts.maxPacketBytes);
		this.#output = new LinkOutput(socket, {
			willFlush: () => parts.willFlush(this),
			failed: (error) => this.#fail(error),
		});
		socket.on('error', (error) => {
			this.#reason ??= error;
		});
		socket.on('close', () => this.#onClose());
	}

	/** From here on it receives. */
	listen(listener: QuorumLinkListener): void {
		this.#listener = listener;
		// Plain bytes: what core keeps of them must not behave as a Buffer.
		this.#socket.on('data', ({ buffer, byteOffset, length }: Buffer) =>
			this.#onData(new Uint8Array(buffer, byteOffset, length)),
		);
	}

	send(packet: QuorumPacket): void {
		if (this.#isClosed) return;
		this.#output.packet(packet);
		const { unsentBytes } = this.#output;
		if (unsentBytes > this.#parts.maxUnsentBytes)
			this.#fail(new Error(`${this.address} does not read: ${unsentBytes} bytes wait to be sent to it`));
	}

	sendStream(chunks: Iterator<Uint8Array>, done: (error?: Error) => void): void {
		const stream = { chunks, done };
		if (!this.#isClosed) this.#output.stream(stream);
		else queueMicrotask(() => this.#cut(stream));
	}

	receiveStream(take: (chunk: Uint8Array) => Uint8Array | null): void {
		assert(this.#isReceiving && this.#take === null, 'a stream begins behind the packet that is being received');
		this.#take = take;
	}

	get unsentBytes(): number {
		return this.#output.unsentBytes;
	}

	/** Resolves when the listener has heard that it is closed. */
	get ended(): Promise<void> {
		return this.#ended.promise;
	}

	/** Nothing more comes in this turn. What was received is told of in any case, and before the end of the link is. */
	tellReceived(): void {
		if (!this.#hasReceived) return;
		this.#hasReceived = false;
		this.#listener?.receivedAll?.();
	}

	/** Sends what was collected. */
	flush(): void {
		this.#output.flush();
	}

	/** What was sent before still leaves, unless the other side does not read it. */
	close(): void {
		if (this.#isClosed) return;
		if (!this.#isReceiving) this.tellReceived();
		this.flush();
		this.#isClosed = true;
		this.#unsent = this.#output.close();
		this.#reason ??= new Error('the link was closed here');
		const socket = this.#socket;
		if (this.#unsent.length > 0) {
			// Without its end a stream is of no use.
			socket.destroy();
			return;
		}
		if (socket.writableLength === 0) {
			socket.destroySoon();
			return;
		}
		const cancel = this.#parts.after(closingMs, () => socket.destroy());
		socket.on('close', cancel);
		socket.destroySoon();
	}

	/** Nothing more leaves: the connection is of no use any more. */
	#fail(reason: Error): void {
		if (!this.#isClosed) this.#unsent = this.#output.close();
		this.#isClosed = true;
		this.#reason ??= reason;
		this.#socket.destroy();
	}

	#onData(chunk: Uint8Array): void {
		if (this.#isClosed) return;
		this.#isReceiving = true;
		try {
			this.#receive(chunk);
		} catch (error) {
			// Bytes that cannot be what they should be, here or in what the packets carry.
			if (!(error instanceof JuteError)) throw error;
			this.#fail(new Error(`malformed bytes from ${this.address}: ${error.message}`, { cause: error }));
		} finally {
			this.#isReceiving = false;
		}
		if (this.#isClosed || this.#hasReceived) return;
		this.#hasReceived = true;
		this.#parts.hasReceived(this);
	}

	#receive(chunk: Uint8Array): void {
		const decoder = this.#decoder;
		if (!this.#pushBehindStream(chunk)) return;
		for (let packet = decoder.next(); packet !== null; packet = decoder.next()) {
			this.#listener?.received(packet);
			if (this.#isClosed) return;
			if (this.#take !== null && !this.#pushBehindStream(decoder.takeRest())) return;
		}
		decoder.release();
	}

	/** Gives the stream its part, and the decoder what is behind it. @returns whether the decoder has something */
	#pushBehindStream(chunk: Uint8Array): boolean {
		let rest: Uint8Array | null = chunk;
		if (this.#take !== null) {
			if (chunk.length === 0) return false;
			rest = this.#take(chunk);
			if (rest === null || this.#isClosed) return false;
			this.#take = null;
		}
		this.#decoder.push(rest);
		return true;
	}

	#onClose(): void {
		this.#isClosed = true;
		this.#reason ??= new Error('the other side closed the connection');
		for (const stream of [...this.#unsent, ...this.#output.close()]) this.#cut(stream);
		this.tellReceived();
		this.#parts.closed(this);
		this.#listener?.closed(this.#reason);
		this.#ended.resolve();
	}

	#cut({ chunks, done }: Stream): void {
		chunks.return?.();
		done(this.#reason ?? new Error('the link is closed'));
	}
}
