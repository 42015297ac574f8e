/** A leader while the members of its ensemble change. */
import { expect, it } from 'vitest';
import { protocolVersion, writeIntData, writeLearnerInfo } from '#jute/quorum/learner-info';
import { packetType, type QuorumPacket } from '#jute/quorum/packets';
import { epochRecords, ScriptedPeer, txnRecord } from '#test/sim/scripted-peer';
import { HistoryDisk, SimHistory } from '#test/sim/sim-history';
import { VirtualTimers } from '#test/sim/virtual-timers';
import type { TxnRecord } from '../../model/txn-record.ts';
import { makeZxid } from '../../model/zxid.ts';
import { Membership } from '../membership.ts';
import { designatedLeaderOf, packet, textData, textOf } from '../messages.ts';
import { parseQuorumConfig } from '../parse-quorum-config.ts';
import type { QuorumConfig } from '../quorum-config.ts';
import { designatedLeader } from './designated-leader.ts';
import { Leader } from './leader.ts';

/** Server ids; a leading `o` makes an observer, `x` puts it at another address. */
function config(version: number, ...names: readonly string[]): QuorumConfig {
	const lines = names.map((name) => {
		const id = name.replace(/\D/g, '');
		const role = name.startsWith('o') ? 'observer' : 'participant';
		return `server.${id}=10.0.${name.startsWith('x') ? 9 : 0}.${id}:2888:3888:${role};2181`;
	});
	return parseQuorumConfig([...lines, `version=${version.toString(16)}`].join('\n'));
}

const versionOf = (version: number) => config(version, '1', '2', '3', 'o4');
/** In force unless said otherwise: what a leader of epoch 1 agreed upon. */
const established = versionOf(makeZxid(1, 0));

interface Options {
	readonly current?: QuorumConfig;
	readonly next?: QuorumConfig;
}

class Fixture {
	readonly timers = new VirtualTimers();
	readonly history: SimHistory;
	readonly leader: Leader;
	readonly membership: Membership;
	readonly told: string[] = [];

	/** Server 1. */
	constructor({ current = established, next }: Options = {}) {
		const disk = new HistoryDisk();
		disk.log = epochRecords(1, 5);
		disk.synced = 5;
		disk.acceptedEpoch = 1;
		disk.currentEpoch = 1;
		this.history = new SimHistory(disk, { windowSize: 9, logReach: 0 });
		this.membership = new Membership({
			serverId: 1,
			current,
			next,
			isReconfigurable: true,
			store: {
				saveNext: ({ version }) => this.told.push(`next ${version.toString(16)}`),
				saveCurrent: ({ version }) => this.told.push(`current ${version.toString(16)}`),
			},
		});
		this.leader = new Leader(
			{
				serverId: 1,
				membership: this.membership,
				history: this.history,
				after: this.timers.after,
				nowMs: () => this.timers.nowMs,
				limits: { tickMs: 100, initLimit: 10, syncLimit: 5 },
			},
			{
				established: (epoch) => this.told.push(`established ${epoch}`),
				committed: (zxid) => {
					this.history.commit(zxid);
					this.told.push(`committed ${zxid % 2 ** 32}`);
				},
				request: () => {},
				inTurn: (run) => run(),
				touched: () => {},
				revalidate: () => true,
				stepDown: (reason) => this.told.push(`stepDown: ${reason.message}`),
				learnerLost: (learner, _address, reason) => this.told.push(`lost ${learner}: ${reason.message}`),
			},
		);
		this.leader.start();
	}

	/** Followers that only together are a quorum, each up to NEWLEADER. */
	async together(...each: readonly (readonly [id: number, zxid?: number])[]): Promise<ScriptedPeer[]> {
		const followers = each.map(() => new ScriptedPeer('learner', (link) => this.leader.connected(link)));
		for (const [i, follower] of followers.entries()) {
			const data = writeLearnerInfo({ serverId: each[i]![0], protocolVersion, configVersion: 0, isMarked: false });
			follower.send(packet(packetType.followerInfo, makeZxid(1, 0), data));
		}
		for (const follower of followers) await follower.heard();
		for (const [i, follower] of followers.entries()) {
			follower.send(packet(packetType.ackEpoch, each[i]![1] ?? makeZxid(1, 5), writeIntData(1)));
		}
		for (const follower of followers) await follower.heard();
		return followers;
	}

