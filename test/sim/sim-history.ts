/**
 * A replica's history in memory, on a disk whose unsynced data a power cut takes away. As simple as the port allows: the log holds everything since the
 * beginning, a snapshot is the list of its transactions.
 */
import type { TxnRecord } from '#core/model/txn-record';
import { type Zxid, zeroZxid } from '#core/model/zxid';
import {
	type CommittedWindow,
	type History,
	type ReceivedSnapshot,
	SnapshotNeeded,
	type SnapshotReceiver,
} from '#core/ports/history';
import { FrozenTree } from '#core/tree/frozen-tree';
import { encodeRecord, recordOf } from '#core/zab/messages';
import { packetType } from '#jute/quorum/packets';

/** What outlives the process. Only what is synced outlives a power cut. */
export class HistoryDisk {
	log: TxnRecord[] = [];
	/** How many of the log are on the disk for sure. */
	synced = 0;
	acceptedEpoch = 0;
	currentEpoch = 0;

	/** Of what was not synced, `kept` had reached the disk all the same. */
	cutPower(kept: number): void {
		this.log.length = Math.min(this.log.length, this.synced + kept);
		this.synced = this.log.length;
	}
}

interface Waiting {
	readonly count: number;
	readonly resolve: () => void;
}

class ListedSnapshot implements ReceivedSnapshot {
	readonly records: TxnRecord[];
	readonly bytes: number;

	constructor(records: TxnRecord[], bytes: number) {
		this.records = records;
		this.bytes = bytes;
	}

	get nodes(): number {
		return this.records.length;
	}

	apply(record: TxnRecord): void {
		this.records.push(record);
	}
}

export interface SimHistoryOptions {
	/** How many committed transactions are in memory. */
	readonly windowSize: number;
	/** How far the log on disk may be used to bring a learner up. */
	readonly logReach: number;
	/** TRUNC is not performed: a fault that the checks have to find. */
	readonly skipsTruncate?: boolean;
	/** Epochs are not written: another such fault. */
	readonly forgetsEpochs?: boolean;
}

export class SimHistory implements History {
	readonly disk: HistoryDisk;
	isExact = true;
	/** A TRUNC cannot be performed. */
	refusesTruncate = false;
	readonly #options: SimHistoryOptions;
	/** How many of the log are committed. After a start all of it counts as such, as in ZooKeeper, whose tree is built from the whole log. */
	#committed: number;
	/** Where the window starts in the log. */
	#windowFrom: number;
	#waiting: Waiting[] = [];
	#acceptedEpoch: number;
	#currentEpoch: number;

	constructor(disk: HistoryDisk, options: SimHistoryOptions) {
		this.disk = disk;
		this.#options = options;
		this.#committed = disk.log.length;
		this.#windowFrom = disk.log.length;
		this.#acceptedEpoch = disk.acceptedEpoch;
		this.#currentEpoch = disk.currentEpoch;
	}

	get lastLogged(): Zxid {
		return zxidAt(this.disk.log, this.disk.log.length);
	}

