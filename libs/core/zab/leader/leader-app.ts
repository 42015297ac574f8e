import type { SessionId } from '#jute/scalars';
import type { Zxid } from '../../model/zxid.ts';
import type { ForwardedRequest } from '../messages.ts';

/** What the leader tells the replica that it is. What it throws makes the leader step down. */
export interface LeaderApp {
	/** A quorum acknowledged NEWLEADER: from now on requests are taken. The next transaction is (epoch, 1). */
	established(epoch: number): void;
	/** A quorum has everything up to here; once per batch of acks. Learners are told already. */
	committed(zxid: Zxid): void;
	request(request: ForwardedRequest, learner: number): void;
	/** Runs it when all of these requests that came before are proposed, and none that comes later is. */
	inTurn(run: () => void): void;
	/** Of a learner's ping: its sessions that showed life, with their timeouts in milliseconds. */
	touched(sessions: ReadonlyMap<SessionId, number>): void;
	/** Whether the session is open. The learner owns it from now on, then. */
	revalidate(sessionId: SessionId, timeoutMs: number, learner: number): boolean;
	/** Once, when everything is closed already: it lost its quorum, a deadline passed, something failed, or (MembershipChanged) another one is to lead. */
	stepDown(reason: Error): void;
	/** For the log: why a reconfiguration that a client wants is refused. */
	reconfigRefused?(reason: string): void;
	/** For the log: the link to a learner is closed; -1 when it had not introduced itself. */
	learnerLost?(learner: number, address: string, reason: Error): void;
}

/** For status words. */
export interface LearnerStatus {
	readonly serverId: number;
	readonly role: 'follower' | 'observer';
	readonly address: string;
	readonly isSynchronized: boolean;
	/** The last one of its history when it came, then the last one it acknowledged. */
	readonly lastZxid: Zxid;
}
