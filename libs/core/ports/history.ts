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
	/** Whether the committed state is known to be the one at lastCommitted, so that what freeze() gives is no fuzzy snapshot (semantics 78). */
	readonly isExact: boolean;
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
	/** The committed state now, sessions included. The caller releases it. Null while as many of them are in use as there can be. */
	freeze(): FrozenTree | null;
	/** The frozen state as a leader's stream: ZooKeeper's snapshot without the file's header, and its signature behind it. */
	snapshotStream(frozen: FrozenTree): Iterator<Uint8Array>;
	/**
	 * Transactions behind `zxid` go, from the log and, should they have been applied, from the tree. Durable when it resolves; rejects with SnapshotNeeded when
	 * that is not possible, and the history is what it was.
	 */
	truncate(zxid: Zxid): Promise<void>;
	/** A transaction of the leader's: logged, not yet applied. */
	append(record: TxnRecord): void;
	/** Applies what was appended up to here. */
	commit(zxid: Zxid): void;
	/** Takes the place of everything: tree, sessions, log. Durable when it resolves; until then the history on disk is the old one. */
	install(snapshot: ReceivedSnapshot): Promise<void>;
	/**
	 * Begins to read a snapshot from a leader's stream. Nothing of the history changes.
	 * @param zxid the leader's
	 * @param isExact whether it is the state at that zxid; else it may have some of what the leader sends behind it
	 */
	receiveSnapshot(zxid: Zxid, isExact: boolean): SnapshotReceiver;
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

/** A whole snapshot that arrived, in memory and not in use yet. */
export interface ReceivedSnapshot {
	readonly nodes: number;
	readonly bytes: number;
	/**
	 * A transaction behind it that the leader has committed; in zxid order. A fuzzy snapshot may have it already.
	 * @throws Error when the state turns out to be wrong
	 */
	apply(record: TxnRecord): void;
}

/** A history that cannot be cut where the leader wants it: only a snapshot from the leader helps. */
export class SnapshotNeeded extends Error {
	constructor(cause: Error) {
		super(cause.message, { cause });
		this.name = 'SnapshotNeeded';
	}
}

export interface SnapshotReceiver {
	/** Feeds it. Null while it wants more; otherwise the bytes behind the snapshot and its signature. @throws Error when it is malformed */
	take(chunk: Uint8Array): Uint8Array | null;
	/** After take() answered with bytes. */
	readonly snapshot: ReceivedSnapshot;
}
