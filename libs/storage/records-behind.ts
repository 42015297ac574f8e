/** Looks behind the apparent end of a log for records that are there all the same. */
import { formatZxid, type Zxid } from '#core/model/zxid';
import { LogDamage, restoreAdvice } from './damage.ts';
import { FileWindow } from './file-window.ts';
import { type LogEnd, type LogEntry, LogFileReader } from './log-file-reader.ts';
import { endMark, minRecordBytes, recordHeadBytes } from './log-record.ts';

export interface RecordsBehind {
	readonly count: number;
	readonly first: LogEntry;
	/** The largest durable mark among them; null when one has none, so that nothing is proved. */
	readonly durable: Zxid | null;
}

const zeros = new Uint8Array(1 << 16);

/** The sound records behind `end` that are newer than `last`, or null when there is none: then it is the end of the log. */
export function recordsBehind(file: string, end: LogEnd, last: Zxid | null): RecordsBehind | null {
	let first: LogEntry | null = null;
	let count = 0;
	let durable: Zxid | null = null;
	let proved = true;
	let from = end.offset + 1;
	for (;;) {
		const at = nextCandidate(file, from);
		if (at === null) break;
		from = at + 1;
		for (const entry of soundRun(file, at)) {
			from = entry.offset + entry.length;
			// Somebody's data may hold a copy of an old record.
			if (last !== null && entry.record.header.zxid <= last) continue;
			first ??= entry;
			count++;
			if (entry.durable === null) proved = false;
			else if (durable === null || entry.durable > durable) durable = entry.durable;
		}
	}
	return first === null ? null : { count, first, durable: proved ? durable : null };
}

/**
 * An end is the end when nothing stands behind it. Records that do may be acknowledged ones behind damage, which ZooKeeper drops without a
 * word. They may also be what a power cut left of a write that was never acknowledged: then their durable marks say that nothing
 * from the hole on was on disk.
 * @param before the last zxid before this file, for an end in front of its first record.
 * @throws LogDamage unless that is proved.
 * @returns a warning when it is, null when there is nothing behind the end.
 */
export function checkEnd(file: string, end: LogEnd, before: Zxid | null): string | null {
	if (end.end === 'eof') return null;
	const last = end.lastZxid ?? before;
	const behind = recordsBehind(file, end, last);
	if (behind === null) return null;
	const firstZxid = formatZxid(behind.first.record.header.zxid);
	const found = `${behind.count} sound ${behind.count === 1 ? 'record' : 'records'} (the first is ${firstZxid} at byte ${behind.first.offset})`;
	if (behind.durable !== null && last !== null && behind.durable <= last) {
		return `${file} has a hole at byte ${end.offset}, behind zxid ${formatZxid(last)}, and ${found} behind it. Their durable marks prove that none of them was ever acknowledged: a power cut left the last write in pieces. The log ends at the hole`;
	}
	const what = end.end === 'zeros' ? 'zeros where a record should begin' : end.reason;
	throw new LogDamage({
		file,
		offset: end.offset,
		...(last === null ? {} : { zxid: (last + 1) as Zxid }),
		problem: `${what}, and ${found} behind: transactions between ${last === null ? 'the beginning' : formatZxid(last)} and ${firstZxid} are missing`,
		advice: `${restoreAdvice}. Cutting the file at byte ${end.offset} gives up everything behind zxid ${last === null ? 'before it' : formatZxid(last)}; ZooKeeper would do that without asking`,
	});
}

/** The sound records from this byte on without a break: none when there is none at it. */
function* soundRun(file: string, at: number): Generator<LogEntry, void> {
	const reader = new LogFileReader(file, { from: at, chunkBytes: 1 << 14 });
	try {
		for (let entry = reader.next(); entry.kind === 'record'; entry = reader.next()) yield entry;
	} catch (error) {
		if (!(error instanceof LogDamage)) throw error;
		// The run ends here; what may follow is looked for from behind its last record.
	} finally {
		reader.close();
	}
}

/** The next byte that could be a record's first: four zeros, a possible length, and the end mark where that says. */
function nextCandidate(file: string, from: number): number | null {
	const window = new FileWindow(file, { from, reuse: true });
	try {
		const size = window.size();
		for (;;) {
			const have = window.need(zeros.length + recordHeadBytes);
			if (have < minRecordBytes) return null;
			const { bytes } = window;
			const stop = window.end - recordHeadBytes;
			const there = Math.min(zeros.length, have);
			if (Buffer.compare(bytes.subarray(window.at, window.at + there), zeros.subarray(0, there)) === 0) {
				window.at += Math.max(1, there - recordHeadBytes);
				continue;
			}
			for (; window.at < stop; window.at++) {
				const at = window.at;
				if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 0 || bytes[at + 3] !== 0) continue;
				const length = window.view.getInt32(at + 8);
				if (length < minRecordBytes - recordHeadBytes - 1) continue;
				const offset = window.offset;
				if (offset + recordHeadBytes + length + 1 > size) continue;
				if (hasMark(window, file, offset, length)) return offset;
			}
		}
	} finally {
		window.close();
	}
}

function hasMark(window: FileWindow, file: string, offset: number, length: number): boolean {
	const within = window.at + recordHeadBytes + length;
	if (within < window.end) return window.bytes[within] === endMark;
	const other = new FileWindow(file, { from: offset + recordHeadBytes + length, chunkBytes: 1 });
	try {
		return other.need(1) > 0 && other.bytes[other.at] === endMark;
	} finally {
		other.close();
	}
}