	get lastCommitted(): Zxid {
		return zxidAt(this.disk.log, this.#committed);
	}

	get committed(): readonly TxnRecord[] {
		return this.disk.log.slice(0, this.#committed);
	}

	get acceptedEpoch(): number {
		return this.#acceptedEpoch;
	}

	set acceptedEpoch(epoch: number) {
		if (epoch < this.#acceptedEpoch) throw new Error('the accepted epoch went back');
		this.#acceptedEpoch = epoch;
		if (this.#options.forgetsEpochs !== true) this.disk.acceptedEpoch = epoch;
	}

	get currentEpoch(): number {
		return this.#currentEpoch;
	}

	set currentEpoch(epoch: number) {
		if (epoch < this.#currentEpoch || epoch > this.#acceptedEpoch) throw new Error('the current epoch is wrong');
		this.#currentEpoch = epoch;
		if (this.#options.forgetsEpochs !== true) this.disk.currentEpoch = epoch;
	}

	get window(): CommittedWindow {
		const from = Math.max(this.#windowFrom, this.#committed - this.#options.windowSize);
		const records = this.disk.log.slice(from, this.#committed);
		return {
			minCommitted: records[0]?.header.zxid ?? this.lastCommitted,
			maxCommitted: this.lastCommitted,
			after: (zxid) => records.filter((record) => record.header.zxid > zxid),
			has: (zxid) => records.some((record) => record.header.zxid === zxid),
			floor: (zxid) => records.findLast((record) => record.header.zxid <= zxid)?.header.zxid,
		};
	}

	recordsAfter(zxid: Zxid): AsyncIterable<readonly TxnRecord[]> | null {
		const records = this.committed.filter((record) => record.header.zxid > zxid);
		if (records.length > this.#options.logReach) return null;
		return (async function* () {
			for (let i = 0; i < records.length; i += 2) yield await Promise.resolve(records.slice(i, i + 2));
		})();
	}

	freeze(): FrozenTree {
		const facts = { zxid: this.lastCommitted, digest: 0n, size: this.#committed, acls: [] };
		return new FrozenTree(facts, { chunks: [], table: new Int32Array(0), slabs: [] }, () => {});
	}

	/** Count of transactions, then each with its length in front. */
	*snapshotStream(frozen: FrozenTree): Generator<Uint8Array, void> {
		yield intBytes(frozen.size);
		for (const record of this.disk.log.slice(0, frozen.size)) {
			const bytes = encodeRecord(record);
			yield Uint8Array.of(...intBytes(bytes.length), ...bytes);
		}
	}

	receiveSnapshot(): SnapshotReceiver {
		return new ListReceiver();
	}

	async truncate(zxid: Zxid): Promise<void> {
		await Promise.resolve();
		if (this.refusesTruncate) throw new SnapshotNeeded(new Error('a snapshot holds what is to be cut'));
		if (this.#options.skipsTruncate) return;
		this.#replace(this.disk.log.filter((record) => record.header.zxid <= zxid));
	}

	async install(snapshot: ReceivedSnapshot): Promise<void> {
		await Promise.resolve();
		this.#replace([...(snapshot as ListedSnapshot).records]);
		this.#committed = this.disk.log.length;
		this.#windowFrom = this.disk.log.length;
	}

	#replace(log: TxnRecord[]): void {
		this.disk.log = log;
		this.disk.synced = log.length;
		this.#committed = Math.min(this.#committed, log.length);
		this.#windowFrom = Math.min(this.#windowFrom, log.length);
		this.#resolve();
	}

	append(record: TxnRecord): void {
		this.disk.log.push(record);
	}

	commit(zxid: Zxid): void {
		while (this.#committed < this.disk.log.length && this.disk.log[this.#committed]!.header.zxid <= zxid) {
			this.#committed += 1;
		}
	}

	durable(): Promise<void> {
		return new Promise((resolve) => {
			this.#waiting.push({ count: this.disk.log.length, resolve });
			this.#resolve();
		});
	}

	/** An fdatasync of the first `count` unsynced records returns. */
	sync(count = Number.MAX_SAFE_INTEGER): void {
		this.disk.synced = Math.min(this.disk.log.length, this.disk.synced + count);
		this.#resolve();
	}

	/** Up to where the log is durable. */
	get lastDurable(): Zxid {
		return zxidAt(this.disk.log, this.disk.synced);
	}

	#resolve(): void {
		const ready = this.#waiting.filter(
			({ count }) => count <= this.disk.synced || this.disk.synced === this.disk.log.length,
		);
		this.#waiting = this.#waiting.filter((each) => !ready.includes(each));
		for (const { resolve } of ready) resolve();
	}
}

class ListReceiver implements SnapshotReceiver {
	#bytes = new Uint8Array(0);
	snapshot = new ListedSnapshot([], 0);

	take(chunk: Uint8Array): Uint8Array | null {
		this.#bytes = Uint8Array.of(...this.#bytes, ...chunk);
		const view = new DataView(this.#bytes.buffer);
		if (this.#bytes.length < 4) return null;
		const records: TxnRecord[] = [];
		let at = 4;
		for (let i = 0; i < view.getInt32(0); i++) {
			if (this.#bytes.length < at + 4) return null;
			const end = at + 4 + view.getInt32(at);
			if (this.#bytes.length < end) return null;
			const data = this.#bytes.slice(at + 4, end);
			// The zxid stands behind session id and cxid.
			const zxid = Number(view.getBigInt64(at + 4 + 12));
			records.push(recordOf({ type: packetType.proposal, zxid, data, authinfo: null }));
			at = end;
		}
		this.snapshot = new ListedSnapshot(records, at);
		return this.#bytes.slice(at);
	}
}

function intBytes(value: number): Uint8Array {
	const bytes = new Uint8Array(4);
	new DataView(bytes.buffer).setInt32(0, value);
	return bytes;
}

function zxidAt(log: readonly TxnRecord[], count: number): Zxid {
	return log[count - 1]?.header.zxid ?? zeroZxid;
}
