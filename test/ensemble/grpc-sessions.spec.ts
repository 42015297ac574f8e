/** Sessions and their streams in an ensemble: they outlive the replica they are at, and its leader. */
import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { errors } from '#jute/errors';
import { Consistency, CreateMode } from '#proto/chronokeeper/v1/znode';
import { type EnsembleMember, startEnsemble } from '#test/support/ensemble';
import { GrpcCaller, inside, type SessionProof, zooKeeperCode } from '#test/support/grpc-session';
import { OperateClient, operation } from '#test/support/operate-client';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

const ephemeral = CreateMode.CREATE_MODE_EPHEMERAL;

async function start() {
	const ensemble = servers.keep(await startEnsemble({ members: ['chronokeeper', 'chronokeeper', 'chronokeeper'] }));
	const leader = await ensemble.leader();
	const followers = ensemble.members.filter((member) => member !== leader);
	const callerOf = async (member: EnsembleMember) => servers.keep(new GrpcCaller((await member.doors()).grpc));
	const callers = await Promise.all(followers.map(callerOf));
	return { ensemble, leader, atLeader: await callerOf(leader), callers: callers as [GrpcCaller, GrpcCaller] };
}

/** As a client does whose replica has no leader for a moment. */
async function attachWhenPossible(caller: GrpcCaller, session: SessionProof): Promise<OperateClient> {
	for (;;) {
		try {
			return servers.keep(await OperateClient.attach(caller, session));
		} catch (error) {
			expect((error as { code: number }).code).toBe(status.UNAVAILABLE);
		}
	}
}

describe('a session over gRPC in an ensemble', () => {
	it('62: moves with its ephemeral nodes when the leader is lost; its stream ends, and what it had answered is so', async () => {
		const { leader, callers } = await start();
		const [caller, other] = callers;
		const client = servers.keep(await OperateClient.open(caller, 20_000));
		await client.ask('create', { path: '/e', mode: ephemeral });
		let id = 0;
		let isOver = false;
		void client.ended.then(() => (isOver = true));
		const sending = (async () => {
			while (!isOver) {
				client.send(Array.from({ length: 20 }, () => operation(++id, 'create', { path: `/n${id}` })));
				await new Promise<void>((resolve) => setImmediate(resolve));
			}
		})();
		await client.until(() => client.replies.length > 200);
		await leader.stop('SIGKILL');
		const end = await client.ended;
		await sending;
		expect(end).toMatchObject({ code: status.UNAVAILABLE });
		// In the order they were sent, without a hole. Of those behind them nobody knows the outcome.
		const answered = client.replies.filter((reply) => reply.id < 1_000_000);
		expect(answered.map((reply) => reply.id)).toEqual(answered.map((_, i) => i + 1));
		const again = await attachWhenPossible(other, client.session!);
		expect(await again.ask('getEphemerals', { consistency: Consistency.CONSISTENCY_LINEARIZABLE })).toMatchObject({
			$case: 'getEphemerals',
			value: { paths: ['/e'] },
		});
		for (const { id: each, result } of answered) {
			if (result?.$case !== 'create') continue;
			const there = await again.ask('exists', { path: `/n${each}` });
			expect(there.$case === 'exists' && there.value.stat, `/n${each} was acknowledged`).toBeDefined();
		}
	});

	it('65: moves to the replica where it is attached; the former one hears so with its next write', async () => {
		const { callers } = await start();
		const [first, second] = callers;
		const one = servers.keep(await OperateClient.open(first, 20_000));
		const session = one.session!;
		await one.ask('create', { path: '/e', mode: ephemeral });
		const two = servers.keep(await OperateClient.attach(second, session));
		expect((await two.ask('set', { path: '/e' })).$case).toBe('set');
		one.send([operation(7, 'set', { path: '/e' })]);
		const end = await one.ended;
		expect(end).toMatchObject({ code: status.FAILED_PRECONDITION });
		expect(zooKeeperCode(end)).toBe(errors.sessionMoved.code);
		// A call that names it brings it back.
		await first.call(first.znodes, 'set', { path: '/e' }, inside(session));
		const stale = await two.ask('set', { path: '/e' }).catch((error: unknown) => error);
		expect(zooKeeperCode(stale)).toBe(errors.sessionMoved.code);
	});

	it('69: reads linearizably in its turn, at a follower', async () => {
		const { callers, atLeader } = await start();
		const [caller] = callers;
		const client = servers.keep(await OperateClient.open(caller, 20_000));
		await client.ask('create', { path: '/l' });
		for (let round = 0; round < 50; round++) {
			const { stat } = await atLeader.call(atLeader.znodes, 'set', { path: '/l' });
			const linearizable = { path: '/l', consistency: Consistency.CONSISTENCY_LINEARIZABLE };
			const from = client.replies.length;
			client.send([
				operation(1, 'get', linearizable),
				operation(2, 'set', { path: '/l' }),
				operation(3, 'exists', linearizable),
				operation(4, 'get', { path: '/l' }),
			]);
			await client.until(() => client.replies.length === from + 4);
			const replies = client.replies.slice(from);
			expect(replies.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
			const versions = replies.map(({ result }) =>
				result?.$case === 'get' || result?.$case === 'set' || result?.$case === 'exists'
					? result.value.stat?.version
					: result,
			);
			const known = stat!.version;
			expect(versions).toEqual([known, known + 1, known + 1, known + 1]);
		}
	});
});
