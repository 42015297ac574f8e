/** Tracing with spans that go somewhere. */
import { HeadSampler } from './head-sampler.ts';
import { headersOf, OtlpSender } from './otlp-sender.ts';
import { newSpanId, newTraceId, type Span, type SpanLink } from './span.ts';
import { requestSpan, spanAttributes, stageSpan } from './span-names.ts';
import { formatTraceparent, ownContext, type TraceContext } from './trace-context.ts';
import { readTracestate } from './tracestate.ts';
import type {
	RequestDetails,
	SpanSink,
	StageAttributes,
	StagePart,
	TracedRequest,
	Tracing,
	TracingOptions,
	TxnBatch,
} from './tracing.ts';

/** How long a stop waits for the collector. */
const shutdownMs = 2000;
/** Of a log with a few writes in flight and a mirror, those that may still be told of. */
const mostBatches = 16;

export class Exporting implements Tracing {
	readonly #sink: SpanSink;
	readonly #serverId: number;
	readonly #errorName: (code: number) => string;
	readonly #sampler: HeadSampler;
	/** The last batches with the first span of each: the others are linked to it. */
	readonly #batches: { readonly batch: TxnBatch; readonly first: SpanLink }[] = [];

	constructor(options: TracingOptions) {
		this.#sink = options.sink ?? senderFor(options);
		this.#serverId = options.serverId;
		this.#errorName = options.errorName;
		this.#sampler = new HeadSampler(options.sampleRatio);
	}

	request(door: string, op: string, traceparent: string | undefined, tracestate?: string): TracedRequest | undefined {
		const decision = this.#sampler.decide(traceparent);
		// What follows is elsewhere: a function that makes a closure costs an object each time, used or not.
		return decision.sampled ? this.#sampled(door, op, decision.parent, tracestate) : undefined;
	}

	#sampled(door: string, op: string, parent: TraceContext | undefined, tracestate: string | undefined): TracedRequest {
		const span: Span = {
			traceId: parent?.traceId ?? newTraceId(),
			spanId: newSpanId(),
			parentSpanId: parent?.spanId ?? '',
			traceState: parent === undefined ? '' : readTracestate(tracestate),
			name: requestSpan(door, op),
			isServer: true,
			startMs: performance.now(),
			endMs: 0,
			attributes: [spanAttributes.sid, this.#serverId, spanAttributes.op, op, spanAttributes.door, door],
			link: undefined,
			isError: false,
		};
		return new Traced(span, (of, error) => this.#end(of, error, performance.now()));
	}

	stage(traceparent: string, stage: string, startMs: number, endMs: number, attributes: StageAttributes): void {
		// What the chain hands over was made here, or at another replica.
		const parent = ownContext(traceparent);
		const { zxid, op, error, batch, part } = attributes;
		const span = this.#internal(parent.traceId, parent.spanId, stageSpan(stage), startMs, batch);
		span.attributes.push(spanAttributes.op, op);
		if (zxid !== 0) span.attributes.push(spanAttributes.zxid, hexadecimal(zxid));
		this.#end(span, error, endMs);
		if (part !== undefined) this.#part(part, span);
	}

	async shutdown(): Promise<void> {
		await Promise.race([this.#sink.close(), new Promise((resolve) => setTimeout(resolve, shutdownMs).unref())]);
	}

	#part({ name, startMs, endMs, batch }: StagePart, of: Span): void {
		this.#end(this.#internal(of.traceId, of.spanId, name, startMs, batch), 0, endMs);
	}

	#internal(traceId: string, parentSpanId: string, name: string, startMs: number, batch: TxnBatch | undefined): Span {
		const attributes: (string | number)[] = [];
		const spanId = newSpanId();
		let link: SpanLink | undefined;
		if (batch !== undefined) {
			link = this.#firstOf(batch, traceId, spanId);
			attributes.push(spanAttributes.batchTxns, batch.txns);
			if (batch.bytes !== undefined) attributes.push(spanAttributes.batchBytes, batch.bytes);
		}
		return {
			traceId,
			spanId,
			parentSpanId,
			traceState: '',
			name,
			isServer: false,
			startMs,
			endMs: 0,
			attributes,
			link,
			isError: false,
		};
	}

	/** Undefined for the first one itself. */
	#firstOf(batch: TxnBatch, traceId: string, spanId: string): SpanLink | undefined {
		const known = this.#batches.findLast((one) => one.batch === batch);
		if (known !== undefined) return known.first;
		this.#batches.push({ batch, first: { traceId, spanId } });
		if (this.#batches.length > mostBatches) this.#batches.shift();
		return undefined;
	}

	#end(span: Span, error: number, endMs: number): void {
		if (error !== 0) {
			span.attributes.push(spanAttributes.error, error, spanAttributes.errorName, this.#errorName(error));
			span.isError = true;
		}
		span.endMs = endMs;
		this.#sink.add(span);
	}
}

class Traced implements TracedRequest {
	readonly traceparent: string;
	readonly #span: Span;
	readonly #ended: (span: Span, error: number) => void;

	constructor(span: Span, ended: (span: Span, error: number) => void) {
		this.traceparent = formatTraceparent({ traceId: span.traceId, spanId: span.spanId, sampled: true });
		this.#span = span;
		this.#ended = ended;
	}

	get tracestate(): string | undefined {
		return this.#span.traceState === '' ? undefined : this.#span.traceState;
	}

	describe({ sessionId = 0n, pathLength, requestId }: RequestDetails): void {
		const { attributes } = this.#span;
		if (sessionId !== 0n) attributes.push(spanAttributes.session, hexadecimal(sessionId));
		if (pathLength !== undefined) attributes.push(spanAttributes.pathLength, pathLength);
		if (requestId !== undefined) attributes.push(spanAttributes.requestId, requestId);
	}

	end(error: number, zxid = 0): void {
		if (zxid !== 0) this.#span.attributes.push(spanAttributes.zxid, hexadecimal(zxid));
		this.#ended(this.#span, error);
	}
}

function senderFor({ endpoint, serviceName, serviceVersion, serverId }: TracingOptions): SpanSink {
	const { OTEL_EXPORTER_OTLP_HEADERS: all, OTEL_EXPORTER_OTLP_TRACES_HEADERS: own } = process.env;
	return new OtlpSender({
		endpoint,
		headers: { ...headersOf(all), ...headersOf(own) },
		resource: {
			attributes: {
				'service.name': serviceName,
				'service.version': serviceVersion,
				'service.instance.id': `${serverId}`,
			},
			scope: { name: 'chronokeeper', version: serviceVersion },
		},
	});
}

/** Of a number in two halves: V8 takes twice as long for one that has more than 32 bits. */
function hexadecimal(value: number | bigint): string {
	if (typeof value === 'bigint') return `0x${BigInt.asUintN(64, value).toString(16)}`;
	const high = Math.floor(value / 2 ** 32);
	if (high === 0) return `0x${value.toString(16)}`;
	return `0x${high.toString(16)}${(value - high * 2 ** 32).toString(16).padStart(8, '0')}`;
}
