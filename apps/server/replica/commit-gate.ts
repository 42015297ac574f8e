/**
 * Stands between the log, the host and the mirror: it tells the mirror what it may write, and counts what is logged. That is what is committed; with audit.mode=strict what will be
 * (MirrorHold), and the host hears what became of it.
 *
 * In an ensemble durable is not committed: the host says what is, and only one replica's mirror is told, the leader's unless another is named.
 */
import type { TxnRecord } from '#core/model/txn-record';
import type { Zxid } from '#core/model/zxid';
import type { TxnLog, TxnLogListener } from '#core/ports/txn-log';

export interface GatedMirror {
	/** Everything up to this zxid is committed, and this replica's mirror is the one that writes it. */
	committed(zxid: Zxid): void;
	/** Of a member: another one's mirror writes from now on. */
	standBy?(): void;
}

/** The host. */
export interface GateListener extends TxnLogListener {
	/** Everything up to this zxid is in PostgreSQL. */
	mirrored?(zxid: Zxid): void;
}

export class CommitGate implements TxnLog, TxnLogListener {
	/** Since the start, for the snapshot policy. */
	txns = 0;
	bytes = 0;
	/** Of them, those that are not on the disk yet. */
	pendingTxns = 0;
	/** What was given to the log in each turn and is not on the disk yet. */
	#appended: { readonly zxid: Zxid; readonly txns: number }[] = [];
	#host: GateListener | undefined;
	#mirror: GatedMirror | undefined;
	/** What the mirror may write. */
	#writable: Zxid;
	#isMirroring = false;

	/** @param lastZxid what recovery found: committed, and acknowledged as far as anybody is still there to know */
	constructor(
		private readonly log: TxnLog,
		lastZxid: Zxid,
		private readonly isMember = false,
	) {
		this.#writable = lastZxid;
	}

	/** Before the first append. */
	listen(host: GateListener): void {
		this.#host = host;
	}

	attach(mirror: GatedMirror): void {
		this.#mirror = mirror;
		this.#tellMirror();
	}

	/** Of a member that serves: its mirror writes, and no other. @param applied what it begins with, all of it committed */
	mirror(applied: Zxid): void {
		this.#isMirroring = true;
		// Not what recovery found: some of that may have been cut off since.
		this.#writable = applied;
		this.#tellMirror();
	}

	/** Of a member that does not serve any more. */
	standBy(): void {
		if (!this.#isMirroring) return;
		this.#isMirroring = false;
		this.#mirror?.standBy?.();
	}

	/** Of a member: everything up to this zxid is applied, or with audit.mode=strict decided by its quorum. */
	committed(zxid: Zxid): void {
		if (this.isMember) this.#write(zxid);
	}

	get pendingBytes(): number {
		return this.log.pendingBytes;
	}

	append(records: readonly TxnRecord[]): void {
		const before = this.log.pendingBytes;
		this.log.append(records);
		this.bytes += this.log.pendingBytes - before;
		this.txns += records.length;
		this.pendingTxns += records.length;
		this.#appended.push({ zxid: records.at(-1)!.header.zxid, txns: records.length });
	}

	roll(): void {
		this.log.roll();
	}

	close(): Promise<void> {
		return this.log.close();
	}

	durable(zxid: Zxid): void {
		this.#noteDurable(zxid);
		if (!this.isMember) this.#write(zxid);
		this.#host?.durable(zxid);
	}

	/** Everything up to this zxid is in PostgreSQL. */
	mirrored(zxid: Zxid): void {
		this.#host?.mirrored?.(zxid);
	}

	failed(error: Error): void {
		this.#host?.failed(error);
	}

	#noteDurable(zxid: Zxid): void {
		const left = this.#appended.findIndex((one) => one.zxid > zxid);
		for (const { txns } of this.#appended.splice(0, left === -1 ? this.#appended.length : left))
			this.pendingTxns -= txns;
	}

	/** With audit.mode=strict it is decided first and applied later. */
	#write(zxid: Zxid): void {
		if (zxid <= this.#writable) return;
		this.#writable = zxid;
		this.#tellMirror();
	}

	#tellMirror(): void {
		if (!this.isMember || this.#isMirroring) this.#mirror?.committed(this.#writable);
	}
}
