/** A connection to another server's election port, behind the hello: notifications, each behind its length in four bytes. */
import type { Socket } from 'node:net';

/** ZooKeeper takes no more, and a notification with a configuration of a hundred servers is a hundredth of it. */
const maxMessageBytes = 512 * 1024;
const lengthBytes = 4;
const firstPieceBytes = 256;

/** Bytes that cannot be. The connection is closed: nothing behind them can be read. */
export class MessageError extends Error {}

/** A message as it leaves. @throws RangeError when it is larger than others take */
export function frame(message: Uint8Array): Uint8Array {
	if (message.length === 0 || message.length > maxMessageBytes)
		throw new RangeError(`a notification of ${message.length} bytes: 1 to ${maxMessageBytes} are allowed`);
	const bytes = new Uint8Array(lengthBytes + message.length);
	new DataView(bytes.buffer).setInt32(0, message.length);
	bytes.set(message, lengthBytes);
	return bytes;
}

export interface ElectionConnectionOwner {
	/** @throws MessageError */
	received(message: Uint8Array): void;
	/** What was written has gone: there is room for more. */
	drained(): void;
	/** Once, also after an own close(). Null for an end that has no story. */
	closed(problem: Error | null): void;
}

export class ElectionConnection {
	readonly #socket: Socket;
	readonly #owner: ElectionConnectionOwner;
	/** What has arrived of a message, its length included. */
	#piece = new Uint8Array(firstPieceBytes);
	#pieceBytes = 0;
	#problem: Error | null = null;
	#isClosed = false;
	/** performance.now() of the first message that nothing has come in return for; undefined when something has. */
	#unansweredSinceMs: number | undefined;

	constructor(socket: Socket, owner: ElectionConnectionOwner) {
		this.#socket = socket;
		this.#owner = owner;
		socket.on('data', (chunk: Uint8Array) => this.read(chunk));
		socket.on('drain', () => owner.drained());
		socket.on('error', (error) => {
			this.#problem ??= error;
		});
		socket.on('close', () => {
			this.#isClosed = true;
			owner.closed(this.#problem);
		});
	}

	/** Behind the hello there may be bytes already. */
	read(chunk: Uint8Array): void {
		this.#unansweredSinceMs = undefined;
		try {
			this.#split(chunk);
		} catch (error) {
			if (!(error instanceof MessageError)) throw error;
			this.#problem = error;
			this.close();
		}
	}

	/** A framed message. */
	write(bytes: Uint8Array): void {
		this.#unansweredSinceMs ??= performance.now();
		this.#socket.write(bytes);
	}

	/** The other side does not read: a message that is written now comes behind those it has not read. */
	get isBackedUp(): boolean {
		return this.#socket.writableLength > 0;
	}

	/** How long ago a message left that nothing has come in return for, which is not in itself a fault; 0 when there is none. */
	get unansweredMs(): number {
		return this.#unansweredSinceMs === undefined ? 0 : performance.now() - this.#unansweredSinceMs;
	}

	close(): void {
		this.#isClosed = true;
		this.#socket.destroy();
	}

	#split(chunk: Uint8Array): void {
		for (let at = 0; at < chunk.length && !this.#isClosed; ) {
			const needed = lengthBytes + (this.#pieceBytes < lengthBytes ? 0 : this.#messageBytes());
			const end = Math.min(chunk.length, at + needed - this.#pieceBytes);
			this.#keep(chunk.subarray(at, end));
			at = end;
			if (this.#pieceBytes < lengthBytes || this.#pieceBytes < lengthBytes + this.#messageBytes()) continue;
			const message = this.#piece.slice(lengthBytes, this.#pieceBytes);
			this.#pieceBytes = 0;
			this.#owner.received(message);
		}
	}

	#messageBytes(): number {
		const length = new DataView(this.#piece.buffer).getInt32(0);
		if (length > 0 && length <= maxMessageBytes) return length;
		throw new MessageError(`a message claims ${length} bytes: 1 to ${maxMessageBytes} may be`);
	}

	#keep(bytes: Uint8Array): void {
		const needed = this.#pieceBytes + bytes.length;
		if (needed > this.#piece.length) {
			const larger = new Uint8Array(Math.max(needed, this.#piece.length * 2));
			larger.set(this.#piece.subarray(0, this.#pieceBytes));
			this.#piece = larger;
		}
		this.#piece.set(bytes, this.#pieceBytes);
		this.#pieceBytes = needed;
	}
}
