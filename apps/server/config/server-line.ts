/** `server.N=host:quorumPort:electionPort[:role][;[clientAddress:]clientPort]`, several addresses separated by `|`. */
import type { HostPort, QuorumServer } from '#core/zab/quorum-config';

/** A server as its line has it. A line that says only a client port means all addresses: `0.0.0.0`, as ZooKeeper writes it. */
export interface EnsembleServer extends QuorumServer {
	readonly text: string;
}

export const serverLineForm = '`host:quorumPort:electionPort[:participant|observer][;[address:]clientPort]`';
export const allAddresses = '0.0.0.0';

const host = '(\\[[^\\]]+\\]|[^:;|\\[\\]\\s]+)';
const one = new RegExp(`^${host}:([0-9]{1,5}):([0-9]{1,5})(?::(participant|observer))?$`, 'i');
const clientPart = new RegExp(`^(?:${host}:)?([0-9]{1,5})$`);

/** Undefined when the text has another form. */
export function parseServerLine(id: number, text: string): EnsembleServer | undefined {
	const [servers = '', clientText, ...more] = text.split(';');
	const client = clientText === undefined ? undefined : parseClient(clientText.trim());
	if (more.length > 0 || client === null) return undefined;
	const quorumAddresses: HostPort[] = [];
	const electionAddresses: HostPort[] = [];
	const roles = new Set<EnsembleServer['role']>();
	for (const address of servers.split('|')) {
		const [, name = '', quorumPort, electionPort, role] = one.exec(address.trim()) ?? [];
		const [quorum, election] = [hostPort(name, quorumPort), hostPort(name, electionPort)];
		if (quorum === undefined || election === undefined) return undefined;
		quorumAddresses.push(quorum);
		electionAddresses.push(election);
		if (role !== undefined) roles.add(role.toLowerCase() as EnsembleServer['role']);
	}
	const [role = 'participant', ...otherRoles] = roles;
	if (otherRoles.length > 0) return undefined;
	return { id, role, text, quorumAddresses, electionAddresses, client };
}

/** Null when it has another form. */
function parseClient(text: string): HostPort | null {
	const [, address = allAddresses, port] = clientPart.exec(text) ?? [];
	return hostPort(address, port) ?? null;
}

function hostPort(name: string, port: string | undefined): HostPort | undefined {
	if (port === undefined || Number(port) > 65_535) return undefined;
	return { host: name.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
}
