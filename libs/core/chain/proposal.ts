import type { Request } from '../model/op.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import type { Session } from '../session/session.ts';
import { Pending } from './pending.ts';

/** A transaction on its way from prep to final, with whom to answer; nobody, when it was asked for at another replica. */
export class Proposal extends Pending {
	readonly record: TxnRecord;
	/** Monotonic milliseconds; 0 when the request is not sampled. */
	readonly preparedMs: number;

	constructor(record: TxnRecord, request: Request | null, session: Session | undefined, preparedMs: number) {
		super(request, session);
		this.record = record;
		this.preparedMs = preparedMs;
	}
}
