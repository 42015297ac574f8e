/**
 * The transaction log of one replica: ZooKeeper's files, written with group commit.
 *
 * Records are encoded into one growing buffer when they arrive. One write with its sync is in flight; what arrives meanwhile goes with the
 * next. So the cost of a sync is shared by all that waited for it, however many they are.
 */
import path from 'node:path';
import { assert } from '#core/model/assert';
import type { TxnRecord } from '#core/model/txn-record';
import { formatZxid, type Zxid } from '#core/model/zxid';
import type { TxnLog, TxnLogListener } from '#core/ports/txn-log';
import { JuteWriter } from '#jute/codec';
import { type Disk, type DiskFile, realDisk } from './disk.ts';
import { assertReplaceable, syncLogs } from './existing-logs.ts';
import { fileHeader, logKind } from './file-header.ts';
import { logFileName } from './file-names.ts';
import { encodeRecord } from './log-record.ts';
import { RoomAhead } from './room-ahead.ts';

export interface FileTxnLogOptions {
	/** Where the log files are: the data directory's version-2. */
	readonly directory: string;
	/** The last zxid that recovery found: appended records come behind it. All log files are synced before the first append is. */
	readonly lastZxid: Zxid;
	/** How the file grows, in KiB; 0: with each write. ZooKeeper's preAllocSize. */
	readonly preAllocSizeKiB?: number;
	/** `no`: acknowledged is what the operating system has. ZooKeeper's forceSync. */
	readonly forceSync?: boolean;
	readonly disk?: Disk;
}

/** What one write takes to the disk: records of one file. */
class Batch {
	readonly writer = new JuteWriter(1 << 16);
	/** The first zxid of a new file that begins with this batch. */
	newFile: Zxid | null = null;
	lastZxid: Zxid | null = null;

	reset(): void {
		// A burst must not hold its memory for ever.
		if (this.writer.bytes.length > largeBatchBytes) this.writer.bytes = new Uint8Array(1 << 16);
		this.writer.reset();
		this.newFile = null;
		this.lastZxid = null;
	}
}

const largeBatchBytes = 16 << 20;

export class FileTxnLog implements TxnLog {
	readonly #directory: string;
	readonly #preAllocBytes: number;
	readonly #forceSync: boolean;
	readonly #disk: Disk;
	#listener: TxnLogListener | null = null;
	#lastAppended: Zxid;
	#durable: Zxid;
	#rolling = true;
	#closed = false;
	#failed = false;
	/** The batches to write after the one in flight; the last takes what is appended. */
	#queue: Batch[] = [new Batch()];
	#spare: Batch[] = [];
	#inFlight: Promise<void> | null = null;
	#inFlightBytes = 0;
	#queuedBytes = 0;
	#file: DiskFile | null = null;
	#fileName = '';
	#room: RoomAhead | null = null;
	#position = 0;

	constructor(options: FileTxnLogOptions, listener: TxnLogListener | null = null) {
		this.#directory = options.directory;
		this.#preAllocBytes = (options.preAllocSizeKiB ?? 65_536) * 1024;
		this.#forceSync = options.forceSync ?? true;
		this.#disk = options.disk ?? realDisk;
		this.#lastAppended = options.lastZxid;
		this.#durable = options.lastZxid;
		this.#listener = listener;
	}

	/** The host is the listener and has the log: one of the two comes later. Before the first append. */
	listen(listener: TxnLogListener): void {
		this.#listener = listener;
	}

	get pendingBytes(): number {
		return this.#inFlightBytes + this.#queuedBytes;
	}

	/** The file that is written now, for people; empty before the first append. */
	get currentFile(): string {
		return this.#fileName;
	}

