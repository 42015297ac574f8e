import { beforeEach, describe, expect, it } from 'vitest';
import { protocolVersion, writeLearnerInfo } from '#jute/quorum/learner-info';
import { packetType } from '#jute/quorum/packets';
import { configOf, fixedMembership, ScriptedPeer } from '#test/sim/scripted-peer';
import { SimReplica } from '#test/sim/sim-replica';
import { VirtualTimers } from '#test/sim/virtual-timers';
import type { Notification } from '../ports/election-network.ts';
import type { QuorumNetwork } from '../ports/quorum-link.ts';
import type { ReplicaStorage } from '../ports/replica-storage.ts';
import { packet } from '../zab/messages.ts';
import { MemberHistory } from './member-history.ts';
import { Peer } from './peer.ts';

const vote: Notification = { state: 'looking', leader: 3, zxid: 0, electionEpoch: 1, peerEpoch: 0, config: null };

type Connected = Parameters<QuorumNetwork['accept']>[0];

/** Server 3 of three, elected by itself and server 2, who does not come. */
async function elected(maxEpochWaitMs?: number) {
	const timers = new VirtualTimers();
	const { host } = new SimReplica({ isMember: true });
	const reasons: string[] = [];
	let connected: Connected | undefined;
	const accept = (listener: Connected) => {
		connected = listener;
		return () => {};
	};
	const peer = new Peer({
		serverId: 3,
		host,
		history: new MemberHistory(host, { acceptedEpoch: 0, currentEpoch: 0 } as ReplicaStorage),
		membership: fixedMembership(3, configOf(3)),
		elections: { send: () => {} },
		quorum: { connect: () => Promise.reject(new Error('nobody is there')), accept },
		after: timers.after,
		clock: { now: () => timers.nowMs, monotonicMs: () => timers.nowMs },
		limits: { tickMs: 1000, initLimit: 10, syncLimit: 5 },
		...(maxEpochWaitMs === undefined ? {} : { maxEpochWaitMs }),
		events: { stateChanged: (_state, _leader, reason) => reason && reasons.push(reason.message) },
	});
	peer.start();
	await new Promise((resolve) => setImmediate(resolve));
	peer.notified(2, vote);
	timers.advance(200);
	return { peer, timers, reasons, learner: () => new ScriptedPeer('learner', connected!) };
}

describe('79: a leader that waits for a quorum to name its epochs, with maxTimeToWaitForEpoch', () => {
	let member: Awaited<ReturnType<typeof elected>>;
	beforeEach(async () => {
		member = await elected(500);
	});

	it('79: gives up after that time when one who elected it looks again', () => {
		const { peer, timers, reasons } = member;
		expect(peer.state).toBe('leading');
		timers.advance(500);
		peer.notified(2, { ...vote, electionEpoch: 2 });
		expect(reasons).toEqual([]);
		timers.advance(1);
		peer.notified(2, { ...vote, electionEpoch: 2 });
		expect(reasons).toEqual(['server 2 had voted for this one, and looks for a leader again after 501 ms']);
		expect(peer.leader).toBeNull();
	});

	it('79: goes on when one looks that had not voted for it, or when one follows', () => {
		const { peer, timers, reasons } = member;
		timers.advance(501);
		peer.notified(1, { ...vote, electionEpoch: 2 });
		peer.notified(2, { ...vote, state: 'following' });
		expect(reasons).toEqual([]);
	});

	it('79: goes on when a quorum has named them', async () => {
		const { peer, timers, reasons, learner } = member;
		const one = learner();
		const info = writeLearnerInfo({ serverId: 1, protocolVersion, configVersion: 0, isMarked: false });
		one.send(packet(packetType.followerInfo, 0, info));
		await one.heard();
		expect(peer.leader?.epoch).toBe(1);
		timers.advance(501);
		peer.notified(2, { ...vote, electionEpoch: 2 });
		expect(reasons).toEqual([]);
	});

	it.each([undefined, -1])('79: goes on without it (%s)', async (maxEpochWaitMs) => {
		const { peer, timers, reasons } = await elected(maxEpochWaitMs);
		timers.advance(9000);
		peer.notified(2, { ...vote, electionEpoch: 2 });
		expect(reasons).toEqual([]);
		expect(peer.state).toBe('leading');
	});
});
