/** The figures of a leader and of a follower, beside those of Apache ZooKeeper's: what mntr has under which name. */
import { expect, it } from 'vitest';
import { type MemberKind, startEnsemble } from '#test/support/ensemble';
import { WireClient } from '#test/support/wire-client';

const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }];

/** What a leader's mntr has that a follower's has not, and these figures of the leader, behind ten writes of a follower's client and a sync. */
async function figures(kind: MemberKind) {
	await using ensemble = await startEnsemble({ members: [kind, kind, kind], observers: [kind] });
	const leader = await ensemble.leader();
	const follower = await ensemble.follower();
	const client = await WireClient.connect(follower.place.clientPort);
	for (let i = 0; i < 10; i++)
		await client.send({ kind: 'create', path: `/n${i}`, data: new Uint8Array(100 * i), acl, flags: 0 });
	await client.send({ kind: 'sync', path: '/' });
	const [led, followed] = [await leader.monitor(), await follower.monitor()];
	const number = (name: string) => Number(led.get(`zk_${name}`));
	await client.close();
	const names = ['learners', 'synced_followers', 'synced_non_voting_followers', 'synced_observers', 'pending_syncs'];
	return {
		// The queue of each learner is nothing that ours has.
		ofLeaders: [...led.keys()].filter((name) => !followed.has(name) && !name.includes('_learner_handler_qp_')).sort(),
		values: names.map((name) => [name, number(name)]),
		sizes: ['min', 'last', 'max'].map((name) => number(`${name}_proposal_size`)),
	};
}

it('a leader has the figures of a ZooKeeper leader', async () => {
	const theirs = await figures('zookeeper');
	const ours = await figures('chronokeeper');
	expect(ours.ofLeaders).toEqual(theirs.ofLeaders);
	expect(ours.values).toEqual(theirs.values);
	// The last one is the largest: it has 900 bytes of data, and the first one, that of the session, almost none.
	for (const [least, last, most] of [ours.sizes, theirs.sizes] as [number, number, number][]) {
		expect(least).toBeGreaterThan(0);
		expect(least).toBeLessThan(900);
		expect(last).toBeGreaterThan(900);
		expect(most).toBe(last);
	}
});
