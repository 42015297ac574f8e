import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type CollectedSpan, OtlpCollector, spansOf } from '#test/support/otlp-collector';
import { OtlpEncoder } from './otlp-encoder.ts';
import { headersOf, OtlpSender } from './otlp-sender.ts';
import type { Span } from './span.ts';

const resource = { attributes: { 'service.name': 'x' }, scope: { name: 'chronokeeper', version: '1' } };
const opened: { close(): unknown }[] = [];
afterEach(async () => {
	for (const one of opened.splice(0).reverse()) await one.close();
});

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const text = fc.string({ unit: 'grapheme', maxLength: 200 });
const value = fc.oneof(text, fc.integer());
const link = fc.option(fc.record({ traceId: hex(32), spanId: hex(16) }), { nil: undefined });
const anySpan: fc.Arbitrary<Span> = fc.record({
	traceId: hex(32),
	spanId: hex(16),
	parentSpanId: fc.oneof(fc.constant(''), hex(16)),
	traceState: fc.oneof(fc.constant(''), fc.constant('vendor=1')),
	name: text,
	isServer: fc.boolean(),
	startMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
	endMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
	attributes: fc
		.uniqueArray(fc.tuple(text, value), { maxLength: 12, selector: ([name]) => name })
		.map((it) => it.flat()),
	link,
	isError: fc.boolean(),
});

function nanoseconds(ms: number): number {
	return (performance.timeOrigin + ms) * 1e6;
}

function expectSame(read: CollectedSpan | undefined, span: Span): void {
	const { traceId, spanId, parentSpanId, traceState, name, isError } = span;
	expect(read).toMatchObject({ traceId, spanId, parentSpanId, traceState, name, isError });
	const attributes = new Map<string, string>();
	for (let i = 0; i < span.attributes.length; i += 2)
		attributes.set(span.attributes[i] as string, String(span.attributes[i + 1]));
	expect(read!.attributes).toEqual(attributes);
	expect(read!.links).toEqual(span.link === undefined ? [] : [span.link.spanId]);
	// To the nanoseconds that a double of milliseconds has.
	expect(Math.abs(Number(read!.start) - nanoseconds(span.startMs))).toBeLessThan(1000);
	expect(Math.abs(Number(read!.end) - nanoseconds(span.endMs))).toBeLessThan(1000);
}

describe('spans in OTLP', () => {
	it('are read as they were written, whatever is in them', () => {
		fc.assert(
			fc.property(fc.array(anySpan, { maxLength: 20 }), (spans) => {
				const encoder = new OtlpEncoder(resource);
				// What was taken is over.
				encoder.add({ ...emptySpan, name: 'before' });
				encoder.take();
				for (const span of spans) encoder.add(span);
				expect(encoder.spans).toBe(spans.length);
				const read = spansOf(encoder.take());
				expect(read.length).toBe(spans.length);
				for (const [index, span] of spans.entries()) expectSame(read[index], span);
				for (const { resource: from } of read) expect(Object.fromEntries(from)).toEqual({ 'service.name': 'x' });
			}),
		);
	});

	it('are read as those of OpenTelemetry’s own exporter are', async () => {
		const bodies: Buffer[] = [];
		const server = createServer((request, response) => {
			const chunks: Buffer[] = [];
			request.on('data', (chunk: Buffer) => chunks.push(chunk));
			request.on('end', () => {
				bodies.push(Buffer.concat(chunks));
				response.end();
			});
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		opened.push({ close: () => server.close() });
		const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
		const exporter = new OTLPTraceExporter({ url });
		const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
		const theirs = provider.getTracer('chronokeeper', '1').startSpan('sync', { attributes: { op: 'create', zxid: 5 } });
		theirs.setStatus({ code: 2 });
		theirs.end();
		await provider.shutdown();
		const [span] = spansOf(bodies[0]!);
		const { traceId, spanId } = theirs.spanContext();
		expect(span).toMatchObject({ traceId, spanId, name: 'sync', isError: true });
		const encoder = new OtlpEncoder(resource);
		encoder.add({
			...emptySpan,
			traceId,
			spanId,
			name: 'sync',
			attributes: ['op', 'create', 'zxid', 5],
			isError: true,
		});
		const [ours] = spansOf(encoder.take());
		expect({ ...ours, start: 0n, end: 0n, resource: 0 }).toEqual({ ...span, start: 0n, end: 0n, resource: 0 });
	});
});

describe('the sender', () => {
	it('delivers what there is when it closes, in batches, with the headers of the environment', async () => {
		const collector = await OtlpCollector.start();
		opened.push(collector);
		const headers = headersOf('Authorization=Bearer%20abc, x-tenant = a=b ,broken,bad=%zz');
		expect(headers).toEqual({ authorization: 'Bearer abc', 'x-tenant': 'a=b' });
		const sender = new OtlpSender({ endpoint: `${collector.endpoint}/`, resource, headers });
		for (let i = 0; i < 5000; i++) sender.add({ ...emptySpan, name: `s${i}` });
		await sender.close();
		expect(collector.spans.map(({ name }) => name)).toEqual(Array.from({ length: 5000 }, (_, i) => `s${i}`));
		expect(collector.headers.authorization).toBe('Bearer abc');
		expect(collector.headers['content-type']).toBe('application/x-protobuf');
	});

	it('drops what there is no room for while nobody takes it', async () => {
		const sender = new OtlpSender({ endpoint: 'http://127.0.0.1:1', resource, headers: {} });
		const long = 'x'.repeat(1000);
		for (let i = 0; i < 20_000; i++) sender.add({ ...emptySpan, name: long });
		// 4 MiB of a kilobyte each, and as much that was on its way.
		expect(20_000 - sender.dropped).toBeGreaterThan(3000);
		expect(20_000 - sender.dropped).toBeLessThan(12_000);
		await sender.close();
	});
});

const emptySpan: Span = {
	traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
	spanId: '00f067aa0ba902b7',
	parentSpanId: '',
	traceState: '',
	name: '',
	isServer: false,
	startMs: 0,
	endMs: 0,
	attributes: [],
	link: undefined,
	isError: false,
};
