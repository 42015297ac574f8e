/**
 * Which of the transactions in several servers' logs are the history, and where it has gaps. Zxids only: nothing is read here.
 *
 * A log may hold transactions that were never committed: a leader that is cut off logs proposals nobody else has, and when it comes back it gets
 * the new leader's tree as a snapshot; its log goes on behind a hole. So of the transactions in front of a hole it is not clear how many
 * were committed. What decides, for each epoch:
 *
 * - Its end is known when a log goes on from it into the next epoch without a hole: that server had what the new leader had.
 *   Transactions behind that end never were committed, whoever has them.
 * - A snapshot's zxid was committed, and with it everything before it in its epoch, because one leader makes all zxids of an epoch in order.
 * - The last transactions of the newest epoch count: a server that starts from this log counts them, too, and nothing contradicts.
 * - The rest is undecided: another server's log may know. It is left out, and named in a gap.
 */
import { counterOf, epochOf, formatZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import type { Run } from './log-source.ts';

export interface ScannedServer {
	readonly name: string;
	readonly runs: readonly Run[];
	/** Zxids that its snapshots prove: their own and those of their digest sections. */
	readonly snapshotZxids: readonly Zxid[];
}

export interface Segment {
	readonly first: Zxid;
	readonly last: Zxid;
	/** Null when it goes on without a hole from the segment before it (or from the empty tree). */
	readonly gap: PlannedGap | null;
}

export interface PlannedGap {
	readonly afterZxid: Zxid;
	readonly kind: 'lost' | 'undecided';
	readonly reason: string;
}

export interface HistoryPlan {
	readonly segments: readonly Segment[];
	/** Transactions that were never committed, for the report. */
	readonly uncommitted: readonly { readonly server: string; readonly first: Zxid; readonly last: Zxid }[];
	readonly warnings: readonly string[];
	/** What the first of all transactions stands right behind, where something else than its zxid tells. */
	readonly begin?: { readonly first: Zxid; readonly after: Zxid };
}

interface Epoch {
	readonly epoch: number;
	/** Its last committed transaction and the epoch behind it, where a log shows them. */
	end: { readonly zxid: Zxid; readonly nextEpoch: number } | null;
	endsDiffer: boolean;
	/** Committed for sure, up to and including. */
	certain: Zxid;
	readonly runs: { readonly run: Run; readonly server: string }[];
}

export function planHistory(servers: readonly ScannedServer[]): HistoryPlan {
	const warnings: string[] = [];
	const epochs = collectEpochs(servers, warnings);
	const newest = epochs.at(-1);
	const uncommitted: { server: string; first: Zxid; last: Zxid }[] = [];
	const segments: Segment[] = [];
	const begins = servers.some((it) => it.snapshotZxids.includes(zeroZxid));
	let before: { readonly epoch: Epoch; readonly last: Zxid } | null = null;
	let undecided: string[] = [];
	for (const epoch of epochs) {
		const limit = committedThrough(epoch, epoch === newest);
		for (const { run, server } of epoch.runs) {
			if (run.last <= limit) continue;
			const first = Math.max(limit + 1, run.first) as Zxid;
			if (epoch.end !== null) uncommitted.push({ server, first, last: run.last });
			else undecided.push(`${server} has ${range(first, run.last)}`);
		}
		for (const piece of union(
			epoch.runs.map((it) => it.run),
			limit,
		)) {
			const gap = gapBefore(piece.first, epoch, before, begins && epoch === epochs[0], undecided);
			if (gap !== null) undecided = [];
			segments.push({ ...piece, gap });
			before = { epoch, last: piece.last };
		}
	}
	return { segments, uncommitted, warnings };
}

function collectEpochs(servers: readonly ScannedServer[], warnings: string[]): Epoch[] {
	const epochs = new Map<number, Epoch>();
	const of = (zxid: Zxid): Epoch => {
		const epoch = epochOf(zxid);
		let it = epochs.get(epoch);
		if (it === undefined)
			epochs.set(epoch, (it = { epoch, end: null, endsDiffer: false, certain: zeroZxid, runs: [] }));
		return it;
	};
	for (const { name, runs } of servers) {
		for (const [i, run] of runs.entries()) {
			const epoch = of(run.first);
			epoch.runs.push({ run, server: name });
			const next = runs[i + 1];
			if (next === undefined) continue;
			if (epochOf(next.first) === epoch.epoch) epoch.certain = later(epoch.certain, run.last);
			if (!next.follows) continue;
			const end = { zxid: run.last, nextEpoch: epochOf(next.first) };
			if (epoch.end !== null && (epoch.end.zxid !== end.zxid || epoch.end.nextEpoch !== end.nextEpoch))
				epoch.endsDiffer = true;
			epoch.end = end;
		}
	}
	for (const { snapshotZxids } of servers) {
		for (const zxid of snapshotZxids) {
			const epoch = epochs.get(epochOf(zxid));
			if (epoch !== undefined) epoch.certain = later(epoch.certain, zxid);
		}
	}
	for (const epoch of epochs.values()) {
		if (epoch.end === null || (!epoch.endsDiffer && epoch.certain <= epoch.end.zxid)) continue;
		warnings.push(`the logs disagree where epoch ${epoch.epoch} ended: what is not certain of it is left out`);
		epoch.end = null;
	}
	return [...epochs.values()].sort((a, b) => a.epoch - b.epoch);
}

function committedThrough(epoch: Epoch, isNewest: boolean): Zxid {
	if (epoch.end !== null) return epoch.end.zxid;
	if (!isNewest) return epoch.certain;
	return epoch.runs.reduce((last, { run }) => later(last, run.last), zeroZxid);
}

/** The runs up to the limit, joined where they overlap or touch, in order. */
function union(runs: readonly Run[], limit: Zxid): { first: Zxid; last: Zxid }[] {
	const pieces: { first: Zxid; last: Zxid }[] = [];
	for (const run of [...runs].sort((a, b) => a.first - b.first)) {
		const last = Math.min(run.last, limit) as Zxid;
		if (run.first > last) continue;
		const piece = pieces.at(-1);
		if (piece !== undefined && run.first <= piece.last + 1) piece.last = later(piece.last, last);
		else pieces.push({ first: run.first, last });
	}
	return pieces;
}

function gapBefore(
	first: Zxid,
	epoch: Epoch,
	before: { readonly epoch: Epoch; readonly last: Zxid } | null,
	begins: boolean,
	undecided: readonly string[],
): PlannedGap | null {
	if (before === null) {
		// The first transaction of a server that had nothing before: zxid 1, or the first of an epoch behind a snapshot of the empty tree.
		if (first === 1 || (begins && counterOf(first) === 1)) return null;
		if (undecided.length > 0)
			return { afterZxid: zeroZxid, kind: 'undecided', reason: undecidedReason(undecided, first) };
		return { afterZxid: zeroZxid, kind: 'lost', reason: `no log has the transactions before ${formatZxid(first)}` };
	}
	const { last } = before;
	if (epoch === before.epoch) {
		return {
			afterZxid: last,
			kind: 'lost',
			reason: `no log has the transactions from ${formatZxid((last + 1) as Zxid)} to ${formatZxid((first - 1) as Zxid)}`,
		};
	}
	const { end } = before.epoch;
	if (end !== null && end.zxid === last && end.nextEpoch === epoch.epoch && counterOf(first) === 1) return null;
	if (undecided.length > 0) {
		return { afterZxid: last, kind: 'undecided', reason: undecidedReason(undecided, first) };
	}
	return {
		afterZxid: last,
		kind: 'lost',
		reason: `no log shows what followed ${formatZxid(last)} up to ${formatZxid((first - 1) as Zxid)}`,
	};
}

function undecidedReason(undecided: readonly string[], first: Zxid): string {
	return `${undecided.join(', ')} in front of a hole: whether they were committed, and what followed up to ${formatZxid((first - 1) as Zxid)}, only the logs of other servers can tell`;
}

function later(a: Zxid, b: Zxid): Zxid {
	return a > b ? a : b;
}

function range(first: Zxid, last: Zxid): string {
	return first === last ? formatZxid(first) : `${formatZxid(first)} to ${formatZxid(last)}`;
}
