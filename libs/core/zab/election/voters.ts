/**
 * Whose votes count: the participants of the configuration and, while a reconfiguration is under way that may become committed, those of
 * the next one too. A quorum is then one of both, so that neither configuration can have a leader that the other does not know.
 */
import type { QuorumConfig } from '../quorum-config.ts';
import type { Vote } from './vote.ts';

export class Voters {
	readonly ids: readonly number[];
	readonly #configs: readonly QuorumConfig[];

	constructor(config: QuorumConfig, next: QuorumConfig | undefined) {
		this.#configs = next !== undefined && next.version > config.version ? [config, next] : [config];
		this.ids = [...new Set(this.#configs.flatMap(({ participants }) => participants))];
	}

	has(id: number): boolean {
		return this.#configs.some(({ servers }) => servers.get(id)?.role === 'participant');
	}

	isQuorum(servers: ReadonlySet<number>): boolean {
		return this.#configs.every((config) => config.isQuorum(servers));
	}

	/**
	 * Whether these are enough to follow whom they follow. One configuration is, because nothing depends on it: a leader counts its own quorums. So a server
	 * whose next configuration was never committed finds its way back also when those who were to join are gone, which ZooKeeper's does not.
	 */
	isFollowed(servers: ReadonlySet<number>): boolean {
		return this.#configs.some((config) => config.isQuorum(servers));
	}

	/**
	 * Whether the vote is for a better candidate: epoch before zxid before server id (semantics 79). One without weight is never better, and any other
	 * is better than it; so a server without weight that has the longest history does not insist on itself.
	 */
	prefer(vote: Vote, than: Vote): boolean {
		if (!this.#mayLead(vote.leader)) return false;
		if (!this.#mayLead(than.leader)) return true;
		if (vote.peerEpoch !== than.peerEpoch) return vote.peerEpoch > than.peerEpoch;
		if (vote.zxid !== than.zxid) return vote.zxid > than.zxid;
		return vote.leader > than.leader;
	}

	#mayLead(id: number): boolean {
		return this.#configs.some((config) => config.weight(id) > 0);
	}
}
