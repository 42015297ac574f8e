/** Bodies of the client protocol's responses, by the op code of the request. A reply with an error has no body. */
import type { JuteReader, JuteWriter } from '../codec.ts';
import { opCode } from '../op-codes.ts';
import { type Acl, type Id, readAcl, readStat, type Stat, writeAcl, writeStat } from '../records.ts';
import { type MultiResponse, readMultiResponse, writeMultiResponse } from './multi-response.ts';
import { readIds, readStrings, writeIds, writeStrings } from './vectors.ts';

/** The answer to opcode 1 is the path only (semantics 20). */
export interface PathResponse {
	readonly kind: 'create' | 'sync';
	readonly path: string;
}
export interface Create2Response {
	readonly kind: 'create2' | 'createContainer' | 'createTTL';
	readonly path: string;
	readonly stat: Stat;
}
export interface StatResponse {
	readonly kind: 'exists' | 'setData' | 'setACL';
	readonly stat: Stat;
}
export interface DataResponse {
	/** The data of reconfig is the new configuration. */
	readonly kind: 'getData' | 'reconfig';
	readonly data: Uint8Array | null;
	readonly stat: Stat;
}
export interface AclResponse {
	readonly kind: 'getACL';
	readonly acl: readonly Acl[];
	readonly stat: Stat;
}
export interface StringsResponse {
	readonly kind: 'getChildren' | 'getEphemerals';
	readonly names: readonly string[];
}
export interface Children2Response {
	readonly kind: 'getChildren2';
	readonly names: readonly string[];
	readonly stat: Stat;
}
export interface CountResponse {
	readonly kind: 'getAllChildrenNumber';
	readonly count: number;
}
export interface WhoAmIResponse {
	readonly kind: 'whoAmI';
	readonly identities: readonly Id[];
}
export interface SaslResponse {
	readonly kind: 'sasl';
	readonly token: Uint8Array | null;
}
export interface EmptyResponse {
	readonly kind:
		| 'delete'
		| 'check'
		| 'ping'
		| 'auth'
		| 'closeSession'
		| 'setWatches'
		| 'setWatches2'
		| 'addWatch'
		| 'checkWatches'
		| 'removeWatches';
}

export type ClientResponse =
	| PathResponse
	| Create2Response
	| StatResponse
	| DataResponse
	| AclResponse
	| StringsResponse
	| Children2Response
	| CountResponse
	| WhoAmIResponse
	| SaslResponse
	| EmptyResponse
	| MultiResponse;

/**
 * Reads the body behind a reply header without an error; undefined when clients have no such operation. Servers answer addWatch with
 * an ErrorResponse of 0, which is read and dropped.
 */
export function readResponse(reader: JuteReader, type: number): ClientResponse | undefined {
	switch (type) {
		case opCode.create:
			return { kind: 'create', path: reader.readRequiredString() };
		case opCode.sync:
			return { kind: 'sync', path: reader.readString() ?? '' };
		case opCode.create2:
			return { kind: 'create2', path: reader.readRequiredString(), stat: readStat(reader) };
		case opCode.createContainer:
			return { kind: 'createContainer', path: reader.readRequiredString(), stat: readStat(reader) };
		case opCode.createTTL:
			return { kind: 'createTTL', path: reader.readRequiredString(), stat: readStat(reader) };
		case opCode.exists:
			return { kind: 'exists', stat: readStat(reader) };
		case opCode.setData:
			return { kind: 'setData', stat: readStat(reader) };
		case opCode.setACL:
			return { kind: 'setACL', stat: readStat(reader) };
		case opCode.getData:
			return { kind: 'getData', data: reader.readBuffer(), stat: readStat(reader) };
		case opCode.reconfig:
			return { kind: 'reconfig', data: reader.readBuffer(), stat: readStat(reader) };
		case opCode.getACL:
			return { kind: 'getACL', acl: readAcl(reader), stat: readStat(reader) };
		case opCode.getChildren:
			return { kind: 'getChildren', names: readStrings(reader) };
		case opCode.getEphemerals:
			return { kind: 'getEphemerals', names: readStrings(reader) };
		case opCode.getChildren2:
			return { kind: 'getChildren2', names: readStrings(reader), stat: readStat(reader) };
		case opCode.getAllChildrenNumber:
			return { kind: 'getAllChildrenNumber', count: reader.readInt() };
		case opCode.whoAmI:
			return { kind: 'whoAmI', identities: readIds(reader) };
		case opCode.sasl:
			return { kind: 'sasl', token: reader.readBuffer() };
		case opCode.multi:
			return readMultiResponse(reader, 'multi');
		case opCode.multiRead:
			return readMultiResponse(reader, 'multiRead');
		case opCode.addWatch:
			reader.readInt();
			return { kind: 'addWatch' };
		default:
			return readEmpty(type);
	}
}

export function writeResponse(writer: JuteWriter, response: ClientResponse): void {
	switch (response.kind) {
		case 'create':
		case 'sync':
			writer.writeString(response.path);
			return;
		case 'create2':
		case 'createContainer':
		case 'createTTL':
			writer.writeString(response.path);
			writeStat(writer, response.stat);
			return;
		case 'exists':
		case 'setData':
		case 'setACL':
			writeStat(writer, response.stat);
			return;
		case 'getData':
		case 'reconfig':
			writer.writeBuffer(response.data);
			writeStat(writer, response.stat);
			return;
		case 'getACL':
			writeAcl(writer, response.acl);
			writeStat(writer, response.stat);
			return;
		case 'getChildren':
		case 'getEphemerals':
			writeStrings(writer, response.names);
			return;
		case 'getChildren2':
			writeStrings(writer, response.names);
			writeStat(writer, response.stat);
			return;
		case 'getAllChildrenNumber':
			writer.writeInt(response.count);
			return;
		case 'whoAmI':
			writeIds(writer, response.identities);
			return;
		case 'sasl':
			writer.writeBuffer(response.token);
			return;
		case 'multi':
		case 'multiRead':
			writeMultiResponse(writer, response);
			return;
		case 'addWatch':
			writer.writeInt(0);
			return;
		case 'delete':
		case 'check':
		case 'ping':
		case 'auth':
		case 'closeSession':
		case 'setWatches':
		case 'setWatches2':
		case 'checkWatches':
		case 'removeWatches':
			return;
		default:
			response satisfies never;
	}
}

const emptyKinds: readonly EmptyResponse['kind'][] = [
	'delete',
	'check',
	'ping',
	'auth',
	'closeSession',
	'setWatches',
	'setWatches2',
	'checkWatches',
	'removeWatches',
];

function readEmpty(type: number): EmptyResponse | undefined {
	const kind = emptyKinds.find((name) => opCode[name] === type);
	return kind === undefined ? undefined : { kind };
}
