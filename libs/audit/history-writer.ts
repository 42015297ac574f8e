/**
 * Folds records and writes what comes of them, both at once: while PostgreSQL takes one batch, the next is filled. Whoever writes
 * (import or mirror) hands in records in order and says when to flush.
 */
import type pg from 'pg';
import type { TxnRecord } from '#core/model/txn-record';
import type { Batch, GapRow, HistoryPoint } from './batch.ts';
import { holdCursor, inTransaction, writeBatch } from './batch-writer.ts';
import type { Checkpoints } from './checkpoints.ts';
import { type FoldOptions, type FoldStart, HistoryFold } from './fold.ts';
import type { PartitionMaker } from './partitions.ts';

/** The larger a batch, the more versions begin and end in it; what was not written yet is in memory. */
const maxBatchTxns = 100_000;
const maxBatchBytes = 64 << 20;

export interface HistoryWriterOptions extends FoldOptions {
	/** Shown in mirror_cursor. */
	readonly writer: string;
	/** Called when a batch is in the database. */
	readonly written?: (batch: Batch) => void;
	/** Makes partitions ahead of what is written. */
	readonly partitions?: Pick<PartitionMaker, 'prepare'>;
	/** Without them nothing is signed. */
	readonly checkpoints?: Checkpoints;
}

export class HistoryWriter {
	readonly #options: HistoryWriterOptions;
	readonly #fold: HistoryFold;
	#client: pg.ClientBase;
	/** Taken from the fold and not known to be in the database. */
	#inFlight: Batch | null = null;
	#isSealed = false;
	#writing: Promise<void> | null = null;
	#written: HistoryPoint;
	readonly gaps: GapRow[] = [];

	constructor(client: pg.ClientBase, start: FoldStart, options: HistoryWriterOptions) {
		this.#client = client;
		this.#options = options;
		this.#fold = new HistoryFold(start, options);
		this.#written = start.point;
	}

	/** A second connection to write over, during a bulk load; null: none. */
	second: pg.ClientBase | null = null;

	/** What is known to be in the database. */
	get written(): HistoryPoint {
		return this.#written;
	}

	/** Whether there is something that no write was begun for. */
	get hasMore(): boolean {
		return this.#inFlight !== null || this.#fold.pendingTxns > 0;
	}

	get isFull(): boolean {
		return this.#fold.pendingTxns >= maxBatchTxns || this.#fold.pendingBytes >= maxBatchBytes;
	}

	/** The write under way; null when there is none. Rejects when it failed. */
	get writing(): Promise<void> | null {
		return this.#writing;
	}

	add(record: TxnRecord): void {
		this.#fold.apply(record);
	}

	/** Waits for the write under way, and begins to write what was added since. */
	async flush(): Promise<void> {
		await this.#writing;
		if (this.#inFlight === null) {
			if (this.#fold.pendingTxns === 0) return;
			this.#inFlight = this.#fold.takeBatch();
		}
		this.#begin(this.#inFlight);
	}

	/**
	 * Signs what is there when no batch came to do it with. Nothing may be under way.
	 * @param isLast signs it although it is not time yet
	 */
	async seal(isLast = false): Promise<void> {
		const { checkpoints } = this.#options;
		if (checkpoints === undefined || this.#written.zxid === null) return;
		if (!(isLast ? checkpoints.hasUnsigned : checkpoints.isDue(0))) return;
		const client = this.#client;
		await inTransaction(client, async () => {
			await holdCursor(client, this.#written);
			await checkpoints.write(client, this.#written);
		});
		checkpoints.wrote(0, true);
	}

	/** Waits until all that was added is in the database. */
	async finish(): Promise<void> {
		await this.flush();
		await this.#writing;
	}

	/**
	 * Goes on with a new connection after a failure. What became of the batch under way shows in the cursor: it is all there or not at
	 * all. False when the cursor is somewhere else: another writer was at work.
	 */
	resume(client: pg.ClientBase, cursor: HistoryPoint): boolean {
		this.#client = client;
		this.#writing = null;
		const batch = this.#inFlight;
		if (batch !== null && isSame(cursor, batch.to)) this.#done(batch);
		return isSame(cursor, this.#written);
	}

	#begin(batch: Batch): void {
		batch.beganMs = performance.timeOrigin + performance.now();
		this.#isSealed = this.#options.checkpoints?.isDue(batch.txnCount) === true;
		const writing = this.#write(this.#client, batch).then(() => {
			this.#writing = null;
			this.#done(batch);
		});
		writing.catch(() => undefined); // Whoever awaits \`writing\` or flushes next is told.
		this.#writing = writing;
	}

	async #write(client: pg.ClientBase, batch: Batch): Promise<void> {
		await this.#options.partitions?.prepare(client, batch);
		const { writer, checkpoints } = this.#options;
		const seal = this.#isSealed ? () => checkpoints!.write(client, batch.to) : null;
		await writeBatch(client, batch, writer, this.second, seal);
	}

	#done(batch: Batch): void {
		this.#inFlight = null;
		this.#written = batch.to;
		this.#options.checkpoints?.wrote(batch.txnCount, this.#isSealed);
		this.gaps.push(...batch.gaps);
		this.#options.written?.(batch);
	}
}

function isSame(a: HistoryPoint, b: HistoryPoint): boolean {
	return a.zxid === b.zxid && a.hash.equals(b.hash);
}
