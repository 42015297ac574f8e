/**
 * Reads a snapshot from front to back in bounded memory.
 *
 * File header; sessions (count, then id and timeout each); ACLs (count, then id and list each); nodes, parents first (path, data, ACL id,
 * stored Stat), "/" behind the last; seal. Then, since ZooKeeper 3.6, the digest section (zxid, version, digest) and a second seal; since 3.9 the
 * last processed zxid and a third. A seal is the Adler-32 of all bytes before it (8 bytes) and the string "/".
 */
import path from 'node:path';
import type { Zxid } from '#core/model/zxid';
import { readAcl } from '#jute/acl';
import { adler32 } from '#jute/adler32';
import { JuteError, JuteReader } from '#jute/codec';
import { type Acl, readStoredStat, type StoredStat } from '#jute/records';
import type { SessionId } from '#jute/scalars';
import { SnapshotDamage } from './damage.ts';
import { fileHeaderBytes, headerProblem, snapshotKind } from './file-header.ts';
import { snapshotPrefix, zxidInName } from './file-names.ts';
import { FileWindow } from './file-window.ts';
import { digestSectionBytes, sealBytes, slash } from './snapshot-tail.ts';

/** Takes what is in a snapshot, in the order of the file. */
export interface SnapshotSink {
	session?(id: SessionId, timeoutMs: number): void;
	/** What the nodes name by `aclId`; -1 is the open ACL and is in no list. */
	acl?(aclId: bigint, acl: readonly Acl[]): void;
	/** Data may be overwritten when the next node is read: copy them. */
	node?(path: string, data: Uint8Array | null, aclId: bigint, stat: StoredStat): void;
}

/** The digest section: the tree's digest at this zxid, which is behind the name's in a fuzzy snapshot. */
export interface SnapshotDigest {
	readonly zxid: Zxid;
	readonly version: number;
	readonly value: bigint;
}

export interface SnapshotSummary {
	readonly nodes: number;
	readonly sessions: number;
	readonly bytes: number;
	/** Null where the file ends behind its first seal, as ZooKeeper 3.5 wrote it. */
	readonly digest: SnapshotDigest | null;
}

export interface SnapshotProgress {
	readonly bytesDone: number;
	readonly bytesTotal: number;
}

/** ACL id and stored Stat, behind the data. */
const nodeTailBytes = 8 + 60;
/** More than this is not one path, one ACL list or one node's data. */
const maxFieldBytes = 128 << 20;

/** Reads the whole file at once; see loadSnapshot. */
export function readSnapshot(file: string, sink: SnapshotSink): SnapshotSummary {
	const steps = loadSnapshot(file, sink);
	for (;;) {
		const step = steps.next();
		if (step.done) return step.value;
	}
}

/**
 * Reads the file step by step, so that the caller can show progress and let others run in between. Only when it returns is the
 * snapshot known to be sound.
 * @throws SnapshotDamage
 */
export function* loadSnapshot(file: string, sink: SnapshotSink): Generator<SnapshotProgress, SnapshotSummary> {
	const reader = new SnapshotReader(file);
	try {
		return yield* reader.read(sink);
	} finally {
		reader.close();
	}
}

class SnapshotReader {
	readonly #window: FileWindow;
	readonly #reader = new JuteReader(new Uint8Array(0));
	readonly #bytesTotal: number;
	readonly #nameZxid: Zxid | undefined;
	#checksum = 1;
	/** Window bytes before this are in the checksum. */
	#summedTo = 0;
	#nodes = 0;
	#sessions = 0;

	constructor(file: string) {
		this.#window = new FileWindow(file, { reuse: true });
		this.#bytesTotal = this.#window.size();
		this.#nameZxid = zxidInName(path.basename(file), snapshotPrefix);
	}

	close(): void {
		this.#window.close();
	}

	*read(sink: SnapshotSink): Generator<SnapshotProgress, SnapshotSummary> {
		this.#header();
		this.#readSessions(sink);
		this.#readAcls(sink);
		let shown = 0;
		while (this.#readNode(sink)) {
			if (this.#window.offset - shown < 1 << 20) continue;
			shown = this.#window.offset;
			yield { bytesDone: shown, bytesTotal: this.#bytesTotal };
		}
		this.#seal('the seal');
		const digest = this.#readDigest();
		return { nodes: this.#nodes, sessions: this.#sessions, bytes: this.#bytesTotal, digest };
	}

	#header(): void {
		const window = this.#window;
		const have = this.#need(fileHeaderBytes);
		const problem = headerProblem(window.bytes.subarray(window.at, window.at + have), snapshotKind);
		if (problem !== null) throw this.#damage(problem);
		window.at += fileHeaderBytes;
	}

	#readSessions(sink: SnapshotSink): void {
		const count = this.#count('sessions', 12);
		for (let i = 0; i < count; i++) {
			const reader = this.#have(12, 'the sessions');
			const id = reader.readSessionId();
			const timeoutMs = reader.readInt();
			this.#window.at = reader.position;
			this.#hand('a session', () => sink.session?.(id, timeoutMs));
		}
		this.#sessions = count;
	}

	#readAcls(sink: SnapshotSink): void {
		const count = this.#count('ACLs', 12);
		for (let i = 0; i < count; i++) {
			const aclId = this.#have(12, 'the ACLs').readSignedLong();
			this.#window.at += 8;
			const acl = this.#readAclList();
			this.#hand('an ACL list', () => sink.acl?.(aclId, acl));
		}
	}

