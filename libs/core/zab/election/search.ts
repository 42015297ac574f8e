/**
 * One search for a leader: from the moment a server looks until it knows whom to follow, or that it leads.
 *
 * Every server starts with a vote for itself, sends it to all, and takes over a better one it hears of (`Voters.prefer`). Votes count in their round only; who
 * hears of a newer round enters it with a fresh vote. Once a quorum votes alike, a short wait gives a better candidate the time to be heard of, and the
 * search is over. An ensemble that has its leader already is joined instead: when a quorum says whom it follows and that server says it leads
 * (semantics 79).
 *
 * Beyond ZooKeeper's rules, all of them compatible: a server that lags within a round is told the better vote at once instead of after a pause; there is no
 * wait when every voter agrees but the leader that was just lost, because nobody is left to wait for; news starts the pauses between re-sent votes anew.
 */
import type { Notification } from '../../ports/election-network.ts';
import type { After } from '../../ports/timers.ts';
import { type CastVote, castVote, isSameVote, noCandidate, type Vote } from './vote.ts';
import type { Voters } from './voters.ts';

export interface SearchLimits {
	/** How long a quorum waits for a better candidate. */
	readonly finalizeWaitMs: number;
	/** The first pause after which a vote is sent again when nothing came; each one is twice as long as the one before. */
	readonly minNotificationIntervalMs: number;
	readonly maxNotificationIntervalMs: number;
}

export interface SearchParts {
	readonly serverId: number;
	readonly after: After;
	readonly limits: SearchLimits;
	voters(): Voters;
	/** The leader that was followed until now and hung up: gone most likely, and if not, all that it had committed a quorum without it has, too. */
	readonly lost?: number | undefined;
	/** Sends the search's vote. */
	send(to: number): void;
	/** The end. `askers` looked meanwhile and were put off: they want to know. `supporters` voted alike. */
	decided(vote: Vote, askers: ReadonlySet<number>, supporters: ReadonlySet<number>): void;
}

export class Search {
	readonly #parts: SearchParts;
	/** For the server itself, or for nobody. */
	readonly #own: Omit<Vote, 'electionEpoch'>;
	#vote: Vote;
	/** Votes of this round, the server's own included. */
	readonly #received = new Map<number, CastVote>();
	/** What servers said that follow or lead, of any round. */
	readonly #established = new Map<number, CastVote>();
	#askers = new Set<number>();
	/** Servers without a vote that were answered since the last pause: two servers that do not know each other must not answer each other for ever. */
	#answered = new Set<number>();
	#intervalMs: number;
	#cancelResend: () => void = nothing;
	/** Only while a quorum votes alike. */
	#finalize: { readonly waitMs: number; readonly cancel: () => void } | undefined;

	constructor(parts: SearchParts, own: Omit<Vote, 'electionEpoch'>, round: number) {
		this.#parts = parts;
		this.#own = own;
		this.#vote = { ...own, electionEpoch: round };
		this.#intervalMs = parts.limits.minNotificationIntervalMs;
	}

	/** What this server votes for at the moment. */
	get vote(): Vote {
		return this.#vote;
	}

	start(): void {
		this.#propose(this.#vote);
		this.#count();
	}

	stop(): void {
		this.#cancelResend();
		this.#cancelFinalize();
	}

