/** One trace shows what the replicas of an ensemble do for a request: three server processes, their PostgreSQL, and a collector that their exporters send to. */
import { credentials, Metadata } from '@grpc/grpc-js';
import { afterAll, afterEach, expect, it } from 'vitest';
import { CreateMode, ZnodeServiceClient } from '#proto/chronokeeper/v1/znode';
import { startEnsemble } from '#test/support/ensemble';
import { type CollectedSpan, OtlpCollector } from '#test/support/otlp-collector';
import { createDatabase } from '#test/support/postgres';
import { TestServers } from '#test/support/test-servers';
import { WireClient } from '#test/support/wire-client';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const callersSpan = '00f067aa0ba902b7';

it('a write at a follower is one trace over all replicas, by gRPC and by ZooKeeper’s protocol', async () => {
	const database = servers.keep(await createDatabase().then((it) => ({ ...it, close: () => it.drop() })));
	const collector = servers.keep(await OtlpCollector.start());
	const ensemble = servers.keep(
		await startEnsemble({
			members: ['chronokeeper', 'chronokeeper', 'chronokeeper'],
			// A busy machine is no reason to lose a learner, whose spans would be missing.
			initLimit: 60,
			syncLimit: 60,
			environment: {
				CK_OTEL_ENDPOINT: collector.endpoint,
				CK_OTEL_SAMPLE_RATIO: '1',
				CK_AUDIT_MODE: 'async',
				CK_AUDIT_URL: database.url,
			},
		}),
	);
	const leader = await ensemble.leader();
	const [follower, other] = ensemble.members.filter((member) => member !== leader);
	const raw = servers.keep(new ZnodeServiceClient((await follower!.doors()).grpc, credentials.createInsecure()));
	const create = (path: string, traceparent: string) =>
		new Promise<void>((resolve, reject) => {
			const metadata = new Metadata();
			metadata.set('traceparent', traceparent);
			const request = { path, data: undefined, mode: CreateMode.CREATE_MODE_PERSISTENT, acl: [], ttlMs: 0n };
			raw.create(request, metadata, (error) => (error === null ? resolve() : reject(error)));
		});
	/** `sync@2`: what it is, and where. */
	const names = (spans: readonly CollectedSpan[]) =>
		spans.map(({ name, resource }) => `${name}@${resource.get('service.instance.id')}`).sort();
	const expected = (door: string, at: number) =>
		[
			`${door}@${at}`,
			`queue@${at}`,
			`queue@${leader.id}`,
			`prep@${leader.id}`,
			...ensemble.members.flatMap(({ id }) => [`sync@${id}`, `fsync@${id}`, `commit@${id}`, `final@${id}`]),
			`mirror@${leader.id}`,
		].sort();

	await create('/unsampled', `00-${'a'.repeat(32)}-${callersSpan}-00`);
	await create('/traced', `00-${traceId}-${callersSpan}-01`);
	await expect.poll(() => names(collector.ofTrace(traceId))).toEqual(expected('grpc create', follower!.id));
	const spans = collector.ofTrace(traceId);
	const [door] = spans.filter(({ name }) => name === 'grpc create');
	expect(door!.parentSpanId).toBe(callersSpan);
	const fsyncs = spans.filter(({ name }) => name === 'fsync');
	for (const { parentSpanId, resource, start, end } of fsyncs) {
		const parent = spans.find(({ spanId }) => spanId === parentSpanId)!;
		const id = 'service.instance.id';
		expect([parent.name, parent.resource.get(id)]).toEqual(['sync', resource.get(id)]);
		expect(start + 2_000n >= parent.start && end <= parent.end + 2_000n, 'fsync is inside of sync').toBe(true);
	}
	const stages = spans.filter((span) => span !== door && span.name !== 'fsync');
	expect(new Set(stages.map(({ parentSpanId }) => parentSpanId))).toEqual(new Set([door!.spanId]));
	const numbered = stages.filter(({ name }) => name !== 'queue');
	const zxids = new Set(numbered.map(({ attributes }) => attributes.get('chronokeeper.zxid')));
	expect(zxids.size).toBe(1);
	for (const { name, start, end } of spans) expect(end >= start, `${name} ends before it begins`).toBe(true);
	// All of it on one machine: the door's span holds what was done before its answer, by its own replica and by the leader.
	const inTime = (name: string, id: number) =>
		spans.filter((span) => span.name === name && span.resource.get('service.instance.id') === `${id}`);
	const slack = 5_000_000n;
	for (const [name, id] of [
		['queue', follower!.id] as const,
		['queue', leader.id] as const,
		['prep', leader.id] as const,
		['commit', follower!.id] as const,
		['final', follower!.id] as const,
	]) {
		const [span] = inTime(name, id);
		expect(span!.start + slack >= door!.start && span!.end <= door!.end + slack, name).toBe(true);
	}

	const client = await WireClient.connect(other!.place.clientPort);
	const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }];
	await client.send({ kind: 'create', path: '/by-client', data: null, acl, flags: 0 });
	await client.close();
	const ofClient = () => collector.spans.filter(({ name }) => name === 'zookeeper create');
	await expect.poll(() => ofClient().length).toBe(1);
	const [root] = ofClient();
	expect(root!.parentSpanId).toBe('');
	await expect.poll(() => names(collector.ofTrace(root!.traceId))).toEqual(expected('zookeeper create', other!.id));

	// Its caller had decided against a trace: nobody made one, at whichever replica.
	expect(collector.ofTrace('a'.repeat(32))).toEqual([]);
	expect(collector.spans.filter(({ attributes }) => attributes.get('chronokeeper.op') === 'create').length).toBe(
		2 * 14,
	);
});
