/**
 * The first bytes on a connection to an election port: who calls, and where it can be called back. Until ZooKeeper 3.4 they were the
 * caller's server id and nothing more.
 */
import { JuteError, JuteReader, type JuteWriter } from '../codec.ts';

export interface ElectionHello {
	readonly serverId: number;
	/** Election addresses of the caller; none in ZooKeeper 3.4's form, and wildcard addresses may be among them. */
	readonly addresses: readonly ElectionAddress[];
}

export interface ElectionAddress {
	readonly host: string;
	readonly port: number;
}

/** One address, or several with `|` between them: for servers with `multiAddress.enabled`. */
const oneAddress = -65_536;
const manyAddresses = -65_535;

const maxAddressBytes = 2048;
const longBytes = 8;
const fixedBytes = 2 * longBytes + 4;

/** Several addresses take the newer form, which servers before ZooKeeper 3.6 do not know. */
export function writeElectionHello(writer: JuteWriter, hello: ElectionHello): void {
	const { serverId, addresses } = hello;
	const text = addresses.map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`));
	if (text.length === 0) throw new RangeError('a hello needs an address');
	writer.writeSafeLong(text.length === 1 ? oneAddress : manyAddresses);
	writer.writeSafeLong(serverId);
	writer.writeString(text.join('|'));
}

/**
 * From the first byte. Null while it is not complete.
 * @throws JuteError
 */
export function readElectionHello(
	bytes: Uint8Array,
): { readonly hello: ElectionHello; readonly length: number } | null {
	if (bytes.length < longBytes) return null;
	const reader = new JuteReader(bytes);
	const first = reader.readClampedLong();
	if (first >= 0) return { hello: { serverId: serverIdOf(first, 0), addresses: [] }, length: longBytes };
	if (first !== oneAddress && first !== manyAddresses)
		throw new JuteError(`a server speaks version ${first} of the election protocol, which is not known`, 0);
	if (bytes.length < fixedBytes) return null;
	const serverId = serverIdOf(reader.readClampedLong(), longBytes);
	const length = reader.readInt();
	if (length <= 0 || length > maxAddressBytes)
		throw new JuteError(`the address of server ${serverId} claims ${length} bytes: 1 to ${maxAddressBytes} may be`, 16);
	if (bytes.length < fixedBytes + length) return null;
	reader.position -= 4;
	const addresses = reader
		.readRequiredString()
		.split('|')
		.map((text) => addressOf(text, serverId));
	return { hello: { serverId, addresses }, length: fixedBytes + length };
}

/** 2^63 - 1 stands for an observer without an id, as ZooKeeper 3.3 had them, and cannot be called back. */
function serverIdOf(id: number, at: number): number {
	if (id < 0) throw new JuteError(`server id ${id} is negative`, at);
	if (id === Number.MAX_SAFE_INTEGER)
		throw new JuteError('a server id beyond 2^53, as observers without an id had in ZooKeeper 3.3', at);
	return id;
}

/** `host:port` or `[::1]:port`. Java's own form of an IPv6 address without brackets is not told apart from one with a port: ZooKeeper refuses it too. */
function addressOf(text: string, serverId: number): ElectionAddress {
	const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text) ?? [];
	const host = bracketed ?? plain;
	if (host === undefined || Number(port) > 65_535 || Number(port) === 0)
		throw new JuteError(`${JSON.stringify(text)} is no election address of server ${serverId}`, fixedBytes);
	return { host, port: Number(port) };
}
