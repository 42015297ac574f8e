/**
 * What a leader sends while it brings this server up to its history, from DIFF, TRUNC or SNAP to NEWLEADER. Transactions go into the history as they come;
 * nothing of it is applied before the leader is established (UPTODATE), because until then it may still be cut off by another one.
 *
 * Behind a snapshot they stay in memory, beside the history that is there: ZooKeeper's leaders write a snapshot while transactions go on, and only with those that
 * are committed before NEWLEADER is it a state that ever was. Then it takes the history's place (semantics 78, 80).
 */
import { packetType, type QuorumPacket } from '#jute/quorum/packets';
import type { TxnRecord } from '../../model/txn-record.ts';
import { counterOf, formatZxid, isContiguous, type Zxid, zeroZxid } from '../../model/zxid.ts';
import type { History, ReceivedSnapshot } from '../../ports/history.ts';
import { describePacket, designatedLeaderOf, recordOf, zxidOf } from '../messages.ts';
import { QuorumError } from '../quorum-error.ts';
import type { ToldConfigs } from './told-configs.ts';

export class Incoming {
	readonly #history: History;
	readonly #isObserver: boolean;
	readonly #configs: ToldConfigs;
	/** The last transaction that came, or that the history had before. */
	last: Zxid = zeroZxid;
	/** Up to here the leader has committed. */
	committed: Zxid = zeroZxid;
	/** A snapshot holds everything up to here; ZooKeeper's leader may send some of it again behind it. */
	#held: Zxid = zeroZxid;
	/** With everything committed behind it; null when it is the history, or there is none. */
	#snapshot: ReceivedSnapshot | null = null;
	/** Proposed and not committed, in order. */
	readonly #outstanding: TxnRecord[] = [];
	#firstOutstanding = 0;
	/** Whether the leader's COMMIT commits all in front of it, too. */
	takesBatches = false;

	constructor(history: History, isObserver: boolean, configs: ToldConfigs) {
		this.#history = history;
		this.#isObserver = isObserver;
		this.#configs = configs;
	}

	/** The last one that is proposed and not committed. */
	get reconfig(): TxnRecord | null {
		return this.outstanding.findLast(({ txn }) => txn.kind === 'reconfig') ?? null;
	}

	get outstanding(): readonly TxnRecord[] {
		return this.#outstanding.slice(this.#firstOutstanding);
	}

	/** DIFF: everything in the own log is in the leader's history, too. */
	diff(): void {
		this.#startFrom(this.#history.lastLogged);
	}

	/** After the history was truncated. */
	truncated(zxid: Zxid): void {
		const { lastLogged } = this.#history;
		// A zxid that stands for an epoch is no transaction's: the last one before it is the end then.
		if (lastLogged > zxid || (lastLogged < zxid && counterOf(zxid) !== 0)) {
			throw new QuorumError(`TRUNC ${formatZxid(zxid)} left ${formatZxid(lastLogged)} as the end of the own log`);
		}
		this.#startFrom(lastLogged);
	}

	/** SNAP: what is committed behind it goes into it. */
	received(snapshot: ReceivedSnapshot, zxid: Zxid): void {
		this.#snapshot = snapshot;
		this.#held = zxid;
		this.#startFrom(zxid);
	}

	/** NEWLEADER came: what is to take the place of the history. */
	get snapshot(): ReceivedSnapshot | null {
		return this.#snapshot;
	}

	/** It has taken the place of the history, and what is not committed follows it. */
	installed(): void {
		this.#snapshot = null;
		// What an observer logs is committed.
		if (!this.#isObserver) for (const record of this.outstanding) this.#history.append(record);
	}

	#startFrom(zxid: Zxid): void {
		this.last = zxid;
		this.committed = zxid;
	}

	/** PROPOSAL, COMMIT, INFORM and the two that activate a configuration. */
	take(packet: QuorumPacket): void {
		switch (packet.type) {
			case packetType.proposal:
				this.#proposed(recordOf(packet), packet);
				return;
			case packetType.commit:
				this.#committed(zxidOf(packet), packet);
				return;
			case packetType.commitAndActivate:
				this.#activated(this.#committed(zxidOf(packet), packet), packet);
				return;
			case packetType.inform:
			case packetType.informAndActivate: {
				if (!this.#isObserver) throw new QuorumError(`${describePacket(packet)} is for observers, this is a follower`);
				const record = recordOf(packet, packet.type === packetType.inform ? 0 : 8);
				this.#proposed(record, packet);
				const committed = this.#committed(record.header.zxid, packet);
				if (packet.type === packetType.informAndActivate) this.#activated(committed, packet);
				return;
			}
			default:
				throw new QuorumError(`the leader sent ${describePacket(packet)} during synchronization`);
		}
	}

	/** @param record null when it is in the snapshot, in front of which NEWLEADER will say the configuration */
	#activated(record: TxnRecord | null, packet: QuorumPacket): void {
		if (record !== null) this.#configs.activated(record, designatedLeaderOf(packet));
	}

	#proposed(record: TxnRecord, packet: QuorumPacket): void {
		const { zxid } = record.header;
		if (zxid <= this.#held) return;
		if (!isContiguous(this.last, zxid)) {
			throw new QuorumError(
				`${describePacket(packet)} came behind ${formatZxid(this.last)}: that leaves a hole or goes back`,
			);
		}
		if (!this.#isObserver) this.#configs.proposed(record);
		this.last = zxid;
		this.#outstanding.push(record);
		if (!this.#isObserver && this.#snapshot === null) this.#history.append(record);
	}

	/** Of a Chronokeeper's, with all in front of it. @returns null when the snapshot has it */
	#committed(zxid: Zxid, packet: QuorumPacket): TxnRecord | null {
		if (zxid <= this.#held) return null;
		while (this.takesBatches && (this.#next?.header.zxid ?? zxid) < zxid) this.#commitNext();
		const record = this.#next;
		if (record?.header.zxid !== zxid) {
			const expected = record === undefined ? 'nothing is proposed' : `${formatZxid(record.header.zxid)} is next`;
			throw new QuorumError(`${describePacket(packet)} came where ${expected}`);
		}
		this.#commitNext();
		return record;
	}

	/** The first that is proposed and not committed. */
	get #next(): TxnRecord | undefined {
		return this.#outstanding[this.#firstOutstanding];
	}

	#commitNext(): void {
		const record = this.#next!;
		this.committed = record.header.zxid;
		if (this.#snapshot !== null) this.#snapshot.apply(record);
		else if (this.#isObserver) this.#history.append(record);
		this.#firstOutstanding += 1;
		if (this.#firstOutstanding === this.#outstanding.length) {
			this.#outstanding.length = 0;
			this.#firstOutstanding = 0;
		}
	}
}
