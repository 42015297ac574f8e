import type { Command } from 'commander';
import { pathArgument } from '../arguments.ts';
import { withHistory } from '../audit-database.ts';
import type { CommandContext } from '../command-context.ts';
import { Failure } from '../failure.ts';
import { printNode } from '../history/print-nodes.ts';
import { type Moment, momentArgument, tellZxidOf } from '../restore/moment.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../shared-options.ts';
import { hex } from '../view/text.ts';

interface Options extends DatabaseOptions {
	readonly stat?: boolean;
}

export function addAt(program: Command, context: CommandContext): void {
	const command = program
		.command('at')
		.summary('a node as it was')
		.description('Prints the data of a node as it was right after a transaction, or at a time.')
		.argument('<zxid>', 'hexadecimal or decimal, or a time like "2026-11-20 14:00+01"', momentArgument)
		.argument('<path>', 'absolute path', pathArgument)
		.option('--stat', 'Stat and ACL too, before the data');
	addDatabaseOptions(command).action(async (moment: Moment, path: string, _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		await withHistory(options, async (history) => {
			const zxid = await tellZxidOf(moment, history, terminal);
			const node = await history.nodeAt(path, zxid);
			if (node === undefined) throw new Failure(`${path}: there was no such node at ${hex(zxid)}`);
			printNode(terminal, node, options.stat === true);
		});
	});
}
