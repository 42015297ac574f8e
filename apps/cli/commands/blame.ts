import type { Command } from 'commander';
import type { Blame, Culprit } from '#audit/history';
import { pathArgument } from '../arguments.ts';
import { withHistory } from '../audit-database.ts';
import type { CommandContext } from '../command-context.ts';
import { Failure } from '../failure.ts';
import { whoText } from '../history/print-txns.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../shared-options.ts';
import type { Terminal } from '../terminal.ts';
import { Table } from '../view/table.ts';
import { hex, printable, time } from '../view/text.ts';

export function addBlame(program: Command, context: CommandContext): void {
	const command = program
		.command('blame')
		.summary('who made a node what it is')
		.description(
			'Prints who created a node, last set its data and its ACL, and deleted it if it is gone; then, where its data are text, who each line is from.',
		)
		.argument('<path>', 'absolute path', pathArgument);
	addDatabaseOptions(command).action(async (path: string, _: unknown, self: Command) => {
		const blame = await withHistory(optionsOf<DatabaseOptions>(self), (history) => history.blame(path));
		if (blame === undefined) throw new Failure(`${path}: the history knows no such node`);
		const { terminal } = context;
		if (terminal.json) terminal.object(blameObject(path, blame));
		else print(terminal, blame);
	});
}

function print(terminal: Terminal, { facts, lines }: Blame): void {
	const who = [{ title: 'ZXID' }, { title: 'TIME' }, { title: 'BY' }];
	const table = new Table(terminal, [{ title: 'WHAT' }, ...who, { title: 'VERSION', align: 'right' }]);
	for (const { what, version, ...by } of facts) table.row(what, ...whoCells(by), `${version}`);
	table.flush();
	if (lines === null) {
		terminal.note('its data are not text, or are not shown');
		return;
	}
	if (lines.length === 0) return;
	terminal.line('');
	const text = new Table(terminal, [...who, { title: 'LINE', align: 'right' }, { title: 'DATA' }]);
	for (const [at, { line, by }] of lines.entries()) text.row(...whoCells(by), `${at + 1}`, printable(line));
	text.flush();
}

function whoCells(by: Culprit): string[] {
	return [hex(by.zxid), by.timeMs === null ? '?' : time(by.timeMs), whoText(by)];
}

function blameObject(path: string, { facts, lines }: Blame): object {
	const culprit = ({ zxid, timeMs, ...who }: Culprit) => ({ zxid: hex(zxid), time: timeMs, ...who });
	return {
		path,
		facts: facts.map(({ what, version, ...by }) => ({ what, version, ...culprit(by) })),
		lines: lines?.map(({ line, by }) => ({ line, ...culprit(by) })) ?? null,
	};
}
