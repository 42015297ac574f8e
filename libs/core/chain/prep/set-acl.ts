import { errors } from '#jute/errors';
import { permission } from '#jute/op-codes';
import type { SetAclTxn } from '#jute/txn';
import type { SetAclOp } from '../../model/op.ts';
import { pathProblem } from '../../model/path.ts';
import { fixAcl } from '../../tree/acl-check.ts';
import { nodeDigest } from '../../tree/digest.ts';
import { accessError, type ErrorCode, nextVersion, type PrepContext, sessionError, versionError } from './context.ts';

/** Checks in ZooKeeper's order (semantics 30); the version is the aversion. */
export function prepareSetAcl(op: SetAclOp, context: PrepContext): SetAclTxn | ErrorCode {
	const session = sessionError(context);
	if (session !== 0) return session;
	if (pathProblem(op.path) !== null) return errors.badArguments.code;
	const acl = fixAcl(op.acl, context.identities, context.options.aclSchemes);
	if (acl === undefined) return errors.invalidAcl.code;
	const node = context.changes.node(op.path);
	if (node === undefined) return errors.noNode.code;
	const access = accessError(context, node.acl, permission.admin);
	if (access !== 0) return access;
	const problem = versionError(node.stat.aversion, op.version);
	if (problem !== 0) return problem;
	const version = nextVersion(context, node.stat.aversion);
	const stat = { ...node.stat, aversion: version };
	context.changes.update(context.zxid, node, {
		...node,
		acl,
		stat,
		digest: nodeDigest(op.path, node.contentCrc, stat),
	});
	return { kind: 'setACL', path: op.path, acl, version };
}
