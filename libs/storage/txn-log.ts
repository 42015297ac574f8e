/**
 * The transaction log of one replica: ZooKeeper's files, written with group commit.
 *
 * Records are encoded into one growing buffer when they arrive. A few writes with their syncs are in flight, one behind the other in the
 * file; what arrives meanwhile goes with the next. So the cost of a sync is shared by all that waited for it, however many they are.
 * A write counts only when all before it are on the disk.
 */
import path from 'node:path';
import { assert } from '#core/model/assert';
import type { TxnRecord } from '#core/model/txn-record';
import { formatZxid, type Zxid } from '#core/model/zxid';
import type { TxnLog, TxnLogListener } from '#core/ports/txn-log';
import { JuteWriter } from '#jute/codec';
import type { DataDirectory } from './data-directory.ts';
import { type Disk, type DiskFile, realDisk } from './disk.ts';
import { assertReplaceable, syncLogs } from './existing-logs.ts';
import { fileHeader, logKind } from './file-header.ts';
import { logFileName } from './file-names.ts';
import { encodeRecord } from './log-record.ts';
import { RoomAhead } from './room-ahead.ts';
import { performTruncation, planTruncation, type TruncationPlan } from './truncate.ts';

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
	/** Told of each durable write, before anybody hears that its transactions are durable. Never with `forceSync` off. */
	readonly synced?: (sync: LogSync) => void;
}

/** One durable write: what a group of transactions waited for together. */
export interface LogSync {
	/** The last of its transactions. */
	readonly zxid: Zxid;
	readonly txns: number;
	readonly bytes: number;
	/** Of performance.now(). */
	readonly startMs: number;
	readonly endMs: number;
}

/** What one write takes to the disk: records of one file. */
class Batch {
	readonly writer = new JuteWriter(1 << 16);
	/** The first zxid of a new file that begins with this batch. */
	newFile: Zxid | null = null;
	lastZxid: Zxid | null = null;
	txns = 0;

	reset(): void {
		// A burst must not hold its memory for ever.
		if (this.writer.bytes.length > largeBatchBytes) this.writer.bytes = new Uint8Array(1 << 16);
		this.writer.reset();
		this.newFile = null;
		this.lastZxid = null;
		this.txns = 0;
	}
}

const largeBatchBytes = 16 << 20;
/** While one is synced the disk already has the next; a stall of one delays fewer; more of them would only be smaller. */
const mostWrites = 3;

/** A batch on its way to the disk. */
class Write {
	readonly batch: Batch;
	readonly bytes: number;
	startMs = 0;
	endMs = 0;
	isDurable = false;

	constructor(batch: Batch) {
		this.batch = batch;
		this.bytes = batch.writer.position;
	}
}

export class FileTxnLog implements TxnLog {
	readonly #directory: string;
	readonly #preAllocBytes: number;
	readonly #forceSync: boolean;
	readonly #disk: Disk;
	readonly #synced: (sync: LogSync) => void;
	#listener: TxnLogListener | null = null;
	#lastAppended: Zxid;
	#durable: Zxid;
	#rolling = true;
	#closed = false;
	/** While the history behind it is being cut: nothing of that is reported as durable. */
	#cutAt: Zxid | null = null;
	#failed = false;
	/** The batches to write after those in flight; the last takes what is appended. */
	#queue: Batch[] = [new Batch()];
	#spare: Batch[] = [];
	/** In flight, in the order of the file. */
	readonly #writes: Write[] = [];
	#isStarting = false;
	/** Of what was appended and is not durable yet. */
	#pendingBytes = 0;
	#whenIdle: (() => void)[] = [];
	#file: DiskFile | null = null;
	#fileName = '';
	#room: RoomAhead | null = null;
	#position = 0;

	constructor(options: FileTxnLogOptions, listener: TxnLogListener | null = null) {
		this.#directory = options.directory;
		this.#preAllocBytes = (options.preAllocSizeKiB ?? 65_536) * 1024;
		this.#forceSync = options.forceSync ?? true;
		this.#disk = options.disk ?? realDisk;
		this.#synced = (this.#forceSync ? options.synced : undefined) ?? (() => {});
		this.#lastAppended = options.lastZxid;
		this.#durable = options.lastZxid;
		this.#listener = listener;
	}

	/** The host is the listener and has the log: one of the two comes later. Before the first append. */
	listen(listener: TxnLogListener): void {
		this.#listener = listener;
	}

	get pendingBytes(): number {
		return this.#pendingBytes;
	}

	/** The file that is written now, for people; empty before the first append. */
	get currentFile(): string {
		return this.#fileName;
	}

