/** A transaction with everything that is logged and replicated with it. */
import type { TxnDigest, TxnHeader } from '#jute/records';
import type { Txn } from '#jute/txn';
import type { AuditContext } from './audit-context.ts';

export interface TxnRecord {
	readonly header: TxnHeader;
	readonly txn: Txn;
	/** The tree's digest right after it. Null only in records that ZooKeeper wrote: its error transactions have none. */
	readonly digest: TxnDigest | null;
	/** Who did it. Null for what an Apache ZooKeeper server wrote; raw bytes when a later version of Chronokeeper wrote it. */
	readonly context: AuditContext | Uint8Array | null;
}
