/**
 * UTF-8 as ZooKeeper has it, written by hand because short ASCII strings dominate and the platform's codecs cost more than the
 * rest of a record.
 *
 * ZooKeeper's Java *writes* each UTF-16 code unit by itself, so a character beyond U+FFFF becomes two three-byte sequences (CESU-8)
 * instead of one of four bytes; it *reads* standard UTF-8 and turns those sequences into U+FFFD. Here writing gives ZooKeeper's
 * bytes, and reading takes both forms, so nothing that ZooKeeper logged is lost. Other malformed bytes become U+FFFD, one for each
 * maximal part of a sequence, as Java and the Encoding Standard do. Paths cannot hold such characters (semantics 71); ACL ids can.
 */

const replacement = 0xfffd;
const longest = 96;
/** One array of code units per length: String.fromCharCode.apply() on them is the fastest way to a flat short string. */
const units: number[][] = Array.from({ length: longest + 1 }, (_, length) => new Array<number>(length).fill(0));

/** Decodes bytes[start..end); the range is the caller's promise. */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string {
	const length = end - start;
	if (length > longest) return readLong(bytes, start, end);
	const into = units[length]!;
	for (let i = 0; i < length; i++) {
		const byte = bytes[start + i]!;
		if (byte >= 0x80) return readUnicode(bytes, start, end);
		into[i] = byte;
	}
	return String.fromCharCode.apply(null, into);
}

/** How many bytes writeUtf8 writes. */
export function utf8Length(text: string): number {
	let length = text.length;
	for (let i = 0; i < text.length; i++) {
		const unit = text.charCodeAt(i);
		if (unit >= 0x800) length += 2;
		else if (unit >= 0x80) length += 1;
	}
	return length;
}

/** Encodes as ZooKeeper does; the caller has made room for utf8Length(text) bytes. Returns the position behind them. */
export function writeUtf8(text: string, to: Uint8Array, at: number): number {
	for (let i = 0; i < text.length; i++) {
		const unit = text.charCodeAt(i);
		if (unit < 0x80) {
			to[at++] = unit;
		} else if (unit < 0x800) {
			to[at++] = 0xc0 | (unit >> 6);
			to[at++] = 0x80 | (unit & 0x3f);
		} else {
			to[at++] = 0xe0 | (unit >> 12);
			to[at++] = 0x80 | ((unit >> 6) & 0x3f);
			to[at++] = 0x80 | (unit & 0x3f);
		}
	}
	return at;
}

function readLong(bytes: Uint8Array, start: number, end: number): string {
	let text = '';
	let at = start;
	const into = units[longest]!;
	while (end - at >= longest) {
		for (let i = 0; i < longest; i++) {
			const byte = bytes[at + i]!;
			if (byte >= 0x80) return text + readUnicode(bytes, at, end);
			into[i] = byte;
		}
		text += String.fromCharCode.apply(null, into);
		at += longest;
	}
	return text + readUtf8(bytes, at, end);
}

function readUnicode(bytes: Uint8Array, start: number, end: number): string {
	let text = '';
	let chunk: number[] = [];
	let at = start;
	while (at < end) {
		const lead = bytes[at++]!;
		if (lead < 0x80) {
			chunk.push(lead);
		} else {
			const wanted = continuationCount(lead);
			let point = wanted === 0 ? replacement : lead & (0x3f >> wanted);
			for (let i = 0; i < wanted; i++) {
				const next = at < end ? bytes[at]! : 0;
				if ((next & 0xc0) !== 0x80 || (i === 0 && !startsWell(lead, next))) {
					point = replacement;
					break;
				}
				point = (point << 6) | (next & 0x3f);
				at++;
			}
			if (point >= 0x1_0000) chunk.push(0xd800 + ((point - 0x1_0000) >> 10), 0xdc00 + (point & 0x3ff));
			else chunk.push(point);
		}
		if (chunk.length >= 4096) {
			text += String.fromCharCode.apply(null, chunk);
			chunk = [];
		}
	}
	return text + String.fromCharCode.apply(null, chunk);
}

/** 0 for a byte that cannot begin a sequence. */
function continuationCount(lead: number): number {
	if (lead >= 0xc2 && lead <= 0xdf) return 1;
	if (lead >= 0xe0 && lead <= 0xef) return 2;
	if (lead >= 0xf0 && lead <= 0xf4) return 3;
	return 0;
}

/** Refuses overlong forms and code points beyond U+10FFFF; surrogates (ED A0..BF) are let through, see above. */
function startsWell(lead: number, next: number): boolean {
	if (lead === 0xe0) return next >= 0xa0;
	if (lead === 0xf0) return next >= 0x90;
	if (lead === 0xf4) return next <= 0x8f;
	return true;
}
