/** Spans of the client, where the program has OpenTelemetry, and the server's below them. */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
	type Context,
	type ContextManager,
	context,
	ROOT_CONTEXT,
	type Span,
	SpanStatusCode,
	trace,
} from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect, NoNodeError } from '#client/index';
import { OtlpCollector } from '#test/support/otlp-collector';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
const recorded = new InMemorySpanExporter();
let collector: OtlpCollector;
let endpoints: string;

/** As an SDK sets it up. */
class Contexts implements ContextManager {
	readonly #storage = new AsyncLocalStorage<Context>();

	active(): Context {
		return this.#storage.getStore() ?? ROOT_CONTEXT;
	}

	with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
		active: Context,
		act: F,
		self?: ThisParameterType<F>,
		...args: A
	): ReturnType<F> {
		return this.#storage.run(active, () => act.call(self, ...args));
	}

	bind<T>(_: Context, target: T): T {
		return target;
	}

	enable(): this {
		return this;
	}

	disable(): this {
		return this;
	}
}

beforeAll(async () => {
	collector = servers.keep(await OtlpCollector.start());
	const traced = { 'otel.endpoint': collector.endpoint, 'otel.sampleRatio': 0 };
	endpoints = (await servers.start(servers.newDirectory(), traced)).addresses.grpc;
});
afterAll(async () => {
	trace.disable();
	context.disable();
	await servers.close();
	servers.remove();
});

function inSpan<T>(act: (span: Span) => Promise<T>): Promise<T> {
	return trace.getTracer('test').startActiveSpan('the caller', async (span) => {
		try {
			return await act(span);
		} finally {
			span.end();
		}
	});
}

it('are there for what is asked for inside a recorded span, and for nothing else', async () => {
	context.setGlobalContextManager(new Contexts());
	trace.setGlobalTracerProvider(
		new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: recorded })] }),
	);
	await using ck = await connect({ endpoints });
	await ck.create('/untraced');
	expect(recorded.getFinishedSpans()).toEqual([]);
	const caller = await inSpan(async (span) => {
		await ck.create('/traced');
		await expect(ck.get('/none')).rejects.toBeInstanceOf(NoNodeError);
		await ck.transaction().set('/traced', 'x').commit();
		return span.spanContext();
	});
	const spans = recorded.getFinishedSpans().filter(({ name }) => name !== 'the caller');
	expect(spans.map(({ name }) => name)).toEqual(['chronokeeper create', 'chronokeeper get', 'chronokeeper multi']);
	for (const { parentSpanContext } of spans) expect(parentSpanContext?.spanId).toBe(caller.spanId);
	expect(spans.map(({ status }) => status.code)).toEqual([
		SpanStatusCode.UNSET,
		SpanStatusCode.ERROR,
		SpanStatusCode.UNSET,
	]);
	expect(spans[1]!.attributes).toEqual({ 'chronokeeper.op': 'get', 'error.type': 'NoNode' });
	const below = () => collector.ofTrace(caller.traceId).filter(({ name }) => name === 'grpc create');
	await expect.poll(() => collector.spans.map(({ name }) => name)).toContain('grpc create');
	expect(below()).toHaveLength(1);
	expect(below()[0]!.parentSpanId).toBe(spans[0]!.spanContext().spanId);
});
