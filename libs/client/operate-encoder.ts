/**
 * The messages of a stream of Operate, made without objects in between: the operations that programs do by the thousand are written here, the others
 * by the generated code. What comes out is what the generated code would make of it.
 */
import { OperateRequest, type Operation } from '#proto/chronokeeper/v1/session';
import type { CreateRequest } from '#proto/chronokeeper/v1/znode';
import type { Operation as Op } from './operation.ts';

const chunkBytes = 64 * 1024;
/** Field 3 of OperateRequest, with a length. */
const operationsTag = 0x1a;

export class OperateEncoder {
	/** Messages are parts of it; they are never written again. */
	#chunk = Buffer.allocUnsafe(0);
	#at = 0;
	#from = 0;

	begin(): void {
		this.#from = this.#at;
	}

	/** What the message has so far. */
	get length(): number {
		return this.#at - this.#from;
	}

	/** The message: nobody writes to these bytes any more. */
	finish(): Buffer {
		return this.#chunk.subarray(this.#from, this.#at);
	}

	/** @param traceparent empty for none @param sentAtZxid of an operation that is sent again */
	add(id: number, op: Op | undefined, traceparent: string, sentAtZxid: bigint | undefined): void {
		if (sentAtZxid !== undefined || traceparent !== '' || !this.#addPlain(id, op))
			this.#addGenerated({ id, op, traceparent, sentAtZxid });
	}

	#addPlain(id: number, op: Op | undefined): boolean {
		switch (op?.$case) {
			case 'get':
				return this.#addRead(3, id, op.value);
			case 'exists':
				return this.#addRead(6, id, op.value);
			case 'set':
				return this.#addWrite(4, id, op.value.path, op.value.data, op.value.version, 3);
			case 'delete':
				return this.#addWrite(5, id, op.value.path, undefined, op.value.version, 2);
			case 'create':
				return this.#addCreate(id, op.value);
			default:
				return false;
		}
	}

	#addRead(
		field: number,
		id: number,
		{
			path,
			consistency,
			watch,
		}: { readonly path: string; readonly consistency?: number | undefined; readonly watch: boolean },
	): boolean {
		if (!isAscii(path)) return false;
		const size = stringSize(path) + (consistency === undefined ? 0 : 2) + (watch ? 2 : 0);
		this.#head(field, id, size);
		this.#string(1, path);
		if (consistency !== undefined) this.#pair(0x10, consistency);
		if (watch) this.#pair(0x18, 1);
		return true;
	}

	#addWrite(
		field: number,
		id: number,
		path: string,
		data: Uint8Array | undefined,
		version: number | undefined,
		versionField: number,
	): boolean {
		// A negative one takes ten bytes.
		if (!isAscii(path) || (version !== undefined && version < 0)) return false;
		const size = stringSize(path) + bytesSize(data) + (version === undefined ? 0 : 1 + varintSize(version));
		this.#head(field, id, size);
		this.#string(1, path);
		if (data !== undefined) this.#bytes(2, data);
		if (version !== undefined) {
			this.#chunk[this.#at++] = versionField << 3;
			this.#varint(version);
		}
		return true;
	}

	#addCreate(id: number, { path, data, mode, acl, ttlMs }: CreateRequest): boolean {
		if (!isAscii(path) || acl.length > 0 || ttlMs !== 0n || mode < 0 || mode > 127) return false;
		this.#head(2, id, stringSize(path) + bytesSize(data) + (mode === 0 ? 0 : 2));
		this.#string(1, path);
		if (data !== undefined) this.#bytes(2, data);
		if (mode !== 0) this.#pair(0x18, mode);
		return true;
	}

	#addGenerated(operation: Operation): void {
		const bytes = OperateRequest.encode({ begin: undefined, operations: [operation] }).finish();
		this.#reserve(bytes.length);
		this.#chunk.set(bytes, this.#at);
		this.#at += bytes.length;
	}

	/** @param size of the operation's own message */
	#head(field: number, id: number, size: number): void {
		const whole = (id === 0 ? 0 : 1 + varintSize(id)) + 1 + varintSize(size) + size;
		this.#reserve(whole + 6);
		this.#chunk[this.#at++] = operationsTag;
		this.#varint(whole);
		if (id !== 0) {
			this.#chunk[this.#at++] = 0x08;
			this.#varint(id);
		}
		this.#chunk[this.#at++] = (field << 3) | 2;
		this.#varint(size);
	}

	#pair(tag: number, value: number): void {
		this.#chunk[this.#at++] = tag;
		this.#chunk[this.#at++] = value;
	}

	/** Without an empty one, which is the default. */
	#string(field: number, text: string): void {
		if (text.length === 0) return;
		this.#chunk[this.#at++] = (field << 3) | 2;
		this.#varint(text.length);
		const chunk = this.#chunk;
		let at = this.#at;
		for (let i = 0; i < text.length; i++) chunk[at++] = text.charCodeAt(i);
		this.#at = at;
	}

	#bytes(field: number, data: Uint8Array): void {
		this.#chunk[this.#at++] = (field << 3) | 2;
		this.#varint(data.length);
		this.#chunk.set(data, this.#at);
		this.#at += data.length;
	}

	#varint(value: number): void {
		let rest = value;
		while (rest > 0x7f) {
			this.#chunk[this.#at++] = (rest & 0x7f) | 0x80;
			rest >>>= 7;
		}
		this.#chunk[this.#at++] = rest;
	}

	#reserve(bytes: number): void {
		if (this.#at + bytes <= this.#chunk.length) return;
		const begun = this.finish();
		this.#chunk = Buffer.allocUnsafeSlow(Math.max(chunkBytes, 2 * (begun.length + bytes)));
		this.#chunk.set(begun);
		this.#from = 0;
		this.#at = begun.length;
	}
}

function isAscii(text: string): boolean {
	for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
	return true;
}

/** With its tag and its length. */
function stringSize(ascii: string): number {
	return ascii.length === 0 ? 0 : 1 + varintSize(ascii.length) + ascii.length;
}

function bytesSize(data: Uint8Array | undefined): number {
	return data === undefined ? 0 : 1 + varintSize(data.length) + data.length;
}

function varintSize(value: number): number {
	return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}
