/** A member's own history, as discovery and synchronization use it: the host's tree and log, and the storage behind them. */
import { assert } from '../model/assert.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import type { Zxid } from '../model/zxid.ts';
import type { History, ReceivedSnapshot, SnapshotReceiver } from '../ports/history.ts';
import type { ReplicaStorage } from '../ports/replica-storage.ts';
import type { FrozenTree } from '../tree/frozen-tree.ts';
import { CommittedWindow, defaultWindowLimits, type WindowLimits } from '../zab/committed-window.ts';
import type { Host } from './host.ts';
import { ReceivedState } from './received-state.ts';

export class MemberHistory implements History {
	readonly window: CommittedWindow;
	readonly #host: Host;
	readonly #storage: ReplicaStorage;
	#durable: Zxid;
	/** Settles when nothing rewrites log or tree. Never rejects. */
	#settled: Promise<unknown> = Promise.resolve();
	#waiting: { readonly zxid: Zxid; resolve(): void }[] = [];

	constructor(host: Host, storage: ReplicaStorage, limits: WindowLimits = defaultWindowLimits) {
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

	get isExact(): boolean {
		return !this.#host.tree.isFuzzy;
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

	freeze(): FrozenTree | null {
		return this.#host.tree.canFreeze ? this.#host.snapshotPoint() : null;
	}

	snapshotStream(frozen: FrozenTree): Iterator<Uint8Array> {
		return this.#storage.snapshotStream(frozen);
	}

	truncate(zxid: Zxid): Promise<void> {
		return this.#exclusively(() => this.#truncate(zxid));
	}

	async #truncate(zxid: Zxid): Promise<void> {
		const isApplied = zxid < this.lastCommitted;
		// A log that cannot be cut goes on as it was, with all that was logged: nothing of it is forgotten before it is cut.
		this.#host.endBatch();
		await this.#storage.truncateLog(zxid);
		this.#host.member((roles) => roles.drop(zxid));
		// Also where a sync of what was cut was under way: nobody tells of that any more.
		this.#durable = zxid;
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

	install(snapshot: ReceivedSnapshot): Promise<void> {
		return this.#exclusively(() => this.#install(snapshot));
	}

	async #install(snapshot: ReceivedSnapshot): Promise<void> {
		assert(snapshot instanceof ReceivedState, 'a snapshot is installed where it was received');
		const { tree, sessions } = snapshot;
		const zxid = tree.lastProcessedZxid;
		// What is taken away must not reach the log behind it.
		this.#host.endBatch();
		await this.#storage.install({ tree, sessions }, zxid);
		this.#host.member((roles) => roles.replace(tree, sessions));
		this.#durable = zxid;
		this.window.reset(zxid);
	}

	receiveSnapshot(zxid: Zxid, isExact: boolean): SnapshotReceiver {
		const receiver = this.#storage.receiveSnapshot();
		let snapshot: ReceivedState | null = null;
		return {
			take(chunk) {
				const rest = receiver.take(chunk);
				if (rest !== null) snapshot = new ReceivedState(receiver, zxid, isExact);
				return rest;
			},
			get snapshot() {
				assert(snapshot !== null, 'a snapshot is used when it is whole');
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
		this.window.add(record);
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
