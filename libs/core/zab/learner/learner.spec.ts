import { describe, expect, it } from 'vitest';
import {
	protocolVersion,
	readIntData,
	readLearnerInfo,
	writeIntData,
	writeLeaderInfo,
} from '#jute/quorum/learner-info';
import { packetType, type QuorumPacket } from '#jute/quorum/packets';
import { readTouches, writeRevalidated } from '#jute/quorum/session-data';
import type { SessionId } from '#jute/scalars';
import { SeededRandom } from '#test/sim/random';
import {
	configOf,
	epochRecords,
	fixedMembership,
	randomPacket,
	ScriptedPeer,
	txnRecord,
} from '#test/sim/scripted-peer';
import { HistoryDisk, SimHistory } from '#test/sim/sim-history';
import { VirtualTimers } from '#test/sim/virtual-timers';
import type { TxnRecord } from '../../model/txn-record.ts';
import { makeZxid, type Zxid } from '../../model/zxid.ts';
import { SnapshotNeeded } from '../../ports/history.ts';
import { describePacket, packet, proposal, requestOf, syncRequest, textData } from '../messages.ts';
import { Learner } from './learner.ts';

const sessionId = 0x1000n as SessionId;
const options = { windowSize: 3, logReach: 0 };

class Fixture {
	readonly timers = new VirtualTimers();
	readonly disk = new HistoryDisk();
	readonly history: SimHistory;
	readonly learner: Learner;
	readonly told: string[] = [];
	readonly leader: ScriptedPeer;

	/** Server 2 follows server 1, or server 4 observes it. */
	constructor(
		log: readonly TxnRecord[] = epochRecords(1, 5),
		role: 'follower' | 'observer' = 'follower',
		snapshotIn?: number,
	) {
		this.disk.log = [...log];
		this.disk.synced = log.length;
		this.disk.acceptedEpoch = 1;
		this.disk.currentEpoch = 1;
		this.history = new SimHistory(this.disk, options);
		this.learner = new Learner(
			{
				serverId: role === 'follower' ? 2 : 4,
				role,
				leader: 1,
				...(snapshotIn === undefined ? {} : { snapshotIn }),
				membership: fixedMembership(role === 'follower' ? 2 : 4, configOf(3, 1)),
				history: this.history,
				after: this.timers.after,
				nowMs: () => this.timers.nowMs,
				limits: { tickMs: 100, initLimit: 10, syncLimit: 5 },
			},
			{
				synchronized: (epoch, outstanding) =>
					this.told.push(`synchronized ${epoch}, outstanding ${counters(outstanding)}`),
				proposed: (record) => {
					this.history.append(record);
					this.told.push(`proposed ${counters([record])}`);
				},
				committed: (zxid) => this.told.push(`committed ${zxid % 2 ** 32}`),
				informed: (record) => this.told.push(`informed ${counters([record])}`),
				activeSessions: () => new Map([[sessionId, 4000]]),
				revalidated: (id, isValid) => this.told.push(`revalidated ${id} ${isValid}`),
				synced: (zxid) => this.told.push(`synced ${zxid % 2 ** 32}`),
				lost: (reason) => {
					const name = reason instanceof SnapshotNeeded ? 'SnapshotNeeded: ' : '';
					this.told.push(`lost: ${name}${reason.message}`);
				},
			},
		);
		this.leader = new ScriptedPeer('leader', (link) => this.learner.connected(link));
	}

	/** Without the bytes that it came as. */
	get logged(): TxnRecord[] {
		return this.disk.log.map((record) => ({ ...record, encoded: undefined }));
	}

	/** Up to where DIFF, TRUNC or SNAP is due. */
	async promised(isMarked = false): Promise<void> {
		await this.leader.heard();
		const data = writeLeaderInfo({ protocolVersion, isExact: true, isMarked });
		this.leader.send({ ...leaderInfo(2), data });
		await this.leader.heard();
	}

	async upToDate(isMarked = false): Promise<void> {
		await this.promised(isMarked);
		this.leader.send(packet(packetType.diff, this.history.lastLogged), newLeader);
		await this.leader.heard();
		this.leader.send(packet(packetType.upToDate));
		await this.leader.heard();
		this.told.length = 0;
	}
}

