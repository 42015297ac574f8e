import type { Command } from 'commander';
import { pathArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { Failure } from '../failure.ts';
import { withClient } from '../server-connection.ts';
import { addReadOptions, optionsOf, type ReadOptions } from '../shared-options.ts';
import { statObject } from '../view/json.ts';
import { clientStat, printStat } from '../view/stat.ts';

export function addStat(program: Command, context: CommandContext): void {
	const command = program
		.command('stat')
		.summary('print the Stat of a node')
		.description('Prints the Stat of a node. The exit code is 1 when there is no such node.')
		.argument('<path>', 'absolute path', pathArgument);
	addReadOptions(command).action(async (path: string, _: unknown, self: Command) => {
		const options = optionsOf<ReadOptions>(self);
		const { terminal } = context;
		const stat = await withClient(options, (client) => client.exists(path, options));
		if (stat === undefined) throw new Failure(`${path}: the node does not exist (NoNode)`);
		if (terminal.json) terminal.object({ path, ...statObject(clientStat(stat)) });
		else printStat(terminal, clientStat(stat));
	});
}