	append(records: readonly TxnRecord[]): void {
		assert(!this.#closed, 'nothing is appended to a closed log');
		if (this.#failed || records.length === 0) return;
		const batch = this.#takingBatch(records[0]!.header.zxid);
		const { writer } = batch;
		const before = writer.position;
		let last = this.#lastAppended;
		for (const record of records) {
			const { zxid } = record.header;
			assert(zxid > last, 'log zxids strictly rise');
			last = zxid;
			encodeRecord(writer, record, this.#durable);
		}
		this.#lastAppended = last;
		batch.lastZxid = last;
		this.#queuedBytes += writer.position - before;
		this.#inFlight ??= this.#writeOn();
	}

	roll(): void {
		this.#rolling = true;
	}

	async close(): Promise<void> {
		this.#closed = true;
		await this.#inFlight;
		if (this.#failed) return;
		await this.#finishFile();
	}

	#takingBatch(firstZxid: Zxid): Batch {
		let batch = this.#queue.at(-1);
		if (batch === undefined || (this.#rolling && batch.lastZxid !== null)) {
			batch = this.#spare.pop() ?? new Batch();
			this.#queue.push(batch);
		}
		if (this.#rolling) {
			this.#rolling = false;
			batch.newFile = firstZxid;
			const header = fileHeader(logKind);
			batch.writer.writeRaw(header);
			this.#queuedBytes += header.length;
		}
		return batch;
	}

	/**
	 * Writes batch after batch until nothing is waiting. What goes wrong with the disk goes to the listener. While the listener applies
	 * and answers one batch, the disk is at work on the next.
	 */
	async #writeOn(): Promise<void> {
		// The listener must not be called, nor the batch closed, inside append().
		await Promise.resolve();
		let batch = this.#nextBatch();
		let writing = batch === null ? null : this.#writeBatch(batch);
		while (batch !== null) {
			try {
				await writing;
			} catch (error) {
				await this.#fail(error as Error);
				return;
			}
			const durable = batch.lastZxid!;
			this.#durable = durable;
			this.#inFlightBytes = 0;
			batch.reset();
			this.#spare.push(batch);
			batch = this.#nextBatch();
			writing = batch === null ? null : this.#writeBatch(batch);
			// Should the listener throw, this promise is not awaited any more.
			writing?.catch(() => undefined);
			this.#listener?.durable(durable);
			if (batch !== null) continue;
			// What the listener's answers led to.
			batch = this.#nextBatch();
			writing = batch === null ? null : this.#writeBatch(batch);
		}
		this.#inFlight = null;
	}

	#nextBatch(): Batch | null {
		const batch = this.#queue[0];
		if (batch === undefined || batch.lastZxid === null) return null;
		this.#queue.shift();
		return batch;
	}

	async #writeBatch(batch: Batch): Promise<void> {
		const bytes = batch.writer.position;
		this.#inFlightBytes = bytes;
		this.#queuedBytes -= bytes;
		if (batch.newFile !== null) await this.#beginFile(batch.newFile);
		const file = this.#file!;
		const end = this.#position + bytes;
		await this.#room!.make(bytes, end);
		if (this.#forceSync) await file.writeDurably(batch.writer.bytes, bytes, this.#position);
		else await file.write(batch.writer.bytes, bytes, this.#position);
		this.#position = end;
	}

	async #beginFile(firstZxid: Zxid): Promise<void> {
		const first = this.#fileName === '';
		await this.#finishFile();
		const name = path.join(this.#directory, logFileName(firstZxid));
		this.#fileName = name;
		// What recovery read may still be in memory only: what is written now builds on it.
		if (first && this.#forceSync) await syncLogs(this.#directory);
		assertReplaceable(name);
		this.#file = await this.#disk.create(name);
		this.#room = new RoomAhead(this.#file, this.#preAllocBytes, this.#forceSync);
		this.#position = 0;
		if (this.#forceSync) await this.#disk.syncDirectory(this.#directory);
	}

	async #finishFile(): Promise<void> {
		const file = this.#file;
		if (file === null) return;
		this.#file = null;
		await this.#room!.cutOff(this.#position);
		if (this.#forceSync) await file.datasync();
		await file.close();
	}

	async #fail(cause: Error): Promise<void> {
		this.#failed = true;
		this.#inFlight = null;
		const file = this.#file;
		this.#file = null;
		const error = new Error(
			`Cannot write the transaction log ${this.#fileName}: ${cause.message}. Nothing behind zxid ${formatZxid(this.#durable)} is ` +
				'acknowledged. Make room or repair the disk, then restart this replica: it recovers from its log',
			{ cause },
		);
		this.#listener?.failed(error);
		// The file is given up as it is; recovery reads it. That it cannot be closed either adds nothing to what was reported.
		await this.#room?.settled();
		await file?.close().catch(() => undefined);
	}
}
