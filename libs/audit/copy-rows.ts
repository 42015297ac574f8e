/**
 * Rows in the binary format of PostgreSQL's COPY, written into one growing buffer: no object per value. A row is the number of its
 * fields (16 bits) and each field as a 32-bit length and its bytes, -1 for null; everything big-endian.
 */
const words = 2 ** 32;
/** Milliseconds from 1970 to 2000, where PostgreSQL's timestamps begin. */
const postgresEpochMs = 946_684_800_000;
/** Beyond these PostgreSQL has no dates: they become infinity. */
const latestMs = 9_224_318_015_999_000;
const earliestMs = -210_866_803_200_000;

const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);

export class CopyRows {
	#bytes: Buffer;
	#at = header.length;
	#finished = false;
	rows = 0;

	constructor(capacity = 64 * 1024) {
		this.#bytes = Buffer.allocUnsafe(Math.max(capacity, 1024));
		header.copy(this.#bytes);
	}

	get position(): number {
		return this.#at;
	}

	beginRow(fields: number): void {
		this.#ensure(2);
		this.#bytes[this.#at++] = fields >>> 8;
		this.#bytes[this.#at++] = fields;
		this.rows++;
	}

	null(): void {
		this.#ensure(4);
		this.#put32(-1);
	}

	int2(value: number): void {
		this.#ensure(6);
		this.#put32(2);
		this.#bytes[this.#at++] = value >>> 8;
		this.#bytes[this.#at++] = value;
	}

	int4(value: number): void {
		this.#ensure(8);
		this.#put32(4);
		this.#put32(value);
	}

	/** A double that is an exact integer: a zxid. */
	int8(value: number): void {
		this.#ensure(12);
		this.#put32(8);
		this.#put32(Math.floor(value / words));
		this.#put32(value);
	}

	/** 64 bits, signed or unsigned: PostgreSQL keeps the bits. */
	big8(value: bigint): void {
		this.#ensure(12);
		this.#put32(8);
		if (value === 0n) {
			this.#put32(0);
			this.#put32(0);
			return;
		}
		this.#at = this.#bytes.writeBigUInt64BE(BigInt.asUintN(64, value), this.#at);
	}

	/** timestamptz, from milliseconds since 1970. */
	time(ms: number): void {
		this.#ensure(12);
		this.#put32(8);
		if (ms > latestMs || ms < earliestMs) {
			this.#at = this.#bytes.writeBigInt64BE(ms > 0 ? 0x7fff_ffff_ffff_ffffn : -0x8000_0000_0000_0000n, this.#at);
			return;
		}
		const micros = (ms - postgresEpochMs) * 1000;
		if (Number.isSafeInteger(micros)) {
			this.#put32(Math.floor(micros / words));
			this.#put32(micros);
		} else {
			this.#at = this.#bytes.writeBigInt64BE(BigInt(ms - postgresEpochMs) * 1000n, this.#at);
		}
	}

	bool(value: boolean): void {
		this.#ensure(5);
		this.#put32(1);
		this.#bytes[this.#at++] = value ? 1 : 0;
	}

	bytea(value: Uint8Array | null): void {
		if (value === null) {
			this.null();
			return;
		}
		this.#ensure(4 + value.length);
		this.#put32(value.length);
		this.#bytes.set(value, this.#at);
		this.#at += value.length;
	}

	/** The text must be one that PostgreSQL can hold: paths are; see `storableText` for others. */
	text(value: string | null): void {
		if (value === null) this.null();
		else if (!this.#shortAscii(value)) this.#anyText(value);
	}

	/** What was written from a position on: valid until the next write. */
	since(position: number): Buffer {
		return this.#bytes.subarray(position, this.#at);
	}

	/** Copies fields that were written elsewhere. */
	raw(bytes: Uint8Array): void {
		this.#ensure(bytes.length);
		this.#bytes.set(bytes, this.#at);
		this.#at += bytes.length;
	}

	/** A copy of what was written since the last call: a piece of a stream that is longer than memory should hold. */
	take(): Buffer {
		const piece = Buffer.from(this.#bytes.subarray(0, this.#at));
		this.#at = 0;
		return piece;
	}

	/** The whole stream with its trailer, as often as it is asked for (a batch may be written again). No row may be added afterwards. */
	finish(): Buffer {
		if (this.#finished) return this.#bytes.subarray(0, this.#at);
		this.#finished = true;
		this.#ensure(2);
		this.#bytes[this.#at++] = 0xff;
		this.#bytes[this.#at++] = 0xff;
		return this.#bytes.subarray(0, this.#at);
	}

	/** Most text is: a loop is then faster than the call of a codec. False, with nothing written, when it is not. */
	#shortAscii(value: string): boolean {
		const length = value.length;
		if (length > 200) return false;
		this.#ensure(4 + length);
		const to = this.#bytes;
		const first = this.#at + 4;
		for (let i = 0; i < length; i++) {
			const unit = value.charCodeAt(i);
			if (unit >= 0x80) return false;
			to[first + i] = unit;
		}
		this.#put32(length);
		this.#at = first + length;
		return true;
	}

	#anyText(value: string): void {
		const length = Buffer.byteLength(value);
		this.#ensure(4 + length);
		this.#put32(length);
		this.#at += this.#bytes.write(value, this.#at, 'utf8');
	}

	#put32(value: number): void {
		const to = this.#bytes;
		const at = this.#at;
		to[at] = value >>> 24;
		to[at + 1] = value >>> 16;
		to[at + 2] = value >>> 8;
		to[at + 3] = value;
		this.#at = at + 4;
	}

	#ensure(count: number): void {
		if (this.#at + count <= this.#bytes.length) return;
		const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + count));
		this.#bytes.copy(larger, 0, 0, this.#at);
		this.#bytes = larger;
	}
}

/**
 * PostgreSQL's text holds neither U+0000 nor lone surrogates; ids of ACLs and identities may. They are written ␀0 and ␀uXXXX,
 * and ␀ itself ␀␀, so that nothing is lost.
 */
export function storableText(text: string): string {
	if (!/[\0\u2400\ud800-\udfff]/.test(text)) return text;
	return text.replace(/\0|\u2400|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, (unit) => {
		if (unit === '\0') return '\u24000';
		if (unit === '\u2400') return '\u2400\u2400';
		return `\u2400u${unit.charCodeAt(0).toString(16)}`;
	});
}

/** What `storableText` was given. */
export function originalText(stored: string): string {
	if (!stored.includes('\u2400')) return stored;
	return stored.replace(
		/\u2400(?:(0)|(\u2400)|u([0-9a-f]{4}))/g,
		(_, nul: string | undefined, symbol: string | undefined, hex: string) => {
			if (nul !== undefined) return '\0';
			return symbol ?? String.fromCharCode(Number.parseInt(hex, 16));
		},
	);
}
