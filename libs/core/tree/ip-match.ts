/**
 * The `ip` scheme: an address, or a network as address/bits, IPv4 or IPv6 (ZooKeeper 3.8.0 knows IPv4 only). An IPv4 address mapped
 * to IPv6 (`::ffff:192.0.2.1`, as dual-stack sockets report it) is taken as the IPv4 address.
 */
interface Network {
	readonly bytes: readonly number[];
	readonly bits: number;
}

/** True when the address lies in the network; false when either is malformed, or they are of different families. */
export function ipMatches(address: string, expression: string): boolean {
	const network = parseNetwork(expression);
	const bytes = parseAddress(address);
	if (network === undefined || bytes === undefined || bytes.length !== network.bytes.length) return false;
	let bits = network.bits;
	for (let i = 0; bits > 0; i++, bits -= 8) {
		const mask = bits >= 8 ? 0xff : (0xff << (8 - bits)) & 0xff;
		if (((bytes[i]! ^ network.bytes[i]!) & mask) !== 0) return false;
	}
	return true;
}

export function isIpExpression(expression: string): boolean {
	return parseNetwork(expression) !== undefined;
}

function parseNetwork(expression: string): Network | undefined {
	const at = expression.indexOf('/');
	const bytes = parseAddress(at === -1 ? expression : expression.slice(0, at));
	if (bytes === undefined) return undefined;
	const most = bytes.length * 8;
	if (at === -1) return { bytes, bits: most };
	const text = expression.slice(at + 1);
	if (!/^\+?[0-9]{1,3}$/.test(text) || Number(text) > most) return undefined;
	return { bytes, bits: Number(text) };
}

function parseAddress(text: string): readonly number[] | undefined {
	return text.includes(':') ? parseV6(text) : parseV4(text);
}

function parseV4(text: string): readonly number[] | undefined {
	const parts = text.split('.');
	if (parts.length !== 4 || !parts.every((part) => /^[0-9]{1,9}$/.test(part) && Number(part) <= 255)) return undefined;
	return parts.map(Number);
}

function parseV6(text: string): readonly number[] | undefined {
	// A zone such as %eth0 says how to reach the address, not which it is.
	const zone = text.indexOf('%');
	const halves = (zone === -1 ? text : text.slice(0, zone)).split('::');
	if (halves.length > 2) return undefined;
	const head = parseGroups(halves[0]!);
	const tail = halves.length === 2 ? parseGroups(halves[1]!) : [];
	if (head === undefined || tail === undefined) return undefined;
	const missing = 16 - head.length - tail.length;
	if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
	const bytes = [...head, ...new Array<number>(missing).fill(0), ...tail];
	return isMappedV4(bytes) ? bytes.slice(12) : bytes;
}

/** Groups of up to four hexadecimal digits; the last may be an IPv4 address. */
function parseGroups(text: string): readonly number[] | undefined {
	if (text === '') return [];
	const bytes: number[] = [];
	const groups = text.split(':');
	for (const [i, group] of groups.entries()) {
		const v4 = i === groups.length - 1 && group.includes('.') ? parseV4(group) : undefined;
		if (v4 !== undefined) {
			bytes.push(...v4);
		} else if (/^[0-9a-f]{1,4}$/i.test(group)) {
			const value = Number.parseInt(group, 16);
			bytes.push(value >>> 8, value & 0xff);
		} else {
			return undefined;
		}
	}
	return bytes.length > 16 ? undefined : bytes;
}

function isMappedV4(bytes: readonly number[]): boolean {
	return bytes.every((byte, i) => i >= 12 || byte === (i < 10 ? 0 : 0xff));
}
