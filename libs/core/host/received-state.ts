/**
 * A leader's snapshot and what the leader committed behind it, in memory. ZooKeeper's leaders write theirs while transactions go on, so it is a state that never
 * was until all of those are applied that it may have already (semantics 78); that they do not change it again is the tree's business.
 */

import type { TxnRecord } from '../model/txn-record.ts';
import { formatZxid, type SessionId, type Zxid } from '../model/zxid.ts';
import type { ReceivedSnapshot } from '../ports/history.ts';
import type { StateReceiver } from '../ports/replica-storage.ts';
import type { DataTree } from '../tree/data-tree.ts';
import { QuorumError } from '../zab/quorum-error.ts';

export class ReceivedState implements ReceivedSnapshot {
	readonly nodes: number;
	readonly bytes: number;
	readonly tree: DataTree;
	readonly sessions: Map<SessionId, number>;

	/** @param zxid the leader's, of the snapshot */
	constructor({ nodes, bytes, state }: StateReceiver, zxid: Zxid, isExact: boolean) {
		this.nodes = nodes;
		this.bytes = bytes;
		this.tree = state.tree;
		this.tree.lastProcessedZxid = zxid;
		this.tree.isFuzzy = !isExact;
		this.sessions = new Map(state.sessions);
	}

	/** @throws QuorumError when the digest differs although it may not any more: nothing on disk was changed */
	apply(record: TxnRecord): void {
		const { header, txn, digest } = record;
		this.tree.apply(record);
		if (txn.kind === 'createSession') this.sessions.set(header.sessionId, txn.timeoutMs);
		else if (txn.kind === 'closeSession') this.sessions.delete(header.sessionId);
		if (this.tree.agrees(record)) return;
		throw new QuorumError(
			`the leader's snapshot is not its state: after ${formatZxid(header.zxid)} it gives a tree with the digest 0x${this.tree.digest().toString(16)}, ` +
				`the transaction says 0x${digest?.value.toString(16)}`,
		);
	}
}
