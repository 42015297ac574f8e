import type { Zxid } from '#jute/scalars';

/** `queue`: until its turn, wherever it waits for one. */
export type Stage = 'queue' | 'prep' | 'sync' | 'commit' | 'final' | 'mirror';

/** Where the host reports what stages did. The core knows no OpenTelemetry; an unsampled request costs nothing here. */
export interface Tracer {
	/** Called for sampled requests only, when the stage ends; times are the Clock's monotonicMs(). A zxid of 0: none was drawn yet. */
	stage(
		traceparent: string,
		stage: Stage,
		startMs: number,
		endMs: number,
		attributes: { readonly zxid: Zxid; readonly op: string; readonly error: number },
	): void;
	/** Called once per batch, sampled or not. */
	batch(stage: Stage, requests: number, durationMs: number): void;
}
