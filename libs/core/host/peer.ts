/**
 * A member of an ensemble: it looks for a leader, leads or learns, and looks again when that ends. One term after the other; what a term that is over still
 * has under way is let come to its end first and changes nothing after it.
 */

import type { Uplink } from '../chain/wiring.ts';
import type { AuditContext } from '../model/audit-context.ts';
import { forwardedOperation, wireRequest } from '../model/forwarding.ts';
import type { Caller, Request } from '../model/op.ts';
import type { SessionId, Zxid } from '../model/zxid.ts';
import type { Clock } from '../ports/clock.ts';
import type { CommitHold } from '../ports/commit-hold.ts';
import type { ElectionListener, ElectionNetwork, Notification, ServerState } from '../ports/election-network.ts';
import { SnapshotNeeded } from '../ports/history.ts';
import type { QuorumLinkListener, QuorumNetwork } from '../ports/quorum-link.ts';
import type { After } from '../ports/timers.ts';
import { Election } from '../zab/election/election.ts';
import type { SearchLimits } from '../zab/election/search.ts';
import type { Vote } from '../zab/election/vote.ts';
import { Leader } from '../zab/leader/leader.ts';
import type { SyncLimits } from '../zab/leader/sync-throttle.ts';
import { Learner } from '../zab/learner/learner.ts';
import { type Membership, MembershipChanged } from '../zab/membership.ts';
import { type ForwardedRequest, textData } from '../zab/messages.ts';
import type { QuorumConfig } from '../zab/quorum-config.ts';
import type { ZabLimits, ZabParts } from '../zab/zab-parts.ts';
import type { Host } from './host.ts';
import type { MemberHistory } from './member-history.ts';
import { ReadOnlyMode } from './read-only-mode.ts';

export interface PeerParts {
	readonly serverId: number;
	readonly host: Host;
	readonly history: MemberHistory;
	readonly membership: Membership;
	readonly elections: ElectionNetwork;
	readonly quorum: QuorumNetwork;
	readonly after: After;
	readonly clock: Clock;
	readonly limits: ZabLimits;
	readonly electionLimits?: Partial<SearchLimits>;
	/** Milliseconds without a leader after which reads are served (semantics 67); never, unless it is given. */
	readonly readOnlyAfterMs?: number;
	/** ZooKeeper's maxTimeToWaitForEpoch: see #disloyal(). Below 0, and unless it is given: no matter. */
	readonly maxEpochWaitMs?: number;
	readonly observerPauses?: ObserverPauses;
	/** With audit.mode=strict; the host has the same. */
	readonly hold?: CommitHold | undefined;
	readonly syncLimits?: SyncLimits;
	readonly events?: PeerEvents;
}

/** Milliseconds that an observer waits, another number each time: many of them do not come at once to those who have just lost a leader. */
export interface ObserverPauses {
	/** When it lost its leader, before it looks for one. */
	readonly beforeElection: () => number;
	/** When it knows who leads, before it connects. */
	readonly beforeConnecting: () => number;
}

export interface PeerEvents {
	/** @param leader undefined while there is none @param reason why the last term ended, when it looks again */
	stateChanged?(state: ServerState, leader: number | undefined, reason: Error | undefined): void;
	/** Of a leader: the link to a learner closed; -1 when it had not introduced itself. */
	learnerLost?(learner: number, address: string, reason: Error): void;
	/** Of a leader: why a reconfiguration that a client wants is refused. */
	reconfigRefused?(reason: string): void;
	/** A configuration could not be saved: the server goes on with the one that it has. */
	membershipFailed?(error: Error): void;
	/** Of a learner: its history cannot be cut as the leader wants it, so it asks this leader for a snapshot. */
	snapshotNeeded?(leader: number, reason: Error): void;
	/** In step with its leader, or leading with a quorum: clients are served. */
	serving?(epoch: number): void;
}

/** What it does until the next election. */
interface Term {
	close(reason: Error): void;
}

const ignore = (): void => {};

export class Peer implements ElectionListener {
	readonly #parts: PeerParts;
	readonly #election: Election;
	readonly #readOnly: ReadOnlyMode;
	#term: Term | null = null;
	#leader: Leader | null = null;
	/** Monotonic. */
	#ledSinceMs = 0;
	#isStopped = false;
	#isEnding = false;
	#cancelPause = ignore;

