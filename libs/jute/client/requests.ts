/**
 * Bodies of the client protocol's requests, by op code. `kind` is the op's name in op-codes.ts. Where ZooKeeper fails at a null path it
 * cannot be decoded; elsewhere it is read as an empty one, and both are answered alike.
 */
import type { JuteReader, JuteWriter } from '../codec.ts';
import { opCode } from '../op-codes.ts';
import { type Acl, readAcl, writeAcl } from '../records.ts';
import { type MultiRequest, readMultiRequest, writeMultiRequest } from './multi-request.ts';
import {
	type NodeRequest,
	readCreate,
	readCreateTtl,
	readNullablePath,
	readSetData,
	readVersion,
	readWatchable,
	writeNodeRequest,
} from './node-requests.ts';
import { readStrings, writeStrings } from './vectors.ts';

export interface SetAclRequest {
	readonly kind: 'setACL';
	readonly path: string;
	readonly acl: readonly Acl[];
	readonly version: number;
}
export interface PathRequest {
	/** The path of getEphemerals is a prefix. */
	readonly kind: 'getACL' | 'sync' | 'getAllChildrenNumber' | 'getEphemerals';
	readonly path: string;
}
export interface WatchesRequest {
	readonly kind: 'checkWatches' | 'removeWatches';
	readonly path: string;
	/** One of watcherType. */
	readonly type: number;
}
export interface AddWatchRequest {
	readonly kind: 'addWatch';
	readonly path: string;
	/** One of addWatchMode. */
	readonly mode: number;
}
export interface SetWatchesRequest {
	/** setWatches has no persistent ones: they are empty. */
	readonly kind: 'setWatches' | 'setWatches2';
	/** Clamped: it is only compared. */
	readonly relativeZxid: number;
	readonly data: readonly string[];
	readonly exist: readonly string[];
	readonly child: readonly string[];
	readonly persistent: readonly string[];
	readonly persistentRecursive: readonly string[];
}
export interface ReconfigRequest {
	readonly kind: 'reconfig';
	readonly joiningServers: string | null;
	readonly leavingServers: string | null;
	readonly newMembers: string | null;
	/** Signed; -1 for any. */
	readonly configId: bigint;
}
export interface AuthRequest {
	readonly kind: 'auth';
	/** Always 0. */
	readonly type: number;
	readonly scheme: string;
	readonly auth: Uint8Array | null;
}
export interface SaslRequest {
	readonly kind: 'sasl';
	readonly token: Uint8Array | null;
}
export interface EmptyRequest {
	readonly kind: 'ping' | 'whoAmI' | 'closeSession';
}

export type ClientRequest =
	| NodeRequest
	| SetAclRequest
	| PathRequest
	| WatchesRequest
	| AddWatchRequest
	| SetWatchesRequest
	| ReconfigRequest
	| AuthRequest
	| SaslRequest
	| EmptyRequest
	| MultiRequest;

/**
 * Reads the body behind the request header; undefined when clients have no such operation (semantics 68).
 * @throws JuteError when the body is malformed.
 */
