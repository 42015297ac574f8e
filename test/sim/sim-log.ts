/**
 * A transaction log in memory, with the power switch: what was not synced may be lost from any record on. Records are kept as bytes, so
 * that replaying them goes through the real codec.
 */
import { encodedContext, writeAuditContext } from '#core/model/audit-context';
import type { TxnRecord } from '#core/model/txn-record';
import { type Zxid, zeroZxid } from '#core/model/zxid';
import type { TxnLog, TxnLogListener } from '#core/ports/txn-log';
import { JuteReader, JuteWriter } from '#jute/codec';
import { decodeTxn, encodeTxn } from '#jute/txn-codec';

interface Stored {
	readonly zxid: Zxid;
	readonly bytes: Uint8Array;
}

export class SimDisk {
	records: Stored[] = [];
	/** How many of them survive a power cut for sure. */
	synced = 0;

	/** Not synced yet. */
	append({ header, txn, digest, context }: TxnRecord): void {
		const last = this.records.at(-1);
		if (last !== undefined && last.zxid >= header.zxid) throw new Error('log zxids strictly rise');
		const writer = new JuteWriter();
		encodeTxn(writer, header, txn, digest);
		if (context !== null) writeAuditContext(writer, context);
		this.records.push({ zxid: header.zxid, bytes: writer.view().slice() });
	}

	get unsyncedBytes(): number {
		return this.records.slice(this.synced).reduce((sum, { bytes }) => sum + bytes.length, 0);
	}

	/** The power is cut: of what was not synced, the first `kept` records had reached the disk all the same. */
	cutPower(kept: number): void {
		this.records.length = Math.min(this.records.length, this.synced + kept);
		this.synced = this.records.length;
	}

	get unsynced(): number {
		return this.records.length - this.synced;
	}

	read(): TxnRecord[] {
		return this.records.map(({ bytes }) => {
			const reader = new JuteReader(bytes);
			const { header, txn, digest } = decodeTxn(reader);
			return { header, txn, digest, context: encodedContext(bytes, reader.position) };
		});
	}
}

export class SimLog implements TxnLog {
	readonly #disk: SimDisk;
	#listener: TxnLogListener | null = null;
	#failure: Error | null = null;
	rolls = 0;

	constructor(disk: SimDisk) {
		this.#disk = disk;
	}

	get pendingBytes(): number {
		return this.#disk.unsyncedBytes;
	}

	listen(listener: TxnLogListener): void {
		this.#listener = listener;
	}

	append(records: readonly TxnRecord[]): void {
		if (this.#failure !== null) return;
		for (const record of records) this.#disk.append(record);
	}

	/** The fdatasync that is running returns; it covers the first `count` unsynced records. */
	sync(count = this.#disk.unsynced): void {
		if (count === 0 || this.#failure !== null) return;
		this.#disk.synced += count;
		this.#listener?.durable(this.#disk.records[this.#disk.synced - 1]?.zxid ?? zeroZxid);
	}

	/** The disk refuses from now on. */
	fail(error: Error): void {
		this.#failure = error;
		this.#listener?.failed(error);
	}

	roll(): void {
		this.rolls += 1;
	}

	async close(): Promise<void> {
		this.sync();
	}
}
