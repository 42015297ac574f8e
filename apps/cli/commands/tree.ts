import type { Command } from 'commander';
import type { Zxid } from '#jute/scalars';
import { pathArgument, zxidArgument } from '../arguments.ts';
import { withHistory } from '../audit-database.ts';
import type { CommandContext } from '../command-context.ts';
import { nodeList } from '../history/print-nodes.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../shared-options.ts';

interface Options extends DatabaseOptions {
	readonly at?: Zxid;
}

export function addTree(program: Command, context: CommandContext): void {
	const command = program
		.command('tree')
		.summary('the tree as it was')
		.description(
			'Prints every node of the tree, or of a part of it, as it was right after a transaction, in the order of the paths.',
		)
		.argument('[prefix]', 'only this node and what is below it', pathArgument, '/')
		.option('--at <zxid>', 'hexadecimal or decimal (default: the last one in the database)', zxidArgument);
	addDatabaseOptions(command).action(async (prefix: string, _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		await withHistory(options, async (history) => {
			const list = nodeList(terminal);
			const zxid = options.at ?? (await history.lastZxid());
			for await (const batch of history.treeAt(zxid, prefix)) {
				for (const node of batch) list.node(node);
				if (!(await terminal.keepUp())) return;
			}
			list.flush();
		});
	});
}
