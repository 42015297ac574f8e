/** A leader that a spec plays the learners of: server 1 of three participants and one observer, unless it says otherwise. */

import type { TxnRecord } from '#core/model/txn-record';
import { makeZxid } from '#core/model/zxid';
import type { CommitHold } from '#core/ports/commit-hold';
import { Leader } from '#core/zab/leader/leader';
import { packet } from '#core/zab/messages';
import { protocolVersion, writeIntData, writeLearnerInfo } from '#jute/quorum/learner-info';
import { packetType, type QuorumPacket } from '#jute/quorum/packets';
import { configOf, epochRecords, fixedMembership, ScriptedPeer, txnRecord } from './scripted-peer.ts';
import { HistoryDisk, SimHistory } from './sim-history.ts';
import { VirtualTimers } from './virtual-timers.ts';

export class LeaderFixture {
	readonly timers = new VirtualTimers();
	readonly disk = new HistoryDisk();
	readonly history: SimHistory;
	readonly leader: Leader;
	readonly told: string[] = [];

	constructor(
		log: readonly TxnRecord[] = epochRecords(1, 5),
		options = { windowSize: 3, logReach: 0 },
		participants = 3,
		synced = log.length,
		hold?: CommitHold,
	) {
		this.disk.log = [...log];
		this.disk.synced = synced;
		this.disk.acceptedEpoch = 1;
		this.disk.currentEpoch = 1;
		this.history = new SimHistory(this.disk, options);
		this.leader = new Leader(
			{
				serverId: 1,
				membership: fixedMembership(1, configOf(participants, 1)),
				history: this.history,
				after: this.timers.after,
				nowMs: () => this.timers.nowMs,
				limits: { tickMs: 100, initLimit: 10, syncLimit: 5 },
				hold,
			},
			{
				established: (epoch) => this.told.push(`established ${epoch}`),
				committed: (zxid) => {
					this.history.commit(zxid);
					this.told.push(`committed ${zxid % 2 ** 32}`);
				},
				request: (request, learner) => this.told.push(`request ${request.type} of ${learner}`),
				inTurn: (run) => run(),
				touched: (sessions) => this.told.push(`touched ${[...sessions].join()}`),
				revalidate: () => true,
				stepDown: (reason) => this.told.push(`stepDown: ${reason.message}`),
				learnerLost: (learner, _address, reason) => this.told.push(`lost ${learner}: ${reason.message}`),
			},
		);
		this.leader.start();
	}

	join(): ScriptedPeer {
		return new ScriptedPeer('learner', (link) => this.leader.connected(link));
	}

	/** A learner up to NEWLEADER; what it was sent on the way. */
	async upTo(
		id: number,
		zxid: number,
		currentEpoch = 1,
		role: 'followerInfo' | 'observerInfo' = 'followerInfo',
		isMarked = false,
	) {
		const learner = this.join();
		learner.send(info(id, 1, role, isMarked));
		await learner.heard();
		learner.send(packet(packetType.ackEpoch, zxid, writeIntData(currentEpoch)));
		return { learner, heard: await learner.heard() };
	}

	/** An established leader of epoch 2 with follower 2, up to date. */
	async established(): Promise<ScriptedPeer> {
		const { learner } = await this.upTo(2, makeZxid(1, 5));
		learner.send(ack(makeZxid(2, 0)));
		await learner.heard();
		return learner;
	}

	propose(count: number): void {
		for (let i = 0; i < count; i++) {
			const record = txnRecord(this.leader.lastProposed + 1);
			this.leader.propose(record);
			this.history.append(record);
		}
		this.leader.flush();
	}
}

export function info(
	serverId: number,
	acceptedEpoch: number,
	type: 'followerInfo' | 'observerInfo' = 'followerInfo',
	isMarked = false,
): QuorumPacket {
	const data = writeLearnerInfo({ serverId, protocolVersion, configVersion: 0, isMarked });
	return packet(packetType[type], makeZxid(acceptedEpoch, 0), data);
}

export const ack = (zxid: number): QuorumPacket => packet(packetType.ack, zxid);
