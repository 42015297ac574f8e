import type { Membership } from '../membership.ts';
import type { QuorumConfig } from '../quorum-config.ts';

/** The highest value that the servers of a quorum have reached, each by its own; -1 when they are too few. */
export function quorumValue(config: QuorumConfig, reached: ReadonlyMap<number, number>): number {
	const participants = [...reached].filter(([id]) => config.participants.includes(id)).sort((a, b) => b[1] - a[1]);
	const servers = new Set<number>();
	for (const [id, value] of participants) {
		servers.add(id);
		if (config.isQuorum(servers)) return value;
	}
	return -1;
}

/** With a reconfiguration on its way both configurations have to reach it. */
export function jointValue({ current, next }: Membership, reached: ReadonlyMap<number, number>): number {
	const now = quorumValue(current, reached);
	return next === null ? now : Math.min(now, quorumValue(next, reached));
}

/** Up to which zxid proposals can be committed. Those in front of a reconfiguration do not depend on the quorum that it makes. */
export function committable({ current, next }: Membership, acknowledged: ReadonlyMap<number, number>): number {
	const now = quorumValue(current, acknowledged);
	if (next === null || now < next.version) return now;
	return Math.min(now, Math.max(next.version - 1, quorumValue(next, acknowledged)));
}
