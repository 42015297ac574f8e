/**
 * What a replica is in its ensemble, and the chain of that role over what it holds. Standalone it is one thing for ever; a member looks for a leader, leads
 * or learns. What is logged and not applied yet stays through all of them: it may be committed by the next leader.
 */
import { Proposal } from '../chain/proposal.ts';
import {
	type Broadcast,
	type Chain,
	type ChainParts,
	IdleChain,
	LeaderChain,
	LearnerChain,
	StandaloneChain,
	type Uplink,
} from '../chain/wiring.ts';
import type { Request } from '../model/op.ts';
import { configPath } from '../model/path.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import { noSession, type SessionId, type Zxid, zeroZxid } from '../model/zxid.ts';
import type { CommitHold } from '../ports/commit-hold.ts';
import type { Session } from '../session/session.ts';
import { isSessionPassword, sessionPassword } from '../session/session-id.ts';
import type { Attachment } from '../session/session-table.ts';
import type { DataTree } from '../tree/data-tree.ts';
import { LearnerSessions } from './learner-sessions.ts';
import { Store, type StoreParts } from './store.ts';

/** `none`: a member that has no leader; `readOnly`: one that serves reads meanwhile. */
export type Role = 'standalone' | 'leader' | 'learner' | 'readOnly' | 'none';

export interface RolesParts extends StoreParts {
	/** New transactions are of this epoch; at least that of the last one. */
	readonly epoch: number;
	readonly isMember: boolean;
	/** What a standalone replica's log says is durable is committed. */
	readonly onCommit: (zxid: Zxid) => void;
	/** See ChainParts. */
	readonly onAside: () => void;
	readonly hold?: CommitHold | undefined;
}

export class Roles {
	readonly #parts: RolesParts;
	readonly #learnerSessions = new LearnerSessions();
	#store: Store;
	#chain: Chain;
	#learner: { readonly chain: LearnerChain; readonly uplink: Uplink } | null = null;
	#role: Role;

