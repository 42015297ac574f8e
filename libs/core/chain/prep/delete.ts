import { errors } from '#jute/errors';
import { permission } from '#jute/op-codes';
import type { DeleteTxn } from '#jute/txn';
import type { DeleteContainerOp, DeleteOp } from '../../model/op.ts';
import { isSpecialPath, parentPath } from '../../model/path.ts';
import type { NodeRecord } from '../../tree/data-tree.ts';
import { nodeDigest } from '../../tree/digest.ts';
import { ownerKind } from '../../tree/owners.ts';
import { accessError, type ErrorCode, type PrepContext, sessionError, versionError } from './context.ts';

/** Checks in ZooKeeper's order (semantics 28); DELETE is asked of the parent, BadVersion wins over NotEmpty. */
export function prepareDelete(op: DeleteOp, context: PrepContext): DeleteTxn | ErrorCode {
	const session = sessionError(context);
	if (session !== 0) return session;
	if (!isDeletable(op.path)) return errors.badArguments.code;
	const parent = context.changes.node(parentPath(op.path));
	if (parent === undefined) return errors.noNode.code;
	const access = accessError(context, parent.acl, permission.delete);
	if (access !== 0) return access;
	const node = context.changes.node(op.path);
	if (node === undefined) return errors.noNode.code;
	const version = versionError(node.stat.version, op.version);
	if (version !== 0) return version;
	if (node.childCount > 0) return errors.notEmpty.code;
	projectDelete(context, parent, node);
	return { kind: 'delete', path: op.path };
}

/** Made by the replica's own container task only (semantics 32): there is neither a session nor an ACL to check. */
export function prepareDeleteContainer(op: DeleteContainerOp, context: PrepContext): DeleteTxn | ErrorCode {
	if (!context.isSystem) return errors.unimplemented.code;
	if (!isDeletable(op.path)) return errors.badArguments.code;
	const node = context.changes.node(op.path);
	if (node === undefined) return errors.noNode.code;
	if (node.childCount > 0) return errors.notEmpty.code;
	if (ownerKind(node.stat.ephemeralOwner) === 'ephemeral') return errors.badVersion.code;
	const parent = context.changes.node(parentPath(op.path));
	if (parent === undefined) return errors.noNode.code;
	projectDelete(context, parent, node);
	return { kind: 'deleteContainer', path: op.path };
}

/** The parent's pzxid becomes the deletion's zxid, its cversion stays (semantics 24). */
export function projectDelete(context: PrepContext, parent: NodeRecord, node: NodeRecord): void {
	const { zxid } = context;
	const stat = { ...parent.stat, pzxid: zxid };
	context.changes.update(zxid, parent, {
		...parent,
		stat,
		childCount: parent.childCount - 1,
		digest: nodeDigest(parent.path, parent.contentCrc, stat),
	});
	context.changes.remove(zxid, node);
}

function isDeletable(path: string): boolean {
	return path.includes('/') && !path.includes('\0') && !isSpecialPath(path);
}
