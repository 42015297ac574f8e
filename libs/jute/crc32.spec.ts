import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { crc32, useNativeCrc32 } from './crc32.ts';

const own = (bytes: Uint8Array, seed: number): number => crc32(bytes, 0, bytes.length, seed);

afterEach(() => useNativeCrc32(own0));

/** The tables again, behind a call that never takes the short way. */
function own0(bytes: Uint8Array, seed: number): number {
	const half = bytes.length >> 1;
	return crc32(bytes, half, bytes.length, crc32(bytes, 0, half, seed));
}

it('76: is the number that zlib has, whichever code makes it', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(0xffff_ffff), (bytes, seed) => {
			const expected = zlibCrc32(bytes, seed);
			useNativeCrc32(own0);
			expect(own(bytes, seed)).toBe(expected);
			useNativeCrc32(zlibCrc32);
			expect(own(bytes, seed)).toBe(expected);
		}),
	);
});
