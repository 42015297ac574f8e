import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { runServer } from '../server-process.ts';

export function addServer(program: Command, context: CommandContext): void {
	program
		.command('server')
		.summary('start a replica')
		.description(
			'Starts a replica and serves until Ctrl-C. Every key of the configuration is also an environment variable: dataDir is\n' +
				'CK_DATA_DIR; docs/configuration.md has them all.',
		)
		.option('--config <zoo.cfg>', 'the configuration; without it all keys have their defaults')
		.option('--check', 'read the configuration, say what is wrong, and end')
		.action(async ({ config, check = false }: { readonly config?: string; readonly check?: boolean }) => {
			context.setExitCode(await runServer(context, { config, check }));
		});
}
