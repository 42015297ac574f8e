/** SHA-1, for ZooKeeper's digest identities (`user:base64(sha1(user:password))`) and nothing else. */
export function sha1(message: Uint8Array): Uint8Array {
	const padded = pad(message);
	const state = Uint32Array.of(0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0);
	const words = new Uint32Array(80);
	const view = new DataView(padded.buffer);
	for (let at = 0; at < padded.length; at += 64) {
		for (let i = 0; i < 16; i++) words[i] = view.getUint32(at + 4 * i);
		for (let i = 16; i < 80; i++) {
			words[i] = rotate(words[i - 3]! ^ words[i - 8]! ^ words[i - 14]! ^ words[i - 16]!, 1);
		}
		mix(state, words);
	}
	const hash = new Uint8Array(20);
	const out = new DataView(hash.buffer);
	for (let i = 0; i < 5; i++) out.setUint32(4 * i, state[i]!);
	return hash;
}

function mix(state: Uint32Array, words: Uint32Array): void {
	let [a, b, c, d, e] = state as unknown as [number, number, number, number, number];
	for (let i = 0; i < 80; i++) {
		const [f, k] = round(i, b, c, d);
		const next = (rotate(a, 5) + f + e + k + words[i]!) >>> 0;
		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	const mixed = [a, b, c, d, e];
	for (let i = 0; i < 5; i++) state[i] = state[i]! + mixed[i]!;
}

function round(i: number, b: number, c: number, d: number): readonly [number, number] {
	if (i < 20) return [(b & c) | (~b & d), 0x5a82_7999];
	if (i < 40) return [b ^ c ^ d, 0x6ed9_eba1];
	if (i < 60) return [(b & c) | (b & d) | (c & d), 0x8f1b_bcdc];
	return [b ^ c ^ d, 0xca62_c1d6];
}

function rotate(word: number, by: number): number {
	return ((word << by) | (word >>> (32 - by))) >>> 0;
}

/** A one bit, zeros, and the length in bits, to a multiple of 64 bytes. */
function pad(message: Uint8Array): Uint8Array<ArrayBuffer> {
	const padded = new Uint8Array((((message.length + 8) >> 6) + 1) * 64);
	padded.set(message);
	padded[message.length] = 0x80;
	const view = new DataView(padded.buffer);
	view.setUint32(padded.length - 8, Math.floor(message.length / 0x2000_0000));
	view.setUint32(padded.length - 4, (message.length << 3) >>> 0);
	return padded;
}
