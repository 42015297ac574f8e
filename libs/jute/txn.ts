/**
 * Transactions as ZooKeeper logs and replicates them: results, not intentions (semantics 73, 75).
 * `kind` names the transaction's type; codes are in op-codes.ts.
 */
import type { Acl } from './records.ts';

export interface CreateTxn {
	/** `create2` differs from `create` in its op code only. */
	readonly kind: 'create' | 'create2';
	readonly path: string;
	readonly data: Uint8Array | null;
	readonly acl: readonly Acl[];
	readonly ephemeral: boolean;
	/** The parent's stored cversion after the creation; -1: one more than it is. */
	readonly parentCversion: number;
}

export interface CreateContainerTxn {
	readonly kind: 'createContainer';
	readonly path: string;
	readonly data: Uint8Array | null;
	readonly acl: readonly Acl[];
	readonly parentCversion: number;
}

export interface CreateTtlTxn {
	readonly kind: 'createTTL';
	readonly path: string;
	readonly data: Uint8Array | null;
	readonly acl: readonly Acl[];
	readonly parentCversion: number;
	readonly ttlMs: number;
}

export interface DeleteTxn {
	readonly kind: 'delete' | 'deleteContainer';
	readonly path: string;
}

export interface SetDataTxn {
	/** `reconfig` is a setData of /zookeeper/config. */
	readonly kind: 'setData' | 'reconfig';
	readonly path: string;
	readonly data: Uint8Array | null;
	/** The new version. */
	readonly version: number;
}

export interface SetAclTxn {
	readonly kind: 'setACL';
	readonly path: string;
	readonly acl: readonly Acl[];
	/** The new aversion. */
	readonly version: number;
}

export interface CheckTxn {
	readonly kind: 'check';
	readonly path: string;
	readonly version: number;
}

export interface CreateSessionTxn {
	readonly kind: 'createSession';
	readonly timeoutMs: number;
}

export interface CloseSessionTxn {
	readonly kind: 'closeSession';
	/** The ephemerals that go; null in logs of releases before 3.6, which delete all that the session owns. */
	readonly paths: readonly string[] | null;
}

export interface ErrorTxn {
	readonly kind: 'error';
	readonly code: number;
	/** The body as it was logged when it is not four bytes: ZooKeeper relabels operations of a failed multi (recording c). */
	readonly raw?: Uint8Array;
}

/** What one operation of a multi can be. */
export type SubTxn =
	| CreateTxn
	| CreateContainerTxn
	| CreateTtlTxn
	| DeleteTxn
	| SetDataTxn
	| SetAclTxn
	| CheckTxn
	| ErrorTxn;

/** A multi that failed has an error among its operations and changes nothing (semantics 42, 43). */
export interface MultiTxn {
	readonly kind: 'multi';
	readonly ops: readonly SubTxn[];
}

export type Txn = SubTxn | CreateSessionTxn | CloseSessionTxn | MultiTxn;
export type TxnKind = Txn['kind'];
