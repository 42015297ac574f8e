import type { Command } from 'commander';
import { portArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { runClone } from '../restore/clone.ts';
import { type Moment, momentArgument } from '../restore/moment.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../shared-options.ts';

interface Options extends DatabaseOptions {
	readonly at: Moment;
	readonly clientPort?: number;
	readonly skipAcl?: boolean;
}

export function addClone(program: Command, context: CommandContext): void {
	const command = program
		.command('clone')
		.summary('a throw-away server with the cluster as it was')
		.description(
			'Starts a server with exactly the tree of then, from PostgreSQL alone, for looking around with any ZooKeeper client, zkCli or `ck`, until Ctrl-C. It serves reads\n' +
				'only, whatever a client asks for: a write is answered NotReadOnly. It listens on this machine, has no mirror, and its files are removed at the end.',
		)
		.requiredOption('--at <zxid or time>', 'a zxid, or a time like "2026-11-20 14:00+01"', momentArgument)
		.option('--client-port <port>', "of ZooKeeper's protocol (default: a free one)", portArgument)
		.option('--skip-acl', 'whoever connects reads everything, whatever the access control lists of then say');
	addDatabaseOptions(command).action(async (_: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		context.setExitCode(await runClone(context, options.at, options));
	});
}
