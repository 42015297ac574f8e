/**
 * Whether a text is an X.500 name, as Java's X500Principal takes one from an ACL: RFC 2253 with `;` and spaces between the parts, quotes and hexadecimal
 * values. ZooKeeper's `x509` scheme compares names as they stand, so that only those that X500Principal.getName() writes ever match (semantics 35).
 */

/** What Java has names for. */
const keywords: ReadonlySet<string> = new Set(
	(
		'CN C L S ST O OU T IP STREET DC DNQUALIFIER DNQ SURNAME GIVENNAME INITIALS GENERATION EMAIL EMAILADDRESS UID ' +
		'SERIALNUMBER'
	).split(' '),
);

export function isX500Name(text: string): boolean {
	if (text === '') return true;
	const attributes = split(text, ',;+');
	return attributes?.every(isAttribute) ?? false;
}

/** At each of the separators that is neither escaped nor in quotes; undefined when a quote does not end. */
function split(text: string, separators: string): string[] | undefined {
	const parts: string[] = [];
	let begin = 0;
	let isQuoted = false;
	for (let at = 0; at < text.length; at++) {
		const char = text[at]!;
		if (char === '\\') at += 1;
		else if (char === '"') isQuoted = !isQuoted;
		else if (!isQuoted && separators.includes(char)) {
			parts.push(text.slice(begin, at));
			begin = at + 1;
		}
	}
	parts.push(text.slice(begin));
	return isQuoted ? undefined : parts;
}

function isAttribute(text: string): boolean {
	const equals = text.indexOf('=');
	if (equals === -1 || !isType(text.slice(0, equals).trim())) return false;
	const value = text.slice(equals + 1).replace(/^[ \n]+/, '');
	if (value.startsWith('#')) return isDer(value.slice(1).trimEnd());
	const quoted = /^"((?:[^"\\]|\\.)*)"[ \n]*$/s.exec(value);
	if (quoted !== null) return isEscapedWell(quoted[1]!);
	return !/["<>]/.test(value.replace(/\\./gs, '')) && isEscapedWell(value);
}

function isType(text: string): boolean {
	if (keywords.has(text.toUpperCase())) return true;
	const oid = /^(?:OID\.)?([0-9]+(?:\.[0-9]+)+)$/i.exec(text)?.[1];
	if (oid === undefined) return false;
	const [first, second] = oid.split('.').map(Number) as [number, number];
	return first <= 2 && (first === 2 || second < 40);
}

/** Behind a backslash stands a special character, or a byte in hexadecimal. */
function isEscapedWell(text: string): boolean {
	return !text.replace(/\\(?:[0-9a-f]{2}|[,=+<>#;"\\ \n])/gis, '').includes('\\');
}

/** One value of ASN.1 in hexadecimal: tag, length, and as many bytes. */
function isDer(text: string): boolean {
	if (!/^(?:[0-9a-f]{2}){2,}$/i.test(text)) return false;
	const bytes = text.match(/../g)!.map((pair) => Number.parseInt(pair, 16));
	const first = bytes[1]!;
	if (first < 0x80) return bytes.length === 2 + first;
	const count = first & 0x7f;
	if (count === 0 || count > 3 || bytes.length < 2 + count) return false;
	const length = bytes.slice(2, 2 + count).reduce((sum, byte) => sum * 256 + byte, 0);
	return bytes.length === 2 + count + length;
}
