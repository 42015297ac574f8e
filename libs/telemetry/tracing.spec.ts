import { InMemorySpanExporter } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeadSampler } from './head-sampler.ts';
import { formatTraceparent, parseTraceparent } from './trace-context.ts';
import { startTracing } from './tracing.ts';

const sampled = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const unsampled = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';
const options = { endpoint: '', sampleRatio: 0, serviceName: 'test', serviceVersion: '0', serverId: 7 };

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
		const request = tracing.request('grpc', 'create', sampled)!;
		const started = performance.now();
		tracing.stage(request.traceparent, 'sync', started, started + 5, { zxid: 0x1_0000_0002, op: 'create', error: 0 });
		request.end(-101);
		// Shutting down empties the exporter's memory: look when the spans have arrived.
		await expect.poll(() => exporter.getFinishedSpans().length, { timeout: 5000 }).toBe(2);
		const [sync, root] = exporter.getFinishedSpans();
		expect(root?.name).toBe('grpc create');
		expect(root?.parentSpanContext?.spanId).toBe('00f067aa0ba902b7');
		expect(root?.attributes['chronokeeper.error']).toBe(-101);
		expect(sync?.name).toBe('sync');
		expect(sync?.attributes['chronokeeper.zxid']).toBe('0x100000002');
		expect(sync?.parentSpanContext?.spanId).toBe(root?.spanContext().spanId);
		expect(sync?.spanContext().traceId).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
		expect(sync!.duration[0] * 1e3 + sync!.duration[1] / 1e6).toBeCloseTo(5, 1);
		await tracing.shutdown();
	});
});
