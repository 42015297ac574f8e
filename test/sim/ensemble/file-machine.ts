/**
 * A member's disk as files: the product's own log, snapshots, recovery and storage of a member over them, so that torn records and flipped bits meet what reads them
 * everywhere else. The directory is in memory where the system has such a place.
 */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Host } from '#core/host/host';
import type { TxnRecord } from '#core/model/txn-record';
import { epochOf, formatZxid, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import type { StoredState } from '#core/ports/replica-storage';
import type { SnapshotInfo } from '#core/ports/snapshot-store';
import type { DataTree } from '#core/tree/data-tree';
import { type FrozenTree, frozenNodes } from '#core/tree/frozen-tree';
import { MemberStorage, type MemberStorageParts } from '#server/replica/member-storage';
import { LogDamage, StorageDamage } from '#storage/damage';
import { DataDirectory, type StoredFile } from '#storage/data-directory';
import { readLogs } from '#storage/history-reader';
import { type Recovered, recover } from '#storage/recovery';
import { FileSnapshotStore } from '#storage/snapshot-store';
import type { SnapshotFacts } from '#storage/snapshot-worker';
import { writeSnapshotFile } from '#storage/snapshot-writer';
import { FileTxnLog } from '#storage/txn-log';
import type { Breach } from './breach.ts';
import { type Machine, type MachineLog, noCounts, type Opened } from './machine.ts';
import type { ProcessGate } from './process-gate.ts';
import { SimFiles } from './sim-files.ts';
import type { World } from './world.ts';

const inMemory = '/dev/shm';
const preAllocSizeKiB = 64;

/** The bits that flipped made a synced end of the log look like one that was being written when the power went: there is no telling them apart. */
export class ShortHistory extends Error {}

export class FileMachine implements Machine {
	readonly counts = noCounts();
	syncMs = 3;
	/** Bits of its files flipped. */
	isDamaged = false;
	readonly #world: World;
	readonly #breach: Breach | undefined;
	readonly #root: string;
	readonly directory: DataDirectory;
	#files: SimFiles | null = null;
	#log: FileTxnLog | null = null;
	/** Up to here the log was on the disk. */
	#synced: Zxid = zeroZxid;

	constructor(world: World, breach?: Breach) {
		this.#world = world;
		this.#breach = breach;
		this.#root = fs.mkdtempSync(path.join(fs.existsSync(inMemory) ? inMemory : tmpdir(), 'chronokeeper-sim-'));
		this.directory = new DataDirectory(this.#root);
		this.directory.create();
	}

	async open(gate: ProcessGate): Promise<Opened> {
		const recovered = await this.#recover();
		const { tree, sessions, lastZxid } = recovered;
		if (lastZxid < this.#synced && this.#breach !== 'believedDamage') {
			const problem = `recovery ends with ${formatZxid(lastZxid)}, ${formatZxid(this.#synced)} was on the disk`;
			throw this.isDamaged ? new ShortHistory(problem) : new Error(problem);
		}
		const isHasty = this.#breach === 'ackBeforeFsync';
		const files = new SimFiles({ world: this.#world, gate, syncMs: () => this.syncMs, isHasty });
		const log = new FileTxnLog({ directory: this.directory.logDirectory, lastZxid, preAllocSizeKiB, disk: files });
		const store = new SnapshotsHere(this.directory.snapshotDirectory);
		store.removeUnfinished();
		if (recovered.snapshotDue) await write(store, tree, sessions);
		const changed = (zxid: Zxid) => {
			this.#synced = zxid;
		};
		const { directory, counts } = this;
		const snapshotsSettled = async () => {};
		const parts = { directory, log, store, snapshotsSettled, firstEpoch: epochOf(lastZxid) };
		this.#files = files;
		this.#log = log;
		return {
			tree,
			sessions,
			lastZxid,
			log: this.#noting(log, isHasty),
			storage: new NotedStorage(parts, counts, changed),
		};
	}

	async #recover(): Promise<Recovered> {
		for (;;) {
			try {
				return await recover({ dataDir: this.#root });
			} catch (error) {
				if (this.#breach !== 'believedDamage' || !(error instanceof LogDamage) || error.offset === undefined)
					throw error;
				fs.truncateSync(error.file, error.offset);
			}
		}
	}

	async snapshot(host: Host): Promise<void> {
		this.#log!.roll();
		const frozen = host.snapshotPoint();
		await new SnapshotsHere(this.directory.snapshotDirectory).write(frozen);
		frozen.release();
	}

	fail(): void {
		if (this.#files !== null) this.#files.isFull = true;
	}

	makeRoom(): void {
		if (this.#files !== null) this.#files.isFull = false;
	}

	stopped(isPowerCut: boolean): void {
		this.#files?.stopped(isPowerCut);
		this.#files = null;
	}

	/** A bit of a log or of a snapshot is another one from now on. False when it has no such file. */
	flipBit(): boolean {
		const { random } = this.#world;
		const files: readonly StoredFile[] = [...this.directory.logs(), ...this.directory.snapshots()];
		if (files.length === 0) return false;
		// The newest matter most.
		const file = random.chance(0.5)
			? random.pick(files)
			: random.pick([this.directory.logs().at(-1) ?? files[0]!, files.at(-1)!]);
		const bytes = fs.readFileSync(file.path);
		// Not in the zeros that a log has ahead of its end.
		const used = bytes.findLastIndex((byte) => byte !== 0) + 1;
		if (used === 0) return false;
		const at = random.below(used);
		bytes[at]! ^= 1 << random.below(8);
		fs.writeFileSync(file.path, bytes);
		this.isDamaged = true;
		return true;
	}

	/** An empty disk in its place. */
	replace(): void {
		fs.rmSync(this.#root, { recursive: true });
		this.directory.create();
		this.isDamaged = false;
		this.#synced = zeroZxid;
	}

	/** Of old logs that recovery has no use for, bits may have flipped. */
	records(): readonly TxnRecord[] {
		const records: TxnRecord[] = [];
		try {
			for (const { record } of readLogs(this.#root)) records.push(record);
		} catch (error) {
			if (!this.isDamaged || !(error instanceof StorageDamage)) throw error;
		}
		return records;
	}

	isInSnapshot(after: Zxid, before: Zxid): boolean {
		return this.directory.snapshots().some(({ zxid }) => zxid > after && zxid < before);
	}

	remove(): void {
		this.#files?.stopped(false);
		fs.rmSync(this.#root, { recursive: true });
	}

	#noting(log: FileTxnLog, isHasty: boolean): MachineLog {
		return {
			get pendingBytes() {
				return log.pendingBytes;
			},
			append: (records) => log.append(records),
			roll: () => log.roll(),
			close: () => log.close(),
			listen: (listener) =>
				log.listen({
					durable: (zxid) => {
						if (!isHasty) this.#synced = zxid;
						listener.durable(zxid);
					},
					failed: (error) => listener.failed(error),
				}),
		};
	}
}

async function write(store: SnapshotsHere, tree: DataTree, sessions: ReadonlyMap<SessionId, number>): Promise<void> {
	const frozen = tree.freeze();
	frozen.sessions = sessions;
	await store.write(frozen);
	frozen.release();
}

/** Written by this thread: another one's time is its own. */
class SnapshotsHere extends FileSnapshotStore {
	readonly #directory: string;

	constructor(directory: string) {
		super(directory);
		this.#directory = directory;
	}

	override async write(
		frozen: FrozenTree,
		{ name, isFuzzy = frozen.isFuzzy }: SnapshotFacts = {},
	): Promise<SnapshotInfo> {
		const message = frozen.transferable();
		const { zxid, sessions, acls, digest } = message;
		const content = { zxid, sessions, acls, nodes: frozenNodes(message) };
		const { file, bytes } = writeSnapshotFile(this.#directory, content, isFuzzy ? null : digest, name);
		return { zxid: frozen.zxid, file, bytes, digest: frozen.digest, durationMs: 0 };
	}
}

class NotedStorage extends MemberStorage {
	readonly #counts: Machine['counts'];
	readonly #changed: (last: Zxid) => void;

	constructor(parts: MemberStorageParts, counts: Machine['counts'], changed: (last: Zxid) => void) {
		super(parts);
		this.#counts = counts;
		this.#changed = changed;
	}

	override async truncateLog(zxid: Zxid): Promise<void> {
		try {
			await super.truncateLog(zxid);
		} catch (error) {
			this.#counts.refused += 1;
			throw error;
		}
		this.#changed(zxid);
	}

	override async install(state: StoredState, zxid: Zxid): Promise<void> {
		await super.install(state, zxid);
		this.#counts.installed += 1;
		if (state.tree.isFuzzy) this.#counts.unproved += 1;
		this.#changed(zxid);
	}
}
