/** A member's disk: its log with what is not synced yet, the state in front of it, and its epochs. It outlives the process. */
import type { TxnRecord } from '#core/model/txn-record';
import { type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import { SnapshotNeeded } from '#core/ports/history';
import type { ReplicaStorage, StateReceiver, StoredState } from '#core/ports/replica-storage';
import type { TxnLog, TxnLogListener } from '#core/ports/txn-log';
import { DataTree } from '#core/tree/data-tree';
import type { FrozenTree } from '#core/tree/frozen-tree';
import { SnapshotStreamReader, snapshotStream } from '#storage/snapshot-stream';
import { SimDisk } from '../sim-log.ts';
import { fuzzyStream } from './fuzzy-stream.ts';
import type { World } from './world.ts';

export class MemberDisk extends SimDisk {
	/** The state in front of the first record. */
	base: { readonly zxid: Zxid; readonly stream: readonly Uint8Array[]; readonly isFuzzy: boolean } | null = null;
	acceptedEpoch = 0;
	currentEpoch = 0;

	/** Durably, in one step; the records behind it follow it. */
	write(state: FrozenTree): void {
		const stream = [...iterate(snapshotStream(state.transferable()))].map((chunk) => chunk.slice());
		this.base = { zxid: state.zxid, stream, isFuzzy: state.isFuzzy };
		this.records = this.records.filter(({ zxid }) => zxid > state.zxid);
		this.synced = this.records.length;
	}

	/** What recovery gives. */
	state(): StoredState & { readonly lastZxid: Zxid } {
		const { tree, sessions } = this.base === null ? { tree: new DataTree(), sessions: new Map() } : loaded(this.base);
		for (const record of this.read()) {
			tree.apply(record);
			if (!tree.agrees(record)) {
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
	reader.tree.isFuzzy = base.isFuzzy;
	return { tree: reader.tree, sessions: reader.sessions };
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
		return this.#disk.unsyncedBytes;
	}

	listen(listener: TxnLogListener): void {
		this.#listener = listener;
	}

	append(records: readonly TxnRecord[]): void {
		if (this.#isOver) return;
		for (const record of records) this.#disk.append(record);
		this.#sync();
	}

	/** The process died: nothing of it reaches the disk or anybody any more. */
	die(): void {
		this.#isOver = true;
	}

	/** The disk takes nothing more: full, or broken. */
	fail(error: Error): void {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#listener?.failed(error);
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

export interface StorageParts {
	readonly disk: MemberDisk;
	readonly world: World;
	/** Whether it streams snapshots as ZooKeeper does. */
	readonly isFuzzy: boolean;
	readonly counts: StorageCounts;
	/** The tree of the process. */
	live(): DataTree;
	isAlive(): boolean;
}

/** What happened at synchronizations. */
export interface StorageCounts {
	/** Snapshots that were streamed while transactions changed the tree, each a state that never was. */
	torn: number;
	installed: number;
	/** Of those the ones that no transaction had proved when they were. */
	unproved: number;
	/** TRUNC that could not be performed. */
	refused: number;
}

export function storageOf({ disk, world, isFuzzy, counts, live, isAlive }: StorageParts): ReplicaStorage {
	/** What a process that died meanwhile had begun does not go on. */
	const pause = () =>
		new Promise<void>((resolve) => {
			world.after(world.random.next() * 5, () => {
				if (isAlive()) resolve();
			});
		});
	function* torn(frozen: FrozenTree, tree: DataTree): Generator<Uint8Array, void> {
		yield* fuzzyStream(frozen, tree);
		if (tree.lastProcessedZxid > frozen.zxid) counts.torn += 1;
	}
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
		snapshotStream: (frozen: FrozenTree) => (isFuzzy ? torn(frozen, live()) : snapshotStream(frozen.transferable())),
		receiveSnapshot(): StateReceiver {
			return new SnapshotStreamReader({});
		},
		async truncateLog(zxid) {
			await pause();
			if (disk.base !== null && disk.base.zxid > zxid) {
				counts.refused += 1;
				throw new SnapshotNeeded(new Error('the only snapshot holds what is to be cut'));
			}
			disk.records = disk.records.filter((record) => record.zxid <= zxid);
			disk.synced = disk.records.length;
		},
		async reload() {
			await pause();
			return disk.state();
		},
		async install({ tree, sessions }) {
			await pause();
			counts.installed += 1;
			if (tree.isFuzzy) counts.unproved += 1;
			disk.records = [];
			const frozen = tree.freeze();
			frozen.sessions = sessions;
			disk.write(frozen);
			frozen.release();
		},
	};
}

function* iterate(chunks: Iterator<Uint8Array>): Generator<Uint8Array> {
	for (let next = chunks.next(); next.done !== true; next = chunks.next()) yield next.value;
}
