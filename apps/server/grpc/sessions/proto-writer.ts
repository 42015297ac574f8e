/** Protobuf's wire format, written into one buffer that grows. A message inside a message is written in place; its length is filled in when it is known. */

const words = 2 ** 32;
const cell64 = new BigUint64Array(1);
const cell32 = new Uint32Array(cell64.buffer);
const isLittleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

export class ProtoWriter {
	#bytes: Buffer;
	/** Behind what was written. */
	position = 0;

	constructor(initialBytes = 1024) {
		this.#bytes = Buffer.allocUnsafeSlow(initialBytes);
	}

	get capacity(): number {
		return this.#bytes.length;
	}

	/** What was written; not a copy. */
	view(from = 0): Buffer {
		return this.#bytes.subarray(from, this.position);
	}

	reset(): void {
		this.position = 0;
	}

	/** Forgets what was written behind this position. */
	rewind(position: number): void {
		this.position = position;
	}

	/** A message of length `length` begins here. @param reserved bytes its length will take if it is as long as expected: 1 below 128, 2 below 16384 */
	begin(tag: number, reserved: 1 | 2): number {
		this.uint32(tag);
		const at = this.position;
		this.#room(reserved);
		this.position = at + reserved;
		return at * 2 + (reserved - 1);
	}

	/** The message that began there is complete. */
	end(begun: number): void {
		const at = begun >> 1;
		const reserved = (begun & 1) + 1;
		const from = at + reserved;
		const length = this.position - from;
		const needed = varintBytes(length);
		if (needed !== reserved) {
			this.#room(needed);
			this.#bytes.copyWithin(at + needed, from, this.position);
		}
		this.position = at;
		this.uint32(length);
		this.position = at + needed + length;
	}

	/** As a varint. */
	uint32(value: number): void {
		this.#room(5);
		const bytes = this.#bytes;
		let at = this.position;
		let rest = value >>> 0;
		while (rest > 0x7f) {
			bytes[at++] = (rest & 0x7f) | 0x80;
			rest >>>= 7;
		}
		bytes[at++] = rest;
		this.position = at;
	}

	/** A varint of 64 bits, from a number that a double holds exactly. */
	int64(value: number): void {
		if (value >= 0 && value < words) {
			this.uint32(value);
			return;
		}
		this.#room(10);
		const bytes = this.#bytes;
		let low = value >>> 0;
		let high = Math.floor(value / words) >>> 0;
		let at = this.position;
		while (high > 0 || low > 0x7f) {
			bytes[at++] = (low & 0x7f) | 0x80;
			low = ((low >>> 7) | (high << 25)) >>> 0;
			high >>>= 7;
		}
		bytes[at++] = low;
		this.position = at;
	}

	fixed64(value: bigint): void {
		this.#room(8);
		cell64[0] = value;
		const [low, high] = isLittleEndian ? [cell32[0]!, cell32[1]!] : [cell32[1]!, cell32[0]!];
		this.position = this.#bytes.writeUInt32LE(high, this.#bytes.writeUInt32LE(low, this.position));
	}

	/** With its tag; nothing for 0, the default. */
	int64Field(tag: number, value: number): void {
		if (value === 0) return;
		this.uint32(tag);
		this.int64(value);
	}

	/** With its tag, be it the default. */
	bytesField(tag: number, value: Uint8Array): void {
		this.uint32(tag);
		this.uint32(value.length);
		this.raw(value);
	}

	/** With its tag; nothing for the empty string, the default. */
	stringField(tag: number, text: string): void {
		if (text.length > 0) this.string(tag, text);
	}

	/** With its tag, be it empty. */
	string(tag: number, text: string): void {
		this.uint32(tag);
		if (text.length < 128 && this.#ascii(text)) return;
		const length = Buffer.byteLength(text);
		this.uint32(length);
		this.#room(length);
		this.position += this.#bytes.write(text, this.position, length, 'utf8');
	}

	/** As it is. */
	raw(value: Uint8Array): void {
		this.#room(value.length);
		this.#bytes.set(value, this.position);
		this.position += value.length;
	}

	/** False, and nothing written, when it is not. */
	#ascii(text: string): boolean {
		this.#room(text.length + 1);
		const bytes = this.#bytes;
		const from = this.position + 1;
		for (let i = 0; i < text.length; i++) {
			const unit = text.charCodeAt(i);
			if (unit >= 0x80) return false;
			bytes[from + i] = unit;
		}
		bytes[this.position] = text.length;
		this.position = from + text.length;
		return true;
	}

	#room(bytes: number): void {
		const needed = this.position + bytes;
		if (needed <= this.#bytes.length) return;
		const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
		larger.set(this.#bytes.subarray(0, this.position));
		this.#bytes = larger;
	}
}

function varintBytes(length: number): number {
	if (length < 0x80) return 1;
	if (length < 0x4000) return 2;
	if (length < 0x20_0000) return 3;
	return length < 0x1000_0000 ? 4 : 5;
}
