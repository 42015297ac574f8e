import type { Culprit, HistoryChange, HistoryGap, HistoryTxn } from '#audit/history';
import { errorName } from '#jute/errors';
import type { Terminal } from '../terminal.ts';
import { Table } from '../view/table.ts';
import { hex, printable, time } from '../view/text.ts';

/** Shows transactions as they come. `flush` before a wait for the next. */
export interface TxnList {
	txn(txn: HistoryTxn): void;
	gap(gap: HistoryGap): void;
	flush(): void;
}

export function txnList(terminal: Terminal): TxnList {
	return terminal.json ? objects(terminal) : table(terminal);
}

function objects(terminal: Terminal): TxnList {
	return {
		txn: (txn) =>
			terminal.object({
				zxid: hex(txn.zxid),
				time: txn.timeMs,
				session: hex(txn.session),
				cxid: txn.cxid,
				type: txn.type,
				path: txn.path,
				error: txn.error,
				...(txn.error === 0 ? {} : { errorName: errorName(txn.error) }),
				digest: txn.digest === null ? null : txn.digest.toString(),
				principal: txn.principal,
				address: txn.address,
				door: txn.door,
				requestId: txn.requestId,
				traceId: txn.traceId,
				changes: txn.changes,
			}),
		gap: ({ afterZxid, throughZxid, kind, reason }) =>
			terminal.object({ gap: { afterZxid: hex(afterZxid), throughZxid: hex(throughZxid), kind, reason } }),
		flush: () => terminal.flush(),
	};
}

function table(terminal: Terminal): TxnList {
	const { red, yellow } = terminal.colors;
	const rows = new Table(terminal, [
		{ title: 'ZXID' },
		{ title: 'TIME' },
		{ title: 'SESSION' },
		{ title: 'TYPE' },
		{ title: 'BY' },
		{ title: 'WHAT' },
	]);
	return {
		txn: (txn) => {
			const { changes } = txn;
			const [only] = changes;
			const first =
				txn.error !== 0
					? red(failureText(txn))
					: only === undefined
						? printable(txn.path ?? '')
						: changes.length === 1
							? changeText(only)
							: `${changes.length} changes`;
			rows.row(hex(txn.zxid), time(txn.timeMs), hex(txn.session), txn.type, whoText(txn), first);
			if (changes.length > 1)
				for (const change of changes) rows.row('', '', '', `  ${change.type}`, '', changeText(change));
		},
		gap: ({ afterZxid, throughZxid, kind, reason }) => {
			rows.flush();
			terminal.line(yellow(`gap from ${hex(afterZxid)} to ${hex(throughZxid)} (${kind}): ${reason}`));
		},
		flush: () => {
			rows.flush();
			terminal.flush();
		},
	};
}

function failureText(txn: HistoryTxn): string {
	const path = txn.path === null ? '' : ` ${printable(txn.path)}`;
	return `${errorName(txn.error)}${path}`;
}

function changeText({ type, path, version, sizeBefore, sizeAfter }: HistoryChange): string {
	const parts = [printable(path)];
	if (type === 'delete') parts.push(`had version ${version ?? '?'}, ${sizeBefore ?? 0} B`);
	else if (version !== null) parts.push(`${type === 'setACL' ? 'aversion' : 'version'} ${version}`);
	if (sizeAfter !== null)
		parts.push(sizeBefore === null || sizeBefore === sizeAfter ? `${sizeAfter} B` : `${sizeBefore} → ${sizeAfter} B`);
	return parts.join(' ');
}

export function whoText({ principal, address, door }: Pick<Culprit, 'principal' | 'address' | 'door'>): string {
	// Nobody needs to see the hash of a password to know who it was; --json has it.
	const name = principal?.replace(/(digest:[^:,]+):[^,]*/g, '$1') ?? null;
	const who = [name, address].filter((part) => part !== null).join(' ');
	return printable(who === '' ? (door ?? '?') : `${who} (${door})`);
}
