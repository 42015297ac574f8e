/** One server of a configuration and its text, `host:quorumPort:electionPort[:role][;[host:]clientPort]`. */
import type { HostPort, QuorumServer } from './quorum-config.ts';

export const serverForm = '`host:quorumPort:electionPort[:participant|observer][;[host:]clientPort]`';

const hostPattern = '(\\[[^\\]\\s]+\\]|[^:;|=\\[\\]\\s]+)';
const addressPattern = new RegExp(`^${hostPattern}:([0-9]{1,5}):([0-9]{1,5})(?::([A-Za-z ]+))?$`);
const clientPattern = new RegExp(`^(?:${hostPattern}:)?([0-9]{1,5})$`);

/** Where clients connect when the line has a port only. */
const everyAddress = '0.0.0.0';

/** Stands for all addresses of its machine, of IPv4 or IPv6, in whichever notation: one listens there, and nobody is reached there. */
export function isEveryHost(host: string): boolean {
	return host === everyAddress || /^[0:]+$/.test(host);
}

/**
 * Reads what stands behind `server.N=`; several addresses of one server are separated by `|`.
 * @throws RangeError which says what is wrong and what to write
 */
export function parseQuorumServer(id: number, text: string): QuorumServer {
	const [addresses = '', client, ...more] = text.split(';');
	if (more.length > 0) throw new RangeError(`has more than one \`;\`: write ${serverForm}`);
	const parsed = addresses.split('|').map((address) => parseAddress(address.trim()));
	const roles = new Set(parsed.flatMap(({ role }) => role ?? []));
	if (roles.size > 1) {
		throw new RangeError('is participant at one address and observer at another: give all its addresses one role');
	}
	parsed.sort((one, other) => compareText(one.host, other.host));
	return {
		id,
		role: roles.has('observer') ? 'observer' : 'participant',
		quorumAddresses: parsed.map(({ host, quorumPort }) => ({ host, port: quorumPort })),
		electionAddresses: parsed.map(({ host, electionPort }) => ({ host, port: electionPort })),
		client: client === undefined ? undefined : parseClient(client.trim()),
	};
}

/** `127.0.0.1:2888:3888:participant;0.0.0.0:2181`, as ZooKeeper prints it. */
export function formatQuorumServer(server: QuorumServer): string {
	const addresses = server.quorumAddresses.map(({ host, port }, i) => {
		const electionPort = server.electionAddresses[i]?.port ?? port;
		return `${delimited(host)}:${port}:${electionPort}`;
	});
	const client = server.client === undefined ? '' : `;${delimited(server.client.host)}:${server.client.port}`;
	return `${addresses.join('|')}:${server.role}${client}`;
}

interface Address {
	readonly host: string;
	readonly quorumPort: number;
	readonly electionPort: number;
	readonly role: QuorumServer['role'] | undefined;
}

function parseAddress(text: string): Address {
	const match = addressPattern.exec(text);
	if (match === null) {
		const bare = !text.includes('[') && text.split(':').length > 4;
		const hint = bare ? ' (an IPv6 address stands in brackets, `[::1]:2888:3888`)' : '';
		throw new RangeError(`is not understood at \`${text}\`: write ${serverForm}${hint}`);
	}
	const [, host = '', quorumText, electionText, roleText] = match;
	const quorumPort = parsePort(quorumText, 1);
	const electionPort = parsePort(electionText, 1);
	if (quorumPort === electionPort) {
		throw new RangeError(`uses port ${quorumPort} for the quorum and for elections: give it two different ports`);
	}
	return { host: bareHost(host), quorumPort, electionPort, role: parseRole(roleText) };
}

function parseRole(text: string | undefined): QuorumServer['role'] | undefined {
	const role = text?.trim().toLowerCase();
	if (role === undefined || role === 'participant' || role === 'observer') return role;
	throw new RangeError(`has the role \`${role}\`: write \`participant\` or \`observer\``);
}

function parseClient(text: string): HostPort {
	const match = clientPattern.exec(text);
	if (match === null) {
		throw new RangeError(`has \`${text}\` behind the \`;\`: write the clients' port, \`;2181\` or \`;host:2181\``);
	}
	const [, host, port] = match;
	return { host: host === undefined ? everyAddress : bareHost(host), port: parsePort(port, 0) };
}

function parsePort(text: string | undefined, least: number): number {
	const port = Number(text);
	if (port < least || port > 65_535) throw new RangeError(`has the port ${text}: write one of ${least} to 65535`);
	return port;
}

function bareHost(host: string): string {
	return host.startsWith('[') ? host.slice(1, -1) : host;
}

function delimited(host: string): string {
	return host.includes(':') ? `[${host}]` : host;
}

function compareText(one: string, other: string): number {
	if (one === other) return 0;
	return one < other ? -1 : 1;
}
