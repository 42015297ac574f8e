/** What a transaction may do to a tree, what is told of it, and what comes of it: between the tree and apply.ts, which knows no other of its methods. */
import type { Acl, Stat, TxnHeader } from '#jute/records';
import type { SessionId, Zxid } from '#jute/scalars';

/** Called in ZooKeeper's order of watch triggering (semantics 49), after each effect. May not change the tree. */
export interface TreeListener {
	nodeCreated(path: string): void;
	/** `acl` is the one it had. */
	nodeDeleted(path: string, acl: readonly Acl[]): void;
	dataChanged(path: string): void;
	aclChanged(path: string): void;
	/** The parent, after a child was created or deleted. */
	childrenChanged(path: string): void;
}

export interface ApplyResult {
	/** 0, or a code of the catalogue. Of a multi: the first of its results that is not 0. */
	readonly error: number;
	readonly path?: string;
	/** The node's Stat right after the transaction, as clients see it: creates, setData, setACL. */
	readonly stat?: Stat;
	/** One for each operation of a multi. */
	readonly results?: readonly ApplyResult[];
}

/** Each returns 0 or a code of the catalogue. */
export interface TreeChanges {
	createNode(
		path: string,
		data: Uint8Array | null,
		acl: readonly Acl[],
		ephemeralOwner: bigint,
		parentCversion: number,
		header: TxnHeader,
		listener: TreeListener | undefined,
	): number;
	deleteNode(path: string, zxid: Zxid, listener: TreeListener | undefined): number;
	setData(
		path: string,
		data: Uint8Array | null,
		version: number,
		header: TxnHeader,
		listener: TreeListener | undefined,
	): number;
	setAcl(path: string, acl: readonly Acl[], version: number, listener: TreeListener | undefined): number;
	stat(path: string): Stat | undefined;
	ephemeralsOf(sessionId: SessionId): string[];
}
