/**
 * Reads a snapshot from front to back in bounded memory.
 *
 * File header; sessions, ACLs and nodes (snapshot-items.ts); seal. Then, since ZooKeeper 3.6, the digest section (zxid, version, digest) and a
 * second seal; since 3.9 the last processed zxid and a third. A seal is the Adler-32 of all bytes before it (8 bytes) and the string "/".
 */
import path from 'node:path';
import type { Zxid } from '#core/model/zxid';
import { adler32 } from '#jute/adler32';
import { JuteError, type JuteReader } from '#jute/codec';
import { SnapshotDamage } from './damage.ts';
import { fileHeaderBytes, headerProblem, snapshotKind } from './file-header.ts';
import { snapshotPrefix, zxidInName } from './file-names.ts';
import { FileWindow } from './file-window.ts';
import { type SnapshotBytes, SnapshotItems, type SnapshotSink } from './snapshot-items.ts';
import { digestSectionBytes, sealBytes, slash } from './snapshot-tail.ts';

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
	const reader = new SnapshotReader(file, sink);
	try {
		return yield* reader.read();
	} finally {
		reader.close();
	}
}

class SnapshotReader implements SnapshotBytes {
	readonly #window: FileWindow;
	readonly #items: SnapshotItems;
	readonly #bytesTotal: number;
	readonly #nameZxid: Zxid | undefined;
	#checksum = 1;
	/** Window bytes before this are in the checksum. */
	#summedTo = 0;

	constructor(file: string, sink: SnapshotSink) {
		this.#window = new FileWindow(file, { reuse: true });
		this.#bytesTotal = this.#window.size();
		this.#nameZxid = zxidInName(path.basename(file), snapshotPrefix);
		this.#items = new SnapshotItems(this, sink);
	}

	close(): void {
		this.#window.close();
	}

	*read(): Generator<SnapshotProgress, SnapshotSummary> {
		const items = this.#items;
		this.#header();
		const sessions = items.readCount('sessions');
		for (let i = 0; i < sessions; i++) items.readSession();
		const acls = items.readCount('ACLs');
		for (let i = 0; i < acls; i++) items.readAcl();
		let nodes = 0;
		let shown = 0;
		for (; items.readNode(); nodes++) {
			if (this.#window.offset - shown < 1 << 20) continue;
			shown = this.#window.offset;
			yield { bytesDone: shown, bytesTotal: this.#bytesTotal };
		}
		this.#seal('the seal');
		const digest = this.#readDigest();
		return { nodes, sessions, bytes: this.#bytesTotal, digest };
	}

	get bytes(): Uint8Array {
		return this.#window.bytes;
	}

	get view(): DataView {
		return this.#window.view;
	}

	get at(): number {
		return this.#window.at;
	}

	set at(at: number) {
		this.#window.at = at;
	}

	get end(): number {
		return this.#window.end;
	}

	get left(): number {
		return this.#bytesTotal - this.#window.offset;
	}

	need(wanted: number): number {
		const window = this.#window;
		const have = window.end - window.at;
		if (have >= wanted) return have;
		this.#sum();
		const filled = window.need(wanted);
		this.#summedTo = window.at;
		return filled;
	}

	short(what: string): SnapshotDamage {
		return this.damage(`the file ends in ${what}`);
	}

	damage(problem: string, cause?: unknown): SnapshotDamage {
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

	#header(): void {
		const window = this.#window;
		const have = this.need(fileHeaderBytes);
		const problem = headerProblem(window.bytes.subarray(window.at, window.at + have), snapshotKind);
		if (problem !== null) throw this.damage(problem);
		window.at += fileHeaderBytes;
	}

	/** Null at the end of the file: no digest section. */
	#readDigest(): SnapshotDigest | null {
		if (this.need(1) === 0) return null;
		const reader = this.#items.have(digestSectionBytes, 'the digest section');
		const digest = this.#fields(() => ({
			zxid: reader.readZxid(),
			version: reader.readInt(),
			value: reader.readLong(),
		}));
		this.#window.at = reader.position;
		this.#seal('the seal behind the digest section');
		if (this.need(1) > 0) this.#readLastProcessed();
		return digest;
	}

	/** ZooKeeper 3.9 writes the last processed zxid behind the digest; it is the name's. */
	#readLastProcessed(): void {
		const reader = this.#items.have(8, 'the last processed zxid');
		this.#fields(() => reader.readZxid());
		this.#window.at = reader.position;
		this.#seal('the seal behind the last processed zxid');
		if (this.need(1) > 0) throw this.damage('there are bytes behind the last seal');
	}

	#seal(what: string): void {
		this.#sum();
		const expected = this.#checksum;
		const reader: JuteReader = this.#items.have(sealBytes, what);
		const high = reader.readInt();
		const low = reader.readUint32();
		const wellFormed = reader.readInt() === 1 && reader.readByte() === slash;
		if (!wellFormed) throw this.damage(`${what} is not one`);
		if (high !== 0 || low !== expected) throw this.damage(`${what} has another checksum than the bytes before it`);
		this.#window.at = reader.position;
	}

	#fields<T>(read: () => T): T {
		try {
			return read();
		} catch (error) {
			if (error instanceof JuteError) throw this.damage(error.message, error);
			throw error;
		}
	}

	#sum(): void {
		const window = this.#window;
		this.#checksum = adler32(window.bytes, this.#summedTo, window.at, this.#checksum);
		this.#summedTo = window.at;
	}
}
