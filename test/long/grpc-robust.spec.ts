/** Calls over gRPC that go wrong: what is said of them, deadlines and callers that go at each stage, too many calls, too large messages. */
import {
	type CallOptions,
	credentials,
	Metadata,
	makeGenericClientConstructor,
	type ServiceError,
	status,
} from '@grpc/grpc-js';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ErrorDetail } from '#proto/chronokeeper/v1/common';
import {
	Consistency,
	CreateMode,
	CreateRequest,
	DeleteRequest,
	GetRequest,
	MultiRequest,
	SetAclRequest,
	ZnodeServiceClient,
	ZnodeServiceService,
} from '#proto/chronokeeper/v1/znode';
import { BadRequest, ErrorInfo, Help, RetryInfo } from '#proto/google/rpc/error_details';
import { Status } from '#proto/google/rpc/status';
import type { Values } from '#server/config/keys';
import { startEnsemble } from '#test/support/ensemble';
import { TestServers } from '#test/support/test-servers';

/** Others may need the processor. */
const soon = { timeout: 60_000 } as const;

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

async function start(overrides: Partial<Values> = {}) {
	const server = await servers.start(servers.newDirectory(), overrides);
	return { server, raw: connect(server.addresses.grpc), client: servers.connect(server.addresses.grpc) };
}

function connect(address: string): ZnodeServiceClient {
	return servers.keep(new ZnodeServiceClient(address, credentials.createInsecure()));
}

/** The error of a call that fails. */
function failing(call: (answer: (error: ServiceError | null) => void) => unknown): Promise<ServiceError> {
	return new Promise((resolve, reject) => {
		call((error) => (error === null ? reject(new Error('the call succeeded')) : resolve(error)));
	});
}

function detailsOf({ metadata }: ServiceError) {
	const { details } = Status.decode(metadata.get('grpc-status-details-bin')[0] as Buffer);
	const find = (name: string) => details.find(({ typeUrl }) => typeUrl.endsWith(name))?.value;
	const of = <T>(name: string, message: { decode(bytes: Uint8Array): T }) => {
		const value = find(name);
		return value === undefined ? undefined : message.decode(value);
	};
	return {
		info: of('ErrorInfo', ErrorInfo),
		detail: of('ErrorDetail', ErrorDetail),
		help: of('Help', Help),
		retry: of('RetryInfo', RetryInfo),
		fields: of('BadRequest', BadRequest)?.fieldViolations.map(({ field }) => field),
	};
}

function deadline(ms: number): Partial<CallOptions> {
	return { deadline: Date.now() + ms };
}

describe('what is said of a request that is wrong', () => {
	it('is the field, and what is wrong with it', async () => {
		const { raw } = await start();
		const create = (request: Partial<CreateRequest>) =>
			failing((answer) => raw.create(CreateRequest.create({ path: '/a', ...request }), answer));
		const multi = (...ops: MultiRequest['ops']) => failing((answer) => raw.multi({ ops }, answer));
		const wrong = [
			await create({ path: '' }),
			await create({ path: '/zookeeper/' }),
			await create({ path: '/\0' }),
			await create({ mode: 99 as CreateMode }),
			await create({ mode: CreateMode.CREATE_MODE_EPHEMERAL }),
			await create({ ttlMs: 1n }),
			await create({ data: Buffer.alloc(1 << 20) }),
			await create({ acl: [{ perms: 31, id: { scheme: 'none', id: '' } }] }),
			await failing((answer) => raw.setAcl(SetAclRequest.create({ path: '/' }), answer)),
			await failing((answer) => raw.delete(DeleteRequest.create({ path: '/' }), answer)),
			await failing((answer) => raw.get(GetRequest.create({ path: '/', consistency: 9 as Consistency }), answer)),
			await multi({ op: { $case: 'create', value: CreateRequest.create({ path: '/x' }) } }, { op: undefined }),
			await multi({ op: { $case: 'delete', value: DeleteRequest.create({ path: 'x' }) } }),
		];
		expect(wrong.map(({ code }) => status[code])).toEqual(wrong.map(() => 'INVALID_ARGUMENT'));
		expect(wrong.map((error) => detailsOf(error).fields)).toEqual([
			['path'],
			['path'],
			['path'],
			['mode'],
			['mode'],
			['ttl_ms'],
			['data'],
			['acl'],
			['acl'],
			['path'],
			['consistency'],
			['ops[1]'],
			['ops[0].delete.path'],
		]);
		expect(wrong.map(({ details }) => details)).toEqual(
			expect.arrayContaining([expect.stringContaining('path must not end with /'), expect.stringContaining('U+0000')]),
		);
		for (const error of wrong) expect(detailsOf(error).info?.domain).toBe('chronokeeper');
	});

	it('is why it cannot be decoded, and how large it may be', async () => {
		const { server } = await start();
		const identity = (bytes: Buffer) => bytes;
		const { create } = ZnodeServiceService;
		const bytesOnly = { create: { ...create, requestSerialize: identity, responseDeserialize: identity } };
		const raw = servers.keep(
			new (makeGenericClientConstructor(bytesOnly, 'Bytes'))(server.addresses.grpc, credentials.createInsecure()),
		);
		const send = (bytes: Buffer) =>
			failing((answer) =>
				(raw as unknown as { create(bytes: Buffer, answer: unknown): unknown }).create(bytes, answer),
			);
		const garbage = await send(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]));
		expect(garbage).toMatchObject({
			code: status.INVALID_ARGUMENT,
			details: expect.stringContaining('the request of /chronokeeper.v1.ZnodeService/Create cannot be decoded'),
		});
		expect(detailsOf(garbage).detail).toMatchObject({ code: -5, name: 'MarshallingError' });
		const large = await send(Buffer.alloc(3 << 20));
		expect(large).toMatchObject({
			code: status.RESOURCE_EXHAUSTED,
			details: 'the request has 3145728 bytes, and with jute.maxbuffer=1048575 it may have 2097151',
		});
		expect(detailsOf(large).info).toMatchObject({ reason: 'MESSAGE_TOO_LARGE' });
		expect(await send(Buffer.alloc(20 << 20))).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
	});

	it('is an ErrorInfo of each refusal that ZooKeeper does not know', async () => {
		const { server, raw } = await start();
		const client = servers.connect(server.addresses.grpc);
		const history = client.znodeAt('/').catch((error: { cause: ServiceError }) => error.cause);
		expect(detailsOf((await history) as ServiceError)).toMatchObject({
			info: { reason: 'NO_HISTORY', domain: 'chronokeeper' },
			help: { links: [{ description: expect.stringContaining('audit.mode') }] },
		});
		const metadata = new Metadata();
		metadata.set('ck-session-id', '1');
		const noPassword = await failing((answer) => raw.whoAmI({}, metadata, answer));
		expect([noPassword.code, detailsOf(noPassword).info?.reason]).toEqual([status.UNAUTHENTICATED, 'NO_PASSWORD']);
		const missing = detailsOf(await failing((answer) => raw.get(GetRequest.create({ path: '/none' }), answer)));
		expect(missing).toMatchObject({
			info: { reason: 'NO_NODE' },
			detail: { advice: expect.stringContaining('Create the node') },
			help: { links: [{ url: 'docs/grpc.md#nonode' }] },
			retry: undefined,
			fields: undefined,
		});
	});
});

