/**
 * What a snapshot is made of, in a file and on the wire: sessions (count, then id and timeout each); ACLs (count, then id and list each);
 * nodes, parents first (path, data, ACL id, stored Stat), "/" behind the last. ZooKeeper's format.
 */
import { readAcl, writeAcl } from '#jute/acl';
import { JuteError, JuteReader, type JuteWriter } from '#jute/codec';
import { type Acl, readStoredStat, type StoredStat, writeStoredStat } from '#jute/records';
import type { SessionId } from '#jute/scalars';
import { slash } from './snapshot-tail.ts';

/** Takes what is in a snapshot, in its order. */
export interface SnapshotSink {
	session?(id: SessionId, timeoutMs: number): void;
	/** What the nodes name by `aclId`; -1 is the open ACL and is in no list. */
	acl?(aclId: bigint, acl: readonly Acl[]): void;
	/** Data may be overwritten when the next node is read: copy them. */
	node?(path: string, data: Uint8Array | null, aclId: bigint, stat: StoredStat): void;
}

export interface SnapshotNode {
	readonly path: string;
	readonly data: Uint8Array | null;
	/** -1: world:anyone with all permissions, which is in no list. */
	readonly aclId: number;
	readonly stat: StoredStat;
}

/** ACL id and stored Stat, behind the data. */
const nodeTailBytes = 8 + 60;
/** More than this is not one path, one ACL list or one node's data. */
const maxFieldBytes = 128 << 20;

export function writeSession(writer: JuteWriter, id: SessionId, timeoutMs: number): void {
	writer.writeSessionId(id);
	writer.writeInt(timeoutMs);
}

export function writeAclEntry(writer: JuteWriter, id: number, acl: readonly Acl[]): void {
	writer.writeSafeLong(id);
	writeAcl(writer, acl);
}

export function writeNode(writer: JuteWriter, node: SnapshotNode): void {
	writer.writeString(node.path === '/' ? '' : node.path);
	writer.writeBuffer(node.data);
	writer.writeSafeLong(node.aclId);
	writeStoredStat(writer, node.stat);
}

/** The bytes of a snapshot as they come: `bytes[at..end)` is what is there and was not taken. */
export interface SnapshotBytes {
	readonly bytes: Uint8Array;
	/** The same memory. */
	readonly view: DataView;
	at: number;
	readonly end: number;
	/** Tries to have so many bytes, and returns how many there are. */
	need(wanted: number): number;
	/** No more than this can follow; infinite when nobody knows. */
	readonly left: number;
	/** What is thrown when `what` goes on behind the bytes that are there. Nothing of it was taken: it may be read again when there are more. */
	short(what: string): Error;
	damage(problem: string, cause?: unknown): Error;
}

/** Reads one item after the other. What is there only in part is not taken. */
export class SnapshotItems {
	readonly #from: SnapshotBytes;
	readonly #sink: SnapshotSink;
	readonly #reader = new JuteReader(new Uint8Array(0));

	constructor(from: SnapshotBytes, sink: SnapshotSink) {
		this.#from = from;
		this.#sink = sink;
	}

	readCount(what: string): number {
		const count = this.have(4, `the number of ${what}`).readInt();
		const left = this.#from.left - 4;
		// Each takes 12 bytes at least.
		if (count < 0 || count * 12 > left) {
			const room = Number.isFinite(left) ? ` in ${left} bytes` : '';
			throw this.#from.damage(`${count} ${what} are not possible${room}`);
		}
		this.#from.at += 4;
		return count;
	}

	readSession(): void {
		const reader = this.have(12, 'the sessions');
		const id = reader.readSessionId();
		const timeoutMs = reader.readInt();
		this.#from.at = reader.position;
		this.#hand('a session', () => this.#sink.session?.(id, timeoutMs));
	}

	readAcl(): void {
		const reader = this.have(this.#aclBytes(), 'the ACLs');
		const aclId = reader.readSignedLong();
		let acl: readonly Acl[];
		try {
			acl = readAcl(reader);
		} catch (error) {
			if (!(error instanceof JuteError)) throw error;
			throw this.#from.damage(`an ACL list cannot be read (${error.message})`, error);
		}
		this.#from.at = reader.position;
		this.#hand('an ACL list', () => this.#sink.acl?.(aclId, acl));
	}

	/** False behind the last node. */
	readNode(): boolean {
		const from = this.#from;
		// Mostly the whole node is there already; only its lengths tell.
		if (from.need(8) < 5) throw from.short('a node');
		const pathBytes = this.#fieldLength(from.at, 'a path');
		if (pathBytes === 1 && from.bytes[from.at + 4] === slash) {
			from.at += 5;
			return false;
		}
		if (pathBytes < 0) throw from.damage('the path of a node is null');
		if (from.need(8 + pathBytes) < 8 + pathBytes) throw from.short('a node');
		const dataBytes = this.#fieldLength(from.at + 4 + pathBytes, 'the data of a node');
		const whole = 8 + pathBytes + Math.max(0, dataBytes) + nodeTailBytes;
		const reader = this.have(whole, 'a node');
		const start = reader.position;
		try {
			const nodePath = reader.readRequiredString();
			const data = reader.readBuffer();
			const aclId = reader.readSignedLong();
			const stat = readStoredStat(reader);
			from.at = start + whole;
			this.#sink.node?.(nodePath === '' ? '/' : nodePath, data, aclId, stat);
		} catch (error) {
			from.at = start;
			throw from.damage(`a node cannot be taken (${(error as Error).message})`, error);
		}
		return true;
	}

	/** A reader that stands on so many bytes. What is read through it is taken by setting `at`. */
	have(wanted: number, what: string): JuteReader {
		const from = this.#from;
		if (from.need(wanted) < wanted) throw from.short(what);
		this.#reader.reset(from.bytes, from.at, from.end);
		return this.#reader;
	}

	/** The length of an ACL list with its number is not written: only the lengths of its strings are. */
	#aclBytes(): number {
		const from = this.#from;
		const what = 'the ACLs';
		this.have(12, what);
		const count = from.view.getInt32(from.at + 8);
		if (count < -1) throw from.damage(`an ACL list cannot have ${count} entries`);
		let bytes = 12;
		for (let i = 0; i < count; i++) {
			bytes += 4;
			for (const field of ['a scheme', 'an id']) {
				this.have(bytes + 4, what);
				bytes += 4 + Math.max(0, this.#fieldLength(from.at + bytes, field));
			}
			if (bytes > maxFieldBytes) throw from.damage('an ACL list is longer than is possible');
		}
		return bytes;
	}

	/** -1 for null. Whether there are so many bytes is seen when they are asked for. */
	#fieldLength(at: number, what: string): number {
		const length = this.#from.view.getInt32(at);
		if (length < -1 || length > maxFieldBytes) {
			throw this.#from.damage(`the length of ${what}, ${length}, is not possible`);
		}
		return length;
	}

	/** What the sink does not take is no tree. */
	#hand(what: string, give: () => void): void {
		try {
			give();
		} catch (error) {
			throw this.#from.damage(`${what} cannot be taken (${(error as Error).message})`, error);
		}
	}
}
