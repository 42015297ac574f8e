import { sql } from 'kysely';

/** A row of the functions that give nodes. */
export interface NodeRow {
	path: string;
	kind: 'persistent' | 'ephemeral' | 'container' | 'ttl';
	data: Buffer | null;
	data_length: number;
	num_children: number;
	czxid: string;
	mzxid: string;
	pzxid: string;
	ctime: Date | number;
	mtime: Date | number;
	version: number;
	cversion: number;
	aversion: number;
	client_cversion: number;
	ephemeral_owner: string;
	/** SHA-256 of data that were kept out of PostgreSQL. */
	data_hash: Buffer | null;
	acl: { perms: number; scheme: string; id: string }[];
}

const columns = sql.raw(
	'path, kind, data, data_length, num_children, czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, client_cversion, ephemeral_owner, data_hash, acl',
);

export function nodeAtQuery(path: string, zxid: number) {
	return sql<NodeRow>`select ${columns} from chronokeeper.znode_at(${path}, ${zxid}::bigint)`;
}

export function childPathsAtQuery(path: string, zxid: number) {
	return sql<{ path: string }>`select path from chronokeeper.child_versions_at(${path}, ${zxid}::bigint)`;
}

export function treeAtQuery(zxid: number, prefix: string) {
	return sql<NodeRow>`select ${columns} from chronokeeper.tree_at(${zxid}::bigint, ${prefix})`;
}

export interface DiffRow {
	path: string;
	difference: string;
	before: NodeRow | null;
	after: NodeRow | null;
}

/** Each node that differs, with all of it before and after: null where it was not there. */
export function diffQuery(z1: number, z2: number, prefix: string) {
	return sql<Record<string, unknown> & { path: string; difference: string }>`
		select d.path, d.difference,
			${prefixed('a')}, ${prefixed('b')}
		from chronokeeper.diff(${z1}::bigint, ${z2}::bigint, ${prefix}) d
		left join lateral chronokeeper.znode_at(d.path, ${z1}::bigint) a on true
		left join lateral chronokeeper.znode_at(d.path, ${z2}::bigint) b on true
		order by d.path`;
}

export const nodeColumnNames: readonly (keyof NodeRow)[] = [
	...(['path', 'kind', 'data', 'data_length', 'num_children', 'czxid', 'mzxid', 'pzxid', 'ctime', 'mtime'] as const),
	...(['version', 'cversion', 'aversion', 'client_cversion', 'ephemeral_owner', 'data_hash', 'acl'] as const),
];

function prefixed(alias: 'a' | 'b') {
	return sql.raw(nodeColumnNames.map((name) => `${alias}.${name} as ${alias}_${name}`).join(', '));
}
