/** A plan of a restore as people read it: a line for each node, and for text the lines that are different. */
import type { Acl } from '#client/client';
import type { PlanRestoreResponse, RestoreDifference, RestoreNode, RestoreSummary } from '#client/restores';
import { RestoreAction } from '#client/restores';
import type { Terminal } from '../terminal.ts';
import { dataObject } from '../view/json.ts';
import { aclText, count, hex, preview, printable, size, utf8 } from '../view/text.ts';
import { lineDifference } from './line-difference.ts';

const marks = {
	[RestoreAction.RESTORE_ACTION_CREATE]: '+',
	[RestoreAction.RESTORE_ACTION_DELETE]: '-',
	[RestoreAction.RESTORE_ACTION_CHANGE]: '~',
	[RestoreAction.RESTORE_ACTION_LEAVE]: '!',
} as const;
const words = {
	[RestoreAction.RESTORE_ACTION_CREATE]: 'create',
	[RestoreAction.RESTORE_ACTION_DELETE]: 'delete',
	[RestoreAction.RESTORE_ACTION_CHANGE]: 'change',
	[RestoreAction.RESTORE_ACTION_LEAVE]: 'leave',
} as const;

/** @returns the summary, when the message has it */
export function printPlan(
	terminal: Terminal,
	{ differences, summary }: PlanRestoreResponse,
): RestoreSummary | undefined {
	for (const difference of differences) {
		if (terminal.json) terminal.object(differenceObject(difference));
		else printDifference(terminal, difference);
	}
	if (summary === undefined) return undefined;
	if (terminal.json) {
		terminal.object({ summary: summaryObject(summary) });
		return summary;
	}
	const { created, changed, deleted, left, ephemerals, conflicts, baseZxid } = summary;
	for (const { path, what } of conflicts) terminal.line(terminal.colors.red(`! ${printable(path)}  ${what}`));
	terminal.line(
		`${count(created)} to create, ${count(changed)} to change, ${count(deleted)} to delete, ${count(left)} stay as they are; compared with ${hex(baseZxid)}`,
	);
	if (ephemerals > 0n) terminal.note(`${count(ephemerals)} ephemeral nodes of then are not made again.`);
	return summary;
}

function printDifference(terminal: Terminal, { path, action, before, after, reason }: RestoreDifference): void {
	const { green, red, yellow, dim } = terminal.colors;
	const mark = Object.hasOwn(marks, action) ? marks[action as keyof typeof marks] : '?';
	const color = mark === '+' ? green : mark === '-' ? red : yellow;
	const parts: string[] = [];
	const only = before === undefined || after === undefined ? (after ?? before) : undefined;
	if (only !== undefined) {
		parts.push(dataText(only), aclText(acl(only)));
		if (only.kind !== 'persistent') parts.push(kindText(only));
	} else if (before !== undefined && after !== undefined) parts.push(...changesOf(before, after));
	if (reason !== '') parts.push(reason);
	terminal.line(color(`${mark} ${printable(path)}  ${parts.join('  ')}`));
	if (before === undefined || after === undefined) return;
	const [one, other] = [textOf(before), textOf(after)];
	if (one === undefined || other === undefined || !(one.includes('\n') || other.includes('\n')) || one === other)
		return;
	for (const { sign, line } of lineDifference(one, other)) {
		const shown = `    ${sign} ${printable(line).replace(/\\(["\\])/g, '$1')}`;
		terminal.line(sign === '+' ? green(shown) : sign === '-' ? red(shown) : dim(shown));
	}
}

function changesOf(before: RestoreNode, after: RestoreNode): string[] {
	const parts: string[] = [];
	if (!isSameData(before, after)) {
		const isLong = [before, after].some((node) => textOf(node)?.includes('\n') === true);
		parts.push(
			isLong ? `${size(before.dataLength)} → ${size(after.dataLength)}` : `${dataText(before)} → ${dataText(after)}`,
		);
	}
	const acls = [before, after].map((node) => aclText(acl(node)));
	if (acls[0] !== acls[1]) parts.push(`acl ${acls[0]} → ${acls[1]}`);
	if (kindText(before) !== kindText(after)) parts.push(`${kindText(before)} → ${kindText(after)}`);
	return parts;
}

function isSameData({ data: one }: RestoreNode, { data: other }: RestoreNode): boolean {
	if (one === undefined || other === undefined) return one === other;
	return Buffer.compare(one, other) === 0;
}

/** Of bytes that are no text, how many. */
function dataText(node: RestoreNode): string {
	const { data, dataLength } = node;
	if (data === undefined || textOf(node) !== undefined) return preview(data ?? null);
	return size(dataLength);
}

function textOf({ data }: RestoreNode): string | undefined {
	return data === undefined ? undefined : utf8(data);
}

function kindText({ kind, ttlMs }: RestoreNode): string {
	return kind === 'ttl' ? `ttl ${ttlMs} ms` : kind;
}

function acl({ acl }: RestoreNode): { perms: number; scheme: string; id: string }[] {
	return acl.map(({ perms, id }: Acl) => ({ perms, scheme: id?.scheme ?? '', id: id?.id ?? '' }));
}

function differenceObject({ path, action, before, after, reason }: RestoreDifference): object {
	const word = Object.hasOwn(words, action) ? words[action as keyof typeof words] : 'unknown';
	const why = reason === '' ? {} : { reason };
	return { path, action: word, before: before && nodeObject(before), after: after && nodeObject(after), ...why };
}

function nodeObject(node: RestoreNode): object {
	const { data, dataLength, kind, ttlMs } = node;
	return {
		kind,
		...(kind === 'ttl' ? { ttlMs: Number(ttlMs) } : {}),
		...dataObject(data ?? null),
		dataLength,
		acl: acl(node),
	};
}

function summaryObject({ zxid, baseZxid, conflicts, ...counts }: RestoreSummary): object {
	const numbers = Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, Number(value)]));
	return { zxid: hex(zxid), baseZxid: hex(baseZxid), ...numbers, conflicts };
}
