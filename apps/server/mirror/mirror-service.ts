/**
 * Keeps the mirror going beside the replica: opens the database, starts the mirror, and opens the database again when it ended by itself. The replica serves
 * meanwhile; that the mirror is away is a warning in its health, not a reason to stop.
 *
 * Of an ensemble one mirror runs, the leader's unless another is named. The others stand by: they write nothing, and ask the database now and then how far it is, because
 * what it does not have yet must not be purged here either: this replica may be the next to lead.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mirror, MirrorStatus } from '#audit/mirror';
import type { WrittenBatch } from '#audit/mirror-loop';
import { formatZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import type { Logger } from '#telemetry/logger';
import type { CommitGate, GatedMirror } from '../replica/commit-gate.ts';
import type { Database } from './database.ts';
import type { MirrorParts } from './mirror-port.ts';

export interface MirrorHealth {
	/** `standing-by`: another replica's mirror writes. */
	readonly state: 'starting' | 'catching-up' | 'in-step' | 'standing-by' | 'away' | 'stopped';
	/** Everything up to this zxid is in PostgreSQL; 0 when that is not known. */
	readonly mirroredZxid: Zxid;
	/** 0 while it stands by: the one that writes knows. */
	readonly lagTxns: number;
	/** Since when it has not been in step; 0 when it is, or stands by. */
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
/** How often a mirror that stands by asks the database how far it is. */
const askMs = 10_000;
/** How often a mirror that catches up says how far it is. */
const progressMs = 10_000;
/** How long a stop waits for the mirror to write what is left. */
const flushMs = 2000;

export class MirrorService implements GatedMirror {
	/** Of the database, once it answers. */
	url: string | undefined;
	/** Settles when the database was opened for the first time, or could not be. */
	readonly firstAttempt: Promise<void>;
	readonly #attempted: () => void;
	#mirror: Mirror | undefined;
	/** What the replica has committed; undefined while it is another's to write. */
	#committed: Zxid | undefined;
	/** Settles when no mirror of an earlier term writes any more. */
	#retired: Promise<void> = Promise.resolve();
	/** The last that was known of the database, with no mirror to ask. */
	#known: Zxid = zeroZxid;
	#askDueMs = 0;
	#openError: string | null = null;
	#loggedError: string | null = null;
	readonly #stopping = new AbortController();
	#wake: () => void = ignore;
	#loop: Promise<void> | undefined;
	#inStepMs = performance.now();
	/** When the next line is due while the mirror catches up; undefined while it does not. */
	#progressDueMs: number | undefined;
	#toldProgress = false;

	constructor(
		private readonly database: Database,
		private readonly parts: MirrorParts,
		private readonly gate: CommitGate,
		private readonly logger: Logger,
		private readonly wrote: (batch: WrittenBatch) => void = ignore,
	) {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.firstAttempt = promise;
		this.#attempted = resolve;
	}

	get embedded(): boolean {
		return this.database.embedded;
	}

	start(): void {
		this.gate.attach(this);
		this.#loop = this.#run();
	}

