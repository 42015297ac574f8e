/** The mirror as the replica sees it: told what is committed, it tells what is in PostgreSQL. Nothing here waits or throws. */
import { Worker } from 'node:worker_threads';
import { type Zxid, zeroZxid } from '#core/model/zxid';
import {
	lagOf,
	type MirrorCheckpoints,
	type MirrorLoopOptions,
	type MirrorState,
	type WrittenBatch,
} from './mirror-loop.ts';
import type { MirrorWorkerData } from './mirror-worker.ts';
import { neverPacked, type PackingOptions } from './packing.ts';
import { defaultPartitionLimits, type PartitionLimits } from './partitions.ts';
import { keepEverything, limitsFor, type RetentionOptions } from './retention.ts';

export interface MirrorOptions {
	readonly databaseUrl: string;
	readonly dataDir: string;
	/** The same as dataDir when it is left out. */
	readonly dataLogDir?: string;
	/** Which replica this is, shown in mirror_cursor. */
	readonly writer?: string;
	/** Migrate the database first; on by default. */
	readonly migrate?: boolean;
	readonly allowDigestMismatch?: boolean;
	/** Whether the directory is that of a member of an ensemble. */
	readonly isMember?: boolean;
	/** Paths: data of nodes there and below stay out of PostgreSQL. */
	readonly redact?: readonly string[];
	/** How large partitions become, where it is not the default. */
	readonly partitions?: Partial<PartitionLimits>;
	/** What is pruned; nothing when it is left out. */
	readonly retention?: RetentionOptions;
	/** Whether full partitions are packed; not when it is left out. */
	readonly packing?: PackingOptions;
	/** Signs what is written; without it nothing is signed. */
	readonly checkpoints?: MirrorCheckpoints;
	/** Where processors are short, it falls behind rather than take from those who serve. Not in strict mode, where they wait for it. */
	readonly yields?: boolean;
	/** Called when more is in PostgreSQL, with everything up to this zxid: for audit.mode=strict. */
	readonly mirrored?: (zxid: Zxid) => void;
	/** Called with each batch that is in PostgreSQL. */
	readonly wrote?: (batch: WrittenBatch) => void;
	/** Called when the state or the last error changes. */
	readonly changed?: (status: MirrorStatus) => void;
}

export interface MirrorStatus {
	readonly state: MirrorState;
	/** Null before the first batch. */
	readonly mirroredZxid: Zxid | null;
	readonly committedZxid: Zxid;
	/** Committed and not mirrored; the autopurge keeps their logs. */
	readonly lagTxns: number;
	readonly lastError: string | null;
	/** Transactions written since the start, and in how many batches. */
	readonly txns: number;
	readonly batches: number;
}

export interface Mirror {
	/** Everything up to this zxid is committed. Cheap: call it as often as it moves. The first call starts the mirroring. */
	committed(zxid: Zxid): void;
	status(): MirrorStatus;
	/** Settles when everything up to this zxid is in PostgreSQL. */
	mirroredThrough(zxid: Zxid): Promise<void>;
	/** Mirrors what is committed if PostgreSQL is there, for at most `deadlineMs`, and ends. */
	stop(deadlineMs?: number): Promise<void>;
}

interface Report {
	readonly state: MirrorState;
	readonly mirrored: Zxid | null;
	readonly error: string | null;
	readonly batch: WrittenBatch | null;
}

export function startMirror(options: MirrorOptions): Mirror {
	return new WorkerMirror(options);
}

class WorkerMirror implements Mirror {
	readonly #options: MirrorOptions;
	readonly #committedCell = new BigInt64Array(new SharedArrayBuffer(8));
	readonly #asleep = new Int32Array(new SharedArrayBuffer(4));
	readonly #waiting: { readonly zxid: Zxid; readonly resolve: () => void; readonly reject: (error: Error) => void }[] =
		[];
	#worker: Worker | null = null;
	#exited: Promise<void> = Promise.resolve();
	#committed: Zxid = zeroZxid;
	#last: Report = { state: 'waiting', mirrored: null, error: null, batch: null };
	#txns = 0;
	#batches = 0;
	#stopped = false;

