/** A multi: operations, each behind a MultiHeader, closed by a header that says done. */
import { JuteError, type JuteReader, type JuteWriter } from '../codec.ts';
import { opCode, opName } from '../op-codes.ts';
import { readMultiHeader, writeMultiEnd, writeMultiHeader } from './multi-header.ts';
import {
	type CreateRequest,
	type CreateTtlRequest,
	readCreate,
	readCreateTtl,
	readSetData,
	readVersion,
	readWatchable,
	type SetDataRequest,
	type VersionRequest,
	type WatchableRequest,
	writeNodeRequest,
} from './node-requests.ts';

export type MultiWrite = CreateRequest | CreateTtlRequest | VersionRequest | SetDataRequest;
export type MultiRead = WatchableRequest & { readonly kind: 'getData' | 'getChildren' };

export type MultiRequest =
	| { readonly kind: 'multi'; readonly ops: readonly MultiWrite[] }
	| { readonly kind: 'multiRead'; readonly ops: readonly MultiRead[] };

/** @throws JuteError also for operations that such a multi cannot have (semantics 40, 45). */
export function readMultiRequest(reader: JuteReader, kind: MultiRequest['kind']): MultiRequest {
	return kind === 'multi'
		? { kind, ops: readOps(reader, kind, readWrite) }
		: { kind, ops: readOps(reader, kind, readRead) };
}

export function writeMultiRequest(writer: JuteWriter, request: MultiRequest): void {
	for (const op of request.ops) {
		writeMultiHeader(writer, opCode[op.kind], -1);
		writeNodeRequest(writer, op);
	}
	writeMultiEnd(writer);
}

function readOps<Op>(
	reader: JuteReader,
	kind: MultiRequest['kind'],
	readOp: (reader: JuteReader, type: number) => Op | undefined,
): Op[] {
	const ops: Op[] = [];
	for (;;) {
		const at = reader.position;
		const header = readMultiHeader(reader);
		if (header.done) return ops;
		const op = readOp(reader, header.type);
		if (op === undefined) {
			throw new JuteError(`a ${kind} cannot have operation ${header.type} (${opName(header.type) ?? 'unknown'})`, at);
		}
		ops.push(op);
	}
}

function readWrite(reader: JuteReader, type: number): MultiWrite | undefined {
	switch (type) {
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
		case opCode.setData:
			return readSetData(reader);
		case opCode.check:
			return readVersion(reader, 'check');
		default:
			return undefined;
	}
}

function readRead(reader: JuteReader, type: number): MultiRead | undefined {
	if (type === opCode.getData) return readWatchable(reader, 'getData');
	if (type === opCode.getChildren) return readWatchable(reader, 'getChildren');
	return undefined;
}
