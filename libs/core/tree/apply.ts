/**
 * What each kind of transaction does to the tree. A transaction carries results, so this decides nothing: an operation that finds its
 * work done (or its node gone) says so in its result and changes nothing more.
 */
import { errors } from '#jute/errors';
import type { TxnHeader } from '#jute/records';
import type { CloseSessionTxn, MultiTxn, SubTxn, Txn, TxnKind } from '#jute/txn';
import type { ApplyResult, TreeChanges, TreeListener } from './changes.ts';
import { containerOwner, ttlOwner } from './owners.ts';

type Handler<T> = (tree: TreeChanges, header: TxnHeader, txn: T, listener: TreeListener | undefined) => ApplyResult;
type Handlers = { readonly [K in TxnKind]: Handler<Extract<Txn, { readonly kind: K }>> };

const done: ApplyResult = Object.freeze({ error: 0 });

const applyCreate: Handler<Extract<Txn, { readonly kind: 'create' | 'create2' }>> = (tree, header, txn, listener) => {
	const owner = txn.ephemeral ? header.sessionId : 0n;
	const error = tree.createNode(txn.path, txn.data, txn.acl, owner, txn.parentCversion, header, listener);
	return withStat(tree, error, txn.path);
};

const applyDelete: Handler<Extract<Txn, { readonly kind: 'delete' | 'deleteContainer' }>> = (
	tree,
	header,
	txn,
	listener,
) => ({ error: tree.deleteNode(txn.path, header.zxid, listener), path: txn.path });

const applySetData: Handler<Extract<Txn, { readonly kind: 'setData' | 'reconfig' }>> = (tree, header, txn, listener) =>
	withStat(tree, tree.setData(txn.path, txn.data, txn.version, header, listener), txn.path);

const handlers: Handlers = {
	create: applyCreate,
	create2: applyCreate,
	createContainer: (tree, header, txn, listener) => {
		const { path, data, acl, parentCversion } = txn;
		return withStat(tree, tree.createNode(path, data, acl, containerOwner, parentCversion, header, listener), path);
	},
	createTTL: (tree, header, txn, listener) => {
		const { path, data, acl, parentCversion } = txn;
		const owner = ttlOwner(txn.ttlMs);
		return withStat(tree, tree.createNode(path, data, acl, owner, parentCversion, header, listener), path);
	},
	delete: applyDelete,
	deleteContainer: applyDelete,
	setData: applySetData,
	reconfig: applySetData,
	setACL: (tree, _header, txn, listener) =>
		withStat(tree, tree.setAcl(txn.path, txn.acl, txn.version, listener), txn.path),
	check: (_tree, _header, txn) => ({ error: 0, path: txn.path }),
	createSession: () => done,
	closeSession: applyCloseSession,
	error: (_tree, _header, txn) => ({ error: txn.code }),
	multi: applyMulti,
};

export function applyTxn(
	tree: TreeChanges,
	header: TxnHeader,
	txn: Txn,
	listener: TreeListener | undefined,
): ApplyResult {
	return (handlers[txn.kind] as Handler<Txn>)(tree, header, txn, listener);
}

function withStat(tree: TreeChanges, error: number, path: string): ApplyResult {
	return error === 0 ? { error, path, stat: tree.stat(path)! } : { error, path };
}

/** The paths that the transaction lists, then what else the session owns here (semantics 63, 64). */
function applyCloseSession(
	tree: TreeChanges,
	header: TxnHeader,
	txn: CloseSessionTxn,
	listener: TreeListener | undefined,
): ApplyResult {
	if (txn.paths !== null) for (const path of txn.paths) tree.deleteNode(path, header.zxid, listener);
	for (const path of tree.ephemeralsOf(header.sessionId)) tree.deleteNode(path, header.zxid, listener);
	return done;
}

/** All or nothing: one error among the operations, and none has an effect (semantics 42). */
function applyMulti(
	tree: TreeChanges,
	header: TxnHeader,
	txn: MultiTxn,
	listener: TreeListener | undefined,
): ApplyResult {
	const failed = txn.ops.some((op) => op.kind === 'error');
	const results = failed ? failedResults(txn.ops) : txn.ops.map((op) => applyTxn(tree, header, op, listener));
	return { error: results.find((result) => result.error !== 0)?.error ?? 0, results };
}

function failedResults(ops: readonly SubTxn[]): ApplyResult[] {
	let behind = false;
	return ops.map((op) => {
		if (op.kind !== 'error') return { error: behind ? errors.runtimeInconsistency.code : 0 };
		behind = true;
		return { error: op.code };
	});
}
