import type { Command } from 'commander';
import { pathArgument } from '../arguments.ts';
import { withHistory } from '../audit-database.ts';
import type { CommandContext } from '../command-context.ts';
import { nodeList } from '../history/print-nodes.ts';
import { type Moment, momentArgument, tellZxidOf } from '../restore/moment.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../shared-options.ts';

interface Options extends DatabaseOptions {
	readonly at?: Moment;
}

export function addTree(program: Command, context: CommandContext): void {
	const command = program
		.command('tree')
		.summary('the tree as it was')
		.description(
			'Prints every node of the tree, or of a part of it, as it was right after a transaction, or at a time, in the order of the paths.',
		)
		.argument('[prefix]', 'only this node and what is below it', pathArgument, '/')
		.option(
			'--at <zxid|time>',
			'hexadecimal or decimal, or a time like "2026-11-20 14:00+01" (default: the last one in the database)',
			momentArgument,
		);
	addDatabaseOptions(command).action(async (prefix: string, _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		await withHistory(options, async (history) => {
			const list = nodeList(terminal);
			const { at } = options;
			const zxid = at === undefined ? await history.lastZxid() : await tellZxidOf(at, history, terminal);
			for await (const batch of history.treeAt(zxid, prefix)) {
				for (const node of batch) list.node(node);
				if (!(await terminal.keepUp())) return;
			}
			list.flush();
		});
	});
}
