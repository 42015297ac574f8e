import { type Command, Option } from 'commander';
import { pathArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { withClient } from '../server-connection.ts';
import { addServerOptions, optionsOf, type ServerOptions } from '../shared-options.ts';
import { dataObject, statObject } from '../view/json.ts';
import { clientStat } from '../view/stat.ts';
import { hex } from '../view/text.ts';
import { watchNode } from '../watching.ts';

interface Options extends ServerOptions {
	readonly mode: 'PERSISTENT' | 'PERSISTENT_RECURSIVE';
}

export function addAddWatch(program: Command, context: CommandContext): void {
	const command = program
		.command('addWatch')
		.summary('tell of every change')
		.description(
			'Tells of every change of a node, and of everything below it, until Ctrl-C. With --json with the data too.',
		)
		.argument('<path>', 'absolute path; the node need not be there', pathArgument)
		.addOption(
			new Option('-m, --mode <mode>', 'the node and its list of children, or everything below too')
				.choices(['PERSISTENT', 'PERSISTENT_RECURSIVE'])
				.default('PERSISTENT_RECURSIVE'),
		);
	addServerOptions(command).action(async (path: string, _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		const mode = options.mode === 'PERSISTENT' ? 'persistent' : 'persistentRecursive';
		await withClient(options, (client) =>
			watchNode(
				client,
				{
					path,
					mode,
					withData: terminal.json,
					show: async () => {
						terminal.note(`watching ${path}`);
						return 0n;
					},
					changed: ({ type, path: node, zxid, stat, data }) => {
						const at = zxid === undefined ? undefined : hex(zxid);
						if (!terminal.json) terminal.line(`${type} path:${node}${at === undefined ? '' : ` zxid:${at}`}`);
						else {
							const after =
								stat === undefined ? {} : { ...dataObject(data ?? null), stat: statObject(clientStat(stat)) };
							terminal.object({ type, path: node, zxid: at, ...after });
						}
					},
				},
				terminal,
				context.interrupted(),
			),
		);
	});
}
