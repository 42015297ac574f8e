/** What makes no transaction: reads, watches, and the answers that need nothing but the request (semantics 2). */
import { errors } from '#jute/errors';
import { permission } from '#jute/op-codes';
import type { Acl } from '#jute/records';
import type {
	AddWatchOp,
	CheckOp,
	CheckWatchesOp,
	CloseSessionOp,
	ErrorResult,
	ExistsOp,
	GetAclOp,
	GetAllChildrenNumberOp,
	GetChildrenOp,
	GetDataOp,
	GetEphemeralsOp,
	MultiReadOp,
	Op,
	OpenWatchesOp,
	ReadOp,
	RemoveWatchesOp,
	Request,
	Result,
	SetWatchesOp,
} from '../model/op.ts';
import { noSession } from '../model/zxid.ts';
import { hideDigests, isPermitted } from '../tree/acl-check.ts';
import type { DataTree } from '../tree/data-tree.ts';
import type { WatchManager } from '../tree/watches.ts';
import type { ChainOptions } from './options.ts';

export interface ReadContext {
	readonly tree: DataTree;
	readonly watches: WatchManager;
	readonly options: ChainOptions;
}

/** Auth is answered where it comes in, before anything waits. */
type Readable = Exclude<ReadOp, { readonly kind: 'auth' }> | CheckOp | CloseSessionOp;
type Outcome = Result | number;
type Handlers = {
	readonly [K in Readable['kind']]: (
		op: Extract<Readable, { readonly kind: K }>,
		request: Request,
		context: ReadContext,
	) => Outcome;
};

const handlers: Handlers = {
	exists,
	getData,
	getACL,
	getChildren,
	getEphemerals,
	getAllChildrenNumber,
	multiRead,
	addWatch,
	removeWatches,
	checkWatches,
	setWatches,
	openWatches,
	sync: (op) => ({ kind: 'sync', path: op.path }),
	ping: () => ({ kind: 'ping' }),
	whoAmI: (_op, request) => ({ kind: 'whoAmI', identities: request.caller.identities }),
	// Of a local session, which ends without a transaction (semantics 2, 66).
	closeSession: () => ({ kind: 'closeSession' }),
	// Alone, a check is no request that ZooKeeper knows; the door closes the connection behind the answer (semantics 31).
	check: () => errors.unimplemented.code,
	unreadable: () => errors.marshallingError.code,
	unknown: () => errors.unimplemented.code,
};

/** A result, or the code that answers the request. */
export function performRead(op: Op, request: Request, context: ReadContext): Outcome {
	const handler = (
		handlers as Record<string, ((op: Op, request: Request, context: ReadContext) => Outcome) | undefined>
	)[op.kind];
	return handler === undefined ? errors.unimplemented.code : handler(op, request, context);
}

/** A missing node leaves a watch that fires when it is created; a rejected request leaves none (semantics 50). */
function exists(op: ExistsOp, request: Request, context: ReadContext): Outcome {
	if (op.path.includes('\0')) return errors.badArguments.code;
	const stat = context.tree.stat(op.path);
	if (stat !== undefined && context.options.checkExistsAcl && !mayRead(op.path, request, context)) {
		return errors.noAuth.code;
	}
	watch('exist', op, request, context);
	return stat === undefined ? errors.noNode.code : { kind: 'exists', stat };
}

function getData(op: GetDataOp, request: Request, context: ReadContext): Outcome {
	const stat = context.tree.stat(op.path);
	if (stat === undefined) return errors.noNode.code;
	if (!mayRead(op.path, request, context)) return errors.noAuth.code;
	watch('data', op, request, context);
	return { kind: 'getData', data: context.tree.data(op.path) ?? null, stat };
}

function getChildren(op: GetChildrenOp, request: Request, context: ReadContext): Outcome {
	const stat = context.tree.stat(op.path);
	if (stat === undefined) return errors.noNode.code;
	if (!mayRead(op.path, request, context)) return errors.noAuth.code;
	watch('child', op, request, context);
	return { kind: 'getChildren', children: context.tree.children(op.path)!, stat };
}

