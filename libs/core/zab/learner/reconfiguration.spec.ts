/** A learner that hears of other configurations. */
import { expect, it } from 'vitest';
import { protocolVersion, writeIntData } from '#jute/quorum/learner-info';
import { packetType, type QuorumPacket } from '#jute/quorum/packets';
import { epochRecords, ScriptedPeer, txnRecord } from '#test/sim/scripted-peer';
import { HistoryDisk, SimHistory } from '#test/sim/sim-history';
import { VirtualTimers } from '#test/sim/virtual-timers';
import type { TxnRecord } from '../../model/txn-record.ts';
import { makeZxid } from '../../model/zxid.ts';
import { Membership, MembershipChanged } from '../membership.ts';
import { encodeRecord, packet, proposal, textData } from '../messages.ts';
import { parseQuorumConfig } from '../parse-quorum-config.ts';
import type { QuorumConfig } from '../quorum-config.ts';
import { Learner } from './learner.ts';

/** Server ids; a leading `o` makes an observer. */
function config(version: number, ...names: readonly string[]): QuorumConfig {
	const lines = names.map((name) => {
		const id = name.replace(/\D/g, '');
		return `server.${id}=10.0.0.${id}:2888:3888:${name.startsWith('o') ? 'observer' : 'participant'};2181`;
	});
	return parseQuorumConfig([...lines, `version=${version.toString(16)}`].join('\n'));
}

const current = config(makeZxid(1, 0), '1', '2', '3', 'o4');

interface Options {
	readonly next?: QuorumConfig;
	readonly current?: QuorumConfig;
	readonly isReconfigurable?: boolean;
	readonly log?: readonly TxnRecord[];
}

class Fixture {
	readonly timers = new VirtualTimers();
	readonly history: SimHistory;
	readonly membership: Membership;
	readonly told: string[] = [];
	readonly leader: ScriptedPeer;
	readonly learner: Learner;

	/** Server 2 follows server 1, or server 4 observes it. */
	constructor(role: 'follower' | 'observer' = 'follower', options: Options = {}) {
		const disk = new HistoryDisk();
		disk.log = [...(options.log ?? epochRecords(1, 5))];
		disk.synced = disk.log.length;
		disk.acceptedEpoch = 1;
		disk.currentEpoch = 1;
		this.history = new SimHistory(disk, { windowSize: 9, logReach: 0 });
		const serverId = role === 'follower' ? 2 : 4;
		this.membership = new Membership({
			serverId,
			current: options.current ?? current,
			next: options.next,
			isReconfigurable: options.isReconfigurable ?? true,
			store: {
				saveNext: ({ version }) => this.told.push(`next ${version.toString(16)} at epoch ${disk.currentEpoch}`),
				saveCurrent: ({ version }) => this.told.push(`current ${version.toString(16)}`),
			},
		});
		this.learner = new Learner(
			{
				serverId,
				role,
				leader: 1,
				membership: this.membership,
				history: this.history,
				after: this.timers.after,
				nowMs: () => this.timers.nowMs,
				limits: { tickMs: 100, initLimit: 10, syncLimit: 5 },
			},
			{
				synchronized: (epoch) => this.told.push(`synchronized ${epoch}`),
				proposed: (record) => {
					this.history.append(record);
					this.told.push(`proposed ${record.header.zxid % 2 ** 32}`);
				},
				committed: (zxid) => this.told.push(`committed ${zxid % 2 ** 32}`),
				informed: (record) => this.told.push(`informed ${record.header.zxid % 2 ** 32}`),
				activeSessions: () => new Map(),
				revalidated: () => {},
				synced: () => {},
				lost: (reason) => {
					const designated = reason instanceof MembershipChanged ? `for ${reason.designatedLeader}` : reason.message;
					this.told.push(`lost ${designated}`);
				},
			},
		);
		this.leader = new ScriptedPeer('leader', (link) => this.learner.connected(link));
	}

	/** Up to where DIFF, TRUNC or SNAP is due. */
	async promised(): Promise<void> {
		await this.leader.heard();
		this.leader.send(packet(packetType.leaderInfo, makeZxid(2, 0), writeIntData(protocolVersion)));
		await this.leader.heard();
	}