const counters = (records: readonly TxnRecord[]): string =>
	`[${records.map(({ header }) => header.zxid % 2 ** 32).join()}]`;
const leaderInfo = (epoch: number): QuorumPacket =>
	packet(packetType.leaderInfo, makeZxid(epoch, 0), writeIntData(protocolVersion));
const snapshotOf = (records: readonly TxnRecord[]): Uint8Array[] => {
	const disk = new HistoryDisk();
	disk.log = [...records];
	const other = new SimHistory(disk, options);
	return [...other.snapshotStream(other.freeze())];
};
const newLeader = packet(packetType.newLeader, makeZxid(2, 0), textData(configOf(3, 1).toString()));
const proposed = (epoch: number, counter: number): QuorumPacket => proposal(txnRecord(makeZxid(epoch, counter)));
const commit = (epoch: number, counter: number): QuorumPacket => packet(packetType.commit, makeZxid(epoch, counter));

describe('discovery', () => {
	it('introduces itself with the epoch it accepted, as a follower or an observer', async () => {
		const follower = new Fixture();
		expect(await follower.leader.heard()).toEqual(['FOLLOWERINFO 0x100000000']);
		expect(readLearnerInfo(follower.leader.packets[0]!.data!)).toMatchObject({ serverId: 2, protocolVersion });
		expect(await new Fixture([], 'observer').leader.heard()).toEqual(['OBSERVERINFO 0x100000000']);
	});

	it('6: promises a higher epoch once it is written, the same one without its vote, and no lower one', async () => {
		for (const [accepted, reply] of [
			[1, 1],
			[2, -1],
		] as const) {
			const fixture = new Fixture();
			fixture.history.acceptedEpoch = accepted;
			fixture.leader.send(leaderInfo(2));
			expect(fixture.disk.acceptedEpoch).toBe(2);
			expect((await fixture.leader.heard()).at(-1)).toBe('ACKEPOCH 0x100000005');
			expect(readIntData(fixture.leader.packets.at(-1)!.data!)).toBe(reply);
		}
		const promisedElsewhere = new Fixture();
		promisedElsewhere.history.acceptedEpoch = 3;
		promisedElsewhere.leader.send(leaderInfo(2));
		expect(promisedElsewhere.leader.isClosed).toBe(true);
		expect(promisedElsewhere.told.join()).toContain('leads epoch 2, and epoch 3 is promised');
		expect(promisedElsewhere.leader.sent.map(describePacket)).toEqual(['FOLLOWERINFO 0x100000000']);
	});

	it('6: tells a Chronokeeper that leads an earlier epoch than it promised which history it has: that one makes room', async () => {
		const fixture = new Fixture();
		fixture.history.acceptedEpoch = 3;
		await fixture.promised(true);
		expect(fixture.leader.isClosed).toBe(true);
		const { type, zxid, data } = fixture.leader.sent.at(-1)!;
		expect([type, zxid, readIntData(data!)]).toEqual([packetType.ackEpoch, makeZxid(1, 5), 1]);
		expect(fixture.told.join()).toContain('leads epoch 2, and epoch 3 is promised');
		expect([fixture.disk.acceptedEpoch, fixture.disk.currentEpoch]).toEqual([3, 1]);
	});
});