	/** A server whose own vote does not count looks for a leader. */
	asked(from: number): void {
		if (this.#answered.has(from)) return;
		this.#answered.add(from);
		this.#parts.send(from);
	}

	/** A voter's notification. */
	notified(from: number, notification: Notification): void {
		if (!this.#parts.voters().has(notification.leader)) return;
		this.#startPause();
		if (notification.state === 'looking') this.#heardOfVote(from, castVote(notification));
		else if (notification.state !== 'observing') this.#heardOfLeader(from, castVote(notification));
	}

	#heardOfVote(from: number, vote: CastVote): void {
		// A server whose history is not read yet.
		if (vote.zxid === -1) return;
		const round = this.#vote.electionEpoch;
		const isBetter = this.#parts.voters().prefer(vote, this.#vote);
		// Who has heard of no candidate cannot call others into its round: they look at votes for somebody only. It may have a vote in the next configuration, and not know it yet.
		if (this.#vote.leader === noCandidate && isBetter) {
			this.#enterRound(vote);
		} else if (vote.electionEpoch < round) {
			this.#parts.send(from);
			// It will come back in this round, and should find nothing decided by then.
			if (isBetter) this.#restartFinalize();
			return;
		} else if (vote.electionEpoch > round) {
			// Others of the quorum may have decided already: to run from them to a newer round, and to no better candidate, would leave them alone.
			if (this.#finalize !== undefined && !isBetter) {
				this.#askers.add(from);
				return;
			}
			this.#enterRound(vote);
		} else if (isBetter) {
			this.#propose(vote);
		} else if (!isSameVote(vote, this.#vote)) {
			this.#parts.send(from);
		}
		this.#received.set(from, vote);
		this.#count();
	}

	#heardOfLeader(from: number, vote: CastVote): void {
		if (vote.electionEpoch === this.#vote.electionEpoch) {
			this.#received.set(from, vote);
			if (this.#isLed(this.#received, vote, (other) => isSupport(other, vote))) {
				this.#finish(vote);
				return;
			}
			this.#count();
		}
		// zxid and round are not compared: they may differ between servers that joined the same leader at different times. An epoch has one leader only.
		const previous = this.#established.get(from);
		this.#established.set(from, vote);
		const isAlike = (other: CastVote) => other.leader === vote.leader && other.peerEpoch === vote.peerEpoch;
		if (this.#isLed(this.#established, vote, isAlike)) this.#finish(vote);
		else if (previous === undefined || !isSameVote(previous, vote)) this.#news();
	}

	/** Whether a quorum of these votes is alike and its leader says that it leads. Without the latter, servers would go on electing one that died. */
	#isLed(votes: ReadonlyMap<number, CastVote>, vote: CastVote, isAlike: (other: CastVote) => boolean): boolean {
		const supporters = new Set([...votes].filter(([, other]) => isAlike(other)).map(([id]) => id));
		const voters = this.#parts.voters();
		// Others may know before this server does that it leads; but what they know of its former life, before a restart, does not count.
		if (vote.leader === this.#parts.serverId) return voters.isQuorum(supporters) && isSameVote(vote, this.#vote);
		return voters.isFollowed(supporters) && votes.get(vote.leader)?.state === 'leading';
	}

	#enterRound({ electionEpoch, ...candidate }: CastVote): void {
		this.#received.clear();
		const own = { ...this.#own, electionEpoch };
		const vote = { ...candidate, electionEpoch };
		this.#propose(this.#parts.voters().prefer(vote, own) ? vote : own);
	}

	#propose({ leader, zxid, electionEpoch, peerEpoch }: Vote): void {
		const { serverId } = this.#parts;
		// A quorum for another vote has its own wait.
		this.#cancelFinalize();
		this.#vote = { leader, zxid, electionEpoch, peerEpoch };
		if (this.#parts.voters().has(serverId)) this.#received.set(serverId, { ...this.#vote, state: 'looking' });
		this.#sendToVoters();
		this.#news();
	}

	#sendToVoters(): void {
		this.#answered = new Set();
		for (const id of this.#parts.voters().ids) if (id !== this.#parts.serverId) this.#parts.send(id);
	}

	/** Counts the votes that are like this server's. */
	#count(): void {
		const voters = this.#parts.voters();
		const alike = new Set([...this.#received].filter(([, vote]) => isSameVote(vote, this.#vote)).map(([id]) => id));
		if (!voters.isQuorum(alike)) {
			this.#cancelFinalize();
			return;
		}
		const { lost, limits } = this.#parts;
		const isComplete = voters.ids.every((id) => alike.has(id) || (id === lost && this.#vote.leader !== lost));
		const waitMs = isComplete ? 0 : limits.finalizeWaitMs;
		if (this.#finalize === undefined || waitMs < this.#finalize.waitMs) this.#startFinalize(waitMs);
	}

	#startFinalize(waitMs: number): void {
		this.#cancelFinalize();
		this.#finalize = { waitMs, cancel: this.#parts.after(waitMs, () => this.#finish(this.#vote)) };
	}

	#restartFinalize(): void {
		if (this.#finalize !== undefined) this.#startFinalize(this.#finalize.waitMs);
	}

	#cancelFinalize(): void {
		this.#finalize?.cancel();
		this.#finalize = undefined;
	}

	/** Something changed, so that others may have changed too: ask again soon when nothing comes. */
	#news(): void {
		this.#intervalMs = this.#parts.limits.minNotificationIntervalMs;
		this.#startPause();
	}

	#startPause(): void {
		this.#cancelResend();
		this.#cancelResend = this.#parts.after(this.#intervalMs, () => {
			this.#intervalMs = Math.min(this.#intervalMs * 2, this.#parts.limits.maxNotificationIntervalMs);
			this.#sendToVoters();
			this.#startPause();
		});
	}

	#finish({ leader, zxid, electionEpoch, peerEpoch }: Vote): void {
		this.stop();
		const vote = { leader, zxid, electionEpoch, peerEpoch };
		const supporters = [...this.#received].filter(([, other]) => isSupport(other, vote)).map(([id]) => id);
		this.#parts.decided(vote, this.#askers, new Set(supporters));
	}
}

/** Of one round: a server that still looks must vote the very same; one that has decided may know a newer epoch of the same leader. */
function isSupport(other: CastVote, vote: Vote): boolean {
	return other.state === 'looking' ? isSameVote(other, vote) : other.leader === vote.leader;
}

function nothing(): void {}
