/** A member's disk: its log with what is not synced yet, the state in front of it, and its epochs. It outlives the process. */
import { readAuditContext, writeAuditContext } from '#core/model/audit-context';
import type { TxnRecord } from '#core/model/txn-record';
import { type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import type { ReplicaStorage, StateReceiver, StoredState } from '#core/ports/replica-storage';
import type { TxnLog, TxnLogListener } from '#core/ports/txn-log';
import { DataTree } from '#core/tree/data-tree';
import type { FrozenTree } from '#core/tree/frozen-tree';
import { JuteReader, JuteWriter } from '#jute/codec';
import { decodeTxn, encodeTxn } from '#jute/txn-codec';
import { SnapshotStreamReader, snapshotStream } from '#storage/snapshot-stream';
import type { World } from './world.ts';

interface Stored {
	readonly zxid: Zxid;
	readonly bytes: Uint8Array;
}

export class MemberDisk {
	records: Stored[] = [];
	/** How many of them survive a power cut for sure. */
	synced = 0;
	/** The state in front of the first record. */
	base: { readonly zxid: Zxid; readonly stream: readonly Uint8Array[] } | null = null;
	acceptedEpoch = 0;
	currentEpoch = 0;

	cutPower(kept: number): void {
		this.records.length = Math.min(this.records.length, this.synced + kept);
		this.synced = this.records.length;
	}

	get unsynced(): number {
		return this.records.length - this.synced;
	}

	read(): TxnRecord[] {
		return this.records.map(({ bytes }) => decode(bytes));
	}

	/** What recovery gives. */
	state(): StoredState & { readonly lastZxid: Zxid } {
		const { tree, sessions } = this.base === null ? { tree: new DataTree(), sessions: new Map() } : loaded(this.base);
		for (const record of this.read()) {
			tree.apply(record);
			if (record.digest !== null && tree.digest() !== record.digest.value) {
				throw new Error(`recovery: the digest differs at 0x${record.header.zxid.toString(16)}`);
			}
			if (record.txn.kind === 'createSession') sessions.set(record.header.sessionId, record.txn.timeoutMs);
			if (record.txn.kind === 'closeSession') sessions.delete(record.header.sessionId);
		}
		return { tree, sessions, lastZxid: tree.lastProcessedZxid };
	}
}

function loaded(base: NonNullable<MemberDisk['base']>): { tree: DataTree; sessions: Map<SessionId, number> } {
	const reader = new SnapshotStreamReader({});
	for (const chunk of base.stream) if (reader.take(chunk) !== null) break;
	reader.tree.lastProcessedZxid = base.zxid;
	return { tree: reader.tree, sessions: reader.sessions };
}

function decode(bytes: Uint8Array): TxnRecord {
	const reader = new JuteReader(bytes);
	const { header, txn, digest } = decodeTxn(reader);
	return { header, txn, digest, context: readAuditContext(bytes, reader.position) };
}

/** The log of one process over a disk: syncs take their time. */
export class MemberLog implements TxnLog {
	readonly #disk: MemberDisk;
	readonly #world: World;
	#listener: TxnLogListener | null = null;
	#isSyncing = false;
	#isOver = false;
	syncMs = 3;

	constructor(disk: MemberDisk, world: World) {
		this.#disk = disk;
		this.#world = world;
	}

	get pendingBytes(): number {
		return this.#disk.records.slice(this.#disk.synced).reduce((sum, { bytes }) => sum + bytes.length, 0);
	}

	listen(listener: TxnLogListener): void {
		this.#listener = listener;
	}

	append(records: readonly TxnRecord[]): void {
		if (this.#isOver) return;
		for (const { header, txn, digest, context } of records) {
			const last = this.#disk.records.at(-1);
			if (last !== undefined && last.zxid >= header.zxid) throw new Error('log zxids strictly rise');
			const writer = new JuteWriter();
			encodeTxn(writer, header, txn, digest);
			if (context !== null) writeAuditContext(writer, context);
			this.#disk.records.push({ zxid: header.zxid, bytes: writer.view().slice() });
		}
		this.#sync();
	}

	/** The process died: nothing of it reaches the disk or anybody any more. */
	die(): void {
		this.#isOver = true;
	}

	roll(): void {}

	async close(): Promise<void> {
		this.#isOver = true;
	}

	#sync(): void {
		const disk = this.#disk;
		if (this.#isSyncing || disk.unsynced === 0) return;
		this.#isSyncing = true;
		const { records } = disk;
		const count = records.length;
		const last = records[count - 1]!;
		this.#world.after(this.#world.random.next() * this.syncMs, () => {
			this.#isSyncing = false;
			if (this.#isOver) return;
			// It may have been cut meanwhile.
			if (disk.records[count - 1] === last) {
				disk.synced = Math.max(disk.synced, count);
				this.#listener?.durable(last.zxid);
			}
			this.#sync();
		});
	}
}

export function storageOf(disk: MemberDisk, world: World): ReplicaStorage {
	const pause = () => new Promise<void>((resolve) => world.after(world.random.next() * 5, resolve));
	return {
		get acceptedEpoch() {
			return disk.acceptedEpoch;
		},
		set acceptedEpoch(epoch) {
			disk.acceptedEpoch = epoch;
		},
		get currentEpoch() {
			return disk.currentEpoch;
		},
		set currentEpoch(epoch) {
			disk.currentEpoch = epoch;
		},
		recordsAfter(zxid, upTo) {
			const first = disk.records[0]?.zxid;
			const reachesBack = (disk.base?.zxid ?? zeroZxid) <= zxid || (first !== undefined && first <= zxid);
			if (!reachesBack || world.random.chance(0.2)) return null;
			const records = disk.read().filter(({ header }) => header.zxid > zxid && header.zxid <= upTo);
			return (async function* () {
				for (let at = 0; at < records.length; at += 3) {
					await pause();
					yield records.slice(at, at + 3);
				}
			})();
		},
		snapshotStream: (frozen: FrozenTree) => snapshotStream(frozen.transferable()),
		receiveSnapshot(): StateReceiver {
			return new SnapshotStreamReader({});
		},
		async truncateLog(zxid) {
			await pause();
			disk.records = disk.records.filter((record) => record.zxid <= zxid);
			disk.synced = disk.records.length;
		},
		async reload() {
			await pause();
			return disk.state();
		},
		async install({ tree, sessions }, zxid) {
			await pause();
			const frozen = tree.freeze();
			frozen.sessions = sessions;
			const stream = [...iterate(snapshotStream(frozen.transferable()))].map((chunk) => chunk.slice());
			frozen.release();
			disk.base = { zxid, stream };
			disk.records = [];
			disk.synced = 0;
		},
	};
}

function* iterate(chunks: Iterator<Uint8Array>): Generator<Uint8Array> {
	for (let next = chunks.next(); next.done !== true; next = chunks.next()) yield next.value;
}
