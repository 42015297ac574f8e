/** What a ZooKeeper that follows is answered, in the order of its requests: it finds what they are answers to by that order, and by nothing else (CommitProcessor). */
import { expect, it } from 'vitest';
import { protocolVersion, writeIntData, writeLearnerInfo } from '#jute/quorum/learner-info';
import { packetType, type QuorumPacket } from '#jute/quorum/packets';
import type { SessionId } from '#jute/scalars';
import { configOf, epochRecords, fixedMembership, ScriptedPeer, txnRecord } from '#test/sim/scripted-peer';
import { HistoryDisk, SimHistory } from '#test/sim/sim-history';
import { VirtualTimers } from '#test/sim/virtual-timers';
import { makeZxid, type Zxid, zeroZxid } from '../../model/zxid.ts';
import { packet, requestPacket, syncRequest } from '../messages.ts';
import { Leader } from './leader.ts';

const sessionId = 0x1000n as SessionId;
const ack = (zxid: Zxid): QuorumPacket => packet(packetType.ack, zxid);

/** Server 1 of three. */
class Fixture {
	readonly leader: Leader;
	committed: Zxid = zeroZxid;
	inTurn = (run: () => void): void => run();
	readonly #history: SimHistory;
	#last = makeZxid(2, 0);

	constructor() {
		const disk = new HistoryDisk();
		disk.log = epochRecords(1, 5);
		disk.synced = 5;
		disk.acceptedEpoch = 1;
		disk.currentEpoch = 1;
		const timers = new VirtualTimers();
		this.#history = new SimHistory(disk, { windowSize: 3, logReach: 0 });
		this.leader = new Leader(
			{
				serverId: 1,
				membership: fixedMembership(1, configOf(3, 1)),
				history: this.#history,
				after: timers.after,
				nowMs: () => timers.nowMs,
				limits: { tickMs: 100, initLimit: 10, syncLimit: 5 },
			},
			{
				established: () => {},
				committed: (zxid) => {
					this.#history.commit(zxid);
					this.committed = zxid;
				},
				request: () => {},
				inTurn: (run) => this.inTurn(run),
				touched: () => {},
				revalidate: () => true,
				stepDown: (reason) => {
					throw reason;
				},
			},
		);
		this.leader.start();
	}

	/** A ZooKeeper that follows, up to date. */
	async follower(): Promise<ScriptedPeer> {
		const learner = new ScriptedPeer('learner', (link) => this.leader.connected(link));
		const info = writeLearnerInfo({ serverId: 2, protocolVersion, configVersion: 0, isMarked: false });
		learner.send(packet(packetType.followerInfo, makeZxid(1, 0), info));
		await learner.heard();
		learner.send(packet(packetType.ackEpoch, makeZxid(1, 5), writeIntData(1)));
		await learner.heard();
		learner.send(ack(makeZxid(2, 0)));
		await learner.heard();
		return learner;
	}

	propose(count: number): void {
		for (let i = 0; i < count; i++) {
			this.#last = (this.#last + 1) as Zxid;
			const record = txnRecord(this.#last);
			this.leader.propose(record);
			this.#history.append(record);
		}
		this.leader.flush();
	}
}

it('69: a ZooKeeper hears of a sync in front of every commit of what was proposed behind it', async () => {
	const fixture = new Fixture();
	const two = await fixture.follower();
	const syncing = { ...requestPacket(syncRequest(sessionId, 1, '/a')), type: packetType.request };
	two.send(syncing);
	fixture.propose(1);
	two.send(syncing);
	fixture.propose(1);
	expect(await two.heard()).toEqual(['PING 0x200000000', 'PROPOSAL 0x200000001', 'PROPOSAL 0x200000002']);
	fixture.leader.logged(makeZxid(2, 2));
	two.send(ack(makeZxid(2, 2)));
	expect(fixture.committed).toBe(makeZxid(2, 2));
	expect(await two.heard()).toEqual([]);
	two.send(packet(packetType.ping, 0));
	expect(await two.heard()).toEqual(['SYNC 0x0', 'COMMIT 0x200000001', 'PING 0x200000002']);
	two.send(packet(packetType.ping, 0));
	expect(await two.heard()).toEqual(['SYNC 0x0', 'COMMIT 0x200000002']);
});

it('69: a ZooKeeper hears of a sync behind the commits of what it had asked for before, proposed by then or not', async () => {
	const fixture = new Fixture();
	const two = await fixture.follower();
	let turn = (): void => {};
	fixture.inTurn = (run) => {
		turn = run;
	};
	two.send({ ...requestPacket(syncRequest(sessionId, 1, '/a')), type: packetType.request });
	expect(await two.heard()).toEqual([]);
	fixture.propose(1);
	turn();
	expect(await two.heard()).toEqual(['PROPOSAL 0x200000001', 'PING 0x200000001']);
	two.send(packet(packetType.ping, 0));
	expect(await two.heard()).toEqual([]);
	fixture.leader.logged(makeZxid(2, 1));
	two.send(ack(makeZxid(2, 1)));
	expect(await two.heard()).toEqual(['COMMIT 0x200000001', 'SYNC 0x0']);
});