	constructor(parts: PeerParts) {
		this.#parts = parts;
		this.#readOnly = new ReadOnlyMode(parts.host, parts.after, parts.readOnlyAfterMs ?? null);
		const { membership } = parts;
		membership.onChanged(() => this.#showConfig());
		this.#election = new Election({
			serverId: parts.serverId,
			network: parts.elections,
			after: parts.after,
			config: () => membership.current,
			nextConfig: () => membership.next ?? undefined,
			newerConfig: (config) => this.#heardOf(config),
			...(parts.electionLimits === undefined ? {} : { limits: parts.electionLimits }),
		});
	}

	get state(): ServerState {
		return this.#election.state;
	}

	/** The server it votes for or follows. */
	get vote(): Vote {
		return this.#election.vote;
	}

	/** While it leads. */
	get leader(): Leader | null {
		return this.#leader;
	}

	start(): void {
		this.#showConfig();
		this.#look(undefined);
	}

	stop(): void {
		this.#isStopped = true;
		this.#readOnly.end('this replica was stopped');
		this.#election.stop();
		this.#endTerm(new Error('this replica was stopped'));
	}

	notified(from: number, notification: Notification): void {
		if (this.#isStopped) return;
		this.#election.notified(from, notification);
		if (notification.state === 'looking') this.#disloyal(from);
	}

	/** A leader that still waits for a quorum to name its epochs gives up when one of those who elected it looks for another: sooner than initLimit would. */
	#disloyal(server: number): void {
		const { clock, maxEpochWaitMs = -1 } = this.#parts;
		if (maxEpochWaitMs < 0 || this.#leader?.epoch !== 0 || !this.#election.supporters.has(server)) return;
		const waitedMs = clock.monotonicMs() - this.#ledSinceMs;
		if (waitedMs <= maxEpochWaitMs) return;
		this.#end(new Error(`server ${server} had voted for this one, and looks for a leader again after ${waitedMs} ms`));
	}

	/** A leader whose epoch has no zxid left makes room for the next (semantics 7). */
	exhausted(): void {
		// Not from inside the turn that met it.
		const term = this.#term;
		this.#parts.after(0, () => {
			if (this.#term === term) this.#endExhausted();
		});
	}

	#endExhausted(): void {
		this.#end(new Error('the last zxid of this epoch is used up: a new election begins the next epoch'));
	}

	/** @param lost the leader that was followed and hung up */
	#look(reason: Error | undefined, lost?: number): void {
		const { history, membership } = this.#parts;
		this.#parts.events?.stateChanged?.('looking', undefined, reason);
		this.#readOnly.looking();
		void this.#settled().then(() => {
			if (this.#isOut) return;
			this.#remember(() => membership.logEnds(history.lastLogged));
			this.#elect(lost);
		});
	}

	/** An observer has waited, and nothing of the last term is under way any more. */
	async #settled(): Promise<void> {
		const { observerPauses, history, after } = this.#parts;
		const waitMs = this.#election.state === 'observing' ? (observerPauses?.beforeElection() ?? 0) : 0;
		if (waitMs > 0) {
			this.#election.stop();
			await new Promise<void>((resolve) => (this.#cancelPause = after(waitMs, resolve)));
		}
		await history.settled();
	}

	/** Nothing is begun any more. */
	get #isOut(): boolean {
		const { state } = this.#parts.host;
		return this.#isStopped || state === 'broken' || state === 'logFailed';
	}

	#elect(lost?: number): void {
		const { history, host } = this.#parts;
		const proposal = { zxid: history.lastLogged, peerEpoch: history.currentEpoch };
		// A leader that made room for the next epoch lives, and its vote comes in a moment.
		const gone = host.isEpochUsedUp ? undefined : lost;
		this.#election.look(proposal, (vote, state) => this.#decided(vote, state), gone);
	}

	/** A reconfiguration said who leads: there is an election only if that comes to nothing (semantics 82). */
	#assume(leader: number, reason: Error): void {
		const { history, membership, serverId } = this.#parts;
		this.#parts.events?.stateChanged?.('looking', undefined, reason);
		void this.#settled().then(() => {
			if (this.#isOut) return;
			const learning = membership.role === 'observer' ? 'observing' : 'following';
			const state = leader === serverId ? 'leading' : learning;
			const vote = { ...this.#election.vote, leader, zxid: history.lastLogged };
			this.#election.assume(vote, state);
			this.#decided(vote, state);
		});
	}

	/** While looking: others have a newer configuration in force. */
	#heardOf(config: QuorumConfig): void {
		this.#remember(() => {
			if (this.#parts.membership.activate(config)) this.#elect();
		});
	}

	/** What cannot be saved is not so, and comes again. */
	#remember(change: () => void): void {
		try {
			change();
		} catch (error) {
			this.#parts.events?.membershipFailed?.(error instanceof Error ? error : new Error(String(error)));
		}
	}

	#showConfig(): void {
		const { current } = this.#parts.membership;
		this.#parts.host.member((roles) => roles.showConfig(textData(current.toString()), current.version));
	}

	#decided(vote: Vote, state: Exclude<ServerState, 'looking'>): void {
		this.#readOnly.end('an election is decided');
		this.#parts.events?.stateChanged?.(state, vote.leader, undefined);
		if (state === 'leading') this.#lead();
		else this.#learn(vote.leader, state === 'following' ? 'follower' : 'observer');
	}

	/** Once per term, whoever finds out first. */
	#end(reason: Error, lost?: number): void {
		if (this.#term === null || this.#isEnding) return;
		this.#endTerm(reason);
		if (this.#isStopped) return;
		const leader = reason instanceof MembershipChanged ? reason.designatedLeader : null;
		if (leader === null) this.#look(reason, lost);
		else this.#assume(leader, reason);
	}

	#endTerm(reason: Error): void {
		this.#isEnding = true;
		this.#cancelPause();
		this.#term?.close(reason);
		this.#term = null;
		this.#leader = null;
		this.#parts.host.look(reason);
		this.#isEnding = false;
	}

	get #zabParts(): ZabParts {
		const { serverId, membership, history, after, clock, limits, syncLimits, hold } = this.#parts;
		return { serverId, membership, history, after, nowMs: () => clock.monotonicMs(), limits, syncLimits, hold };
	}

	#lead(): void {
		const { host, quorum } = this.#parts;
		// What a new leader has logged is its history, committed or not: the others get it from there.
		host.commit(host.lastLogged);
		host.endBatch();
		const leader = new Leader(this.#zabParts, {
			established: (epoch) => {
				host.lead(leader, epoch);
				this.#serving(epoch);
			},
			committed: (zxid) => {
				host.commit(zxid);
				host.endBatch();
			},
			request: (request, learner) => host.submit(requestOf(request, ownerOnArrival(host, request.sessionId, learner))),
			inTurn: (run) => host.inTurn(run),
			touched: (sessions) => host.member((roles) => roles.touched(sessions)),
			revalidate: (id, timeoutMs, learner) => {
				let isValid = false;
				host.member((roles) => {
					isValid = roles.revalidate(id, timeoutMs, learner);
				});
				return isValid;
			},
			stepDown: (reason) => this.#end(reason),
			reconfigRefused: (reason) => this.#parts.events?.reconfigRefused?.(reason),
			learnerLost: (learner, address, reason) => this.#parts.events?.learnerLost?.(learner, address, reason),
		});
		const refuse = quorum.accept((link) => leader.connected(link));
		this.#leader = leader;
		this.#ledSinceMs = this.#parts.clock.monotonicMs();
		this.#term = {
			close: (reason) => {
				refuse();
				leader.close(reason);
			},
		};
		leader.start();
	}

	/** @param snapshotIn the leader's epoch in which it has to send a snapshot, if it must */
	#learn(leaderId: number, role: 'follower' | 'observer', snapshotIn?: number): void {
		const { host, history, quorum } = this.#parts;
		const learner = new Learner(
			{ ...this.#zabParts, role, leader: leaderId, ...(snapshotIn === undefined ? {} : { snapshotIn }) },
			{
				synchronized: (epoch) => {
					host.follow(uplinkTo(learner));
					// Of proposals that came while it was synchronized.
					learner.logged(history.lastDurable);
					this.#serving(epoch);
				},
				proposed: (record) => host.member((roles) => roles.proposed(record)),
				committed: (zxid) => host.commit(zxid),
				informed: (record) => {
					host.member((roles) => roles.proposed(record));
					host.commit(record.header.zxid);
				},
				leaderRefuses: (isRefusing) => {
					host.refusals.leaderRefuses = isRefusing;
				},
				activeSessions: () => host.activeSessions(),
				revalidated: (id, isValid) => host.member((roles) => roles.revalidated(id, isValid)),
				synced: (proposed) => host.member((roles) => roles.synced(proposed)),
				lost: (reason) => {
					// In an election it would promise another leader a new epoch with the same history, and be told to cut it again.
					if (reason instanceof SnapshotNeeded) this.#learnAnew(leaderId, role, learner.epoch, reason);
					else this.#end(reason, leaderId);
				},
			},
		);
		this.#term = { close: (reason) => learner.close(reason) };
		const term = this.#term;
		const connect = (): void => {
			quorum
				.connect(leaderId, (link) => this.#inBatches(learner.connected(link)))
				.catch((error: Error) => {
					if (this.#term === term) this.#end(error);
				});
		};
		const waitMs = role === 'observer' ? (this.#parts.observerPauses?.beforeConnecting() ?? 0) : 0;
		if (waitMs > 0) this.#cancelPause = this.#parts.after(waitMs, connect);
		else connect();
	}

	#learnAnew(leaderId: number, role: 'follower' | 'observer', epoch: number, reason: Error): void {
		this.#parts.events?.snapshotNeeded?.(leaderId, reason);
		this.#learn(leaderId, role, epoch);
	}

	/** What came together is logged and answered together. */
	#inBatches(listener: QuorumLinkListener): QuorumLinkListener {
		const { host } = this.#parts;
		return {
			received: (packet) => listener.received(packet),
			receivedAll: () => {
				listener.receivedAll?.();
				host.endBatch();
			},
			closed: (reason) => listener.closed(reason),
		};
	}

	#serving(epoch: number): void {
		// Another leader's state may have come in the meantime, with what that said.
		this.#showConfig();
		this.#election.update({ ...this.#election.vote, peerEpoch: epoch });
		this.#parts.events?.serving?.(epoch);
	}
}

