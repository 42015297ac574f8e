import type { Command } from 'commander';
import { pathArgument } from '../arguments.ts';
import { withHistory } from '../audit-database.ts';
import type { CommandContext } from '../command-context.ts';
import { printDifference } from '../history/print-nodes.ts';
import { type Moment, momentArgument, tellZxidOf } from '../restore/moment.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../shared-options.ts';

export function addDiff(program: Command, context: CommandContext): void {
	const command = program
		.command('diff')
		.summary('what is different between two zxids')
		.description(
			'Prints the nodes that are different between two transactions, or two times, in the order of the paths: + created, - deleted, ~ changed. A parent has not changed because children came or went. The exit code is 0 whether there are any or not.',
		)
		.argument('<zxid1>', 'right after this transaction, or at a time like "2026-11-20 14:00+01"', momentArgument)
		.argument('<zxid2>', 'as well', momentArgument)
		.argument('[prefix]', 'only this node and what is below it', pathArgument, '/');
	addDatabaseOptions(command).action(async (one: Moment, other: Moment, prefix: string, _: unknown, self: Command) => {
		const { terminal } = context;
		await withHistory(optionsOf<DatabaseOptions>(self), async (history) => {
			const zxid1 = await tellZxidOf(one, history, terminal);
			const zxid2 = await tellZxidOf(other, history, terminal);
			for await (const batch of history.diff(zxid1, zxid2, prefix)) {
				for (const difference of batch) printDifference(terminal, difference);
				if (!(await terminal.keepUp())) return;
			}
		});
	});
}
