/**
 * What a link has to say, in order: packets, encoded as they come and sent together, and streams, which are drawn piece by piece as the
 * other side takes them. Packets behind a stream wait for its end.
 */
import type { Socket } from 'node:net';
import { JuteWriter } from '#jute/codec';
import { type QuorumPacket, writeQuorumPacket } from '#jute/quorum/packets';

const initialBytes = 4096;
/** A buffer that is longer takes no further packet, so that what waits is not copied again and again as it grows. */
const fullBytes = 1 << 20;
/** A buffer that had to grow beyond this is not used again. */
const largestKeptBytes = 2 * fullBytes;
/** While the system has one, the next is filled. */
const mostSpare = 2;
/** Of a stream, before other connections have their turn. */
const streamBytesPerTurn = 1 << 18;

export interface Stream {
	readonly chunks: Iterator<Uint8Array>;
	readonly done: (error?: Error) => void;
}

export interface LinkOutputOwner {
	/** There is something to flush() at the end of this turn of the event loop, or of the next. */
	willFlush(): void;
	/** A stream's iterator threw: what the other side has is not whole and never will be. */
	failed(error: Error): void;
}

export class LinkOutput {
	readonly #socket: Socket;
	readonly #owner: LinkOutputOwner;
	readonly #queue: (JuteWriter | Stream)[] = [];
	/** They had to grow once: under load that costs more than what is written into them. */
	readonly #spare: JuteWriter[] = [];
	#queuedBytes = 0;
	/** A stream goes on when the system has taken what was written. */
	#isWaiting = false;
	#isFlushing = false;
	#isClosed = false;

	constructor(socket: Socket, owner: LinkOutputOwner) {
		this.#socket = socket;
		this.#owner = owner;
	}

	get unsentBytes(): number {
		return this.#isClosed ? 0 : this.#queuedBytes + this.#socket.writableLength;
	}

	/** @throws RangeError for a zxid that is not a safe integer; then nothing is sent */
	packet(packet: QuorumPacket): void {
		const writer = this.#writer();
		const start = writer.position;
		try {
			writeQuorumPacket(writer, packet);
		} catch (error) {
			writer.position = start;
			throw error;
		}
		this.#queuedBytes += writer.position - start;
		this.#owner.willFlush();
	}

	stream(stream: Stream): void {
		this.#queue.push(stream);
		this.#owner.willFlush();
	}

	flush(): void {
		if (this.#isFlushing || this.#isClosed) return;
		this.#isFlushing = true;
		try {
			for (let next = this.#queue[0]; next !== undefined && !this.#isClosed; next = this.#queue[0]) {
				if (next instanceof JuteWriter) {
					this.#queue.shift();
					this.#writePackets(next);
				} else if (!this.#advance(next)) return;
			}
		} finally {
			this.#isFlushing = false;
		}
	}

	/** Nothing more is written or drawn. @returns the streams that are not through, whose `done` is the caller's to call */
	close(): readonly Stream[] {
		this.#isClosed = true;
		this.#queuedBytes = 0;
		return this.#queue.splice(0).filter((queued): queued is Stream => !(queued instanceof JuteWriter));
	}

	/** Where the next packet is written. */
	#writer(): JuteWriter {
		const last = this.#queue.at(-1);
		if (last instanceof JuteWriter && last.position < fullBytes) return last;
		const writer = this.#spare.pop() ?? new JuteWriter(initialBytes);
		this.#queue.push(writer);
		return writer;
	}

	#writePackets(writer: JuteWriter): void {
		this.#queuedBytes -= writer.position;
		// What the system did not take at once it reads from the buffer later.
		let isTaken = false;
		this.#socket.write(writer.view(), () => {
			if (!isTaken) this.#keep(writer);
			this.#onWritten();
		});
		isTaken = this.#socket.writableLength === 0;
		if (isTaken) this.#keep(writer);
	}

	#keep(writer: JuteWriter): void {
		if (writer.bytes.length > largestKeptBytes || this.#spare.length === mostSpare) return;
		writer.reset();
		this.#spare.push(writer);
	}

	/** A chunk is drawn only when the one before is with the system. @returns whether the stream is through */
	#advance(stream: Stream): boolean {
		for (let bytes = 0; !this.#isClosed; ) {
			if (this.#socket.writableLength > 0) {
				this.#isWaiting = true;
				return false;
			}
			if (bytes >= streamBytesPerTurn) {
				this.#owner.willFlush();
				return false;
			}
			const chunk = this.#draw(stream);
			if (chunk === null) return false;
			if (chunk === 'end') {
				this.#queue.shift();
				stream.done();
				return true;
			}
			bytes += chunk.length;
			this.#socket.write(chunk, this.#onWritten);
		}
		return false;
	}

	#draw(stream: Stream): Uint8Array | 'end' | null {
		try {
			const { done, value } = stream.chunks.next();
			return done ? 'end' : value;
		} catch (error) {
			this.#owner.failed(error as Error);
			return null;
		}
	}

	readonly #onWritten = (): void => {
		if (!this.#isWaiting || this.#socket.writableLength > 0) return;
		this.#isWaiting = false;
		this.flush();
	};
}
