/** What verify() is asked, and what it answers. */
import type { Zxid } from '#core/model/zxid';
import type { VerifyingKey } from '../checkpoint-key.ts';
import type { Base, Gap } from './bases.ts';
import type { Finding } from './findings.ts';

export interface VerifyOptions {
	/** The first and the last transaction; without them everything. */
	readonly from?: Zxid;
	readonly to?: Zxid;
	/** Without them signatures are not looked at. */
	readonly keys?: readonly VerifyingKey[];
	readonly progress?: (done: number, total: number) => void;
	/** The tree right after each transaction: for whoever compares it with something else. */
	readonly reached?: (zxid: Zxid, digest: bigint) => void;
}

export interface Verified {
	readonly firstZxid: Zxid | null;
	readonly lastZxid: Zxid | null;
	readonly txns: number;
	readonly changes: number;
	readonly versions: number;
	readonly sessions: number;
	readonly epochs: number;
	/** Digests of the cluster that were compared with that of the tree made here. */
	readonly digests: number;
	/** Of the tree at the end. */
	readonly digest: bigint;
	readonly hash: Buffer;
	readonly gaps: readonly Gap[];
	readonly bases: readonly Base[];
	/** What there is of each epoch: complete when it has as many rows as zxids, as anything else is a finding. */
	readonly epochRuns: readonly EpochRun[];
	readonly checkpoints: number;
	readonly signedCheckpoints: number;
	/** Up to here all is signed with a key that was given. */
	readonly signedZxid: Zxid | null;
	readonly signedMs: number | null;
	readonly unsignedTxns: number;
	/** Transactions whose hash has no facts: made by a version before there were any. */
	readonly withoutFacts: number;
	/** Digests could not be compared from here on, because data are kept out of the database. */
	readonly redactedFrom: Zxid | null;
	readonly findings: readonly Finding[];
	/** All of them; `findings` may have fewer. */
	readonly wrongRows: number;
}

export interface EpochRun {
	readonly epoch: number;
	readonly first: Zxid;
	last: Zxid;
	rows: number;
}
