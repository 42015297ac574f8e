/**
 * Servers that only the next configuration gives a vote. They are no candidates, so one of them may be ahead of whoever is elected: of the leader's own epoch it has what that
 * had proposed behind the reconfiguration. Is that committed? In front of the commit of the reconfiguration nothing is without a quorum of the configuration in
 * force, in which nobody has a more recent history than the leader. Behind it only a leader commits that is a voter of the new configuration and has it in force;
 * such a server follows no leader that has it not. So when all voters of the next configuration promise to follow, nothing behind the reconfiguration is committed,
 * and what a newcomer has of it may be cut. While one is missing, its word may be the one that counted.
 */
import type { Membership } from '../membership.ts';
import type { LearnerHandler } from './learner-handler.ts';

export function isNewcomer({ current, next }: Membership, id: number): boolean {
	return current.servers.get(id)?.role !== 'participant' && next?.servers.get(id)?.role === 'participant';
}

/** Whether every voter of the next configuration has promised to follow this leader, or is it. */
export function hasAllNewcomers(
	{ membership, serverId }: { readonly membership: Membership; readonly serverId: number },
	handlers: Iterable<LearnerHandler>,
): boolean {
	const promised = new Set([serverId]);
	for (const { serverId: id, phase } of handlers) if (phase === 'elected') promised.add(id);
	return membership.next?.participants.every((id) => promised.has(id)) ?? false;
}
