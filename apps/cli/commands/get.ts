import type { Command } from 'commander';
import { pathArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { withClient } from '../server-connection.ts';
import { addReadOptions, optionsOf, type ReadOptions } from '../shared-options.ts';
import { printData } from '../view/data.ts';
import { dataObject, statObject } from '../view/json.ts';
import { clientStat, printStat } from '../view/stat.ts';
import { hex } from '../view/text.ts';

interface Options extends ReadOptions {
	readonly stat?: boolean;
}

export function addGet(program: Command, context: CommandContext): void {
	const command = program
		.command('get')
		.summary('print the data of a node')
		.description('Prints the data of a node: as they are into a pipe or file, safe to look at on a terminal.')
		.argument('<path>', 'absolute path', pathArgument)
		.option('--stat', 'the Stat too, before the data');
	addReadOptions(command).action(async (path: string, _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		const node = await withClient(options, (client) => client.get(path, options));
		if (terminal.json) {
			terminal.object({
				path,
				zxid: hex(node.zxid),
				...dataObject(node.data),
				stat: statObject(clientStat(node.stat)),
			});
			return;
		}
		if (options.stat) {
			printStat(terminal, clientStat(node.stat));
			terminal.line('');
		}
		printData(terminal, node.data);
	});
}
