/** Reads one transaction log from its first record to where it ends, as ZooKeeper finds the end, and no further. */
import path from 'node:path';
import type { TxnRecord } from '#core/model/txn-record';
import { formatZxid, isContiguous, nextZxid, type Zxid, zxidFromBigInt } from '#core/model/zxid';
import { adler32 } from '#jute/adler32';
import { JuteError, JuteReader } from '#jute/codec';
import { LogDamage, restoreAdvice } from './damage.ts';
import { fileHeaderBytes, headerProblem, logKind } from './file-header.ts';
import { logPrefix, zxidInName } from './file-names.ts';
import { FileWindow } from './file-window.ts';
import { decodeBody, endMark, minRecordBytes, recordHeadBytes } from './log-record.ts';
import { lacksChecksum, lacksSectors } from './lost-sectors.ts';

/** Longer records are taken for damage. ZooKeeper's own limit follows jute.maxbuffer; a closeSession can be longer than that. */
export const defaultMaxRecordBytes = 128 << 20;

export interface LogEntry {
	readonly kind: 'record';
	readonly record: TxnRecord;
	/** The zxid known to be on disk when this record was written; null in what ZooKeeper wrote. */
	readonly durable: Zxid | null;
	readonly offset: number;
	/** With checksum, length and end mark. */
	readonly length: number;
	/** Adler-32 of the body. */
	readonly checksum: number;
}

/** Where the log ends: with the file, in preallocated zeros, in a record that was not written whole, or before a first record. */
export interface LogEnd {
	readonly kind: 'end';
	readonly end: 'eof' | 'zeros' | 'torn' | 'no header';
	readonly offset: number;
	readonly lastZxid: Zxid | null;
	/** For people, of 'torn' and 'no header': what is not there. */
	readonly reason: string;
}

export interface LogFileReaderOptions {
	/** Begin at the record at this byte instead of the first. */
	readonly from?: number;
	readonly maxRecordBytes?: number;
	/** Data of one record are overwritten when the next is read. */
	readonly reuse?: boolean;
	/** How much is read at a time. */
	readonly chunkBytes?: number;
}

export class LogFileReader {
	readonly file: string;
	/** The zxid in the name; undefined for a file of another name. */
	readonly nameZxid: Zxid | undefined;
	lastZxid: Zxid | null = null;
	readonly #window: FileWindow;
	readonly #reader = new JuteReader(new Uint8Array(0));
	readonly #maxRecordBytes: number;
	#headerRead: boolean;

	constructor(file: string, options: LogFileReaderOptions = {}) {
		this.file = file;
		this.nameZxid = zxidInName(path.basename(file), logPrefix);
		this.#window = new FileWindow(file, options);
		this.#maxRecordBytes = options.maxRecordBytes ?? defaultMaxRecordBytes;
		this.#headerRead = options.from !== undefined;
	}

	/** The byte where the next record begins. */
	get offset(): number {
		return this.#window.offset;
	}

	size(): number {
		return this.#window.size();
	}

