/**
 * Sync: hands a turn's transactions to the log in one piece. The log makes them durable in groups, one fdatasync for everything that
 * arrived while the last one ran, and reports back through the host.
 */
import { assert } from '../model/assert.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import { type Zxid, zeroZxid } from '../model/zxid.ts';
import type { TxnLog } from '../ports/txn-log.ts';

export class Sync {
	readonly #log: TxnLog;
	readonly #maxPendingBytes: number;
	#batch: TxnRecord[] = [];
	#lastZxid: Zxid = zeroZxid;

	constructor(log: TxnLog, maxPendingBytes: number) {
		this.#log = log;
		this.#maxPendingBytes = maxPendingBytes;
	}

	/** The disk is behind: nothing more should be prepared until something became durable. */
	get isFull(): boolean {
		return this.#log.pendingBytes > this.#maxPendingBytes;
	}

	add(record: TxnRecord): void {
		assert(record.header.zxid > this.#lastZxid, 'zxids in the log strictly rise');
		this.#lastZxid = record.header.zxid;
		this.#batch.push(record);
	}

	/** What was not handed to the log yet and lies behind this zxid never is. */
	drop(zxid: Zxid): void {
		this.#batch = this.#batch.filter(({ header }) => header.zxid <= zxid);
		this.#lastZxid = Math.min(this.#lastZxid, zxid) as Zxid;
	}

	/** Once per turn. */
	flush(): void {
		if (this.#batch.length === 0) return;
		const batch = this.#batch;
		this.#batch = [];
		this.#log.append(batch);
	}
}
