/**
 * OperateRequest as it comes off the wire, one operation at a time: a frame of a million tiny operations costs no more than those that are performed at once. What makes up nearly all
 * traffic is decoded here; the rest by the generated code. It gives what the generated code gives.
 */

import {
	AttachSessionRequest,
	AuthenticateRequest,
	CloseSessionRequest,
	KeepAliveRequest,
	OpenSessionRequest,
	type OperateRequest,
	type Operation,
} from '#proto/chronokeeper/v1/session';
import { AddWatchRequest, RemoveWatchesRequest, SetWatchesRequest } from '#proto/chronokeeper/v1/watch';
import {
	type Consistency,
	type CreateMode,
	CreateRequest,
	type DeleteRequest,
	type ExistsRequest,
	GetAclRequest,
	GetAllChildrenNumberRequest,
	GetEphemeralsRequest,
	type GetRequest,
	ListChildrenRequest,
	MultiReadRequest,
	MultiRequest,
	SetAclRequest,
	type SetRequest,
	SyncRequest,
	WhoAmIRequest,
} from '#proto/chronokeeper/v1/znode';
import { ProtoError, ProtoReader } from './proto-reader.ts';

const lengthTag = (field: number): number => (field << 3) | 2;
const tags = { open: lengthTag(1), attach: lengthTag(2), operations: lengthTag(3) } as const;

/** Every part is read to its end before the next one. */
const reader = new ProtoReader();

/** A frame that came, and what of it was taken. */
export class OperateFrame {
	readonly begin: OperateRequest['begin'];
	readonly #bytes: Uint8Array;
	#position = 0;
	/** Operations that were not taken yet. */
	remaining = 0;

	/** @throws ProtoError when it is none */
	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
		reader.reset(bytes);
		let begin: OperateRequest['begin'];
		while (reader.position < reader.end) {
			const tag = reader.tag();
			if (tag === tags.operations) {
				this.remaining += 1;
				reader.skip(tag);
			} else if (tag === tags.open) {
				begin = { $case: 'open', value: generated(OpenSessionRequest, reader.slice()) };
			} else if (tag === tags.attach) {
				begin = { $case: 'attach', value: generated(AttachSessionRequest, reader.slice()) };
			} else {
				reader.skip(tag);
			}
		}
		this.begin = begin;
	}

	/** The next operation; undefined behind the last. @throws ProtoError when it cannot be read */
	next(): Operation | undefined {
		if (this.remaining === 0) return undefined;
		reader.reset(this.#bytes, this.#position);
		let tag = reader.tag();
		while (tag !== tags.operations) {
			reader.skip(tag);
			tag = reader.tag();
		}
		const length = reader.length();
		this.#position = reader.position + length;
		this.remaining -= 1;
		reader.end = this.#position;
		return readOperation();
	}
}

/** @throws ProtoError */
function readOperation(): Operation {
	const { end } = reader;
	const operation: Operation = { id: 0, op: undefined, traceparent: '', sentAtZxid: undefined };
	while (reader.position < end) {
		const tag = reader.tag();
		if (tag === idTag) {
			operation.id = reader.uint32();
			continue;
		}
		if (tag === traceparentTag) {
			operation.traceparent = reader.string();
			continue;
		}
		if (tag === sentAtZxidTag) {
			operation.sentAtZxid = reader.uint64();
			continue;
		}
		const read = (tag & 7) === 2 ? readers[tag >>> 3] : undefined;
		if (read === undefined) {
			reader.skip(tag);
			continue;
		}
		const length = reader.length();
		const ending = reader.position + length;
		reader.end = ending;
		operation.op = read();
		reader.position = ending;
		reader.end = end;
	}
	return operation;
}

type AnyOp = Operation['op'];

const idTag = 1 << 3;
const traceparentTag = lengthTag(14);
const sentAtZxidTag = 15 << 3;

