/** A whole server in this process, over the wire. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
	type ClientDuplexStream,
	credentials,
	Metadata,
	makeClientConstructor,
	type ServiceDefinition,
	type ServiceError,
	status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { service as healthService } from 'grpc-health-check';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { CreateMode } from '#client/client';
import { readAuditContext } from '#core/model/audit-context';
import { zeroZxid } from '#core/model/zxid';
import { ErrorDetail } from '#proto/chronokeeper/v1/common';
import { GetRequest, ListChildrenRequest, ZnodeServiceClient } from '#proto/chronokeeper/v1/znode';
import { ErrorInfo } from '#proto/google/rpc/error_details';
import { Status } from '#proto/google/rpc/status';
import { readLogs } from '#storage/history-reader';
import { readiness, TestServers } from '#test/support/test-servers';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

function text(data: Uint8Array | null): string | null {
	return data === null ? null : Buffer.from(data).toString();
}

describe('znodes over gRPC', () => {
	it('are created, read, changed, listed and deleted', async () => {
		const { addresses } = await servers.start(servers.newDirectory(), { extendedTypesEnabled: true });
		const client = servers.connect(addresses.grpc);
		const created = await client.create('/app', Buffer.from('one'));
		expect(created).toMatchObject({ path: '/app', zxid: 1n, stat: { czxid: 1n, dataLength: 3, ephemeralOwner: 0n } });
		await client.create('/app/null', null);
		await client.create('/app/empty', new Uint8Array(0));
		expect((await client.get('/app/null')).data).toBeNull();
		expect((await client.get('/app/empty')).data).toHaveLength(0);
		const numbered = await client.create('/app/n-', null, { mode: CreateMode.CREATE_MODE_PERSISTENT_SEQUENTIAL });
		expect(numbered.path).toBe('/app/n-0000000002');
		await client.create('/box', null, { mode: CreateMode.CREATE_MODE_CONTAINER });
		const ttl = await client.create('/soon', null, { mode: CreateMode.CREATE_MODE_TTL, ttlMs: 60_000 });
		expect(ttl.stat.ephemeralOwner).toBe(0n);
		expect((await client.set('/app', Buffer.from('two'), 0)).stat).toMatchObject({ version: 1, mzxid: 7n, czxid: 1n });
		expect(text((await client.get('/app')).data)).toBe('two');
		expect((await client.children('/app')).names).toEqual(['empty', 'n-0000000002', 'null']);
		expect(await client.exists('/app/none')).toBeUndefined();
		expect(await client.allChildrenNumber('/app')).toBe(3);
		expect(await client.delete('/app/null')).toBe(8n);
		expect(await client.exists('/app/null')).toBeUndefined();
		await client.sync('/');
	});

	it("know the caller: the address, and ZooKeeper's digest of user and password", async () => {
		const { addresses } = await servers.start(servers.newDirectory());
		const [anyone, ann] = [servers.connect(addresses.grpc), servers.connect(addresses.grpc, { auth: 'ann:secret' })];
		const hash = createHash('sha1').update('ann:secret').digest('base64');
		const identities = await ann.whoAmI();
		expect(identities[0]).toEqual({ scheme: 'ip', id: '127.0.0.1' });
		expect(identities[1]).toEqual({ scheme: 'digest', id: `ann:${hash}` });
		await ann.create('/hers', null, { acl: [{ perms: 31, id: { scheme: 'auth', id: '' } }] });
		expect((await ann.getAcl('/hers')).acl).toEqual([{ perms: 31, id: identities[1] }]);
		await expect(anyone.get('/hers')).rejects.toMatchObject({
			status: 'PERMISSION_DENIED',
			codeName: 'NoAuth',
			path: '/hers',
		});
		await expect(servers.connect(addresses.grpc).whoAmI()).resolves.toHaveLength(1);
	});

	it('give ZooKeeper’s code, the path and the zxid with each failure', async () => {
		const { addresses } = await servers.start(servers.newDirectory());
		const client = servers.connect(addresses.grpc);
		await client.create('/a', null);
		await client.create('/a/b', null);
		// A write that fails consumes a zxid (semantics 1), a read does not.
		await expect(client.create('/a', null)).rejects.toMatchObject({
			status: 'ALREADY_EXISTS',
			code: -110,
			codeName: 'NodeExists',
			path: '/a',
			zxid: 3n,
			message: '/a: the node exists already',
		});
		await expect(client.get('/none')).rejects.toMatchObject({ status: 'NOT_FOUND', code: -101, zxid: 3n });
		await expect(client.set('/a', null, 7)).rejects.toMatchObject({
			status: 'FAILED_PRECONDITION',
			codeName: 'BadVersion',
		});
		await expect(client.delete('/a')).rejects.toMatchObject({ status: 'FAILED_PRECONDITION', codeName: 'NotEmpty' });
		await expect(client.create('a', null)).rejects.toMatchObject({
			status: 'INVALID_ARGUMENT',
			codeName: 'BadArguments',
		});
		await expect(client.create('/a/x', null, { mode: CreateMode.CREATE_MODE_EPHEMERAL })).rejects.toMatchObject({
			status: 'INVALID_ARGUMENT',
			message: expect.stringContaining('session'),
		});
		await expect(client.create('/t', null, { mode: CreateMode.CREATE_MODE_TTL, ttlMs: 1 })).rejects.toMatchObject({
			status: 'UNIMPLEMENTED',
			codeName: 'Unimplemented',
		});
		const tooLarge = client.create('/large', new Uint8Array(1_048_576));
		await expect(tooLarge).rejects.toMatchObject({
			status: 'INVALID_ARGUMENT',
			message: expect.stringContaining('jute.maxbuffer'),
		});
	});

	it('carry google.rpc.Status with ErrorInfo for tools that know nothing of us', async () => {
		const { addresses } = await servers.start(servers.newDirectory());
		const raw = new ZnodeServiceClient(addresses.grpc, credentials.createInsecure());
		servers.keep(raw);
		const error = await new Promise<ServiceError>((resolve) =>
			raw.get(GetRequest.create({ path: '/none' }), (failure) => resolve(failure!)),
		);
		const rich = Status.decode(error.metadata.get('grpc-status-details-bin')[0] as Buffer);
		expect(rich).toMatchObject({ code: status.NOT_FOUND, message: '/none: the node does not exist' });
		expect(ErrorInfo.decode(rich.details[0]!.value)).toEqual({
			reason: 'NO_NODE',
			domain: 'chronokeeper',
			metadata: { code: '-101', path: '/none', zxid: '0x0' },
		});
		expect(ErrorDetail.decode(rich.details[1]!.value)).toMatchObject({ code: -101, name: 'NoNode', path: '/none' });
		const inSession = new Metadata();
		inSession.set('ck-session-id', '0x1');
		const refused = await new Promise<ServiceError>((resolve) =>
			raw.whoAmI({}, inSession, (failure) => resolve(failure!)),
		);
		expect(refused.code).toBe(status.UNAUTHENTICATED);
		expect(refused.details).toContain('ck-session-password-bin');
		const broken = new Metadata();
		broken.set('authorization', 'Bearer token');
		const unknown = await new Promise<ServiceError>((resolve) =>
			raw.whoAmI({}, broken, (failure) => resolve(failure!)),
		);
		expect(unknown.code).toBe(status.UNAUTHENTICATED);
	});

	it('change together in a multi, or not at all', async () => {
		const { addresses } = await servers.start(servers.newDirectory());
		const client = servers.connect(addresses.grpc);
		await client.create('/m', null);
		const request = { acl: [], data: undefined, mode: CreateMode.CREATE_MODE_PERSISTENT, ttlMs: 0n };
		const done = await client.multi([
			{ op: { $case: 'create', value: { ...request, path: '/m/a' } } },
			{ op: { $case: 'set', value: { path: '/m', data: Buffer.from('x'), version: 0 } } },
			{ op: { $case: 'check', value: { path: '/m/a', version: 0 } } },
			{ op: { $case: 'delete', value: { path: '/m/a', version: undefined } } },
		]);
		expect(done.zxid).toBe(2n);
		expect(done.results.map(({ path, stat }) => [path, stat?.version])).toEqual([
			['/m/a', 0],
			['', 1],
			['', undefined],
			['', undefined],
		]);
		const failing = client.multi([
			{ op: { $case: 'create', value: { ...request, path: '/m/b' } } },
			{ op: { $case: 'check', value: { path: '/m', version: 9 } } },
			{ op: { $case: 'delete', value: { path: '/m', version: undefined } } },
		]);
		await expect(failing).rejects.toMatchObject({
			status: 'FAILED_PRECONDITION',
			code: -103,
			path: '/m',
			op: 1,
			zxid: 3n,
		});
		expect(await client.exists('/m/b')).toBeUndefined();
		const reads = await client.multiRead([
			{ op: { $case: 'get', value: GetRequest.create({ path: '/m' }) } },
			{ op: { $case: 'listChildren', value: ListChildrenRequest.create({ path: '/m' }) } },
			{ op: { $case: 'get', value: GetRequest.create({ path: '/none' }) } },
		]);
		expect(reads.results.map(({ result }) => result?.$case)).toEqual(['get', 'listChildren', 'error']);
	});
});

describe('the server', () => {
	it('has everything after a restart, snapshots on the way', async () => {
		const dataDir = servers.newDirectory();
		const first = await servers.start(dataDir, { snapCount: 20 });
		const client = servers.connect(first.addresses.grpc);
		await client.create('/kept', null);
		for (let i = 0; i < 50; i++) await client.create(`/kept/${i}`, Buffer.from(`${i}`));
		const taken = await client.takeSnapshot();
		expect(taken.zxid).toBe(51n);
		const before = await client.status();
		expect(before).toMatchObject({ ready: true, lastZxid: 51n, znodes: 55n, problems: [] });
		client.close();
		await first.close();
		const second = await servers.start(dataDir);
		const again = servers.connect(second.addresses.grpc);
		expect(await again.status()).toMatchObject({ lastZxid: 51n, digest: before.digest, znodes: 55n });
		expect(second.recovery.recovered.txnsReplayed).toBe(0);
		expect(text((await again.get('/kept/49')).data)).toBe('49');
		expect((await again.create('/kept/next', null)).zxid).toBe(52n);
		const snapshots = readdirSync(join(dataDir, 'version-2')).filter((name) => name.startsWith('snapshot.'));
		expect(snapshots.length).toBeGreaterThanOrEqual(3);
	});

	it('answers on its HTTP port', async () => {
		const server = await servers.start(servers.newDirectory());
		await servers.connect(server.addresses.grpc).create('/x', null);
		expect(await readiness(server.addresses.http)).toEqual({
			code: 200,
			body: { status: 'ok', problems: [], warnings: [], zxid: '0x1' },
		});
		const live = await fetch(`http://${server.addresses.http}/health/live`);
		expect([live.status, await live.json()]).toEqual([200, { status: 'ok', problems: [] }]);
		const metrics = await (await fetch(`http://${server.addresses.http}/metrics`)).text();
		expect(metrics).toMatch(/^chronokeeper_zxid 1$/m);
		expect(metrics).toMatch(/^chronokeeper_request_duration_seconds_count\{op="create",door="grpc"\} 1$/m);
		expect(metrics).toMatch(/^chronokeeper_log_sync_duration_seconds_count 1$/m);
		expect(await (await fetch(`http://${server.addresses.http}/`)).json()).toMatchObject({
			name: 'chronokeeper',
			zxid: '0x1',
		});
	});

	it('goes on reading and says so when its log fails', async () => {
		const server = await servers.start(servers.newDirectory());
		const client = servers.connect(server.addresses.grpc);
		await client.create('/before', Buffer.from('x'));
		// What the log reports to the host when the disk is full.
		server.replica.gate.failed(new Error('ENOSPC: no space left on device'));
		await expect(client.create('/after', null)).rejects.toMatchObject({
			status: 'UNAVAILABLE',
			codeName: 'SystemError',
			message: expect.stringContaining('no space left'),
		});
		expect(text((await client.get('/before')).data)).toBe('x');
		const { code, body } = await readiness(server.addresses.http);
		expect([code, body.status]).toEqual([503, 'failed']);
		expect(String(body.problems)).toContain('no space left');
		expect((await client.status()).ready).toBe(false);
	});

	it('purges old snapshots and their logs, but nothing that the mirror lacks', async () => {
		const dataDir = servers.newDirectory();
		const server = await servers.start(dataDir);
		const client = servers.connect(server.addresses.grpc);
		for (let i = 0; i < 6; i++) {
			await client.create(`/n${i}`, null);
			await client.takeSnapshot();
		}
		const files = () => readdirSync(join(dataDir, 'version-2')).filter((name) => /^(log|snapshot)\./.test(name)).length;
		const before = files();
		const { replica } = server;
		const mirrored = replica.mirrored;
		replica.mirrored = () => zeroZxid;
		expect(replica.autopurge.run()).toEqual([]);
		replica.mirrored = mirrored;
		expect(replica.autopurge.run().length).toBeGreaterThan(0);
		expect(files()).toBeLessThan(before);
		client.close();
		await server.close();
		const again = await servers.start(dataDir);
		expect((await servers.connect(again.addresses.grpc).status()).znodes).toBe(10n);
	});

	it('refuses a directory that another one serves, and a port that is taken', async () => {
		const dataDir = servers.newDirectory();
		const server = await servers.start(dataDir);
		await expect(servers.start(dataDir)).rejects.toThrow(/another process has this data directory open/);
		const [, port] = server.addresses.grpc.split(':');
		const other = servers.newDirectory();
		await expect(servers.start(other, { grpcPort: Number(port) })).rejects.toThrow(
			/the gRPC port 127\.0\.0\.1:\d+ cannot be listened on/,
		);
		const [, httpPort] = server.addresses.http.split(':');
		await expect(servers.start(other, { httpPort: Number(httpPort) })).rejects.toThrow(
			/the HTTP port 127\.0\.0\.1:\d+ cannot be/,
		);
		// What failed to start has given its directory back.
		await expect(servers.start(other)).resolves.toBeDefined();
	});
});

describe('the gRPC port', () => {
	it('has health and reflection', async () => {
		const { addresses } = await servers.start(servers.newDirectory());
		const health = makeClientConstructor(healthService, 'Health');
		const healthClient = new health(addresses.grpc, credentials.createInsecure());
		servers.keep(healthClient);
		for (const service of ['', 'chronokeeper.v1.ZnodeService']) {
			const answer = await new Promise((resolve, reject) =>
				healthClient.check!({ service }, (error: ServiceError | null, response: unknown) =>
					error === null ? resolve(response) : reject(error),
				),
			);
			expect(answer).toEqual({ status: 'SERVING' });
		}
		const reflection = loadSync(
			createRequire(import.meta.url).resolve('@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto'),
		);
		const definition = reflection['grpc.reflection.v1.ServerReflection'] as ServiceDefinition;
		const list = async (): Promise<string> => {
			const client = new (makeClientConstructor(definition, 'Reflection'))(
				addresses.grpc,
				credentials.createInsecure(),
			);
			const call = client.ServerReflectionInfo!() as ClientDuplexStream<object, object>;
			try {
				call.write({ listServices: '' });
				const [response] = (await once(call, 'data')) as [object];
				return JSON.stringify(response);
			} catch (error) {
				return String(error);
			} finally {
				call.on('error', () => undefined);
				call.cancel();
				client.close();
			}
		};
		// It is added when the port is open already.
		await expect.poll(list).toContain('chronokeeper.v1.HistoryService');
	});

	it('follows the trace of a sampled caller, into the log and to the collector', async () => {
		const bodies: string[] = [];
		const collector = createServer((request, response) => {
			const chunks: Buffer[] = [];
			request.on('data', (chunk: Buffer) => chunks.push(chunk));
			request.on('end', () => {
				if (request.url === '/v1/traces') bodies.push(Buffer.concat(chunks).toString('latin1'));
				response.end();
			});
		}).listen(0, '127.0.0.1');
		await once(collector, 'listening');
		servers.keep({ close: () => void collector.close() });
		const { port } = collector.address() as { port: number };
		const dataDir = servers.newDirectory();
		const server = await servers.start(dataDir, { 'otel.endpoint': `http://127.0.0.1:${port}`, 'otel.sampleRatio': 0 });
		const raw = new ZnodeServiceClient(server.addresses.grpc, credentials.createInsecure());
		servers.keep(raw);
		const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
		const create = (path: string, metadata: Metadata) =>
			new Promise<string>((resolve, reject) => {
				const request = { path, data: undefined, mode: CreateMode.CREATE_MODE_PERSISTENT, acl: [], ttlMs: 0n };
				let traceparent = '';
				raw
					.create(request, metadata, (error) => (error === null ? resolve(traceparent) : reject(error)))
					.on('metadata', (answered: Metadata) => {
						traceparent = String(answered.get('traceparent')[0] ?? '');
					});
			});
		const sampled = new Metadata();
		sampled.set('traceparent', `00-${traceId}-00f067aa0ba902b7-01`);
		const traceparent = await create('/traced', sampled);
		expect(traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
		expect(await create('/untraced', new Metadata())).toBe('');
		const contexts = [...readLogs(dataDir)].map(({ record }) => readAuditContext(record.context));
		expect(contexts).toMatchObject([{ traceparent, door: 'grpc' }, { traceparent: '' }]);
		await expect.poll(() => bodies.length).toBeGreaterThan(0);
		await server.close();
		for (const name of ['grpc create', 'prep', 'sync', 'final', 'chronokeeper.zxid'])
			expect(bodies.join('')).toContain(name);
	});
});
