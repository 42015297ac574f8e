/**
 * The processor chains, one function per role. No processor builds another.
 *
 *     standalone  prep → sync → final
 *
 * Prep turns a request into a transaction, sync makes it durable, final applies and answers. What the chain of an ensemble adds
 * (propose and commit) stands between prep and final: final only ever sees committed transactions, and does not know who committed
 * them. Reads go to final directly.
 */
import type { Request } from '../model/op.ts';
import type { Zxid } from '../model/zxid.ts';
import type { TxnLog } from '../ports/txn-log.ts';
import type { Session } from '../session/session.ts';
import { Final, type FinalParts } from './final.ts';
import { Prep, type Preparable, type PrepParts } from './prep.ts';
import { Proposal } from './proposal.ts';
import { Sync } from './sync.ts';

/** What the host drives, whatever the role. */
export interface Chain {
	readonly lastProcessedZxid: Zxid;
	/** The last zxid given out. */
	readonly lastZxid: Zxid;
	/** Transactions in flight. */
	readonly outstanding: number;
	/** Nothing more should be taken in until something was committed. */
	readonly isFull: boolean;
	/** This epoch has no zxid left (semantics 7). */
	readonly isExhausted: boolean;
	write(request: Request, op: Preparable, session: Session | undefined, timeMs: number): void;
	/** @param error found when the request came in; 0: perform it */
	read(request: Request, session: Session | undefined, error: number): void;
	/** The end of a turn: what was written goes to the log. */
	flush(): void;
	/** Everything up to this zxid is committed. Returns how many transactions were applied. */
	commit(zxid: Zxid): number;
	/**
	 * Nothing in flight will ever be committed: answers it, outcome unknown.
	 * @param readError what the reads behind it are answered; 0: perform them
	 */
	abandon(readError: number): void;
}

export interface ChainParts extends PrepParts, FinalParts {
	readonly log: TxnLog;
	readonly serverId: number;
}

/** Alone, durable is committed. */
export function standalone(parts: ChainParts): Chain {
	const prep = new Prep(parts);
	const sync = new Sync(parts.log, parts.options.maxPendingLogBytes);
	const final = new Final(parts);
	const { clock, serverId, tracer } = parts;
	return {
		get lastProcessedZxid() {
			return final.lastProcessedZxid;
		},
		get lastZxid() {
			return prep.lastZxid;
		},
		get outstanding() {
			return final.outstanding;
		},
		get isFull() {
			return sync.isFull;
		},
		get isExhausted() {
			return prep.isExhausted;
		},
		write(request, op, session, timeMs) {
			const startMs = request.traceparent === undefined ? 0 : clock.monotonicMs();
			const record = prep.prepare(request, op, session, serverId, timeMs);
			const preparedMs = startMs === 0 ? 0 : clock.monotonicMs();
			if (startMs !== 0) {
				const error = record.txn.kind === 'error' ? record.txn.code : 0;
				const attributes = { zxid: record.header.zxid, op: op.kind, error };
				tracer.stage(request.traceparent!, 'prep', startMs, preparedMs, attributes);
			}
			sync.add(record);
			final.expect(new Proposal(record, request, session, preparedMs));
		},
		read(request, session, error) {
			final.read(request, session, error);
		},
		flush() {
			sync.flush();
		},
		commit(zxid) {
			const applied = final.commit(zxid);
			if (applied > 0) prep.applied(zxid);
			return applied;
		},
		abandon(readError) {
			final.abandon(readError);
		},
	};
}
