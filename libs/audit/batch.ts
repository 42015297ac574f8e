/** What one transaction of PostgreSQL writes: the history from exactly one zxid to another. */
import type { Zxid } from '#core/model/zxid';
import type { SessionId } from '#jute/scalars';
import { CopyRows } from './copy-rows.ts';
import type { SessionRow } from './rows.ts';

/** A hash chain begins with no bytes before it. */
export const noHash = Buffer.alloc(0);

/** Where a history is: what mirror_cursor holds. `zxid` is null before the first batch. */
export interface HistoryPoint {
	readonly zxid: Zxid | null;
	readonly digest: bigint;
	readonly hash: Buffer;
}

export interface GapRow {
	readonly afterZxid: Zxid;
	readonly throughZxid: Zxid;
	readonly kind: 'lost' | 'undecided' | 'restore' | 'mismatch';
	readonly reason: string;
}

/** A sampled transaction: its trace shows when it came here. */
export interface SampledTxn {
	readonly traceparent: string;
	readonly zxid: Zxid;
	/** The kind of its transaction. */
	readonly op: string;
	readonly error: number;
}

/** Of a large batch the first ones are told of: nobody looks at thousands of traces of one second. */
const maxSampled = 512;
/** A trace that is older is over: what an import or a long catch-up brings adds nothing to it. */
const oldestSampledMs = 300_000;

export class Batch {
	/** Where the history must be for this batch to be written. */
	readonly from: HistoryPoint;
	/** Where it is afterwards. */
	to: HistoryPoint;
	readonly txns: CopyRows;
	readonly changes: CopyRows;
	/** Those whose data stay out of PostgreSQL. */
	readonly redactedChanges: CopyRows;
	readonly versions: CopyRows;
	/** path and zxid of each version that was valid before the batch and ended in it. */
	readonly endedPaths: string[] = [];
	readonly endedZxids: number[] = [];
	/** Where each of them most likely began; -1 where nothing is known of it. */
	readonly endedFroms: number[] = [];
	readonly acls = new Map<bigint, string>();
	readonly sessions: SessionRow[] = [];
	/** Sessions from before the batch that were closed in it. */
	readonly closedSessions: { session: SessionId; zxid: Zxid; ms: number }[] = [];
	readonly epochs: { epoch: number; firstZxid: Zxid; beganMs: number }[] = [];
	readonly clockRuns: { firstZxid: Zxid; beganMs: number }[] = [];
	readonly gaps: GapRow[] = [];
	readonly sampled: SampledTxn[] = [];
	/** When its writing began, milliseconds since 1970 with fractions. */
	beganMs = 0;

	constructor(from: HistoryPoint, like?: Batch) {
		this.from = from;
		this.to = from;
		this.txns = new CopyRows(like?.txns.position);
		this.changes = new CopyRows(like?.changes.position);
		this.redactedChanges = new CopyRows(like?.redactedChanges.position ?? 1024);
		this.versions = new CopyRows(like?.versions.position);
	}

	/** @param timeMs of its header */
	addSampled(txn: SampledTxn, timeMs: number): void {
		if (this.sampled.length < maxSampled && Date.now() - timeMs < oldestSampledMs) this.sampled.push(txn);
	}

	get bytes(): number {
		return this.txns.position + this.changes.position + this.redactedChanges.position + this.versions.position;
	}

	get txnCount(): number {
		return this.txns.rows;
	}
}
