import type { Request } from '../model/op.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import type { Session } from '../session/session.ts';

/** A request that waits for its session's earlier write (semantics 10). `error` was decided when it came in; 0: perform it. */
export interface Waiting {
	readonly request: Request;
	readonly error: number;
}

/** A transaction on its way from prep to final, with whom to answer. */
export class Proposal {
	readonly record: TxnRecord;
	readonly request: Request;
	readonly session: Session | undefined;
	/** Monotonic milliseconds; 0 when the request is not sampled. */
	readonly preparedMs: number;
	#waiting: Waiting[] | null = null;

	constructor(record: TxnRecord, request: Request, session: Session | undefined, preparedMs: number) {
		this.record = record;
		this.request = request;
		this.session = session;
		this.preparedMs = preparedMs;
	}

	/** Answered right after this transaction, in the order they came. */
	letWait(request: Request, error: number): void {
		if (this.#waiting === null) this.#waiting = [];
		this.#waiting.push({ request, error });
	}

	get waiting(): readonly Waiting[] | null {
		return this.#waiting;
	}
}