function uplinkTo(learner: Learner): Uplink {
	return {
		forward: (request, op, session) => {
			const sessionId = session?.id ?? request.sessionId;
			// The timeout that was granted here, not the one that was asked for.
			const granted =
				op.kind === 'createSession' && session !== undefined ? { ...op, timeoutMs: session.timeoutMs } : op;
			const { identities } = request.caller;
			learner.forward({
				sessionId,
				cxid: request.cxid,
				...wireRequest(granted),
				identities,
				context: contextOf(request),
			});
		},
		revalidate: (id, timeoutMs) => learner.revalidate(id, timeoutMs),
		sync: (request, op) => learner.sync(request.sessionId, request.cxid, op.path),
		logged: (zxid: Zxid) => learner.logged(zxid),
	};
}

function contextOf({ caller, traceparent, requestId }: Request): AuditContext {
	const { identities, address, door } = caller;
	return { traceparent: traceparent ?? '', identities, address, door, requestId: requestId ?? '' };
}

/** No server has this id: a request that is taken for this one's is answered SessionMoved. */
const nobody = -1;

/**
 * A session may come back to a learner, whose word for that overtakes what waits for its turn here: what was sent while the session was elsewhere stays refused
 * (semantics 65), or it would be performed behind what its client did there.
 */
function ownerOnArrival(host: Host, sessionId: SessionId, learner: number): number {
	const owner = host.sessions.get(sessionId)?.owner ?? learner;
	return owner === learner ? learner : nobody;
}

/** An Apache ZooKeeper learner says nothing but the identities, the address among them. */
function requestOf(request: ForwardedRequest, owner: number): Request {
	const { sessionId, cxid, identities, context } = request;
	const address = context?.address ?? identities.find(({ scheme }) => scheme === 'ip')?.id ?? '';
	const caller: Caller = { door: context?.door ?? 'zookeeper', identities, address };
	return {
		sessionId,
		cxid,
		op: forwardedOperation(request),
		caller,
		owner,
		requestId: context?.requestId || undefined,
		traceparent: context?.traceparent || undefined,
		reply: ignore,
	};
}
