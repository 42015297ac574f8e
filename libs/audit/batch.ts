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

export class Batch {
	/** Where the history must be for this batch to be written. */
	readonly from: HistoryPoint;
	/** Where it is afterwards. */
	to: HistoryPoint;
	readonly txns: CopyRows;
	readonly changes: CopyRows;
	readonly versions: CopyRows;
	/** path and zxid of each version that was valid before the batch and ended in it. */
	readonly endedPaths: string[] = [];
	readonly endedZxids: number[] = [];
	readonly acls = new Map<bigint, string>();
	readonly sessions: SessionRow[] = [];
	/** Sessions from before the batch that were closed in it. */
	readonly closedSessions: { session: SessionId; zxid: Zxid; ms: number }[] = [];
	readonly epochs: { epoch: number; firstZxid: Zxid; beganMs: number }[] = [];
	readonly gaps: GapRow[] = [];

	constructor(from: HistoryPoint, like?: Batch) {
		this.from = from;
		this.to = from;
		this.txns = new CopyRows(like?.txns.position);
		this.changes = new CopyRows(like?.changes.position);
		this.versions = new CopyRows(like?.versions.position);
	}

	get bytes(): number {
		return this.txns.position + this.changes.position + this.versions.position;
	}

	get txnCount(): number {
		return this.txns.rows;
	}
}
