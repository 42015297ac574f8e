/** A request of the client protocol as the chain knows it. Most have the same shape in both and are passed on as they are. */

import type { MultiRequest } from '#jute/client/multi-request';
import type { CreateRequest, CreateTtlRequest } from '#jute/client/node-requests';
import { type ClientRequest, readRequest } from '#jute/client/requests';
import { JuteError, type JuteReader } from '#jute/codec';
import { opCode } from '#jute/op-codes';
import type { Zxid } from '#jute/scalars';
import type { CreateMode, CreateOp, MultiOp, MultiReadOp, Op, WatcherType } from './op.ts';

/** What the door answers itself: see ClientConnection. */
export type SaslOp = { readonly kind: 'sasl' };

/**
 * The operation of a frame, behind its header.
 *
 * A body that cannot be decoded is an operation too: of a write it draws a zxid, and either is answered MarshallingError in its turn
 * (semantics 45). So is an op code that clients do not have (68).
 * @throws JuteError for credentials that cannot be decoded: the connection is closed without an answer
 */
export function readOperation(reader: JuteReader, type: number): Op | SaslOp {
	let request: ClientRequest | undefined;
	try {
		request = readRequest(reader, type);
	} catch (error) {
		if (!(error instanceof JuteError) || type === opCode.auth || type === opCode.sasl) throw error;
		// ZooKeeper decodes a reconfig before it draws a zxid for it.
		return isWrite(type) && type !== opCode.reconfig ? { kind: 'unparsable' } : { kind: 'unreadable' };
	}
	return request === undefined ? { kind: 'unknown', code: type } : operationOf(request);
}

function operationOf(request: ClientRequest): Op | SaslOp {
	switch (request.kind) {
		case 'create':
		case 'create2':
		case 'createContainer':
		case 'createTTL':
			return createOp(request);
		case 'getChildren':
		case 'getChildren2':
			return { kind: 'getChildren', path: request.path, watch: request.watch };
		case 'multi':
			return multiOp(request);
		case 'multiRead':
			// In a multiRead ZooKeeper leaves no watches.
			return { kind: 'multiRead', ops: request.ops.map((op) => ({ ...op, watch: false })) } satisfies MultiReadOp;
		case 'getEphemerals':
			return { kind: 'getEphemerals', prefix: request.path };
		case 'addWatch':
			return addWatchOp(request.path, request.mode);
		case 'checkWatches':
		case 'removeWatches': {
			const type = watcherTypes[request.type];
			return type === undefined ? { kind: 'unreadable' } : { kind: request.kind, path: request.path, type };
		}
		case 'setWatches':
		case 'setWatches2':
			return { ...request, kind: 'setWatches', relativeZxid: request.relativeZxid as Zxid };
		case 'auth':
			return { kind: 'auth', scheme: request.scheme, auth: request.auth };
		case 'sasl':
			if (request.token === null) throw new JuteError('a SASL token is null', 0);
			return { kind: 'sasl' };
		default:
			// Field by field what the chain takes.
			return request as Op | SaslOp;
	}
}

/** By the number in the request; the first has none. 3.9 has more. */
const watcherTypes: readonly (WatcherType | undefined)[] = [undefined, 'children', 'data', 'any'];
/** By the flags of a create (semantics 21). */
const createModes: readonly CreateMode[] = [
	'persistent',
	'ephemeral',
	'persistentSequential',
	'ephemeralSequential',
	'container',
	'ttl',
	'ttlSequential',
];

function createOp(request: CreateRequest | CreateTtlRequest): CreateOp {
	const { path, data, acl, flags } = request;
	const mode = createModes[flags] ?? 'invalid';
	const withStat = request.kind !== 'create';
	if (request.kind !== 'createTTL') return { kind: 'create', path, data, acl, mode, withStat };
	return { kind: 'create', path, data, acl, mode, withStat, ttlMs: request.ttlMs };
}

/** In a multi the flags decide, not the op code: whether there is a TTL, and whether the answer has a Stat. */
function multiCreateOp(request: CreateRequest | CreateTtlRequest): CreateOp {
	const { ttlMs, ...op } = createOp(request);
	if (op.mode === 'container') return { ...op, withStat: true };
	if (op.mode !== 'ttl' && op.mode !== 'ttlSequential') return { ...op, withStat: false };
	return ttlMs === undefined ? { ...op, withStat: true } : { ...op, withStat: true, ttlMs };
}

function multiOp(request: MultiRequest & { readonly kind: 'multi' }): MultiOp {
	return {
		kind: 'multi',
		ops: request.ops.map((op) => {
			switch (op.kind) {
				case 'create':
				case 'create2':
				case 'createContainer':
				case 'createTTL':
					return multiCreateOp(op);
				case 'delete':
					return { kind: 'delete', path: op.path, version: op.version };
				case 'check':
					return { kind: 'check', path: op.path, version: op.version };
				default:
					return op;
			}
		}),
	};
}

function addWatchOp(path: string, mode: number): Op {
	if (mode === 0) return { kind: 'addWatch', path, mode: 'persistent' };
	if (mode === 1) return { kind: 'addWatch', path, mode: 'persistentRecursive' };
	return { kind: 'unreadable' };
}

const writes: ReadonlySet<number> = new Set([
	opCode.create,
	opCode.create2,
	opCode.createContainer,
	opCode.createTTL,
	opCode.delete,
	opCode.setData,
	opCode.setACL,
	opCode.multi,
	opCode.reconfig,
]);

/** Whether it draws a zxid; sessions aside. */
export function isWrite(type: number): boolean {
	return writes.has(type);
}
