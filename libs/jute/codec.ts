/**
 * Jute, ZooKeeper's binary encoding: big-endian numbers, strings and buffers behind a signed 32-bit length, -1 for null.
 *
 * The reader trusts nothing: it never looks past its end, and a length or count that the remaining bytes cannot hold is refused
 * before anything is allocated for it. 64-bit values are lossless: bigint, or a double that is checked to be exact.
 */
import type { SessionId, Zxid } from './scalars.ts';
import { readUtf8, utf8Length, writeUtf8 } from './utf8.ts';

/** Bytes that are not what they should be. The message says what is wrong and where. */
export class JuteError extends Error {
	/** Where in the bytes handed to the reader, counted from their first. */
	readonly offset: number;

	constructor(problem: string, offset: number) {
		super(`${problem} at offset ${offset}`);
		this.name = 'JuteError';
		this.offset = offset;
	}
}

/** The largest high word of a zxid that a double holds exactly: epoch 2^21 - 1. */
const maxHighWord = 0x1f_ffff;
const words = 2 ** 32;

// One 64-bit cell seen as bigint and as two words: the cheapest way between bytes and bigint, without a DataView per buffer.
const cell64 = new BigUint64Array(1);
const signedCell64 = new BigInt64Array(cell64.buffer);
const cell32 = new Int32Array(cell64.buffer);
const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
const lowWord = littleEndian ? 0 : 1;
const highWord = littleEndian ? 1 : 0;

/** Reads Jute values from `bytes[position..end)`. Fields are public for those who read in place; `position` may be set. */
export class JuteReader {
	bytes: Uint8Array;
	position: number;
	end: number;

	constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
		this.bytes = bytes;
		this.position = start;
		this.end = end;
		checkRange(bytes, start, end);
	}

	/** Starts over on other bytes, so that one reader serves a whole file. */
	reset(bytes: Uint8Array, start = 0, end = bytes.length): void {
		checkRange(bytes, start, end);
		this.bytes = bytes;
		this.position = start;
		this.end = end;
	}

	get remaining(): number {
		return this.end - this.position;
	}

	readByte(): number {
		if (this.position >= this.end) this.#short(1, 'a byte');
		return this.bytes[this.position++]!;
	}

	/** Any byte but 0 is true, as in Java. */
	readBool(): boolean {
		if (this.position >= this.end) this.#short(1, 'a boolean');
		return this.bytes[this.position++] !== 0;
	}

	/** Signed 32 bits. */
	readInt(): number {
		const at = this.position;
		if (this.end - at < 4) this.#short(4, 'an int');
		this.position = at + 4;
		const b = this.bytes;
		return (b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!;
	}

	readUint32(): number {
		return this.readInt() >>> 0;
	}

	/** Unsigned 64 bits. */
	readLong(): bigint {
		if (this.end - this.position < 8) this.#short(8, 'a long');
		const high = this.readInt();
		const low = this.readInt();
		if (high === 0 && low === 0) return 0n;
		cell32[highWord] = high;
		cell32[lowWord] = low;
		return cell64[0]!;
	}

	/** Signed 64 bits. */
	readSignedLong(): bigint {
		if (this.end - this.position < 8) this.#short(8, 'a long');
		cell32[highWord] = this.readInt();
		cell32[lowWord] = this.readInt();
		return signedCell64[0]!;
	}

	/** A signed long that must be a safe integer. */
	readSafeLong(): number {
		const at = this.position;
		if (this.end - at < 8) this.#short(8, 'a long');
		const high = this.readInt();
		const low = this.readInt() >>> 0;
		const value = high * words + low;
		if (!Number.isSafeInteger(value)) throw unsafe('long', high, low, at);
		return value;
	}

	/** A signed long for comparisons only: what a double cannot hold exactly becomes the nearest safe integer. */
	readClampedLong(): number {
		if (this.end - this.position < 8) this.#short(8, 'a long');
		const high = this.readInt();
		const low = this.readInt() >>> 0;
		const value = high * words + low;
		return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
	}

	/** @throws JuteError for an epoch beyond 2^21 - 1 (docs/divergence.md). */
	readZxid(): Zxid {
		const at = this.position;
		if (this.end - at < 8) this.#short(8, 'a zxid');
		const high = this.readInt();
		const low = this.readInt() >>> 0;
		if (high < 0 || high > maxHighWord) throw unsafe('zxid', high, low, at);
		return (high * words + low) as Zxid;
	}

	readSessionId(): SessionId {
		return this.readLong() as SessionId;
	}

	/**
	 * The length of a string or buffer, checked against what remains; -1 for null. The position is then at its first byte:
	 * with `bytes`, `position` and `skip` a caller reads in place and allocates nothing.
	 */
	readLength(): number {
		const at = this.position;
		const length = this.readInt();
		if (length < -1 || length > this.end - this.position) this.#badLength(length, at);
		return length;
	}

	skip(count: number): void {
		if (count < 0 || count > this.end - this.position) this.#short(count, 'bytes to skip');
		this.position += count;
	}

	/** A view of the reader's own bytes, not a copy. */
	readBuffer(): Uint8Array | null {
		const length = this.readLength();
		if (length === -1) return null;
		const at = this.position;
		this.position = at + length;
		return this.bytes.subarray(at, at + length);
	}

	readString(): string | null {
		const length = this.readLength();
		if (length === -1) return null;
		const at = this.position;
		this.position = at + length;
		return readUtf8(this.bytes, at, at + length);
	}

	/** A string that may be empty but not null. */
	readRequiredString(): string {
		const text = this.readString();
		if (text === null) throw new JuteError('a string is null that must not be', this.position - 4);
		return text;
	}

	/** How many elements a vector has, checked against what remains when each takes at least `minBytesEach`; -1 for null. */
	readCount(minBytesEach: number): number {
		const at = this.position;
		const count = this.readInt();
		if (count < -1) throw new JuteError(`a vector has ${count} elements`, at);
		if (count * minBytesEach > this.end - this.position) {
			throw new JuteError(`a vector claims ${count} elements, ${this.remaining} bytes remain for them`, at);
		}
		return count;
	}

	#short(wanted: number, what: string): never {
		throw new JuteError(`${what} needs ${wanted} bytes and ${this.remaining} remain`, this.position);
	}

	#badLength(length: number, at: number): never {
		throw new JuteError(
			length < 0
				? `length ${length} is negative`
				: `length ${length} is more than the ${this.remaining} bytes that remain`,
			at,
		);
	}
}