	/** The length of a list is not written: it is read again with more of the file at hand until it fits. */
	#readAclList(): readonly Acl[] {
		for (let wanted = 4096; ; wanted *= 4) {
			const have = this.#need(wanted);
			const reader = this.#reader;
			reader.reset(this.#window.bytes, this.#window.at, this.#window.end);
			try {
				const acl = readAcl(reader);
				this.#window.at = reader.position;
				return acl;
			} catch (error) {
				if (!(error instanceof JuteError)) throw error;
				if (have < wanted || wanted > maxFieldBytes)
					throw this.#damage(`an ACL list cannot be read (${error.message})`);
			}
		}
	}

	/** False behind the last node. */
	#readNode(sink: SnapshotSink): boolean {
		const window = this.#window;
		// Mostly the whole node is in the window already; only its lengths tell.
		if (this.#need(8) < 5) throw this.#short('a node');
		const pathBytes = this.#fieldLength(window.at, 'a path');
		if (pathBytes === 1 && window.bytes[window.at + 4] === slash) {
			window.at += 5;
			return false;
		}
		if (pathBytes < 0) throw this.#damage('the path of a node is null');
		if (this.#need(8 + pathBytes) < 8 + pathBytes) throw this.#short('a node');
		const dataBytes = this.#fieldLength(window.at + 4 + pathBytes, 'the data of a node');
		const whole = 8 + pathBytes + Math.max(0, dataBytes) + nodeTailBytes;
		const reader = this.#have(whole, 'a node');
		const start = reader.position;
		try {
			const nodePath = reader.readRequiredString();
			const data = reader.readBuffer();
			const aclId = reader.readSignedLong();
			const stat = readStoredStat(reader);
			window.at = start + whole;
			this.#nodes++;
			sink.node?.(nodePath === '' ? '/' : nodePath, data, aclId, stat);
		} catch (error) {
			window.at = start;
			throw this.#damage(`a node cannot be taken (${(error as Error).message})`, error);
		}
		return true;
	}

	/** Null at the end of the file: no digest section. */
	#readDigest(): SnapshotDigest | null {
		if (this.#need(1) === 0) return null;
		const reader = this.#have(digestSectionBytes, 'the digest section');
		const digest = this.#fields(() => ({
			zxid: reader.readZxid(),
			version: reader.readInt(),
			value: reader.readLong(),
		}));
		this.#window.at = reader.position;
		this.#seal('the seal behind the digest section');
		if (this.#need(1) > 0) this.#readLastProcessed();
		return digest;
	}

	/** ZooKeeper 3.9 writes the last processed zxid behind the digest; it is the name's. */
	#readLastProcessed(): void {
		const reader = this.#have(8, 'the last processed zxid');
		this.#fields(() => reader.readZxid());
		this.#window.at = reader.position;
		this.#seal('the seal behind the last processed zxid');
		if (this.#need(1) > 0) throw this.#damage('there are bytes behind the last seal');
	}

	#seal(what: string): void {
		this.#sum();
		const expected = this.#checksum;
		const reader = this.#have(sealBytes, what);
		const high = reader.readInt();
		const low = reader.readUint32();
		const wellFormed = reader.readInt() === 1 && reader.readByte() === slash;
		if (!wellFormed) throw this.#damage(`${what} is not one`);
		if (high !== 0 || low !== expected) throw this.#damage(`${what} has another checksum than the bytes before it`);
		this.#window.at = reader.position;
	}

	#count(what: string, minBytesEach: number): number {
		const reader = this.#have(4, `the number of ${what}`);
		const count = reader.readInt();
		const left = this.#bytesTotal - this.#window.offset - 4;
		if (count < 0 || count * minBytesEach > left)
			throw this.#damage(`${count} ${what} are not possible in ${left} bytes`);
		this.#window.at = reader.position;
		return count;
	}

	/** -1 for null. Whether the file has so many bytes is seen when they are asked for. */
	#fieldLength(at: number, what: string): number {
		const length = this.#window.view.getInt32(at);
		if (length < -1 || length > maxFieldBytes) throw this.#damage(`the length of ${what}, ${length}, is not possible`);
		return length;
	}

	#fields<T>(read: () => T): T {
		try {
			return read();
		} catch (error) {
			if (error instanceof JuteError) throw this.#damage(error.message, error);
			throw error;
		}
	}

	/** What the sink does not take is no tree: the seal, which comes last, would say so too. */
	#hand(what: string, give: () => void): void {
		try {
			give();
		} catch (error) {
			throw this.#damage(`${what} cannot be taken (${(error as Error).message})`, error);
		}
	}

	#have(wanted: number, what: string): JuteReader {
		if (this.#need(wanted) < wanted) throw this.#short(what);
		const window = this.#window;
		this.#reader.reset(window.bytes, window.at, window.end);
		return this.#reader;
	}

	#need(wanted: number): number {
		const window = this.#window;
		const have = window.end - window.at;
		if (have >= wanted) return have;
		this.#sum();
		const filled = window.need(wanted);
		this.#summedTo = window.at;
		return filled;
	}

	#sum(): void {
		const window = this.#window;
		this.#checksum = adler32(window.bytes, this.#summedTo, window.at, this.#checksum);
		this.#summedTo = window.at;
	}

	#short(what: string): SnapshotDamage {
		return this.#damage(`the file ends in ${what}`);
	}

	#damage(problem: string, cause?: unknown): SnapshotDamage {
		const damage = new SnapshotDamage({
			file: this.#window.file,
			offset: this.#window.offset,
			...(this.#nameZxid === undefined ? {} : { zxid: this.#nameZxid }),
			problem,
			advice: 'An older snapshot and the logs from there on hold the same',
		});
		if (cause !== undefined) damage.cause = cause;
		return damage;
	}
}
