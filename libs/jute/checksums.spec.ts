import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adler32 } from './adler32.ts';
import { crc32 } from './crc32.ts';

/** The definition, one byte at a time. */
function plainAdler32(bytes: Uint8Array): number {
	let a = 1n;
	let b = 0n;
	for (const byte of bytes) {
		a = (a + BigInt(byte)) % 65_521n;
		b = (b + a) % 65_521n;
	}
	return Number((b << 16n) | a);
}

describe('crc32', () => {
	it('is zlib’s', () => {
		fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => crc32(bytes) === zlib.crc32(bytes)));
		expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
	});

	it('goes on from what came before, over any range', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), fc.nat(100), (bytes, x, y) => {
				const from = Math.min(x, y, bytes.length);
				const to = Math.min(Math.max(x, y), bytes.length);
				const part = crc32(bytes, 0, from);
				expect(crc32(bytes, from, to, part)).toBe(zlib.crc32(bytes.subarray(0, to)));
			}),
		);
	});

	it('refuses a range outside its bytes', () => {
		expect(() => crc32(new Uint8Array(4), 0, 5)).toThrow(RangeError);
	});
});

describe('adler32', () => {
	it('is the definition’s', () => {
		fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => adler32(bytes) === plainAdler32(bytes)));
		expect(adler32(new TextEncoder().encode('Wikipedia'))).toBe(0x11e60398);
	});

	it('is the definition’s over any range of any memory', () => {
		const memory = new Uint8Array(4096).map((_, i) => (i * 7919 + (i >> 7)) & 0xff);
		fc.assert(
			fc.property(fc.nat(40), fc.nat(200), fc.nat(2000), fc.boolean(), (offset, start, length, isFull) => {
				const bytes = new Uint8Array(memory.buffer, offset, 3000);
				const range = isFull ? new Uint8Array(start + length).fill(0xff) : bytes;
				expect(adler32(range, start, start + length)).toBe(plainAdler32(range.subarray(start, start + length)));
			}),
		);
	});

	it('does not overflow where the modulo is deferred longest', () => {
		const bytes = new Uint8Array(100_000).fill(0xff);
		expect(adler32(bytes)).toBe(plainAdler32(bytes));
		// The largest seed: both sums one below the base.
		const seed = 65_520 * 65_536 + 65_520;
		let a = 65_520n;
		let b = 65_520n;
		for (const byte of bytes) b += a += BigInt(byte);
		expect(BigInt(adler32(bytes, 0, bytes.length, seed))).toBe(((b % 65_521n) << 16n) | (a % 65_521n));
	});

	it('goes on from what came before, over any range', () => {
		const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => (i * 7919) & 0xff);
		for (const cut of [0, 1, 3791, 3792, 3793, 19_999, 20_000]) {
			expect(adler32(bytes, cut, bytes.length, adler32(bytes, 0, cut))).toBe(plainAdler32(bytes));
		}
	});
});
