import type { Command } from 'commander';
import { pathArgument, versionArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { type DataOptions, readData } from '../data-argument.ts';
import { UsageFailure } from '../failure.ts';
import { withClient } from '../server-connection.ts';
import { addServerOptions, optionsOf, type ServerOptions } from '../shared-options.ts';
import { statObject } from '../view/json.ts';
import { clientStat, printStat } from '../view/stat.ts';
import { hex } from '../view/text.ts';

interface Options extends ServerOptions, DataOptions {
	readonly version: number;
	readonly stat?: boolean;
}

export function addSet(program: Command, context: CommandContext): void {
	const command = program
		.command('set')
		.summary('replace the data of a node')
		.description('Replaces the data of a node. What is piped in is taken when no data are named.')
		.argument('<path>', 'absolute path', pathArgument)
		.argument('[data]', 'the data, as UTF-8')
		.option('--file <file>', 'the data are in this file; - is standard input')
		.option('--null', 'no data: null')
		.option('-v, --version <n>', 'only when the node has this version', versionArgument, -1)
		.option('-s, --stat', 'print the Stat that it has now');
	addServerOptions(command).action(async (path: string, text: string | undefined, _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		let data = await readData(context, text, options);
		if (data === undefined) {
			if (context.inputIsTerminal)
				throw new UsageFailure('which data? Give DATA, --file FILE or --null, or pipe them in');
			data = await context.readInput();
		}
		const value = data;
		const changed = await withClient(options, (client) => client.set(path, value, options.version));
		if (terminal.json) {
			terminal.object({ path, zxid: hex(changed.zxid), stat: statObject(clientStat(changed.stat)) });
		} else if (options.stat) printStat(terminal, clientStat(changed.stat));
		else terminal.line(`${path} has version ${changed.stat.version} (zxid ${hex(changed.zxid)})`);
	});
}