	constructor(parts: RolesParts) {
		this.#parts = parts;
		this.#store = new Store(parts);
		this.#role = parts.isMember ? 'none' : 'standalone';
		this.#chain = parts.isMember
			? this.#idle()
			: new StandaloneChain(this.#chainParts(parts.epoch), parts.onCommit, parts.hold);
	}

	get role(): Role {
		return this.#role;
	}

	get store(): Store {
		return this.#store;
	}

	get chain(): Chain {
		return this.#chain;
	}

	/** The leader of this epoch. What is logged counts as committed: the caller has applied it. Sessions' clocks start anew (semantics 62). */
	lead(broadcast: Broadcast, epoch: number): void {
		this.#begin('leader');
		this.#parts.hold?.begin();
		this.#chain = new LeaderChain(this.#chainParts(epoch), broadcast);
	}

	/** A follower or observer that is in step with its leader. */
	follow(uplink: Uplink): void {
		this.#begin('learner');
		const chain = new LearnerChain(this.#chainParts(0), uplink);
		this.#learner = { chain, uplink };
		this.#chain = chain;
	}

	/** Reads only, of what was applied; sessions that begin now are local ones. What is logged and not applied stays so. */
	serveReadOnly(): void {
		this.#begin('readOnly');
	}

	/** The leader is lost, or the end of reading only: whoever waits for an answer is told that the outcome is unknown. */
	end(): void {
		if (this.#role === 'readOnly' && !this.#parts.options.localSessionsEnabled) this.#store.sessions.forgetLocal();
		this.#role = 'none';
		this.#learner?.chain.disown();
		this.#learner = null;
		this.#store.final.disown();
		this.#chain = this.#idle();
		for (const { answer } of this.#learnerSessions.clear()) answer(false);
	}

	/** Other memory takes the place of tree and sessions; nothing that is logged and not applied is left. Only without a role. */
	replace(tree: DataTree, sessions: ReadonlyMap<SessionId, number>): void {
		this.#store = new Store({ ...this.#parts, tree, sessions });
		this.#chain = this.#idle();
	}

	/** Transactions behind this zxid that were never applied are forgotten. Only without a role. */
	drop(zxid: Zxid): void {
		this.#store.final.drop(zxid);
		this.#store.sync.drop(zxid);
	}

	/** The configuration in force, where clients read it. That node is no part of the digest, and this no transaction: each replica says what it knows (semantics 82). */
	showConfig(text: Uint8Array, version: number): void {
		const { tree, watches } = this.#store;
		if (isSame(tree.data(configPath), text)) return;
		const header = { sessionId: noSession, cxid: 0, zxid: version as Zxid, time: this.#parts.clock.now() };
		tree.setData(configPath, text, -1, header, watches.listener(header.zxid));
	}

	/** A leader proposes it, or an observer is informed of it. */
	proposed(record: TxnRecord): void {
		if (this.#learner !== null) {
			this.#learner.chain.proposed(record);
			return;
		}
		this.#store.sync.add(record);
		this.#store.final.expect(new Proposal(record, null, undefined, 0));
	}

	/** The leader's answer to the oldest sync. */
	synced(proposed: Zxid): void {
		this.#learner?.chain.synced(proposed);
	}

	/** See Host. */
	get lastProposed(): Zxid {
		return Math.max(this.#store.lastLogged, this.#learner?.chain.lastProposed ?? zeroZxid) as Zxid;
	}

	/** A learner's session asked for something. */
	touchedHere(session: Session): void {
		if (this.#learner !== null) this.#learnerSessions.touched(session);
	}

	/** Who was active here since the last call: the answer to the leader's ping. */
	activeSessions(): ReadonlyMap<SessionId, number> {
		return this.#learnerSessions.takeActive();
	}

	/** A learner asks its leader first (semantics 65): the answer may come later, or at once. */
	attach(id: SessionId, password: Uint8Array | null, requestedMs: number, answer: (answer: Attachment) => void): void {
		const { sessions } = this.#store;
		const { clock, serverId } = this.#parts;
		if (this.#learner === null || sessions.get(id)?.isLocal === true) {
			answer(sessions.attach(id, password, requestedMs, serverId, clock.monotonicMs()));
			return;
		}
		if (!isSessionPassword(id, password)) {
			answer({ kind: 'refused' });
			return;
		}
		const timeoutMs = sessions.clamp(requestedMs);
		const answered = (isValid: boolean): void => {
			if (isValid) sessions.adopt(id, timeoutMs, clock.monotonicMs()).owner = serverId;
			answer(isValid ? { kind: 'attached', timeoutMs, password: sessionPassword(id) } : { kind: 'refused' });
		};
		this.#learnerSessions.ask(id, { timeoutMs, answer: answered });
		this.#learner.uplink.revalidate(id, timeoutMs);
	}

	/** The leader's answer to attach(). */
	revalidated(id: SessionId, isValid: boolean): void {
		this.#learnerSessions.answered(id, isValid);
	}

	/** Of a leader: is this session alive? If so it moves to that learner. */
	revalidate(id: SessionId, timeoutMs: number, learnerId: number): boolean {
		const { sessions } = this.#store;
		const session = sessions.get(id);
		if (session === undefined || session.closing) return false;
		session.owner = learnerId;
		sessions.adopt(id, timeoutMs, this.#parts.clock.monotonicMs());
		return true;
	}

	/** Of a leader: clients of these sessions were active at a learner. */
	touched(active: ReadonlyMap<SessionId, number>): void {
		const { sessions } = this.#store;
		const nowMs = this.#parts.clock.monotonicMs();
		for (const [id, timeoutMs] of active) if (sessions.get(id) !== undefined) sessions.adopt(id, timeoutMs, nowMs);
	}

	/** Without a session a learner knows its transaction again by a cxid that is its own. */
	isToBeNumbered(request: Request, session: Session | undefined): boolean {
		return this.#learner !== null && session === undefined && request.owner === undefined;
	}

	#begin(role: Role): void {
		this.#role = role;
		this.#store.sessions.restart(this.#parts.clock.monotonicMs());
	}

	#idle(): Chain {
		return new IdleChain(this.#store.sync, this.#store.final);
	}

	#chainParts(epoch: number): ChainParts {
		const { clock, tracer, serverId, options, outcomes, onAside } = this.#parts;
		const { tree, sessions, sync, final, lastLogged } = this.#store;
		const { onError } = outcomes;
		const store = { tree, sessions, sync, final, lastZxid: lastLogged };
		return { ...store, clock, tracer, serverId, options, onError, onAside, epoch };
	}
}

function isSame(one: Uint8Array | null | undefined, other: Uint8Array): boolean {
	return one?.length === other.length && other.every((byte, i) => byte === one[i]);
}
