import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorName } from '#jute/errors';
import { HeadSampler } from './head-sampler.ts';
import { formatTraceparent, parseTraceparent } from './trace-context.ts';
import { startTracing } from './tracing.ts';

const sampled = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const unsampled = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';
const options = { endpoint: '', sampleRatio: 0, serviceName: 'test', serviceVersion: '0', serverId: 7, errorName };

describe('traceparent', () => {
	it('is read and written without loss', () => {
		const digits = (length: number) =>
			fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).filter((text) => !/^0+$/.test(text));
		fc.assert(
			fc.property(digits(32), digits(16), fc.boolean(), (traceId, spanId, isSampled) => {
				const context = { traceId, spanId, sampled: isSampled };
				expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
			}),
		);
	});

	it.each([
		['', undefined],
		['00-00000000000000000000000000000000-00f067aa0ba902b7-01', undefined],
		['00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01', undefined],
		['ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', undefined],
		[`${sampled}-more`, undefined],
		[`01${sampled.slice(2)}-more`, true],
		[unsampled, false],
	])('%s is as the specification says', (text, expected) => {
		expect(parseTraceparent(text)?.sampled).toBe(expected);
	});
});

describe('the head sampler', () => {
	it('follows a caller who has decided, and takes a share of the others', () => {
		const sampler = new HeadSampler(0.25, () => 0.2);
		expect(sampler.decide(unsampled)).toEqual({ sampled: false });
		expect(sampler.decide(sampled)).toMatchObject({ sampled: true, parent: { spanId: '00f067aa0ba902b7' } });
		expect(sampler.decide(undefined).sampled).toBe(true);
		expect(new HeadSampler(0.25, () => 0.25).decide(undefined).sampled).toBe(false);
		expect(new HeadSampler(0, () => 0).decide('nonsense').sampled).toBe(false);
	});
});

describe('tracing', () => {
	it("passes a sampled caller's context on when spans go nowhere", async () => {
		const tracing = await startTracing({ ...options, sampleRatio: 1 });
		expect(tracing.request('grpc', 'create', sampled)?.traceparent).toBe(sampled);
		expect(tracing.request('grpc', 'create', unsampled)).toBeUndefined();
		expect(tracing.request('grpc', 'create', undefined)).toBeUndefined();
	});

	it('makes a span for the request and one below it for each stage', async () => {
		const exporter = new InMemorySpanExporter();
		const tracing = await startTracing({ ...options, exporter });
		expect(tracing.request('grpc', 'create', undefined)).toBeUndefined();
		const request = tracing.request('grpc', 'create', sampled, 'vendor=1,other=two')!;
		expect(request.tracestate).toBe('vendor=1,other=two');
		request.describe({ sessionId: -1n, pathLength: 4, requestId: 'r-1' });
		const started = performance.now();
		tracing.stage(request.traceparent, 'sync', started, started + 5, { zxid: 0x1_0000_0002, op: 'create', error: 0 });
		request.end(-101, 0x1_0000_0002);
		const [sync, root] = await finished(exporter, 2);
		expect(root?.name).toBe('grpc create');
		expect(root?.parentSpanContext?.spanId).toBe('00f067aa0ba902b7');
		expect(root?.spanContext().traceState?.serialize()).toBe('vendor=1,other=two');
		expect(root?.attributes).toEqual({
			'chronokeeper.op': 'create',
			'chronokeeper.door': 'grpc',
			'chronokeeper.sid': 7,
			'chronokeeper.session': '0xffffffffffffffff',
			'chronokeeper.path_length': 4,
			'chronokeeper.request_id': 'r-1',
			'chronokeeper.zxid': '0x100000002',
			'chronokeeper.error': -101,
			'error.type': 'NoNode',
		});
		expect(sync?.name).toBe('sync');
		expect(sync?.attributes['chronokeeper.zxid']).toBe('0x100000002');
		expect(sync?.parentSpanContext?.spanId).toBe(root?.spanContext().spanId);
		expect(sync?.spanContext().traceId).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
		expect(milliseconds(sync!.duration)).toBeCloseTo(5, 1);
		await tracing.shutdown();
	});

	it('shows what was done for several at once below each of them, and links them', async () => {
		const exporter = new InMemorySpanExporter();
		const tracing = await startTracing({ ...options, exporter, sampleRatio: 1 });
		const batch = { txns: 40, bytes: 9000 };
		const now = performance.now();
		const part = { name: 'fsync', startMs: now + 1, endMs: now + 3, batch };
		for (const zxid of [1, 2]) {
			tracing.stage(sampled, 'sync', now, now + 4, { zxid, op: 'create', error: 0, part });
			tracing.stage(sampled, 'mirror', now, now + 4, { zxid, op: 'create', error: 0, batch });
		}
		const spans = await finished(exporter, 6);
		const [first, second] = spans.filter(({ name }) => name === 'fsync');
		const syncs = spans.filter(({ name }) => name === 'sync');
		expect([first, second].map((it) => it?.parentSpanContext?.spanId)).toEqual(
			syncs.map((it) => it.spanContext().spanId),
		);
		expect(first?.attributes).toMatchObject({ 'chronokeeper.batch.txns': 40, 'chronokeeper.batch.bytes': 9000 });
		expect(milliseconds(first!.duration)).toBeCloseTo(2, 1);
		expect(first?.links).toEqual([]);
		const linked = spans.filter((it) => it !== first && it.name !== 'sync');
		expect(linked.map(({ links }) => links[0]?.context.spanId)).toEqual(linked.map(() => first?.spanContext().spanId));
		await tracing.shutdown();
	});

	it.each([
		['a=1,b', 'a=1'],
		['', undefined],
		['=', undefined],
		[`a=${'x'.repeat(511)}`, undefined],
		[undefined, undefined],
	])('gives back of the tracestate %s what can be read', async (sent, returned) => {
		const tracing = await startTracing({ ...options, exporter: new InMemorySpanExporter() });
		expect(tracing.request('grpc', 'create', sampled, sent)?.tracestate).toBe(returned);
		await tracing.shutdown();
	});
});

/** Shutting down empties the exporter's memory: they are looked at when they have arrived. */
async function finished(exporter: InMemorySpanExporter, count: number): Promise<ReadableSpan[]> {
	await expect.poll(() => exporter.getFinishedSpans().length, { timeout: 5000 }).toBe(count);
	return exporter.getFinishedSpans();
}

function milliseconds([seconds, nanoseconds]: [number, number]): number {
	return seconds * 1e3 + nanoseconds / 1e6;
}
