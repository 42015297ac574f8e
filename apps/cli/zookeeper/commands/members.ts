/** The members of an ensemble: `server.1=host:2888:3888:participant;0.0.0.0:2181`. */
import { readInt, readLong } from '../java-numbers.ts';

export interface Member {
	readonly id: bigint;
	/** `host:2888:3888`, or several of them behind each other with `|`. */
	readonly addresses: string;
	readonly type: 'participant' | 'observer';
	/** `host:port`; null when the server's own configuration says it. */
	readonly client: string | null;
}

export interface Configuration {
	readonly members: readonly Member[];
	/** Lines of groups and weights, as they stand there. */
	readonly groups: readonly string[];
	/** Hexadecimal; null when it is not said. */
	readonly version: string | null;
	/** Names that are none of these. */
	readonly unknown: readonly string[];
}

const form =
	' does not have the form server_config or server_config;client_config where server_config is the pipe separated list of host:port:port or host:port:port:type and client_config is port or host:port';

/** The lines `key=value` of a configuration. @throws Error with ZooKeeper's words for what is wrong */
export function parseConfiguration(text: string): Configuration {
	const members: Member[] = [];
	const groups: string[] = [];
	const unknown: string[] = [];
	let version: string | null = null;
	for (const [key, value] of propertiesOf(text)) {
		if (key.startsWith('server.')) members.push(parseMember(key, value));
		else if (key.startsWith('group') || key.startsWith('weight')) groups.push(`${key}=${value}`);
		else if (key === 'version') version = value;
		else unknown.push(key);
	}
	members.sort((a, b) => (a.id < b.id ? -1 : 1));
	return { members, groups, version, unknown };
}

/** As ZooKeeper writes a configuration, without a line end. */
export function configurationText({ members, groups, version }: Configuration): string {
	const servers = members.map(
		({ id, addresses, type, client }) => `server.${id}=${addresses}:${type}${client === null ? '' : `;${client}`}`,
	);
	return [...servers, ...groups, `version=${version ?? '0'}`].join('\n');
}

/** Lines of a Java properties file; the last of a name counts. */
export function propertiesOf(text: string): ReadonlyMap<string, string> {
	const properties = new Map<string, string>();
	for (const line of text.replace(/\\\r?\n[ \t]*/g, '').split(/\r\n|\r|\n/)) {
		const [, key, value] = /^[ \t\f]*([^#!=: \t\f][^=: \t\f]*)[ \t\f]*[=: \t\f]?[ \t\f]*(.*)$/.exec(line) ?? [];
		if (key !== undefined) properties.set(key, value!.trim());
	}
	return properties;
}

function parseMember(key: string, value: string): Member {
	const id = readLong(key.slice('server.'.length));
	if (id === undefined) throw new Error(`For input string: "${key.slice('server.'.length)}"`);
	const [servers, client, ...more] = value.split(';');
	if (more.length > 0) throw new Error(value + form);
	const parts = servers!.split('|').map((server) => splitAddress(server, value));
	const types = parts.map(({ type }) => type);
	const type = (types[0] ?? 'participant').toLowerCase();
	if (type !== 'participant' && type !== 'observer') throw new Error(`Unrecognised peertype: ${types[0]}`);
	const addresses = parts.map(({ address }) => address).join('|');
	return { id, addresses, type, client: client === undefined ? null : clientAddress(client, value) };
}

function splitAddress(server: string, whole: string): { address: string; type: string | undefined } {
	const [, host, quorum, election, , type] = /^(\[[^\]]*\]|[^:]*):([^:]*):([^:]*)(:([^:]*))?$/.exec(server) ?? [];
	if (host === undefined) throw new Error(whole + form);
	for (const port of [quorum!, election!]) {
		if (readInt(port) === undefined) throw new Error(`Address unresolved: ${host}:${port}`);
	}
	return { address: `${host}:${Number(quorum)}:${Number(election)}`, type };
}

function clientAddress(client: string, whole: string): string {
	const [, , host, port] = /^((\[[^\]]*\]|[^:]*):)?([^:]*)$/.exec(client) ?? [];
	if (port === undefined) throw new Error(whole + form);
	if (readInt(port) === undefined) throw new Error(`Address unresolved: ${host ?? null}:${port}`);
	return `${host ?? '0.0.0.0'}:${Number(port)}`;
}
