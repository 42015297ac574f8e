/**
 * Mirrors a replica's log into PostgreSQL, whatever becomes of PostgreSQL.
 *
 * One connection at a time. When it breaks, the fold and the batch under way stay in memory; a new connection's cursor says whether that
 * batch arrived. Where the cursor is anywhere else (another writer, another database), everything is built anew from the cursor: tree from a
 * local snapshot and the log, or from PostgreSQL's own rows. The log on disk is the backlog, so nothing is queued here.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import pg from 'pg';
import { counterOf, epochOf, formatZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { LogDamage } from '#storage/damage';
import { LogTail } from '#storage/history-reader';
import { writeBase } from './base-snapshot.ts';
import type { Batch, HistoryPoint, SampledTxn } from './batch.ts';
import { CursorMoved, readCursor } from './batch-writer.ts';
import { BaseUnproved, CatchUp } from './catch-up.ts';
import { readSigningKey } from './checkpoint-key.ts';
import { type CheckpointInterval, Checkpoints } from './checkpoints.ts';
import { DigestMismatch } from './fold.ts';
import { foldStart } from './fold-start.ts';
import type { HistoryPlan } from './history-plan.ts';
import { HistoryWriter } from './history-writer.ts';
import { LogSource } from './log-source.ts';
import { migrateToLatest } from './migrate.ts';
import { Packing, type PackingOptions } from './packing.ts';
import { type PartitionLimits, PartitionMaker, recoverPartitions } from './partitions.ts';
import { Redaction } from './redaction.ts';
import { restoreMarkerName } from './restore-marker.ts';
import { Retention, type RetentionOptions } from './retention.ts';
import { noteSnapshots } from './snapshot-rows.ts';
import { emptyTreeSource } from './tree-loader.ts';

export interface MirrorLoopOptions {
	readonly databaseUrl: string;
	readonly dataDir: string;
	readonly dataLogDir: string;
	/** Shown in mirror_cursor. */
	readonly writer: string;
	readonly migrate: boolean;
	readonly allowDigestMismatch: boolean;
	/** The directory is that of a member of an ensemble. */
	readonly isMember: boolean;
	readonly partitions: PartitionLimits;
	readonly retention: RetentionOptions;
	readonly packing: PackingOptions;
	/** Paths: data of nodes there and below stay out of PostgreSQL. */
	readonly redact: readonly string[];
	/** Without it nothing is signed. */
	readonly checkpoints: MirrorCheckpoints | null;
}

export interface MirrorCheckpoints extends CheckpointInterval {
	/** PEM; see checkpoint-key.ts. */
	readonly keyFile: string;
}

export type MirrorState = 'waiting' | 'catching up' | 'mirroring' | 'retrying' | 'failed' | 'stopped';

/** What the loop needs from whoever runs it. */
export interface MirrorHost {
	/** The committed zxid as of now. */
	committed(): Zxid;
	/** Settles when there is something new: a larger committed zxid, or the end. */
	wake(timeoutMs: number): Promise<void>;
	readonly stopping: boolean;
	report(report: {
		readonly state: MirrorState;
		readonly mirrored: Zxid | null;
		readonly error: string | null;
		readonly batch: WrittenBatch | null;
	}): void;
}

/** What a commit of PostgreSQL had. */
export interface WrittenBatch {
	readonly txns: number;
	/** Of rows. */
	readonly bytes: number;
	/** From the first statement to the end of the commit, milliseconds since 1970 with fractions. */
	readonly beganMs: number;
	readonly endedMs: number;
	/** Not those of a past whose traces are over. */
	readonly sampled: readonly SampledTxn[];
}

const firstRetryMs = 50;
const longestRetryMs = 5_000;
/** How long a pass over the log may take before the socket gets its turn. */
const passMs = 4;

/** The log on disk does not go on from where the fold is. */
class LogBroken extends Error {
	override readonly name = 'LogBroken';
}

export class MirrorLoop {
	readonly #options: MirrorLoopOptions;
	readonly #host: MirrorHost;
	readonly #partitions: PartitionMaker;
	readonly #retention: Retention;
	readonly #packing: Packing;
	#client: pg.Client | null = null;
	#writer: HistoryWriter | null = null;
	#tail: LogTail | null = null;
	#state: MirrorState = 'waiting';
	#error: string | null = null;
	#mirrored: Zxid | null = null;
	#migrated = false;
	/** What the files had of what was committed when they were last read. */
	#seen: Zxid = zeroZxid;

	constructor(options: MirrorLoopOptions, host: MirrorHost) {
		this.#options = options;
		this.#host = host;
		this.#partitions = new PartitionMaker(options.partitions, () => this.#newClient());
		this.#retention = new Retention(options.retention, () => this.#newClient());
		this.#packing = new Packing(options.packing, () => this.#newClient());
	}

