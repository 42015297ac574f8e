/**
 * Final: applies what is committed, fires watches, answers.
 *
 * Answers leave in the order of the requests of each session: a read waits behind its session's earlier writes, and only behind
 * those (semantics 10). Watches fire inside apply, so an event is out before the answer that would reveal the change (46).
 */
import { errors } from '#jute/errors';
import { assert, InvariantError } from '../model/assert.ts';
import type { Reply, Request, Result } from '../model/op.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import { formatZxid, noSession, type SessionId, type Zxid } from '../model/zxid.ts';
import type { Clock } from '../ports/clock.ts';
import type { Tracer } from '../ports/tracer.ts';
import type { Session } from '../session/session.ts';
import type { SessionTable } from '../session/session-table.ts';
import type { DataTree } from '../tree/data-tree.ts';
import type { WatchManager } from '../tree/watches.ts';
import { performAuth } from './auth.ts';
import type { ChainOptions } from './options.ts';
import type { Pending, Waiting } from './pending.ts';
import { Proposal } from './proposal.ts';
import { ProposalQueue } from './proposal-queue.ts';
import { performRead, type ReadContext } from './reads.ts';
import { writeReply } from './write-reply.ts';

export interface FinalParts {
	readonly tree: DataTree;
	readonly watches: WatchManager;
	readonly sessions: SessionTable;
	readonly options: ChainOptions;
	readonly clock: Clock;
	readonly tracer: Tracer;
	/** A session is over and everything of it answered: doors close its connections. */
	readonly onSessionClosed: (id: SessionId) => void;
	/** A request was answered: it no longer counts as outstanding. */
	readonly onAnswered: (request: Request) => void;
	/** It was applied. */
	readonly onCommitted?: (record: TxnRecord) => void;
	/** An exception in a read (a bug, answered MarshallingError as ZooKeeper does) or in a door's reply function. */
	readonly onError: (error: unknown, request: Request) => void;
}

export class Final {
	readonly #parts: FinalParts;
	readonly #queue = new ProposalQueue();
	readonly #reads: ReadContext;

	constructor(parts: FinalParts) {
		this.#parts = parts;
		this.#reads = { tree: parts.tree, watches: parts.watches, options: parts.options };
	}

	get lastProcessedZxid(): Zxid {
		return this.#parts.tree.lastProcessedZxid;
	}

	/** Proposals that are not applied yet. */
	get outstanding(): number {
		return this.#queue.size;
	}

	/** The last transaction that was logged; undefined when all are applied. */
	get lastExpected(): Zxid | undefined {
		return this.#queue.last?.record.header.zxid;
	}

	/** A proposal was logged; it will be committed, or dropped, or the replica stops. */
	expect(proposal: Proposal): void {
		this.#queue.push(proposal);
	}

	/**
	 * Answers a request that makes no transaction, now or behind its session's earlier writes.
	 * @param error what was found when it came in; 0: perform it
	 */
	read(request: Request, session: Session | undefined, error: number): void {
		const { op } = request;
		if (op.kind === 'auth') {
			this.#reply(request, performAuth(op, this.#parts.options));
			return;
		}
		// What a session that is over still has in flight is not known any more: its requests wait for all there is.
		const isOver = session === undefined && request.sessionId !== noSession;
		const own = session?.inFlight?.isSettled === false ? session.inFlight : undefined;
		const isForAll = isOver || (op.kind === 'sync' && error === 0);
		const behind = isForAll ? (this.#queue.last ?? own) : own;
		if (behind === undefined) {
			this.#perform(request, error);
			return;
		}
		behind.letWait(request, error);
		// What this session asks next is answered behind the sync (semantics 69).
		if (op.kind === 'sync' && session !== undefined) session.inFlight = behind;
	}

	/** Answers a request that is decided already, now or behind its session's earlier writes. */
	answer(request: Request, session: Session | undefined, reply: Reply): void {
		const behind = session?.inFlight?.isSettled === false ? session.inFlight : undefined;
		if (behind === undefined) this.#reply(request, reply);
		else behind.letWait(request, 0, reply);
	}

	/** A sync is answered: performs it and what waits for it, or lets them wait for what their session asked before it. */
	settle(sync: Pending): void {
		if (sync.request === null) return;
		const { behind } = sync;
		if (behind !== null) {
			behind.letWait(sync.request, 0);
			sync.passOn(behind);
			return;
		}
		const waiting = sync.settle();
		this.#perform(sync.request, 0);
		this.#answerWaiting(waiting, 0);
	}

	/** Nobody will ever say what became of it. */
	giveUp(pending: Pending): void {
		const waiting = pending.settle();
		if (pending.request !== null) this.#lost(pending.request);
		for (const { request, reply } of waiting) {
			if (reply === null) this.#lost(request);
			else this.#reply(request, reply);
		}
	}

	/** Applies and answers everything up to this zxid, in zxid order. */
	commit(zxid: Zxid): number {
		let applied = 0;
		for (let first = this.#queue.first; first !== undefined; first = this.#queue.first) {
			if (first.record.header.zxid > zxid) break;
			this.#commitOne(first);
			applied += 1;
		}
		return applied;
	}

	/** The log failed: what is in flight may or may not be on disk, so its outcome is unknown to the client. */
	abandon(readError: number): void {
		for (let first = this.#queue.first; first !== undefined; first = this.#queue.first) {
			this.#queue.shift();
			const waiting = first.settle();
			if (first.request !== null) this.#lost(first.request);
			this.#answerWaiting(waiting, readError);
		}
	}

	/** Whoever asked for what is in flight is told that its outcome is unknown. The transactions stay: they may be committed yet. */
	disown(): void {
		for (const proposal of this.#queue.replaceAll(({ record }) => new Proposal(record, null, undefined, 0))) {
			this.giveUp(proposal);
		}
	}

	/** Transactions behind this zxid will never be committed. Nobody here asked for them. */
	drop(zxid: Zxid): void {
		this.#queue.cut(zxid);
	}

	#commitOne(proposal: Proposal): void {
		const { record } = proposal;
		const { tree, watches } = this.#parts;
		const { zxid } = record.header;
		const startMs = proposal.isSampled ? this.#parts.clock.monotonicMs() : 0;
		assert(zxid > tree.lastProcessedZxid, 'transactions are applied in zxid order, each once');
		const applied = tree.apply(record, watches.listener(zxid));
		if (!tree.agrees(record)) throw digestMismatch(record, tree.digest());
		this.#parts.onCommitted?.(record);
		this.#queue.shift();
		this.#applySession(proposal);
		const { request } = proposal;
		if (request === null) {
			this.#answerWaiting(proposal.settle(), 0);
		} else {
			this.#answer(proposal, request, writeReply(record, request.op, applied));
		}
		if (startMs !== 0) this.#trace(proposal, startMs);
		if (record.txn.kind === 'closeSession') this.#parts.onSessionClosed(record.header.sessionId);
	}

