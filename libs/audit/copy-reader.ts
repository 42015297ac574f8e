/** Reads the binary format of PostgreSQL's COPY from a stream of chunks: the reverse of copy-rows.ts. */
const signatureBytes = 11;
const postgresEpochMs = 946_684_800_000;

/** One row's fields in order; null is null. Valid until the next row is read. */
export class CopyRow {
	#bytes: Buffer = Buffer.alloc(0);
	#at = 0;

	reset(bytes: Buffer, at: number): void {
		this.#bytes = bytes;
		this.#at = at;
	}

	/** An exact double: a zxid. */
	int8(): number {
		this.#at += 12;
		return this.#bytes.readInt32BE(this.#at - 8) * 2 ** 32 + this.#bytes.readUInt32BE(this.#at - 4);
	}

	/** Unsigned 64 bits. */
	big8(): bigint {
		this.#at += 12;
		return this.#bytes.readBigUInt64BE(this.#at - 8);
	}

	int4(): number {
		this.#at += 8;
		return this.#bytes.readInt32BE(this.#at - 4);
	}

	/** Milliseconds since 1970, from a timestamptz. */
	time(): number {
		this.#at += 12;
		return (
			Math.round((this.#bytes.readInt32BE(this.#at - 8) * 2 ** 32 + this.#bytes.readUInt32BE(this.#at - 4)) / 1000) +
			postgresEpochMs
		);
	}

	text(): string {
		const length = this.#bytes.readInt32BE(this.#at);
		this.#at += 4 + length;
		return this.#bytes.toString('utf8', this.#at - length, this.#at);
	}

	/** A view. */
	bytea(): Buffer | null {
		const length = this.#bytes.readInt32BE(this.#at);
		this.#at += 4;
		if (length === -1) return null;
		this.#at += length;
		return this.#bytes.subarray(this.#at - length, this.#at);
	}
}

/** Calls `each` for every row. */
export async function readCopy(stream: AsyncIterable<Buffer>, each: (row: CopyRow) => void): Promise<void> {
	const row = new CopyRow();
	let rest: Buffer = Buffer.alloc(0);
	let begun = false;
	for await (const chunk of stream) {
		const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
		let at = 0;
		if (!begun) {
			const header = signatureBytes + 8;
			if (bytes.length < header || bytes.length < header + bytes.readInt32BE(signatureBytes + 4)) {
				rest = bytes;
				continue;
			}
			at = header + bytes.readInt32BE(signatureBytes + 4);
			begun = true;
		}
		for (;;) {
			const end = endOfRow(bytes, at);
			if (end === null) break;
			if (end === at + 2 && bytes.readInt16BE(at) === -1) {
				at = end;
				continue;
			}
			row.reset(bytes, at + 2);
			each(row);
			at = end;
		}
		rest = bytes.subarray(at);
	}
	if (rest.length > 0) throw new Error(`a COPY from PostgreSQL ended ${rest.length} bytes into a row`);
}

/** Null when the row is not complete. */
function endOfRow(bytes: Buffer, start: number): number | null {
	if (bytes.length - start < 2) return null;
	const fields = bytes.readInt16BE(start);
	let at = start + 2;
	for (let i = 0; i < fields; i++) {
		if (bytes.length - at < 4) return null;
		const length = bytes.readInt32BE(at);
		at += 4 + Math.max(0, length);
		if (at > bytes.length) return null;
	}
	return at;
}
