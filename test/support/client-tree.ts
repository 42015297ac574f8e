/** A tree as a client of the real ZooKeeper reads it, and its comparison with one of the recordings' form. */
import { expect } from 'vitest';
import { formatZxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import type { RealZooKeeper } from './real-zookeeper.ts';
import type { ExpectedNode } from './recordings.ts';

/** What a client sees of a node: ephemeralOwner is 0 for containers and TTL nodes, cversion is the visible one (semantics 22, 23). */
export type ClientNode = Omit<ExpectedNode, 'cversion'> & { readonly dataLength: number };

export function readTree(server: RealZooKeeper): ClientNode[] {
	return server.kazoo<ClientNode>('tree.py');
}

/** Our tree in the form of the recordings. */
export function describeTree(tree: DataTree): ExpectedNode[] {
	return [...tree.paths()].map((path) => {
		const { ephemeralOwner, czxid, mzxid, pzxid, ...stored } = tree.storedStat(path)!;
		const data = tree.data(path);
		return {
			...stored,
			path,
			data: data ? Buffer.from(data).toString('base64') : null,
			czxid: formatZxid(czxid),
			mzxid: formatZxid(mzxid),
			pzxid: formatZxid(pzxid),
			ephemeralOwner: `0x${ephemeralOwner.toString(16)}`,
			clientCversion: tree.stat(path)!.cversion,
			numChildren: tree.childCount(path)!,
			acl: tree.acl(path)!.map(({ perms, scheme, id }) => ({ perms, scheme, id })),
		};
	});
}

/**
 * Path, data, every field of the Stat and the ACL. Left out is what each server changes by itself, without transactions: the contents of a
 * quota's zookeeper_stats, and of /zookeeper/config with its version and mtime.
 */
export function expectSameTree(seen: readonly ClientNode[], expected: readonly ExpectedNode[]): void {
	const wanted = new Map(expected.map((node) => [node.path, asClientSees(node)]));
	const found = new Map(seen.map((node) => [node.path, comparable(node)]));
	expect([...found.keys()].sort()).toEqual([...wanted.keys()].sort());
	for (const [path, node] of found) expect(node, path).toEqual(wanted.get(path));
}

function asClientSees({ cversion: _, ...node }: ExpectedNode): ClientNode {
	const owner = BigInt(node.ephemeralOwner);
	const hidden = owner === 1n << 63n || owner >> 56n === 0xffn;
	const dataLength = node.data === null ? 0 : Buffer.from(node.data, 'base64').length;
	return comparable({ ...node, ephemeralOwner: hidden ? '0x0' : node.ephemeralOwner, dataLength });
}

function comparable(node: ClientNode): ClientNode {
	if (node.path === '/zookeeper/config') return { ...node, data: null, dataLength: 0, version: 0, mtime: 0 };
	if (node.path.endsWith('/zookeeper_stats')) return { ...node, data: null, dataLength: 0 };
	return node;
}
