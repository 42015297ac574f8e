/**
 * Brings the database up to what is in directories: plans the history that their logs and snapshots hold, begins it with a base where
 * it must, and folds the rest behind what is there already.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type pg from 'pg';
import { counterOf, formatZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import { writeBase } from './base-snapshot.ts';
import type { Batch, GapRow, HistoryPoint } from './batch.ts';
import { bulkLoad, bulkLoadTxns, mayBulkLoad, recoverFromLoad } from './bulk-load.ts';
import type { Checkpoints } from './checkpoints.ts';
import { foldStart } from './fold-start.ts';
import { type HistoryPlan, planHistory } from './history-plan.ts';
import { HistoryWriter } from './history-writer.ts';
import type { LogSource, SnapshotFile } from './log-source.ts';
import { mergedRecords } from './merged-records.ts';
import type { PartitionMaker } from './partitions.ts';
import type { Redaction } from './redaction.ts';
import { type Chain, chainsOf, loadTreeAt, provedFrom, snapshotsWithin } from './tree-loader.ts';

export interface CatchUpOptions {
	readonly writer: string;
	/** Another connection to the same database, for a bulk load. */
	readonly connect: () => Promise<pg.Client>;
	readonly allowDigestMismatch?: boolean;
	/** Nothing behind this zxid is read: it may still be written, or is not committed. */
	readonly through?: Zxid;
	readonly scanned?: (bytes: number) => void;
	readonly written?: (batch: Batch) => void;
	readonly partitions?: Pick<PartitionMaker, 'prepare'>;
	/** Data that stay out of the rows. */
	readonly redaction?: Redaction;
	readonly warn: (warning: string) => void;
	/** The one directory is that of a running replica: its recovery has proved that its log goes on from its oldest snapshot. */
	readonly isReplica?: boolean;
	/** And of one in an ensemble, whose tree may be what a leader streamed. */
	readonly isMember?: boolean;
	/** Without them nothing is signed. */
	readonly checkpoints?: Checkpoints;
	/** Set when the directory says that it was restored: what the gap is then. */
	readonly restored?: string;
}

/** A member got its leader's tree, and no transaction behind it has shown by its digest yet that it is one that existed. */
export class BaseUnproved extends Error {
	override readonly name = 'BaseUnproved';

	constructor(snapshot: SnapshotFile) {
		super(`the history begins with the first transaction whose digest proves ${snapshot.path}, and none has yet`);
	}
}

export class CatchUp {
	readonly gaps: GapRow[] = [];
	readonly #client: pg.ClientBase;
	readonly #sources: readonly LogSource[];
	readonly #options: CatchUpOptions;
	#second: pg.Client | null = null;

	constructor(client: pg.ClientBase, sources: readonly LogSource[], options: CatchUpOptions) {
		this.#client = client;
		this.#sources = sources;
		this.#options = options;
	}

