import { errors } from '#jute/errors';
import { permission } from '#jute/op-codes';
import type { StoredStat } from '#jute/records';
import type { CreateContainerTxn, CreateTtlTxn, CreateTxn } from '#jute/txn';
import type { CreateMode, CreateOp } from '../../model/op.ts';
import { parentPath, pathProblem } from '../../model/path.ts';
import { noSession, type Zxid } from '../../model/zxid.ts';
import { fixAcl } from '../../tree/acl-check.ts';
import type { NodeRecord } from '../../tree/data-tree.ts';
import { contentCrc, nodeDigest } from '../../tree/digest.ts';
import { containerOwner, maxTtlMs, ownerKind, ttlOwner } from '../../tree/owners.ts';
import { accessError, type ErrorCode, type PrepContext, quotaError, sessionError } from './context.ts';

type AnyCreateTxn = CreateTxn | CreateContainerTxn | CreateTtlTxn;

/** The order of the checks is ZooKeeper's (semantics 15): which error wins is part of the interface. */
export function prepareCreate(op: CreateOp, context: PrepContext): AnyCreateTxn | ErrorCode {
	const modeProblem = modeError(op, context);
	if (modeProblem !== 0) return modeProblem;
	if (!op.path.includes('/') || op.path.includes('\0')) return errors.badArguments.code;
	const acl = fixAcl(op.acl, context.identities, context.options.aclSchemes);
	if (acl === undefined) return errors.invalidAcl.code;
	const parent = context.changes.node(parentPath(op.path));
	if (parent === undefined) return errors.noNode.code;
	const access = accessError(context, parent.acl, permission.create);
	if (access !== 0) return access;
	// The rules come after the suffix, so a sequential path may end in a slash (semantics 17).
	const path = isSequential(op.mode) ? op.path + sequenceSuffix(parent.stat.cversion) : op.path;
	if (pathProblem(path) !== null) return errors.badArguments.code;
	if (context.changes.node(path) !== undefined) return errors.nodeExists.code;
	if (ownerKind(parent.stat.ephemeralOwner) === 'ephemeral') return errors.noChildrenForEphemerals.code;
	const quota = quotaError(context, path, op.data?.length ?? 0, 1);
	if (quota !== 0) return quota;

	const parentCversion = (parent.stat.cversion + 1) | 0;
	project(context, op, path, acl, parent, parentCversion);
	const common = { path, data: op.data, acl, parentCversion };
	if (op.mode === 'container') return { kind: 'createContainer', ...common };
	if (isTtl(op.mode)) return { kind: 'createTTL', ...common, ttlMs: op.ttlMs! };
	return { kind: op.withStat ? 'create2' : 'create', ...common, ephemeral: isEphemeral(op.mode) };
}

/** TTL nodes enabled, TTL in range, session alive: in this order. */
function modeError(op: CreateOp, context: PrepContext): ErrorCode {
	if (op.mode === 'invalid') return errors.badArguments.code;
	if (isTtl(op.mode)) {
		if (!context.options.extendedTypesEnabled) return errors.unimplemented.code;
		const ttlMs = op.ttlMs ?? -1;
		if (!Number.isInteger(ttlMs) || ttlMs <= 0 || ttlMs > maxTtlMs) return errors.badArguments.code;
	} else if (op.ttlMs !== undefined && op.ttlMs >= 0) {
		return errors.badArguments.code;
	}
	// An ephemeral node belongs to a session: without one nothing would ever delete it.
	if (isEphemeral(op.mode) && context.sessionId === noSession) return errors.badArguments.code;
	const problem = sessionError(context);
	if (problem !== 0 || !isEphemeral(op.mode)) return problem;
	// Nobody would ever delete it.
	if (context.session === undefined) return errors.sessionExpired.code;
	return context.session.isLocal ? errors.ephemeralOnLocalSession.code : 0;
}

function project(
	context: PrepContext,
	op: CreateOp,
	path: string,
	acl: NodeRecord['acl'],
	parent: NodeRecord,
	parentCversion: number,
): void {
	const { zxid } = context;
	const parentStat: StoredStat = { ...parent.stat, cversion: parentCversion, pzxid: zxid };
	context.changes.update(zxid, parent, {
		...parent,
		stat: parentStat,
		childCount: parent.childCount + 1,
		digest: nodeDigest(parent.path, parent.contentCrc, parentStat),
	});
	const stat = newStat(zxid, context.timeMs, ownerOf(op, context));
	const crc = contentCrc(path, op.data);
	context.changes.create(zxid, {
		path,
		stat,
		acl,
		childCount: 0,
		dataLength: op.data?.length ?? 0,
		contentCrc: crc,
		digest: nodeDigest(path, crc, stat),
	});
}

function newStat(zxid: Zxid, timeMs: number, ephemeralOwner: bigint): StoredStat {
	return {
		czxid: zxid,
		mzxid: zxid,
		ctime: timeMs,
		mtime: timeMs,
		version: 0,
		cversion: 0,
		aversion: 0,
		ephemeralOwner,
		pzxid: zxid,
	};
}

function ownerOf(op: CreateOp, context: PrepContext): bigint {
	if (op.mode === 'container') return containerOwner;
	if (isTtl(op.mode)) return ttlOwner(op.ttlMs!);
	return isEphemeral(op.mode) ? context.sessionId : 0n;
}

/** The parent's stored cversion in ten characters, sign included (semantics 16). */
export function sequenceSuffix(cversion: number): string {
	return cversion < 0 ? `-${String(-cversion).padStart(9, '0')}` : String(cversion).padStart(10, '0');
}

function isSequential(mode: CreateMode): boolean {
	return mode === 'persistentSequential' || mode === 'ephemeralSequential' || mode === 'ttlSequential';
}

function isEphemeral(mode: CreateMode): boolean {
	return mode === 'ephemeral' || mode === 'ephemeralSequential';
}

function isTtl(mode: CreateMode): boolean {
	return mode === 'ttl' || mode === 'ttlSequential';
}
