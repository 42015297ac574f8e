/** Reads the whole tree at a zxid back from PostgreSQL, node by node. */
import type pg from 'pg';
import copyStreams from 'pg-copy-streams';
import type { Zxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import type { Acl, StoredStat } from '#jute/records';
import type { SessionId } from '#jute/scalars';
import { aclFromRow } from './acl-rows.ts';
import { readCopy } from './copy-reader.ts';

export interface StoredNode {
	readonly path: string;
	readonly data: Uint8Array | null;
	readonly aclId: bigint;
	readonly stat: StoredStat;
}

/** COPY takes no parameters; the zxid is a number and nothing else. Parents come before their children in this order. */
export function storedTreeSql(zxid: Zxid): string {
	return `copy (
		select v.path, v.czxid, v.mzxid, v.pzxid, v.ctime, v.mtime, v.version, v.cversion, v.aversion, v.ephemeral_owner, v.acl_id,
			chronokeeper.content_of(v.path, v.data_zxid)
		from chronokeeper.znode_version v
		where v.from_zxid <= ${zxid.toFixed(0)} and (v.to_zxid is null or v.to_zxid > ${zxid.toFixed(0)})
		order by v.path
	) to stdout binary`;
}

/** Data are views, valid during the call. */
export async function readStoredTree(
	client: pg.ClientBase,
	zxid: Zxid,
	each: (node: StoredNode) => void,
	sql = storedTreeSql(zxid),
): Promise<void> {
	await client.query("set work_mem = '256MB'; set jit = off");
	const stream = client.query(copyStreams.to(sql, { highWaterMark: 1 << 20 }));
	await readCopy(stream, (row) => {
		const path = row.text();
		const czxid = row.int8() as Zxid;
		const mzxid = row.int8() as Zxid;
		const pzxid = row.int8() as Zxid;
		const ctime = row.time();
		const mtime = row.time();
		const version = row.int4();
		const cversion = row.int4();
		const aversion = row.int4();
		const ephemeralOwner = row.big8();
		const aclId = BigInt.asIntN(64, row.big8());
		const data = row.bytea();
		each({
			path,
			data,
			aclId,
			stat: { czxid, mzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner, pzxid },
		});
	});
	await client.query('reset work_mem; reset jit');
}

export async function readAcls(client: pg.ClientBase): Promise<Map<bigint, readonly Acl[]>> {
	const { rows } = await client.query<{ id: string; acl: Acl[] }>('select id, acl from chronokeeper.acl');
	return new Map(rows.map(({ id, acl }) => [BigInt(id), aclFromRow(acl)]));
}

/** A DataTree as it was right after that zxid. `sql` gives the same columns as storedTreeSql(). */
export async function loadStoredTree(
	client: pg.ClientBase,
	zxid: Zxid,
	keepData: boolean,
	each?: (node: StoredNode, acl: readonly Acl[]) => void,
	sql = storedTreeSql(zxid),
): Promise<DataTree> {
	const tree = DataTree.load({ keepData });
	const acls = await readAcls(client);
	const numbers = new Map<bigint, number>();
	await readStoredTree(
		client,
		zxid,
		(node) => {
			const acl = acls.get(node.aclId);
			if (acl === undefined)
				throw new Error(`${node.path} has ACL ${node.aclId}, which chronokeeper.acl does not have`);
			let number = numbers.get(node.aclId);
			if (number === undefined) {
				number = numbers.size + 1;
				numbers.set(node.aclId, number);
				tree.addAcl(number, acl);
			}
			tree.addNode(node.path, node.data, number, node.stat);
			each?.(node, acl);
		},
		sql,
	);
	tree.finishLoading();
	tree.lastProcessedZxid = zxid;
	return tree;
}

/** The nodes whose data at that zxid were kept out of PostgreSQL. */
export async function redactedPaths(client: pg.ClientBase, zxid: Zxid): Promise<string[]> {
	const { rows } = await client.query<{ path: string }>(
		`select v.path from chronokeeper.znode_version v
		where v.from_zxid <= $1 and (v.to_zxid is null or v.to_zxid > $1) and v.data_length > 0
			and (select m.redacted from chronokeeper.mirror_cursor m) and chronokeeper.content_hash_of(v.path, v.data_zxid) is not null
		order by v.path`,
		[zxid],
	);
	return rows.map(({ path }) => path);
}

/** The sessions that were open right after that zxid, with their timeouts. */
export async function storedSessions(client: pg.ClientBase, zxid: Zxid): Promise<Map<SessionId, number>> {
	const { rows } = await client.query<{ session: string; timeout_ms: number }>(
		`select session, timeout_ms from chronokeeper.session
		where opened_zxid <= $1 and (closed_zxid is null or closed_zxid > $1) order by opened_zxid, session`,
		[zxid],
	);
	return new Map(rows.map((row) => [BigInt.asUintN(64, BigInt(row.session)) as SessionId, row.timeout_ms]));
}
