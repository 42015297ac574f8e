import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JuteError, JuteReader, JuteWriter } from './codec.ts';
import type { SessionId, Zxid } from './scalars.ts';

function written(write: (writer: JuteWriter) => void): Uint8Array {
	const writer = new JuteWriter(0);
	write(writer);
	return writer.view().slice();
}

function view(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Runs the read on bytes that must be refused, and gives the error. */
function refusal(bytes: number[], read: (reader: JuteReader) => unknown): JuteError {
	try {
		read(new JuteReader(Uint8Array.from(bytes)));
	} catch (error) {
		if (error instanceof JuteError) return error;
		throw error;
	}
	throw new Error('was not refused');
}

describe('numbers', () => {
	it('are big-endian and come back the same', () => {
		fc.assert(
			fc.property(
				fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
				fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
				fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
				fc.maxSafeInteger(),
				fc.boolean(),
				fc.maxSafeNat(),
				(int, long, signed, safe, bool, zxid) => {
					const bytes = written((writer) => {
						writer.writeInt(int);
						writer.writeLong(long);
						writer.writeSignedLong(signed);
						writer.writeSafeLong(safe);
						writer.writeBool(bool);
						writer.writeZxid(zxid as Zxid);
						writer.writeSessionId(long as SessionId);
					});
					expect(view(bytes).getInt32(0)).toBe(int);
					expect(view(bytes).getBigUint64(4)).toBe(long);
					expect(view(bytes).getBigInt64(12)).toBe(signed);
					expect(view(bytes).getBigInt64(20)).toBe(BigInt(safe));
					expect(view(bytes).getBigInt64(29)).toBe(BigInt(zxid));
					const reader = new JuteReader(bytes);
					expect(reader.readInt()).toBe(int);
					expect(reader.readLong()).toBe(long);
					expect(reader.readSignedLong()).toBe(signed);
					expect(reader.readSafeLong()).toBe(safe);
					expect(reader.readBool()).toBe(bool);
					expect(reader.readZxid()).toBe(zxid);
					expect(reader.readSessionId()).toBe(long);
					expect(reader.remaining).toBe(0);
				},
			),
		);
	});

	it('6: a zxid or a long that a double cannot hold is refused, and named', () => {
		const tooLarge = [0, 0x20, 0, 0, 0, 0, 0, 1];
		expect(refusal(tooLarge, (reader) => reader.readZxid()).message).toContain('zxid 0x20000000000001');
		expect(refusal(tooLarge, (reader) => reader.readSafeLong()).offset).toBe(0);
		expect(refusal([0xff, ...tooLarge.slice(1)], (reader) => reader.readZxid()).offset).toBe(0);
		expect(() => new JuteWriter().writeSafeLong(2 ** 53)).toThrow(RangeError);
		expect(() => new JuteWriter().writeZxid(0.5 as Zxid)).toThrow(RangeError);
	});

	it('are clamped where only their order matters', () => {
		const read = (...bytes: number[]) => new JuteReader(Uint8Array.from(bytes)).readClampedLong();
		expect(read(0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)).toBe(Number.MAX_SAFE_INTEGER);
		expect(read(0x80, 0, 0, 0, 0, 0, 0, 0)).toBe(-Number.MAX_SAFE_INTEGER);
		expect(read(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe)).toBe(-2);
	});
});

describe('strings', () => {
	it('come back the same, whatever they hold', () => {
		const text = fc.oneof(
			fc.string({ unit: 'binary', maxLength: 300 }),
			fc.string({ unit: 'binary-ascii', maxLength: 300 }),
		);
		fc.assert(
			fc.property(fc.option(text), (value) => {
				const reader = new JuteReader(written((writer) => writer.writeString(value)));
				expect(reader.readString()).toBe(value);
				expect(reader.remaining).toBe(0);
			}),
		);
	});

	it('are UTF-8 up to U+FFFF', () => {
		fc.assert(
			fc.property(
				fc.string({ unit: 'grapheme', maxLength: 200 }).map((s) => s.replace(/[\u{10000}-\u{10ffff}]/gu, '€')),
				(text) => {
					const bytes = written((writer) => writer.writeString(text));
					expect(Buffer.from(bytes.subarray(4)).equals(Buffer.from(text))).toBe(true);
				},
			),
		);
	});

	it('are written as ZooKeeper does beyond U+FFFF, and read in both forms', () => {
		const javas = [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80];
		expect([...written((writer) => writer.writeString('😀'))]).toEqual([0, 0, 0, 6, ...javas]);
		const standard = Buffer.from('😀');
		expect(new JuteReader(Uint8Array.of(0, 0, 0, 6, ...javas)).readString()).toBe('😀');
		expect(new JuteReader(Uint8Array.of(0, 0, 0, 4, ...standard)).readString()).toBe('😀');
	});

	it('have U+FFFD for malformed bytes, as the Encoding Standard says', () => {
		const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
		const byte = fc.oneof(fc.nat(255), fc.constantFrom(0xc2, 0xe0, 0xe1, 0xf0, 0xf1, 0xf4, 0x80, 0x9f, 0xa0, 0xbf));
		fc.assert(
			fc.property(fc.array(byte, { maxLength: 200 }), (bytes) => {
				const withoutSurrogates = bytes.map((b) => (b === 0xed ? 0xee : b));
				const reader = new JuteReader(Uint8Array.of(0, 0, 0, bytes.length, ...withoutSurrogates));
				expect(reader.readString()).toBe(decoder.decode(Uint8Array.from(withoutSurrogates)));
			}),
			{ numRuns: 1000 },
		);
	});

	it('are read across every internal boundary of length', () => {
		for (const length of [0, 1, 95, 96, 97, 191, 192, 193, 5000]) {
			for (const text of ['a'.repeat(length), `${'a'.repeat(length)}é`, 'é'.repeat(length)]) {
				expect(new JuteReader(written((writer) => writer.writeString(text))).readString()).toBe(text);
			}
		}
	});
});

describe('buffers', () => {
	it('come back the same, null apart from empty', () => {
		fc.assert(
			fc.property(fc.option(fc.uint8Array({ maxLength: 200 })), fc.nat(40), (value, before) => {
				const bytes = written((writer) => {
					writer.writeRaw(new Uint8Array(before));
					writer.writeBuffer(value);
				});
				const reader = new JuteReader(bytes, before);
				expect(reader.readBuffer()).toEqual(value);
				expect(reader.remaining).toBe(0);
			}),
		);
	});

	it('are views, not copies', () => {
		const bytes = Uint8Array.of(0, 0, 0, 1, 7);
		expect(new JuteReader(bytes).readBuffer()!.buffer).toBe(bytes.buffer);
	});
});

describe('limits', () => {
	it('nothing is read past the end', () => {
		const reads: [string, number, (reader: JuteReader) => unknown][] = [
			['readByte', 1, (reader) => reader.readByte()],
			['readBool', 1, (reader) => reader.readBool()],
			['readInt', 4, (reader) => reader.readInt()],
			['readLong', 8, (reader) => reader.readLong()],
			['readSignedLong', 8, (reader) => reader.readSignedLong()],
			['readSafeLong', 8, (reader) => reader.readSafeLong()],
			['readClampedLong', 8, (reader) => reader.readClampedLong()],
			['readZxid', 8, (reader) => reader.readZxid()],
			['skip', 5, (reader) => reader.skip(5)],
		];
		for (const [name, size, read] of reads) {
			const inside = new JuteReader(new Uint8Array(20), 3, 3 + size - 1);
			expect(() => read(inside), name).toThrow(JuteError);
			expect(inside.position, name).toBe(3);
		}
	});

	it('a length beyond the end is refused before anything is allocated', () => {
		const error = refusal([0, 0, 0x7f, 0xff, 0xff, 0xff, 1], (reader) => {
			reader.skip(2);
			reader.readString();
		});
		expect(error.message).toBe('length 2147483647 is more than the 1 bytes that remain at offset 2');
		expect(refusal([0x80, 0, 0, 0], (reader) => reader.readBuffer()).message).toContain(
			'length -2147483648 is negative',
		);
		expect(refusal([0xff, 0xff, 0xff, 0xff], (reader) => reader.readRequiredString()).offset).toBe(0);
	});

	it('a count that the remaining bytes cannot hold is refused', () => {
		expect(refusal([0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7], (reader) => reader.readCount(4)).message).toContain(
			'claims 2 elements',
		);
		expect(new JuteReader(Uint8Array.of(0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8)).readCount(4)).toBe(2);
		expect(new JuteReader(Uint8Array.of(255, 255, 255, 255)).readCount(4)).toBe(-1);
		expect(refusal([255, 255, 255, 254], (reader) => reader.readCount(4)).message).toContain('-2 elements');
	});

	it('a range outside the buffer is refused', () => {
		expect(() => new JuteReader(new Uint8Array(4), 0, 5)).toThrow(RangeError);
		expect(() => new JuteReader(new Uint8Array(4), 3, 2)).toThrow(RangeError);
		expect(() => new JuteReader(new Uint8Array(4)).reset(new Uint8Array(1), 2)).toThrow(RangeError);
	});

	it('only what was written can be patched', () => {
		const writer = new JuteWriter();
		writer.writeInt(0);
		writer.writeInt(5);
		writer.patchInt(0, -2);
		expect([...writer.view()]).toEqual([255, 255, 255, 254, 0, 0, 0, 5]);
		expect(() => writer.patchInt(5, 1)).toThrow(RangeError);
	});
});
