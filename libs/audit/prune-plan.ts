/** What may be pruned: whole partitions from the oldest on, never the one that is filled. */
import type pg from 'pg';
import { formatZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import { type Partition, readPartitions } from './partitions.ts';

/** Each that is given bounds what goes; what is kept may reach further back, to where a partition begins. */
export interface PruneRequest {
	/** Transactions from this zxid on stay. */
	readonly before?: Zxid;
	/** Transactions of this time and later stay; milliseconds since 1970. */
	readonly beforeMs?: number;
	/** So many of the newest transactions stay. */
	readonly keepLast?: number;
	/** No more goes than is needed for the history to take up at most so many bytes. */
	readonly maxBytes?: number;
}

export interface PrunePlan {
	/** Transactions up to and including this one go, and the tree right after it stays. Null: nothing can go. */
	readonly through: Zxid | null;
	readonly partitions: readonly Partition[];
	/** About how many. */
	readonly txns: number;
	readonly bytes: number;
	/** Of the whole history, before. */
	readonly totalBytes: number;
	/** When the last transaction that goes was made; milliseconds since 1970. Null when there is none. */
	readonly lastMs: number | null;
	/** Where the next partition ends that could go, were more asked for. Null: none is complete. */
	readonly nextBound: Zxid | null;
}

/** The history grows at its end only: a plan stays true whatever is written meanwhile. */
export async function planPrune(client: pg.ClientBase, request: PruneRequest): Promise<PrunePlan> {
	const partitions = await readPartitions(client);
	const { rows } = await client.query<{ zxid: string | null; bytes: string }>(
		`select (select zxid from chronokeeper.mirror_cursor) as zxid,
			(select sum(pg_total_relation_size(c.oid)) from pg_class c join pg_namespace n on n.oid = c.relnamespace
				where n.nspname = 'chronokeeper' and c.relkind in ('r', 'm')) as bytes`,
	);
	const cursor = Number(rows[0]?.zxid ?? -1);
	const totalBytes = Number(rows[0]?.bytes ?? 0);
	const whole = partitions.filter((it) => it.to !== null && it.to < cursor);
	let count = 0;
	let left = totalBytes;
	for (const partition of whole) {
		if (!(await mayGo(client, partition, request, left))) break;
		left -= partition.bytes;
		count++;
	}
	const going = whole.slice(0, count);
	const nextBound = (whole[count]?.to ?? null) as Zxid | null;
	const none = { through: null, partitions: [], txns: 0, bytes: 0, totalBytes, lastMs: null, nextBound };
	const bound = going.at(-1)?.to ?? null;
	if (bound === null) return none;
	const through = await endOfGapAt(client, bound as Zxid);
	if (through > cursor) return none;
	return {
		through,
		partitions: going,
		txns: going.reduce((sum, it) => sum + it.rows, 0),
		bytes: totalBytes - left,
		totalBytes,
		lastMs: await timeOf(client, through),
		nextBound,
	};
}

async function mayGo(
	client: pg.ClientBase,
	{ to }: Partition,
	{ before, beforeMs, keepLast, maxBytes }: PruneRequest,
	bytes: number,
): Promise<boolean> {
	if (before === undefined && beforeMs === undefined && keepLast === undefined && maxBytes === undefined) return false;
	const bound = to! as Zxid;
	if (before !== undefined && bound >= before) return false;
	if (beforeMs !== undefined && ((await timeOf(client, bound)) ?? 0) >= beforeMs) return false;
	if (keepLast !== undefined && !(await hasMoreThan(client, bound, keepLast))) return false;
	return maxBytes === undefined || bytes > maxBytes;
}

/** Of the last transaction up to a zxid. */
async function timeOf(client: pg.ClientBase, zxid: Zxid): Promise<number | null> {
	const { rows } = await client.query<{ time: Date }>(
		'select t.time from chronokeeper.txn t where t.zxid <= $1 order by t.zxid desc limit 1',
		[zxid],
	);
	return rows[0] === undefined ? null : Number(rows[0].time);
}

async function hasMoreThan(client: pg.ClientBase, bound: Zxid, txns: number): Promise<boolean> {
	const { rows } = await client.query<{ count: string }>(
		'select count(*) from (select from chronokeeper.txn t where t.zxid > $1 limit $2) x',
		[bound, txns],
	);
	return Number(rows[0]?.count) >= txns;
}

/** Inside a gap no tree is known: what is kept begins with the one behind it. */
async function endOfGapAt(client: pg.ClientBase, zxid: Zxid): Promise<Zxid> {
	const { rows } = await client.query<{ through: string | null }>(
		'select max(g.through_zxid) as through from chronokeeper.gap g where g.after_zxid < $1 and g.through_zxid > $1',
		[zxid],
	);
	return Math.max(zxid, Number(rows[0]?.through ?? zeroZxid)) as Zxid;
}

/** For people. */
export function describeRequest({ before, beforeMs, keepLast, maxBytes }: PruneRequest): string {
	return [
		before === undefined ? [] : [`before ${formatZxid(before)}`],
		beforeMs === undefined ? [] : [`before ${new Date(beforeMs).toISOString()}`],
		keepLast === undefined ? [] : [`all but the last ${keepLast}`],
		maxBytes === undefined ? [] : [`above ${maxBytes} bytes`],
	]
		.flat()
		.join(', ');
}
