import type { HistoryDifference, HistoryNode } from '#audit/history';
import type { Terminal } from '../terminal.ts';
import { printData } from '../view/data.ts';
import { dataObject, statObject } from '../view/json.ts';
import { printStat } from '../view/stat.ts';
import { Table } from '../view/table.ts';
import { aclText, hex, preview, printable } from '../view/text.ts';

/** The Stat as a client would have got it; beside it what only the server knows. */
function nodeObject(node: HistoryNode): object {
	const { path, kind, data, stat, acl, storedCversion, storedOwner } = node;
	const stored = { storedCversion, storedOwner: hex(storedOwner) };
	return { path, kind, ...dataObject(data), ...redactedObject(node), stat: statObject(stat), acl, ...stored };
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
	if (node.dataHash === null) printData(terminal, node.data);
	else terminal.note(shownData(node));
}

/** Of data that were kept out of PostgreSQL their length and hash. */
function shownData({ data, dataHash, stat }: HistoryNode): string {
	if (dataHash === null) return preview(data);
	return `redacted, ${stat.dataLength} B, SHA-256 ${Buffer.from(dataHash).toString('hex').slice(0, 16)}…`;
}

function redactedObject({ dataHash }: HistoryNode): object {
	return dataHash === null ? {} : { redacted: true, dataSha256: Buffer.from(dataHash).toString('hex') };
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
		node: (node) => {
			const { path, stat } = node;
			table.row(
				`${stat.version}`,
				`${stat.numChildren ?? ''}`,
				hex(stat.mzxid),
				stat.ephemeralOwner === 0n ? '-' : hex(stat.ephemeralOwner),
				printable(path),
				shownData(node),
			);
		},
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
	const { before, after, aclBefore, aclAfter, versionBefore, versionAfter } = difference;
	const [dataBefore, dataAfter] = [before, after].map((node) => (node === null ? preview(null) : shownData(node)));
	switch (difference.difference) {
		case 'created':
			return `${dataAfter} ${aclText(aclAfter ?? [])}`;
		case 'deleted':
			return dataBefore!;
		default: {
			const parts = difference.difference === 'recreated' ? ['deleted and created again'] : [];
			if (difference.difference !== 'acl') {
				parts.push(`version ${versionBefore} → ${versionAfter}`, `${dataBefore} → ${dataAfter}`);
			}
			const [aclOne, aclOther] = [aclText(aclBefore ?? []), aclText(aclAfter ?? [])];
			if (aclOne !== aclOther) parts.push(`acl ${aclOne} → ${aclOther}`);
			return parts.join(', ');
		}
	}
}

function differenceObject({ path, difference, before, after }: HistoryDifference): object {
	return { path, difference, before: before && nodeObject(before), after: after && nodeObject(after) };
}
