/** A member's own history, as discovery and synchronization use it: the host's tree and log, and the storage behind them. */
import type { Txn } from '#jute/txn';
import { assert } from '../model/assert.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import type { Zxid } from '../model/zxid.ts';
import type { History, ReceivedSnapshot, SnapshotReceiver } from '../ports/history.ts';
import type { ReplicaStorage, StateReceiver } from '../ports/replica-storage.ts';
import type { FrozenTree } from '../tree/frozen-tree.ts';
import { CommittedWindow, type WindowLimits } from '../zab/committed-window.ts';
import type { Host } from './host.ts';

export class MemberHistory implements History {
	readonly window: CommittedWindow;
	readonly #host: Host;
	readonly #storage: ReplicaStorage;
	/** The receiver of each snapshot that arrived and is not installed. */
	readonly #received = new WeakMap<ReceivedSnapshot, StateReceiver>();
	#durable: Zxid;
	/** Settles when nothing rewrites log or tree. Never rejects. */
	#settled: Promise<unknown> = Promise.resolve();
	#waiting: { readonly zxid: Zxid; resolve(): void }[] = [];

	constructor(host: Host, storage: ReplicaStorage, limits?: WindowLimits) {
		this.#host = host;
		this.#storage = storage;
		this.#durable = host.lastLogged;
		this.window = new CommittedWindow(host.lastProcessedZxid, limits);
	}

	get lastLogged(): Zxid {
		return this.#host.lastLogged;
	}

	get lastCommitted(): Zxid {
		return this.#host.lastProcessedZxid;
	}

	/** What is on disk. */
	get lastDurable(): Zxid {
		return this.#durable;
	}

	get acceptedEpoch(): number {
		return this.#storage.acceptedEpoch;
	}

	set acceptedEpoch(epoch: number) {
		assert(epoch >= this.#storage.acceptedEpoch, 'the accepted epoch never falls');
		this.#storage.acceptedEpoch = epoch;
	}

	get currentEpoch(): number {
		return this.#storage.currentEpoch;
	}

	set currentEpoch(epoch: number) {
		assert(epoch >= this.#storage.currentEpoch, 'the current epoch never falls');
		this.#storage.currentEpoch = epoch;
	}

	recordsAfter(zxid: Zxid): AsyncIterable<readonly TxnRecord[]> | null {
		return this.#storage.recordsAfter(zxid, this.lastCommitted);
	}

	freeze(): FrozenTree {
		return this.#host.snapshotPoint();
	}

	snapshotStream(frozen: FrozenTree): Iterator<Uint8Array> {
		return this.#storage.snapshotStream(frozen);
	}

	truncate(zxid: Zxid): Promise<void> {
		return this.#exclusively(() => this.#truncate(zxid));
	}

	async #truncate(zxid: Zxid): Promise<void> {
		const isApplied = zxid < this.lastCommitted;
		this.#host.member((roles) => roles.drop(zxid));
		await this.#storage.truncateLog(zxid);
		this.#durable = Math.min(this.#durable, zxid) as Zxid;
		if (!isApplied) return;
		const { tree, sessions } = await this.#storage.reload();
		this.#host.member((roles) => roles.replace(tree, sessions));
		this.window.truncate(zxid);
	}

	append(record: TxnRecord): void {
		this.#host.member((roles) => roles.proposed(record));
	}

	commit(zxid: Zxid): void {
		this.#host.commit(zxid);
	}

	install(snapshot: ReceivedSnapshot, zxid: Zxid): Promise<void> {
		return this.#exclusively(() => this.#install(snapshot, zxid));
	}

	async #install(snapshot: ReceivedSnapshot, zxid: Zxid): Promise<void> {
		const receiver = this.#received.get(snapshot);
		assert(receiver !== undefined, 'a snapshot is installed where it was received');
		const { state } = receiver;
		state.tree.lastProcessedZxid = zxid;
		await this.#storage.install(state, zxid);
		this.#host.member((roles) => roles.replace(state.tree, state.sessions));
		this.#durable = zxid;
		this.window.reset(zxid);
	}

	receiveSnapshot(): SnapshotReceiver {
		const receiver = this.#storage.receiveSnapshot();
		const received = this.#received;
		let snapshot: ReceivedSnapshot = { nodes: 0, bytes: 0 };
		return {
			take(chunk) {
				const rest = receiver.take(chunk);
				if (rest === null) return null;
				snapshot = { nodes: receiver.snapshot.nodes, bytes: receiver.snapshot.bytes };
				received.set(snapshot, receiver);
				return rest;
			},
			get snapshot() {
				return snapshot;
			},
		};
	}

	async durable(): Promise<void> {
		this.#host.endBatch();
		const zxid = this.lastLogged;
		if (zxid <= this.#durable) return;
		await new Promise<void>((resolve) => this.#waiting.push({ zxid, resolve }));
	}

	/** Resolves when nothing rewrites log or tree any more: what a leader that was lost since had begun. */
	async settled(): Promise<void> {
		await this.#settled;
	}

	/** Of the host: this was applied. */
	noteCommitted(record: TxnRecord): void {
		this.window.add(compact(record));
	}

	/** Of the log: everything up to here is on disk. */
	noteDurable(zxid: Zxid): void {
		this.#durable = zxid;
		for (let first = this.#waiting[0]; first !== undefined && first.zxid <= zxid; first = this.#waiting[0]) {
			this.#waiting.shift();
			first.resolve();
		}
	}

	#exclusively(change: () => Promise<void>): Promise<void> {
		const changed = this.#settled.then(change);
		this.#settled = changed.catch(() => undefined);
		return changed;
	}
}

/** Data are views of what a socket read: the window would keep all of that. */
function compact(record: TxnRecord): TxnRecord {
	const { txn } = record;
	if (txn.kind === 'multi') return { ...record, txn: { ...txn, ops: txn.ops.map(withOwnData) } };
	const own = withOwnData(txn);
	return own === txn ? record : { ...record, txn: own };
}

function withOwnData<T extends Txn>(txn: T): T {
	if (!('data' in txn) || txn.data === null || txn.data.buffer.byteLength <= 2 * txn.data.length) return txn;
	return { ...txn, data: txn.data.slice() };
}