	#applySession(proposal: Proposal): void {
		const { txn, header } = proposal.record;
		if (txn.kind === 'createSession') {
			this.#parts.sessions.opened(header.sessionId, txn.timeoutMs, this.#parts.clock.monotonicMs());
		} else if (txn.kind === 'closeSession') {
			this.#parts.sessions.closed(header.sessionId);
		}
	}

	#answer(proposal: Proposal, request: Request, reply: Reply): void {
		const { ahead } = proposal;
		if (ahead !== null) {
			ahead.letWait(request, 0, reply);
			proposal.passOn(ahead);
			return;
		}
		const waiting = proposal.settle();
		this.#reply(request, reply);
		this.#answerWaiting(waiting, 0);
	}

	#answerWaiting(waiting: readonly Waiting[], otherwise: number): void {
		for (const { request, error, reply } of waiting) {
			if (reply === null) this.#perform(request, error || otherwise);
			else this.#reply(request, reply);
		}
	}

	#lost(request: Request): void {
		this.#reply(request, { error: errors.connectionLoss.code, zxid: this.lastProcessedZxid });
	}

	#perform(request: Request, error: number): void {
		const startMs = request.traceparent === undefined ? 0 : this.#parts.clock.monotonicMs();
		let outcome: Result | number = error;
		if (error === 0) {
			try {
				outcome = performRead(request.op, request, this.#reads);
			} catch (problem) {
				if (problem instanceof InvariantError) throw problem;
				this.#parts.onError(problem, request);
				outcome = errors.marshallingError.code;
			}
		}
		const zxid = this.lastProcessedZxid;
		if (request.traceparent !== undefined) this.#traceRead(request, request.traceparent, startMs, outcome);
		this.#reply(request, typeof outcome === 'number' ? { error: outcome, zxid } : { error: 0, zxid, result: outcome });
		if (request.op.kind === 'closeSession' && error === 0) this.#closeLocal(request.sessionId);
	}

	#closeLocal(id: SessionId): void {
		this.#parts.sessions.closed(id);
		this.#parts.onSessionClosed(id);
	}

	/** A door that throws harms nobody but itself. */
	#reply(request: Request, reply: Reply): void {
		try {
			request.reply(reply);
			this.#parts.onAnswered(request);
		} catch (problem) {
			this.#parts.onAnswered(request);
			this.#parts.onError(problem, request);
		}
	}

	#trace(proposal: Proposal, startMs: number): void {
		const { tracer, clock } = this.#parts;
		proposal.trace(tracer, 'commit', proposal.begunMs, startMs);
		proposal.trace(tracer, 'final', startMs, clock.monotonicMs());
	}

	#traceRead({ op }: Request, traceparent: string, startMs: number, outcome: Result | number): void {
		const { tracer, clock } = this.#parts;
		const error = typeof outcome === 'number' ? outcome : 0;
		tracer.stage(traceparent, 'final', startMs, clock.monotonicMs(), {
			zxid: this.lastProcessedZxid,
			op: op.kind,
			error,
		});
	}
}

function digestMismatch({ header, digest }: TxnRecord, actual: bigint): InvariantError {
	const expected = `0x${digest?.value.toString(16)}`;
	return new InvariantError(
		`broken invariant: equal digest at equal zxid. After ${formatZxid(header.zxid)} the tree has 0x${actual.toString(16)}, ` +
			`its transaction says ${expected}: this replica's memory is wrong, start it again to recover it from its log`,
	);
}
