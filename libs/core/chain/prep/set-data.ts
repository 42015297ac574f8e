import { errors } from '#jute/errors';
import { permission } from '#jute/op-codes';
import type { StoredStat } from '#jute/records';
import type { SetDataTxn } from '#jute/txn';
import type { SetDataOp } from '../../model/op.ts';
import { pathProblem } from '../../model/path.ts';
import type { NodeRecord } from '../../tree/data-tree.ts';
import { contentCrc, nodeDigest } from '../../tree/digest.ts';
import {
	accessError,
	type ErrorCode,
	nextVersion,
	type PrepContext,
	quotaError,
	sessionError,
	versionError,
} from './context.ts';

/** Checks in ZooKeeper's order (semantics 29): quota wins over BadVersion. */
export function prepareSetData(op: SetDataOp, context: PrepContext): SetDataTxn | ErrorCode {
	const session = sessionError(context);
	if (session !== 0) return session;
	if (pathProblem(op.path) !== null) return errors.badArguments.code;
	const node = context.changes.node(op.path);
	if (node === undefined) return errors.noNode.code;
	const access = accessError(context, node.acl, permission.write);
	if (access !== 0) return access;
	const dataLength = op.data?.length ?? 0;
	const quota = quotaError(context, op.path, dataLength - node.dataLength, 0);
	if (quota !== 0) return quota;
	const problem = versionError(node.stat.version, op.version);
	if (problem !== 0) return problem;
	const version = nextVersion(context, node.stat.version);
	projectSetData(context, op, node, version, dataLength);
	return { kind: 'setData', path: op.path, data: op.data, version };
}

export function projectSetData(
	context: PrepContext,
	op: Pick<SetDataOp, 'path' | 'data'>,
	node: NodeRecord,
	version: number,
	dataLength: number,
): void {
	const before = node.stat;
	// Field by field: this is the hottest allocation of the chain, and a spread costs several times as much.
	const stat: StoredStat = {
		czxid: before.czxid,
		mzxid: context.zxid,
		ctime: before.ctime,
		mtime: context.timeMs,
		version,
		cversion: before.cversion,
		aversion: before.aversion,
		ephemeralOwner: before.ephemeralOwner,
		pzxid: before.pzxid,
	};
	const crc = contentCrc(op.path, op.data);
	context.changes.update(context.zxid, node, {
		path: node.path,
		stat,
		acl: node.acl,
		childCount: node.childCount,
		dataLength,
		contentCrc: crc,
		digest: nodeDigest(op.path, crc, stat),
	});
}
