/** The operations of a stream as those of the chain, and the chain's replies as those of the stream. */
import { status } from '@grpc/grpc-js';
import { RpcException } from '@nestjs/microservices';
import type { Host } from '#core/host/host';
import type { WatcherType as CoreWatcherType, Op, Reply } from '#core/model/op';
import { type Zxid, zeroZxid } from '#core/model/zxid';
import { errors } from '#jute/errors';
import type { Id } from '#jute/records';
import type { ErrorDetail } from '#proto/chronokeeper/v1/common';
import type { Operation } from '#proto/chronokeeper/v1/session';
import {
	type AddWatchRequest,
	type RemoveWatchesRequest,
	type SetWatchesRequest,
	WatcherType,
	WatchKind,
} from '#proto/chronokeeper/v1/watch';
import type { Logger } from '#telemetry/logger';
import { detailOf, grpcError, invalidField, ZooKeeperError } from '../grpc-error.ts';
import { childrenPage } from '../lists/children-page.ts';
import type { Known } from '../repeats/operation-ids.ts';
import { failureOf } from '../submission.ts';
import type { ReadRequest, RequestPlace, ZnodeRequests } from '../znode-requests.ts';
import { acl, multiReadResult, multiResult, stat as statMessage } from '../znode-responses.ts';
import { ProtoError } from './proto-reader.ts';
import type { ProtoWriter } from './proto-writer.ts';
import {
	writeChildren,
	writeCount,
	writeCreated,
	writeEncoded,
	writeGot,
	writeStatReply,
	writeSynced,
	writeZxid,
} from './response-encoder.ts';
import type { StreamRequest } from './stream-request.ts';

/** What is known of an operation's answer before its turn. */
export type Outcome =
	| Known
	/** Some of the watches are there, whatever becomes of the others. */
	| { readonly kind: 'watches'; readonly areThere: boolean }
	/** It has authenticated: all identities there are now. */
	| { readonly kind: 'identities'; readonly identities: readonly Id[] };

type AnyOp = NonNullable<Operation['op']>;

const inStream: RequestPlace = { hasSession: true, canWatch: true, at: '' };
const ping: Op = { kind: 'ping' };

const watcherTypes: Readonly<Record<WatcherType, CoreWatcherType>> = {
	[WatcherType.WATCHER_TYPE_UNSPECIFIED]: 'any',
	[WatcherType.WATCHER_TYPE_CHILDREN]: 'children',
	[WatcherType.WATCHER_TYPE_DATA]: 'data',
	[WatcherType.WATCHER_TYPE_ANY]: 'any',
	[WatcherType.WATCHER_TYPE_PERSISTENT]: 'persistent',
	[WatcherType.WATCHER_TYPE_PERSISTENT_RECURSIVE]: 'persistentRecursive',
};

/** Answered in the operation's turn. */
export const heldPlace = ping;

/** How a stream ends because of what its caller sent. Anything unexpected is a bug: it harms nobody but this caller. */
export function endingOf(error: unknown, logger: Logger, client: string): RpcException {
	if (error instanceof RpcException) return error;
	if (error instanceof ProtoError) {
		return grpcError(status.INVALID_ARGUMENT, `an OperateRequest cannot be read: ${error.message}`);
	}
	logger.error({ err: error, client }, 'a client met a bug');
	return grpcError(status.INTERNAL, 'a bug of the server, which its log tells of');
}

/** What a stream is that begins with something else. */
export function notBegun(): RpcException {
	return grpcError(
		status.INVALID_ARGUMENT,
		'the first message of a stream opens a session or attaches one: open or attach',
	);
}

/** What an operation without an operation is. */
export function noOperation(): ZooKeeperError {
	const message = 'the operation is empty, or one that this server does not know';
	return new ZooKeeperError({ code: errors.unimplemented.code, path: '', zxid: zeroZxid, message });
}

