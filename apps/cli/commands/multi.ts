import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { UsageFailure } from '../failure.ts';
import { withClient } from '../server-connection.ts';
import { addServerOptions, optionsOf, type ServerOptions } from '../shared-options.ts';
import { hex } from '../view/text.ts';
import { wordsOf } from '../zookeeper/words.ts';

export function addMulti(program: Command, context: CommandContext): void {
	const command = program
		.command('multi')
		.summary('several operations, all or none')
		.description(
			"Does several operations as one transaction: all of them or none. Each argument is one, in the words of the shell, or each line of\nwhat is piped in: ck multi 'create /a 1' 'set -v 2 /b x' 'delete /c' 'check -v 0 /d'.",
		)
		.argument(
			'[operations...]',
			'create [-s] [-c] [-t ttl] path [data] [acl], set [-v n] path data, delete [-v n] path, check [-v n] path',
		);
	addServerOptions(command).action(async (args: string[], _: unknown, self: Command) => {
		const options = optionsOf<ServerOptions>(self);
		const { terminal } = context;
		const lines = args.length > 0 ? args : await piped(context);
		const [{ parseOps, multiLines, multiFailure }, { failureOf }] = await Promise.all([
			import('../shell/multi.ts'),
			import('../shell/run-word.ts'),
		]);
		const ops = readable(() => parseOps(lines.map((line) => wordsOf(line.trim()))), failureOf);
		await withClient(options, async (client) => {
			try {
				const response = await client.multi(ops);
				if (!terminal.json) for (const line of multiLines(ops, response)) terminal.line(line);
				else terminal.object({ zxid: hex(response.zxid), results: response.results.map(({ path }) => ({ path })) });
			} catch (error) {
				throw failureOf(multiFailure(ops, error) ?? error);
			}
		});
	});
}

async function piped({ inputIsTerminal, readInput }: CommandContext): Promise<string[]> {
	if (inputIsTerminal)
		throw new UsageFailure('which operations? Give them as arguments, or pipe them in, one on each line');
	const lines = Buffer.from(await readInput())
		.toString('utf8')
		.split('\n');
	return lines.filter((line) => line.trim() !== '');
}

function readable<T>(read: () => T, failureOf: (error: unknown) => Error): T {
	try {
		return read();
	} catch (error) {
		throw new UsageFailure(failureOf(error).message);
	}
}
