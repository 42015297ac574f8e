/** CRC-32 as zlib and the tree digest have it, eight bytes a step (slicing-by-8). */

const polynomial = 0xedb8_8320;

/** Eight tables of 256: table k advances a byte over k more zero bytes. */
const table = new Int32Array(8 * 256);
for (let i = 0; i < 256; i++) {
	let crc = i;
	for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
	table[i] = crc;
}
for (let i = 256; i < table.length; i++) {
	const previous = table[i - 256]!;
	table[i] = (previous >>> 8) ^ table[previous & 0xff]!;
}

/** The same number from the platform's own code: so long a range is worth the call. */
const nativeFromBytes = 256;
let native: ((bytes: Uint8Array, seed: number) => number) | null = null;

/** Whole arrays are handed to this from now on, such as zlib's crc32. This room knows no platform, so whoever starts the process says it. */
export function useNativeCrc32(crc32OfAll: (bytes: Uint8Array, seed: number) => number): void {
	native = crc32OfAll;
}

/** Of bytes[start..end), continuing from `seed`: crc32(b, …, crc32(a, …)) is that of a and b together. Unsigned. */
export function crc32(bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): number {
	if (start < 0 || end > bytes.length) throw new RangeError(`range ${start}..${end} is outside ${bytes.length} bytes`);
	if (native !== null && start === 0 && end === bytes.length && end >= nativeFromBytes) return native(bytes, seed);
	const t = table;
	let crc = ~seed;
	let at = start;
	for (; end - at >= 8; at += 8) {
		const low = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
		crc =
			t[1792 + (low & 0xff)]! ^
			t[1536 + ((low >>> 8) & 0xff)]! ^
			t[1280 + ((low >>> 16) & 0xff)]! ^
			t[1024 + (low >>> 24)]! ^
			t[768 + bytes[at + 4]!]! ^
			t[512 + bytes[at + 5]!]! ^
			t[256 + bytes[at + 6]!]! ^
			t[bytes[at + 7]!]!;
	}
	for (; at < end; at++) crc = (crc >>> 8) ^ t[(crc ^ bytes[at]!) & 0xff]!;
	return ~crc >>> 0;
}
