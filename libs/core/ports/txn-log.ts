import type { Zxid } from '#jute/scalars';
import type { TxnRecord } from '../model/txn-record.ts';

/** Told what became of appended records. Never called from inside append(). */
export interface TxnLogListener {
	/** Everything up to and including this zxid is on disk (fdatasync returned). Zxids strictly rise. */
	durable(zxid: Zxid): void;
	/** A write or sync failed (disk full, I/O error). The log is closed: nothing further becomes durable until a restart. */
	failed(error: Error): void;
}

/** The replica's transaction log. One writer; group commit: one fdatasync covers all that was appended while the last one ran. */
export interface TxnLog {
	/** Takes records over in zxid order; they may not be changed afterwards. Returns at once. */
	append(records: readonly TxnRecord[]): void;
	/** Bytes accepted and not yet durable: the sync stage holds back when this grows too large. */
	readonly pendingBytes: number;
	/** The next append begins a new file (after a snapshot began). */
	roll(): void;
	/** Waits until what was appended is durable, and closes the file. */
	close(): Promise<void>;
}
