import type { SessionId } from '#jute/scalars';
import type { TxnRecord } from '../../model/txn-record.ts';
import type { Zxid } from '../../model/zxid.ts';

/** What a learner tells the replica that it is. What it throws loses the leader. */
export interface LearnerApp {
	/**
	 * UPTODATE: serve clients.
	 * @param outstanding appended to the history already and not committed: their commits come through committed(), their acks are sent
	 */
	synchronized(epoch: number, outstanding: readonly TxnRecord[]): void;
	/** To be logged; logged() says when it is durable. Followers only. */
	proposed(record: TxnRecord): void;
	/** Everything proposed up to here; once per read. Followers only. */
	committed(zxid: Zxid): void;
	/** To be logged and applied. Observers only. */
	informed(record: TxnRecord): void;
	/** With each ping: whether the leader takes no new writes. */
	leaderRefuses?(isRefusing: boolean): void;
	/** Sessions that showed life since it was last asked, with their timeouts in milliseconds: the answer to a ping. */
	activeSessions(): ReadonlyMap<SessionId, number>;
	/** The answers to revalidate() and sync(), each in the order of the questions. */
	revalidated(sessionId: SessionId, isValid: boolean): void;
	/** @param proposed up to here when the leader took the question; 0 from a ZooKeeper */
	synced(proposed: Zxid): void;
	/**
	 * Once, when the link is closed already: look again. A SnapshotNeeded: follow the same leader again, and ask it for a snapshot. A MembershipChanged: follow
	 * the leader that it names, if it names one.
	 */
	lost(reason: Error): void;
}
