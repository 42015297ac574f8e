/** Linearizable reads over gRPC: what is read at one replica is not older than what was acknowledged at another. */
import { credentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChronokeeperClient } from '#client/client';
import { Consistency, GetRequest, ZnodeServiceClient } from '#proto/chronokeeper/v1/znode';
import { ck } from '#test/support/ck';
import { type Ensemble, type EnsembleMember, startEnsemble } from '#test/support/ensemble';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
afterAll(async () => {
	await servers.close();
	servers.remove();
});

const text = new TextEncoder();
const linearizable = { linearizable: true } as const;

interface Replica {
	readonly member: EnsembleMember;
	readonly client: ChronokeeperClient;
	readonly http: string;
}

/** Three processes of Chronokeeper and a client of each, the leader's first. */
async function start(): Promise<readonly [Ensemble, Replica, Replica, Replica]> {
	const ensemble = servers.keep(await startEnsemble({ members: ['chronokeeper', 'chronokeeper', 'chronokeeper'] }));
	const leader = await ensemble.leader();
	const members = [leader, ...ensemble.members.filter((member) => member !== leader)];
	const replicas = await Promise.all(
		members.map(async (member): Promise<Replica> => {
			const { grpc, http } = await member.doors();
			return { member, http, client: servers.connect(grpc, { timeoutMs: 30_000 }) };
		}),
	);
	return [ensemble, ...(replicas as [Replica, Replica, Replica])];
}

async function metric({ http }: Replica, name: string): Promise<number> {
	const metrics = await (await fetch(`http://${http}/metrics`)).text();
	return Number(new RegExp(`^chronokeeper_${name} (\\d+)$`, 'm').exec(metrics)?.[1]);
}

describe('a linearizable read', () => {
	let ensemble: Ensemble;
	let replicas: readonly [Replica, Replica, Replica];
	/** For all cases: the last one stops two of them. */
	beforeAll(async () => {
		[ensemble, ...replicas] = await start();
	});

	it('69: is never stale, at whichever replica; many together take a few rounds', async () => {
		/** 250 pairs of a write and a read on one node, one after the other. @returns how many reads did not see the write */
		const staleOf = async (path: string): Promise<number> => {
			await replicas[0].client.create(path, null);
			let stale = 0;
			for (let i = 0; i < 250; i++) {
				const [writer, reader] = [replicas[i % 3]!.client, replicas[(i + 1 + (i % 2)) % 3]!.client];
				const { zxid } = await writer.set(path, text.encode(`${i}`));
				const read = await reader.get(path, linearizable);
				if (read.zxid < zxid || Buffer.from(read.data!).toString() !== `${i}`) stale += 1;
			}
			return stale;
		};
		expect(await Promise.all(['/counter', '/second', '/third', '/fourth'].map(staleOf))).toEqual([0, 0, 0, 0]);

		for (const replica of replicas) {
			const before = await metric(replica, 'read_barrier_rounds_total');
			await Promise.all(Array.from({ length: 100 }, () => replica.client.get('/counter', linearizable)));
			const rounds = (await metric(replica, 'read_barrier_rounds_total')) - before;
			expect(rounds).toBeGreaterThan(0);
			expect(rounds).toBeLessThan(20);
			await replica.client.get('/counter');
			expect(await metric(replica, 'read_barrier_rounds_total')).toBe(before + rounds);
		}
	});

	it('69: there is one of each kind, and they see what was acknowledged elsewhere', async () => {
		const [leader, follower, other] = replicas;
		const acl = [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }];
		for (let i = 0; i < 30; i++) {
			const [writer, reader] = i % 2 === 0 ? [follower.client, other.client] : [other.client, leader.client];
			const path = `/n${i}`;
			await writer.create(path, null);
			const before = await reader.allChildrenNumber('/', linearizable);
			await writer.create(`${path}/c`, null, { acl });
			expect(await reader.exists(`${path}/c`, linearizable)).toBeDefined();
			await writer.create(`${path}/d`, null, { acl });
			expect((await reader.children(path, linearizable)).names).toEqual(['c', 'd']);
			await writer.create(`${path}/e`, null, { acl });
			expect((await reader.getAcl(`${path}/e`, linearizable)).acl).toEqual(acl);
			expect(await reader.allChildrenNumber('/', linearizable)).toBe(before + 3);
			await writer.create(`${path}/f`, null);
			const { results } = await reader.multiRead([
				{
					op: {
						$case: 'get',
						value: GetRequest.create({ path: `${path}/f`, consistency: Consistency.CONSISTENCY_LINEARIZABLE }),
					},
				},
			]);
			expect(results.map(({ result }) => result?.$case)).toEqual(['get']);
		}
	});

	it('69: is what ck does with --linearizable', async () => {
		const [, follower] = replicas;
		const { grpc } = await follower.member.doors();
		for (const command of ['get', 'ls', 'stat']) {
			const before = await metric(follower, 'read_barrier_rounds_total');
			for (const more of [[], ['--linearizable']]) {
				const { status: exitCode, stderr } = await ck([command, '/', '--server', grpc, ...more]);
				expect([exitCode, stderr]).toEqual([0, '']);
			}
			expect(await metric(follower, 'read_barrier_rounds_total'), command).toBe(before + 1);
		}
	});

	it('69: is not answered by a leader that is cut off, and leaves nothing behind', async () => {
		const [leader, ...others] = replicas;
		await leader.client.create('/kept', null);
		for (const { member } of others) member.pause();
		const short = servers.connect((await leader.member.doors()).grpc, { timeoutMs: 300 });
		const answers = await Promise.allSettled([short.get('/kept', linearizable), short.exists('/kept', linearizable)]);
		expect(answers.map((answer) => answer.status === 'rejected' && answer.reason.status)).toEqual([
			'DEADLINE_EXCEEDED',
			'DEADLINE_EXCEEDED',
		]);
		await expect.poll(() => metric(leader, 'read_barrier_waiting')).toBe(0);
		// It does not know yet that it does not lead any more: what it has applied it may show.
		expect((await leader.client.get('/kept')).data).toBeNull();
		const answer = leader.client.get('/kept', linearizable);
		answer.catch(() => undefined); // Looked at below.
		await expect.poll(async () => Number((await leader.member.monitor()).get('zk_pending_syncs'))).toBeGreaterThan(0);
		await expect(answer).rejects.toMatchObject({
			status: 'UNAVAILABLE',
			message: expect.stringContaining('this replica has no leader at the moment'),
		});
		expect(await metric(leader, 'read_barrier_waiting')).toBe(0);
		for (const { member } of others) member.proceed();
		await ensemble.leader();
		await ensemble.allServe();
		await expect
			.poll(() => leader.client.get('/kept', linearizable).catch(() => undefined))
			.toMatchObject({ data: null });
	});
});

it('a single server reads so without asking anybody; what it does not know it refuses', async () => {
	const { addresses } = await servers.start(servers.newDirectory());
	const client = servers.connect(addresses.grpc);
	expect((await client.get('/', linearizable)).data).toHaveLength(0);
	const metrics = await (await fetch(`http://${addresses.http}/metrics`)).text();
	expect(metrics).toMatch(/^chronokeeper_read_barrier_rounds_total 0$/m);
	const raw = servers.keep(new ZnodeServiceClient(addresses.grpc, credentials.createInsecure()));
	const request = GetRequest.create({ path: '/', consistency: 77 as Consistency });
	const error = await new Promise<ServiceError | null>((resolve) => raw.get(request, resolve));
	expect(error).toMatchObject({ code: status.INVALID_ARGUMENT, details: '77 is not a Consistency' });
});
