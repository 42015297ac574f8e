/** Tracing over OpenTelemetry's SDK. Importing this file loads it. */
import * as api from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { HeadSampler } from './head-sampler.ts';
import { requestSpan, spanAttributes, stageSpan } from './span-names.ts';
import { formatTraceparent, parseTraceparent, type TraceContext } from './trace-context.ts';
import type {
	RequestDetails,
	StageAttributes,
	StagePart,
	TracedRequest,
	Tracing,
	TracingOptions,
	TxnBatch,
} from './tracing.ts';

/** Longer ones may be cut or left out (https://www.w3.org/TR/trace-context/): nothing of it is kept here. */
const longestTracestate = 512;
/** How long a stop waits for the collector. */
const shutdownMs = 2000;

export async function startExporting(options: TracingOptions): Promise<Tracing> {
	const exporter = options.exporter ?? (await otlpExporter(options.endpoint));
	const provider = new TracerProvider({
		resource: resourceFromAttributes({
			'service.name': options.serviceName,
			'service.version': options.serviceVersion,
			'service.instance.id': `${options.serverId}`,
		}),
		// The decision was made before a span is: see HeadSampler.
		sampler: new AlwaysOnSampler(),
		spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 1000, exportTimeoutMillis: 5000 })],
	});
	return new Exporting(provider, options);
}

async function otlpExporter(endpoint: string): Promise<SpanExporter> {
	const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
	return new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
}

class Exporting implements Tracing {
	readonly #provider: TracerProvider;
	readonly #tracer: api.Tracer;
	readonly #serverId: number;
	readonly #errorName: (code: number) => string;
	readonly #sampler: HeadSampler;
	/** The first span of each batch: the others are linked to it. */
	readonly #firstOf = new WeakMap<TxnBatch, api.SpanContext>();

	constructor(provider: TracerProvider, options: TracingOptions) {
		this.#provider = provider;
		this.#tracer = provider.getTracer('chronokeeper', options.serviceVersion);
		this.#serverId = options.serverId;
		this.#errorName = options.errorName;
		this.#sampler = new HeadSampler(options.sampleRatio);
	}

	request(door: string, op: string, traceparent: string | undefined, tracestate?: string): TracedRequest | undefined {
		const decision = this.#sampler.decide(traceparent);
		if (!decision.sampled) return undefined;
		const attributes = {
			[spanAttributes.op]: op,
			[spanAttributes.door]: door,
			[spanAttributes.serverId]: this.#serverId,
		};
		const parent = decision.parent && this.#contextOf(decision.parent, tracestate);
		const span = this.#tracer.startSpan(
			requestSpan(door, op),
			{ kind: api.SpanKind.SERVER, attributes },
			parent === undefined ? api.ROOT_CONTEXT : api.trace.setSpanContext(api.ROOT_CONTEXT, parent),
		);
		const { traceId, spanId } = span.spanContext();
		const returned = parent?.traceState?.serialize();
		return {
			traceparent: formatTraceparent({ traceId, spanId, sampled: true }),
			tracestate: returned === '' ? undefined : returned,
			describe: (details) => describe(span, details),
			end: (error, zxid = 0) => {
				if (zxid !== 0) span.setAttribute(spanAttributes.zxid, hexadecimal(zxid));
				this.#end(span, error);
			},
		};
	}

	stage(traceparent: string, stage: string, startMs: number, endMs: number, attributes: StageAttributes): void {
		const parent = parseTraceparent(traceparent);
		if (parent === undefined || !parent.sampled) return;
		const { zxid, op, error, batch, part } = attributes;
		const under = api.trace.setSpanContext(api.ROOT_CONTEXT, this.#contextOf(parent, undefined));
		const options = this.#spanOptions(startMs, batch);
		options.attributes[spanAttributes.op] = op;
		if (zxid !== 0) options.attributes[spanAttributes.zxid] = hexadecimal(zxid);
		const span = this.#tracer.startSpan(stageSpan(stage), options, under);
		this.#noteFirst(batch, span);
		if (part !== undefined) this.#part(part, api.trace.setSpan(under, span));
		this.#end(span, error, performance.timeOrigin + endMs);
	}

	async shutdown(): Promise<void> {
		await Promise.race([
			this.#provider.shutdown().catch(() => undefined),
			new Promise((resolve) => setTimeout(resolve, shutdownMs).unref()),
		]);
	}

	#part({ name, startMs, endMs, batch }: StagePart, under: api.Context): void {
		const span = this.#tracer.startSpan(name, this.#spanOptions(startMs, batch), under);
		this.#noteFirst(batch, span);
		span.end(performance.timeOrigin + endMs);
	}

	#spanOptions(startMs: number, batch: TxnBatch | undefined) {
		const attributes: api.Attributes = { [spanAttributes.serverId]: this.#serverId };
		if (batch !== undefined) {
			attributes[spanAttributes.batchTxns] = batch.txns;
			if (batch.bytes !== undefined) attributes[spanAttributes.batchBytes] = batch.bytes;
		}
		const first = batch && this.#firstOf.get(batch);
		return {
			startTime: performance.timeOrigin + startMs,
			attributes,
			...(first === undefined ? {} : { links: [{ context: first }] }),
		};
	}

	#noteFirst(batch: TxnBatch | undefined, span: api.Span): void {
		if (batch !== undefined && !this.#firstOf.has(batch)) this.#firstOf.set(batch, span.spanContext());
	}

	#end(span: api.Span, error: number, endTime?: number): void {
		if (error !== 0) {
			span.setAttribute(spanAttributes.error, error);
			span.setAttribute(spanAttributes.errorName, this.#errorName(error));
			span.setStatus({ code: api.SpanStatusCode.ERROR });
		}
		span.end(endTime);
	}

	#contextOf({ traceId, spanId }: TraceContext, tracestate: string | undefined): api.SpanContext {
		const traceState =
			tracestate === undefined || tracestate.length > longestTracestate ? undefined : api.createTraceState(tracestate);
		return {
			traceId,
			spanId,
			traceFlags: api.TraceFlags.SAMPLED,
			isRemote: true,
			...(traceState === undefined ? {} : { traceState }),
		};
	}
}

function describe(span: api.Span, { sessionId = 0n, pathLength, requestId }: RequestDetails): void {
	if (sessionId !== 0n) span.setAttribute(spanAttributes.session, hexadecimal(sessionId));
	if (pathLength !== undefined) span.setAttribute(spanAttributes.pathLength, pathLength);
	if (requestId !== undefined) span.setAttribute(spanAttributes.requestId, requestId);
}

function hexadecimal(value: number | bigint): string {
	return `0x${(typeof value === 'bigint' ? BigInt.asUintN(64, value) : value).toString(16)}`;
}
