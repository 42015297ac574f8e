/** A server's whole tree through the client port, as the superuser: in words to be compared, or cleared for the next script. */
import { errors } from '#jute/errors';
import { superUser } from '#test/support/real-zookeeper';
import { WireClient } from '#test/support/wire-client';
import { dataWords, type Names } from './transcript.ts';

/** Nodes that a server makes itself. */
const lasting = new Set(['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']);

/** One line for each node, in the order of their paths. */
export async function describeTree(port: number, names: Names): Promise<string[]> {
	return asSuperUser(port, async (client) => {
		const lines: string[] = [];
		for (const path of await pathsOf(client)) {
			const [data, acl] = await Promise.all([
				client.send({ kind: 'getData', path, watch: false }),
				client.send({ kind: 'getACL', path }),
			]);
			if (data.response?.kind !== 'getData' || acl.response?.kind !== 'getACL') {
				lines.push(`${path}: ${data.error} ${acl.error}`);
				continue;
			}
			const { response } = data;
			lines.push(
				`${JSON.stringify(path)} ${dataWords(response.data)} ${names.acl(acl.response.acl)} ${names.stat(response.stat)}`,
			);
		}
		return lines;
	});
}

export async function clearTree(port: number): Promise<void> {
	await asSuperUser(port, async (client) => {
		const open = [{ perms: 31, scheme: 'world', id: 'anyone' }];
		for (const path of (await pathsOf(client)).reverse()) {
			if (!lasting.has(path)) await succeed(client.send({ kind: 'delete', path, version: -1 }), `delete ${path}`);
		}
		for (const path of ['/', '/zookeeper', '/zookeeper/quota']) {
			await succeed(client.send({ kind: 'setACL', path, acl: open, version: -1 }), `setACL ${path}`);
			await succeed(client.send({ kind: 'setData', path, data: new Uint8Array(0), version: -1 }), `setData ${path}`);
		}
	});
}

async function asSuperUser<T>(port: number, act: (client: WireClient) => Promise<T>): Promise<T> {
	const client = await WireClient.connect(port);
	try {
		await succeed(
			client.send({ kind: 'auth', type: 0, scheme: 'digest', auth: Buffer.from(superUser.auth) }),
			'the authentication as super',
		);
		const result = await act(client);
		await client.send({ kind: 'closeSession' });
		return result;
	} finally {
		await client.close();
	}
}

/** Parents before their children. */
async function pathsOf(client: WireClient): Promise<string[]> {
	const paths = ['/'];
	for (let at = 0; at < paths.length; at++) {
		const path = paths[at]!;
		const { response } = await client.send({ kind: 'getChildren', path, watch: false });
		if (response?.kind !== 'getChildren') throw new Error(`the children of ${path} cannot be read`);
		for (const name of [...response.names].sort()) paths.push(path === '/' ? `/${name}` : `${path}/${name}`);
	}
	return paths;
}

async function succeed(asked: Promise<{ readonly error: number }>, what: string): Promise<void> {
	const { error } = await asked;
	if (error !== errors.ok.code) throw new Error(`${what}: error ${error}`);
}
