/**
 * Stands between the log and the host. The host learns at once what is durable; with audit.mode=strict only when the mirror has it too, and
 * so nothing is applied or acknowledged before. It also tells the mirror what is committed, and counts what is logged.
 *
 * In an ensemble durable is not committed: the host says what is, and only one replica's mirror is told, the leader's unless another is named.
 */
import type { TxnRecord } from '#core/model/txn-record';
import { type Zxid, zeroZxid } from '#core/model/zxid';
import type { TxnLog, TxnLogListener } from '#core/ports/txn-log';

export interface GatedMirror {
	/** Everything up to this zxid is committed, and this replica's mirror is the one that writes it. */
	committed(zxid: Zxid): void;
	/** Of a member: another one's mirror writes from now on. */
	standBy?(): void;
}

export class CommitGate implements TxnLog, TxnLogListener {
	/** Since the start, for the snapshot policy. */
	txns = 0;
	bytes = 0;
	/** Of them, those that are not on the disk yet. */
	pendingTxns = 0;
	/** What was given to the log in each turn and is not on the disk yet. */
	#appended: { readonly zxid: Zxid; readonly txns: number }[] = [];
	#host: TxnLogListener | undefined;
	#mirror: GatedMirror | undefined;
	#durable: Zxid;
	#mirrored: Zxid = zeroZxid;
	#passed: Zxid;
	#isMirroring = false;

	/** @param lastZxid what recovery found: committed, and acknowledged as far as anybody is still there to know */
	constructor(
		private readonly log: TxnLog,
		private readonly strict: boolean,
		lastZxid: Zxid,
		private readonly isMember = false,
	) {
		this.#durable = lastZxid;
		this.#passed = lastZxid;
	}

	/** Before the first append. */
	listen(host: TxnLogListener): void {
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
		this.#durable = applied;
		this.#tellMirror();
	}

	/** Of a member that does not serve any more. */
	standBy(): void {
		if (!this.#isMirroring) return;
		this.#isMirroring = false;
		this.#mirror?.standBy?.();
	}

	/** Of a member: everything up to this zxid is applied. */
	committed(zxid: Zxid): void {
		if (!this.isMember) return;
		this.#durable = zxid;
		this.#tellMirror();
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
		if (this.isMember) {
			this.#host?.durable(zxid);
			return;
		}
		this.#durable = zxid;
		this.#tellMirror();
		this.#pass();
	}

	/** Everything up to this zxid is in PostgreSQL. */
	mirrored(zxid: Zxid): void {
		this.#mirrored = zxid;
		this.#pass();
	}

	failed(error: Error): void {
		this.#host?.failed(error);
	}

	#noteDurable(zxid: Zxid): void {
		const left = this.#appended.findIndex((one) => one.zxid > zxid);
		for (const { txns } of this.#appended.splice(0, left === -1 ? this.#appended.length : left))
			this.pendingTxns -= txns;
	}

	#tellMirror(): void {
		if (!this.isMember || this.#isMirroring) this.#mirror?.committed(this.#durable);
	}

	#pass(): void {
		if (this.isMember) return;
		const zxid = this.strict ? (Math.min(this.#durable, this.#mirrored) as Zxid) : this.#durable;
		if (zxid <= this.#passed) return;
		this.#passed = zxid;
		this.#host?.durable(zxid);
	}
}