	append(records: readonly TxnRecord[]): void {
		assert(!this.#closed, 'nothing is appended to a closed log');
		assert(this.#cutAt === null, 'nothing is appended while the log is being cut');
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
		batch.txns += records.length;
		this.#pendingBytes += writer.position - before;
		if (!this.#isStarting && this.#writes.length < mostWrites) void this.#startSoon();
	}

	roll(): void {
		this.#rolling = true;
	}

	/**
	 * Removes every record behind `zxid` (truncate.ts), and goes on behind it in a new file. What was appended is waited for; nothing that is cut
	 * is reported as durable. Nothing may be appended before it resolves.
	 * @param directory where the snapshots are, too, which may hold what is cut
	 * @throws StorageDamage when there is no such place; then nothing was changed, and the log goes on as it was.
	 */
	async truncate(zxid: Zxid, directory: DataDirectory): Promise<void> {
		const plan = await this.#planTruncation(zxid, directory);
		await this.restart(zxid, () => performTruncation(plan));
	}

	async #planTruncation(zxid: Zxid, directory: DataDirectory): Promise<TruncationPlan> {
		try {
			return await this.#whileStopped(zxid, () => planTruncation(directory, zxid));
		} catch (error) {
			// What became durable meanwhile was not reported, and stays after all.
			if (!this.#failed && this.#durable > zxid) this.#listener?.durable(this.#durable);
			throw error;
		}
	}

	/**
	 * Goes on behind `zxid` in a new file, when `change` has put the files into the state that this is the end of (installSnapshot). No file of
	 * the log is open meanwhile, and nothing may be appended. When `change` fails nobody knows what the files hold: the log has failed.
	 */
	async restart(zxid: Zxid, change: () => Promise<void>): Promise<void> {
		await this.#whileStopped(zxid, async () => {
			try {
				await change();
			} catch (error) {
				this.#fail(error as Error);
				throw error;
			}
			this.#lastAppended = zxid;
			this.#durable = zxid;
		});
	}

	async close(): Promise<void> {
		this.#closed = true;
		await this.#idle();
		if (this.#failed) return;
		await this.#finishFile();
	}

	/** When all that was appended is durable, and its file closed. */
	async #whileStopped<T>(cutAt: Zxid, action: () => Promise<T>): Promise<T> {
		assert(!this.#closed, 'a closed log is not cut');
		this.#cutAt = cutAt;
		try {
			await this.#idle();
			if (this.#failed) throw new Error(`The transaction log ${this.#fileName} failed before: it is not cut`);
			await this.#finishFile();
			this.#rolling = true;
			return await action();
		} finally {
			this.#cutAt = null;
		}
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
			this.#pendingBytes += header.length;
		}
		return batch;
	}

	/** The listener must not be called, nor the batch closed, inside append(). */
	async #startSoon(): Promise<void> {
		this.#isStarting = true;
		await Promise.resolve();
		this.#isStarting = false;
		await this.#startWrites();
	}

	/** Sends as much to the disk as may be in flight. What goes wrong with the disk goes to the listener. */
	async #startWrites(): Promise<void> {
		if (this.#isStarting) return;
		this.#isStarting = true;
		try {
			for (let batch = this.#nextBatch(); batch !== null; batch = this.#nextBatch()) {
				if (batch.newFile !== null) await this.#beginFile(batch.newFile);
				const write = new Write(batch);
				const room = this.#room!.make(write.bytes, this.#position + write.bytes);
				// Not even for a moment where there is room: the listener would run first.
				if (room !== null) await room;
				this.#writes.push(write);
				void this.#write(write);
			}
		} catch (error) {
			this.#fail(error as Error);
		}
		this.#isStarting = false;
		this.#noteIdle();
	}

	/** Null when there is none, or it has to wait for those in flight. */
	#nextBatch(): Batch | null {
		const batch = this.#queue[0];
		if (batch === undefined || batch.lastZxid === null || this.#failed) return null;
		if (this.#writes.length >= (batch.newFile === null ? mostWrites : 1)) return null;
		this.#queue.shift();
		return batch;
	}

	async #write(write: Write): Promise<void> {
		const file = this.#file!;
		const { bytes } = write.batch.writer;
		const position = this.#position;
		this.#position += write.bytes;
		write.startMs = performance.now();
		try {
			if (this.#forceSync) await file.writeDurably(bytes, write.bytes, position);
			else await file.write(bytes, write.bytes, position);
			write.endMs = performance.now();
			write.isDurable = true;
		} catch (error) {
			this.#fail(error as Error);
		}
		if (this.#failed) {
			this.#writes.splice(this.#writes.indexOf(write), 1);
			this.#noteIdle();
		} else if (write === this.#writes[0]) {
			this.#reached();
		}
	}

	/** The first write in flight is durable, and maybe others behind it. While the listener applies and answers, the disk is at work on the next. */
	#reached(): void {
		const before = this.#durable;
		while (this.#writes[0]?.isDurable === true) {
			const { batch, bytes, startMs, endMs } = this.#writes.shift()!;
			this.#durable = batch.lastZxid!;
			this.#synced({ zxid: this.#durable, txns: batch.txns, bytes, startMs, endMs });
			this.#pendingBytes -= bytes;
			batch.reset();
			this.#spare.push(batch);
		}
		void this.#startWrites();
		const reached = this.#cutAt === null || this.#durable < this.#cutAt ? this.#durable : this.#cutAt;
		if (reached > before) this.#listener?.durable(reached);
	}

	/** Resolves when nothing is on its way to the disk, nor waits for it. */
	#idle(): Promise<void> {
		return new Promise((resolve) => {
			this.#whenIdle.push(resolve);
			this.#noteIdle();
		});
	}

	#noteIdle(): void {
		if (this.#isStarting || this.#writes.length > 0) return;
		if ((this.#queue[0]?.lastZxid ?? null) !== null && !this.#failed) return;
		for (const resolve of this.#whenIdle.splice(0)) resolve();
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

	#fail(cause: Error): void {
		if (this.#failed) return;
		this.#failed = true;
		const error = new Error(
			`Cannot write the transaction log ${this.#fileName}: ${cause.message}. Nothing behind zxid ${formatZxid(this.#durable)} is ` +
				'acknowledged. Make room or repair the disk, then restart this replica: it recovers from its log',
			{ cause },
		);
		void this.#giveUp();
		this.#listener?.failed(error);
	}

	/** The file stays as it is; recovery reads it. That it cannot be closed either adds nothing to what was reported. */
	async #giveUp(): Promise<void> {
		await this.#idle();
		await this.#room?.settled();
		const file = this.#file;
		this.#file = null;
		await file?.close().catch(() => undefined);
	}
}
