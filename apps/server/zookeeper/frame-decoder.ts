/**
 * Cuts what a socket delivers into frames: a length of four bytes, then so many bytes. A complete frame is read where it lies; only one
 * that arrives in pieces is put together in memory of its own, which grows with what has arrived, never with what the length claims.
 */

/** A length that cannot be. The connection is closed: nothing behind it can be read. */
export class FrameError extends Error {}

const lengthBytes = 4;
const nothing = new Uint8Array(0);
/** What a frame in pieces gets at first. */
const firstPieceBytes = 512;

export class FrameDecoder {
	readonly #maxFrameBytes: number;
	/** The last chunk and what of it is not read yet. */
	#chunk: Uint8Array = nothing;
	#at = 0;
	/** A frame in pieces, its length included. */
	#piece: Uint8Array = nothing;
	#pieceBytes = 0;

	/** The frame that next() found, without its length: bytes[start..end). Valid as long as the chunk it came in. */
	bytes: Uint8Array = nothing;
	start = 0;
	end = 0;

	constructor(maxFrameBytes: number) {
		this.#maxFrameBytes = maxFrameBytes;
	}

	/** Bytes that have arrived and belong to no frame yet. */
	get waitingBytes(): number {
		return this.#pieceBytes + this.#chunk.length - this.#at;
	}

	/** Takes the next bytes over: they must not change any more. */
	push(chunk: Uint8Array): void {
		if (this.#at === this.#chunk.length) {
			this.#chunk = chunk;
			this.#at = 0;
			return;
		}
		// Somebody stopped between two frames, and more came all the same.
		const joined = new Uint8Array(this.#chunk.length - this.#at + chunk.length);
		joined.set(this.#chunk.subarray(this.#at));
		joined.set(chunk, this.#chunk.length - this.#at);
		this.#chunk = joined;
		this.#at = 0;
	}

	/** The first four bytes of what has arrived, as a signed int; undefined while there are fewer. Reads nothing. */
	peekInt(): number | undefined {
		if (this.waitingBytes < lengthBytes) return undefined;
		return (this.#byte(0) << 24) | (this.#byte(1) << 16) | (this.#byte(2) << 8) | this.#byte(3);
	}

	/** A copy of what has arrived and belongs to no frame yet. Reads nothing. */
	peekBytes(): Uint8Array {
		return Uint8Array.from({ length: this.waitingBytes }, (_, index) => this.#byte(index));
	}

	/**
	 * Goes to the next complete frame; false when there is none.
	 * @throws FrameError
	 */
	next(): boolean {
		if (this.#pieceBytes > 0) return this.#nextFromPiece();
		const { length } = this.#chunk;
		const at = this.#at;
		if (length - at >= lengthBytes) {
			const frame = this.#checked(intAt(this.#chunk, at));
			const end = at + lengthBytes + frame;
			if (end <= length) {
				this.bytes = this.#chunk;
				this.start = at + lengthBytes;
				this.end = end;
				this.#at = end;
				return true;
			}
		}
		this.#keep(length - at);
		return false;
	}

	/** Forgets the chunk that was read to its end, so that it can be freed. */
	release(): void {
		this.bytes = nothing;
		if (this.#at === this.#chunk.length) {
			this.#chunk = nothing;
			this.#at = 0;
		}
	}

	#nextFromPiece(): boolean {
		if (this.#pieceBytes < lengthBytes) {
			this.#keep(Math.min(lengthBytes - this.#pieceBytes, this.#chunk.length - this.#at));
			if (this.#pieceBytes < lengthBytes) return false;
		}
		const frame = this.#checked(intAt(this.#piece, 0));
		const missing = lengthBytes + frame - this.#pieceBytes;
		this.#keep(Math.min(missing, this.#chunk.length - this.#at));
		if (this.#pieceBytes < lengthBytes + frame) return false;
		this.bytes = this.#piece;
		this.start = lengthBytes;
		this.end = lengthBytes + frame;
		this.#piece = nothing;
		this.#pieceBytes = 0;
		return true;
	}

	/** Moves bytes from the chunk to the piece. */
	#keep(count: number): void {
		if (count === 0) return;
		const needed = this.#pieceBytes + count;
		if (this.#piece.length < needed) {
			const larger = new Uint8Array(Math.max(needed, this.#piece.length * 2, firstPieceBytes));
			larger.set(this.#piece.subarray(0, this.#pieceBytes));
			this.#piece = larger;
		}
		this.#piece.set(this.#chunk.subarray(this.#at, this.#at + count), this.#pieceBytes);
		this.#pieceBytes = needed;
		this.#at += count;
	}

	#byte(index: number): number {
		if (index < this.#pieceBytes) return this.#piece[index]!;
		return this.#chunk[this.#at + index - this.#pieceBytes]!;
	}

	#checked(length: number): number {
		if (length >= 0 && length <= this.#maxFrameBytes) return length;
		throw new FrameError(
			`a frame claims ${length} bytes: it must be between 0 and jute.maxbuffer, which is ${this.#maxFrameBytes}`,
		);
	}
}

function intAt(bytes: Uint8Array, at: number): number {
	return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
