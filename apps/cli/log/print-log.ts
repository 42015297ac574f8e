/** One transaction log, record by record, to where it ends. */
import { basename } from 'node:path';
import type { Zxid } from '#jute/scalars';
import { type LogEnd, type LogEntry, LogFileReader } from '#storage/log-file-reader';
import type { Terminal } from '../terminal.ts';
import { Table } from '../view/table.ts';
import { hex, time } from '../view/text.ts';
import { recordObject } from './txn-object.ts';
import { contextText, whatText } from './txn-text.ts';

export interface Range {
	readonly from?: Zxid;
	readonly to?: Zxid;
}

/**
 * @returns false when nobody reads any more.
 * @throws LogDamage
 */
export async function printLog(terminal: Terminal, file: string, range: Range): Promise<boolean> {
	const reader = new LogFileReader(file, { reuse: true });
	const whole = range.from === undefined && range.to === undefined;
	const show = terminal.json ? objectsOf(terminal, file) : linesOf(terminal, file, whole);
	try {
		for (let shown = 0; ; ) {
			const entry = reader.next();
			if (entry.kind === 'end') {
				if (whole) show.end(entry);
				return await terminal.keepUp();
			}
			const { zxid } = entry.record.header;
			if (range.from !== undefined && zxid < range.from) continue;
			if (range.to !== undefined && zxid > range.to) {
				show.flush();
				return await terminal.keepUp();
			}
			show.record(entry);
			if (++shown % 100 === 0 && !(await terminal.keepUp())) return false;
		}
	} finally {
		show.flush();
		reader.close();
	}
}

interface Show {
	record(entry: LogEntry): void;
	end(end: LogEnd): void;
	flush(): void;
}

function objectsOf(terminal: Terminal, file: string): Show {
	return {
		record: ({ record, offset }) => terminal.object({ kind: 'txn', file, offset, ...recordObject(record) }),
		end: ({ end, offset, reason }) =>
			terminal.object({ kind: 'end', file, offset, end, ...(reason === '' ? {} : { reason }) }),
		flush: () => {},
	};
}

function linesOf(terminal: Terminal, file: string, whole: boolean): Show {
	const { dim } = terminal.colors;
	let headed = whole;
	if (headed) terminal.line(dim(`# ${file}`));
	const table = new Table(terminal, [
		{ title: 'ZXID' },
		{ title: 'TIME' },
		{ title: 'SESSION' },
		{ title: 'CXID', align: 'right' },
		{ title: 'DIGEST', align: 'right' },
		{ title: 'TYPE' },
		{ title: 'WHAT' },
	]);
	return {
		record: ({ record: { header, txn, digest, context } }) => {
			// Of a range, files that have nothing of it are not named.
			if (!headed) terminal.line(dim(`# ${file}`));
			headed = true;
			const by = contextText(context);
			const what = whatText(txn) + (by === '' ? '' : `  by ${by}`);
			const session = hex(header.sessionId);
			const sum = digest === null ? '-' : digest.value.toString();
			table.row(hex(header.zxid), time(header.time), session, `${header.cxid}`, sum, txn.kind, what);
			if (txn.kind !== 'multi') return;
			for (const op of txn.ops) table.row('', '', '', '', '', `  ${op.kind}`, whatText(op));
		},
		end: ({ end, offset, reason }) => {
			table.flush();
			terminal.line(dim(`# ${basename(file)} ends at byte ${offset}: ${reason === '' ? endText[end] : reason}`));
		},
		flush: () => table.flush(),
	};
}

const endText: Readonly<Record<LogEnd['end'], string>> = {
	eof: 'end of file',
	zeros: 'preallocated zeros follow',
	torn: 'a record that was not written whole',
	'no header': 'no header',
};
