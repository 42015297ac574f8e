/**
 * Keeps the mirror going beside the replica: opens the database, starts the mirror, and opens the database again when it ended by itself. The replica serves
 * meanwhile; that the mirror is away is a warning in its health, not a reason to stop.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mirror, MirrorStatus } from '#audit/mirror';
import { formatZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import type { Logger } from '#telemetry/logger';
import type { CommitGate } from '../replica/commit-gate.ts';
import type { Database } from './database.ts';
import type { StartMirror } from './mirror-port.ts';

export interface MirrorHealth {
	readonly state: 'starting' | 'catching-up' | 'in-step' | 'away' | 'stopped';
	/** Everything up to this zxid is in PostgreSQL; 0 when that is not known. */
	readonly mirroredZxid: Zxid;
	readonly lagTxns: number;
	/** Since when it has not been in step; 0 when it is. */
	readonly lagSeconds: number;
	readonly lastError: string | null;
}

const states: Readonly<Record<MirrorStatus['state'], MirrorHealth['state']>> = {
	waiting: 'starting',
	'catching up': 'catching-up',
	mirroring: 'in-step',
	retrying: 'away',
	failed: 'away',
	stopped: 'stopped',
};

const firstRetryMs = 1000;
const lastRetryMs = 30_000;
const watchMs = 500;
/** How often a mirror that catches up says how far it is. */
const progressMs = 10_000;
/** How long a stop waits for the mirror to write what is left. */
const flushMs = 2000;

export class MirrorService {
	/** Of the database, once it answers. */
	url: string | undefined;
	/** Settles when the database was opened for the first time, or could not be. */
	readonly firstAttempt: Promise<void>;
	readonly #attempted: () => void;
	#mirror: Mirror | undefined;
	#openError: string | null = null;
	#loggedError: string | null = null;
	readonly #stopping = new AbortController();
	#loop: Promise<void> | undefined;
	#inStepMs = performance.now();
	/** When the next line is due while the mirror catches up; undefined while it does not. */
	#progressDueMs: number | undefined;
	#toldProgress = false;

	constructor(
		private readonly database: Database,
		private readonly startMirror: StartMirror,
		private readonly gate: CommitGate,
		private readonly logger: Logger,
	) {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.firstAttempt = promise;
		this.#attempted = resolve;
	}

	get embedded(): boolean {
		return this.database.embedded;
	}

	start(): void {
		this.#loop = this.#run();
	}

	health(): MirrorHealth {
		const status = this.#mirror?.status();
		const isAway = this.#openError !== null || this.database.gone;
		const lagTxns = status?.lagTxns ?? 0;
		const isInStep = !isAway && status?.state === 'mirroring' && lagTxns === 0;
		return {
			state: isAway ? 'away' : states[status?.state ?? 'waiting'],
			mirroredZxid: this.mirroredZxid,
			lagTxns,
			lagSeconds: isInStep ? 0 : (performance.now() - this.#inStepMs) / 1000,
			lastError: this.#openError ?? status?.lastError ?? null,
		};
	}

	/** What may be purged behind. Unknown: nothing. */
	get mirroredZxid(): Zxid {
		return this.#mirror?.status().mirroredZxid ?? zeroZxid;
	}

	async stop(): Promise<void> {
		this.#stopping.abort();
		await this.#loop;
		await this.#mirror?.stop(flushMs);
		await this.database.close();
	}

	async #run(): Promise<void> {
		let retryMs = firstRetryMs;
		while (!this.#stopping.signal.aborted) {
			let pauseMs = watchMs;
			try {
				if (this.url === undefined || this.database.gone) await this.#open();
				this.#openError = null;
				retryMs = firstRetryMs;
			} catch (error) {
				this.#failed((error as Error).message);
				pauseMs = retryMs;
				retryMs = Math.min(lastRetryMs, retryMs * 2);
			}
			this.#attempted();
			const status = this.#mirror?.status();
			if (status?.state === 'mirroring' && status.lagTxns === 0) this.#inStepMs = performance.now();
			if (status !== undefined) this.#tellProgress(status);
			await sleep(pauseMs, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => undefined);
		}
	}

	async #open(): Promise<void> {
		if (this.database.gone) this.logger.error('the embedded PostgreSQL has ended by itself: it is started again');
		const url = await this.database.open();
		// The mirror finds a server that came back by itself.
		if (url === this.url || this.#stopping.signal.aborted) return;
		await this.#mirror?.stop(0);
		this.#mirror = await this.startMirror(url, {
			mirrored: (zxid) => this.gate.mirrored(zxid),
			changed: (status) => this.#changed(status),
		});
		this.url = url;
		this.gate.attach(this.#mirror);
	}

	#changed({ state, lastError }: MirrorStatus): void {
		if (states[state] === 'away') this.#failed(lastError ?? 'it does not answer');
		else if (state === 'mirroring' && this.#loggedError !== null) {
			this.#loggedError = null;
			this.logger.info('the mirror is back');
		}
	}

	/** Only a long catch-up is told of. */
	#tellProgress({ state, mirroredZxid, lagTxns }: MirrorStatus): void {
		const nowMs = performance.now();
		if (state !== 'catching up') {
			this.#progressDueMs = undefined;
			if (state !== 'mirroring' || !this.#toldProgress) return;
			this.#toldProgress = false;
			this.logger.info('the mirror is in step');
			return;
		}
		this.#progressDueMs ??= nowMs + progressMs;
		if (nowMs < this.#progressDueMs) return;
		this.#progressDueMs = nowMs + progressMs;
		this.#toldProgress = true;
		this.logger.info({ zxid: formatZxid(mirroredZxid ?? zeroZxid), txnsBehind: lagTxns }, 'the mirror catches up');
	}

	/** A problem that goes on is one line in the log. */
	#failed(message: string): void {
		if (this.#mirror === undefined || this.database.gone) this.#openError = message;
		if (this.#loggedError !== message) this.logger.warn(`the mirror is away, everything else goes on: ${message}`);
		this.#loggedError = message;
	}
}
