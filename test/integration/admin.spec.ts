/** AdminService of a server in this process: what happens while somebody looks, who is connected, who is sent away, and the members of an ensemble. */
import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
	AdminServiceClient,
	type Connection,
	type GetConfigResponse,
	type ListConnectionsResponse,
	type ReconfigRequest,
	type ReconfigResponse,
	type ShedLoadRequest,
	type ShedLoadResponse,
	type WatchStatusResponse,
} from '#proto/chronokeeper/v1/admin';
import { startEnsemble } from '#test/support/ensemble';
import { freePort } from '#test/support/processes';
import { superUser } from '#test/support/real-zookeeper';
import { TestServers } from '#test/support/test-servers';
import { WireClient } from '#test/support/wire-client';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }];
const callback =
	<T>(resolve: (value: T) => void, reject: (error: Error) => void) =>
	(error: ServiceError | null, value: T) =>
		error === null ? resolve(value) : reject(error);

class Operator {
	readonly #raw: AdminServiceClient;
	readonly #metadata = new Metadata();

	constructor(address: string, authorization?: string) {
		this.#raw = servers.keep(new AdminServiceClient(address, credentials.createInsecure()));
		if (authorization !== undefined) this.#metadata.set('authorization', authorization);
	}

	list(): Promise<Connection[]> {
		return new Promise<ListConnectionsResponse>((resolve, reject) =>
			this.#raw.listConnections({}, this.#metadata, callback(resolve, reject)),
		).then(({ connections }) => connections);
	}

