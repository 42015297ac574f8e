import type { WrittenBatch } from '#audit/mirror-loop';
import type { Stage, Tracer } from '#core/ports/tracer';
import type { LogSync } from '#storage/txn-log';
import type { Metrics } from '#telemetry/metrics';
import type { StageAttributes, Tracing } from '#telemetry/tracing';
import { CommitTimes, type History } from './commit-times.ts';
import { LogSyncs } from './log-syncs.ts';

/** The core's Tracer port over telemetry: batches become metrics, stages of sampled requests become spans. */
export class StageTracer implements Tracer {
	readonly #tracing: Tracing;
	readonly #metrics: Metrics;
	readonly #syncs = new LogSyncs();
	#commits: CommitTimes | undefined;

	constructor(tracing: Tracing, metrics: Metrics) {
		this.#tracing = tracing;
		this.#metrics = metrics;
	}

	stage(traceparent: string, stage: Stage, startMs: number, endMs: number, attributes: StageAttributes): void {
		if (stage === 'sync') this.#sync(traceparent, startMs, endMs, attributes);
		else this.#tracing.stage(traceparent, stage, startMs, endMs, attributes);
	}

	batch(stage: Stage, requests: number, durationMs: number): void {
		this.#metrics.batch(stage, requests, durationMs);
		if (stage === 'prep') this.#metrics.lookAtQueues();
		this.#commits?.look();
	}

	/** From now on the times of commits are taken, too. */
	watch(history: History): void {
		this.#commits = new CommitTimes(history, (durationMs) => this.#metrics.stage('commit', durationMs));
	}

	/** Of the log, ahead of the stages that it ends. */
	synced(sync: LogSync): void {
		this.#syncs.add(sync);
		this.#metrics.logSync(sync.endMs - sync.startMs, sync.txns);
	}

	/** Of the mirror's thread: a batch is in PostgreSQL. */
	mirrored(batch: WrittenBatch): void {
		const { beganMs, endedMs, sampled } = batch;
		this.#metrics.batch('mirror', batch.txns, endedMs - beganMs);
		for (const { traceparent, zxid, op, error } of sampled) {
			// Its clock is the same as this thread's, counted from another moment.
			const at = (ms: number) => ms - performance.timeOrigin;
			this.#tracing.stage(traceparent, 'mirror', at(beganMs), at(endedMs), { zxid, op, error, batch });
		}
	}

	/** The core may hear of it later: the time that counts is the log's. */
	#sync(traceparent: string, startMs: number, endMs: number, attributes: StageAttributes): void {
		const sync = this.#syncs.of(attributes.zxid);
		if (sync === undefined) {
			this.#tracing.stage(traceparent, 'sync', startMs, endMs, attributes);
			return;
		}
		const part = { name: 'fsync', startMs: sync.startMs, endMs: sync.endMs, batch: sync };
		this.#tracing.stage(traceparent, 'sync', startMs, Math.max(startMs, sync.endMs), { ...attributes, part });
	}
}