	/** Returns when the host is stopping, with what is committed mirrored if PostgreSQL is there. */
	async run(): Promise<void> {
		let retryMs = firstRetryMs;
		while (!this.#host.stopping) {
			const before = this.#mirrored;
			try {
				await this.#connect();
				await this.#mirror();
			} catch (error) {
				if (this.#mirrored !== before) retryMs = firstRetryMs;
				this.#fail(error as Error);
				await this.#disconnect();
				if (error instanceof BaseUnproved) await this.#more(retryMs);
				else if (!(error instanceof CursorMoved) && !(error instanceof LogBroken)) await this.#pause(retryMs);
				retryMs = Math.min(retryMs * 2, longestRetryMs);
			}
		}
		await this.#packing.stop().catch(() => undefined); // What is cut off, the next one finishes.
		await this.#disconnect();
		this.#tail?.close();
		this.#report('stopped');
	}

	async #connect(): Promise<void> {
		const { databaseUrl, migrate } = this.#options;
		if (migrate && !this.#migrated) {
			await migrateToLatest(databaseUrl);
			this.#migrated = true;
		}
		this.#client = await this.#newClient();
	}

	async #newClient(): Promise<pg.Client> {
		const client = new pg.Client({
			connectionString: this.#options.databaseUrl,
			application_name: 'chronokeeper mirror',
			connectionTimeoutMillis: 5_000,
			keepAlive: true,
		});
		client.on('error', () => undefined); // The statement under way, or the next one, reports it.
		await client.connect();
		// A machine that is gone holds the cursor's lock no longer than this: the next leader's mirror waits for it.
		await client.query(
			"set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3; set idle_in_transaction_session_timeout = '60s'",
		);
		return client;
	}

	async #disconnect(): Promise<void> {
		const client = this.#client;
		this.#client = null;
		await client?.end().catch(() => undefined); // A broken connection is closed already.
	}

	async #mirror(): Promise<void> {
		const client = this.#client!;
		await recoverPartitions(client);
		const cursor = await readCursor(client);
		if (this.#writer?.resume(client, cursor) !== true) {
			this.#tail?.close();
			this.#writer = null;
			await this.#begin(client, cursor);
		}
		this.#error = null;
		this.#noteMirrored(null);
		while (!this.#host.stopping || (this.#writer!.written.zxid ?? 0) < this.#host.committed()) {
			this.#retention.run();
			const more = await this.#pass();
			const writer = this.#writer!;
			if (writer.writing === null) {
				if (writer.hasMore) await writer.flush();
				else if (!more) await this.#idle(writer);
			} else if (writer.isFull || !more) {
				await writer.writing;
			} else {
				await turn();
			}
		}
		await this.#writer!.seal(true);
	}

	/** Folds what is there until the batch is full or the socket must have its turn. False when nothing more is there. */
	async #pass(): Promise<boolean> {
		const writer = this.#writer!;
		const tail = this.#tail!;
		const committed = this.#host.committed();
		const until = performance.now() + passMs;
		for (let i = 1; !writer.isFull; i++) {
			const entry = tail.next(committed);
			if (entry === null) return false;
			if (entry.holeAfter !== undefined) {
				throw new LogBroken(
					`transactions are missing in ${entry.file}: ${formatZxid(entry.record.header.zxid)} stands behind ${formatZxid(entry.holeAfter)}`,
				);
			}
			writer.add(entry.record);
			if (i % 64 === 0 && performance.now() > until) return true;
		}
		return true;
	}

	/** Until more is committed than was seen by the attempt that just failed. What was committed then and was not seen is on its way to the own disk. */
	async #more(retryMs: number): Promise<void> {
		if (this.#host.committed() > this.#seen) await this.#pause(retryMs);
		while (!this.#host.stopping && this.#host.committed() <= this.#seen) await this.#host.wake(1_000);
	}

	async #idle(writer: HistoryWriter): Promise<void> {
		await writer.seal();
		this.#packing.run();
		this.#report('mirroring');
		await this.#host.wake(1_000);
	}

	/** From nothing in memory: catches up with files, then follows the log. */
	async #begin(client: pg.Client, cursor: HistoryPoint): Promise<void> {
		this.#report('catching up');
		const { dataDir, dataLogDir, allowDigestMismatch, isMember, writer: name, checkpoints } = this.#options;
		const through = this.#host.committed();
		const warn = () => undefined; // The replica's own recovery has said the same to the operator.
		const sources = [new LogSource(dataDir, dataLogDir, warn)];
		const restored = restoredFrom(dataDir);
		const connect = () => this.#newClient();
		const options = {
			writer: name,
			connect,
			partitions: this.#partitions,
			redaction: new Redaction(this.#options.redact),
			allowDigestMismatch,
			through,
			warn,
			isReplica: true,
			isMember,
			...(restored === null ? {} : { restored }),
			...(checkpoints === null
				? {}
				: { checkpoints: new Checkpoints(readSigningKey(checkpoints.keyFile), checkpoints) }),
		};
		const written = (batch: Batch) => {
			this.#mirrored = batch.to.zxid;
			this.#error = null;
			this.#noteMirrored(batch);
		};
		const catchUp = new CatchUp(client, sources, { ...options, written });
		const plan = await catchUp.plan(cursor);
		this.#seen = Math.min(through, newestOf(plan, sources)) as Zxid;
		let writer = await catchUp.run(plan, cursor);
		if (writer === null) {
			let point = await readCursor(client);
			if (point.zxid === null) point = await this.#beginEmpty(client, point);
			writer = new HistoryWriter(client, await foldStart(client, point, sources, plan, null), { ...options, written });
		}
		const at = writer.written.zxid!;
		await noteSnapshots(client, sources, at);
		this.#mirrored = at;
		this.#error = null;
		this.#writer = writer;
		this.#tail = new LogTail(dataLogDir, at);
	}

	/** A new replica: the history begins with the tree that every ZooKeeper begins with. */
	#beginEmpty(client: pg.Client, from: HistoryPoint): Promise<HistoryPoint> {
		const base = { tree: new DataTree(), sessions: new Map(), zxid: zeroZxid, source: emptyTreeSource, gap: null };
		return writeBase(client, from, base, this.#options.writer);
	}

	#noteMirrored(batch: Batch | null): void {
		if (this.#writer !== null) this.#mirrored = this.#writer.written.zxid;
		const state = this.#state === 'catching up' && this.#writer === null ? 'catching up' : 'mirroring';
		this.#report(state, batch === null || batch.txnCount === 0 ? null : writtenBatch(batch));
	}

	#fail(error: Error): void {
		this.#error = error.message;
		// Another attempt at the same transactions gives the same tree; retried all the same, because an operator may mend the cause.
		if (error instanceof BaseUnproved) this.#report('waiting');
		else this.#report(error instanceof DigestMismatch ? 'failed' : 'retrying');
		// Behind damage only a snapshot leads on, and what stands in front of it is written first: both are for catching up.
		const isLogLost = error instanceof LogBroken || error instanceof LogDamage;
		if (error instanceof DigestMismatch || isLogLost || isRefusal(error)) {
			this.#tail?.close();
			this.#writer = null;
		}
	}

	async #pause(ms: number): Promise<void> {
		const until = performance.now() + ms;
		for (let left = ms; left > 0 && !this.#host.stopping; left = until - performance.now()) {
			await new Promise((resolve) => setTimeout(resolve, Math.min(left, 100)));
		}
	}

	#report(state: MirrorState, batch: WrittenBatch | null = null): void {
		this.#state = state;
		const error = this.#error ?? this.#retention.problem ?? this.#packing.problem ?? this.#partitions.refused;
		this.#host.report({ state, mirrored: this.#mirrored, error, batch });
	}
}

