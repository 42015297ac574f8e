/** `ck import`: reads the directories of one or several servers of an ensemble into PostgreSQL as one history. */
import { setImmediate as turn } from 'node:timers/promises';
import pg from 'pg';
import { formatZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import { writeBase } from './base-snapshot.ts';
import type { GapRow, HistoryPoint } from './batch.ts';
import { readCursor, writeBatch } from './batch-writer.ts';
import { type FoldStart, HistoryFold } from './fold.ts';
import { foldStart } from './fold-start.ts';
import { type HistoryPlan, planHistory } from './history-plan.ts';
import { LogSource, type SnapshotFile } from './log-source.ts';
import { mergedRecords } from './merged-records.ts';
import { migrateToLatest } from './migrate.ts';
import { type Chain, chainsOf, loadTreeAt, snapshotsWithin } from './tree-loader.ts';

export interface ImportProgress {
	readonly phase: 'scan' | 'import';
	/** Bytes of logs when scanning, transactions when importing. */
	readonly done: number;
	readonly total: number;
}

export interface ImportOptions {
	readonly progress?: (progress: ImportProgress) => void;
	readonly allowDigestMismatch?: boolean;
}

export interface ImportOutcome {
	/** Transactions added now. */
	readonly txns: number;
	readonly firstZxid: Zxid | null;
	readonly lastZxid: Zxid | null;
	readonly digest: bigint;
	/** Every gap of the history that was added now. */
	readonly gaps: readonly GapRow[];
	/** Transactions that the logs hold and that never were committed: they are not in the history. */
	readonly uncommitted: HistoryPlan['uncommitted'];
	readonly warnings: readonly string[];
}

const writer = 'import';
const batchTxns = 50_000;
const batchBytes = 24 << 20;

/** Each of `dirs` is a server's data directory in any layout. Imported twice, it adds nothing. */
export async function importDirectories(
	dirs: readonly string[],
	databaseUrl: string,
	options: ImportOptions = {},
): Promise<ImportOutcome> {
	await migrateToLatest(databaseUrl);
	const client = new pg.Client({ connectionString: databaseUrl, application_name: 'chronokeeper import' });
	client.on('error', () => undefined); // The statement under way reports it.
	await client.connect();
	try {
		return await new Import(client, dirs, options).run();
	} finally {
		await client.end().catch(() => undefined); // A broken connection is closed already.
	}
}

class Import {
	readonly #client: pg.Client;
	readonly #options: ImportOptions;
	readonly #warnings: string[] = [];
	readonly #gaps: GapRow[] = [];
	readonly #sources: LogSource[];
	#txns = 0;
	#total = 0;

	constructor(client: pg.Client, dirs: readonly string[], options: ImportOptions) {
		this.#client = client;
		this.#options = options;
		const warn = (warning: string) => {
			if (!this.#warnings.includes(warning)) this.#warnings.push(warning);
		};
		this.#sources = dirs.map((dir) => new LogSource(dir, undefined, warn));
		for (const source of this.#sources) {
			if (source.logs.length === 0 && source.snapshots.length === 0) {
				throw new Error(`${source.name} has no logs and no snapshots of ZooKeeper, neither in it nor in its version-2`);
			}
		}
	}

	async run(): Promise<ImportOutcome> {
		const plan = await this.#plan();
		this.#warnings.push(...plan.warnings);
		let point = await readCursor(this.#client);
		const begin = point.zxid;
		const chains = chainsOf(plan);
		if (begin !== null) await this.#compareWithStored(plan, begin);
		for (const segment of plan.segments)
			this.#total += Math.max(0, segment.last - Math.max(segment.first - 1, begin ?? -1));
		for (const chain of chains) point = await this.#importChain(plan, chain, point);
		if (chains.length === 0 && point.zxid === null) point = await this.#onlySnapshot(point);
		await this.#noteSnapshots(point);
		return {
			txns: this.#txns,
			firstZxid: this.#txns === 0 ? null : (plan.segments.find((it) => it.last > (begin ?? -1))?.first ?? null),
			lastZxid: point.zxid,
			digest: point.digest,
			gaps: this.#gaps,
			uncommitted: plan.uncommitted,
			warnings: this.#warnings,
		};
	}

	async #plan(): Promise<HistoryPlan> {
		const total = this.#sources.reduce((sum, source) => sum + source.logBytes, 0);
		let done = 0;
		let shown = 0;
		const scanned = [];
		for (const source of this.#sources) {
			const runs = source.runs((bytes) => {
				done += bytes;
				if (done - shown < 1 << 22) return;
				shown = done;
				this.#options.progress?.({ phase: 'scan', done, total });
			});
			await turn();
			scanned.push({
				name: source.name,
				runs,
				snapshotZxids: source.snapshots.flatMap((it) => [it.zxid, it.exactZxid]),
			});
		}
		this.#options.progress?.({ phase: 'scan', done: total, total });
		return planHistory(scanned);
	}

	async #importChain(plan: HistoryPlan, chain: Chain, from: HistoryPoint): Promise<HistoryPoint> {
		if (from.zxid !== null && from.zxid >= chain.last) return from;
		const resumes = from.zxid !== null && from.zxid >= chain.first - 1;
		const goesOn = from.zxid === zeroZxid && chain.gap === null;
		const point = resumes || goesOn ? from : await this.#base(plan, chain, from);
		if (point === null) return from;
		if (point.zxid! >= chain.last) return point;
		const start = await foldStart(this.#client, point, this.#sources, plan, chain);
		return this.#fold(plan, chain, start);
	}

	/** Null when there is no snapshot to go on from: the history then ends here. */
	async #base(plan: HistoryPlan, chain: Chain, from: HistoryPoint): Promise<HistoryPoint | null> {
		const exact = snapshotsWithin(this.#sources, chain)[0];
		if (exact === undefined && chain.gap !== null) {
			this.#warnings.push(
				`the transactions from ${formatZxid(chain.first)} to ${formatZxid(chain.last)} were left out: ${chain.gap.reason}, and no snapshot has the tree they begin with`,
			);
			return null;
		}
		const zxid = chain.gap === null ? zeroZxid : exact!.exactZxid;
		const loaded = await loadTreeAt(this.#sources, plan, chain, zxid, { ...this.#options, keepData: true });
		if (loaded === null) throw new Error(`no snapshot leads to ${formatZxid(zxid)}`);
		let gap: GapRow | null = null;
		if (chain.gap !== null) {
			const { kind, reason } = chain.gap;
			gap = { afterZxid: from.zxid ?? zeroZxid, throughZxid: zxid, kind, reason };
			this.#gaps.push(gap);
		}
		return writeBase(this.#client, from, { ...loaded, zxid, gap }, writer);
	}

	async #fold(plan: HistoryPlan, chain: Chain, start: FoldStart): Promise<HistoryPoint> {
		const fold = new HistoryFold(start, this.#options);
		let point = start.point;
		let writing: Promise<void> = Promise.resolve();
		const flush = async () => {
			await writing;
			if (fold.pendingTxns === 0) return;
			const batch = fold.takeBatch();
			this.#gaps.push(...batch.gaps);
			this.#txns += batch.txnCount;
			point = batch.to;
			writing = writeBatch(this.#client, batch, writer);
			writing.catch(() => undefined); // Awaited by the next flush.
			this.#options.progress?.({ phase: 'import', done: this.#txns, total: this.#total });
		};
		let sinceTurn = 0;
		for (const { record } of mergedRecords(this.#sources, plan, (start.point.zxid! + 1) as Zxid)) {
			if (record.header.zxid > chain.last) break;
			fold.apply(record);
			if (fold.pendingTxns >= batchTxns || fold.pendingBytes >= batchBytes) await flush();
			if (++sinceTurn === 500) {
				sinceTurn = 0;
				await turn(); // PostgreSQL reads while this folds on.
			}
		}
		await flush();
		await writing;
		return point;
	}

	/** Directories without a transaction: the tree is all there is. */
	async #onlySnapshot(from: HistoryPoint): Promise<HistoryPoint> {
		const newest = this.#sources
			.flatMap((source) => source.snapshots)
			.filter((it) => it.exactZxid === it.zxid)
			.sort((a, b) => a.zxid - b.zxid)
			.at(-1);
		if (newest === undefined) throw new Error('there is no transaction and no exact snapshot in these directories');
		const lost = { afterZxid: zeroZxid, kind: 'lost', reason: `there are no logs, only ${newest.path}` } as const;
		const chain: Chain = { first: (newest.zxid + 1) as Zxid, last: newest.zxid, gap: lost };
		return (await this.#base({ segments: [], uncommitted: [], warnings: [] }, chain, from)) ?? from;
	}

	/** What is stored already must be the same history; what lies in its gaps is not filled in. */
	async #compareWithStored(plan: HistoryPlan, through: Zxid): Promise<void> {
		for (const { first, last } of plan.segments) {
			if (first > through) break;
			const until = Math.min(last, through);
			const { rows } = await this.#client.query<{ count: string }>(
				'select count(*) from chronokeeper.txn where zxid between $1 and $2',
				[first, until],
			);
			const missing = until - first + 1 - Number(rows[0]?.count);
			if (missing === 0) continue;
			this.#warnings.push(
				`${missing} transactions between ${formatZxid(first)} and ${formatZxid(until as Zxid)} are in these directories and not in the database, where they fall into a gap: a gap is not filled in afterwards. Import all directories together into a new database`,
			);
		}
	}

	async #noteSnapshots(point: HistoryPoint): Promise<void> {
		const seen: SnapshotFile[] = this.#sources
			.flatMap((source) => source.snapshots)
			.filter((it) => it.zxid <= (point.zxid ?? -1));
		await this.#client.query(
			`insert into chronokeeper.snapshot (zxid, source, digest_zxid, digest, bytes, base)
			select *, false from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
			on conflict (zxid, source) do update set bytes = excluded.bytes`,
			[
				seen.map((it) => it.zxid),
				seen.map((it) => it.path),
				seen.map((it) => it.exactZxid),
				seen.map((it) => it.digest),
				seen.map((it) => it.bytes),
			],
		);
	}
}
