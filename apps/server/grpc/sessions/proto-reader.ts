/**
 * Protobuf's wire format, read in place. It trusts nothing: it never looks past its end, and a length that the remaining bytes cannot hold is refused before
 * anything is made of it.
 */
import { readUtf8 } from '#jute/utf8';

/** Bytes that are no message. The message says what is wrong, and where. */
export class ProtoError extends Error {
	constructor(problem: string, offset: number) {
		super(`${problem} at byte ${offset}`);
		this.name = 'ProtoError';
	}
}

export const wireType = { varint: 0, fixed64: 1, length: 2, group: 3, groupEnd: 4, fixed32: 5 } as const;

/** Groups within groups: nobody sends any. */
const deepest = 32;

export class ProtoReader {
	bytes: Uint8Array = new Uint8Array(0);
	position = 0;
	end = 0;

	reset(bytes: Uint8Array, start = 0, end = bytes.length): void {
		this.bytes = bytes;
		this.position = start;
		this.end = end;
	}

	/** The lowest 32 bits of a varint, unsigned. */
	uint32(): number {
		const { bytes, end } = this;
		let at = this.position;
		if (at < end && bytes[at]! < 0x80) {
			this.position = at + 1;
			return bytes[at]!;
		}
		let value = 0;
		for (let shift = 0; shift < 70; shift += 7) {
			if (at >= end) throw new ProtoError('a number is cut off', this.position);
			const byte = bytes[at++]!;
			if (shift < 32) value |= (byte & 0x7f) << shift;
			if (byte < 0x80) {
				this.position = at;
				return value >>> 0;
			}
		}
		throw new ProtoError('a number is longer than ten bytes', this.position);
	}

	/** All of its 64 bits. */
	uint64(): bigint {
		const from = this.position;
		this.uint32();
		let value = 0n;
		for (let at = this.position - 1; at >= from; at--) value = (value << 7n) | BigInt(this.bytes[at]! & 0x7f);
		return BigInt.asUintN(64, value);
	}

	/** Signed: a negative one has ten bytes. */
	int32(): number {
		return this.uint32() | 0;
	}

	/** Any number but 0; bits beyond the lowest 32 count too. */
	bool(): boolean {
		const from = this.position;
		if (this.uint32() !== 0) return true;
		for (let at = from; at < this.position; at++) if ((this.bytes[at]! & 0x7f) !== 0) return true;
		return false;
	}

	/** A field's number and wire type. */
	tag(): number {
		const at = this.position;
		const tag = this.uint32();
		if (tag < 8) throw new ProtoError('a field has the number 0', at);
		return tag;
	}

	/** Of what has one: a string, bytes, a message. The position is then at its first byte. */
	length(): number {
		const at = this.position;
		const length = this.uint32();
		if (length > this.end - this.position) throw new ProtoError(`a length of ${length} is more than there is`, at);
		return length;
	}

	string(): string {
		const length = this.length();
		const start = this.position;
		this.position = start + length;
		return readUtf8(this.bytes, start, this.position);
	}

	/** Not a copy. */
	slice(): Uint8Array {
		const length = this.length();
		const start = this.position;
		this.position = start + length;
		return this.bytes.subarray(start, this.position);
	}

	/** Behind the value of a field that nobody knows. */
	skip(tag: number, depth = 0): void {
		const at = this.position;
		switch (tag & 7) {
			case wireType.varint:
				this.uint32();
				return;
			case wireType.fixed64:
				this.#advance(8);
				return;
			case wireType.length:
				this.#advance(this.length());
				return;
			case wireType.fixed32:
				this.#advance(4);
				return;
			case wireType.group:
				if (depth >= deepest) throw new ProtoError('groups are too deep', at);
				this.#skipGroup(tag, depth);
				return;
			default:
				throw new ProtoError(`a field has the wire type ${tag & 7}`, at);
		}
	}

	#advance(bytes: number): void {
		if (bytes > this.end - this.position) throw new ProtoError('a value is cut off', this.position);
		this.position += bytes;
	}

	#skipGroup(tag: number, depth: number): void {
		const ending = tag + 1;
		for (;;) {
			const inner = this.tag();
			if (inner === ending) return;
			this.skip(inner, depth + 1);
		}
	}
}
