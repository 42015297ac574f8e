/** The history as gRPC and `ck` ask for it. Large answers come in batches, as PostgreSQL gives them: nothing holds a whole tree. */
import { type CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { type Zxid, zeroZxid } from '#core/model/zxid';
import type { Acl } from '#jute/records';
import type { SessionId } from '#jute/scalars';
import { aclFromRow } from './acl-rows.ts';
import { notifyChannel } from './batch-writer.ts';
import { type Blame, blameLines, type Culprit } from './blame.ts';
import {
	differenceOf,
	type HistoryDifference,
	type HistoryGap,
	type HistoryNode,
	type HistoryTxn,
	nodeOf,
	unsigned,
	zxidOf,
} from './history-view.ts';
import { blameQuery, type DataRow, dataVersionsQuery, lastZxidAtQuery } from './queries/blame.ts';
import { cursorQuery, gapsQuery, zxidAtQuery } from './queries/gaps.ts';
import { childPathsAtQuery, diffQuery, type NodeRow, nodeAtQuery, treeAtQuery } from './queries/nodes.ts';
import { contentsQuery } from './queries/tail-changes.ts';
import { changesQuery, type TxnFilter, txnsQuery } from './queries/txns.ts';
import type { HistoryDatabase } from './schema.ts';

export type { Blame, BlamedFact, BlamedLine, Culprit } from './blame.ts';
export type { HistoryChange, HistoryDifference, HistoryGap, HistoryNode, HistoryTxn } from './history-view.ts';

export interface HistoryFilter extends TxnFilter {
	/** At most so many transactions. */
	readonly limit?: number | undefined;
}

/** What HistoryChange leaves out of a change. */
export interface HistoryContent {
	readonly data: Uint8Array | null;
	/** The node's right after the transaction, of a deletion the one it had; null when no version of it is known. */
	readonly acl: readonly Acl[] | null;
}

export interface HistoryPosition {
	/** The last transaction in the database; null for an empty one. */
	readonly zxid: Zxid | null;
	readonly digest: bigint;
	readonly writer: string | null;
	readonly mirroredMs: number | null;
}

const pageTxns = 500;
const pageNodes = 1000;
/** A notification may be lost with its connection: then the cursor is looked at all the same. */
const followPollMs = 2_000;

export class History {
	readonly #pool: pg.Pool;
	readonly #db: Kysely<HistoryDatabase>;

	constructor(databaseUrl: string) {
		this.#pool = new pg.Pool({ connectionString: databaseUrl, max: 4, application_name: 'chronokeeper history' });
		this.#pool.on('error', () => undefined); // An idle connection that breaks is replaced by the next query.
		this.#db = new Kysely<HistoryDatabase>({ dialect: new PostgresDialect({ pool: this.#pool }) });
	}

	close(): Promise<void> {
		return this.#db.destroy();
	}

	async position(): Promise<HistoryPosition> {
		const row = await cursorQuery(this.#db).executeTakeFirstOrThrow();
		return {
			zxid: row.zxid === null ? null : zxidOf(row.zxid),
			digest: row.digest === null ? 0n : unsigned(row.digest),
			writer: row.writer,
			mirroredMs: row.mirrored === null ? null : Number(row.mirrored),
		};
	}

	/** The last transaction in the database; 0 for an empty one. */
	async lastZxid(): Promise<Zxid> {
		return (await this.position()).zxid ?? zeroZxid;
	}

	/** The last transaction that was not prepared later than at this moment. @throws the database's error when the history knows nothing of it */
	async zxidAt(ms: number): Promise<Zxid> {
		const { rows } = await zxidAtQuery(ms).execute(this.#db);
		return zxidOf(rows[0]!.zxid);
	}

	/** The same; null where the history knows nothing of it: in front of its first transaction. */
	async lastZxidAt(ms: number): Promise<Zxid | null> {
		const { rows } = await lastZxidAtQuery(ms).execute(this.#db);
		const zxid = rows[0]?.zxid ?? null;
		return zxid === null ? null : zxidOf(zxid);
	}

	/** Of the node that is there, or was there last. Undefined when there never was one. */
	async blame(path: string): Promise<Blame | undefined> {
		const { rows } = await blameQuery(path).execute(this.#db);
		const created = rows.find((row) => row.what === 'created');
		if (created === undefined) return undefined;
		const versions = await dataVersionsQuery(path, Number(created.zxid)).execute(this.#db);
		return {
			facts: rows.map((row) => ({ what: row.what, version: row.version, ...culpritOf(row) })),
			lines: blameLines(
				versions.rows.map((row) => ({
					by: culpritOf(row),
					data: row.data,
					isHidden: row.data === null && row.size > 0,
				})),
			),
		};
	}

	/** Undefined when there was no such node. */
	async nodeAt(path: string, zxid: Zxid): Promise<HistoryNode | undefined> {
		const { rows } = await nodeAtQuery(path, zxid).execute(this.#db);
		return rows[0] === undefined ? undefined : nodeOf(rows[0]);
	}

	/** In their order; none when there was no such node. */
	async *childPathsAt(path: string, zxid: Zxid): AsyncGenerator<string[], void> {
		const query = childPathsAtQuery(path, zxid).compile(this.#db);
		for await (const rows of this.#pages<{ path: string }>(query)) yield rows.map((row) => row.path);
	}

	/** In the order of the paths, parents first. */
	async *treeAt(zxid: Zxid, prefix = '/'): AsyncGenerator<HistoryNode[], void> {
		for await (const rows of this.#pages<NodeRow>(treeAtQuery(zxid, prefix).compile(this.#db))) yield rows.map(nodeOf);
	}

	/** In the order of the paths. `z1` may be the later one. */
	async *diff(z1: Zxid, z2: Zxid, prefix = '/'): AsyncGenerator<HistoryDifference[], void> {
		const query = diffQuery(z1, z2, prefix).compile(this.#db);
		for await (const rows of this.#pages<Parameters<typeof differenceOf>[0]>(query)) yield rows.map(differenceOf);
	}

	gaps(from: Zxid = zeroZxid, to: Zxid = lastOfAll): Promise<HistoryGap[]> {
		return gapsQuery(this.#db, from, to)
			.execute()
			.then((rows) =>
				rows.map((row) => ({
					afterZxid: zxidOf(row.after_zxid),
					throughZxid: zxidOf(row.through_zxid),
					kind: row.kind,
					reason: row.reason,
				})),
			);
	}

	/**
	 * Transactions in order, with the gaps between them. With `follow` it waits at the end for what is committed next, until the
	 * signal aborts.
	 */
	async *txns(
		filter: HistoryFilter = {},
		follow = false,
		signal?: AbortSignal,
	): AsyncGenerator<(HistoryTxn | HistoryGap)[], void> {
		const listener = follow ? await Listener.open(this.#pool) : null;
		try {
			let from = filter.from ?? zeroZxid;
			let left = filter.limit ?? Number.POSITIVE_INFINITY;
			while (left > 0 && !isAborted(signal)) {
				const { zxid: end } = await this.position();
				const to = Math.min(filter.to ?? lastOfAll, end ?? -1) as Zxid;
				for await (const page of this.#txnPages({ ...filter, from, to }, left)) {
					left -= page.filter((it) => 'zxid' in it).length;
					yield page;
					if (isAborted(signal)) return;
				}
				from = Math.max(from, to + 1) as Zxid;
				if (listener === null || (filter.to !== undefined && to >= filter.to)) return;
				await listener.next(signal);
			}
		} finally {
			listener?.close();
		}
	}

	async *#txnPages(
		filter: TxnFilter & { from: number; to: Zxid },
		limit: number,
	): AsyncGenerator<(HistoryTxn | HistoryGap)[], void> {
		const gaps =
			filter.path === undefined && filter.session === undefined && filter.type === undefined
				? await this.gaps(filter.from as Zxid, filter.to)
				: [];
		let from = filter.from;
		let left = limit;
		while (left > 0) {
			const wanted = Math.min(pageTxns, left);
			const txns = await this.#txnPage({ ...filter, from }, wanted);
			const isLast = txns.length < wanted;
			const page = withGaps(txns, gaps, isLast);
			if (page.length > 0) yield page;
			if (isLast) return;
			from = txns.at(-1)!.zxid + 1;
			left -= txns.length;
		}
	}

	async #txnPage(filter: TxnFilter, limit: number): Promise<HistoryTxn[]> {
		const rows = await txnsQuery(this.#db, filter, limit).execute();
		if (rows.length === 0) return [];
		const changes = new Map<string, HistoryTxn['changes'][number][]>(rows.map((row) => [row.zxid, []]));
		for (const { zxid, type, path, version, size_before, size_after } of await changesQuery(this.#db, [
			...changes.keys(),
		]).execute()) {
			changes.get(zxid)!.push({ type, path, version, sizeBefore: size_before, sizeAfter: size_after });
		}
		return rows.map((row) => ({
			zxid: zxidOf(row.zxid),
			timeMs: Number(row.time),
			session: unsigned(row.session) as SessionId,
			cxid: row.cxid,
			type: row.type,
			path: row.path,
			error: row.error,
			digest: row.digest === null ? null : unsigned(row.digest),
			principal: row.principal,
			address: row.address,
			door: row.door,
			requestId: row.request_id,
			traceId: row.trace_id,
			changes: changes.get(row.zxid)!,
		}));
	}

	/** Whether the history has this transaction. */
	async has(zxid: Zxid): Promise<boolean> {
		return (await txnsQuery(this.#db, { from: zxid, to: zxid }, 1).execute()).length > 0;
	}

	/** Of each transaction's changes, in the order that txns() gives them: their data, if they are wanted, and who could read the node. */
	async contents(zxids: readonly Zxid[], withData: boolean): Promise<Map<Zxid, HistoryContent[]>> {
		const contents = new Map<Zxid, HistoryContent[]>(zxids.map((zxid) => [zxid, []]));
		if (zxids.length === 0) return contents;
		const { rows } = await contentsQuery(zxids.map(String), withData).execute(this.#db);
		for (const { zxid, data, acl } of rows) {
			contents.get(zxidOf(zxid))!.push({ data, acl: acl === null ? null : aclFromRow(acl) });
		}
		return contents;
	}

	/** The rows of a long answer, fetched as they are wanted. */
	async *#pages<Row>(query: CompiledQuery): AsyncGenerator<Row[], void> {
		const client = await this.#pool.connect();
		try {
			await client.query('begin read only');
			await client.query(`declare pages no scroll cursor for ${query.sql}`, [...query.parameters]);
			for (;;) {
				const { rows } = await client.query(`fetch ${pageNodes} from pages`);
				if (rows.length > 0) yield rows as Row[];
				if (rows.length < pageNodes) break;
			}
		} finally {
			await client.query('rollback').catch(() => undefined); // The connection may be gone.
			client.release();
		}
	}
}

function culpritOf(row: Omit<DataRow, 'data' | 'size'>): Culprit {
	return {
		zxid: zxidOf(row.zxid),
		timeMs: row.time === null ? null : Number(row.time),
		principal: row.principal,
		address: row.address,
		door: row.door,
		requestId: row.request_id,
		traceId: row.trace_id,
	};
}

/** A function, because it changes between two looks at it. */
function isAborted(signal: AbortSignal | undefined): boolean {
	return signal?.aborted === true;
}

const lastOfAll = Number.MAX_SAFE_INTEGER as Zxid;

/** Each gap in front of the first transaction behind it; at the end those that are left. Takes them out of `gaps`. */
function withGaps(txns: readonly HistoryTxn[], gaps: HistoryGap[], isLast: boolean): (HistoryTxn | HistoryGap)[] {
	const page: (HistoryTxn | HistoryGap)[] = [];
	for (const txn of txns) {
		while (gaps.length > 0 && gaps[0]!.afterZxid < txn.zxid) page.push(gaps.shift()!);
		page.push(txn);
	}
	return isLast ? [...page, ...gaps.splice(0)] : page;
}

/** A connection that hears of every batch. */
class Listener {
	readonly #client: pg.PoolClient;
	#heard = false;
	#wake: (() => void) | null = null;

	private constructor(client: pg.PoolClient) {
		this.#client = client;
		client.on('notification', this.#notified);
		client.on('error', this.#notified);
	}

	static async open(pool: pg.Pool): Promise<Listener> {
		const client = await pool.connect();
		const listener = new Listener(client);
		await client.query(`listen ${notifyChannel}`);
		return listener;
	}

	/** Settles when there may be something new. */
	async next(signal: AbortSignal | undefined): Promise<void> {
		if (!this.#heard && signal?.aborted !== true) {
			await new Promise<void>((resolve) => {
				const timer = setTimeout(resolve, followPollMs);
				this.#wake = () => {
					clearTimeout(timer);
					resolve();
				};
				signal?.addEventListener('abort', this.#notified, { once: true });
			});
			signal?.removeEventListener('abort', this.#notified);
		}
		this.#heard = false;
		this.#wake = null;
	}

	close(): void {
		this.#client.off('notification', this.#notified);
		this.#client.off('error', this.#notified);
		this.#client.release(true); // Not back to the pool: it still listens.
	}

	#notified = (): void => {
		this.#heard = true;
		this.#wake?.();
	};
}
