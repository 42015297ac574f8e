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
