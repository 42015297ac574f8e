/** What a fold needs to go on from a point of the history that is in PostgreSQL already. */
import type pg from 'pg';
import { formatZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import type { HistoryPoint } from './batch.ts';
import type { FoldStart } from './fold.ts';
import type { HistoryPlan } from './history-plan.ts';
import type { LogSource } from './log-source.ts';
import { loadStoredTree, storedSessions } from './stored-tree.ts';
import { type Chain, loadTreeAt } from './tree-loader.ts';

/**
 * The tree comes from the newest local snapshot that leads to the point, else from PostgreSQL's own rows; its digest must be the
 * one recorded there.
 */
export async function foldStart(
	client: pg.ClientBase,
	point: HistoryPoint,
	sources: readonly LogSource[],
	plan: HistoryPlan,
	chain: Chain | null,
): Promise<FoldStart> {
	const zxid = point.zxid ?? zeroZxid;
	const local = chain === null ? null : await localTree(point, sources, plan, chain, zxid);
	const tree = local ?? (await loadStoredTree(client, zxid, false));
	if (tree.digest() !== point.digest) {
		throw new Error(
			`the tree at ${formatZxid(zxid)} has digest ${tree.digest()}, chronokeeper.mirror_cursor says ${point.digest}: this database does not hold the history of this server, or its rows were altered`,
		);
	}
	const facts = await client.query<{ base: string | null; epoch: number | null }>(
		'select (select max(zxid) from chronokeeper.snapshot where base) as base, (select max(epoch) from chronokeeper.epoch) as epoch',
	);
	const quotas = await client.query<{ path: string; data_zxid: string }>(
		`select path, data_zxid from chronokeeper.znode_version
		where path > '/zookeeper/quota/' and path < '/zookeeper/quota0' and to_zxid is null and path like '%/zookeeper\\_stats'`,
	);
	return {
		tree,
		point,
		baseZxid: Number(facts.rows[0]?.base ?? 0) as Zxid,
		openSessions: await storedSessions(client, zxid),
		lastEpoch: facts.rows[0]?.epoch ?? -1,
		quotaZxids: new Map(quotas.rows.map((row) => [row.path, Number(row.data_zxid) as Zxid])),
	};
}

/** Null when the local files do not lead there, or lead to another tree. */
async function localTree(
	point: HistoryPoint,
	sources: readonly LogSource[],
	plan: HistoryPlan,
	chain: Chain,
	zxid: Zxid,
): Promise<DataTree | null> {
	if (zxid < chain.after && !(zxid === zeroZxid && chain.gap === null)) return null;
	const loaded = await loadTreeAt(sources, plan, chain, zxid, { keepData: false, allowDigestMismatch: true });
	return loaded !== null && loaded.tree.digest() === point.digest ? loaded.tree : null;
}