	/** A learner up to NEWLEADER; what it was sent on the way. */
	async upTo(id: number, role: 'followerInfo' | 'observerInfo' = 'followerInfo', configVersion = 0, isMarked = false) {
		const learner = new ScriptedPeer('learner', (link) => this.leader.connected(link));
		const data = writeLearnerInfo({ serverId: id, protocolVersion, configVersion, isMarked });
		learner.send(packet(packetType[role], makeZxid(1, 0), data));
		await learner.heard();
		learner.send(packet(packetType.ackEpoch, makeZxid(1, 5), writeIntData(1)));
		return { learner, heard: await learner.heard() };
	}

	async upToDate(id: number, role: 'followerInfo' | 'observerInfo' = 'followerInfo') {
		const { learner } = await this.upTo(id, role);
		learner.send(ack(makeZxid(2, 0)));
		await learner.heard();
		return learner;
	}

	/** Established with follower 2. */
	async established() {
		const two = await this.upToDate(2);
		this.told.length = 0;
		return two;
	}

	propose(...records: readonly TxnRecord[]): void {
		for (const record of records) {
			this.leader.propose(record);
			this.history.append(record);
		}
		this.leader.flush();
	}
}

const ack = (zxid: number): QuorumPacket => packet(packetType.ack, zxid);
const write = (counter: number): TxnRecord => txnRecord(makeZxid(2, counter));

function reconfig(counter: number, ...names: readonly string[]): TxnRecord {
	const zxid = makeZxid(2, counter);
	const data = textData(config(zxid, ...names).toString());
	return { ...txnRecord(zxid), txn: { kind: 'reconfig', path: '/zookeeper/config', data, version: -1 } };
}

const last = (peer: ScriptedPeer): QuorumPacket => peer.packets.at(-1)!;

it('82: a first configuration gets the version of NEWLEADER, and is in force when a quorum has acknowledged that', async () => {
	const fixture = new Fixture({ current: versionOf(0) });
	const { learner } = await fixture.upTo(2);
	expect(textOf(last(learner).data!)).toBe(versionOf(makeZxid(2, 0)).toString());
	expect(fixture.told).toEqual(['next 200000000']);
	expect(fixture.membership.current.version).toBe(0);
	learner.send(ack(makeZxid(2, 0)));
	expect(fixture.told).toEqual(['next 200000000', 'current 200000000', 'established 2']);
	const later = new Fixture();
	expect(textOf(last((await later.upTo(2)).learner).data!)).toBe(established.toString());
});

it('82: a reconfiguration and what is behind it need a quorum of both configurations, what is in front of it one', async () => {
	const fixture = new Fixture();
	const two = await fixture.established();
	const three = await fixture.upToDate(3);
	const five = await fixture.upToDate(5);
	fixture.propose(write(1), reconfig(2, '1', '2', '5'), write(3));
	expect(fixture.told).toEqual(['next 200000002']);
	fixture.leader.logged(makeZxid(2, 3));
	// 1 and 3 are a quorum of the old configuration only.
	three.send(ack(makeZxid(2, 1)), ack(makeZxid(2, 2)), ack(makeZxid(2, 3)));
	expect(fixture.told).toEqual(['next 200000002', 'committed 1']);
	five.send(ack(makeZxid(2, 1)), ack(makeZxid(2, 2)), ack(makeZxid(2, 3)));
	expect(fixture.told.slice(2)).toEqual(['committed 2', 'current 200000002', 'committed 3']);
	expect((await two.heard()).slice(-3)).toEqual([
		'COMMIT 0x200000001',
		'COMMITANDACTIVATE 0x200000002',
		'COMMIT 0x200000003',
	]);
	expect(designatedLeaderOf(two.packets.at(-2)!)).toBe(1);
	// From now on 3 has no vote.
	fixture.propose(write(4));
	fixture.leader.logged(makeZxid(2, 4));
	three.send(ack(makeZxid(2, 4)));
	expect(fixture.told.at(-1)).toBe('committed 3');
	five.send(ack(makeZxid(2, 4)));
	expect(fixture.told.at(-1)).toBe('committed 4');
});

