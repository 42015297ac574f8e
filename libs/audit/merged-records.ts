/** The records of several servers' logs as one sequence: each zxid once, those of the plan only. */
import type { TxnRecord } from '#core/model/txn-record';
import { formatZxid, type Zxid } from '#core/model/zxid';
import type { SequencedEntry } from '#storage/log-sequence';
import type { HistoryPlan } from './history-plan.ts';
import type { LogSource } from './log-source.ts';

/** Two servers' logs have different transactions under one zxid: they are not of one ensemble. */
export class HistoriesDiffer extends Error {
	override readonly name = 'HistoriesDiffer';
}

interface Cursor {
	readonly records: Generator<SequencedEntry, void>;
	entry: SequencedEntry | null;
}

/** From `from` on. Data are valid until the next record is asked for. */
export function* mergedRecords(
	sources: readonly LogSource[],
	plan: HistoryPlan,
	from: Zxid,
): Generator<{ readonly record: TxnRecord; readonly length: number }, void> {
	const cursors: Cursor[] = sources.map((source) => ({ records: source.records(from), entry: null }));
	for (const cursor of cursors) advance(cursor);
	for (const { first, last } of plan.segments) {
		if (last < from) continue;
		for (let zxid = Math.max(first, from); zxid <= last; zxid++) {
			let chosen: SequencedEntry | null = null;
			for (const cursor of cursors) {
				while (cursor.entry !== null && cursor.entry.record.header.zxid < zxid) advance(cursor);
				if (cursor.entry?.record.header.zxid !== zxid) continue;
				chosen = chosen === null ? cursor.entry : better(chosen, cursor.entry);
			}
			if (chosen === null)
				throw new Error(
					`zxid ${formatZxid(zxid as Zxid)} was in the logs when they were read the first time and is not now`,
				);
			yield { record: chosen.record, length: chosen.length };
		}
	}
}

function advance(cursor: Cursor): void {
	const next = cursor.records.next();
	cursor.entry = next.done ? null : next.value;
}

/** The same transaction twice. Of a failed multi, the one whose operations were not relabelled. */
function better(a: SequencedEntry, b: SequencedEntry): SequencedEntry {
	const same =
		a.record.txn.kind === b.record.txn.kind &&
		a.record.header.time === b.record.header.time &&
		a.record.header.sessionId === b.record.header.sessionId &&
		(a.record.digest === null || b.record.digest === null || a.record.digest.value === b.record.digest.value);
	if (!same) {
		const zxid = formatZxid(a.record.header.zxid);
		throw new HistoriesDiffer(
			`zxid ${zxid} is a ${a.record.txn.kind} in ${a.file} and another transaction (${b.record.txn.kind}) in ${b.file}: these are not directories of one ensemble`,
		);
	}
	if (a.record.context === null && b.record.context !== null) return b;
	return isRelabelled(a.record) && !isRelabelled(b.record) ? b : a;
}

function isRelabelled({ txn }: TxnRecord): boolean {
	return txn.kind === 'multi' && txn.ops.some((op) => op.kind === 'error' && op.raw !== undefined);
}
