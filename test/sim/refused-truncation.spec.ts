/**
 * A leader dies with a transaction that nobody else has, and starts again with it in its only snapshot. The others go on in a new epoch without it, and one of them
 * dies. The two that are left are a quorum only together, and no transaction can be made that would get the old leader a snapshot by itself: it is told to cut what
 * it cannot cut, and has to ask.
 */
import { expect, it } from 'vitest';
import type { Reply } from '#core/model/op';
import { noSession } from '#core/model/zxid';
import { parseQuorumConfig } from '#core/zab/parse-quorum-config';
import { SimMember } from './ensemble/sim-member.ts';
import { SimNetwork } from './ensemble/sim-network.ts';
import { World } from './ensemble/world.ts';

const seeds = Array.from({ length: 20 }, (_, i) => 1 + i * 7919);

function openSession(member: SimMember): Reply[] {
	const replies: Reply[] = [];
	member.host!.submit({
		sessionId: noSession,
		cxid: 0,
		op: { kind: 'createSession', timeoutMs: 4000 },
		caller: { door: 'zookeeper', identities: [], address: '10.0.0.1' },
		reply: (reply) => replies.push(reply),
	});
	return replies;
}

it.each(seeds)(
	'80: a quorum that needs a server whose snapshot holds what is to be cut comes together, seed %i',
	async (seed) => {
		const world = new World(seed);
		const config = parseQuorumConfig(
			[1, 2, 3].map((id) => `server.${id}=10.0.0.${id}:2888:3888:participant`).join('\n'),
		);
		const network = new SimNetwork(world, (to, from, notification) => {
			members.find(({ id }) => id === to)?.peer?.notified(from, notification);
		});
		const broken: string[] = [];
		const events = {
			committed: () => {},
			established: () => {},
			tell: () => {},
			usedUp: () => {},
			broken: (id: number, reason: Error) => broken.push(`${id}: ${reason.message}`),
			requestFailed: (error: unknown) => broken.push(String(error)),
		};
		const members = [1, 2, 3].map((id) => new SimMember(id, world, network, config, events));
		for (const member of members) member.start();
		await world.run(5000);
		const old = members.find(({ peer }) => peer?.state === 'leading')!;
		const others = members.filter((member) => member !== old);
		openSession(others[0]!);
		await world.run(1000);

		for (const { id } of others) {
			network.cut(old.id, id);
			network.cut(id, old.id);
		}
		const unconfirmed = openSession(old);
		await world.run(100);
		old.kill(0);
		old.start();
		const before = old.host!.lastProcessedZxid;
		const frozen = old.host!.snapshotPoint();
		old.disk.write(frozen);
		frozen.release();
		// No longer than it takes them to have a leader: the session of before must not expire.
		await world.run(3000);
		expect(unconfirmed).toEqual([]);
		const leader = others.find(({ peer }) => peer?.state === 'leading')!;
		expect(leader.host!.state).toBe('serving');
		expect(leader.host!.lastProcessedZxid).toBeLessThan(before);
		for (const member of others) member.kill(0);
		network.heal();
		leader.start();
		await world.run(20_000);

		expect(broken).toEqual([]);
		expect(old.counts).toMatchObject({ refused: 1, installed: 1 });
		expect([old.host!.state, leader.host!.state]).toEqual(['serving', 'serving']);
		const replies = openSession(old);
		await world.run(1000);
		expect(replies).toMatchObject([{ error: 0 }]);
		expect(old.host!.tree.digest()).toBe(leader.host!.tree.digest());
		expect(old.disk.read().length).toBeGreaterThan(0);
	},
);
