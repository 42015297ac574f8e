/** What the handler of one learner tells the leader (ZooKeeper's LearnerMaster). Nothing of it may throw but for the leader's own faults. */

import type { QuorumPacket } from '#jute/quorum/packets';
import type { SessionId } from '#jute/scalars';
import type { Zxid } from '../../model/zxid.ts';
import type { ForwardedRequest } from '../messages.ts';
import type { ZabParts } from '../zab-parts.ts';
import type { LearnerHandler } from './learner-handler.ts';
import type { SyncThrottle } from './sync-throttle.ts';

export interface LearnerMaster {
	readonly parts: ZabParts;
	readonly epoch: number;
	readonly syncs: SyncThrottle;
	/** The newest proposal that was sent. */
	readonly lastProposed: Zxid;
	/** One for all learners. */
	readonly ping: QuorumPacket;
	/** It leads, and a reconfiguration is proposed and not committed. */
	readonly isReconfiguring: boolean;
	/** FOLLOWERINFO or OBSERVERINFO came. */
	introduced(handler: LearnerHandler): void;
	/** ACKEPOCH came; `currentEpoch` is -1 when it is no promise. Nor is it one when a later epoch is promised. */
	epochAcknowledged(handler: LearnerHandler, currentEpoch: number): void;
	/** Gives the handler everything proposed behind `zxid`, and all that comes later. */
	startForwarding(handler: LearnerHandler, zxid: Zxid): void;
	newLeaderAcknowledged(handler: LearnerHandler): void;
	receivedAll(): void;
	touched(sessions: ReadonlyMap<SessionId, number>): void;
	requested(handler: LearnerHandler, request: ForwardedRequest): void;
	/** Answered behind the turns of what the learner, and all others, had sent before. */
	revalidate(
		handler: LearnerHandler,
		sessionId: SessionId,
		timeoutMs: number,
		answer: (isValid: boolean) => void,
	): void;
	/** The link is closed; once. */
	gone(handler: LearnerHandler, reason: Error): void;
	/** Something of this replica's own failed. */
	failed(error: unknown): void;
}
