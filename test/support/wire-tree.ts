/** What is asked of a server over its client port: the whole tree, and four-letter words. */
import { connect } from 'node:net';
import { formatZxid } from '#core/model/zxid';
import type { ClientResponse } from '#jute/client/responses';
import type { ClientNode } from './client-tree.ts';
import type { WireClient, WireReply } from './wire-client.ts';

/** Every node, as one who may read all of them sees it. Nobody may change the tree meanwhile. */
export async function walkTree(client: WireClient): Promise<ClientNode[]> {
	const nodes: ClientNode[] = [];
	let level = ['/'];
	while (level.length > 0) {
		const read = await Promise.all(level.map((path) => readNode(client, path)));
		client.log.length = 0;
		nodes.push(...read.map(({ node }) => node));
		level = read.flatMap(({ node, names }) => names.map((name) => `${node.path === '/' ? '' : node.path}/${name}`));
	}
	return nodes;
}

async function readNode(
	client: WireClient,
	path: string,
): Promise<{ readonly node: ClientNode; readonly names: readonly string[] }> {
	const [data, acl, list] = await Promise.all([
		client.send({ kind: 'getData', path, watch: false }),
		client.send({ kind: 'getACL', path }),
		client.send({ kind: 'getChildren', path, watch: false }),
	]);
	const node = describeNode(path, bodyOf(data, 'getData'), bodyOf(acl, 'getACL').acl);
	return { node, names: bodyOf(list, 'getChildren').names };
}

/** Some kinds share a type. */
type Response<K extends string> = ClientResponse extends infer R
	? R extends { readonly kind: infer Kinds }
		? K extends Kinds
			? R
			: never
		: never
	: never;

function bodyOf<K extends ClientResponse['kind']>(reply: WireReply, kind: K): Response<K> {
	if (reply.response?.kind !== kind) throw new Error(`${kind} was answered with error ${reply.error}`);
	return reply.response as Response<K>;
}

function describeNode(path: string, { data, stat }: Response<'getData'>, acl: Response<'getACL'>['acl']): ClientNode {
	const { czxid, mzxid, pzxid, ephemeralOwner, cversion, dataLength, ctime, mtime, version, aversion } = stat;
	return {
		path,
		data: data === null ? null : Buffer.from(data).toString('base64'),
		czxid: formatZxid(czxid),
		mzxid: formatZxid(mzxid),
		pzxid: formatZxid(pzxid),
		ctime,
		mtime,
		version,
		aversion,
		ephemeralOwner: `0x${ephemeralOwner.toString(16)}`,
		clientCversion: cversion,
		numChildren: stat.numChildren,
		dataLength,
		acl: acl.map(({ perms, scheme, id }) => ({ perms, scheme, id })),
	};
}

/** The answer to a four-letter word, complete when the server closes. */
export function fourLetterWord(port: number, word: string): Promise<string> {
	return new Promise((resolve, reject) => {
		let answer = '';
		const socket = connect(port, '127.0.0.1', () => socket.write(word));
		socket.on('data', (chunk) => {
			answer += chunk.toString('utf8');
		});
		socket.on('error', reject);
		socket.on('close', () => resolve(answer));
	});
}
