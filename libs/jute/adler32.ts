/** Adler-32: the checksum of records in ZooKeeper's transaction log and of its snapshots. */

const base = 65_521;
/** How many bytes can be summed before the second sum must be reduced to stay within 31 bits, where V8 keeps small integers. */
const nmax = 3_792;
/** A shorter range is not worth the look at four bytes at once. */
const fromBytes = 64;
/** Two sums of 16 bits each in one number: of every other byte of a word. */
const lanes = 0x00ff_00ff;
/** How many words can be summed before a lane overflows: its sum of sums is at most 255 · n(n-1)/2. */
const blockWords = 20;

/** Of the memory that was read last: a view costs as much to make as to use, and records come from the same memory one after the other. */
let view: DataView = new DataView(new ArrayBuffer(0));

/** Of bytes[start..end), continuing from `seed` (1 to begin with). Unsigned. */
export function adler32(bytes: Uint8Array, start = 0, end = bytes.length, seed = 1): number {
	if (start < 0 || end > bytes.length) throw new RangeError(`range ${start}..${end} is outside ${bytes.length} bytes`);
	let a = seed & 0xffff;
	let b = seed >>> 16;
	let at = start;
	if (end - start >= fromBytes) {
		if (view.buffer !== bytes.buffer) view = new DataView(bytes.buffer);
		const words = view;
		const offset = bytes.byteOffset;
		while (end - at >= 16) {
			// Whole steps of four words.
			const count = Math.min((end - at) >> 2, blockWords) & ~3;
			let even = 0;
			let odd = 0;
			// What `even` and `odd` were before each word, summed: b gets all of it once for each of a word's four bytes.
			let evens = 0;
			let odds = 0;
			const stop = offset + at + count * 4;
			for (let word = offset + at; word < stop; word += 16) {
				const first = words.getInt32(word, true);
				evens = (evens + even) | 0;
				odds = (odds + odd) | 0;
				even = (even + (first & lanes)) | 0;
				odd = (odd + ((first >>> 8) & lanes)) | 0;
				const second = words.getInt32(word + 4, true);
				evens = (evens + even) | 0;
				odds = (odds + odd) | 0;
				even = (even + (second & lanes)) | 0;
				odd = (odd + ((second >>> 8) & lanes)) | 0;
				const third = words.getInt32(word + 8, true);
				evens = (evens + even) | 0;
				odds = (odds + odd) | 0;
				even = (even + (third & lanes)) | 0;
				odd = (odd + ((third >>> 8) & lanes)) | 0;
				const fourth = words.getInt32(word + 12, true);
				evens = (evens + even) | 0;
				odds = (odds + odd) | 0;
				even = (even + (fourth & lanes)) | 0;
				odd = (odd + ((fourth >>> 8) & lanes)) | 0;
			}
			const before = (evens & 0xffff) + (evens >>> 16) + (odds & 0xffff) + (odds >>> 16);
			const byte0 = even & 0xffff;
			const byte1 = odd & 0xffff;
			const byte2 = even >>> 16;
			const byte3 = odd >>> 16;
			b = (b + 4 * (count * a + before + byte0) + 3 * byte1 + 2 * byte2 + byte3) % base;
			a = (a + byte0 + byte1 + byte2 + byte3) % base;
			at += count * 4;
		}
	}
	while (at < end) {
		const stop = Math.min(at + nmax, end);
		for (; at < stop; at++) b += a += bytes[at]!;
		a %= base;
		b %= base;
	}
	return ((b << 16) | a) >>> 0;
}
