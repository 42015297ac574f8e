/** Traces of a standalone server, from its doors to PostgreSQL, as a collector gets them; and what a request costs that is not sampled: nothing of what traces. */

import { credentials, Metadata } from '@grpc/grpc-js';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { Consistency, CreateMode, GetRequest, ZnodeServiceClient } from '#proto/chronokeeper/v1/znode';
import { Exporting } from '#telemetry/exporting';
import { HeadSampler } from '#telemetry/head-sampler';
import { OtlpEncoder } from '#telemetry/otlp-encoder';
import { OtlpSender } from '#telemetry/otlp-sender';
import { type CollectedSpan, OtlpCollector } from '#test/support/otlp-collector';
import { createDatabase } from '#test/support/postgres';
import { freePort } from '#test/support/processes';
import { TestServers } from '#test/support/test-servers';
import { WireClient } from '#test/support/wire-client';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

const callersSpan = '00f067aa0ba902b7';
const traceId = (digit: string) => digit.repeat(32);
const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }];
const stageNames = ['queue', 'prep', 'sync', 'fsync', 'commit', 'final', 'mirror'];

class Znodes {
	readonly #raw: ZnodeServiceClient;

	constructor(address: string) {
		this.#raw = servers.keep(new ZnodeServiceClient(address, credentials.createInsecure()));
	}

	/** What came back in the metadata. */
	create(path: string, headers: Record<string, string> = {}): Promise<Metadata> {
		const request = { path, data: undefined, mode: CreateMode.CREATE_MODE_PERSISTENT, acl: [], ttlMs: 0n };
		return new Promise((resolve, reject) => {
			let answered = new Metadata();
			this.#raw
				.create(request, Metadata.fromHttp2Headers(headers), (error) =>
					error === null ? resolve(answered) : reject(error),
				)
				.on('metadata', (metadata: Metadata) => {
					answered = metadata;
				});
		});
	}
}

function named(spans: readonly CollectedSpan[], name: string): CollectedSpan {
	const found = spans.filter((span) => span.name === name);
	expect(found.length, `${name} of ${spans.map((span) => span.name).join()}`).toBe(1);
	return found[0]!;
}

