import type { HistoryDifference, HistoryNode } from '#audit/history';
import type { Terminal } from '../terminal.ts';
import { printData } from '../view/data.ts';
import { dataObject, statObject } from '../view/json.ts';
import { printStat } from '../view/stat.ts';
import { Table } from '../view/table.ts';
import { aclText, hex, preview, printable } from '../view/text.ts';

/** The Stat as a client would have got it; beside it what only the server knows. */
function nodeObject({ path, kind, data, stat, acl, storedCversion, storedOwner }: HistoryNode): object {
	const stored = { storedCversion, storedOwner: hex(storedOwner) };
	return { path, kind, ...dataObject(data), stat: statObject(stat), acl, ...stored };
}

/** One node: Stat and ACL beside the data, which go to a pipe as they are. */
export function printNode(terminal: Terminal, node: HistoryNode, withStat: boolean): void {
	if (terminal.json) {
		terminal.object(nodeObject(node));
		return;
	}
	if (withStat) {
		printStat(terminal, node.stat);
		terminal.line(`${terminal.colors.dim('acl'.padEnd(14))}  ${aclText(node.acl)}`);
		terminal.line('');
	}
	printData(terminal, node.data);
}

export interface NodeList {
	node(node: HistoryNode): void;
	flush(): void;
}

export function nodeList(terminal: Terminal): NodeList {
	if (terminal.json) return { node: (node) => terminal.object(nodeObject(node)), flush: () => {} };
	const table = new Table(terminal, [
		{ title: 'VERSION', align: 'right' },
		{ title: 'CHILDREN', align: 'right' },
		{ title: 'MZXID' },
		{ title: 'OWNER' },
		{ title: 'PATH' },
		{ title: 'DATA' },
	]);
	return {
		node: ({ path, data, stat }) =>
			table.row(
				`${stat.version}`,
				`${stat.numChildren ?? ''}`,
				hex(stat.mzxid),
				stat.ephemeralOwner === 0n ? '-' : hex(stat.ephemeralOwner),
				printable(path),
				preview(data),
			),
		flush: () => table.flush(),
	};
}

const marks: Readonly<Record<string, string>> = { created: '+', deleted: '-' };

export function printDifference(terminal: Terminal, difference: HistoryDifference): void {
	if (terminal.json) {
		terminal.object(differenceObject(difference));
		return;
	}
	const { green, red, yellow } = terminal.colors;
	const mark = marks[difference.difference] ?? '~';
	const color = mark === '+' ? green : mark === '-' ? red : yellow;
	terminal.line(color(`${mark} ${printable(difference.path)}  ${differenceText(difference)}`));
}

function differenceText(difference: HistoryDifference): string {
	const { dataBefore, dataAfter, aclBefore, aclAfter, versionBefore, versionAfter } = difference;
	switch (difference.difference) {
		case 'created':
			return `${preview(dataAfter)} ${aclText(aclAfter ?? [])}`;
		case 'deleted':
			return preview(dataBefore);
		default: {
			const parts = difference.difference === 'recreated' ? ['deleted and created again'] : [];
			if (difference.difference !== 'acl') {
				parts.push(`version ${versionBefore} → ${versionAfter}`, `${preview(dataBefore)} → ${preview(dataAfter)}`);
			}
			const [before, after] = [aclText(aclBefore ?? []), aclText(aclAfter ?? [])];
			if (before !== after) parts.push(`acl ${before} → ${after}`);
			return parts.join(', ');
		}
	}
}

function differenceObject({ path, difference, before, after }: HistoryDifference): object {
	return { path, difference, before: before && nodeObject(before), after: after && nodeObject(after) };
}
