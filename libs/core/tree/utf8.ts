/**
 * UTF-8 as Java's `String.getBytes()` makes it for the digest: a surrogate pair is four bytes, a lone surrogate is `?`.
 * One scratch buffer serves the whole thread; its content is valid until the next call.
 */
let scratch = new Uint8Array(4096);

export function utf8Scratch(): Uint8Array {
	return scratch;
}

/** Encodes into the scratch buffer and returns the number of bytes. */
export function encodeUtf8(text: string): number {
	if (text.length * 3 > scratch.length) scratch = new Uint8Array(text.length * 4);
	const target = scratch;
	for (let i = 0; i < text.length; i++) {
		const unit = text.charCodeAt(i);
		if (unit >= 0x80) return encodeRest(text, i);
		target[i] = unit;
	}
	return text.length;
}

function encodeRest(text: string, from: number): number {
	const target = scratch;
	let at = from;
	for (let i = from; i < text.length; i++) {
		const unit = text.charCodeAt(i);
		if (unit < 0x80) {
			target[at++] = unit;
		} else if (unit < 0x800) {
			target[at++] = 0xc0 | (unit >> 6);
			target[at++] = 0x80 | (unit & 0x3f);
		} else if (unit < 0xd800 || unit > 0xdfff) {
			target[at++] = 0xe0 | (unit >> 12);
			target[at++] = 0x80 | ((unit >> 6) & 0x3f);
			target[at++] = 0x80 | (unit & 0x3f);
		} else if (unit < 0xdc00 && isLowSurrogate(text, i + 1)) {
			const point = 0x1_0000 + ((unit - 0xd800) << 10) + (text.charCodeAt(++i) - 0xdc00);
			target[at++] = 0xf0 | (point >> 18);
			target[at++] = 0x80 | ((point >> 12) & 0x3f);
			target[at++] = 0x80 | ((point >> 6) & 0x3f);
			target[at++] = 0x80 | (point & 0x3f);
		} else {
			target[at++] = 0x3f;
		}
	}
	return at;
}

function isLowSurrogate(text: string, at: number): boolean {
	const unit = text.charCodeAt(at);
	return unit >= 0xdc00 && unit <= 0xdfff;
}
