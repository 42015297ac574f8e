/**
 * Spans of sampled requests. Without an endpoint none are made, and a sampled caller's trace id still travels with the transaction, so that the history can be joined with the
 * caller's own traces.
 */
import { HeadSampler } from './head-sampler.ts';
import type { Span } from './span.ts';
import { formatTraceparent } from './trace-context.ts';

export interface TracingOptions {
	/** OTLP over HTTP, without the path: `http://localhost:4318`. Empty: spans go nowhere. */
	readonly endpoint: string;
	/** Spans go here instead. */
	readonly sink?: SpanSink;
	readonly sampleRatio: number;
	readonly serviceName: string;
	readonly serviceVersion: string;
	readonly serverId: number;
	/** ZooKeeper's name of an error code. */
	readonly errorName: (code: number) => string;
}

/** Takes spans that have ended. */
export interface SpanSink {
	add(span: Span): void;
	/** Sends what is left. */
	close(): Promise<void>;
}

/** What is known of a request beside its operation; what is left out has no attribute. */
export interface RequestDetails {
	/** 0n: none. */
	readonly sessionId?: bigint;
	/** In characters. */
	readonly pathLength?: number | undefined;
	readonly requestId?: string;
}

/** A sampled request under way. */
export interface TracedRequest {
	/** Of the request's own span: goes into the audit context, and the stages' spans are its children. */
	readonly traceparent: string;
	/** What the caller sent along with its traceparent, for the way back; undefined when there was nothing, or it was none. */
	readonly tracestate: string | undefined;
	describe(details: RequestDetails): void;
	/** Call it once. `error` is ZooKeeper's code; a zxid of 0 is left out. */
	end(error: number, zxid?: number): void;
}

/** What several transactions had done for them at once. Its spans are linked by its identity. */
export interface TxnBatch {
	readonly txns: number;
	readonly bytes?: number;
}

/** A piece of a stage that has a span of its own, below that of the stage. */
export interface StagePart {
	readonly name: string;
	/** Of performance.now(). */
	readonly startMs: number;
	readonly endMs: number;
	readonly batch: TxnBatch;
}

export interface StageAttributes {
	/** 0: none was drawn yet. */
	readonly zxid: number;
	readonly op: string;
	readonly error: number;
	/** With whom it was done at once. */
	readonly batch?: TxnBatch;
	readonly part?: StagePart;
}

export interface Tracing {
	/** Undefined for a request that is not sampled: the common case, which costs a countdown. */
	request(door: string, op: string, traceparent: string | undefined, tracestate?: string): TracedRequest | undefined;
	/** Times are performance.now()'s. */
	stage(traceparent: string, stage: string, startMs: number, endMs: number, attributes: StageAttributes): void;
	/** Sends what is left; gives up after a while. */
	shutdown(): Promise<void>;
}

export async function startTracing(options: TracingOptions): Promise<Tracing> {
	if (options.endpoint === '' && options.sink === undefined) return new Passing();
	const { Exporting } = await import('./exporting.ts');
	return new Exporting(options);
}

/** No endpoint: the caller's context is passed on as it is. */
class Passing implements Tracing {
	readonly #sampler = new HeadSampler(0);

	request(_door: string, _op: string, traceparent: string | undefined, tracestate?: string): TracedRequest | undefined {
		if (traceparent === undefined) return undefined;
		const decision = this.#sampler.decide(traceparent);
		if (!decision.sampled || decision.parent === undefined) return undefined;
		return { traceparent: formatTraceparent(decision.parent), tracestate, describe() {}, end() {} };
	}

	stage(): void {}

	async shutdown(): Promise<void> {}
}
