import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { withClient } from '../server-connection.ts';
import { addServerOptions, optionsOf, type ServerOptions } from '../shared-options.ts';
import { snapshotObject } from '../view/replica-status.ts';
import { duration, hex, size } from '../view/text.ts';

export function addSnapshot(program: Command, context: CommandContext): void {
	const command = program
		.command('snapshot')
		.summary('write a snapshot now')
		.description(
			'Has the replica write an exact snapshot, and waits until it is on its disk. Serving goes on meanwhile.',
		);
	addServerOptions(command).action(async (_: unknown, self: Command) => {
		const { terminal } = context;
		const taken = await withClient(optionsOf<ServerOptions>(self), (client) => client.takeSnapshot());
		if (terminal.json) terminal.object(snapshotObject(taken));
		else {
			const took = `${size(Number(taken.bytes))} in ${duration(Number(taken.durationMs))}`;
			terminal.line(`${taken.file}, ${took}: the state at zxid ${hex(taken.zxid)}`);
		}
	});
}
