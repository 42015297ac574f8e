import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorName } from '#jute/errors';
import { HeadSampler } from './head-sampler.ts';
import type { Span } from './span.ts';
import { formatTraceparent, parseTraceparent } from './trace-context.ts';
import { startTracing, type Tracing } from './tracing.ts';

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

	it.each([1, 0.5, 0.01])('takes a share of %d, whatever the callers of others decide', (ratio) => {
		const sampler = new HeadSampler(ratio, lcg(7));
		const requests = 200_000;
		let taken = 0;
		let disobeyed = 0;
		for (let i = 0; i < requests; i++) {
			const asked = i % 2 === 0;
			if (i % 3 === 0 && sampler.decide(asked ? sampled : unsampled).sampled !== asked) disobeyed += 1;
			if (sampler.decide(undefined).sampled) taken += 1;
		}
		expect(disobeyed).toBe(0);
		// Four standard deviations.
		expect(Math.abs(taken - requests * ratio)).toBeLessThanOrEqual(4 * Math.sqrt(requests * ratio * (1 - ratio)));
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
		const { spans, tracing } = await collecting();
		expect(tracing.request('grpc', 'create', undefined)).toBeUndefined();
		const request = tracing.request('grpc', 'create', sampled, 'vendor=1,other=two')!;
		expect(request.tracestate).toBe('vendor=1,other=two');
		request.describe({ sessionId: -1n, pathLength: 4, requestId: 'r-1' });
		const started = performance.now();
		tracing.stage(request.traceparent, 'sync', started, started + 5, { zxid: 0x1_0000_0002, op: 'create', error: 0 });
		request.end(-101, 0x1_0000_0002);
		const [sync, root] = spans as [Span, Span];
		expect(root).toMatchObject({
			name: 'grpc create',
			isServer: true,
			isError: true,
			traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
			parentSpanId: '00f067aa0ba902b7',
			traceState: 'vendor=1,other=two',
		});
		expect(request.traceparent).toBe(`00-${root.traceId}-${root.spanId}-01`);
		expect(attributesOf(root)).toEqual({
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
		const stage = { name: 'sync', isServer: false, isError: false, traceId: root.traceId, parentSpanId: root.spanId };
		expect(sync).toMatchObject(stage);
		expect(attributesOf(sync)).toEqual({ 'chronokeeper.op': 'create', 'chronokeeper.zxid': '0x100000002' });
		expect([sync.startMs, sync.endMs]).toEqual([started, started + 5]);
	});

	it('begins a trace of its own where nobody else has', async () => {
		const { spans, tracing } = await collecting({ sampleRatio: 1 });
		for (let i = 0; i < 500; i++) tracing.request('grpc', 'create', undefined)!.end(0);
		expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(500);
		expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(500);
		for (const span of spans) expect(span).toMatchObject({ parentSpanId: '', traceState: '', isError: false });
		expect(spans[0]!.traceId).toMatch(/^[0-9a-f]{32}$/);
	});

	it('shows what was done for several at once below each of them, and links them', async () => {
		const { spans, tracing } = await collecting();
		const batch = { txns: 40, bytes: 9000 };
		const part = { name: 'fsync', startMs: 1, endMs: 3, batch };
		for (const zxid of [1, 2]) {
			tracing.stage(sampled, 'sync', 0, 4, { zxid, op: 'create', error: 0, part });
			tracing.stage(sampled, 'mirror', 0, 4, { zxid, op: 'create', error: 0, batch });
		}
		const [first, second] = spans.filter(({ name }) => name === 'fsync');
		const syncs = spans.filter(({ name }) => name === 'sync');
		expect([first, second].map((it) => it?.parentSpanId)).toEqual(syncs.map((it) => it.spanId));
		expect(attributesOf(first!)).toEqual({ 'chronokeeper.batch.txns': 40, 'chronokeeper.batch.bytes': 9000 });
		expect([first!.startMs, first!.endMs, first!.link]).toEqual([1, 3, undefined]);
		const linked = spans.filter((it) => it !== first && it.name !== 'sync');
		const { traceId, spanId } = first!;
		expect(linked.map(({ link }) => link)).toEqual(linked.map(() => ({ traceId, spanId })));
	});

	it.each([
		['a=1,b', 'a=1'],
		[' a=1 , t@v=x y ', 'a=1,t@v=x y'],
		['A=1,a=\u00e9,a=\u0001', undefined],
		['', undefined],
		['=', undefined],
		[`a=${'x'.repeat(511)}`, undefined],
		[undefined, undefined],
	])('gives back of the tracestate %s what can be read', async (sent, returned) => {
		const { tracing } = await collecting();
		expect(tracing.request('grpc', 'create', sampled, sent)?.tracestate).toBe(returned);
	});
});

/** The same numbers each time, from 0 to 1. */
function lcg(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state / 2 ** 32;
	};
}

async function collecting(more: { sampleRatio?: number } = {}): Promise<{ spans: Span[]; tracing: Tracing }> {
	const spans: Span[] = [];
	const sink = { add: (span: Span) => void spans.push(span), close: async () => {} };
	return { spans, tracing: await startTracing({ ...options, ...more, sink }) };
}

function attributesOf({ attributes }: Span): Record<string, string | number> {
	const found: Record<string, string | number> = {};
	for (let i = 0; i < attributes.length; i += 2) found[attributes[i] as string] = attributes[i + 1]!;
	return found;
}
