/**
 * What one run does: steps that mean the same on any server. What differs between servers (session ids, passwords, zxids) stands in them by
 * name, so that a script can be run again with steps left out.
 */
import { type ClientRequest, writeRequest } from '#jute/client/requests';
import { JuteWriter } from '#jute/codec';
import { opCode, opName } from '#jute/op-codes';

/** Which connection: each slot has at most one. */
export type Slot = number;

export interface ScriptRequest {
	readonly type: number;
	/** Undefined: `bytes` is the body. */
	readonly request?: ClientRequest;
	readonly bytes?: Uint8Array;
	/** The body ends after so many bytes. */
	readonly cut?: number;
	/** The path, which is the body's first field and empty, becomes null. */
	readonly nullPath?: boolean;
	/** setWatches: so many zxids behind the newest that this slot has seen. */
	readonly zxidsBehind?: number;
	readonly xid?: number;
}

/** What a client says of the newest zxid it has seen. */
export type SeenZxid = 'none' | 'seen' | 'ahead';

export type Step =
	/** A new session, in a connection of its own; one that the slot had is dropped. */
	| {
			readonly kind: 'open';
			readonly slot: Slot;
			readonly timeoutMs: number;
			readonly readOnly: boolean | undefined;
			readonly seen: SeenZxid;
			readonly protocolVersion: number;
			/** So many bytes of the handshake only. */
			readonly cut?: number;
			/** Sent right behind the handshake. */
			readonly early?: readonly ScriptRequest[];
	  }
	/** The session of a slot, in a new connection of this one: its own again, or a theft. */
	| {
			readonly kind: 'reattach';
			readonly slot: Slot;
			readonly of: Slot;
			readonly password: 'right' | 'wrong' | 'short' | 'empty' | 'null';
			readonly timeoutMs: number;
			readonly readOnly: boolean | undefined;
			readonly seen: SeenZxid;
	  }
	/** A session that never was. */
	| { readonly kind: 'unknownSession'; readonly slot: Slot }
	/** Bytes that are no frame, or none of a request: in the slot's connection, or in one that has not shaken hands. They end it. */
	| { readonly kind: 'raw'; readonly slot: Slot; readonly bytes: Uint8Array; readonly early: boolean }
	/** The client goes without a word. */
	| { readonly kind: 'drop'; readonly slot: Slot }
	/** All in one write; the step is over when all are answered or the connection is. */
	| { readonly kind: 'send'; readonly slot: Slot; readonly requests: readonly ScriptRequest[] };

export interface Script {
	readonly seed: number;
	readonly slots: number;
	readonly steps: readonly Step[];
}

/** @param seenZxid of the slot, for setWatches */
export function bodyOf(item: ScriptRequest, seenZxid: number): Uint8Array {
	if (item.request === undefined) return item.bytes ?? new Uint8Array(0);
	let { request } = item;
	if (item.zxidsBehind !== undefined && (request.kind === 'setWatches' || request.kind === 'setWatches2')) {
		request = { ...request, relativeZxid: Math.max(0, seenZxid - item.zxidsBehind) };
	}
	const writer = new JuteWriter(64);
	writeRequest(writer, request);
	const body = writer.view().slice();
	if (item.nullPath) body.fill(255, 0, 4);
	return item.cut === undefined ? body : body.subarray(0, Math.min(item.cut, body.length));
}

export function describeStep(step: Step): string {
	if (step.kind === 'raw')
		return `slot ${step.slot}: ${step.early ? 'first ' : ''}${Buffer.from(step.bytes).toString('hex')}`;
	if (step.kind !== 'send') return JSON.stringify(step);
	return `slot ${step.slot}: ${step.requests.map(describeRequest).join(' + ')}`;
}

function describeRequest(item: ScriptRequest): string {
	const extra = [
		item.cut === undefined ? '' : ` cut to ${item.cut} bytes`,
		item.nullPath ? ' with a null path' : '',
		item.zxidsBehind === undefined ? '' : ` ${item.zxidsBehind} zxids behind`,
	].join('');
	if (item.request === undefined) {
		return `${opName(item.type) ?? `op ${item.type}`} with the bytes ${Buffer.from(item.bytes ?? []).toString('hex')}${extra}`;
	}
	const bytes = (_: string, value: unknown): unknown =>
		value instanceof Uint8Array
			? `${value.length} bytes ${Buffer.from(value).toString('latin1').slice(0, 40)}`
			: typeof value === 'bigint'
				? String(value)
				: value;
	const type = opCode[item.request.kind] === item.type ? '' : ` sent as op ${item.type}`;
	return `${JSON.stringify(item.request, bytes)}${type}${extra}`;
}
