/**
 * The mirrors of all members, over a table in place of PostgreSQL. What a member may write the product's gate says, what it has to begin with the product's plan of catching
 * up, and what comes then the product's reader of a running log; only the rows are plain zxids.
 */
import { CatchUp } from '#audit/catch-up';
import { LogSource } from '#audit/log-source';
import { chainsOf } from '#audit/tree-loader';
import { formatZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import type { GatedMirror } from '#server/replica/commit-gate';
import { LogDamage } from '#storage/damage';
import type { DataDirectory } from '#storage/data-directory';
import { LogTail } from '#storage/history-reader';
import type { Breach } from './breach.ts';
import type { CommittedHistory } from './checkers/committed-history.ts';
import type { ProcessGate } from './process-gate.ts';
import type { World } from './world.ts';

const batchTxns = 8;
const retryMs = 300;
/** A batch takes; now and then PostgreSQL has other things to do. */
const usualMs = 20;
const slowestMs = 4000;

/** What all of them write to. */
export class MirrorTable {
	/** PostgreSQL has nothing else to do. */
	isQuick = false;
	readonly rows: Zxid[] = [];
	readonly gaps: { readonly after: Zxid; readonly through: Zxid }[] = [];
	/** Up to here it is written: a writer that believes anything else has to begin anew. */
	cursor: Zxid = zeroZxid;

	/**
	 * At the end: each committed transaction is there once, in order, or in a gap that has a row.
	 * @param least so far it has had the time to come
	 */
	check(history: CommittedHistory, least: Zxid, find: (finding: string) => void): void {
		const isInGap = (zxid: Zxid) => this.gaps.some(({ after, through }) => zxid > after && zxid <= through);
		const expected = history.records
			.map(({ header }) => header.zxid)
			.filter((zxid) => zxid <= this.cursor && !isInGap(zxid));
		const at = expected.findIndex((zxid, index) => zxid !== this.rows[index]);
		if (at !== -1) find(`the mirror has ${name(this.rows[at])} where ${name(expected[at])} was committed`);
		else if (this.rows.length > expected.length)
			find(`the mirror has ${name(this.rows[expected.length])}, which was not committed`);
		if (this.cursor < least) find(`the mirror ends at ${name(this.cursor)}, long ago committed is ${name(least)}`);
	}
}

export interface SimMirrorParts {
	readonly world: World;
	readonly gate: ProcessGate;
	readonly directory: DataDirectory;
	readonly table: MirrorTable;
	readonly history: CommittedHistory;
	readonly breach?: Breach | undefined;
	/** Told what is written, and by whomever. */
	readonly mirrored: (zxid: Zxid) => void;
}

/** Of one process. */
export class SimMirror implements GatedMirror {
	readonly #parts: SimMirrorParts;
	/** Null while another one's writes. */
	#committed: Zxid | null = null;
	#tail: LogTail | null = null;
	/** The tail is followed no further: what comes then the logs do not have. Null while they have all. */
	#through: Zxid | null = null;
	#isWorking = false;

	constructor(parts: SimMirrorParts) {
		this.#parts = parts;
	}

	committed(zxid: Zxid): void {
		this.#committed = zxid;
		if (this.#isWorking) return;
		this.#isWorking = true;
		this.#soon(0);
	}

	standBy(): void {
		this.#committed = null;
	}

	/** The process is gone. */
	close(): void {
		this.#tail?.close();
	}

	#soon(ms: number): void {
		const { world, gate } = this.#parts;
		world.after(ms, () =>
			gate.enter(() => {
				this.#work().catch((error: unknown) => {
					// A replica's says so, and tries again.
					if (!(error instanceof LogDamage)) throw error;
					gate.enter(() => this.#beginAnew());
				});
			}),
		);
	}

	async #work(): Promise<void> {
		const committed = this.#committed;
		if (this.#tail === null && committed !== null) {
			this.#tail = await this.#begin(committed);
			this.#parts.gate.enter(() => this.#parts.mirrored(this.#parts.table.cursor));
		}
		const tail = this.#tail;
		if (committed === null || tail === null) {
			this.#isWorking = false;
			if (committed !== null) this.#again(retryMs);
			return;
		}
		const from = tail.lastZxid;
		if (from === this.#through) {
			this.#beginAnew();
			return;
		}
		const limit = Math.min(committed, this.#through ?? committed) as Zxid;
		const batch: Zxid[] = [];
		while (batch.length < batchTxns) {
			const entry = tail.next(limit);
			if (entry === null) break;
			const last = batch.at(-1) ?? from;
			// Where an epoch's end is in a snapshot only the reader sees no hole; the digest of what comes then does.
			if (entry.holeAfter !== undefined || !this.#parts.history.follows(last, entry.record.header.zxid)) {
				this.#beginAnew();
				return;
			}
			batch.push(entry.record.header.zxid);
		}
		if (batch.length === 0) {
			this.#isWorking = false;
			if (this.#committed !== null && this.#committed > tail.lastZxid) this.#again(retryMs);
			return;
		}
		const { world, gate } = this.#parts;
		const { random } = world;
		world.after(random.next() * (random.chance(0.05) && !this.#parts.table.isQuick ? slowestMs : usualMs), () =>
			this.#write(from, batch, () => gate.enter(() => this.#soon(0))),
		);
	}

	/** PostgreSQL ends what a process had sent it, whatever became of that. */
	#write(from: Zxid, batch: readonly Zxid[], done: () => void): void {
		const { table, breach, gate } = this.#parts;
		if (table.cursor !== from && breach !== 'unfencedMirror') {
			gate.enter(() => this.#beginAnew());
			return;
		}
		table.rows.push(...batch);
		table.cursor = batch.at(-1)!;
		gate.enter(() => this.#parts.mirrored(table.cursor));
		done();
	}

	#again(ms: number): void {
		this.#isWorking = true;
		this.#soon(ms);
	}

	#beginAnew(): void {
		this.#tail?.close();
		this.#tail = null;
		this.#soon(retryMs);
	}

	/**
	 * Behind what is written, and up to where the logs have it (a replica's catching up writes that much, too, before it looks for what leads on). What no log has gets a row of its
	 * own, up to the first snapshot behind it. Null when there is none yet.
	 */
	async #begin(committed: Zxid): Promise<LogTail | null> {
		const { directory, table } = this.#parts;
		const at = table.cursor;
		const source = new LogSource(directory.dataDir, directory.dataDir, () => undefined);
		const catchUp = new CatchUp(undefined as never, [source], {
			writer: '',
			connect: () => Promise.reject(new Error('there is no database')),
			warn: () => undefined,
			isReplica: true,
			isMember: true,
			through: committed,
		});
		const plan = await catchUp.plan({ zxid: at, digest: 0n, hash: Buffer.alloc(0) });
		if (table.cursor !== at) return null;
		const chains = chainsOf(plan);
		const chain = chains.find(({ last }) => last > at);
		this.#through = null;
		if (
			chain !== undefined &&
			(at >= chain.first - 1 || at === chain.after || (at === zeroZxid && chain.gap === null))
		) {
			if (chain !== chains.at(-1) || chain.last < committed) this.#through = chain.last;
			return new LogTail(directory.logDirectory, at);
		}
		const base = source.snapshots.find(
			({ zxid }) => zxid > at && zxid <= committed && (chain === undefined || zxid >= chain.first - 1),
		);
		const newest = base ?? source.snapshots.findLast(({ zxid }) => zxid > at && zxid <= committed);
		if (newest === undefined) return at >= committed ? new LogTail(directory.logDirectory, at) : null;
		table.gaps.push({ after: at, through: newest.zxid });
		table.cursor = newest.zxid;
		return new LogTail(directory.logDirectory, newest.zxid);
	}
}

function name(zxid: Zxid | undefined): string {
	return zxid === undefined ? 'nothing' : formatZxid(zxid);
}
