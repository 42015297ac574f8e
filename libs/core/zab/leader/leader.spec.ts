import { describe, expect, it } from 'vitest';
import { protocolVersion, readLeaderInfo, writeIntData, writeLearnerInfo } from '#jute/quorum/learner-info';
import { packetType } from '#jute/quorum/packets';
import { writeRevalidation, writeTouches } from '#jute/quorum/session-data';
import type { SessionId } from '#jute/scalars';
import { ack, info, LeaderFixture } from '#test/sim/leader-fixture';
import { SeededRandom } from '#test/sim/random';
import { epochRecords, randomPacket, txnRecord } from '#test/sim/scripted-peer';
import { makeZxid } from '../../model/zxid.ts';
import { packet, requestPacket, syncRequest } from '../messages.ts';

const sessionId = 0x1000n as SessionId;

describe('discovery', () => {
	it('78: a leader whose own state came from a fuzzy snapshot and is not proved does not call its snapshots exact', async () => {
		const fixture = new LeaderFixture();
		fixture.history.isExact = false;
		const two = fixture.join();
		two.send(info(2, 4));
		await two.heard();
		expect(readLeaderInfo(two.packets[0]!.data!)).toEqual({ protocolVersion, isExact: false, isMarked: true });
	});

	it('80: a learner that has promised the epoch and needs a snapshot says the zxid of the next epoch, and gets one', async () => {
		const fixture = new LeaderFixture();
		const [two, three] = [fixture.join(), fixture.join()];
		for (const [peer, id] of [
			[two, 2],
			[three, 3],
		] as const) {
			peer.send(info(id, 1));
			await peer.heard();
		}
		two.send(packet(packetType.ackEpoch, makeZxid(1, 5), writeIntData(1)));
		three.send(packet(packetType.ackEpoch, makeZxid(3, 0), writeIntData(-1)));
		expect((await three.heard())[0]).toBe('SNAP 0x100000005');
		expect((await two.heard())[0]).toBe('DIFF 0x100000005');
	});

	it('6: the epoch is one more than any of a quorum accepted, and is written before a learner hears of it', async () => {
		const fixture = new LeaderFixture();
		const two = fixture.join();
		const observer = fixture.join();
		observer.send(info(4, 6, 'observerInfo'));
		expect(await observer.heard()).toEqual([]);
		two.send(info(2, 4));
		expect(fixture.disk.acceptedEpoch).toBe(7);
		expect(await two.heard()).toEqual(['LEADERINFO 0x700000000']);
		// ZooKeeper's learners read the first four bytes; the rest says that snapshots are exact.
		expect([...two.packets[0]!.data!.subarray(0, 4)]).toEqual([0, 1, 0, 0]);
		expect(readLeaderInfo(two.packets[0]!.data!)).toEqual({ protocolVersion, isExact: true, isMarked: true });
		expect(await observer.heard()).toEqual(['LEADERINFO 0x700000000']);
		expect(fixture.leader.epoch).toBe(7);
	});

	it('79: a follower with a more recent history does not count, and neither does a promise that was given before', async () => {
		for (const [zxid, currentEpoch] of [
			[makeZxid(1, 6), 1],
			[makeZxid(1, 2), 2],
			[makeZxid(1, 5), -1],
		] as const) {
			const fixture = new LeaderFixture();
			const { learner, heard } = await fixture.upTo(2, zxid, currentEpoch);
			expect(heard).toEqual([]);
			expect(learner.isClosed).toBe(currentEpoch !== -1);
			expect(fixture.disk.currentEpoch).toBe(1);
			expect((await fixture.upTo(3, makeZxid(1, 5))).heard).toEqual(['DIFF 0x100000005', 'NEWLEADER 0x200000000']);
			expect(fixture.disk.currentEpoch).toBe(2);
		}
	});

	it('6, 81: its own history is durable before the epoch is written as that of the history', async () => {
		const fixture = new LeaderFixture(epochRecords(1, 5), { windowSize: 3, logReach: 0 }, 3, 4);
		const { learner, heard } = await fixture.upTo(2, makeZxid(1, 5));
		expect(heard).toEqual([]);
		expect(fixture.disk.currentEpoch).toBe(1);
		fixture.history.sync();
		expect(await learner.heard()).toEqual(['DIFF 0x100000005', 'NEWLEADER 0x200000000']);
		expect(fixture.disk.currentEpoch).toBe(2);
	});

	it('alone it is a quorum', async () => {
		const fixture = new LeaderFixture(epochRecords(1, 2), { windowSize: 3, logReach: 0 }, 1);
		await Promise.resolve();
		await Promise.resolve();
		expect(fixture.told).toEqual(['established 2']);
		fixture.propose(2);
		fixture.leader.logged(makeZxid(2, 2));
		expect(fixture.told).toEqual(['established 2', 'committed 2']);
	});

	it('6: makes room for a later epoch than one that a member promised elsewhere, which could not follow before that', async () => {
		const fixture = new LeaderFixture();
		await fixture.established();
		const three = fixture.join();
		three.send(info(3, 5, 'followerInfo', true));
		expect(await three.heard()).toEqual(['LEADERINFO 0x200000000']);
		expect(fixture.told).toEqual(['established 2']);
		three.send(packet(packetType.ackEpoch, makeZxid(1, 3), writeIntData(1)));
		expect(fixture.told.join()).toContain('stepDown: server 3 has promised epoch 5');
		// It leads in the sixth at the earliest, and so does who needs it for a quorum.
		expect([fixture.disk.acceptedEpoch, fixture.disk.currentEpoch]).toEqual([5, 2]);
	});

	it('6: makes none for a history that is not of its past, for a server that is no member, and for a ZooKeeper, which asks for none', async () => {
		for (const [id, currentEpoch, isMarked] of [
			[3, 3, true],
			[9, 1, true],
			[3, 1, false],
		] as const) {
			const fixture = new LeaderFixture();
			await fixture.established();
			const learner = fixture.join();
			learner.send(info(id, 5, 'followerInfo', isMarked));
			await learner.heard();
			learner.send(packet(packetType.ackEpoch, makeZxid(1, 3), writeIntData(currentEpoch)));
			expect(learner.isClosed).toBe(true);
			expect(fixture.told).toEqual([
				'established 2',
				`lost ${id}: server ${id} has promised epoch 5 and cannot follow in epoch 2`,
			]);
			expect(fixture.disk.acceptedEpoch).toBe(2);
		}
	});

	it('gives up without a quorum within initLimit', () => {
		const fixture = new LeaderFixture();
		fixture.timers.advance(1200);
		expect(fixture.told.join()).toContain('stepDown: no quorum of followers within initLimit (discovery)');
	});
});

