import { type Kysely, sql } from 'kysely';
import type { HistoryDatabase } from '../schema.ts';

export interface TxnFilter {
	/** Only what touched this node. */
	readonly path?: string | undefined;
	/** With `path`: also what touched something below it. */
	readonly recursive?: boolean | undefined;
	/** Not before this zxid. */
	readonly from?: number | undefined;
	/** Not behind this zxid. */
	readonly to?: number | undefined;
	readonly session?: bigint | undefined;
	/** In ZooKeeper's words: `setData`, `closeSession`, `error`. */
	readonly type?: string | undefined;
}

/** A page of transactions with zxids from `from` on, in their order. */
export function txnsQuery(db: Kysely<HistoryDatabase>, filter: TxnFilter, limit: number) {
	const { path, recursive, from, to, session, type } = filter;
	let query = db
		.selectFrom('chronokeeper.history_txn as t')
		.select(['t.zxid', 't.time', 't.session', 't.cxid', 't.type', 't.path', 't.error', 't.digest'])
		.select(['t.principal', 't.address', 't.door', 't.request_id', 't.trace_id'])
		.orderBy('t.zxid')
		.limit(limit);
	if (from !== undefined) query = query.where('t.zxid', '>=', sql<string>`${from}::bigint`);
	if (to !== undefined) query = query.where('t.zxid', '<=', sql<string>`${to}::bigint`);
	if (session !== undefined) query = query.where('t.session', '=', sql<string>`${BigInt.asIntN(64, session)}::bigint`);
	if (type !== undefined) query = query.where('t.type', '=', type);
	if (path === undefined) return query;
	let touched = db.selectFrom('chronokeeper.history_change as c').select('c.zxid').distinct();
	if (from !== undefined) touched = touched.where('c.zxid', '>=', sql<string>`${from}::bigint`);
	if (to !== undefined) touched = touched.where('c.zxid', '<=', sql<string>`${to}::bigint`);
	if (!recursive) touched = touched.where('c.path', '=', path);
	else if (path !== '/') {
		touched = touched.where((c) =>
			c.or([c('c.path', '=', path), c.and([c('c.path', '>=', `${path}/`), c('c.path', '<', `${path}0`)])]),
		);
	}
	return query.where('t.zxid', 'in', touched);
}

/** What those transactions did to the nodes; without the data. */
export function changesQuery(db: Kysely<HistoryDatabase>, zxids: readonly string[]) {
	return db
		.selectFrom('chronokeeper.history_change as c')
		.select(['c.zxid', 'c.type', 'c.path', 'c.version', 'c.size_before', 'c.size_after'])
		.where('c.zxid', '=', sql<string>`any(${zxids}::bigint[])`)
		.orderBy('c.zxid')
		.orderBy('c.ordinal');
}