/** READ or ADMIN; without ADMIN the digests' hashes are hidden (semantics 36). */
function getACL(op: GetAclOp, request: Request, context: ReadContext): Outcome {
	const stat = context.tree.stat(op.path);
	if (stat === undefined) return errors.noNode.code;
	const acl = context.tree.acl(op.path)!;
	if (!may(acl, permission.read | permission.admin, request, context)) return errors.noAuth.code;
	const isAdmin = may(acl, permission.admin, request, context);
	return { kind: 'getACL', acl: isAdmin ? acl : hideDigests(acl), stat };
}

function getEphemerals(op: GetEphemeralsOp, request: Request, context: ReadContext): Outcome {
	const { sessionId } = request;
	const all = sessionId === noSession ? [] : context.tree.ephemeralsOf(sessionId);
	const prefix = op.prefix.trim();
	const paths = prefix === '' || prefix === '/' ? all : all.filter((path) => path.startsWith(op.prefix));
	return { kind: 'getEphemerals', paths };
}

function getAllChildrenNumber(op: GetAllChildrenNumberOp, request: Request, context: ReadContext): Outcome {
	if (!context.tree.has(op.path)) return errors.noNode.code;
	if (!mayRead(op.path, request, context)) return errors.noAuth.code;
	return { kind: 'getAllChildrenNumber', count: context.tree.allChildrenNumber(op.path) };
}

/** Each read succeeds or fails alone (semantics 40). */
function multiRead(op: MultiReadOp, request: Request, context: ReadContext): Outcome {
	const results: (Result | ErrorResult)[] = [];
	let bytes = 0;
	for (const sub of op.ops) {
		const outcome = sub.kind === 'getData' ? getData(sub, request, context) : getChildren(sub, request, context);
		if (typeof outcome === 'number') {
			results.push({ kind: 'error', code: outcome });
			continue;
		}
		bytes += contentBytes(outcome);
		if (bytes > maxMultiReadBytes) return errors.marshallingError.code;
		results.push(outcome);
	}
	return { kind: 'multiRead', results };
}

/** A request of a mebibyte can name the same large node twenty thousand times: no replica could hold the answer. */
const maxMultiReadBytes = 64 << 20;

/** About. */
function contentBytes(result: Result): number {
	if (result.kind === 'getData') return result.data?.length ?? 0;
	return result.kind === 'getChildren' ? result.children.length * 32 : 0;
}

function mayRead(path: string, request: Request, context: ReadContext): boolean {
	return may(context.tree.acl(path)!, permission.read, request, context);
}

function may(acl: readonly Acl[], permission: number, request: Request, context: ReadContext): boolean {
	return context.options.skipAcl || isPermitted(acl, permission, request.caller.identities);
}

function watch(
	kind: 'data' | 'exist' | 'child',
	op: { readonly path: string; readonly watch: boolean },
	request: Request,
	context: ReadContext,
): void {
	const { watcher } = request.caller;
	if (op.watch && watcher !== undefined) context.watches.add(op.path, watcher, kind);
}

/** Where no events can go, asking for them is an error rather than a silence. */
function addWatch(op: AddWatchOp, request: Request, context: ReadContext): Outcome {
	const { watcher } = request.caller;
	if (watcher === undefined) return errors.badArguments.code;
	context.watches.add(op.path, watcher, op.mode);
	return { kind: 'addWatch' };
}

function removeWatches(op: RemoveWatchesOp, request: Request, context: ReadContext): Outcome {
	const { watcher } = request.caller;
	const isRemoved = watcher !== undefined && context.watches.remove(op.path, watcher, op.type);
	return isRemoved ? { kind: 'removeWatches' } : errors.noWatcher.code;
}

function checkWatches(op: CheckWatchesOp, request: Request, context: ReadContext): Outcome {
	const { watcher } = request.caller;
	const isThere = watcher !== undefined && context.watches.has(op.path, watcher, op.type);
	return isThere ? { kind: 'checkWatches' } : errors.noWatcher.code;
}

function setWatches(op: SetWatchesOp, request: Request, context: ReadContext): Outcome {
	const { watcher } = request.caller;
	if (watcher === undefined) return errors.badArguments.code;
	context.watches.setWatches(op, watcher);
	return { kind: 'setWatches' };
}

function openWatches(op: OpenWatchesOp, request: Request, context: ReadContext): Outcome {
	const { watcher } = request.caller;
	if (watcher === undefined) return errors.badArguments.code;
	for (const { path, kind } of op.targets) if (kind === 'child' && !context.tree.has(path)) return errors.noNode.code;
	context.watches.open(op, watcher);
	return { kind: 'openWatches' };
}
