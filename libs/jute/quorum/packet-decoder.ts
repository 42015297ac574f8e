/**
 * Finds the QuorumPackets in what a connection delivers, in whatever pieces. A packet has no length in front of it: where it ends is known
 * only from the lengths inside. Complete packets are read where they lie; one in pieces is put together in memory of its own, which grows
 * with what has arrived, never with what a length claims. Bytes that are no packets, a snapshot's, can be taken out in between.
 */
import { JuteError, JuteReader } from '../codec.ts';
import { type QuorumPacket, readQuorumPacket } from './packets.ts';

const nothing = new Uint8Array(0);
/** Type and zxid, in front of the length of the data. */
const fixedBytes = 12;
const lengthBytes = 4;
/** What a packet in pieces gets at first. */
const firstPieceBytes = 512;

export class QuorumPacketDecoder {
	readonly #maxBytes: number;
	readonly #extent: PacketExtent;
	readonly #reader = new JuteReader(nothing);
	/** The last chunk and what of it is not read yet. */
	#chunk: Uint8Array = nothing;
	#at = 0;
	/** A packet of which a part has arrived. */
	#piece: Uint8Array = nothing;
	#pieceBytes = 0;

	/** The most that a packet's data may have, and all of its authinfo together. */
	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
		this.#extent = new PacketExtent(maxBytes);
	}

	/** Takes the next bytes over: they must not change any more. Only when next() found nothing more in those before. */
	push(chunk: Uint8Array): void {
		this.#chunk = chunk;
		this.#at = 0;
	}

	/**
	 * The next complete packet, null when there is none. Its data are a view of the chunk.
	 * @throws JuteError for bytes that are no packet; nothing behind them can be read
	 */
	next(): QuorumPacket | null {
		if (this.#pieceBytes > 0) return this.#nextFromPiece();
		const extent = this.#extent;
		const left = this.#chunk.length - this.#at;
		if (extent.isWithin(this.#chunk, this.#at, left)) {
			const packet = this.#read(this.#chunk, this.#at, extent.bytes);
			this.#at += extent.bytes;
			extent.reset();
			return packet;
		}
		this.#keep(left);
		return null;
	}

	/** What of the chunk no packet has been found in: somebody else reads it. Behind a packet that next() returned. */
	takeRest(): Uint8Array {
		const rest = this.#chunk.subarray(this.#at);
		this.#chunk = nothing;
		this.#at = 0;
		return rest;
	}

	/** Forgets the chunk that was read to its end, so that it can be freed. */
	release(): void {
		if (this.#at < this.#chunk.length) return;
		this.#chunk = nothing;
		this.#at = 0;
		this.#reader.reset(nothing);
	}

	#nextFromPiece(): QuorumPacket | null {
		const extent = this.#extent;
		while (!extent.isWithin(this.#piece, 0, this.#pieceBytes)) {
			const count = Math.min(extent.bytes - this.#pieceBytes, this.#chunk.length - this.#at);
			if (count === 0) return null;
			this.#keep(count);
		}
		const packet = this.#read(this.#piece, 0, extent.bytes);
		this.#piece = nothing;
		this.#pieceBytes = 0;
		extent.reset();
		return packet;
	}

	#read(bytes: Uint8Array, start: number, length: number): QuorumPacket {
		this.#reader.reset(bytes, start, start + length);
		try {
			return readQuorumPacket(this.#reader);
		} catch (error) {
			if (!(error instanceof JuteError)) throw error;
			throw new JuteError(`a packet of type ${intAt(bytes, start)} is malformed: ${error.message}`, start);
		}
	}

	/** Moves bytes from the chunk to the piece. */
	#keep(count: number): void {
		if (count === 0) return;
		const needed = this.#pieceBytes + count;
		if (this.#piece.length < needed) {
			const most = fixedBytes + 2 * (lengthBytes + this.#maxBytes);
			const larger = new Uint8Array(Math.max(needed, Math.min(this.#piece.length * 2, most), firstPieceBytes));
			larger.set(this.#piece.subarray(0, this.#pieceBytes));
			this.#piece = larger;
		}
		this.#piece.set(this.#chunk.subarray(this.#at, this.#at + count), this.#pieceBytes);
		this.#pieceBytes = needed;
		this.#at += count;
	}
}

/** Where a packet ends. It goes on where it stopped for want of bytes, so that a packet that comes byte by byte is looked at once. */
class PacketExtent {
	readonly #maxBytes: number;
	/** As far as is known: all of the packet's bytes when isWithin() has said so. */
	bytes = fixedBytes + lengthBytes;
	#part: 'data' | 'authinfo' | 'string' | 'end' = 'data';
	/** Schemes and ids that are not looked at yet. */
	#strings = 0;
	#authinfoAt = 0;

	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
	}

	reset(): void {
		this.bytes = fixedBytes + lengthBytes;
		this.#part = 'data';
	}

	/** Whether the packet at `start` ends within the `count` bytes that are there. */
	isWithin(bytes: Uint8Array, start: number, count: number): boolean {
		while (count >= this.bytes) {
			if (this.#part === 'end') return true;
			this.#goOn(intAt(bytes, start + this.bytes - lengthBytes));
		}
		return false;
	}

	/** `value` is the number that the last four of its bytes are. */
	#goOn(value: number): void {
		switch (this.#part) {
			case 'data':
				if (value < -1 || value > this.#maxBytes) throw this.#refusal('the data of a packet', value);
				this.bytes += Math.max(value, 0) + lengthBytes;
				this.#part = 'authinfo';
				return;
			case 'authinfo':
				if (value < -1 || value * 2 * lengthBytes > this.#maxBytes)
					throw new JuteError(`a packet claims ${value} identities`, this.bytes - lengthBytes);
				this.#strings = Math.max(value, 0) * 2;
				this.#authinfoAt = this.bytes;
				break;
			case 'string':
				if (value < -1 || this.bytes + value - this.#authinfoAt > this.#maxBytes)
					throw this.#refusal('an identity of a packet', value);
				this.bytes += Math.max(value, 0);
				this.#strings--;
				break;
			case 'end':
				return;
		}
		this.#part = this.#strings === 0 ? 'end' : 'string';
		if (this.#strings > 0) this.bytes += lengthBytes;
	}

	#refusal(what: string, value: number): JuteError {
		return new JuteError(
			`${what} claims ${value} bytes: it must be between 0 and ${this.#maxBytes} (jute.maxbuffer)`,
			this.bytes - lengthBytes,
		);
	}
}

function intAt(bytes: Uint8Array, at: number): number {
	return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
