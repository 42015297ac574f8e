/**
 * The gRPC port under bytes that no client of ours would send. In `npm test` for a few seconds; long, with ten thousand streams:
 *
 *     LONG_SPECS=1 FUZZ_SEED=1 npx vitest run test/integration/grpc-fuzz.spec.ts
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { credentials, status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import type { ChronokeeperClient } from '#client/client';
import { AdminServiceService } from '#proto/chronokeeper/v1/admin';
import {
	HistoryRequest,
	HistoryServiceService,
	HistoryServiceWatchRequest,
	TailTransactionsRequest,
} from '#proto/chronokeeper/v1/history';
import { SessionServiceService } from '#proto/chronokeeper/v1/session';
import { WatchRequest, WatchServiceClient, WatchServiceService } from '#proto/chronokeeper/v1/watch';
import {
	CheckRequest,
	CreateRequest,
	GetRequest,
	ListChildrenRequest,
	MultiReadRequest,
	MultiRequest,
	SetAclRequest,
	SetRequest,
	ZnodeServiceService,
} from '#proto/chronokeeper/v1/znode';
import type { RunningServer } from '#server/start-server';
import { assail, BytesClient, Dice, methodsOf, mutated } from '#test/support/grpc-fuzz';
import { Watching } from '#test/support/grpc-watching';
import { superUser } from '#test/support/real-zookeeper';
import { TestServers } from '#test/support/test-servers';

/** Others may need the processor. */
const soon = { timeout: 60_000 } as const;

const isLong = process.env.LONG_SPECS === '1';
const seed = Number(process.env.FUZZ_SEED ?? 20_261_122);
const rounds = isLong ? 200 : 8;
const drops = isLong ? 10_000 : 600;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const servers = new TestServers();
let server: RunningServer;
let client: ChronokeeperClient;
let bytes: BytesClient;
beforeEach(async () => {
	server = await servers.start(servers.newDirectory(), {
		extendedTypesEnabled: true,
		snapCount: 1_000_000,
		'DigestAuthenticationProvider.superDigest': superUser.digest,
	});
	client = servers.connect(server.addresses.grpc, { timeoutMs: 60_000, auth: superUser.auth });
	bytes = servers.keep(new BytesClient(server.addresses.grpc, credentials.createInsecure()));
});
afterEach(() => servers.close());
afterAll(() => servers.remove());

const path = '/f/a';
const create = CreateRequest.create({
	path,
	data: Buffer.from('data'),
	acl: [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }],
});
/** Well formed; what is made of them is not. */
const samples: readonly Uint8Array[] = [
	CreateRequest.encode(create).finish(),
	GetRequest.encode(GetRequest.create({ path, watch: true })).finish(),
	SetRequest.encode(SetRequest.create({ path, data: Buffer.from('x'), version: 3 })).finish(),
	SetAclRequest.encode(SetAclRequest.create({ path, acl: create.acl })).finish(),
	ListChildrenRequest.encode(ListChildrenRequest.create({ path: '/f', pageSize: 2, pageToken: 'AAAA' })).finish(),
	MultiRequest.encode({
		ops: [{ op: { $case: 'create', value: create } }, { op: { $case: 'check', value: CheckRequest.create({ path }) } }],
	}).finish(),
	MultiReadRequest.encode(
		MultiReadRequest.create({ ops: [{ op: { $case: 'get', value: GetRequest.create({ path }) } }] }),
	).finish(),
	WatchRequest.encode(WatchRequest.create({ targets: [{ path, kind: 3 }], withData: true, afterZxid: 1n })).finish(),
	HistoryRequest.encode(HistoryRequest.create({ path, fromZxid: 1n, limit: 3 })).finish(),
	TailTransactionsRequest.encode(
		TailTransactionsRequest.create({
			fromZxid: 1n,
			paths: [{ path, recursive: true }],
			types: ['create'],
			withData: true,
		}),
	).finish(),
	HistoryServiceWatchRequest.encode(
		HistoryServiceWatchRequest.create({ fromZxid: 0n, path, recursive: true }),
	).finish(),
	Buffer.from([]),
];

/** Not one of them may say that the server did something it should not have. */
const clear = new Set([
	status.OK,
	status.CANCELLED,
	status.INVALID_ARGUMENT,
	status.NOT_FOUND,
	status.ALREADY_EXISTS,
	status.PERMISSION_DENIED,
	status.UNAUTHENTICATED,
	status.FAILED_PRECONDITION,
	status.RESOURCE_EXHAUSTED,
	status.OUT_OF_RANGE,
	status.UNIMPLEMENTED,
	status.UNAVAILABLE,
]);

async function removeAll(): Promise<void> {
	for (const name of (await client.children('/')).names.filter((one) => one !== 'zookeeper'))
		await removeBelow(`/${name}`);
}

async function removeBelow(top: string): Promise<void> {
	for (const name of (await client.children(top)).names) await removeBelow(`${top}/${name}`);
	await client.delete(top);
}

/** In use, what nobody holds any more collected: connections that end hold on for a moment. */
async function liveMiB(): Promise<number> {
	for (let i = 0; i < 3; i++) {
		collect();
		await new Promise((resolve) => setImmediate(resolve));
	}
	const { heapUsed, arrayBuffers } = process.memoryUsage();
	return (heapUsed + arrayBuffers) / (1 << 20);
}

async function expectAtRest(): Promise<void> {
	const { host } = server.replica;
	await expect.poll(() => host.outstanding, soon).toBe(0);
	await expect.poll(() => host.watches.summary().watches, soon).toBe(0);
	expect((await client.create('/alive', Buffer.from('yes'))).path).toBe('/alive');
	await client.delete('/alive');
	expect(await client.status()).toMatchObject({ ready: true });
}

