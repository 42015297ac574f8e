import type { Stage, Tracer } from '#core/ports/tracer';
import type { Metrics } from '#telemetry/metrics';
import type { StageAttributes, Tracing } from '#telemetry/tracing';

/** The core's Tracer port over telemetry: batches become metrics, stages of sampled requests become spans. */
export class StageTracer implements Tracer {
	constructor(
		private readonly tracing: Tracing,
		private readonly metrics: Metrics,
	) {}

	stage(traceparent: string, stage: Stage, startMs: number, endMs: number, attributes: StageAttributes): void {
		this.tracing.stage(traceparent, stage, startMs, endMs, attributes);
	}

	batch(stage: Stage, requests: number, durationMs: number): void {
		this.metrics.batch(stage, requests, durationMs);
	}
}
