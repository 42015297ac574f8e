/**
 * The facts of a transaction: what its record says, what decides how the tree and the sessions go on, and what no column of `txn` and `change` has.
 * They stand in znode_version and session; as the end of what the transaction's hash covers they cannot be altered there. txn_facts() in SQL makes the
 * same bytes.
 */
import type { StoredStat } from '#jute/records';
import { parentOf } from './rows.ts';

export const noFacts = Buffer.alloc(0);

const wordBytes = 4;
/** No row of a change begins so: COPY writes the number of its fields there. */
const markBytes = 2;
const mark = 0xffff;
/** A field is its length and its bytes. */
const ownerBytes = wordBytes + 8;
const cversionBytes = wordBytes + 4;
const none = -1;

/** Of a session that was opened: its timeout. */
export function sessionFacts(timeoutMs: number): Buffer {
	const facts = Buffer.allocUnsafe(markBytes + 2 * wordBytes);
	facts.writeUInt16BE(mark, 0);
	facts.writeInt32BE(4, markBytes);
	facts.writeInt32BE(timeoutMs, markBytes + wordBytes);
	return facts;
}

/**
 * Of each node that was created, in the order of the changes: its owner, and the cversion of its parent. `statNow` is undefined of a node that has no
 * version of this transaction: one that it deleted again.
 */
export function nodeFacts(
	created: readonly string[],
	statNow: (path: string) => Pick<StoredStat, 'ephemeralOwner' | 'cversion'> | undefined,
): Buffer {
	const facts = Buffer.allocUnsafe(markBytes + created.length * (ownerBytes + cversionBytes));
	let at = facts.writeUInt16BE(mark, 0);
	for (const path of created) {
		const node = statNow(path);
		if (node === undefined) at = facts.writeInt32BE(none, at);
		else {
			at = facts.writeInt32BE(8, at);
			at = facts.writeBigUInt64BE(BigInt.asUintN(64, node.ephemeralOwner), at);
		}
		const parent = statNow(parentOf(path) ?? '/');
		if (parent === undefined) at = facts.writeInt32BE(none, at);
		else {
			at = facts.writeInt32BE(4, at);
			at = facts.writeInt32BE(parent.cversion, at);
		}
	}
	return facts.subarray(0, at);
}