it('a write is one trace from its door to PostgreSQL, each stage in its time, and the row leads to it', async () => {
	const database = servers.keep(await createDatabase().then((it) => ({ ...it, close: () => it.drop() })));
	const collector = servers.keep(await OtlpCollector.start());
	const server = await servers.start(servers.newDirectory(), {
		'otel.endpoint': collector.endpoint,
		'otel.sampleRatio': 0,
		'audit.mode': 'async',
		'audit.url': database.url,
	});
	const znodes = new Znodes(server.addresses.grpc);
	const traceparent = `00-${traceId('a')}-${callersSpan}-01`;
	const answered = await znodes.create('/traced', { traceparent, tracestate: 'vendor=7' });
	expect(answered.get('tracestate')).toEqual(['vendor=7']);

	await expect.poll(() => collector.ofTrace(traceId('a')).length).toBe(8);
	const spans = collector.ofTrace(traceId('a'));
	expect(spans.map(({ name }) => name).sort()).toEqual(['grpc create', ...stageNames].sort());
	const door = named(spans, 'grpc create');
	expect(door.parentSpanId).toBe(callersSpan);
	expect(door.traceState).toBe('vendor=7');
	expect(answered.get('traceparent')).toEqual([`00-${traceId('a')}-${door.spanId}-01`]);
	const [queue, prep, sync, fsync, commit, final, mirror] = stageNames.map((name) => named(spans, name)) as [
		...CollectedSpan[],
	] as [CollectedSpan, CollectedSpan, CollectedSpan, CollectedSpan, CollectedSpan, CollectedSpan, CollectedSpan];
	expect(fsync.parentSpanId).toBe(sync.spanId);
	for (const span of [queue, prep, sync, commit, final, mirror]) expect(span.parentSpanId, span.name).toBe(door.spanId);

	// One after the other, to the microsecond that a time in milliseconds with fractions is good for.
	const slack = 2_000n;
	const inOrder = (...times: readonly (readonly [what: string, time: bigint])[]) => {
		for (const [index, [what, time]] of times.entries()) {
			if (index > 0)
				expect(time + slack >= times[index - 1]![1], `${times[index - 1]![0]} is before ${what}`).toBe(true);
		}
	};
	inOrder(
		['queue begins', queue.start],
		['queue ends', queue.end],
		['prep begins', prep.start],
		['prep ends', prep.end],
		['sync begins', sync.start],
		['fsync begins', fsync.start],
		['fsync ends', fsync.end],
		['sync ends', sync.end],
		['final begins', final.start],
		['final ends', final.end],
	);
	inOrder(
		['prep ends', prep.end],
		['commit begins', commit.start],
		['sync ends', sync.end],
		['commit ends', commit.end],
	);
	inOrder(['commit ends', commit.end], ['final begins', final.start]);
	inOrder(['sync ends', sync.end], ['mirror begins', mirror.start], ['mirror ends', mirror.end]);
	expect(fsync.end > fsync.start && mirror.end > mirror.start).toBe(true);

	expect(Object.fromEntries(door.attributes)).toEqual({
		'chronokeeper.op': 'create',
		'chronokeeper.door': 'grpc',
		'chronokeeper.sid': '0',
		'chronokeeper.path_length': '7',
		'chronokeeper.request_id': expect.stringMatching(/^[0-9a-f]{8}-1$/),
		'chronokeeper.zxid': '0x1',
	});
	for (const span of [prep, sync, commit, final, mirror])
		expect(span.attributes.get('chronokeeper.zxid'), span.name).toBe('0x1');
	for (const span of [fsync, mirror]) expect(span.attributes.get('chronokeeper.batch.txns'), span.name).toBe('1');
	const rows = await database.query('select trace_id, request_id from chronokeeper.txn where path = $1', ['/traced']);
	expect(rows).toEqual([{ trace_id: traceId('a'), request_id: door.attributes.get('chronokeeper.request_id') }]);

	// Those of one batch know each other: the spans of what was done at once are linked to the first.
	await Promise.all(
		['b', 'c', 'd'].map((digit) =>
			znodes.create(`/${digit}`, { traceparent: `00-${traceId(digit)}-${callersSpan}-01` }),
		),
	);
	const ofAll = () => ['b', 'c', 'd'].flatMap((digit) => collector.ofTrace(traceId(digit)));
	await expect.poll(() => ofAll().length).toBe(24);
	for (const name of ['fsync', 'mirror']) {
		const same = ofAll().filter((span) => span.name === name);
		expect(same.length).toBe(3);
		for (const span of same) {
			const together = same.filter((it) => it.start === span.start && it.end === span.end);
			const linked = together.filter(({ links }) => links.length > 0);
			expect(linked.length, name).toBe(together.length - 1);
			const first = together.find(({ links }) => links.length === 0);
			for (const { links } of linked) expect(links).toEqual([first?.spanId]);
		}
	}
});

it('a failure is named, a read has its two stages, and requests of ZooKeeper’s protocol their session', async () => {
	const collector = servers.keep(await OtlpCollector.start());
	const server = await servers.start(servers.newDirectory(), {
		'otel.endpoint': collector.endpoint,
		'otel.sampleRatio': 1,
		clientPort: await freePort(),
	});
	const client = await WireClient.connect(Number(server.addresses.zookeeper!.split(':')[1]));
	await client.send({ kind: 'create', path: '/a', data: null, acl, flags: 0 });
	await client.send({ kind: 'create', path: '/a', data: null, acl, flags: 0 });
	await client.send({ kind: 'getData', path: '/none', watch: false });
	await client.close();
	await server.close();
	const doors = (name: string) => collector.spans.filter((span) => span.name === name);
	const [created, refused] = doors('zookeeper create');
	const session = created!.attributes.get('chronokeeper.session');
	expect(session).toMatch(/^0x[0-9a-f]+$/);
	expect(refused!.isError).toBe(true);
	expect(Object.fromEntries(refused!.attributes)).toMatchObject({
		'chronokeeper.door': 'zookeeper',
		'chronokeeper.session': session,
		'chronokeeper.error': '-110',
		'error.type': 'NodeExists',
	});
	const [read] = doors('zookeeper getData');
	expect(read!.attributes.get('error.type')).toBe('NoNode');
	const stages = collector.ofTrace(read!.traceId).filter((span) => span !== read);
	expect(stages.map(({ name }) => name)).toEqual(['queue', 'final']);
	for (const { parentSpanId } of stages) expect(parentSpanId).toBe(read!.spanId);
	expect(stages[1]!.attributes.get('error.type')).toBe('NoNode');
});