/** @throws RpcException when it cannot be tried */
export function opOf(op: AnyOp, requests: ZnodeRequests): Op {
	switch (op.$case) {
		case 'create':
			return requests.create(op.value, inStream);
		case 'get':
			return requests.get(op.value, inStream);
		case 'set':
			return requests.set(op.value, inStream);
		case 'delete':
			return requests.delete(op.value);
		case 'exists':
			return requests.exists(op.value, inStream);
		case 'listChildren':
			return requests.listChildren(op.value, inStream);
		case 'multi':
			return requests.multi(op.value, inStream);
		case 'multiRead':
			return requests.multiRead(op.value, inStream);
		case 'sync':
			return { kind: 'sync', path: op.value.path === '' ? '/' : op.value.path };
		case 'addWatch':
			return addWatchOp(op.value);
		case 'removeWatches':
			return removeWatchesOp(op.value);
		case 'getAcl':
			return { kind: 'getACL', path: op.value.path };
		case 'setAcl':
			return requests.setAcl(op.value);
		case 'whoAmI':
			return { kind: 'whoAmI' };
		case 'getEphemerals':
			return { kind: 'getEphemerals', prefix: op.value.prefix };
		case 'getAllChildrenNumber':
			return { kind: 'getAllChildrenNumber', path: op.value.path };
		case 'setWatches':
			return setWatchesOp(op.value);
		case 'closeSession':
			return { kind: 'closeSession' };
		case 'keepAlive':
		case 'authenticate':
			return ping;
	}
}

/** @throws RpcException for a consistency that there is not */
export function isLinearizable(op: AnyOp, requests: ZnodeRequests): boolean {
	switch (op.$case) {
		case 'get':
		case 'exists':
		case 'listChildren':
		case 'getAcl':
		case 'getEphemerals':
		case 'getAllChildrenNumber': {
			const request: ReadRequest = op.value;
			return request.consistency !== undefined && requests.consistency(request) === 'linearizable';
		}
		case 'multiRead':
			return requests.multiReadConsistency(op.value) === 'linearizable';
		default:
			return false;
	}
}

function addWatchOp({ path, kind }: AddWatchRequest): Op {
	switch (kind) {
		case WatchKind.WATCH_KIND_DATA:
			return { kind: 'openWatches', targets: [{ path, kind: 'data' }] };
		case WatchKind.WATCH_KIND_CHILDREN:
			return { kind: 'openWatches', targets: [{ path, kind: 'child' }] };
		case WatchKind.WATCH_KIND_PERSISTENT:
			return { kind: 'addWatch', path, mode: 'persistent' };
		case WatchKind.WATCH_KIND_UNSPECIFIED:
		case WatchKind.WATCH_KIND_PERSISTENT_RECURSIVE:
			return { kind: 'addWatch', path, mode: 'persistentRecursive' };
		default:
			throw invalidField('add_watch.kind', `${kind as number} is not a WatchKind`);
	}
}

function removeWatchesOp({ path, type, checkOnly }: RemoveWatchesRequest): Op {
	const known = watcherTypes[type] as CoreWatcherType | undefined;
	if (known === undefined) throw invalidField('remove_watches.type', `${type} is not a WatcherType`);
	return { kind: checkOnly ? 'checkWatches' : 'removeWatches', path, type: known };
}

function setWatchesOp({ relativeZxid, ...paths }: SetWatchesRequest): Op {
	// Nothing is newer than the newest there can be.
	const newest = BigInt(Number.MAX_SAFE_INTEGER);
	return { kind: 'setWatches', ...paths, relativeZxid: Number(relativeZxid < newest ? relativeZxid : newest) as Zxid };
}

/** What an operation that cannot be tried is answered. */
export function refusalOf(error: unknown): ErrorDetail {
	if (error instanceof ZooKeeperError) {
		const { failure } = error;
		return { ...detailOf(failure), ...(failure.message === undefined ? {} : { advice: failure.message }) };
	}
	if (!(error instanceof RpcException)) throw error;
	return { ...detailOf({ code: errors.badArguments.code, path: '', zxid: zeroZxid }), advice: error.message };
}

