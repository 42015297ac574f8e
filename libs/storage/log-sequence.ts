/** The records of several log files, one history: each file is read to its end, the next goes on there. */
import type { Zxid } from '#core/model/zxid';
import { formatZxid } from '#core/model/zxid';
import { LogDamage, restoreAdvice } from './damage.ts';
import type { StoredFile } from './data-directory.ts';
import { type LogEnd, type LogEntry, LogFileReader } from './log-file-reader.ts';
import { checkEnd } from './records-behind.ts';
import { RetoldRecords } from './retold-records.ts';

export interface SequencedEntry extends LogEntry {
	readonly file: string;
}

export interface LogSequenceOptions {
	/** Told of ends that are not what a clean shutdown leaves. */
	readonly warn?: (warning: string) => void;
	/** Data of one record are overwritten when the next is read. */
	readonly reuse?: boolean;
	/** Told how far reading has come, about every MiB and at the end of a file. */
	readonly progress?: (file: string, offset: number) => void;
}

/** The files that may have zxids from `fromZxid` on: the last one named before it or by it, and all behind. */
export function logsFrom(logs: readonly StoredFile[], fromZxid: Zxid): StoredFile[] {
	const first = logs.findLastIndex((log) => log.zxid <= fromZxid);
	return logs.slice(Math.max(0, first));
}

/**
 * Every record with a zxid from `fromZxid` on, in log order, and once: what a log tells again (RetoldRecords) is passed over. Whether a hole lies between two of them is for the caller to judge.
 * @throws LogDamage when a log cannot be read on, when its end is not proved to be its end, or when zxids do not rise.
 */
export function* logSequence(
	logs: readonly StoredFile[],
	fromZxid: Zxid,
	options: LogSequenceOptions = {},
): Generator<SequencedEntry, void> {
	let last: Zxid | null = null;
	const told = new RetoldRecords();
	let isRetelling = false;
	for (const log of logsFrom(logs, fromZxid)) {
		const reader = new LogFileReader(log.path, { reuse: options.reuse ?? false });
		let shown = 0;
		try {
			for (;;) {
				const entry = nextOrEnd(reader, last ?? before(log));
				if (entry.kind === 'end') {
					if (entry.warning !== null) options.warn?.(entry.warning);
					break;
				}
				const { zxid } = entry.record.header;
				const kind = told.take(zxid, entry.checksum, entry.length);
				if (kind === 'mixed') throw goesBack(log.path, entry, last!);
				if (kind === 'again') {
					if (!isRetelling) options.warn?.(toldAgain(log.path, entry));
					isRetelling = true;
					continue;
				}
				isRetelling = false;
				last = zxid;
				if (zxid >= fromZxid) yield { ...entry, file: log.path };
				if (entry.offset - shown > 1 << 20) {
					shown = entry.offset;
					options.progress?.(log.path, shown);
				}
			}
			options.progress?.(log.path, reader.size());
		} finally {
			reader.close();
		}
	}
}

/** A log is named after its first transaction: what comes before that happened. */
function before(log: StoredFile): Zxid | null {
	return log.zxid === 0 ? null : ((log.zxid - 1) as Zxid);
}

interface CheckedEnd {
	readonly kind: 'end';
	readonly warning: string | null;
}

/**
 * Where there are records behind an end, the log may also be one that is being written, which went on since this part of it was read: the end is
 * looked at anew before anything is made of it.
 */
function nextOrEnd(reader: LogFileReader, last: Zxid | null): LogEntry | CheckedEnd {
	const entry = reader.next();
	if (entry.kind === 'record') return entry;
	try {
		const hole = checkEnd(reader.file, entry, last);
		if (hole === null) return { kind: 'end', warning: unusualEnd(reader.file, entry) };
		const again = reader.next();
		return again.kind === 'record' ? again : { kind: 'end', warning: hole };
	} catch (error) {
		const again = reader.next();
		if (again.kind === 'record') return again;
		throw error;
	}
}

function unusualEnd(file: string, end: LogEnd): string | null {
	if (end.end === 'torn') {
		const last =
			end.lastZxid === null
				? 'There is no complete record before it'
				: `The last complete record is ${formatZxid(end.lastZxid)}`;
		return `${file} at byte ${end.offset}: ${end.reason}. ${last}; the log ends there, as it does after a crash in the middle of a write`;
	}
	if (end.end === 'no header') {
		return `${file}: ${end.reason}. It is taken as a log without transactions, as a crash right after its creation leaves it`;
	}
	return null;
}

function toldAgain(file: string, entry: LogEntry): string {
	return `${file} at byte ${entry.offset}: what is there from ${formatZxid(entry.record.header.zxid)} on is logged again, the same, as a follower of ZooKeeper does that lost its leader. It counts once`;
}

function goesBack(file: string, entry: LogEntry, last: Zxid): LogDamage {
	const { zxid } = entry.record.header;
	return new LogDamage({
		file,
		offset: entry.offset,
		zxid,
		problem: `zxid ${formatZxid(zxid)} stands behind ${formatZxid(last)}: the logs of two servers, or of two histories of one, are mixed here`,
		advice: restoreAdvice,
	});
}