describe('synchronization', () => {
	it('81: NEWLEADER is acknowledged when everything before it is durable and the epoch written, then the proposals', async () => {
		const fixture = new Fixture();
		await fixture.promised();
		fixture.leader.send(
			packet(packetType.diff, makeZxid(1, 6)),
			proposed(1, 6),
			commit(1, 6),
			proposed(2, 1),
			newLeader,
		);
		fixture.learner.logged(makeZxid(2, 1));
		expect(await fixture.leader.heard()).toEqual([]);
		expect(fixture.disk.currentEpoch).toBe(1);
		fixture.history.sync(1);
		expect(await fixture.leader.heard()).toEqual([]);
		fixture.history.sync();
		expect(await fixture.leader.heard()).toEqual(['ACK 0x200000000', 'ACK 0x200000001']);
		expect(fixture.disk.currentEpoch).toBe(2);
		// What comes before UPTODATE waits for it.
		fixture.told.length = 0;
		fixture.leader.send(proposed(2, 2), commit(2, 1), packet(packetType.ping, 0));
		expect(fixture.told).toEqual([]);
		fixture.leader.send(packet(packetType.upToDate));
		expect(fixture.told).toEqual(['synchronized 2, outstanding [1]', 'proposed [2]', 'committed 1']);
		expect(fixture.history.lastCommitted).toBe(makeZxid(1, 6));
		expect(await fixture.leader.heard()).toEqual(['ACK 0x200000000']);
	});

	it('6, 81: promises, and acknowledges NEWLEADER and UPTODATE with the epoch', async () => {
		const fixture = new Fixture();
		await fixture.promised();
		fixture.leader.send(packet(packetType.diff, makeZxid(1, 5)), newLeader);
		expect(await fixture.leader.heard()).toEqual(['ACK 0x200000000']);
		expect(fixture.learner.isSynchronized).toBe(false);
		fixture.leader.send(packet(packetType.upToDate));
		expect(await fixture.leader.heard()).toEqual(['ACK 0x200000000']);
		expect(fixture.learner.isSynchronized).toBe(true);
		expect(fixture.told).toEqual(['synchronized 2, outstanding []']);
	});

	it('80: TRUNC cuts the log before anything else is taken', async () => {
		const fixture = new Fixture();
		await fixture.promised();
		fixture.leader.send(packet(packetType.trunc, makeZxid(1, 3)), proposed(2, 1), newLeader);
		await fixture.leader.heard();
		expect(fixture.disk.log.map(({ header }) => header.zxid)).toEqual([
			...epochRecords(1, 3).map(({ header }) => header.zxid),
			makeZxid(2, 1),
		]);
	});

	it('80: a TRUNC that leaves another end than it says is refused, unless it names an epoch', async () => {
		const hole = new Fixture([...epochRecords(1, 2), txnRecord(makeZxid(1, 4))]);
		await hole.promised();
		hole.leader.send(packet(packetType.trunc, makeZxid(1, 3)), newLeader);
		await hole.leader.heard();
		expect(hole.told.join()).toContain('TRUNC 0x100000003 left 0x100000002');
		const epoch = new Fixture([...epochRecords(1, 2), ...epochRecords(2, 3)]);
		await epoch.promised();
		epoch.leader.send(packet(packetType.trunc, makeZxid(2, 0)), newLeader);
		expect(await epoch.leader.heard()).toEqual(['ACK 0x200000000']);
		expect(epoch.history.lastLogged).toBe(makeZxid(1, 2));
	});

	it('78, 80: a snapshot and what is committed behind it replace everything, in one step at NEWLEADER', async () => {
		const before = [...epochRecords(1, 2), ...epochRecords(1, 9).slice(2)];
		const fixture = new Fixture(before);
		await fixture.promised();
		fixture.leader.send(packet(packetType.snap, makeZxid(1, 3)));
		fixture.leader.stream(snapshotOf(epochRecords(1, 3)));
		// What ZooKeeper sends again behind it is passed over.
		fixture.leader.send(proposed(1, 3), commit(1, 3), proposed(1, 4), commit(1, 4), proposed(2, 1));
		await fixture.leader.heard();
		fixture.history.sync();
		expect(fixture.disk.log).toEqual(before);
		fixture.leader.send(newLeader);
		expect(await fixture.leader.heard()).toEqual([]);
		expect(fixture.logged).toEqual([...epochRecords(1, 4), txnRecord(makeZxid(2, 1))]);
		// What is not committed is logged, and only then acknowledged.
		expect(fixture.disk).toMatchObject({ synced: 4, currentEpoch: 1 });
		fixture.history.sync();
		expect(await fixture.leader.heard()).toEqual(['ACK 0x200000000', 'ACK 0x200000001']);
		expect(fixture.disk.currentEpoch).toBe(2);
		fixture.leader.send(packet(packetType.upToDate));
		expect(fixture.history.committed).toHaveLength(4);
		expect(fixture.told.at(-1)).toBe('synchronized 2, outstanding [1]');
	});

	it('78, 80: a leader that is lost behind its snapshot leaves the history that was there', async () => {
		const fixture = new Fixture();
		await fixture.promised();
		fixture.leader.send(packet(packetType.snap, makeZxid(1, 3)));
		fixture.leader.stream(snapshotOf(epochRecords(1, 3)));
		fixture.leader.send(proposed(1, 4), commit(1, 4), packet(77, 1), newLeader);
		await fixture.leader.heard();
		expect(fixture.told).toHaveLength(1);
		expect(fixture.disk.log).toEqual(epochRecords(1, 5));
	});

	it('78: a snapshot is fuzzy unless the leader says that it is exact', async () => {
		for (const isExact of [true, false]) {
			const fixture = new Fixture();
			const asked: boolean[] = [];
			const receive = fixture.history.receiveSnapshot.bind(fixture.history);
			fixture.history.receiveSnapshot = (_zxid?: Zxid, exact?: boolean) => {
				asked.push(exact!);
				return receive();
			};
			await fixture.leader.heard();
			fixture.leader.send({ ...leaderInfo(2), data: writeLeaderInfo({ protocolVersion, isExact, isMarked: true }) });
			fixture.leader.send(packet(packetType.snap, makeZxid(1, 3)));
			expect(asked).toEqual([isExact]);
		}
	});

	it('80: a TRUNC that cannot be performed loses the link; in that epoch the learner then asks for a snapshot', async () => {
		const refused = new Fixture();
		refused.history.refusesTruncate = true;
		await refused.promised();
		refused.leader.send(packet(packetType.trunc, makeZxid(1, 3)), newLeader);
		await refused.leader.heard();
		expect(refused.told).toEqual(['lost: SnapshotNeeded: a snapshot holds what is to be cut']);
		expect(refused.learner.epoch).toBe(2);
		expect(refused.disk.log).toEqual(epochRecords(1, 5));

		const asks = new Fixture(epochRecords(1, 5), 'follower', 2);
		asks.history.acceptedEpoch = 2;
		await asks.leader.heard();
		asks.leader.send(leaderInfo(2));
		// No vote, and the zxid of an epoch that nobody has begun.
		expect(await asks.leader.heard()).toEqual(['ACKEPOCH 0x300000000']);
		expect(readIntData(asks.leader.packets.at(-1)!.data!)).toBe(-1);
		asks.leader.send(packet(packetType.snap, makeZxid(1, 3)));
		asks.leader.stream(snapshotOf(epochRecords(1, 3)));
		asks.leader.send(newLeader);
		expect(await asks.leader.heard()).toEqual(['ACK 0x200000000']);
		expect(asks.logged).toEqual(epochRecords(1, 3));
	});

	it('6, 80: who asks for a snapshot tells a leader of another epoch its true history, and takes nothing else for an answer', async () => {
		const other = new Fixture(epochRecords(1, 5), 'follower', 2);
		other.history.acceptedEpoch = 2;
		await other.leader.heard();
		other.leader.send(leaderInfo(3));
		expect(await other.leader.heard()).toEqual(['ACKEPOCH 0x100000005']);
		expect(readIntData(other.leader.packets.at(-1)!.data!)).toBe(1);

		for (const type of [packetType.diff, packetType.trunc]) {
			const misled = new Fixture(epochRecords(1, 5), 'follower', 2);
			misled.history.acceptedEpoch = 2;
			await misled.promised();
			misled.leader.send(packet(type, makeZxid(1, 5)), newLeader);
			await misled.leader.heard();
			expect(misled.told.join()).toContain('where SNAP was expected');
			expect(misled.disk.currentEpoch).toBe(1);
		}
	});

	it('9: an observer logs what is committed, acknowledges NEWLEADER, and no proposal', async () => {
		const fixture = new Fixture(epochRecords(1, 5), 'observer');
		await fixture.promised();
		fixture.leader.send(
			packet(packetType.diff, makeZxid(1, 6)),
			proposed(1, 6),
			commit(1, 6),
			proposed(2, 1),
			newLeader,
		);
		fixture.history.sync();
		expect(await fixture.leader.heard()).toEqual(['ACK 0x200000000']);
		expect(fixture.history.lastLogged).toBe(makeZxid(1, 6));
		fixture.leader.send(packet(packetType.upToDate), { ...proposed(2, 1), type: packetType.inform });
		fixture.learner.logged(makeZxid(2, 1));
		expect(fixture.told).toEqual(['synchronized 2, outstanding []', 'informed [1]']);
		expect(await fixture.leader.heard()).toEqual(['ACK 0x200000000']);
	});

	it('81: what leaves a hole, comes out of turn or is malformed loses the leader, and says why', async () => {
		const diff = packet(packetType.diff, makeZxid(1, 5));
		for (const [packets, message] of [
			[[proposed(1, 6)], 'sent PROPOSAL 0x100000006 where DIFF, TRUNC or SNAP was expected'],
			[[diff, proposed(1, 7)], 'came behind 0x100000005: that leaves a hole'],
			[[diff, proposed(1, 5)], 'that leaves a hole or goes back'],
			[[diff, commit(1, 6)], 'COMMIT 0x100000006 came where nothing is proposed'],
			[[diff, proposed(1, 6), proposed(1, 7), commit(1, 7)], 'where 0x100000006 is next'],
			[[diff, { ...proposed(1, 6), type: packetType.inform }], 'is for observers'],
			[[diff, packet(packetType.proposal, makeZxid(1, 6), new Uint8Array(9))], 'malformed'],
			[[diff, packet(packetType.newLeader, makeZxid(3, 0))], 'where NEWLEADER 0x200000000 was expected'],
			[[diff, packet(packetType.upToDate)], 'sent UPTODATE during synchronization'],
			[[packet(packetType.trunc, makeZxid(1, 9))], 'is behind the end of the own log'],
			[[packet(77, 1)], 'the unknown type 77'],
		] as const) {
			const fixture = new Fixture();
			await fixture.promised();
			fixture.leader.send(...packets);
			expect(fixture.told).toHaveLength(1);
			expect(fixture.told[0]).toContain(message);
			expect(fixture.leader.isClosed).toBe(true);
		}
	});

	it('gives a silent leader up: initLimit before UPTODATE, syncLimit after it', async () => {
		const early = new Fixture();
		early.timers.advance(950);
		expect(early.told).toEqual([]);
		early.timers.advance(150);
		expect(early.told.join()).toContain('silent for more than 1000 ms (discovery)');
		const late = new Fixture();
		await late.upToDate();
		late.timers.advance(600);
		expect(late.told.join()).toContain('silent for more than 500 ms (broadcast)');
	});
});