	/** What it is told between DIFF and NEWLEADER is `packets`. */
	async synchronized(announced: QuorumConfig, ...packets: readonly QuorumPacket[]): Promise<void> {
		await this.promised();
		this.leader.send(packet(packetType.diff, this.history.lastLogged), ...packets, newLeader(announced));
		this.history.sync();
		await this.leader.heard();
	}

	async upToDate(): Promise<void> {
		await this.synchronized(current);
		this.leader.send(packet(packetType.upToDate));
		await this.leader.heard();
		this.told.length = 0;
	}
}

const newLeader = (announced: QuorumConfig): QuorumPacket =>
	packet(packetType.newLeader, makeZxid(2, 0), textData(announced.toString()));

function reconfig(zxid: number, ...names: readonly string[]): TxnRecord {
	const data = textData(config(zxid, ...names).toString());
	return { ...txnRecord(zxid), txn: { kind: 'reconfig', path: '/zookeeper/config', data, version: -1 } };
}

function activate(zxid: number, designated: number): QuorumPacket {
	return packet(packetType.commitAndActivate, zxid, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, designated));
}

const inform = (record: TxnRecord, designated: number): QuorumPacket =>
	packet(packetType.informAndActivate, record.header.zxid, encodeRecord(record, BigInt(designated)));

it('82: a reconfiguration is saved before it is logged, and in force with its commit', async () => {
	const fixture = new Fixture();
	await fixture.upToDate();
	fixture.leader.send(proposal(reconfig(makeZxid(2, 1), '1', '2', '5')));
	expect(fixture.told).toEqual(['next 200000001 at epoch 2', 'proposed 1']);
	expect(fixture.membership.current).toBe(current);
	fixture.leader.send(activate(makeZxid(2, 1), 1));
	expect(fixture.told.slice(2)).toEqual(['committed 1', 'current 200000001']);
	expect(fixture.membership.current.participants).toEqual([1, 2, 5]);
	fixture.leader.send(proposal(txnRecord(makeZxid(2, 2))));
	expect(fixture.told.at(-1)).toBe('proposed 2');
});

it('82: it leaves for another leader, or in another role, once it has applied the reconfiguration', async () => {
	for (const [names, designated] of [
		[['2', '3'], 3],
		[['1', 'o2', '3'], 1],
	] as const) {
		const fixture = new Fixture();
		await fixture.upToDate();
		fixture.leader.send(proposal(reconfig(makeZxid(2, 1), ...names)), activate(makeZxid(2, 1), designated));
		expect(fixture.told.slice(2)).toEqual(['committed 1', 'current 200000001', `lost for ${designated}`]);
	}
	const removed = new Fixture();
	await removed.upToDate();
	removed.leader.send(proposal(reconfig(makeZxid(2, 1), '1', '3')), activate(makeZxid(2, 1), 1));
	expect(removed.told.at(-1)).toBe('current 200000001');
	expect([removed.membership.role, removed.membership.hasVote]).toEqual(['participant', false]);
});

it('82: an observer hears of it when it is committed, and becomes a follower', async () => {
	const fixture = new Fixture('observer');
	await fixture.upToDate();
	fixture.leader.send(inform(reconfig(makeZxid(2, 1), '1', '2', '3', 'o4', '5'), 1));
	expect(fixture.told).toEqual(['informed 1', 'current 200000001']);
	fixture.leader.send(inform(reconfig(makeZxid(2, 2), '1', '2', '3', '4'), 1));
	expect(fixture.told.slice(2)).toEqual(['informed 2', 'current 200000002', 'lost for 1']);
});

it('82: the configuration of NEWLEADER is saved before that is acknowledged, and in force with UPTODATE', async () => {
	const fixture = new Fixture();
	const announced = config(makeZxid(1, 7), '1', '2', '5');
	await fixture.synchronized(announced);
	expect(fixture.told).toEqual(['next 100000007 at epoch 1']);
	expect(fixture.leader.packets.at(-1)).toMatchObject({ type: packetType.ack, zxid: makeZxid(2, 0) });
	fixture.leader.send(packet(packetType.upToDate));
	expect(fixture.told.slice(1)).toEqual(['current 100000007', 'synchronized 2']);
});

