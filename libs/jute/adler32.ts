/** Adler-32: the checksum of records in ZooKeeper's transaction log and of its snapshots. */

const base = 65_521;
/** How many bytes can be summed before the second sum must be reduced to stay within 31 bits, where V8 keeps small integers. */
const nmax = 3_792;

/** Of bytes[start..end), continuing from `seed` (1 to begin with). Unsigned. */
export function adler32(bytes: Uint8Array, start = 0, end = bytes.length, seed = 1): number {
	if (start < 0 || end > bytes.length) throw new RangeError(`range ${start}..${end} is outside ${bytes.length} bytes`);
	let a = seed & 0xffff;
	let b = seed >>> 16;
	let at = start;
	while (at < end) {
		const stop = Math.min(at + nmax, end);
		for (; stop - at >= 8; at += 8) {
			b += a += bytes[at]!;
			b += a += bytes[at + 1]!;
			b += a += bytes[at + 2]!;
			b += a += bytes[at + 3]!;
			b += a += bytes[at + 4]!;
			b += a += bytes[at + 5]!;
			b += a += bytes[at + 6]!;
			b += a += bytes[at + 7]!;
		}
		for (; at < stop; at++) b += a += bytes[at]!;
		a %= base;
		b %= base;
	}
	return ((b << 16) | a) >>> 0;
}