describe('whatever a leader sends', () => {
	it('81: costs it the learner at most: nothing is thrown, and nothing is told after lost', async () => {
		const random = new SeededRandom(11);
		let lost = 0;
		for (let run = 0; run < 300; run++) {
			const fixture = new Fixture(epochRecords(1, 5), random.pick(['follower', 'observer']));
			if (random.chance(0.7)) await (random.chance(0.5) ? fixture.promised() : fixture.upToDate());
			for (let i = 0; i < 12; i++) {
				// A snapshot's stream would have to follow.
				const sent = randomPacket(random);
				if (sent.type !== packetType.snap) fixture.leader.send(sent);
				if (random.chance(0.3)) fixture.history.sync();
				await fixture.leader.heard();
			}
			const at = fixture.told.findIndex((told) => told.startsWith('lost'));
			if (at !== -1) lost += 1;
			expect(at === -1 || at === fixture.told.length - 1).toBe(true);
		}
		expect(lost).toBeGreaterThan(200);
	});
});

describe('broadcast', () => {
	it('9: acknowledges each proposal when it is durable; commits are told once per read', async () => {
		const fixture = new Fixture();
		await fixture.upToDate();
		fixture.leader.send(proposed(2, 1), proposed(2, 2), commit(2, 1), proposed(2, 3), commit(2, 2));
		expect(fixture.told).toEqual(['proposed [1]', 'proposed [2]', 'proposed [3]', 'committed 2']);
		expect(await fixture.leader.heard()).toEqual([]);
		fixture.learner.logged(makeZxid(2, 2));
		fixture.learner.logged(makeZxid(2, 2));
		expect(await fixture.leader.heard()).toEqual(['ACK 0x200000001', 'ACK 0x200000002']);
	});

	it('8, 9: acknowledges to a Chronokeeper the last of what became durable; its COMMIT commits all in front of it', async () => {
		const fixture = new Fixture();
		await fixture.upToDate(true);
		fixture.leader.send(proposed(2, 1), proposed(2, 2), proposed(2, 3), commit(2, 2));
		expect(fixture.told.at(-1)).toBe('committed 2');
		fixture.learner.logged(makeZxid(2, 2));
		fixture.learner.logged(makeZxid(2, 3));
		expect(await fixture.leader.heard()).toEqual(['ACK 0x200000002', 'ACK 0x200000003']);
		fixture.leader.send(commit(2, 2));
		expect(fixture.told.at(-1)).toMatch(/^lost: .*where the one behind/);
	});

	it('81: so it is in front of NEWLEADER, too', async () => {
		const fixture = new Fixture();
		await fixture.promised(true);
		const diff = packet(packetType.diff, makeZxid(1, 7));
		fixture.leader.send(diff, proposed(1, 6), proposed(1, 7), commit(1, 7), proposed(2, 1), proposed(2, 2), newLeader);
		await fixture.leader.heard();
		fixture.history.sync();
		expect(await fixture.leader.heard()).toEqual(['ACK 0x200000000', 'ACK 0x200000002']);
		fixture.leader.send(packet(packetType.upToDate));
		expect(fixture.told).toEqual(['synchronized 2, outstanding [1,2]']);
		expect(fixture.history.lastCommitted).toBe(makeZxid(1, 7));
	});

	it('8: commits come in order and behind their proposals', async () => {
		for (const packets of [[commit(2, 1)], [proposed(2, 1), proposed(2, 2), commit(2, 2)], [proposed(2, 2)]]) {
			const fixture = new Fixture();
			await fixture.upToDate();
			fixture.leader.send(...packets);
			expect(fixture.told.at(-1)).toMatch(/^lost: .*where the one behind/);
		}
	});

	it('62, 65, 69: answers pings, asks about sessions, forwards requests; a sync is answered behind what was committed', async () => {
		const fixture = new Fixture();
		await fixture.upToDate();
		fixture.learner.revalidate(sessionId, 4000);
		fixture.learner.sync(sessionId, 7, '/a');
		fixture.leader.send(
			packet(packetType.ping, makeZxid(2, 0)),
			packet(packetType.revalidate, -1, writeRevalidated(sessionId, true)),
			proposed(2, 1),
			commit(2, 1),
			packet(packetType.sync, 0),
			packet(packetType.sync, makeZxid(2, 3)),
		);
		expect(fixture.told).toEqual(['revalidated 4096 true', 'proposed [1]', 'committed 1', 'synced 0', 'synced 3']);
		expect(await fixture.leader.heard()).toEqual(['REVALIDATE', 'REQUEST', 'PING 0x200000000']);
		const [, request, ping] = fixture.leader.packets.slice(-3);
		expect(requestOf(request!, true)).toEqual(syncRequest(sessionId, 7, '/a'));
		expect(readTouches(ping!.data!)).toEqual(new Map([[sessionId, 4000]]));
	});

	it('a replica that gave it up hears nothing more, and waits until its history is not being changed', async () => {
		const fixture = new Fixture();
		await fixture.promised();
		fixture.leader.send(packet(packetType.trunc, makeZxid(1, 3)));
		fixture.learner.close(new Error('the replica stops'));
		await fixture.learner.idle();
		expect(fixture.history.lastLogged).toBe(makeZxid(1, 3) as Zxid);
		expect(fixture.told).toEqual([]);
		expect(fixture.leader.isClosed).toBe(false);
	});
});