it('82: nothing is committed by a quorum of the new configuration alone', async () => {
	const fixture = new Fixture();
	await fixture.established();
	const [five, six] = [await fixture.upToDate(5), await fixture.upToDate(6)];
	fixture.propose(reconfig(1, '1', '5', '6'));
	fixture.leader.logged(makeZxid(2, 1));
	five.send(ack(makeZxid(2, 1)));
	six.send(ack(makeZxid(2, 1)));
	expect(fixture.told).toEqual(['next 200000001']);
});

it('82: an observer hears of it with the transaction, and counts for no quorum while it observes', async () => {
	const fixture = new Fixture();
	const two = await fixture.established();
	const observer = await fixture.upToDate(4, 'observerInfo');
	expect(fixture.leader.isQuorumSynced(config(9, '1', '4'))).toBe(false);
	expect(fixture.leader.isQuorumSynced(config(9, '1', '2', '4'))).toBe(true);
	expect(fixture.leader.isQuorumSynced(config(9, '1', '5', '6'))).toBe(false);
	expect(fixture.leader.isQuorumSynced(config(9, '2'))).toBe(true);
	const three = await fixture.upToDate(3);
	fixture.propose(reconfig(1, '1', '2', '3', '4'));
	fixture.leader.logged(makeZxid(2, 1));
	two.send(ack(makeZxid(2, 1)));
	expect(await observer.heard()).toEqual([]);
	three.send(ack(makeZxid(2, 1)));
	expect(await observer.heard()).toEqual(['INFORMANDACTIVATE 0x200000001']);
});

it('82: a leader that is removed hands over to who has most on its disk, commits nothing more, and steps down when they are gone', async () => {
	const fixture = new Fixture();
	const [two, three] = [await fixture.established(), await fixture.upToDate(3)];
	fixture.propose(reconfig(1, '2', '3'), write(2));
	fixture.leader.logged(makeZxid(2, 2));
	three.send(ack(makeZxid(2, 1)), ack(makeZxid(2, 2)));
	two.send(ack(makeZxid(2, 1)));
	expect(fixture.told).toEqual(['next 200000001', 'committed 1', 'current 200000001']);
	expect((await two.heard()).at(-1)).toBe('COMMITANDACTIVATE 0x200000001');
	expect(designatedLeaderOf(last(two))).toBe(3);
	two.send(ack(makeZxid(2, 2)));
	expect(fixture.told).toHaveLength(3);
	three.send(packet(99));
	expect(fixture.told.at(-1)).toContain(
		'stepDown: the configuration of version 0x200000001 is in force, and server 3 is to lead',
	);
});

it('82: who leads from now on is this server at its address, else the voter with most on its disk and the lowest number', () => {
	const before = config(1, '1', '2', '3');
	const acknowledged = new Map([
		[1, 9],
		[3, 7],
		[2, 7],
		[4, 6],
		[5, 9],
	]);
	const designated = (...names: readonly string[]) => designatedLeader(1, before, config(2, ...names), acknowledged);
	expect(designated('1', '2')).toBe(1);
	expect(designated('x1', '2', '3', '4')).toBe(2);
	expect(designated('o1', '4', '5')).toBe(5);
	expect(designated('4', '3')).toBe(3);
});

it('82: a replica that comes while a reconfiguration is under way gets NEWLEADER behind its proposal, and counts', async () => {
	const fixture = new Fixture();
	const two = await fixture.established();
	fixture.propose(reconfig(1, '1', '2', '5'));
	fixture.leader.logged(makeZxid(2, 1));
	const { learner, heard } = await fixture.upTo(5, 'followerInfo', 0, true);
	expect(heard).toEqual(['DIFF 0x100000005', 'PROPOSAL 0x200000001', 'NEWLEADER 0x200000000']);
	learner.send(ack(makeZxid(2, 0)));
	two.send(ack(makeZxid(2, 1)));
	expect(fixture.told.slice(-2)).toEqual(['committed 1', 'current 200000001']);
	expect(await learner.heard()).toEqual(['UPTODATE', 'COMMITANDACTIVATE 0x200000001']);
});

