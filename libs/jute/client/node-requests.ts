/**
 * Requests for one node that can stand alone or, most of them, in a multi. A null path cannot be decoded, except that of setData: ZooKeeper
 * looks at that one as at any other, which is refused with BadArguments like an empty one.
 */
import type { JuteReader, JuteWriter } from '../codec.ts';
import { type Acl, readAcl, writeAcl } from '../records.ts';

export interface CreateRequest {
	readonly kind: 'create' | 'create2' | 'createContainer';
	readonly path: string;
	readonly data: Uint8Array | null;
	readonly acl: readonly Acl[];
	/** One of createFlags; anything else is BadArguments (semantics 21). */
	readonly flags: number;
}
export interface CreateTtlRequest {
	readonly kind: 'createTTL';
	readonly path: string;
	readonly data: Uint8Array | null;
	readonly acl: readonly Acl[];
	readonly flags: number;
	/** Clamped to safe integers: what lies outside is out of range anyway. */
	readonly ttlMs: number;
}
/** Versions in requests: -1 means any. */
export interface VersionRequest {
	readonly kind: 'delete' | 'check';
	readonly path: string;
	readonly version: number;
}
export interface SetDataRequest {
	readonly kind: 'setData';
	readonly path: string;
	readonly data: Uint8Array | null;
	readonly version: number;
}
export interface WatchableRequest {
	readonly kind: 'exists' | 'getData' | 'getChildren' | 'getChildren2';
	readonly path: string;
	readonly watch: boolean;
}

export type NodeRequest = CreateRequest | CreateTtlRequest | VersionRequest | SetDataRequest | WatchableRequest;

/** Null is read as empty. */
export function readNullablePath(reader: JuteReader): string {
	return reader.readString() ?? '';
}

export function readCreate(reader: JuteReader, kind: CreateRequest['kind']): CreateRequest {
	return {
		kind,
		path: reader.readRequiredString(),
		data: reader.readBuffer(),
		acl: readAcl(reader),
		flags: reader.readInt(),
	};
}

export function readCreateTtl(reader: JuteReader): CreateTtlRequest {
	return {
		kind: 'createTTL',
		path: reader.readRequiredString(),
		data: reader.readBuffer(),
		acl: readAcl(reader),
		flags: reader.readInt(),
		ttlMs: reader.readClampedLong(),
	};
}

export function readSetData(reader: JuteReader): SetDataRequest {
	return { kind: 'setData', path: readNullablePath(reader), data: reader.readBuffer(), version: reader.readInt() };
}

export function readVersion(reader: JuteReader, kind: VersionRequest['kind']): VersionRequest {
	return { kind, path: reader.readRequiredString(), version: reader.readInt() };
}

export function readWatchable<K extends WatchableRequest['kind']>(
	reader: JuteReader,
	kind: K,
): WatchableRequest & { readonly kind: K } {
	return { kind, path: reader.readRequiredString(), watch: reader.readBool() };
}

export function writeNodeRequest(writer: JuteWriter, request: NodeRequest): void {
	switch (request.kind) {
		case 'create':
		case 'create2':
		case 'createContainer':
		case 'createTTL':
			writer.writeString(request.path);
			writer.writeBuffer(request.data);
			writeAcl(writer, request.acl);
			writer.writeInt(request.flags);
			if (request.kind === 'createTTL') writer.writeSafeLong(request.ttlMs);
			return;
		case 'delete':
		case 'check':
			writer.writeString(request.path);
			writer.writeInt(request.version);
			return;
		case 'setData':
			writer.writeString(request.path);
			writer.writeBuffer(request.data);
			writer.writeInt(request.version);
			return;
		case 'exists':
		case 'getData':
		case 'getChildren':
		case 'getChildren2':
			writer.writeString(request.path);
			writer.writeBool(request.watch);
			return;
		default:
			request satisfies never;
	}
}
