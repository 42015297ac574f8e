/**
 * Stands between the log and the host. The host learns at once what is durable; with audit.mode=strict only when the mirror has it too, and
 * so nothing is applied or acknowledged before. It also tells the mirror what is committed, and counts what is logged.
 */
import type { TxnRecord } from '#core/model/txn-record';
import { type Zxid, zeroZxid } from '#core/model/zxid';
import type { TxnLog, TxnLogListener } from '#core/ports/txn-log';

export interface GatedMirror {
	committed(zxid: Zxid): void;
}

export class CommitGate implements TxnLog, TxnLogListener {
	/** Since the start, for the snapshot policy. */
	txns = 0;
	bytes = 0;
	#host: TxnLogListener | undefined;
	#mirror: GatedMirror | undefined;
	#durable: Zxid;
	#mirrored: Zxid = zeroZxid;
	#passed: Zxid;

	/** @param lastZxid what recovery found: committed, and acknowledged as far as anybody is still there to know */
	constructor(
		private readonly log: TxnLog,
		private readonly strict: boolean,
		lastZxid: Zxid,
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
		mirror.committed(this.#durable);
	}

	get pendingBytes(): number {
		return this.log.pendingBytes;
	}

	append(records: readonly TxnRecord[]): void {
		const before = this.log.pendingBytes;
		this.log.append(records);
		this.bytes += this.log.pendingBytes - before;
		this.txns += records.length;
	}

	roll(): void {
		this.log.roll();
	}

	close(): Promise<void> {
		return this.log.close();
	}

	durable(zxid: Zxid): void {
		this.#durable = zxid;
		this.#mirror?.committed(zxid);
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

	#pass(): void {
		const zxid = this.strict ? (Math.min(this.#durable, this.#mirrored) as Zxid) : this.#durable;
		if (zxid <= this.#passed) return;
		this.#passed = zxid;
		this.#host?.durable(zxid);
	}
}
