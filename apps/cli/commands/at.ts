import type { Command } from 'commander';
import type { Zxid } from '#jute/scalars';
import { pathArgument, zxidArgument } from '../arguments.ts';
import { withHistory } from '../audit-database.ts';
import type { CommandContext } from '../command-context.ts';
import { Failure } from '../failure.ts';
import { printNode } from '../history/print-nodes.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../shared-options.ts';
import { hex } from '../view/text.ts';

interface Options extends DatabaseOptions {
	readonly stat?: boolean;
}

export function addAt(program: Command, context: CommandContext): void {
	const command = program
		.command('at')
		.summary('a node as it was')
		.description('Prints the data of a node as it was right after a transaction.')
		.argument('<zxid>', 'hexadecimal or decimal', zxidArgument)
		.argument('<path>', 'absolute path', pathArgument)
		.option('--stat', 'Stat and ACL too, before the data');
	addDatabaseOptions(command).action(async (zxid: Zxid, path: string, _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const node = await withHistory(options, (history) => history.nodeAt(path, zxid));
		if (node === undefined) throw new Failure(`${path}: there was no such node at ${hex(zxid)}`);
		printNode(context.terminal, node, options.stat === true);
	});
}