describe('synchronization', () => {
	it('81: is over for the leader when a quorum acknowledged NEWLEADER, and for a learner with UPTODATE', async () => {
		const fixture = new LeaderFixture();
		const { learner } = await fixture.upTo(2, makeZxid(1, 5));
		expect(fixture.told).toEqual([]);
		expect(fixture.leader.isEstablished).toBe(false);
		learner.send(ack(makeZxid(2, 0)));
		expect(fixture.told).toEqual(['established 2']);
		expect(await learner.heard()).toEqual(['UPTODATE']);
		expect(fixture.leader.synchronized(2)).toBe(true);
		expect(fixture.leader.synchronized(3)).toBe(false);
	});

	it('80: an empty DIFF, a DIFF as pairs of PROPOSAL and COMMIT, TRUNC, and a snapshot', async () => {
		const fixture = new LeaderFixture();
		await fixture.established();
		fixture.propose(2);
		fixture.leader.logged(makeZxid(2, 2));
		const newLeader = 'NEWLEADER 0x200000000';
		expect((await fixture.upTo(3, makeZxid(1, 7))).heard.slice(0, 3)).toEqual([
			'TRUNC 0x100000005',
			'PROPOSAL 0x200000001',
			'PROPOSAL 0x200000002',
		]);
		const two = (await fixture.upTo(4, makeZxid(1, 5), 1, 'observerInfo')).heard;
		expect(two).toEqual(['DIFF 0x100000005', newLeader]);
		expect((await fixture.upTo(3, 0)).heard).toEqual([
			'SNAP 0x100000005',
			'PROPOSAL 0x200000001',
			'PROPOSAL 0x200000002',
			newLeader,
		]);
	});

	it('80: a learner waits for its snapshot while the state is frozen as often as it can be', async () => {
		const fixture = new LeaderFixture();
		const freeze = fixture.history.freeze.bind(fixture.history);
		let isFull = true;
		Object.assign(fixture.history, { freeze: () => (isFull ? null : freeze()) });
		const { learner, heard } = await fixture.upTo(3, 0);
		expect(heard).toEqual([]);
		fixture.timers.advance(500);
		expect(await learner.heard()).toEqual([]);
		isFull = false;
		fixture.timers.advance(50);
		expect(await learner.heard()).toEqual(['SNAP 0x100000005', 'NEWLEADER 0x200000000']);
		expect(fixture.told).toEqual([]);
	});

	it('80: a DIFF from the log on disk, unless the learner has what is not in it', async () => {
		const fixture = new LeaderFixture(epochRecords(1, 5), { windowSize: 3, logReach: 100 });
		const sent = [3, 4, 5].flatMap((counter) => [`PROPOSAL 0x10000000${counter}`, `COMMIT 0x10000000${counter}`]);
		const { heard } = await fixture.upTo(2, makeZxid(1, 2));
		expect(heard).toEqual(['DIFF 0x100000005', ...sent, 'NEWLEADER 0x200000000']);
		const older = new LeaderFixture([...epochRecords(1, 2), ...epochRecords(2, 5)], { windowSize: 3, logReach: 100 });
		older.disk.acceptedEpoch = 2;
		expect((await older.upTo(2, makeZxid(1, 3))).heard.slice(0, 1)).toEqual(['SNAP 0x200000005']);
	});

	it('8, 81: what is proposed and committed while a learner is synchronized comes behind, and its acks count from NEWLEADER’s on', async () => {
		const fixture = new LeaderFixture();
		const two = await fixture.established();
		fixture.propose(1);
		const { learner: three, heard } = await fixture.upTo(3, makeZxid(1, 5));
		expect(heard).toEqual(['DIFF 0x100000005', 'PROPOSAL 0x200000001', 'NEWLEADER 0x200000000']);
		// As ZooKeeper 3.8's followers may.
		three.send(ack(makeZxid(2, 1)));
		fixture.leader.logged(makeZxid(2, 1));
		two.send(packet(packetType.ping, 0));
		expect(fixture.told).toEqual(['established 2']);
		three.send(ack(makeZxid(2, 0)));
		expect(fixture.told).toEqual(['established 2', 'committed 1']);
		expect(await three.heard()).toEqual(['UPTODATE', 'COMMIT 0x200000001']);
	});

	it.each([
		['a ZooKeeper, which has not written it by then', false],
		['a replica, which has', true],
	])('81: a proposal in front of NEWLEADER and the acknowledgement of that by %s', async (_, isReplica) => {
		const fixture = new LeaderFixture();
		const two = await fixture.established();
		fixture.propose(1);
		fixture.leader.logged(makeZxid(2, 1));
		const { learner: three, heard } = await fixture.upTo(3, makeZxid(1, 5), 1, 'followerInfo', isReplica);
		expect(heard).toEqual(['DIFF 0x100000005', 'PROPOSAL 0x200000001', 'NEWLEADER 0x200000000']);
		three.send(ack(makeZxid(2, 0)));
		two.send(packet(packetType.ping, 0));
		expect(fixture.told).toEqual(isReplica ? ['established 2', 'committed 1'] : ['established 2']);
		if (isReplica) return;
		expect(await three.heard()).toEqual(['UPTODATE']);
		three.send(ack(makeZxid(2, 1)));
		two.send(packet(packetType.ping, 0));
		expect(fixture.told).toEqual(['established 2', 'committed 1']);
	});

	it('closes the link of who says what it may not, and of no other', async () => {
		for (const [wrong, message] of [
			[packet(packetType.ackEpoch, 1), 'ACKEPOCH 0x1 where an ACK was expected'],
			[ack(makeZxid(2, 7)), 'acknowledges 0x200000007; the last proposal is 0x200000000'],
			[packet(99, -1), 'a packet of the unknown type 99 where an ACK was expected'],
		] as const) {
			const fixture = new LeaderFixture();
			const { learner } = await fixture.upTo(2, makeZxid(1, 5));
			learner.send(wrong);
			expect(learner.isClosed).toBe(true);
			expect(fixture.told.join()).toContain(message);
			expect(fixture.told.join()).not.toContain('stepDown');
			expect((await fixture.upTo(3, makeZxid(1, 5))).heard).toHaveLength(2);
		}
	});

	it('refuses a first packet that is none, another server’s configuration, and itself', () => {
		for (const wrong of [
			packet(packetType.ack, 0),
			packet(packetType.followerInfo, 0),
			packet(packetType.followerInfo, 0, new Uint8Array(12)),
			packet(
				packetType.followerInfo,
				0,
				writeLearnerInfo({ serverId: 2, protocolVersion, configVersion: 5, isMarked: false }),
			),
			packet(packetType.followerInfo, Number.MAX_SAFE_INTEGER, info(2, 1).data),
			info(1, 1),
		]) {
			const fixture = new LeaderFixture();
			const learner = fixture.join();
			learner.send(wrong);
			expect(learner.isClosed).toBe(true);
			expect(fixture.told).toHaveLength(1);
		}
	});
});

