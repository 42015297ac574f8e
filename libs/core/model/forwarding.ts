/** A write as a learner hands it to its leader: the op code and body of the client protocol, and those that only servers have. */
import type { CreateRequest, CreateTtlRequest } from '#jute/client/node-requests';
import { writeRequest } from '#jute/client/requests';
import { JuteReader, JuteWriter } from '#jute/codec';
import { createFlags, opCode } from '#jute/op-codes';
import { Slab } from '#jute/slab';
import type { CreateMode, CreateOp, MultiOp, Op, WriteOp } from './op.ts';
import { readOperation } from './operations.ts';

export interface WireRequest {
	readonly type: number;
	readonly body: Uint8Array;
}

/** The leader finds an invalid one as invalid as this replica did. */
const flags: Readonly<Record<CreateMode, number>> = { ...createFlags, invalid: 7 };
const empty = new Uint8Array(0);
const writer = new JuteWriter(4096);
const slab = new Slab();

export function wireRequest(op: WriteOp): WireRequest {
	switch (op.kind) {
		case 'createSession':
			return { type: opCode.createSession, body: written((writer) => writer.writeInt(op.timeoutMs)) };
		case 'closeSession':
			return { type: opCode.closeSession, body: empty };
		case 'deleteContainer':
			return { type: opCode.deleteContainer, body: written((writer) => writer.writeString(op.path)) };
		case 'unparsable':
			// A setData without a body cannot be parsed there either.
			return { type: opCode.setData, body: empty };
		case 'create': {
			const request = createRequest(op);
			return { type: opCode[request.kind], body: written((writer) => writeRequest(writer, request)) };
		}
		case 'multi':
			return { type: opCode.multi, body: written((writer) => writeRequest(writer, multiRequest(op))) };
		default:
			return { type: opCode[op.kind], body: written((writer) => writeRequest(writer, op)) };
	}
}

/** What a learner forwarded. A body that cannot be parsed is an operation too (semantics 45). */
export function forwardedOperation({ type, body }: WireRequest): Op {
	const reader = new JuteReader(body);
	switch (type) {
		case opCode.createSession:
			return reader.remaining < 4 ? { kind: 'unparsable' } : { kind: 'createSession', timeoutMs: reader.readInt() };
		case opCode.closeSession:
			return { kind: 'closeSession' };
		default: {
			const op = readOperation(reader, type);
			return op.kind === 'sasl' ? { kind: 'unknown', code: type } : op;
		}
	}
}

function createRequest(op: CreateOp): CreateRequest | CreateTtlRequest {
	const { path, data, acl } = op;
	const request = { path, data, acl, flags: flags[op.mode] };
	if (op.ttlMs !== undefined) return { kind: 'createTTL', ...request, ttlMs: op.ttlMs };
	if (op.mode === 'container') return { kind: 'createContainer', ...request };
	return { kind: op.withStat ? 'create2' : 'create', ...request };
}

function multiRequest(op: MultiOp) {
	return { kind: 'multi', ops: op.ops.map((each) => (each.kind === 'create' ? createRequest(each) : each)) } as const;
}

function written(write: (writer: JuteWriter) => void): Uint8Array {
	writer.reset();
	write(writer);
	return slab.copy(writer.view());
}
