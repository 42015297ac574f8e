/**
 * The facts of a transaction: what its record says, what decides how the tree and the sessions go on, and what no column of `txn` and `change` has.
 * They stand in znode_version and session; as the end of what the transaction's hash covers they cannot be altered there. txn_facts() in SQL makes the
 * same bytes.
 */
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

/** What is known of a node right after the transaction; undefined of one that has no version of it: one that it deleted again. */
export interface NodeFacts {
	owner(path: string): bigint | undefined;
	cversion(path: string): number | undefined;
}

/** Of each node that was created, in the order of the changes: its owner, and the cversion of its parent. */
export function nodeFacts(created: readonly string[], facts: NodeFacts): Buffer {
	const bytes = Buffer.allocUnsafe(markBytes + created.length * (ownerBytes + cversionBytes));
	let at = bytes.writeUInt16BE(mark, 0);
	for (const path of created) {
		const owner = facts.owner(path);
		if (owner === undefined) at = bytes.writeInt32BE(none, at);
		else {
			at = bytes.writeInt32BE(8, at);
			at = bytes.writeBigUInt64BE(BigInt.asUintN(64, owner), at);
		}
		const cversion = facts.cversion(parentOf(path) ?? '/');
		if (cversion === undefined) at = bytes.writeInt32BE(none, at);
		else {
			at = bytes.writeInt32BE(4, at);
			at = bytes.writeInt32BE(cversion, at);
		}
	}
	return bytes.subarray(0, at);
}
