import type { Command } from 'commander';
import { uint32Argument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { addDatabaseOnly, addServerOptions, optionsOf } from '../shared-options.ts';
import type { MakeProgram, ShellOptions } from '../shell/start.ts';

export function addShell(program: Command, context: CommandContext, makeProgram: MakeProgram): void {
	const command = program
		.command('shell')
		.summary('ask for commands, in one session')
		.description(
			"A shell in one session: zkCli's words and flags over gRPC, the other commands of ck, and what watches tell. From a pipe it takes\n" +
				'a command from each line. `ck` alone on a terminal is the same. docs/ck.md has it all.',
		)
		.option('--session-timeout <ms>', 'how long the session survives silence', uint32Argument, 30_000);
	addDatabaseOnly(addServerOptions(command)).action(async (_: unknown, self: Command) => {
		// Loaded when it is needed: the other commands start faster without gRPC.
		const { startShell } = await import('../shell/start.ts');
		await startShell(optionsOf<ShellOptions>(self), context, makeProgram);
	});
}