/** @returns ZooKeeper's code of it; 0: it was done */
export function writeAnswer(writer: ProtoWriter, request: StreamRequest, chainReply: Reply, host: Host): number {
	const operation = request.operation!;
	const traceparent = request.traceparent ?? '';
	const { id, op } = operation;
	const { outcome } = request;
	const { op: core, reply } = outcome?.kind === 'first' ? outcome : { op: request.op, reply: chainReply };
	if (outcome?.kind === 'failed') {
		const detail = { ...outcome.detail, zxid: BigInt(chainReply.zxid) };
		writeEncoded(writer, id, 'error', detail, traceparent);
		return detail.code;
	}
	const { zxid } = reply;
	if (reply.error === errors.noNode.code && op?.$case === 'exists') {
		writeStatReply(writer, id, 'exists', undefined, zxid, traceparent);
		return 0;
	}
	if (outcome?.kind === 'watches' && outcome.areThere && reply.error === errors.noWatcher.code) {
		writeZxid(writer, id, 'removeWatches', zxid, traceparent);
		return 0;
	}
	if (reply.error !== 0 || core.kind === 'multi') {
		const failure = failureOf(core, reply, host);
		if (failure !== undefined) {
			const advice = failure.message === undefined ? {} : { advice: failure.message };
			writeEncoded(writer, id, 'error', { ...detailOf(failure), ...advice }, traceparent);
			return failure.code;
		}
	}
	writeResult(writer, operation, request, reply, traceparent);
	return 0;
}

function writeResult(
	writer: ProtoWriter,
	{ id, op }: Operation,
	{ outcome }: StreamRequest,
	{ result, zxid }: Reply,
	traceparent: string,
): void {
	switch (result?.kind) {
		case 'getData':
			writeGot(writer, id, result.data, result.stat, zxid, traceparent);
			return;
		case 'setData':
			writeStatReply(writer, id, 'set', result.stat, zxid, traceparent);
			return;
		case 'exists':
			writeStatReply(writer, id, 'exists', result.stat, zxid, traceparent);
			return;
		case 'setACL':
			writeStatReply(writer, id, 'setAcl', result.stat, zxid, traceparent);
			return;
		case 'create':
			writeCreated(writer, id, result.path, result.stat, zxid, traceparent);
			return;
		case 'delete':
		case 'closeSession':
		case 'setWatches':
		case 'removeWatches':
		case 'addWatch':
			writeZxid(writer, id, result.kind, zxid, traceparent);
			return;
		case 'openWatches':
			writeZxid(writer, id, 'addWatch', zxid, traceparent);
			return;
		case 'checkWatches':
			writeZxid(writer, id, 'removeWatches', zxid, traceparent);
			return;
		case 'ping':
			if (outcome?.kind === 'identities') {
				const identities = outcome.identities.map(({ scheme, id: identity }) => ({ scheme, id: identity }));
				writeEncoded(writer, id, 'authenticate', { identities }, traceparent);
			} else writeZxid(writer, id, 'keepAlive', zxid, traceparent);
			return;
		case 'getChildren': {
			if (op?.$case !== 'listChildren') break;
			const { children, nextPageToken } = childrenPage(result.children, op.value);
			writeChildren(writer, id, children, nextPageToken, result.stat, zxid, traceparent);
			return;
		}
		case 'sync':
			writeSynced(writer, id, result.path, zxid, traceparent);
			return;
		case 'getAllChildrenNumber':
			writeCount(writer, id, result.count, zxid, traceparent);
			return;
		case 'getACL':
			writeEncoded(
				writer,
				id,
				'getAcl',
				{ acl: result.acl.map(acl), stat: statMessage(result.stat), zxid: BigInt(zxid) },
				traceparent,
			);
			return;
		case 'getEphemerals':
			writeEncoded(writer, id, 'getEphemerals', { paths: [...result.paths], zxid: BigInt(zxid) }, traceparent);
			return;
		case 'whoAmI': {
			const identities = result.identities.map(({ scheme, id: identity }) => ({ scheme, id: identity }));
			writeEncoded(writer, id, 'whoAmI', { identities }, traceparent);
			return;
		}
		case 'multi':
			writeEncoded(writer, id, 'multi', { results: result.results.map(multiResult), zxid: BigInt(zxid) }, traceparent);
			return;
		case 'multiRead': {
			if (op?.$case !== 'multiRead') break;
			const { ops } = op.value;
			const results = result.results.map((one, index) => multiReadResult(one, ops[index]!, zxid));
			writeEncoded(writer, id, 'multiRead', { results, zxid: BigInt(zxid) }, traceparent);
			return;
		}
		default:
	}
	throw new Error(`a stream has no reply of kind ${result?.kind}`);
}