	health(): MirrorHealth {
		const status = this.#mirror?.status();
		const isAway = this.#openError !== null || this.database.gone;
		const lagTxns = status?.lagTxns ?? 0;
		const isInStep = !isAway && status?.state === 'mirroring' && lagTxns === 0;
		const isStandingBy = this.#committed === undefined && this.url !== undefined;
		const state = isStandingBy ? 'standing-by' : states[status?.state ?? 'waiting'];
		return {
			state: isAway ? 'away' : state,
			mirroredZxid: this.mirroredZxid,
			lagTxns,
			lagSeconds: isInStep || (isStandingBy && !isAway) ? 0 : (performance.now() - this.#inStepMs) / 1000,
			lastError: this.#openError ?? status?.lastError ?? null,
		};
	}

	/** What may be purged behind. Unknown: nothing. */
	get mirroredZxid(): Zxid {
		return this.#mirror?.status().mirroredZxid ?? this.#known;
	}

	committed(zxid: Zxid): void {
		const isNew = this.#committed === undefined;
		this.#committed = zxid;
		if (this.#mirror !== undefined) this.#mirror.committed(zxid);
		else if (isNew) {
			this.#inStepMs = performance.now();
			this.#wake();
		}
	}

	/** It leads or follows no more. What it was told is committed whoever leads, so what is under way may be finished; the cursor lets one writer do it. */
	standBy(): void {
		if (this.#committed === undefined) return;
		this.#committed = undefined;
		// One that is not in step has nothing under way that would be worth waiting for: the next one begins where the cursor is.
		this.#retire(this.#mirror?.status().state === 'mirroring' ? flushMs : 0);
		this.#wake();
	}

	async stop(): Promise<void> {
		this.#stopping.abort();
		this.#wake();
		await this.#loop;
		this.#retire(flushMs);
		await this.#retired;
		await this.database.close();
	}

	async #run(): Promise<void> {
		let retryMs = firstRetryMs;
		while (!this.#stopping.signal.aborted) {
			let pauseMs = watchMs;
			try {
				if (this.url === undefined || this.database.gone) await this.#open();
				await this.#beginOrAsk();
				if (this.#openError !== null && this.#mirror === undefined) this.#isBack();
				this.#openError = null;
				retryMs = firstRetryMs;
			} catch (error) {
				this.#failed((error as Error).message);
				pauseMs = retryMs;
				retryMs = Math.min(lastRetryMs, retryMs * 2);
			}
			this.#attempted();
			const status = this.#mirror?.status();
			if (this.#committed === undefined || (status?.state === 'mirroring' && status.lagTxns === 0))
				this.#inStepMs = performance.now();
			if (status !== undefined) this.#tellProgress(status);
			await this.#pause(pauseMs);
		}
	}

	async #pause(ms: number): Promise<void> {
		const woken = new AbortController();
		this.#wake = () => woken.abort();
		const signal = AbortSignal.any([woken.signal, this.#stopping.signal]);
		await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
		this.#wake = ignore;
	}

	async #open(): Promise<void> {
		if (this.database.gone) this.logger.error('the embedded PostgreSQL has ended by itself: it is started again');
		const url = await this.database.open();
		// The mirror finds a server that came back by itself.
		if (url === this.url) return;
		this.#retire(0);
		this.url = url;
	}

	async #beginOrAsk(): Promise<void> {
		const url = this.url!;
		if (this.#mirror !== undefined || this.#stopping.signal.aborted) return;
		if (this.#committed === undefined) {
			const nowMs = performance.now();
			if (nowMs < this.#askDueMs) return;
			this.#known = await this.parts.mirroredIn(url);
			this.#askDueMs = nowMs + askMs;
			return;
		}
		await this.#retired;
		const mirror = await this.parts.start(url, {
			mirrored: (zxid) => this.gate.mirrored(zxid),
			wrote: this.wrote,
			changed: (status) => {
				if (this.#mirror === mirror) this.#changed(status);
			},
		});
		// Leadership may have come and gone meanwhile. A stop writes what is left.
		if (this.#committed === undefined) return;
		this.#mirror = mirror;
		mirror.committed(this.#committed);
	}

	#retire(deadlineMs: number): void {
		const mirror = this.#mirror;
		if (mirror === undefined) return;
		this.#mirror = undefined;
		this.#known = mirror.status().mirroredZxid ?? this.#known;
		this.#askDueMs = 0;
		this.#progressDueMs = undefined;
		this.#toldProgress = false;
		this.#retired = Promise.all([this.#retired, mirror.stop(deadlineMs)]).then(ignore);
	}

	#changed({ state, lastError }: MirrorStatus): void {
		if (states[state] === 'away') this.#failed(lastError ?? 'it does not answer');
		else if (state === 'mirroring') this.#isBack();
	}

	#isBack(): void {
		if (this.#loggedError === null) return;
		this.#loggedError = null;
		this.logger.info('the mirror is back');
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
		if (this.#loggedError !== message) this.logger.warn(`the mirror is away: ${message}`);
		this.#loggedError = message;
	}
}

function ignore(): void {}