/** Writes Jute values into a buffer that grows. `position` may be set back to write again from there. */
export class JuteWriter {
	bytes: Uint8Array;
	position = 0;

	/** A capacity to begin with, or a buffer of the caller's to write into (replaced by a larger one when it is full). */
	constructor(initial: number | Uint8Array = 256) {
		this.bytes = typeof initial === 'number' ? new Uint8Array(initial) : initial;
	}

	reset(): void {
		this.position = 0;
	}

	/** Makes room for `count` more bytes. */
	ensure(count: number): void {
		if (this.bytes.length - this.position < count) this.#grow(count);
	}

	writeByte(value: number): void {
		this.ensure(1);
		this.bytes[this.position++] = value;
	}

	writeBool(value: boolean): void {
		this.ensure(1);
		this.bytes[this.position++] = value ? 1 : 0;
	}

	writeInt(value: number): void {
		this.ensure(4);
		this.#put32(value);
	}

	writeUint32(value: number): void {
		this.writeInt(value);
	}

	/** 64 bits; signed values are written in two's complement. */
	writeLong(value: bigint): void {
		this.ensure(8);
		if (value === 0n) {
			this.#put32(0);
			this.#put32(0);
			return;
		}
		cell64[0] = value;
		const low = cell32[lowWord]!;
		this.#put32(cell32[highWord]!);
		this.#put32(low);
	}

	writeSignedLong(value: bigint): void {
		this.writeLong(value);
	}

	/** @throws RangeError when the number is not a safe integer: it would not be written exactly. */
	writeSafeLong(value: number): void {
		if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not an exact 64-bit integer`);
		this.ensure(8);
		this.#put32(Math.floor(value / words));
		// The remainder modulo 2^32 is what ToInt32 keeps, for negative values too.
		this.#put32(value);
	}

	writeZxid(value: Zxid): void {
		this.writeSafeLong(value);
	}

	writeSessionId(value: SessionId): void {
		this.writeLong(value);
	}

	writeBuffer(value: Uint8Array | null): void {
		if (value === null) {
			this.writeInt(-1);
			return;
		}
		this.ensure(4 + value.length);
		this.#put32(value.length);
		this.writeRaw(value);
	}

	/** Bytes as they are, without a length. */
	writeRaw(value: Uint8Array): void {
		const length = value.length;
		this.ensure(length);
		// Below this a loop is faster than the call of set().
		if (length < 48) {
			const to = this.bytes;
			let at = this.position;
			for (let i = 0; i < length; i++) to[at++] = value[i]!;
		} else {
			this.bytes.set(value, this.position);
		}
		this.position += length;
	}

	writeString(value: string | null): void {
		if (value === null) {
			this.writeInt(-1);
			return;
		}
		const length = value.length;
		this.ensure(4 + length);
		const to = this.bytes;
		const first = this.position + 4;
		for (let i = 0; i < length; i++) {
			const unit = value.charCodeAt(i);
			if (unit >= 0x80) {
				this.#writeUnicode(value);
				return;
			}
			to[first + i] = unit;
		}
		this.#put32(length);
		this.position = first + length;
	}

	/** Overwrites four bytes written before, such as a length that was not yet known. */
	patchInt(at: number, value: number): void {
		if (at < 0 || at + 4 > this.position) throw new RangeError(`nothing has been written at ${at}..${at + 4}`);
		const position = this.position;
		this.position = at;
		this.#put32(value);
		this.position = position;
	}

	/** What was written, without a copy: valid until the next write. */
	view(): Uint8Array {
		return this.bytes.subarray(0, this.position);
	}

	#put32(value: number): void {
		const to = this.bytes;
		const at = this.position;
		to[at] = value >>> 24;
		to[at + 1] = value >>> 16;
		to[at + 2] = value >>> 8;
		to[at + 3] = value;
		this.position = at + 4;
	}

	#writeUnicode(value: string): void {
		const length = utf8Length(value);
		this.ensure(4 + length);
		this.#put32(length);
		writeUtf8(value, this.bytes, this.position);
		this.position += length;
	}

	#grow(count: number): void {
		const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.position + count, 64));
		larger.set(this.bytes.subarray(0, this.position));
		this.bytes = larger;
	}
}

function checkRange(bytes: Uint8Array, start: number, end: number): void {
	if (!(start >= 0 && start <= end && end <= bytes.length)) {
		throw new RangeError(`range ${start}..${end} is outside a buffer of ${bytes.length} bytes`);
	}
}

function unsafe(what: string, high: number, low: number, at: number): JuteError {
	const hex = (high >>> 0).toString(16) + low.toString(16).padStart(8, '0');
	return new JuteError(
		`${what} 0x${hex} is outside what this build holds exactly (±2^53; a zxid's epoch ≤ 2^21 - 1)`,
		at,
	);
}
