/**
 * A leader dies with a transaction that nobody else has, and starts again with it in its only snapshot. The others go on in a new epoch without it, and one of them
 * dies. The two that are left are a quorum only together, and no transaction can be made that would get the old leader a snapshot by itself: it is told to cut what
 * it cannot cut, and has to ask.
 */
import { expect, it } from 'vitest';
import type { Reply } from '#core/model/op';
import { noSession } from '#core/model/zxid';
import type { SimMember } from './ensemble/sim-member.ts';
import { startThree } from './ensemble/world-of-three.ts';

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
		const { world, network, members, checkers } = await startThree(seed);
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
		old.kill(false);
		await old.start();
		const before = old.host!.lastProcessedZxid;
		await old.machine.snapshot(old.host!);
		// No longer than it takes them to have a leader: the session of before must not expire.
		await world.run(3000);
		expect(unconfirmed).toEqual([]);
		const leader = others.find(({ peer }) => peer?.state === 'leading')!;
		expect(leader.host!.state).toBe('serving');
		expect(leader.host!.lastProcessedZxid).toBeLessThan(before);
		for (const member of others) member.kill(false);
		network.heal();
		await leader.start();
		await world.run(20_000);

		expect(checkers.findings).toEqual([]);
		expect(old.machine.counts).toMatchObject({ refused: 1, installed: 1 });
		expect([old.host!.state, leader.host!.state]).toEqual(['serving', 'serving']);
		const replies = openSession(old);
		await world.run(1000);
		expect(replies).toMatchObject([{ error: 0 }]);
		expect(old.host!.tree.digest()).toBe(leader.host!.tree.digest());
		expect(old.machine.records().length).toBeGreaterThan(0);
	},
);
