/** `server.N=host:quorumPort:electionPort[:role][;[clientAddress:]clientPort]`, several addresses separated by `|`. */

export interface EnsembleServer {
	readonly id: number;
	readonly role: 'participant' | 'observer';
	readonly text: string;
	/** Behind the `;`; an empty address is all of them. */
	readonly client: { readonly address: string; readonly port: number } | undefined;
}

export const serverLineForm = '`host:quorumPort:electionPort[:participant|observer][;[address:]clientPort]`';

const host = '(?:\\[[^\\]]+\\]|[^:;|\\[\\]\\s]+)';
const one = new RegExp(`^${host}:[0-9]{1,5}:[0-9]{1,5}(?::(participant|observer|PARTICIPANT|OBSERVER))?$`);
const client = new RegExp(`^(?:(${host}):)?([0-9]{1,5})$`);

/** Undefined when the text has another form. */
export function parseServerLine(id: number, text: string): EnsembleServer | undefined {
	const [servers = '', clientPart, ...more] = text.split(';');
	const clientMatch = clientPart === undefined ? undefined : client.exec(clientPart.trim());
	if (more.length > 0 || clientMatch === null || Number(clientMatch?.[2]) > 65_535) return undefined;
	let role: EnsembleServer['role'] = 'participant';
	for (const address of servers.split('|')) {
		const match = one.exec(address.trim());
		if (match === null) return undefined;
		if (match[1]?.toLowerCase() === 'observer') role = 'observer';
	}
	const [, address = '', port] = clientMatch ?? [];
	const clients = port === undefined ? undefined : { address: address.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
	return { id, role, text, client: clients };
}
