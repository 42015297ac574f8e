/** What a member of an ensemble keeps beside its transaction log, and what it can do with its log when leader and learner synchronize. */
import type { TxnRecord } from '../model/txn-record.ts';
import type { SessionId, Zxid } from '../model/zxid.ts';
import type { DataTree } from '../tree/data-tree.ts';
import type { FrozenTree } from '../tree/frozen-tree.ts';
import type { SnapshotReceiver } from './history.ts';

/** A state of the replica. */
export interface StoredState {
	/** Should it be fuzzy (DataTree.isFuzzy), then it is so on disk. */
	readonly tree: DataTree;
	readonly sessions: ReadonlyMap<SessionId, number>;
}

export interface ReplicaStorage {
	/** Durable when the setter returns. */
	acceptedEpoch: number;
	currentEpoch: number;
	/** Batches of transactions behind `zxid` up to `upTo`, in order. Null when the log does not have them without a hole, or sending a snapshot costs less. */
	recordsAfter(zxid: Zxid, upTo: Zxid): AsyncIterable<readonly TxnRecord[]> | null;
	/** The frozen state as a leader streams it. */
	snapshotStream(frozen: FrozenTree): Iterator<Uint8Array>;
	receiveSnapshot(): StateReceiver;
	/**
	 * The transactions behind `zxid` are cut from the log, durably, and what is left is durable; what is appended next follows it. Rejects with SnapshotNeeded when the files
	 * would not give the state there any more; nothing was changed then.
	 */
	truncateLog(zxid: Zxid): Promise<void>;
	/** The state that the files give. */
	reload(): Promise<StoredState>;
	/** This state, of this zxid, takes the place of all files, durably; what is appended next follows it. */
	install(state: StoredState, zxid: Zxid): Promise<void>;
}

export interface StateReceiver extends Pick<SnapshotReceiver, 'take'> {
	/** Read so far. */
	readonly nodes: number;
	readonly bytes: number;
	/** After take() answered with bytes. */
	readonly state: StoredState;
}
