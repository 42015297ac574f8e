/** The configurations that a leader tells a learner of, from NEWLEADER to the next reconfiguration, and what follows from each (semantics 82). */
import type { TxnRecord } from '../../model/txn-record.ts';
import { endsTerm, type Membership, MembershipChanged } from '../membership.ts';
import { configIn, configOfRecord } from '../messages.ts';
import type { QuorumConfig } from '../quorum-config.ts';

export class ToldConfigs {
	readonly #membership: Membership;
	readonly #leader: number;
	/** Of NEWLEADER: in force with UPTODATE. */
	#announced: QuorumConfig | null = null;

	constructor(membership: Membership, leader: number) {
		this.#membership = membership;
		this.#leader = leader;
	}

	/** It is about to be logged. */
	proposed(record: TxnRecord): void {
		const config = configOfRecord(record);
		if (config !== null) this.#membership.propose(config);
	}

	/** It is committed. @throws MembershipChanged */
	activated(record: TxnRecord, designated: number): void {
		const config = configOfRecord(record);
		if (config !== null) this.#activate(config, designated);
	}

	/** COMMITANDACTIVATE for a proposal that came while it followed. @throws MembershipChanged */
	committed(zxid: number, designated: number): void {
		const { next } = this.#membership;
		if (next?.version === zxid) this.#activate(next, designated);
	}

	/** What NEWLEADER carries. */
	announced(data: Uint8Array | null): void {
		if (data !== null && data.length > 1 && this.#membership.isReconfigurable) this.#announced = configIn(data);
	}

	/**
	 * The history is the leader's now and durable, and so is the configuration that binds it.
	 * @param pending a reconfiguration that came in front of NEWLEADER and is not committed: it binds on, whatever NEWLEADER says
	 */
	synchronized(pending: TxnRecord | null): void {
		const config = (pending && configOfRecord(pending)) ?? this.#announced;
		if (config !== null) this.#membership.replaceNext(config);
	}

	/**
	 * ZooKeeper's leader says with NEWLEADER also what it has proposed and not committed: that is in force with its commit, not before.
	 * @throws MembershipChanged
	 */
	upToDate(pending: TxnRecord | null): void {
		const config = this.#announced;
		if (config !== null && config.version !== pending?.header.zxid) this.#activate(config, null);
	}

	/** @param designated who is to lead from now on; null when the leader that is followed goes on unless it is not a voter any more */
	#activate(config: QuorumConfig, designated: number | null): void {
		const previous = this.#membership.current;
		if (!this.#membership.activate(config)) return;
		if (endsTerm({ current: config, previous }, this.#membership.serverId, this.#leader, designated)) {
			throw new MembershipChanged(config, designated);
		}
	}
}
