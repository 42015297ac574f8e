import { QuorumError } from '../quorum-error.ts';
import type { ZabParts } from '../zab-parts.ts';
import type { LearnerHandler } from './learner-handler.ts';

/**
 * A member promised a later epoch than this leader's to another one, which came to nothing, and may follow in none before it: it would stay out for as long as this server leads
 * (ZooKeeper's does). So the leader gives up, and the next one begins an epoch behind that: this server promised as much. A history that is no past of this leader's own is none to
 * make room for: that of a restored directory, or of a leader that came later.
 * @returns why the leader steps down
 * @throws QuorumError of the member, when it does not
 */
export function roomFor(handler: LearnerHandler, { history, membership }: ZabParts, epoch: number): QuorumError {
	const { serverId, acceptedEpoch, currentEpoch, isMarked } = handler;
	const isMember = membership.current.servers.has(serverId) || membership.next?.servers.has(serverId) === true;
	const promised = `server ${serverId} has promised epoch ${acceptedEpoch}`;
	if (!isMember || !isMarked || currentEpoch > epoch)
		throw new QuorumError(`${promised} and cannot follow in epoch ${epoch}`);
	history.acceptedEpoch = acceptedEpoch;
	return new QuorumError(`${promised}: a new election begins a later one than that`);
}
