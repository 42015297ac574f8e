/**
 * Reads the history that lies in log files: once from a zxid to the end (`ck log`, import), or along with the replica that writes it (the mirror).
 */
import type { TxnRecord } from '#core/model/txn-record';
import { isContiguous, nextZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import { LogDamage } from './damage.ts';
import { DataDirectory, type StoredFile } from './data-directory.ts';
import { type LogEnd, type LogEntry, LogFileReader } from './log-file-reader.ts';
import { logSequence } from './log-sequence.ts';
import { checkEnd } from './records-behind.ts';

export interface HistoryEntry {
	readonly record: TxnRecord;
	readonly file: string;
	readonly offset: number;
	/** The whole record, with checksum, length and end mark. */
	readonly length: number;
	/** Set when transactions are missing before this one: the zxid of the record before it in these files. */
	readonly holeAfter?: Zxid;
}

export interface ReadLogsOptions {
	/** Told of ends that a clean shutdown does not leave. */
	readonly warn?: (warning: string) => void;
	readonly progress?: (file: string, offset: number) => void;
}

/**
 * Every record from `fromZxid` on in the logs of a server (`dirs`: its data directories, in any layout), in zxid order. Data are views of
 * memory that is not used again; keep copies of small ones, a view holds its whole chunk.
 * @throws LogDamage where a log cannot be read on, or ends in front of records that are there.
 */
export function* readLogs(
	dirs: string | readonly string[],
	fromZxid: Zxid = zeroZxid,
	options: ReadLogsOptions = {},
): Generator<HistoryEntry, void> {
	let last: Zxid | null = null;
	for (const { record, file, offset, length } of logSequence(logsIn(dirs), fromZxid, options)) {
		const { zxid } = record.header;
		const hole: boolean = last !== null && !isContiguous(last, zxid);
		yield hole ? { record, file, offset, length, holeAfter: last! } : { record, file, offset, length };
		last = zxid;
	}
}

function logsIn(dirs: string | readonly string[]): StoredFile[] {
	const byPath = new Map<string, StoredFile>();
	for (const dir of typeof dirs === 'string' ? [dirs] : dirs) {
		for (const log of new DataDirectory(dir).logs()) byPath.set(log.path, log);
	}
	return [...byPath.values()].sort((a, b) => a.zxid - b.zxid);
}

/**
 * Follows the logs of a replica that is writing them, in the same process or another. Knows preallocated zeros and a record that is being
 * written as "not yet", and goes on in the next file when one was begun. Records that are not committed may be cut from the log again, and others take
 * their place: what was read of them is forgotten.
 */
export class LogTail {
	readonly #directory: DataDirectory;
	#last: Zxid;
	#reader: LogFileReader | null = null;
	/** What was committed when the reader last looked at its file: what it read behind that may have been cut since. */
	#committed: Zxid;

	/** Begins behind `after`: the last zxid that the reader has. */
	constructor(dataLogDir: string, after: Zxid) {
		this.#directory = new DataDirectory(dataLogDir);
		this.#last = after;
		this.#committed = after;
	}

	/** The last zxid given out, or passed over. */
	get lastZxid(): Zxid {
		return this.#last;
	}

	/**
	 * The next record up to the committed zxid, or null when there is none yet.
	 * @throws LogDamage when a committed record cannot be read, also one that only looks like the end of its file.
	 */
	next(committed: Zxid): HistoryEntry | null {
		if (committed <= this.#last) return null;
		if (committed !== this.#committed) this.#lookAnew(committed);
		const entry = this.#read();
		if (entry === null) return null;
		const { record, offset, length } = entry;
		const { zxid } = record.header;
		if (zxid > committed) {
			this.#reader!.reread(offset);
			return null;
		}
		const before = this.#last;
		this.#last = zxid;
		const there = { record, file: this.#reader!.file, offset, length };
		return isContiguous(before, zxid) ? there : { ...there, holeAfter: before };
	}

	/**
	 * Passes over committed records up to this zxid, in the file where those behind the last one begin, so many bytes at most; see LogFileReader.
	 * @returns whether there may be more to pass over
	 */
	pass(through: Zxid, maxBytes: number): boolean {
		this.#reader ??= this.#openFor(nextZxid(this.#last));
		if (this.#reader === null) return false;
		const isMore = this.#reader.pass(through, maxBytes);
		if ((this.#reader.lastZxid ?? zeroZxid) > this.#last) this.#last = this.#reader.lastZxid!;
		return isMore;
	}

	close(): void {
		this.#reader?.close();
		this.#reader = null;
	}

	#lookAnew(committed: Zxid): void {
		this.#committed = committed;
		if (this.#reader === null) return;
		if (this.#reader.isRemoved()) this.close();
		else this.#reader.reread();
	}

	#read(): LogEntry | null {
		this.#reader ??= this.#openFor(nextZxid(this.#last));
		while (this.#reader !== null) {
			const here = this.#nextHere(this.#reader);
			const entry = here.kind === 'record' ? here : this.#lateOrNextFile(this.#reader);
			if (entry === null) return null;
			if (entry !== 'next file' && entry.record.header.zxid > this.#last) return entry;
		}
		return null;
	}

	/** What was read ahead is older than what is asked for, and may have caught a write half done: an end or damage is looked at twice. */
	#nextHere(reader: LogFileReader): LogEntry | LogEnd {
		try {
			const entry = reader.next();
			if (entry.kind === 'record') return entry;
		} catch (error) {
			if (!(error instanceof LogDamage)) throw error;
		}
		return reader.next();
	}

	/** A file is begun only after the last write to the one before: once it is there, this one says a last time what it has. */
	#lateOrNextFile(current: LogFileReader): LogEntry | 'next file' | null {
		const next = this.#directory.logs().find((log) => log.zxid > current.nameZxid!);
		if (next === undefined) return null;
		const late = this.#nextHere(current);
		if (late.kind === 'record') return late;
		// Damage can look like an end, and an epoch that is cut short there like one that the next file goes on from.
		checkEnd(current.file, late, this.#last);
		current.close();
		this.#reader = new LogFileReader(next.path);
		return 'next file';
	}

	#openFor(zxid: Zxid): LogFileReader | null {
		const logs = this.#directory.logs();
		const log = logs.findLast((candidate) => candidate.zxid <= zxid) ?? logs[0];
		return log === undefined ? null : new LogFileReader(log.path);
	}
}