	/** Reads the logs, where the history has a cursor only from the snapshot before it on. */
	async plan(from: HistoryPoint): Promise<HistoryPlan> {
		const scanned = [];
		let behind: HistoryPlan['begin'];
		for (const source of this.#sources) {
			const begin = source.snapshots.findLast((it) => it.exactZxid <= (from.zxid ?? -1))?.zxid ?? zeroZxid;
			const runs = source.runs((bytes) => this.#options.scanned?.(bytes), begin, this.#options.through);
			await turn();
			if (this.#options.isReplica === true) behind = beginOf(source, runs[0]?.first, begin);
			const proved = source.snapshots.flatMap((it) => [it.zxid, it.exactZxid]);
			scanned.push({ name: source.name, runs, snapshotZxids: proved });
		}
		const plan = planHistory(scanned);
		return behind === undefined ? plan : { ...plan, begin: behind };
	}

	/** Everything of the plan that is not there yet. The writer goes on from its end; null when there is nothing to go on from. */
	async run(plan: HistoryPlan, from: HistoryPoint): Promise<HistoryWriter | null> {
		await recoverFromLoad(this.#client);
		await this.#client.query('select chronokeeper.note_clock_runs()');
		const txns = plan.segments.reduce((sum, { first, last }) => sum + last - first + 1, 0);
		if (from.zxid !== null || txns < bulkLoadTxns || !(await mayBulkLoad(this.#client)))
			return this.#runChains(plan, from);
		const second = await this.#options.connect();
		this.#second = second;
		try {
			return await bulkLoad(this.#client, () => this.#runChains(plan, from));
		} finally {
			this.#second = null;
			await second.end().catch(() => undefined); // A broken connection is closed already.
		}
	}

	async #runChains(plan: HistoryPlan, from: HistoryPoint): Promise<HistoryWriter | null> {
		const chains = chainsOf(plan);
		let point = from;
		let writer: HistoryWriter | null = null;
		for (const [i, chain] of chains.entries()) {
			const isLast = i === chains.length - 1;
			if (point.zxid !== null && point.zxid >= chain.last && !(isLast && this.#continues(point, chain))) continue;
			const begun = await this.#begin(plan, chain, point);
			if (begun === null) continue;
			writer = await this.#fold(plan, chain, begun);
			point = writer.written;
		}
		return (await this.#newestSnapshot(point)) ?? writer;
	}

	#continues(point: HistoryPoint, chain: Chain): boolean {
		return point.zxid === chain.last;
	}

	/** The point in the chain that the database is at, after a base was written where one is needed. Null when none can be. */
	async #begin(plan: HistoryPlan, chain: Chain, from: HistoryPoint): Promise<HistoryPoint | null> {
		const resumes = from.zxid !== null && (from.zxid >= chain.first - 1 || from.zxid === chain.after);
		if (resumes || (from.zxid === zeroZxid && chain.gap === null)) return from;
		if (chain.gap === null && from.zxid === null) return this.#base(plan, chain, from, zeroZxid);
		for (const snapshot of snapshotsWithin(this.#sources, chain)) {
			const exactZxid = await this.#exactZxid(plan, chain, snapshot);
			const point = exactZxid === null ? null : await this.#base(plan, chain, from, exactZxid);
			if (point !== null) return point;
		}
		const range = `${formatZxid(chain.first)} to ${formatZxid(chain.last)}`;
		this.#options.warn(`the transactions from ${range} were left out: no snapshot has the tree that they begin with`);
		return null;
	}

	/**
	 * Where the tree of a snapshot is one that existed; null where that is nowhere.
	 * @throws BaseUnproved of a member, whose log goes on
	 */
	async #exactZxid(plan: HistoryPlan, chain: Chain, snapshot: SnapshotFile): Promise<Zxid | null> {
		if (snapshot.isProved) return snapshot.exactZxid;
		const proved = await provedFrom(this.#sources, plan, chain, snapshot);
		if (typeof proved === 'number') return proved;
		if (this.#options.isMember === true && proved !== 'no digests') throw new BaseUnproved(snapshot);
		return proved === 'refuted' ? null : snapshot.exactZxid;
	}

	/** Null when no sound snapshot leads there. */
	async #base(plan: HistoryPlan, chain: Chain, from: HistoryPoint, zxid: Zxid): Promise<HistoryPoint | null> {
		const { allowDigestMismatch = false } = this.#options;
		const loaded = await loadTreeAt(this.#sources, plan, chain, zxid, { keepData: true, allowDigestMismatch });
		if (loaded === null) return null;
		const gap = zxid === zeroZxid ? null : this.#gap(chain, from, zxid);
		if (gap !== null) this.gaps.push(gap);
		const { redaction, writer } = this.#options;
		const base = { ...loaded, zxid, gap, ...(redaction && { redaction }) };
		return writeBase(this.#client, from, base, writer);
	}

	#gap(chain: Chain, from: HistoryPoint, throughZxid: Zxid): GapRow {
		const afterZxid = from.zxid ?? zeroZxid;
		const { restored } = this.#options;
		if (restored !== undefined && from.zxid !== null)
			return { afterZxid, throughZxid, kind: 'restore', reason: restored };
		if (chain.gap !== null && chain.gap.afterZxid >= afterZxid)
			return { afterZxid, throughZxid, kind: chain.gap.kind, reason: chain.gap.reason };
		const reason = `the logs begin with ${formatZxid(chain.first)}, the history had come to ${formatZxid(afterZxid)}`;
		return { afterZxid, throughZxid, kind: 'lost', reason };
	}

	async #fold(plan: HistoryPlan, chain: Chain, point: HistoryPoint): Promise<HistoryWriter> {
		const start = await foldStart(this.#client, point, this.#sources, plan, chain);
		const writer = new HistoryWriter(this.#client, start, this.#options);
		if (point.zxid! >= chain.last) return writer;
		writer.second = this.#second;
		let sinceTurn = 0;
		for (const { record } of mergedRecords(this.#sources, plan, (point.zxid! + 1) as Zxid)) {
			writer.add(record);
			if (writer.isFull) await writer.flush();
			if (++sinceTurn === 500) {
				sinceTurn = 0;
				await turn(); // PostgreSQL reads while this folds on.
			}
			if (record.header.zxid === chain.last) break;
		}
		await writer.finish();
		writer.second = null;
		this.gaps.push(...writer.gaps);
		return writer;
	}

	/** A snapshot beyond all logs: a directory that was restored, or whose logs are gone. */
	async #newestSnapshot(from: HistoryPoint): Promise<HistoryWriter | null> {
		const { through = Number.MAX_SAFE_INTEGER } = this.#options;
		const candidates = this.#sources
			.flatMap((source) => source.snapshots)
			.filter((it) => it.zxid > (from.zxid ?? -1) && it.zxid <= through)
			.sort((a, b) => b.zxid - a.zxid);
		for (const candidate of candidates) {
			if (!candidate.isProved && this.#options.isMember === true) throw new BaseUnproved(candidate);
			const writer = candidate.exactZxid === candidate.zxid ? await this.#goOnFrom(candidate, from) : null;
			if (writer !== null) return writer;
			this.#options.warn(
				`${candidate.path} shows that there were transactions up to ${formatZxid(candidate.zxid)}, which no log has, and it cannot be used without them`,
			);
		}
		return null;
	}

	async #goOnFrom(newest: SnapshotFile, from: HistoryPoint): Promise<HistoryWriter | null> {
		const after = from.zxid ?? zeroZxid;
		const reason = `there are no logs behind ${formatZxid(after)}, only ${newest.path}`;
		const chain: Chain = {
			first: (newest.zxid + 1) as Zxid,
			after: newest.zxid,
			last: newest.zxid,
			gap: { afterZxid: after, kind: 'lost', reason },
		};
		const nothing: HistoryPlan = { segments: [], uncommitted: [], warnings: [] };
		const point = await this.#base(nothing, chain, from, newest.zxid);
		if (point === null) return null;
		return new HistoryWriter(
			this.#client,
			await foldStart(this.#client, point, this.#sources, nothing, chain),
			this.#options,
		);
	}
}

/**
 * A member of an ensemble that got its leader's tree has no older log: when an epoch had just ended, its log begins with the first transaction of the
 * next, and only its snapshot says what that follows.
 */
function beginOf(source: LogSource, first: Zxid | undefined, scannedFrom: Zxid): HistoryPlan['begin'] {
	if (first === undefined || counterOf(first) !== 1) return undefined;
	const snapshot = source.snapshots.findLast((it) => it.zxid < first);
	if (snapshot === undefined || snapshot.exactZxid !== snapshot.zxid || snapshot.zxid < scannedFrom) return undefined;
	return { first, after: snapshot.zxid };
}
