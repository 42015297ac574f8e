/** A leader that a reconfiguration removes: who follows it goes over to the next one without an election. */

import { expect, it } from 'vitest';
import type { ReconfigOp, Reply } from '#core/model/op';
import { configPath } from '#core/model/path';
import { noSession } from '#core/model/zxid';
import { startThree, type Three } from './ensemble/world-of-three.ts';

const nothing = { joiningServers: null, leavingServers: null, newMembers: null, configId: -1n } as const;
const caller = { door: 'zookeeper', identities: [], address: '10.0.0.9' } as const;

async function reconfigure({ world, members }: Three, through: number, wanted: Partial<ReconfigOp>): Promise<Reply> {
	const replies: Reply[] = [];
	const op: ReconfigOp = { kind: 'reconfig', ...nothing, ...wanted };
	const request = { sessionId: noSession, cxid: 1, op, caller, reply: (reply: Reply) => replies.push(reply) };
	members[through - 1]!.host!.submit(request);
	await world.run(100);
	expect(replies).toHaveLength(1);
	return replies[0]!;
}

const rounds = ({ members }: Three): number[] => members.map(({ peer }) => peer!.vote.electionEpoch);
const states = ({ members }: Three): string[] => members.map(({ peer }) => peer!.state);

it.each([
	['removed', { leavingServers: '3' }, ['following', 'leading', 'following']],
	[
		'made an observer',
		{ joiningServers: 'server.3=10.0.0.3:2888:3888:observer;2181' },
		['following', 'leading', 'observing'],
	],
	['moved', { joiningServers: 'server.3=10.0.0.3:2999:3888;2181' }, ['following', 'leading', 'following']],
])('82: the leader is %s', async (_what, wanted, expected) => {
	const three = await startThree(3, { reconfigEnabled: true });
	expect(states(three)).toEqual(['following', 'following', 'leading']);
	const before = rounds(three);
	const { error, result, zxid } = await reconfigure(three, 3, wanted);
	expect(error).toBe(0);
	expect(result?.kind === 'reconfig' && new TextDecoder().decode(result.data!)).toContain(
		`version=${zxid.toString(16)}`,
	);
	await three.world.run(200);
	const after = states(three);
	// Either of the two that stay is as good.
	if (after[0] === 'leading') expect(after.toSpliced(0, 2, after[1]!, after[0])).toEqual(expected);
	else expect(after).toEqual(expected);
	expect(rounds(three)).toEqual(before);
	for (const { host } of three.members) expect(host!.state).toBe('serving');
	expect(three.checkers.findings).toEqual([]);
});

it('82: an observer becomes a follower again, and who was away learns of it from the others', async () => {
	const three = await startThree(3, { reconfigEnabled: true });
	const { world, members, checkers } = three;
	await reconfigure(three, 2, { joiningServers: 'server.2=10.0.0.2:2888:3888:observer;2181' });
	expect(states(three)).toEqual(['following', 'observing', 'leading']);
	expect((await reconfigure(three, 2, { joiningServers: 'server.2=10.0.0.2:2888:3888;2181' })).error).toBe(0);
	await world.run(200);
	expect(states(three)).toEqual(['following', 'following', 'leading']);
	members[0]!.kill(true);
	const { zxid } = await reconfigure(three, 2, { joiningServers: 'server.1=10.0.0.1:2888:3888;2999' });
	await members[0]!.start();
	await world.run(1000);
	expect(states(three)).toEqual(['following', 'following', 'leading']);
	const shown = members.map(({ host }) => new TextDecoder().decode(host!.tree.data(configPath)!));
	expect(new Set(shown).size).toBe(1);
	expect(shown[0]).toContain(`version=${zxid.toString(16)}`);
	expect(checkers.findings).toEqual([]);
});
