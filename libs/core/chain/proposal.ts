import { traceparentOf } from '../model/audit-context.ts';
import type { Request } from '../model/op.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import type { Stage, Tracer } from '../ports/tracer.ts';
import type { Session } from '../session/session.ts';
import { Pending } from './pending.ts';

/** A transaction on its way from prep to final, with whom to answer; nobody, when it was asked for at another replica. */
export class Proposal extends Pending {
	readonly record: TxnRecord;
	/** When it was prepared, or came from the leader, in monotonic milliseconds; 0 when the request is not sampled. */
	readonly begunMs: number;

	constructor(record: TxnRecord, request: Request | null, session: Session | undefined, begunMs: number) {
		super(request, session);
		this.record = record;
		this.begunMs = begunMs;
	}

	get isSampled(): boolean {
		return this.begunMs !== 0;
	}

	/** A stage of a sampled one, below the span of the request: at whatever replica that came in. */
	trace(tracer: Tracer, stage: Stage, startMs: number, endMs: number): void {
		const { header, txn } = this.record;
		const op = this.request?.op.kind ?? txn.kind;
		const error = txn.kind === 'error' ? txn.code : 0;
		tracer.stage(traceparentOf(this.record.context), stage, startMs, endMs, { zxid: header.zxid, op, error });
	}
}