it('82: there is an election when NEWLEADER made a configuration in which its leader is no voter, or this server something else', async () => {
	for (const announced of [config(makeZxid(1, 7), '2', '3'), config(makeZxid(1, 7), '1', 'o2', '3')]) {
		const fixture = new Fixture();
		await fixture.synchronized(announced);
		fixture.leader.send(packet(packetType.upToDate));
		expect(fixture.told.slice(1)).toEqual(['current 100000007', 'lost for null']);
	}
	const joining = new Fixture('follower', { current: config(0, '2') });
	await joining.synchronized(current);
	joining.leader.send(packet(packetType.upToDate));
	expect(joining.told.at(-1)).toBe('lost for null');
});

it('82: what is committed while it is synchronized is in force at once, also when another one is to lead', async () => {
	const record = reconfig(makeZxid(2, 1), '2', '3');
	const fixture = new Fixture();
	await fixture.promised();
	fixture.leader.send(
		packet(packetType.diff, fixture.history.lastLogged),
		proposal(record),
		activate(makeZxid(2, 1), 3),
	);
	expect(fixture.told).toEqual(['next 200000001 at epoch 1', 'current 200000001', 'lost for 3']);
	const observer = new Fixture('observer');
	await observer.promised();
	observer.leader.send(packet(packetType.diff, observer.history.lastLogged), inform(record, 3));
	expect(observer.told).toEqual(['current 200000001', 'lost for 3']);
	expect(observer.membership.current.participants).toEqual([2, 3]);
});

it('82: what ZooKeeper announces before it is committed is in force with its commit', async () => {
	const record = reconfig(makeZxid(2, 1), '1', '2', '5');
	const fixture = new Fixture();
	await fixture.synchronized(config(makeZxid(2, 1), '1', '2', '5'), proposal(record));
	fixture.leader.send(packet(packetType.upToDate));
	expect(fixture.told).toEqual(['next 200000001 at epoch 1', 'synchronized 2']);
	fixture.leader.send(activate(makeZxid(2, 1), 1));
	expect(fixture.told.slice(2)).toEqual(['committed 1', 'current 200000001']);
});

it('82: a proposal in front of NEWLEADER binds on, whatever that says', async () => {
	const fixture = new Fixture();
	await fixture.synchronized(current, proposal(reconfig(makeZxid(2, 1), '1', '2', '5')));
	expect(fixture.membership.next?.participants).toEqual([1, 2, 5]);
});

it('82: a reconfiguration that was never committed is forgotten with its transaction, not before', async () => {
	const log = [...epochRecords(1, 5), reconfig(makeZxid(1, 6), '1', '2', '7')];
	const next = config(makeZxid(1, 6), '1', '2', '7');
	const fixture = new Fixture('follower', { log, next });
	await fixture.promised();
	expect(fixture.membership.next).toBe(next);
	fixture.leader.send(packet(packetType.trunc, makeZxid(1, 5)));
	await fixture.learner.idle();
	expect(fixture.membership.next).toBeNull();
	expect(fixture.told).toEqual(['next 100000000 at epoch 1']);
	// It stays where the leader has it.
	const kept = new Fixture('follower', { log, next });
	await kept.synchronized(next);
	expect(kept.membership.next).toBe(next);
	expect(kept.told).toEqual([]);
	// A snapshot may take its place without a cut: then NEWLEADER says so.
	const replaced = new Fixture('follower', { log, next });
	await replaced.synchronized(current);
	expect(replaced.membership.next).toBeNull();
});

it('82: without reconfigEnabled it goes its way and changes nothing', async () => {
	const fixture = new Fixture('follower', { isReconfigurable: false });
	await fixture.synchronized(config(makeZxid(1, 7), '2', '3'));
	fixture.leader.send(packet(packetType.upToDate));
	fixture.leader.send(proposal(reconfig(makeZxid(2, 1), '2', '3')), activate(makeZxid(2, 1), 3));
	expect(fixture.told).toEqual(['synchronized 2', 'proposed 1', 'committed 1']);
	expect(fixture.membership.current).toBe(current);
});

it('82: a configuration that cannot be read costs the leader, not the replica', async () => {
	const fixture = new Fixture();
	await fixture.promised();
	fixture.leader.send(
		packet(packetType.diff, fixture.history.lastLogged),
		packet(packetType.newLeader, makeZxid(2, 0), textData('server.1=nonsense')),
	);
	expect(fixture.told.join()).toContain('lost Line 1, `server.1=nonsense`');
});
