/** A transaction with everything that is logged and replicated with it. */
import type { TxnDigest, TxnHeader } from '#jute/records';
import type { Txn } from '#jute/txn';
import type { AuditContext, EncodedContext } from './audit-context.ts';

export interface TxnRecord {
	readonly header: TxnHeader;
	readonly txn: Txn;
	/** The tree's digest right after it. Null only in records that ZooKeeper wrote: its error transactions have none. */
	readonly digest: TxnDigest | null;
	/** Who did it; encoded when it came from a log or another replica. Null for what an Apache ZooKeeper server wrote. */
	readonly context: AuditContext | EncodedContext | null;
	/** All of it as it is logged and sent, once somebody has it so. A record that is made from this one has other bytes: it must not take them over. */
	encoded?: Uint8Array | undefined;
}
