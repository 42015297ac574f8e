/** Sessions that one member of an ensemble knows alone (semantics 66): a follower's, whose writes go by a leader that has never heard of it. */
import { expect, it } from 'vitest';
import type { CreateMode, Op, Reply } from '#core/model/op';
import { noSession, type SessionId } from '#core/model/zxid';
import { openAcl } from '#jute/acl';
import { errors } from '#jute/errors';
import { startThree } from './ensemble/world-of-three.ts';

const timeoutMs = 4000;
const create = (path: string, mode: CreateMode = 'persistent'): Op => ({
	kind: 'create',
	path,
	data: null,
	acl: openAcl,
	mode,
	withStat: false,
});

/** Three members that serve, and a local session at a follower. */
async function begin(isUpgrading: boolean) {
	const options = { localSessionsEnabled: true, localSessionsUpgradingEnabled: isUpgrading };
	const { world, members, checkers } = await startThree(7, options);
	/** What these requests come to is not for the checkers, which know clients of their own. */
	const bugs = () => checkers.findings.filter((finding) => /broke|bug/.test(finding));
	const leader = members.find(({ peer }) => peer?.state === 'leading')!.host!;
	const follower = members.find(({ peer }) => peer?.state === 'following')!.host!;
	let cxid = 0;
	const call = async (op: Op, sessionId: SessionId): Promise<Reply> => {
		let answer: Reply | undefined;
		const caller = { door: 'zookeeper', identities: [], address: '10.0.0.9' } as const;
		follower.submit({ sessionId, cxid: ++cxid, op, caller, reply: (reply) => (answer = reply) });
		await world.run(300);
		return answer!;
	};
	const zxid = leader.lastProcessedZxid;
	const { result } = await call({ kind: 'createSession', timeoutMs }, noSession);
	const session = result?.kind === 'createSession' ? result.sessionId : noSession;
	expect(session).not.toBe(noSession);
	// No transaction made it.
	expect([leader.lastProcessedZxid, leader.sessions.get(session)]).toEqual([zxid, undefined]);
	const errorOf = async (op: Op): Promise<number> => (await call(op, session)).error;
	return { world, bugs, hosts: members.map(({ host }) => host!), leader, follower, session, errorOf };
}

it('66: a local session at a follower writes, and becomes global with its first ephemeral node, which goes with it', async () => {
	const { world, bugs, hosts, leader, follower, session, errorOf } = await begin(true);
	expect(await errorOf(create('/persistent'))).toBe(0);
	expect(leader.sessions.get(session)).toBeUndefined();
	expect(await errorOf({ kind: 'multi', ops: [create('/e', 'ephemeral') as never] })).toBe(0);
	for (const host of hosts) {
		expect(host.sessions.committed().get(session)).toBe(timeoutMs);
		expect(host.tree.node('/e')?.stat.ephemeralOwner).toBe(session);
	}
	// The leader hears of its client by the follower's pings.
	for (let i = 0; i < 20; i++) {
		await errorOf({ kind: 'ping' });
		await world.run(700);
	}
	expect(follower.tree.node('/e')).toBeDefined();
	await world.run(timeoutMs + 1000);
	for (const host of hosts) expect([host.tree.node('/e'), host.sessions.get(session)]).toEqual([undefined, undefined]);
	expect(follower.tree.node('/persistent')).toBeDefined();
	expect(bugs()).toEqual([]);
});

it('66: without upgrading it has no ephemeral nodes, and it expires where it is', async () => {
	const { world, leader, follower, session, errorOf } = await begin(false);
	const ephemeral = create('/e', 'ephemeral');
	expect(await errorOf(ephemeral)).toBe(errors.ephemeralOnLocalSession.code);
	expect(await errorOf({ kind: 'multi', ops: [ephemeral as never] })).toBe(errors.ephemeralOnLocalSession.code);
	expect(await errorOf(create('/persistent'))).toBe(0);
	for (let i = 0; i < 20; i++) {
		await errorOf({ kind: 'ping' });
		await world.run(700);
	}
	expect(follower.sessions.get(session)?.isLocal).toBe(true);
	const zxid = leader.lastProcessedZxid;
	await world.run(timeoutMs + 1000);
	// No transaction ends it either.
	expect([follower.sessions.get(session), leader.lastProcessedZxid]).toEqual([undefined, zxid]);
	expect(await errorOf({ kind: 'exists', path: '/', watch: false })).toBe(errors.sessionExpired.code);
});

it('66: an ephemeral node of a session that nobody knows any more is refused', async () => {
	const { world, session, follower, errorOf } = await begin(true);
	await world.run(timeoutMs + 1000);
	expect(await errorOf(create('/e', 'ephemeral'))).toBe(errors.sessionExpired.code);
	expect([follower.tree.node('/e'), follower.sessions.get(session)]).toEqual([undefined, undefined]);
});
