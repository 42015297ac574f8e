/** `server.N=host:quorumPort:electionPort[:role][;[clientAddress:]clientPort]`, several addresses separated by `|`. */

export interface EnsembleServer {
	readonly id: number;
	readonly role: 'participant' | 'observer';
	readonly text: string;
}

export const serverLineForm = '`host:quorumPort:electionPort[:participant|observer][;[address:]clientPort]`';

const host = '(?:\\[[^\\]]+\\]|[^:;|\\[\\]\\s]+)';
const one = new RegExp(`^${host}:[0-9]{1,5}:[0-9]{1,5}(?::(participant|observer|PARTICIPANT|OBSERVER))?$`);
const client = new RegExp(`^(?:${host}:)?[0-9]{1,5}$`);

/** Undefined when the text has another form. */
export function parseServerLine(id: number, text: string): EnsembleServer | undefined {
	const [servers = '', clientPart, ...more] = text.split(';');
	if (more.length > 0 || (clientPart !== undefined && !client.test(clientPart.trim()))) return undefined;
	let role: EnsembleServer['role'] = 'participant';
	for (const address of servers.split('|')) {
		const match = one.exec(address.trim());
		if (match === null) return undefined;
		if (match[1]?.toLowerCase() === 'observer') role = 'observer';
	}
	return { id, role, text };
}