	constructor(options: MirrorOptions) {
		this.#options = options;
	}

	committed(zxid: Zxid): void {
		if (zxid > this.#committed) this.#committed = zxid;
		Atomics.store(this.#committedCell, 0, BigInt(this.#committed));
		if (this.#stopped) return;
		if (this.#worker === null) this.#start();
		else if (Atomics.exchange(this.#asleep, 0, 0) === 1) this.#worker.postMessage('wake');
	}

	status(): MirrorStatus {
		const { state, mirrored, error } = this.#last;
		return {
			state,
			mirroredZxid: mirrored,
			committedZxid: this.#committed,
			lagTxns: lagOf(this.#committed, mirrored),
			lastError: error,
			txns: this.#txns,
			batches: this.#batches,
		};
	}

	mirroredThrough(zxid: Zxid): Promise<void> {
		if ((this.#last.mirrored ?? -1) >= zxid) return Promise.resolve();
		return new Promise((resolve, reject) => this.#waiting.push({ zxid, resolve, reject }));
	}

	async stop(deadlineMs = 5_000): Promise<void> {
		this.#stopped = true;
		const worker = this.#worker;
		if (worker === null) return;
		worker.postMessage('stop');
		const timer = setTimeout(() => void worker.terminate(), deadlineMs);
		await this.#exited;
		clearTimeout(timer);
	}

	#start(): void {
		const { databaseUrl, dataDir, dataLogDir = dataDir, writer = 'mirror', migrate = true } = this.#options;
		const { allowDigestMismatch = false, isMember = false, checkpoints = null } = this.#options;
		const stored = { databaseUrl, dataDir, dataLogDir, writer, migrate };
		const { redact = [] } = this.#options;
		const { retention = keepEverything, packing = neverPacked } = this.#options;
		const partitions = limitsFor(retention, { ...defaultPartitionLimits, ...this.#options.partitions });
		const options: MirrorLoopOptions = {
			...stored,
			allowDigestMismatch,
			isMember,
			partitions,
			retention,
			packing,
			checkpoints,
			redact,
		};
		const { yields = false } = this.#options;
		const workerData: MirrorWorkerData = { options, committed: this.#committedCell, asleep: this.#asleep, yields };
		const source = import.meta.url.endsWith('.ts');
		const worker = new Worker(new URL(source ? './mirror-worker.ts' : './mirror-worker.js', import.meta.url), {
			workerData,
			execArgv: source ? ['--conditions=source'] : [],
		});
		this.#worker = worker;
		let failure: Error | null = null;
		worker.on('message', (report: Report) => this.#take(report));
		worker.on('error', (error) => {
			failure = error as Error;
		});
		this.#exited = new Promise((resolve) => {
			worker.on('exit', () => {
				this.#ended(failure);
				resolve();
			});
		});
	}

	#take(report: Report): void {
		const before = this.#last;
		this.#last = report;
		if (report.batch !== null) {
			this.#txns += report.batch.txns;
			this.#batches++;
			this.#options.wrote?.(report.batch);
		}
		if (report.mirrored !== null && report.mirrored !== before.mirrored) {
			this.#options.mirrored?.(report.mirrored);
			for (let i = this.#waiting.length - 1; i >= 0; i--) {
				if (this.#waiting[i]!.zxid <= report.mirrored) this.#waiting.splice(i, 1)[0]!.resolve();
			}
		}
		if (report.state !== before.state || report.error !== before.error) this.#options.changed?.(this.status());
	}

	/** An error that the loop did not expect: it begins anew, because the audit must not end with it. */
	#ended(failure: Error | null): void {
		this.#worker = null;
		if (this.#stopped) {
			this.#take({ ...this.#last, state: 'stopped', batch: null });
			for (const { reject } of this.#waiting.splice(0)) reject(new Error('the mirror was stopped'));
			return;
		}
		this.#take({ ...this.#last, state: 'failed', error: failure?.message ?? 'the mirror ended', batch: null });
		setTimeout(() => {
			if (!this.#stopped && this.#worker === null) this.#start();
		}, restartMs).unref();
	}
}

const restartMs = 1_000;