it('82: a ZooKeeper that comes while a reconfiguration is under way gets NEWLEADER when it is over, and cannot be waited for', async () => {
	const fixture = new Fixture();
	const two = await fixture.established();
	const three = await fixture.upToDate(3);
	fixture.propose(reconfig(1, '1', '2', '3'));
	const { learner, heard } = await fixture.upTo(5);
	expect(heard).toEqual(['DIFF 0x100000005']);
	fixture.leader.logged(makeZxid(2, 1));
	for (const each of [two, three]) each.send(ack(makeZxid(2, 1)));
	expect(await learner.heard()).toEqual([
		'PROPOSAL 0x200000001',
		'COMMITANDACTIVATE 0x200000001',
		'NEWLEADER 0x200000000',
	]);
	expect(textOf(last(learner).data!)).toContain('version=200000001');
	const without = new Fixture();
	await without.established();
	without.propose(reconfig(1, '1', '5'));
	await without.upTo(5);
	without.timers.advance(100);
	expect(without.told.at(-1)).toContain('stepDown: of the other servers only');
});

it('82: a leader completes what another one proposed: NEWLEADER has it, and both configurations have to agree', async () => {
	const next = config(makeZxid(1, 5), '1', '2', '5', '6', '7');
	const fixture = new Fixture({ next });
	const two = await fixture.upTo(2);
	expect(two.heard).toEqual([]);
	expect(fixture.leader.epoch).toBe(0);
	const another = new Fixture({ next });
	const [second, five] = await another.together([2], [5]);
	expect(textOf(last(five!).data!)).toBe(next.toString());
	second!.send(ack(makeZxid(2, 0)));
	expect(another.told).toEqual([]);
	five!.send(ack(makeZxid(2, 0)));
	expect(another.told).toEqual(['current 100000005', 'established 2']);
});

it('82: one that completes its own removal serves nobody, and leaves the rest to an election', async () => {
	const fixture = new Fixture({ next: config(makeZxid(1, 5), '2', '3') });
	const [two, three] = await fixture.together([2], [3]);
	for (const each of [two!, three!]) each.send(ack(makeZxid(2, 0)));
	expect(fixture.told).toEqual(['current 100000005']);
	expect(await two!.heard()).toEqual(['UPTODATE']);
	two!.send(packet(99));
	expect(fixture.told.at(-1)).toBe('stepDown: the configuration of version 0x100000005 is in force');
});

it('82: leads on only with a quorum of both configurations', async () => {
	const fixture = new Fixture();
	await fixture.established();
	const five = await fixture.upToDate(5);
	fixture.propose(reconfig(1, '1', '2', '5', '6', '7'));
	five.send(packet(99));
	fixture.timers.advance(100);
	expect(fixture.told.at(-1)).toContain('stepDown: of the other servers only 2 (follower) is there');
});

it('82: a learner with a newer configuration in force is refused', async () => {
	const fixture = new Fixture();
	const { learner } = await fixture.upTo(2, 'followerInfo', makeZxid(1, 1));
	expect(learner.isClosed).toBe(true);
	expect(fixture.told[0]).toContain('has the configuration of version');
});

it('82: a newcomer that is ahead counts when all voters of the next configuration have promised, and is cut', async () => {
	const next = config(makeZxid(1, 5), '1', '6', '7');
	const fixture = new Fixture({ next });
	const [two, six] = await fixture.together([2], [6, makeZxid(1, 8)]);
	expect(fixture.leader.epoch).toBe(2);
	expect([two!.isClosed, six!.isClosed, six!.packets.at(-1)?.type]).toEqual([false, false, packetType.leaderInfo]);
	const { heard } = await fixture.upTo(7);
	expect(heard.at(-1)).toBe('NEWLEADER 0x200000000');
	expect((await six!.heard()).slice(0, 1)).toEqual(['TRUNC 0x100000005']);
	// A voter of the configuration in force does not count, whoever is there.
	const other = new Fixture({ next });
	const [ahead] = await other.together([2, makeZxid(1, 8)], [6]);
	expect(ahead!.isClosed).toBe(true);
});