describe('whatever a learner sends', () => {
	it('81: costs it the link at most: nothing is thrown, and the leader leads on', async () => {
		const random = new SeededRandom(7);
		for (let run = 0; run < 300; run++) {
			const fixture = new LeaderFixture();
			await fixture.established();
			fixture.propose(2);
			const learner = random.chance(0.3)
				? fixture.join()
				: (await fixture.upTo(3, makeZxid(1, random.below(9)))).learner;
			if (random.chance(0.5)) learner.send(ack(makeZxid(2, 0)));
			for (let i = 0; i < 8; i++) learner.send(randomPacket(random));
			expect(fixture.leader.isEstablished).toBe(true);
			expect(fixture.told.join()).not.toContain('stepDown');
		}
	});
});

describe('broadcast', () => {
	it('8: commits in order, what a quorum has, once per batch; followers get COMMIT, observers INFORM', async () => {
		const fixture = new LeaderFixture();
		const two = await fixture.established();
		const { learner: observer } = await fixture.upTo(4, makeZxid(1, 5), 1, 'observerInfo');
		observer.send(ack(makeZxid(2, 0)));
		await observer.heard();
		fixture.propose(3);
		expect(await two.heard()).toEqual(['PROPOSAL 0x200000001', 'PROPOSAL 0x200000002', 'PROPOSAL 0x200000003']);
		two.send(ack(makeZxid(2, 1)), ack(makeZxid(2, 2)));
		expect(fixture.told).toEqual(['established 2']);
		observer.send(ack(makeZxid(2, 3)));
		fixture.leader.logged(makeZxid(2, 3));
		expect(fixture.told).toEqual(['established 2', 'committed 2']);
		expect(await two.heard()).toEqual(['COMMIT 0x200000001', 'COMMIT 0x200000002']);
		expect(await observer.heard()).toEqual(['INFORM 0x200000001', 'INFORM 0x200000002']);
	});

	it('8, 9: a Chronokeeper is told of the last of a batch and its ACK is for all of it; a ZooKeeper is told of each', async () => {
		const fixture = new LeaderFixture(epochRecords(1, 5), { windowSize: 3, logReach: 100 });
		const two = await fixture.established();
		const newLeader = makeZxid(2, 0);
		const three = await fixture.upTo(3, makeZxid(1, 2), 1, 'followerInfo', true);
		expect(three.heard).toEqual([
			'DIFF 0x100000005',
			// From the log on disk, and from memory.
			...['PROPOSAL 0x100000003', 'COMMIT 0x100000003'],
			...['PROPOSAL 0x100000004', 'PROPOSAL 0x100000005', 'COMMIT 0x100000005'],
			'NEWLEADER 0x200000000',
		]);
		three.learner.send(ack(newLeader));
		await three.learner.heard();
		fixture.propose(3);
		await two.heard();
		await three.learner.heard();
		three.learner.send(ack(makeZxid(2, 3)));
		fixture.leader.logged(makeZxid(2, 3));
		expect(fixture.told).toEqual(['established 2', 'committed 3']);
		expect(await three.learner.heard()).toEqual(['COMMIT 0x200000003']);
		expect(await two.heard()).toEqual(['COMMIT 0x200000001', 'COMMIT 0x200000002', 'COMMIT 0x200000003']);
	});

	it('69: a barrier waits for what was proposed before it, and for answers to pings that were sent after it', async () => {
		const fixture = new LeaderFixture();
		const two = await fixture.established();
		const done: (string | undefined)[] = [];
		fixture.propose(1);
		fixture.leader.barrier((error) => done.push(error?.message));
		expect(await two.heard()).toEqual(['PROPOSAL 0x200000001', 'PING 0x200000001']);
		fixture.leader.barrier((error) => done.push(error?.message));
		two.send(packet(packetType.ping, makeZxid(2, 1)));
		expect(done).toEqual([]);
		fixture.leader.logged(makeZxid(2, 1));
		two.send(ack(makeZxid(2, 1)));
		expect(done).toEqual([undefined]);
		// The second one came when the first ping was under way.
		expect(await two.heard()).toEqual(['PING 0x200000001', 'COMMIT 0x200000001']);
		two.send(packet(packetType.ping, makeZxid(2, 1)));
		expect(done).toEqual([undefined, undefined]);
		fixture.leader.barrier((error) => done.push(error?.message));
		fixture.leader.close(new Error('it stops'));
		expect(done[2]).toBe('it stops');
	});

	it('62, 65, 69: touches, revalidation, requests and syncs of a learner', async () => {
		const fixture = new LeaderFixture();
		const two = await fixture.established();
		two.send(
			packet(packetType.ping, 0, writeTouches(new Map([[sessionId, 4000]]))),
			packet(packetType.revalidate, -1, writeRevalidation(sessionId, 4000)),
			{ ...requestPacket(syncRequest(sessionId, 1, '/a')), type: packetType.request },
		);
		const create = { ...syncRequest(sessionId, 2, '/a'), type: 1 };
		two.send(requestPacket(create));
		expect(fixture.told.slice(1)).toEqual(['touched 4096,4000', 'request 1 of 2']);
		expect(await two.heard()).toEqual(['REVALIDATE', 'PING 0x200000000']);
		expect([...two.packets.at(-2)!.data!]).toEqual([0, 0, 0, 0, 0, 0, 0x10, 0, 1]);
		two.send(packet(packetType.ping, 0));
		expect(await two.heard()).toEqual(['SYNC 0x0']);
	});

	it('steps down when no quorum of followers is left, and when they are silent for syncLimit', async () => {
		const gone = new LeaderFixture();
		const two = await gone.established();
		two.send(packet(99, 0));
		gone.timers.advance(100);
		expect(gone.told.at(-1)).toContain('stepDown: of the other servers only none is there');
		const silent = new LeaderFixture();
		await silent.established();
		silent.timers.advance(500);
		expect(silent.told.join()).not.toContain('stepDown');
		silent.timers.advance(200);
		expect(silent.told.join()).toContain('silent for too long');
		expect(silent.told.at(-1)).toContain('stepDown');
	});

	it('lets go of a follower that answers and does not log, and leads on while others do', async () => {
		const fixture = new LeaderFixture();
		const two = await fixture.established();
		fixture.propose(1);
		for (let i = 0; i < 9; i++) {
			fixture.timers.advance(100);
			two.send(packet(packetType.ping, 0));
		}
		expect(fixture.told.join()).toContain('did not acknowledge 0x200000001 in time');
	});

	it('7: proposes no more when the counter is used up', async () => {
		const fixture = new LeaderFixture();
		await fixture.established();
		fixture.leader.propose(txnRecord(makeZxid(2, 0xffff_ffff)));
		expect(fixture.told.at(-1)).toContain('are used up');
	});
});