describe('a caller that goes', () => {
	it('while its call waits at the door: it is not begun, and leaves its place', async () => {
		const { server, raw, client } = await start({ globalOutstandingLimit: 1, 'grpc.maxWaiting': 3 });
		await client.create('/a', null);
		const { host } = server.replica;
		// What is under way stays under way until its log is told that it is durable.
		const durable = host.durable.bind(host);
		const held: (() => void)[] = [];
		host.durable = (zxid) => void held.push(() => durable(zxid));
		const under = [client.set('/a', Buffer.from('1')), client.set('/a', Buffer.from('2'))];
		await expect.poll(() => host.outstanding).toBe(2);
		const create = (path: string, options: Partial<CallOptions> = {}) =>
			failing((answer) => raw.create(CreateRequest.create({ path }), new Metadata(), options, answer));
		const late = [create('/late1', deadline(3000)), create('/late2', deadline(3000))];
		const kept = client.create('/kept', null);
		await expect.poll(() => waitingAtTheDoor(server.addresses.http), { timeout: 2500 }).toBe(3);
		const refused = await create('/refused');
		expect(refused).toMatchObject({
			code: status.RESOURCE_EXHAUSTED,
			details: expect.stringContaining('grpc.maxWaiting'),
		});
		expect(detailsOf(refused)).toMatchObject({
			detail: { name: 'ThrottledOp' },
			retry: { retryDelay: { nanos: 100_000_000 } },
		});
		for (const error of await Promise.all(late)) expect(error.code).toBe(status.DEADLINE_EXCEEDED);
		await expect.poll(() => waitingAtTheDoor(server.addresses.http)).toBe(1);
		host.durable = durable;
		for (const one of held) one();
		await Promise.all(under);
		await kept;
		expect((await client.children('/')).names.sort()).toEqual(['a', 'kept', 'zookeeper']);
		expect(host.outstanding).toBe(0);
	});

	it('69: while its read waits for a round that nobody answers', async () => {
		const ensemble = servers.keep(await startEnsemble({ members: ['chronokeeper', 'chronokeeper', 'chronokeeper'] }));
		const leader = await ensemble.leader();
		const { grpc, http } = await leader.doors();
		const raw = connect(grpc);
		for (const member of ensemble.members) if (member !== leader) member.pause();
		const request = GetRequest.create({ path: '/', consistency: Consistency.CONSISTENCY_LINEARIZABLE });
		const reads = Array.from({ length: 3 }, () =>
			failing((answer) => raw.get(request, new Metadata(), deadline(300), answer)),
		);
		for (const error of await Promise.all(reads)) expect(error.code).toBe(status.DEADLINE_EXCEEDED);
		await expect.poll(() => metric(http, 'read_barrier_waiting'), soon).toBe(0);
	});
});

async function metric(http: string, name: string): Promise<number> {
	const metrics = await (await fetch(`http://${http}/metrics`)).text();
	const line = metrics.split('\n').find((one) => one.startsWith(`chronokeeper_${name} `));
	return Number(line?.split(' ')[1]);
}

function waitingAtTheDoor(http: string): Promise<number> {
	return metric(http, 'queue_requests{queue="door"}');
}
