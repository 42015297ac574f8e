import type { Command } from 'commander';
import type { Zxid } from '#jute/scalars';
import { pathArgument, zxidArgument } from '../arguments.ts';
import { withHistory } from '../audit-database.ts';
import type { CommandContext } from '../command-context.ts';
import { printDifference } from '../history/print-nodes.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../shared-options.ts';

export function addDiff(program: Command, context: CommandContext): void {
	const command = program
		.command('diff')
		.summary('what is different between two zxids')
		.description(
			'Prints the nodes that are different between two transactions, in the order of the paths: + created, - deleted, ~ changed. The exit code is 0 whether there are any or not.',
		)
		.argument('<zxid1>', 'right after this transaction', zxidArgument)
		.argument('<zxid2>', 'right after this transaction', zxidArgument)
		.argument('[prefix]', 'only this node and what is below it', pathArgument, '/');
	addDatabaseOptions(command).action(async (zxid1: Zxid, zxid2: Zxid, prefix: string, _: unknown, self: Command) => {
		const { terminal } = context;
		await withHistory(optionsOf<DatabaseOptions>(self), async (history) => {
			for await (const batch of history.diff(zxid1, zxid2, prefix)) {
				for (const difference of batch) printDifference(terminal, difference);
				if (!(await terminal.keepUp())) return;
			}
		});
	});
}