/** Of all that log and snapshots say. */
function newestOf({ segments }: HistoryPlan, sources: readonly LogSource[]): Zxid {
	const snapshots = sources.flatMap((source) => source.snapshots.map(({ zxid }) => zxid));
	return Math.max(zeroZxid, ...segments.map(({ last }) => last), ...snapshots) as Zxid;
}

function writtenBatch({ txnCount, bytes, beganMs, sampled }: Batch): WrittenBatch {
	return { txns: txnCount, bytes, beganMs, endedMs: performance.timeOrigin + performance.now(), sampled };
}

/**
 * PostgreSQL took the statement and refused what it says, as opposed to: it went away (57, 08), has no room (53), is in another's way (40).
 * What is in memory is then not to be trusted: everything is built anew.
 */
function isRefusal(error: Error): boolean {
	const { code } = error as { code?: unknown };
	return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^(57|08|53|40|E)/.test(code);
}

/** How many transactions behind; across epochs what is left of the older one is not known here. */
export function lagOf(committed: Zxid, mirrored: Zxid | null): number {
	if (mirrored === null) return counterOf(committed);
	if (epochOf(committed) !== epochOf(mirrored)) return committed > mirrored ? counterOf(committed) : 0;
	return Math.max(0, committed - mirrored);
}

function restoredFrom(dataDir: string): string | null {
	const marker = path.join(dataDir, restoreMarkerName);
	return existsSync(marker) ? readFileSync(marker, 'utf8').trim() : null;
}