	/**
	 * The next record, or where the log ends. Behind the end it may be called again: it then looks at the file anew (a log that is
	 * still written goes on).
	 * @throws LogDamage for what ZooKeeper does not start from either: a wrong magic, checksum or length, a body that is no transaction.
	 */
	next(): LogEntry | LogEnd {
		if (!this.#headerRead) {
			const end = this.#readHeader();
			if (end !== null) return end;
		}
		const window = this.#window;
		const have = window.need(recordHeadBytes);
		if (have < recordHeadBytes) {
			return have === 0
				? this.#end('eof', '')
				: this.#end('torn', `the file ends ${have} bytes into the checksum and length of a record`);
		}
		const reader = this.#reader;
		reader.reset(window.bytes, window.at, window.end);
		const checksumHigh = reader.readInt();
		const checksum = reader.readUint32();
		const length = reader.readInt();
		if (length === 0) {
			return checksum === 0 && checksumHigh === 0
				? this.#end('zeros', '')
				: this.#end('torn', 'a record has a checksum and no length');
		}
		if (length < 0 || length > this.#maxRecordBytes)
			throw this.#damage(`the length of a record, ${length}, is not possible`);
		const whole = recordHeadBytes + length + 1;
		const there = window.need(whole);
		if (there < whole) {
			return this.#end('torn', `the file ends ${there} bytes into a record of ${whole}`);
		}
		const start = window.at + recordHeadBytes;
		if (window.bytes[start + length] !== endMark) return this.#end('torn', 'a record lacks its end mark');
		const expected = adler32(window.bytes, start, start + length);
		if (checksumHigh !== 0 || checksum !== expected) {
			const { bytes, at, offset } = window;
			if (lacksSectors(bytes, at, at + whole, offset) || lacksChecksum(bytes, at, offset, expected)) {
				return this.#end('torn', 'sectors of a record were not written');
			}
			throw this.#damage('the checksum of a record is wrong', this.#zxidAt(start, length));
		}
		return this.#decode(start, length, whole, checksum);
	}

	/**
	 * Passes over records up to this zxid, so many bytes of them at most, by their heads: they are not checked. What is not as it should be ends it, and next() says what it is.
	 * @returns whether there may be more to pass over
	 */
	pass(through: Zxid, maxBytes: number): boolean {
		if (!this.#headerRead && this.#readHeader() !== null) return false;
		const window = this.#window;
		const untilOffset = window.offset + maxBytes;
		while (window.offset < untilOffset) {
			if (window.need(minRecordBytes) < minRecordBytes) return false;
			const length = window.view.getInt32(window.at + recordHeadBytes - 4);
			const zxid = window.view.getBigUint64(window.at + recordHeadBytes + 12);
			if (length < minRecordBytes - recordHeadBytes - 1 || length > this.#maxRecordBytes || zxid > BigInt(through))
				return false;
			const whole = recordHeadBytes + length + 1;
			if (window.need(whole) < whole || window.bytes[window.at + whole - 1] !== endMark) return false;
			if (this.lastZxid !== null && zxid <= BigInt(this.lastZxid)) return false;
			this.lastZxid = zxidFromBigInt(zxid);
			window.at += whole;
		}
		return true;
	}

	/** Reads the file anew from the record at `offset`, or the one that next() would give: it may have been cut there and gone on elsewhere. */
	reread(offset: number = this.offset): void {
		this.#window.seek(offset);
	}

	/** Whether the file was removed since it was opened. */
	isRemoved(): boolean {
		return this.#window.isRemoved();
	}

	close(): void {
		this.#window.close();
	}

	#decode(start: number, length: number, whole: number, checksum: number): LogEntry {
		const window = this.#window;
		const reader = this.#reader;
		reader.reset(window.bytes, start, start + length);
		try {
			const { record, durable } = decodeBody(reader);
			const offset = window.offset;
			window.at += whole;
			this.lastZxid = record.header.zxid;
			return { kind: 'record', record, durable, offset, length: whole, checksum };
		} catch (error) {
			if (!(error instanceof JuteError)) throw error;
			const problem = `a record with a right checksum is no transaction that this release knows (${error.message})`;
			throw this.#damage(problem, this.#zxidAt(start, length));
		}
	}

	#readHeader(): LogEnd | null {
		const window = this.#window;
		const have = window.need(fileHeaderBytes);
		const header = window.bytes.subarray(window.at, window.at + Math.min(have, fileHeaderBytes));
		if (have < fileHeaderBytes)
			return this.#end('no header', `the file has only ${have} bytes, its header is not complete`);
		if (header.every((byte) => byte === 0))
			return this.#end('no header', 'the file begins with zeros instead of its header');
		const problem = headerProblem(header, logKind);
		if (problem !== null) throw this.#damage(problem);
		window.at += fileHeaderBytes;
		this.#headerRead = true;
		return null;
	}

	#end(end: LogEnd['end'], reason: string): LogEnd {
		const offset = this.#window.offset;
		this.#window.forget();
		return { kind: 'end', end, offset, lastZxid: this.lastZxid, reason };
	}

	/** Whose record it is: what its own bytes say when that is believable, else what must come next. */
	#zxidAt(start: number, length: number): Zxid | undefined {
		if (length >= 20) {
			const said = this.#window.view.getBigUint64(start + 12);
			if (said <= BigInt(Number.MAX_SAFE_INTEGER)) {
				const zxid = zxidFromBigInt(said);
				if (this.lastZxid === null || isContiguous(this.lastZxid, zxid)) return zxid;
			}
		}
		return this.#expectedZxid();
	}

	#expectedZxid(): Zxid | undefined {
		return this.lastZxid === null ? this.nameZxid : nextZxid(this.lastZxid);
	}

	#damage(problem: string, zxid = this.#expectedZxid()): LogDamage {
		const before = this.lastZxid === null ? '' : `; the record before it is ${formatZxid(this.lastZxid)}`;
		const offset = this.#window.offset;
		const cut = `. Cutting the file at byte ${offset} gives up this transaction and everything behind it`;
		this.#window.forget();
		return new LogDamage({
			file: this.file,
			offset,
			...(zxid === undefined ? {} : { zxid }),
			problem: problem + before,
			advice: restoreAdvice + (offset === 0 ? '' : cut),
		});
	}
}