/** By field number: each reads from the reader's position to its end. */
const readers: Readonly<Record<number, () => AnyOp>> = {
	2: () => ({ $case: 'create', value: readCreate() }),
	3: () => ({ $case: 'get', value: readGet() }),
	4: () => ({ $case: 'set', value: readSet() }),
	5: () => ({ $case: 'delete', value: readDelete() }),
	6: () => ({ $case: 'exists', value: readGet() }),
	7: () => ({ $case: 'listChildren', value: generated(ListChildrenRequest, rest()) }),
	8: () => ({ $case: 'multi', value: generated(MultiRequest, rest()) }),
	9: () => ({ $case: 'multiRead', value: generated(MultiReadRequest, rest()) }),
	10: () => ({ $case: 'sync', value: generated(SyncRequest, rest()) }),
	11: () => ({ $case: 'addWatch', value: generated(AddWatchRequest, rest()) }),
	12: () => ({ $case: 'removeWatches', value: generated(RemoveWatchesRequest, rest()) }),
	13: () => ({ $case: 'keepAlive', value: generated(KeepAliveRequest, rest()) }),
	16: () => ({ $case: 'getAcl', value: generated(GetAclRequest, rest()) }),
	17: () => ({ $case: 'setAcl', value: generated(SetAclRequest, rest()) }),
	18: () => ({ $case: 'whoAmI', value: generated(WhoAmIRequest, rest()) }),
	19: () => ({ $case: 'getEphemerals', value: generated(GetEphemeralsRequest, rest()) }),
	20: () => ({ $case: 'getAllChildrenNumber', value: generated(GetAllChildrenNumberRequest, rest()) }),
	21: () => ({ $case: 'authenticate', value: generated(AuthenticateRequest, rest()) }),
	22: () => ({ $case: 'setWatches', value: generated(SetWatchesRequest, rest()) }),
	23: () => ({ $case: 'closeSession', value: generated(CloseSessionRequest, rest()) }),
};

/** By the generated code. @throws ProtoError */
function generated<T>(message: { decode(bytes: Uint8Array): T }, bytes: Uint8Array): T {
	try {
		return message.decode(bytes);
	} catch (error) {
		throw new ProtoError((error as Error).message, bytes.byteOffset - reader.bytes.byteOffset);
	}
}

/** For the generated code. */
function rest(): Uint8Array {
	return reader.bytes.subarray(reader.position, reader.end);
}

function readCreate(): CreateRequest {
	const from = reader.position;
	const request: CreateRequest = { path: '', data: undefined, mode: 0, acl: [], ttlMs: 0n };
	while (reader.position < reader.end) {
		const tag = reader.tag();
		if (tag === lengthTag(1)) request.path = reader.string();
		else if (tag === lengthTag(2)) request.data = reader.slice();
		else if (tag === 3 << 3) request.mode = reader.int32() as CreateMode;
		else if (tag === lengthTag(4) || tag === 5 << 3) {
			reader.position = from;
			return generated(CreateRequest, rest());
		} else reader.skip(tag);
	}
	return request;
}

/** Of get and of exists. */
function readGet(): GetRequest & ExistsRequest {
	const request: GetRequest = { path: '', consistency: undefined, watch: false };
	while (reader.position < reader.end) {
		const tag = reader.tag();
		if (tag === lengthTag(1)) request.path = reader.string();
		else if (tag === 2 << 3) request.consistency = reader.int32() as Consistency;
		else if (tag === 3 << 3) request.watch = reader.bool();
		else reader.skip(tag);
	}
	return request;
}

function readSet(): SetRequest {
	const request: SetRequest = { path: '', data: undefined, version: undefined };
	while (reader.position < reader.end) {
		const tag = reader.tag();
		if (tag === lengthTag(1)) request.path = reader.string();
		else if (tag === lengthTag(2)) request.data = reader.slice();
		else if (tag === 3 << 3) request.version = reader.int32();
		else reader.skip(tag);
	}
	return request;
}

function readDelete(): DeleteRequest {
	const request: DeleteRequest = { path: '', version: undefined };
	while (reader.position < reader.end) {
		const tag = reader.tag();
		if (tag === lengthTag(1)) request.path = reader.string();
		else if (tag === 2 << 3) request.version = reader.int32();
		else reader.skip(tag);
	}
	return request;
}
