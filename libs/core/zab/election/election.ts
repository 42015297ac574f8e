/**
 * FastLeaderElection, as a state machine over notifications and timers.
 *
 * It lives as long as its server: while the server looks for a leader, a Search does the work; afterwards the election answers those that look
 * with what was decided. Rounds are counted over the whole life, one per search, and are not durable: a server that restarts enters the round of the
 * others.
 *
 * Invariant: nothing here decides what is committed. Two servers may believe that they lead, for a while; discovery finds out, because only one of them
 * gets a quorum of followers for a new epoch.
 */
import type { ElectionListener, ElectionNetwork, Notification, ServerState } from '../../ports/election-network.ts';
import type { After } from '../../ports/timers.ts';
import { parseQuorumConfig } from '../parse-quorum-config.ts';
import { type QuorumConfig, QuorumConfigError } from '../quorum-config.ts';
import { Search, type SearchLimits } from './search.ts';
import { noCandidate, type Vote } from './vote.ts';
import { Voters } from './voters.ts';

export interface ElectionParts {
	readonly serverId: number;
	readonly network: ElectionNetwork;
	readonly after: After;
	config(): QuorumConfig;
	/** One that was proposed and logged here and is not known to be committed; undefined when there is none. */
	nextConfig?(): QuorumConfig | undefined;
	/** While looking: somebody has a newer configuration in force than config(). Takes it, and looks anew if that changes anything, or leaves it. */
	newerConfig?(config: QuorumConfig): void;
	readonly limits?: Partial<SearchLimits>;
}

/** Who leads and what this server is then. `decided` comes once for each look(), unless that is stopped or replaced; never from inside look(). */
export type Decided = (vote: Vote, state: Exclude<ServerState, 'looking'>) => void;

const defaultLimits: SearchLimits = {
	finalizeWaitMs: 200,
	minNotificationIntervalMs: 200,
	maxNotificationIntervalMs: 60_000,
};

export class Election implements ElectionListener {
	readonly #parts: ElectionParts;
	readonly #limits: SearchLimits;
	#search: Search | undefined;
	#state: ServerState = 'looking';
	/** What the last search came to, and what update() made of it. */
	#vote: Vote = { leader: noCandidate, zxid: noCandidate, electionEpoch: 0, peerEpoch: noCandidate };
	#round = 0;
	#supporters: ReadonlySet<number> = new Set();

	constructor(parts: ElectionParts) {
		this.#parts = parts;
		this.#limits = { ...defaultLimits, ...parts.limits };
	}

	/** `looking` also before the first search and after a stopped one. */
	get state(): ServerState {
		return this.#state;
	}

	get vote(): Vote {
		return this.#search?.vote ?? this.#vote;
	}

	/** Who voted for the one that was elected, as far as this server had heard when it was decided; nobody where a reconfiguration said it. */
	get supporters(): ReadonlySet<number> {
		return this.#supporters;
	}

	/**
	 * Looks for a leader, in the next round. The proposal is the server's own last logged zxid and current epoch; those of an observer do not count.
	 * @param lost a leader whose vote is not waited for
	 */
	look(proposal: { readonly zxid: number; readonly peerEpoch: number }, decided: Decided, lost?: number): void {
		this.stop();
		const { serverId, after } = this.#parts;
		const isVoter = this.#parts.config().servers.get(serverId)?.role === 'participant';
		const own = isVoter
			? { leader: serverId, zxid: proposal.zxid, peerEpoch: proposal.peerEpoch }
			: { leader: noCandidate, zxid: noCandidate, peerEpoch: noCandidate };
		this.#state = 'looking';
		this.#search = new Search(
			{
				serverId,
				after,
				limits: this.#limits,
				voters: () => this.#voters(),
				lost,
				send: (to) => this.#send(to),
				decided: (vote, askers, supporters) => {
					this.#supporters = supporters;
					this.#decided(vote, askers, decided);
				},
			},
			own,
			this.#round + 1,
		);
		this.#search.start();
	}

	/** Gives the search up, if there is one. The server's state is `looking` then, and it answers nobody. */
	stop(): void {
		this.#state = 'looking';
		if (this.#search === undefined) return;
		this.#search.stop();
		this.#round = this.#search.vote.electionEpoch;
		this.#vote = this.#search.vote;
		this.#search = undefined;
	}

	/** A reconfiguration said who leads: there is nothing to look for. */
	assume(vote: Vote, state: Exclude<ServerState, 'looking'>): void {
		this.stop();
		this.#supporters = new Set();
		this.#vote = vote;
		this.#state = state;
	}

	/** What those that look are told from now on: the new epoch of the leader, or another leader after a reconfiguration. For a server that does not look. */
	update(vote: Vote): void {
		this.#vote = vote;
	}

	notified(from: number, notification: Notification): void {
		const isAsking = notification.state === 'looking';
		const search = this.#search;
		if (search === undefined) {
			if (isAsking && this.#state !== 'looking') this.#send(from);
			return;
		}
		this.#offerConfig(notification.config);
		// Looking anew, or not any more: this notification was for the search before.
		if (this.#search !== search) return;
		if (this.#voters().has(from)) search.notified(from, notification);
		else if (isAsking) search.asked(from);
	}

	#decided(vote: Vote, askers: ReadonlySet<number>, decided: Decided): void {
		const { serverId } = this.#parts;
		// A server that is in no configuration follows, without a vote.
		const learning = this.#parts.config().servers.get(serverId)?.role === 'observer' ? 'observing' : 'following';
		const state = vote.leader === serverId ? 'leading' : learning;
		this.#search = undefined;
		this.#round = vote.electionEpoch;
		this.#vote = vote;
		this.#state = state;
		for (const id of askers) this.#send(id);
		decided(vote, state);
	}

	#send(to: number): void {
		const { leader, zxid, electionEpoch, peerEpoch } = this.vote;
		const config = this.#parts.config().toString();
		this.#parts.network.send(to, { state: this.#state, leader, zxid, electionEpoch, peerEpoch, config });
	}

	#voters(): Voters {
		return new Voters(this.#parts.config(), this.#parts.nextConfig?.());
	}

	/** A configuration that is malformed is no reason to lose the vote it came with. */
	#offerConfig(text: string | null): void {
		if (this.#parts.newerConfig === undefined || text === null || text === '') return;
		let config: QuorumConfig;
		try {
			config = parseQuorumConfig(text);
		} catch (error) {
			if (error instanceof QuorumConfigError) return;
			throw error;
		}
		if (config.version > this.#parts.config().version) this.#parts.newerConfig(config);
	}
}
