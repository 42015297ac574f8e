import { type Command, InvalidArgumentError } from 'commander';
import { countArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { UsageFailure } from '../failure.ts';
import { withClient } from '../server-connection.ts';
import { addServerOptions, optionsOf, type ServerOptions } from '../shared-options.ts';

interface Options extends ServerOptions {
	readonly share?: number;
}

export function addShed(program: Command, context: CommandContext): void {
	const command = program
		.command('shed')
		.summary('close connections, so that clients go elsewhere')
		.description(
			'Closes connections of a replica, by their numbers of `ck status --connections`, or a share of all. Their sessions live on: the clients go to another replica, or come back.',
		)
		.argument('[numbers...]', 'which', (text: string, before: readonly number[] | undefined) => [
			...(before ?? []),
			countArgument(text),
		])
		.option('--share <share>', 'of all, chosen at random: 0.25 is a quarter', shareArgument);
	addServerOptions(command).action(async (numbers: readonly number[] = [], _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { share } = options;
		if (numbers.length > 0 === (share !== undefined)) {
			throw new UsageFailure('which? Give numbers of `ck status --connections`, or --share');
		}
		const { terminal } = context;
		const closed = await withClient(options, (client) => client.shedLoad(share ?? numbers.map(BigInt)));
		if (terminal.json) terminal.object({ closed });
		else terminal.line(`${closed} closed`);
	});
}

function shareArgument(text: string): number {
	const share = Number(text);
	if (!(share > 0 && share <= 1)) throw new InvalidArgumentError('it must be above 0 and at most 1.');
	return share;
}
