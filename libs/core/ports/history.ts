/**
 * What discovery and synchronization need of a replica's own history: its log, its tree and its epochs. Everything that changes it is
 * called for one at a time.
 */

import type { TxnRecord } from '../model/txn-record.ts';
import type { Zxid } from '../model/zxid.ts';
import type { FrozenTree } from '../tree/frozen-tree.ts';

export interface History {
	/** Of the log, applied or not. */
	readonly lastLogged: Zxid;
	/** The last one known to be committed, which is also applied; at a leader that is not established yet its whole log counts as such. */
	readonly lastCommitted: Zxid;
	/** The highest epoch that a leader was promised, and that of the history. Durable when the setter returns; never less than before. */
	acceptedEpoch: number;
	currentEpoch: number;
	/**
	 * Committed transactions in memory, in zxid order without a hole: ZooKeeper's committed log. Empty right after a start; then minCommitted is
	 * lastCommitted.
	 */
	readonly window: CommittedWindow;
	/**
	 * The committed transactions behind `zxid` from the log on disk, in order; `zxid` itself need not be there. Null when the log does not reach back that far
	 * without a hole, or is larger than what is worth sending.
	 */
	recordsAfter(zxid: Zxid): AsyncIterable<readonly TxnRecord[]> | null;
	/** The committed state now, sessions included. The caller releases it. */
	freeze(): FrozenTree;
	/** The frozen state as a leader's stream: ZooKeeper's snapshot without the file's header, and its signature behind it. */
	snapshotStream(frozen: FrozenTree): Iterator<Uint8Array>;
	/** Transactions behind `zxid` go, from the log and, should they have been applied, from the tree. Durable when it resolves. */
	truncate(zxid: Zxid): Promise<void>;
	/** A transaction of the leader's: logged, not yet applied. */
	append(record: TxnRecord): void;
	/** Applies what was appended up to here. */
	commit(zxid: Zxid): void;
	/** Takes the place of everything: tree, sessions, log. `zxid` is the leader's. Durable when it resolves. */
	install(snapshot: ReceivedSnapshot, zxid: Zxid): Promise<void>;
	/** Begins to read a snapshot from a leader's stream. */
	receiveSnapshot(): SnapshotReceiver;
	/** Resolves when everything appended is durable. */
	durable(): Promise<void>;
}

export interface CommittedWindow {
	readonly minCommitted: Zxid;
	readonly maxCommitted: Zxid;
	/** Those behind `zxid`. */
	after(zxid: Zxid): readonly TxnRecord[];
	/** Whether this very transaction is among them. */
	has(zxid: Zxid): boolean;
	/** The last one at or before `zxid`; undefined when there is none. */
	floor(zxid: Zxid): Zxid | undefined;
}

/** A whole snapshot that arrived, not in use yet. */
export interface ReceivedSnapshot {
	readonly nodes: number;
	readonly bytes: number;
}

export interface SnapshotReceiver {
	/** Feeds it. Null while it wants more; otherwise the bytes behind the snapshot and its signature. @throws Error when it is malformed */
	take(chunk: Uint8Array): Uint8Array | null;
	/** After take() answered with bytes. */
	readonly snapshot: ReceivedSnapshot;
}
