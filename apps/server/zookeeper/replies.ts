/** Answers and events as bytes: a length, a header, a body. */
import type { ErrorResult, Result, WatchEvent, WatchEventType } from '#core/model/op';
import type { MultiResult } from '#jute/client/multi-response';
import { type ClientResponse, writeResponse } from '#jute/client/responses';
import type { JuteWriter } from '#jute/codec';
import { eventType, keeperState, opCode, specialXid } from '#jute/op-codes';
import type { Id } from '#jute/records';

const eventTypes = {
	nodeCreated: eventType.nodeCreated,
	nodeDeleted: eventType.nodeDeleted,
	nodeDataChanged: eventType.nodeDataChanged,
	nodeChildrenChanged: eventType.nodeChildrenChanged,
} as const satisfies Record<WatchEventType, number>;

/** Of the header behind the length: xid, zxid, error. */
const headerBytes = 16;

/**
 * Writes one answer.
 * @param type the op code of the request: the same result has several forms
 * @param result undefined for an error and for what has no body
 * @returns the bytes of its body
 */
export function writeReply(
	writer: JuteWriter,
	xid: number,
	zxid: number,
	error: number,
	type: number,
	result: Result | undefined,
): number {
	const at = beginFrame(writer, xid, zxid, error);
	if (error === 0 && result !== undefined) writeBody(writer, type, result);
	return endFrame(writer, at);
}

/** Of a server without SASL: no token, no error. */
export function writeSaslReply(writer: JuteWriter, xid: number): void {
	const at = beginFrame(writer, xid, 0, 0);
	writeResponse(writer, { kind: 'sasl', token: null });
	endFrame(writer, at);
}

/** @param zxid in the header: -1, or the causing transaction's (3.9; semantics 47) */
export function writeEvent(writer: JuteWriter, event: WatchEvent, zxid: number): void {
	const at = beginFrame(writer, specialXid.notification, zxid, 0);
	writer.writeInt(eventTypes[event.type]);
	writer.writeInt(keeperState.syncConnected);
	writer.writeString(event.path);
	endFrame(writer, at);
}

/** Writes the header behind a length that is not known yet. @returns where the length stands */
function beginFrame(writer: JuteWriter, xid: number, zxid: number, error: number): number {
	const at = writer.position;
	writer.writeInt(0);
	writer.writeInt(xid);
	writer.writeSafeLong(zxid);
	writer.writeInt(error);
	return at;
}

/** @returns the bytes behind the header */
function endFrame(writer: JuteWriter, at: number): number {
	const length = writer.position - at - 4;
	writer.patchInt(at, length);
	return length - headerBytes;
}

function writeBody(writer: JuteWriter, type: number, result: Result): void {
	const response = responseOf(type, result);
	if (response !== undefined) writeResponse(writer, response);
}

/** Undefined for what has no body. */
function responseOf(type: number, result: Result): ClientResponse | undefined {
	switch (result.kind) {
		case 'create':
			return type === opCode.create
				? { kind: 'create', path: result.path }
				: { kind: 'create2', path: result.path, stat: result.stat };
		case 'getChildren':
			return type === opCode.getChildren
				? { kind: 'getChildren', names: result.children }
				: { kind: 'getChildren2', names: result.children, stat: result.stat };
		case 'getEphemerals':
			return { kind: 'getEphemerals', names: result.paths };
		case 'whoAmI':
			return { kind: 'whoAmI', identities: result.identities.map(userOf) };
		case 'multi':
		case 'multiRead':
			return { kind: result.kind, results: result.results.map(multiResult) };
		case 'setData':
		case 'setACL':
		case 'exists':
		case 'getData':
		case 'getACL':
		case 'getAllChildrenNumber':
		case 'sync':
		case 'reconfig':
		case 'addWatch':
			return result as ClientResponse;
		default:
			return undefined;
	}
}

/** An identity as it is shown: what the password was made into is nobody's business. */
function userOf({ scheme, id }: Id): Id {
	return { scheme, id: scheme === 'digest' ? id.split(':')[0]! : id };
}

function multiResult(result: Result | ErrorResult): MultiResult {
	switch (result.kind) {
		case 'create':
			return result.withStat
				? { kind: 'create2', path: result.path, stat: result.stat }
				: { kind: 'create', path: result.path };
		case 'getChildren':
			return { kind: 'getChildren', names: result.children };
		case 'setData':
			return { kind: 'setData', stat: result.stat };
		case 'getData':
			return { kind: 'getData', data: result.data, stat: result.stat };
		case 'delete':
		case 'check':
			return { kind: result.kind };
		case 'error':
			return { kind: 'error', code: result.code };
		default:
			throw new Error(`a multi has no result of kind ${result.kind}`);
	}
}