export function readRequest(reader: JuteReader, type: number): ClientRequest | undefined {
	switch (type) {
		case opCode.getData:
			return readWatchable(reader, 'getData');
		case opCode.setData:
			return readSetData(reader);
		case opCode.exists:
			return readWatchable(reader, 'exists');
		case opCode.getChildren:
			return readWatchable(reader, 'getChildren');
		case opCode.getChildren2:
			return readWatchable(reader, 'getChildren2');
		case opCode.create:
			return readCreate(reader, 'create');
		case opCode.create2:
			return readCreate(reader, 'create2');
		case opCode.createContainer:
			return readCreate(reader, 'createContainer');
		case opCode.createTTL:
			return readCreateTtl(reader);
		case opCode.delete:
			return readVersion(reader, 'delete');
		case opCode.check:
			return readVersion(reader, 'check');
		case opCode.multi:
			return readMultiRequest(reader, 'multi');
		case opCode.multiRead:
			return readMultiRequest(reader, 'multiRead');
		case opCode.getACL:
			return { kind: 'getACL', path: reader.readRequiredString() };
		case opCode.sync:
			return { kind: 'sync', path: readNullablePath(reader) };
		case opCode.getAllChildrenNumber:
			return { kind: 'getAllChildrenNumber', path: reader.readRequiredString() };
		case opCode.getEphemerals:
			return { kind: 'getEphemerals', path: readNullablePath(reader) };
		case opCode.setACL:
			return { kind: 'setACL', path: readNullablePath(reader), acl: readAcl(reader), version: reader.readInt() };
		case opCode.checkWatches:
			return { kind: 'checkWatches', path: readNullablePath(reader), type: reader.readInt() };
		case opCode.removeWatches:
			return { kind: 'removeWatches', path: readNullablePath(reader), type: reader.readInt() };
		case opCode.addWatch:
			return { kind: 'addWatch', path: readNullablePath(reader), mode: reader.readInt() };
		case opCode.setWatches:
			return readSetWatches(reader, 'setWatches');
		case opCode.setWatches2:
			return readSetWatches(reader, 'setWatches2');
		case opCode.reconfig:
			return readReconfig(reader);
		case opCode.auth:
			return { kind: 'auth', type: reader.readInt(), scheme: readNullablePath(reader), auth: reader.readBuffer() };
		case opCode.sasl:
			return { kind: 'sasl', token: reader.readBuffer() };
		case opCode.ping:
			return { kind: 'ping' };
		case opCode.whoAmI:
			return { kind: 'whoAmI' };
		case opCode.closeSession:
			return { kind: 'closeSession' };
		default:
			return undefined;
	}
}

/** Writes the body that belongs behind a header with type opCode[request.kind]. */
export function writeRequest(writer: JuteWriter, request: ClientRequest): void {
	switch (request.kind) {
		case 'create':
		case 'create2':
		case 'createContainer':
		case 'createTTL':
		case 'delete':
		case 'check':
		case 'setData':
		case 'exists':
		case 'getData':
		case 'getChildren':
		case 'getChildren2':
			writeNodeRequest(writer, request);
			return;
		case 'setACL':
			writer.writeString(request.path);
			writeAcl(writer, request.acl);
			writer.writeInt(request.version);
			return;
		case 'getACL':
		case 'sync':
		case 'getAllChildrenNumber':
		case 'getEphemerals':
			writer.writeString(request.path);
			return;
		case 'checkWatches':
		case 'removeWatches':
			writer.writeString(request.path);
			writer.writeInt(request.type);
			return;
		case 'addWatch':
			writer.writeString(request.path);
			writer.writeInt(request.mode);
			return;
		case 'setWatches':
		case 'setWatches2':
			writeSetWatches(writer, request);
			return;
		case 'reconfig':
			writer.writeString(request.joiningServers);
			writer.writeString(request.leavingServers);
			writer.writeString(request.newMembers);
			writer.writeSignedLong(request.configId);
			return;
		case 'auth':
			writer.writeInt(request.type);
			writer.writeString(request.scheme);
			writer.writeBuffer(request.auth);
			return;
		case 'sasl':
			writer.writeBuffer(request.token);
			return;
		case 'multi':
		case 'multiRead':
			writeMultiRequest(writer, request);
			return;
		case 'ping':
		case 'whoAmI':
		case 'closeSession':
			return;
		default:
			request satisfies never;
	}
}

function readSetWatches(reader: JuteReader, kind: SetWatchesRequest['kind']): SetWatchesRequest {
	return {
		kind,
		relativeZxid: reader.readClampedLong(),
		data: readStrings(reader),
		exist: readStrings(reader),
		child: readStrings(reader),
		persistent: kind === 'setWatches2' ? readStrings(reader) : [],
		persistentRecursive: kind === 'setWatches2' ? readStrings(reader) : [],
	};
}

function writeSetWatches(writer: JuteWriter, request: SetWatchesRequest): void {
	writer.writeSafeLong(request.relativeZxid);
	writeStrings(writer, request.data);
	writeStrings(writer, request.exist);
	writeStrings(writer, request.child);
	if (request.kind === 'setWatches') return;
	writeStrings(writer, request.persistent);
	writeStrings(writer, request.persistentRecursive);
}

function readReconfig(reader: JuteReader): ReconfigRequest {
	return {
		kind: 'reconfig',
		joiningServers: reader.readString(),
		leavingServers: reader.readString(),
		newMembers: reader.readString(),
		configId: reader.readSignedLong(),
	};
}