	shed(which: ShedLoadRequest['which']): Promise<ShedLoadResponse> {
		return new Promise((resolve, reject) => this.#raw.shedLoad({ which }, this.#metadata, callback(resolve, reject)));
	}

	config(): Promise<GetConfigResponse> {
		return new Promise((resolve, reject) => this.#raw.getConfig({}, this.#metadata, callback(resolve, reject)));
	}

	reconfig(request: Partial<ReconfigRequest>): Promise<ReconfigResponse> {
		const whole = { joining: '', leaving: '', newMembers: '', ...request };
		return new Promise((resolve, reject) => this.#raw.reconfig(whole, this.#metadata, callback(resolve, reject)));
	}

	/** Messages until so many satisfy the condition; the last of them. */
	watch(intervalMs: number, until: (message: WatchStatusResponse) => boolean): Promise<WatchStatusResponse[]> {
		const call = this.#raw.watchStatus({ intervalMs }, this.#metadata);
		const messages: WatchStatusResponse[] = [];
		return new Promise((resolve, reject) => {
			call.on('data', (message: WatchStatusResponse) => {
				messages.push(message);
				if (!until(message)) return;
				call.cancel();
				resolve(messages);
			});
			call.on('error', reject);
		});
	}
}

async function start() {
	const clientPort = await freePort();
	const server = await servers.start(servers.newDirectory(), { clientPort });
	const operator = new Operator(server.addresses.grpc);
	return { server, clientPort, operator, znodes: servers.connect(server.addresses.grpc) };
}

describe('the status as it goes on', () => {
	it('has rates and quantiles of what happened between two messages, by operation and door', async () => {
		const { operator, znodes, clientPort } = await start();
		await znodes.create('/before', null);
		const client = await WireClient.connect(clientPort);
		let asked = 0;
		const happened = new Map<string, number>();
		const answered: Promise<unknown>[] = [];
		const messages = await operator.watch(150, (message) => {
			if (message.intervalMs === 0) {
				for (; asked < 5; asked++) answered.push(znodes.create(`/g${asked}`, null));
				answered.push(znodes.get('/none').catch(() => undefined));
				for (let i = 0; i < 3; i++)
					answered.push(client.send({ kind: 'create', path: `/z${i}`, data: null, acl, flags: 0 }));
			}
			for (const { door, operation, rate } of message.operations) {
				const name = `${door} ${operation}`;
				happened.set(name, (happened.get(name) ?? 0) + (rate * message.intervalMs) / 1000);
			}
			return [...happened.values()].reduce((sum, count) => sum + Math.round(count), 0) >= 9;
		});
		await Promise.all(answered);
		await client.close();
		expect(messages[0]).toMatchObject({ intervalMs: 0, operations: [], logSync: undefined });
		expect(messages[0]!.status).toMatchObject({ role: 'standalone', ready: true });
		const last = messages.at(-1)!;
		expect(Math.round(happened.get('grpc create')!)).toBe(5);
		expect(Math.round(happened.get('zookeeper create')!)).toBe(3);
		const all = messages.flatMap(({ operations }) => operations);
		const read = all.find(({ operation }) => operation === 'getData')!;
		expect(read.errorRate).toBeCloseTo(read.rate, 6);
		for (const { latency } of all) {
			expect(latency!.p50Ms).toBeGreaterThan(0);
			expect(latency!.p99Ms).toBeGreaterThanOrEqual(latency!.p50Ms);
			expect(latency!.maxMs).toBeGreaterThanOrEqual(latency!.p99Ms);
		}
		const wrote = messages.find(({ logSync }) => logSync !== undefined)!;
		expect(wrote.logSync!.p50Ms).toBeGreaterThan(0);
		expect(wrote.batchSize).toBeGreaterThanOrEqual(1);
		expect(last.cpu).toBeGreaterThan(0);
		expect(last.memoryBytes).toBeGreaterThan(10_000_000n);
		expect(last.eventLoopDelay!.maxMs).toBeGreaterThanOrEqual(0);
		expect(last.connections).toEqual({ zookeeper: 1, 'grpc-session': 0, 'grpc-watch': 0, 'grpc-tail': 0 });
	});

	it('comes at intervals that are neither too short nor too long', async () => {
		const { operator } = await start();
		await expect(operator.watch(99, () => false)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
		await expect(operator.watch(3_600_001, () => false)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
		const [first] = await operator.watch(0, () => true);
		expect(first!.status!.lastZxid).toBe(0n);
	});

	it('ends when the server stops', async () => {
		const { operator, server } = await start();
		let closing: Promise<void> | undefined;
		const watched = operator.watch(3_600_000, () => {
			closing ??= server.close();
			return false;
		});
		await expect(watched).rejects.toMatchObject({ code: status.UNAVAILABLE });
		await closing;
	});
});

describe('connections', () => {
	it('are listed with what they did, and without what a digest is made of', async () => {
		const { operator, clientPort } = await start();
		const [first, second] = [await WireClient.connect(clientPort), await WireClient.connect(clientPort)];
		await first.send({ kind: 'auth', type: 0, scheme: 'digest', auth: Buffer.from('ann:secret') });
		await first.send({ kind: 'exists', path: '/a', watch: true });
		await first.send({ kind: 'exists', path: '/b', watch: true });
		const listed = await operator.list();
		expect(listed.map(({ kind, watches }) => [kind, watches])).toEqual([
			['zookeeper', 2],
			['zookeeper', 0],
		]);
		const [one] = listed;
		expect(one).toMatchObject({ outstanding: 0, received: 4n, sent: 4n });
		expect(one!.sessionId).toBe(BigInt.asUintN(64, first.session.id));
		expect(one!.timeoutMs).toBeGreaterThan(0);
		expect(one!.address).toMatch(/^127\.0\.0\.1:\d+$/);
		expect(one!.identities).toEqual([
			{ scheme: 'ip', id: '127.0.0.1' },
			{ scheme: 'digest', id: 'ann:x' },
		]);
		// The numbers stay, and are nobody else's.
		await first.close();
		await expect.poll(async () => (await operator.list()).length).toBe(1);
		const third = await WireClient.connect(clientPort);
		const again = await operator.list();
		expect(again[0]!.id).toBe(listed[1]!.id);
		expect(listed.map(({ id }) => id)).not.toContain(again[1]!.id);
		await Promise.all([second.close(), third.close()]);
	});

	it('are closed by number or as a share, and their sessions live on', async () => {
		const { operator, clientPort, server } = await start();
		const clients: WireClient[] = [];
		for (let i = 0; i < 8; i++) clients.push(await WireClient.connect(clientPort));
		const ids = (await operator.list()).map(({ id }) => id);
		expect(await operator.shed({ $case: 'connections', value: { ids: [ids[2]!, 999_999n] } })).toEqual({ closed: 1 });
		await clients[2]!.closed;
		expect((await operator.list()).map(({ id }) => id)).toEqual(ids.filter((id) => id !== ids[2]));
		expect(await operator.shed({ $case: 'share', value: 0.5 })).toEqual({ closed: 4 });
		await expect.poll(async () => (await operator.list()).length).toBe(3);
		expect(server.replica.host.sessions.size).toBe(8);
		const back = await WireClient.reattach(clientPort, clients[2]!.session);
		expect(back.session.id).toBe(clients[2]!.session.id);
		expect(await operator.shed({ $case: 'share', value: 1 })).toEqual({ closed: 4 });
		for (const value of [0, -1, 1.01, Number.NaN])
			await expect(operator.shed({ $case: 'share', value })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
		await expect(operator.shed({ $case: 'connections', value: { ids: [] } })).rejects.toMatchObject({
			code: status.INVALID_ARGUMENT,
		});
		await expect(operator.shed(undefined)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
		for (const client of clients) await client.closed;
		await back.closed;
	});
});

describe('the members of an ensemble', () => {
	it('of a standalone server are none, and cannot be changed', async () => {
		const { operator } = await start();
		expect(await operator.config()).toMatchObject({ config: '', stat: { version: 0 } });
		await expect(operator.reconfig({ leaving: '2' })).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
		for (const request of [{}, { newMembers: 'server.1=a:1:2', leaving: '2' }])
			await expect(operator.reconfig(request)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
	});

	it('82: are read and changed, by who may, from the version that is expected', async () => {
		const ensemble = servers.keep(
			await startEnsemble({
				members: ['chronokeeper', 'chronokeeper', 'chronokeeper'],
				isReconfigurable: true,
				initLimit: 60,
				syncLimit: 60,
			}),
		);
		const leader = await ensemble.leader();
		const [follower, other] = ensemble.members.filter((member) => member !== leader);
		const { grpc } = await follower!.doors();
		const leaving = String(other!.id);
		const operator = new Operator(grpc, `Basic ${Buffer.from(superUser.auth).toString('base64')}`);
		const before = await operator.config();
		expect(before.config.split('\n').filter((line) => line.startsWith('server.')).length).toBe(3);
		const fromVersion = before.stat!.mzxid;
		expect(before.config).toContain(`version=${fromVersion.toString(16)}`);
		await expect(new Operator(grpc).reconfig({ leaving })).rejects.toMatchObject({
			code: status.PERMISSION_DENIED,
		});
		await expect(operator.reconfig({ leaving, fromVersion: fromVersion + 1n })).rejects.toMatchObject({
			code: status.FAILED_PRECONDITION,
		});
		const after = await operator.reconfig({ leaving, fromVersion });
		expect(after.config).not.toContain(`server.${leaving}=`);
		expect(after.stat!.mzxid).toBeGreaterThan(fromVersion);
		expect((await operator.config()).config).toBe(after.config);
	});
});