it('a linearizable read shows the wait for its round', async () => {
	const collector = servers.keep(await OtlpCollector.start());
	const server = await servers.start(servers.newDirectory(), {
		'otel.endpoint': collector.endpoint,
		'otel.sampleRatio': 0,
	});
	const raw = servers.keep(new ZnodeServiceClient(server.addresses.grpc, credentials.createInsecure()));
	const metadata = new Metadata();
	metadata.set('traceparent', `00-${traceId('9')}-${callersSpan}-01`);
	const request = GetRequest.create({ path: '/', consistency: Consistency.CONSISTENCY_LINEARIZABLE });
	await new Promise((resolve) => raw.get(request, metadata, resolve));
	await server.close();
	const spans = collector.ofTrace(traceId('9'));
	const [barrier, queue] = ['barrier', 'queue'].map((name) => named(spans, name)) as [CollectedSpan, CollectedSpan];
	expect(spans.map(({ name }) => name).sort()).toEqual(['barrier', 'final', 'grpc getData', 'queue']);
	expect(barrier.end <= queue.start + 2_000n).toBe(true);
	expect(barrier.parentSpanId).toBe(named(spans, 'grpc getData').spanId);
});

it('with audit.mode=strict the commit is what PostgreSQL takes', async () => {
	const database = servers.keep(await createDatabase().then((it) => ({ ...it, close: () => it.drop() })));
	const collector = servers.keep(await OtlpCollector.start());
	const server = await servers.start(servers.newDirectory(), {
		'otel.endpoint': collector.endpoint,
		'otel.sampleRatio': 0,
		'audit.mode': 'strict',
		'audit.url': database.url,
	});
	await new Znodes(server.addresses.grpc).create('/a', { traceparent: `00-${traceId('e')}-${callersSpan}-01` });
	await expect.poll(() => collector.ofTrace(traceId('e')).length).toBe(8);
	const spans = collector.ofTrace(traceId('e'));
	const [fsync, sync, commit, mirror, final] = ['fsync', 'sync', 'commit', 'mirror', 'final'].map((name) =>
		named(spans, name),
	) as [CollectedSpan, CollectedSpan, CollectedSpan, CollectedSpan, CollectedSpan];
	expect(sync.end - fsync.end < 2_000n).toBe(true);
	expect(mirror.end > sync.end).toBe(true);
	expect(commit.end + 1_000_000n >= mirror.end).toBe(true);
	expect(final.start + 2_000n >= commit.end).toBe(true);
});

it('one decision is made for each request, and one that is not sampled touches nothing of what traces', async () => {
	const collector = servers.keep(await OtlpCollector.start());
	const server = await servers.start(servers.newDirectory(), {
		'otel.endpoint': collector.endpoint,
		'otel.sampleRatio': 0,
		clientPort: await freePort(),
	});
	const touched = [
		vi.spyOn(Exporting.prototype, 'stage'),
		vi.spyOn(OtlpSender.prototype, 'add'),
		vi.spyOn(OtlpEncoder.prototype, 'add'),
	];
	const decisions = vi.spyOn(HeadSampler.prototype, 'decide');
	const calls = () => touched.map((spy) => spy.mock.calls.length);
	try {
		const znodes = new Znodes(server.addresses.grpc);
		const client = await WireClient.connect(Number(server.addresses.zookeeper!.split(':')[1]));
		const ofHandshake = decisions.mock.calls.length;
		for (let i = 0; i < 20; i++) {
			await znodes.create(`/g${i}`);
			await znodes.create(`/u${i}`, { traceparent: `00-${traceId('f')}-${callersSpan}-00` });
			await client.send({ kind: 'create', path: `/z${i}`, data: null, acl, flags: 0 });
			await client.send({ kind: 'getData', path: `/z${i}`, watch: false });
		}
		expect(decisions.mock.calls.length - ofHandshake).toBe(80);
		expect(calls()).toEqual([0, 0, 0]);
		// That they would be counted:
		await znodes.create('/sampled', { traceparent: `00-${traceId('f')}-${callersSpan}-01` });
		expect(decisions.mock.calls.length - ofHandshake).toBe(81);
		// Queue, prep, sync, commit, final; with the door's and fsync seven spans, which are encoded many at a time.
		await vi.waitFor(() => expect(calls()).toEqual([5, 7, 7]), { timeout: 60_000 });
		await client.close();
	} finally {
		for (const spy of [...touched, decisions]) spy.mockRestore();
	}
});
