import { errors } from '#jute/errors';
import { permission } from '#jute/op-codes';
import type { CheckTxn } from '#jute/txn';
import type { CheckOp } from '../../model/op.ts';
import { pathProblem } from '../../model/path.ts';
import { accessError, type ErrorCode, nextVersion, type PrepContext, sessionError, versionError } from './context.ts';

/** Inside a multi only (semantics 31). */
export function prepareCheck(op: CheckOp, context: PrepContext): CheckTxn | ErrorCode {
	const session = sessionError(context);
	if (session !== 0) return session;
	if (pathProblem(op.path) !== null) return errors.badArguments.code;
	const node = context.changes.node(op.path);
	if (node === undefined) return errors.noNode.code;
	const access = accessError(context, node.acl, permission.read);
	if (access !== 0) return access;
	const problem = versionError(node.stat.version, op.version);
	if (problem !== 0) return problem;
	// ZooKeeper logs the version a write would have made, although a check changes nothing.
	return { kind: 'check', path: op.path, version: nextVersion(context, node.stat.version) };
}
