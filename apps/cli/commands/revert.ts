import type { Command } from 'commander';
import type { Zxid } from '#jute/scalars';
import { zxidArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { type LiveOptions, undoLive } from '../restore/live.ts';
import { addServerOptions, optionsOf } from '../shared-options.ts';

export function addRevert(program: Command, context: CommandContext): void {
	const command = program
		.command('revert')
		.summary('undo one transaction, while the cluster serves')
		.description(
			'Gives the nodes that a transaction changed back what they were before it, where nobody has touched them since. It is a transaction of its own: the history shows both.\n' +
				'Takes the role `restore`. Ephemeral nodes belong to sessions: those that went with one are not made again.',
		)
		.argument('<zxid>', 'the transaction, hexadecimal or decimal', zxidArgument)
		.option('--dry-run', 'shows what it would do, and does nothing')
		.option('--force', 'also where somebody has written since')
		.option('--reason <text>', 'why: stands in the history');
	addServerOptions(command).action((zxid: Zxid, _: unknown, self: Command) =>
		undoLive(context, { target: { $case: 'revertZxid', value: BigInt(zxid) }, path: '' }, optionsOf<LiveOptions>(self)),
	);
}
