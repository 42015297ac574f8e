/** A member's disk in memory: its log with what is not synced yet, the state in front of it, and its epochs. It is quick; how real files are read and torn is for FileMachine. */
import type { Host } from '#core/host/host';
import type { TxnRecord } from '#core/model/txn-record';
import { type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import { SnapshotNeeded } from '#core/ports/history';
import type { ReplicaStorage, StateReceiver, StoredState } from '#core/ports/replica-storage';
import type { TxnLogListener } from '#core/ports/txn-log';
import { DataTree } from '#core/tree/data-tree';
import type { FrozenTree } from '#core/tree/frozen-tree';
import { SnapshotStreamReader, snapshotStream } from '#storage/snapshot-stream';
import { SimDisk } from '../sim-log.ts';
import type { Breach } from './breach.ts';
import { fuzzyStream } from './fuzzy-stream.ts';
import { type Machine, type MachineLog, noCounts, type Opened } from './machine.ts';
import type { ProcessGate } from './process-gate.ts';
import type { World } from './world.ts';

class MemberDisk extends SimDisk {
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

export class MemoryMachine implements Machine {
	readonly counts = noCounts();
	readonly isDamaged = false;
	syncMs = 3;
	#disk = new MemberDisk();
	readonly #world: World;
	/** Whether it streams snapshots as ZooKeeper does. */
	readonly #isFuzzy: boolean;
	readonly #breach: Breach | undefined;
	#log: MemberLog | null = null;

	constructor(world: World, isFuzzy: boolean, breach?: Breach) {
		this.#world = world;
		this.#isFuzzy = isFuzzy;
		this.#breach = breach;
	}

	async open(gate: ProcessGate, live: () => DataTree): Promise<Opened> {
		const state = this.#disk.state();
		this.#log = new MemberLog(this.#disk, this.#world, gate, () => this.syncMs, this.#breach === 'ackBeforeFsync');
		return { ...state, log: this.#log, storage: this.#storage(gate, live) };
	}

	async snapshot(host: Host): Promise<void> {
		if (this.#disk.unsynced > 0) return;
		const frozen = host.snapshotPoint();
		this.#disk.write(frozen);
		frozen.release();
	}

	fail(): void {
		this.#log?.fail(new Error('no space left on device'));
	}

	makeRoom(): void {}

	stopped(isPowerCut: boolean): void {
		const disk = this.#disk;
		disk.cutPower(isPowerCut ? this.#world.random.below(disk.unsynced + 1) : disk.unsynced);
	}

	records(): readonly TxnRecord[] {
		return this.#disk.read();
	}

	replace(): void {
		this.#disk = new MemberDisk();
	}

	/** Its log begins behind the only one there is. */
	isInSnapshot(): boolean {
		return false;
	}

	remove(): void {}

	#storage(gate: ProcessGate, live: () => DataTree): ReplicaStorage {
		const disk = this.#disk;
		const { counts } = this;
		const world = this.#world;
		const isFuzzy = this.#isFuzzy;
		const isTruncateSkipped = this.#breach === 'skipTruncate';
		/** What a process that died meanwhile had begun does not go on. */
		const pause = () => new Promise<void>((resolve) => world.after(world.random.next() * 5, () => gate.enter(resolve)));
		const epochs = this.#breach === 'reuseEpoch' ? { acceptedEpoch: 0, currentEpoch: 0 } : disk;
		function* torn(frozen: FrozenTree, tree: DataTree): Generator<Uint8Array, void> {
			yield* fuzzyStream(frozen, tree);
			if (tree.lastProcessedZxid > frozen.zxid) counts.torn += 1;
		}
		return {
			get acceptedEpoch() {
				return epochs.acceptedEpoch;
			},
			set acceptedEpoch(epoch) {
				epochs.acceptedEpoch = epoch;
			},
			get currentEpoch() {
				return epochs.currentEpoch;
			},
			set currentEpoch(epoch) {
				epochs.currentEpoch = epoch;
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
				if (isTruncateSkipped) return;
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
}

/** Who says what is not true has the time to be found out. */
const hastyFactor = 100;

/** The log of one process over a disk: syncs take their time. */
class MemberLog implements MachineLog {
	readonly #disk: MemberDisk;
	readonly #world: World;
	#listener: TxnLogListener | null = null;
	#isSyncing = false;
	#isOver = false;
	readonly #gate: ProcessGate;
	readonly #syncMs: () => number;
	/** Says what it has before it is synced. */
	readonly #isHasty: boolean;

	constructor(disk: MemberDisk, world: World, gate: ProcessGate, syncMs: () => number, isHasty: boolean) {
		this.#disk = disk;
		this.#world = world;
		this.#gate = gate;
		this.#syncMs = syncMs;
		this.#isHasty = isHasty;
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
		const last = records.at(-1)?.header.zxid;
		if (!this.#isHasty || last === undefined) return;
		this.#world.after(0, () => this.#gate.enter(() => this.#listener?.durable(last)));
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
		const { random } = this.#world;
		this.#world.after(random.next() * this.#syncMs() * (this.#isHasty ? hastyFactor : 1), () => {
			if (this.#isOver || !this.#gate.isAlive) return;
			// It may have been cut meanwhile.
			const isThere = disk.records[count - 1] === last;
			if (isThere) disk.synced = Math.max(disk.synced, count);
			// The disk goes on while the process is stopped.
			this.#gate.enter(() => {
				this.#isSyncing = false;
				if (this.#isOver) return;
				if (isThere && !this.#isHasty) this.#listener?.durable(last.zxid);
				this.#sync();
			});
		});
	}
}

function* iterate(chunks: Iterator<Uint8Array>): Generator<Uint8Array> {
	for (let next = chunks.next(); next.done !== true; next = chunks.next()) yield next.value;
}
