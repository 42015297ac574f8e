/**
 * The subject of a certificate as Java's X500Principal.getName() writes it, which is what ZooKeeper's `x509` scheme compares (X509AuthenticationProvider):
 * RFC 2253, the most specific part first, nine attribute types by name, all others as numbers with their value in hexadecimal.
 */

const names: Readonly<Record<string, string>> = {
	'2.5.4.3': 'CN',
	'2.5.4.6': 'C',
	'2.5.4.7': 'L',
	'2.5.4.8': 'ST',
	'2.5.4.9': 'STREET',
	'2.5.4.10': 'O',
	'2.5.4.11': 'OU',
	'0.9.2342.19200300.100.1.1': 'UID',
	'0.9.2342.19200300.100.1.25': 'DC',
};
const tags = { oid: 0x06, sequence: 0x30, set: 0x31, version: 0xa0 } as const;
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const utf16 = new TextDecoder('utf-16be', { ignoreBOM: true });
/** How the bytes of each sort of string become one, by tag, as Java 17 does it; what is not here it writes in hexadecimal. */
const decoders: Readonly<Record<number, (bytes: Buffer) => string>> = {
	// UTF8String
	12: (bytes) => utf8.decode(bytes),
	// PrintableString, TeletexString, IA5String, GeneralString
	19: latin,
	20: latin,
	22: latin,
	27: latin,
	// BMPString
	30: (bytes) => utf16.decode(bytes),
};

interface Value {
	readonly tag: number;
	/** Without tag and length. */
	readonly content: Buffer;
	/** With them. */
	readonly whole: Buffer;
}

/**
 * @param certificate DER
 * @throws RangeError for what is no certificate
 */
export function subjectName(certificate: Buffer): string {
	const [signed] = children(only(certificate, tags.sequence));
	const fields = signed === undefined ? [] : children(signed);
	// The version is left out in certificates of version 1.
	const first = fields[0]?.tag === tags.version ? 1 : 0;
	const subject = fields[first + 4];
	if (subject?.tag !== tags.sequence) throw new RangeError('there is no subject');
	return x500Name(subject.whole);
}

/** @param name DER */
export function x500Name(name: Buffer): string {
	return children(only(name, tags.sequence)).map(relativeName).reverse().join(',');
}

/** One part, or several that belong together. */
function relativeName(part: Value): string {
	return children(part)
		.map((attribute) => {
			const [type, value] = children(attribute);
			const oid = readOid(type!.content);
			const name = names[oid];
			const decode = decoders[value!.tag];
			if (name === undefined || decode === undefined) return `${name ?? oid}=#${value!.whole.toString('hex')}`;
			return `${name}=${escaped(decode(value!.content))}`;
		})
		.join('+');
}

function escaped(text: string): string {
	const special = text.replace(/[,=+<>#;"\\]/g, '\\$&').replaceAll('\0', '\\00');
	const [, lead, rest] = /^([ \r]*)(.*)$/s.exec(special)!;
	const inner = rest!.replace(/[ \r]+$/, '');
	const trail = rest!.slice(inner.length);
	return `${lead!.replace(/./gs, '\\$&')}${inner}${trail.replace(/./gs, '\\$&')}`;
}

function latin(bytes: Buffer): string {
	return bytes.toString('latin1');
}

function readOid(bytes: Buffer): string {
	const numbers: bigint[] = [];
	let value = 0n;
	for (const byte of bytes) {
		value = (value << 7n) | BigInt(byte & 0x7f);
		if (byte < 0x80) {
			numbers.push(value);
			value = 0n;
		}
	}
	const [head = 0n, ...tail] = numbers;
	const first = head < 80n ? head / 40n : 2n;
	return [first, head - first * 40n, ...tail].join('.');
}

function only(bytes: Buffer, tag: number): Value {
	const value = read(bytes, 0);
	if (value.tag !== tag || value.whole.length !== bytes.length) throw new RangeError('this is no certificate');
	return value;
}

function children(value: Value): Value[] {
	const found: Value[] = [];
	for (let at = 0; at < value.content.length; ) {
		const child = read(value.content, at);
		found.push(child);
		at += child.whole.length;
	}
	return found;
}

/** Tags of one byte: certificates have no others. */
function read(bytes: Buffer, at: number): Value {
	const first = bytes[at + 1] ?? 0;
	const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
	const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
	const start = at + 2 + lengthBytes;
	if (start + length > bytes.length) throw new RangeError('this is no certificate');
	return { tag: bytes[at]!, content: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length) };
}
