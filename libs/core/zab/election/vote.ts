/** Who should lead, in somebody's opinion. */
import type { Notification, ServerState } from '../../ports/election-network.ts';

export interface Vote {
	readonly leader: number;
	/** The last one in the candidate's log. */
	readonly zxid: number;
	/** The round of the election in which it was cast. */
	readonly electionEpoch: number;
	/** The epoch of the candidate's history. */
	readonly peerEpoch: number;
}

/** A vote of a server and what it was doing then. */
export interface CastVote extends Vote {
	readonly state: ServerState;
}

/** Leader, zxid and peerEpoch in the vote of a server that is no candidate itself and has heard of none. */
export const noCandidate = -(2 ** 63);

export function isSameVote(one: Vote, other: Vote): boolean {
	return (
		one.leader === other.leader &&
		one.zxid === other.zxid &&
		one.electionEpoch === other.electionEpoch &&
		one.peerEpoch === other.peerEpoch
	);
}

export function castVote(notification: Notification): CastVote {
	const { leader, zxid, electionEpoch, peerEpoch, state } = notification;
	return { leader, zxid, electionEpoch, peerEpoch, state };
}
