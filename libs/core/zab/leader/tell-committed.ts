/** How learners hear that a proposal is committed. */
import type { QuorumPacket } from '#jute/quorum/packets';
import type { LearnerHandler } from './learner-handler.ts';
import type { Proposal } from './proposals.ts';

/** @param leader whom a reconfiguration makes the leader; then all are told, else those that are told of each */
export function tellCommitted(handlers: Iterable<LearnerHandler>, proposal: Proposal, leader: number | null): void {
	let commit: QuorumPacket | null = null;
	for (const handler of handlers) {
		if (!handler.isForwarding || (leader === null && handler.takesBatches)) continue;
		if (handler.role === 'observer') handler.forward(proposal.inform(leader));
		else handler.forward((commit ??= proposal.committed(leader)));
	}
}

/** Those that are told of the last of a batch only. */
export function tellCommittedThrough(handlers: Iterable<LearnerHandler>, last: Proposal): void {
	const commit = last.committed(null);
	for (const handler of handlers) if (handler.isForwarding && handler.takesBatches) handler.forward(commit);
}
