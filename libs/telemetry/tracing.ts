/**
 * Spans of sampled requests. The tracing library is imported only when spans have somewhere to go; without an endpoint a sampled caller's trace id
 * still travels with the transaction, so that the history can be joined with the caller's own traces.
 */
import type { Context, Span, Tracer } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { HeadSampler } from './head-sampler.ts';
import { requestSpan, spanAttributes, stageSpan } from './span-names.ts';
import { formatTraceparent, parseTraceparent, type TraceContext } from './trace-context.ts';

export interface TracingOptions {
	/** OTLP over HTTP, without the path: `http://localhost:4318`. Empty: spans go nowhere. */
	readonly endpoint: string;
	/** For tests: spans go here instead. */
	readonly exporter?: SpanExporter;
	readonly sampleRatio: number;
	readonly serviceName: string;
	readonly serviceVersion: string;
	readonly serverId: number;
}

/** A sampled request under way. */
export interface TracedRequest {
	/** Of the request's own span: goes into the audit context, and the stages' spans are its children. */
	readonly traceparent: string;
	/** Call it once. `error` is ZooKeeper's code. */
	end(error: number): void;
}

export interface StageAttributes {
	readonly zxid: number;
	readonly op: string;
	readonly error: number;
}

export interface Tracing {
	/** Undefined for a request that is not sampled: the common case, which costs a random number. */
	request(door: string, op: string, traceparent: string | undefined): TracedRequest | undefined;
	/** Times are performance.now()'s. */
	stage(traceparent: string, stage: string, startMs: number, endMs: number, attributes: StageAttributes): void;
	/** Sends what is left; gives up after a while. */
	shutdown(): Promise<void>;
}

export async function startTracing(options: TracingOptions): Promise<Tracing> {
	if (options.endpoint === '' && options.exporter === undefined) return new Passing();
	const [api, sdk, resources] = await Promise.all([
		import('@opentelemetry/api'),
		import('@opentelemetry/sdk-trace'),
		import('@opentelemetry/resources'),
	]);
	const exporter = options.exporter ?? (await otlpExporter(options.endpoint));
	const provider = new sdk.TracerProvider({
		resource: resources.resourceFromAttributes({
			'service.name': options.serviceName,
			'service.version': options.serviceVersion,
			'service.instance.id': `${options.serverId}`,
		}),
		// The decision was made before a span is: see HeadSampler.
		sampler: new sdk.AlwaysOnSampler(),
		spanProcessors: [new sdk.BatchSpanProcessor({ exporter, scheduledDelayMillis: 1000, exportTimeoutMillis: 5000 })],
	});
	return new Exporting(api, provider, provider.getTracer('chronokeeper', options.serviceVersion), options);
}

async function otlpExporter(endpoint: string): Promise<SpanExporter> {
	const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
	return new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
}

/** No endpoint: the caller's context is passed on as it is. */
class Passing implements Tracing {
	readonly #sampler = new HeadSampler(0);

	request(_door: string, _op: string, traceparent: string | undefined): TracedRequest | undefined {
		if (traceparent === undefined) return undefined;
		const decision = this.#sampler.decide(traceparent);
		if (!decision.sampled || decision.parent === undefined) return undefined;
		return { traceparent: formatTraceparent(decision.parent), end() {} };
	}

	stage(): void {}

	async shutdown(): Promise<void> {}
}

type Api = typeof import('@opentelemetry/api');

class Exporting implements Tracing {
	readonly #api: Api;
	readonly #provider: { shutdown(): Promise<void> };
	readonly #tracer: Tracer;
	readonly #serverId: number;
	readonly #sampler: HeadSampler;

	constructor(api: Api, provider: { shutdown(): Promise<void> }, tracer: Tracer, options: TracingOptions) {
		this.#api = api;
		this.#provider = provider;
		this.#tracer = tracer;
		this.#serverId = options.serverId;
		this.#sampler = new HeadSampler(options.sampleRatio);
	}

	request(door: string, op: string, traceparent: string | undefined): TracedRequest | undefined {
		const decision = this.#sampler.decide(traceparent);
		if (!decision.sampled) return undefined;
		const span = this.#tracer.startSpan(
			requestSpan(door, op),
			{
				kind: this.#api.SpanKind.SERVER,
				attributes: { [spanAttributes.op]: op, [spanAttributes.serverId]: this.#serverId },
			},
			this.#childOf(decision.parent),
		);
		const { traceId, spanId } = span.spanContext();
		return {
			traceparent: formatTraceparent({ traceId, spanId, sampled: true }),
			end: (error) => this.#end(span, error),
		};
	}

	stage(traceparent: string, stage: string, startMs: number, endMs: number, attributes: StageAttributes): void {
		const parent = parseTraceparent(traceparent);
		if (parent === undefined || !parent.sampled) return;
		const span = this.#tracer.startSpan(
			stageSpan(stage),
			{
				startTime: performance.timeOrigin + startMs,
				attributes: {
					[spanAttributes.zxid]: `0x${attributes.zxid.toString(16)}`,
					[spanAttributes.op]: attributes.op,
				},
			},
			this.#childOf(parent),
		);
		this.#end(span, attributes.error, performance.timeOrigin + endMs);
	}

	async shutdown(): Promise<void> {
		await Promise.race([
			this.#provider.shutdown().catch(() => undefined),
			new Promise((resolve) => setTimeout(resolve, 2000).unref()),
		]);
	}

	#end(span: Span, error: number, endTime?: number): void {
		if (error !== 0) {
			span.setAttribute(spanAttributes.error, error);
			span.setStatus({ code: this.#api.SpanStatusCode.ERROR });
		}
		span.end(endTime);
	}

	#childOf(parent: TraceContext | undefined): Context {
		const { ROOT_CONTEXT, TraceFlags, trace } = this.#api;
		if (parent === undefined) return ROOT_CONTEXT;
		return trace.setSpanContext(ROOT_CONTEXT, {
			traceId: parent.traceId,
			spanId: parent.spanId,
			traceFlags: TraceFlags.SAMPLED,
			isRemote: true,
		});
	}
}
