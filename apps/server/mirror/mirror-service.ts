/**
 * Keeps the mirror going beside the replica: opens the database, starts the mirror, and begins again when either fails. The replica serves meanwhile; that
 * the mirror is away is a warning in its health, not a reason to stop.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Zxid, zeroZxid } from '#core/model/zxid';
import type { Logger } from '#telemetry/logger';
import type { CommitGate } from '../replica/commit-gate.ts';
import type { Database } from './database.ts';
import type { MirrorStatus, RunningMirror, StartMirror } from './mirror-port.ts';

export interface MirrorHealth extends MirrorStatus {
	/** Age of the oldest transaction that is not mirrored; 0 when there is none. */
	readonly lagSeconds: number;
}

const firstRetryMs = 1000;
const lastRetryMs = 30_000;
const watchMs = 1000;
/** How long a stop waits for the mirror to write what is left. */
const flushMs = 2000;

export class MirrorService {
	/** Of the database, once it answers. */
	url: string | undefined;
	#mirror: RunningMirror | undefined;
	#lastError: string | null = null;
	#stopping = new AbortController();
	#loop: Promise<void> | undefined;
	/** When the mirror was last seen in step. */
	#inStepMs = performance.now();
	#opened: () => void = () => undefined;
	/** Settles when the mirror runs for the first time, or failed to for the first time. */
	readonly firstAttempt = new Promise<void>((resolve) => {
		this.#opened = resolve;
	});

	constructor(
		private readonly database: Database,
		private readonly startMirror: StartMirror,
		private readonly gate: CommitGate,
		private readonly logger: Logger,
	) {}

	get embedded(): boolean {
		return this.database.embedded;
	}

	start(): void {
		this.#loop = this.#run();
	}

	health(): MirrorHealth {
		const status = this.#mirror?.status() ?? this.#absent();
		const shown = status.state !== 'away' && this.database.gone ? { ...status, state: 'away' as const } : status;
		return { ...shown, lagSeconds: shown.lagTxns === 0 ? 0 : (performance.now() - this.#inStepMs) / 1000 };
	}

	/** What may be purged behind. Unknown: nothing. */
	get mirroredZxid(): Zxid {
		return this.#mirror?.status().mirroredZxid ?? zeroZxid;
	}

	async stop(): Promise<void> {
		this.#stopping.abort();
		await this.#loop;
		await this.#mirror
			?.stop(flushMs)
			.catch((error) => this.logger.warn({ err: error }, 'the mirror did not stop cleanly'));
		this.#mirror = undefined;
		await this.database.close();
	}

	#absent(): MirrorStatus {
		const state = this.#lastError === null ? 'starting' : 'away';
		return { mirroredZxid: zeroZxid, lagTxns: 0, state, lastError: this.#lastError };
	}

	async #run(): Promise<void> {
		let retryMs = firstRetryMs;
		while (!this.#stopping.signal.aborted) {
			try {
				if (this.#mirror === undefined) await this.#open();
				else if (this.database.gone) await this.#reopen();
				retryMs = firstRetryMs;
			} catch (error) {
				this.#failed(error as Error);
				await this.#pause(retryMs);
				retryMs = Math.min(lastRetryMs, retryMs * 2);
				continue;
			} finally {
				this.#opened();
			}
			if (this.#mirror?.status().lagTxns === 0) this.#inStepMs = performance.now();
			await this.#pause(watchMs);
		}
	}

	async #open(): Promise<void> {
		this.url = await this.database.open();
		if (this.#stopping.signal.aborted) return;
		const mirror = await this.startMirror({
			databaseUrl: this.url,
			onMirrored: (zxid) => this.gate.mirrored(zxid),
		});
		this.#mirror = mirror;
		this.gate.attach(mirror);
		this.#lastError = null;
	}

	/** The embedded server ended by itself. When its port is the same again, the mirror finds it by itself too. */
	async #reopen(): Promise<void> {
		this.logger.error('the embedded PostgreSQL has ended; starting it again');
		const url = await this.database.open();
		if (url === this.url) return;
		this.url = url;
		const old = this.#mirror;
		this.#mirror = undefined;
		await old?.stop(0).catch(() => undefined);
	}

	#failed(error: Error): void {
		if (this.#lastError !== error.message) this.logger.error({ err: error }, 'the mirror is away');
		this.#lastError = error.message;
	}

	async #pause(ms: number): Promise<void> {
		await sleep(ms, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => undefined);
	}
}
