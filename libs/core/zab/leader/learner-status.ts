/** What the leader says of its learners. */
import type { Zxid } from '../../model/zxid.ts';
import type { LearnerStatus } from './leader-app.ts';
import type { LearnerHandler } from './learner-handler.ts';

/** Of those who have introduced themselves. */
export function statusesOf(handlers: Iterable<LearnerHandler>): LearnerStatus[] {
	return [...handlers]
		.filter((handler) => handler.serverId !== -1)
		.map((handler) => ({
			serverId: handler.serverId,
			role: handler.role,
			address: handler.address,
			isSynchronized: handler.phase === 'upToDate',
			lastZxid: Math.max(handler.lastZxid, handler.acknowledged) as Zxid,
		}));
}

export function lostQuorum(learners: readonly LearnerStatus[]): string {
	const there = learners.map(({ serverId, role }) => `${serverId} (${role})`);
	return `of the other servers only ${there.length === 0 ? 'none' : there.join(', ')} is there, which is no quorum`;
}