it('bytes as any message of any method: a clear status each, and nothing is left of them', {
	timeout: 3_600_000,
}, async () => {
	const dice = new Dice(seed);
	// Closing everybody's connections is what it is for.
	const { shedLoad: _, ...admin } = AdminServiceService;
	const methods = methodsOf([
		ZnodeServiceService,
		WatchServiceService,
		SessionServiceService,
		HistoryServiceService,
		admin,
	]);
	const seen = new Map<status, number>();
	const round = async () => {
		// A connection on which too many streams are left in a row is closed, as HTTP/2 has to be protected from that.
		const bytes = new BytesClient(server.addresses.grpc, credentials.createInsecure());
		await client.create('/f', null);
		const calls = methods.flatMap((method) =>
			Array.from({ length: 12 }, async (_, i) => {
				const count = method.requestStream ? 1 + dice.below(3) : 1;
				const messages = Array.from({ length: count }, () =>
					i < 3 ? dice.bytes(dice.below(100)) : mutated(dice, dice.one(samples)),
				);
				const end = await bytes.call(method, messages, 50);
				seen.set(end.code, (seen.get(end.code) ?? 0) + 1);
				if (!clear.has(end.code)) {
					const sent = messages.map((message) => message.toString('hex'));
					expect.fail(`${method.path} ${status[end.code]}: ${end.details}, seed ${seed}, sent ${sent}`);
				}
			}),
		);
		await Promise.all(calls);
		bytes.close();
		await removeAll();
	};
	for (let i = 0; i < rounds / 2; i++) await round();
	await expectAtRest();
	const before = await liveMiB();
	for (let i = 0; i < rounds / 2; i++) await round();
	await expectAtRest();
	await expect.poll(async () => (await liveMiB()) - before).toBeLessThan(isLong ? 8 : 4);
	expect(seen.get(status.INVALID_ARGUMENT)).toBeGreaterThan(100);
	expect(seen.get(status.OK)).toBeGreaterThan(100);
});

it.each([
	['a length of 2^31', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x07])],
	['groups in groups', Buffer.alloc(1_000_000, 0x1b)],
	['a path of a mebibyte', CreateRequest.encode(CreateRequest.create({ path: `/${'x'.repeat(1 << 20)}/y` })).finish()],
	['a path of slashes', CreateRequest.encode(CreateRequest.create({ path: '/'.repeat(100_000) })).finish()],
	['a path that is no UTF-8', Buffer.from([0x0a, 4, 0x2f, 0xff, 0xc0, 0x80])],
	['half of a surrogate pair', Buffer.from([0x0a, 4, 0x2f, 0xed, 0xa0, 0x80])],
	['a path with NUL', CreateRequest.encode(CreateRequest.create({ path: '/a\0b' })).finish()],
	[
		'an ACL of 100,000 entries that are none',
		Buffer.concat(
			Array.from({ length: 100_001 }, (_, i) =>
				i === 0 ? Buffer.from([0x0a, 2, 0x2f, 0x61]) : Buffer.from([0x22, 0]),
			),
		),
	],
])('%s is refused, and the server answers', async (_, message) => {
	const { code } = await bytes.call(ZnodeServiceService.create, [Buffer.from(message)], 0);
	expect([status.INVALID_ARGUMENT, status.NOT_FOUND]).toContain(code);
	await expectAtRest();
});

it('long multis are done, or fail as a whole', async () => {
	const op = { $case: 'check', value: CheckRequest.create({ path: '/' }) } as const;
	expect((await client.multi(Array.from({ length: 100_000 }, () => ({ op })))).results).toHaveLength(100_000);
	const none = Buffer.concat(Array.from({ length: 500_000 }, () => Buffer.from([0x0a, 0])));
	expect(await bytes.call(ZnodeServiceService.multi, [none], 0)).toMatchObject({
		code: status.INVALID_ARGUMENT,
		details: expect.stringContaining('operation 0 of the multi is empty'),
	});
	const missing = { $case: 'check', value: CheckRequest.create({ path: '/none' }) } as const;
	const failing = client.multi(Array.from({ length: 100_000 }, (_, i) => ({ op: i === 70_000 ? missing : op })));
	await expect(failing).rejects.toMatchObject({ status: 'NOT_FOUND', op: 70_000 });
	const read = { $case: 'get', value: GetRequest.create({ path: '/' }) } as const;
	expect((await client.multiRead(Array.from({ length: 50_000 }, () => ({ op: read })))).results).toHaveLength(50_000);
	await expectAtRest();
});

it('bytes on the socket cost their connection', { timeout: 600_000 }, async () => {
	const dice = new Dice(seed + 1);
	const port = Number(server.addresses.grpc.split(':')[1]);
	for (let i = 0; i < rounds; i++) await Promise.all(Array.from({ length: 25 }, () => assail(port, dice)));
	await expectAtRest();
});

it(`${drops} streams that are opened and dropped leave nothing`, { timeout: 1_200_000 }, async () => {
	const watches = servers.keep(new WatchServiceClient(server.addresses.grpc, credentials.createInsecure()));
	const dice = new Dice(seed + 2);
	const drop = async () => {
		const watching = new Watching(watches, [['/', 4]]);
		watching.call.on('error', () => undefined);
		const how = dice.below(4);
		if (how === 0) watching.close();
		await watching.opened.catch(() => undefined);
		if (how === 1) void client.set('/', Buffer.from('x'));
		watching.close();
	};
	const some = async (count: number) => {
		for (let done = 0; done < count; done += 50) await Promise.all(Array.from({ length: 50 }, drop));
	};
	await some(drops / 2);
	await expectAtRest();
	const before = await liveMiB();
	await some(drops / 2);
	await expectAtRest();
	await expect.poll(async () => (await liveMiB()) - before).toBeLessThan(3);
});
