/**
 * The eager ACL check (`enableEagerACLCheck`): a member of an ensemble refuses a write of its own clients by the ACLs that it has applied, before anybody else is
 * asked. What it cannot judge, a node that is not there or a path that cannot be, goes its way to prep, which has the last word anyhow.
 */
import { errors } from '#jute/errors';
import { permission } from '#jute/op-codes';
import type { Acl, Id } from '#jute/records';
import type { Op, Reply, Request } from '../model/op.ts';
import { isSpecialPath, parentPath } from '../model/path.ts';
import { zeroZxid } from '../model/zxid.ts';
import { fixAcl, isPermitted } from '../tree/acl-check.ts';
import type { DataTree } from '../tree/data-tree.ts';
import type { ChainOptions } from './options.ts';

/** What the write needs: this permission on that node, and an ACL of its own that can be. */
interface Needs {
	readonly path: string;
	readonly permission: number;
	readonly acl?: readonly Acl[];
}

export interface EagerParts {
	readonly tree: DataTree;
	readonly options: ChainOptions;
}

/** Null: it goes its way, as what comes from another replica does, which has looked at it. The answer shows nothing of the tree: its zxid is 0 (semantics 4). */
export function eagerRefusal({ op, caller, owner }: Request, { tree, options }: EagerParts): Reply | null {
	if (!options.eagerAclCheck || owner !== undefined) return null;
	const error = eagerAclError(op, caller.identities, tree, options);
	return error === 0 ? null : { error, zxid: zeroZxid };
}

/** 0, NoAuth or InvalidACL. */
function eagerAclError(op: Op, identities: readonly Id[], tree: DataTree, options: ChainOptions): number {
	const needs = needsOf(op);
	if (needs === undefined) return 0;
	const isInvalid = needs.acl !== undefined && fixAcl(needs.acl, identities, options.aclSchemes) === undefined;
	if (isInvalid) return errors.invalidAcl.code;
	const acl = tree.acl(needs.path);
	if (acl === undefined || options.skipAcl || isPermitted(acl, needs.permission, identities)) return 0;
	return errors.noAuth.code;
}

/** Of the operations that ZooKeeper looks at: neither multis, nor containers and TTL nodes. */
function needsOf(op: Op): Needs | undefined {
	switch (op.kind) {
		case 'create': {
			const isLookedAt = op.mode !== 'container' && op.mode !== 'ttl' && op.mode !== 'ttlSequential';
			const path = isLookedAt ? parentOf(op.path) : undefined;
			return path === undefined ? undefined : { path, permission: permission.create, acl: op.acl };
		}
		case 'delete': {
			const path = parentOf(op.path);
			return path === undefined ? undefined : { path, permission: permission.delete };
		}
		case 'setData':
			return { path: op.path, permission: permission.write };
		case 'setACL':
			return { path: op.path, permission: permission.admin, acl: op.acl };
		default:
			return undefined;
	}
}

function parentOf(path: string): string | undefined {
	return !path.includes('/') || path.includes('\0') || isSpecialPath(path) ? undefined : parentPath(path);
}
