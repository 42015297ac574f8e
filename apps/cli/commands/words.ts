/** zkCli's words that `ck` has no command of its own for: `ck getAcl /a`. Without a session, and so without an entry in the log for reads. */
import type { Command } from 'commander';
import type { ChronokeeperClient } from '#client/client';
import { pathArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { UsageFailure } from '../failure.ts';
import { withClient } from '../server-connection.ts';
import { addServerOptions, optionsOf, type ServerOptions } from '../shared-options.ts';
import { nodeWords, words } from '../shell/vocabulary.ts';
import { statObject } from '../view/json.ts';
import { clientStat } from '../view/stat.ts';
import { hex } from '../view/text.ts';
import type { Output } from '../zookeeper/commands/command.ts';

/** Nothing without a session: not in the help of the program. */
const aboutSessions = ['addauth', 'removewatches', 'getEphemerals'];
/** Has a form of its own here. */
const ownForm = ['addWatch', 'close'];

/** What machines get with --json. */
const asObject: Readonly<Record<string, (client: ChronokeeperClient, path: string) => Promise<object>>> = {
	getAcl: async (client, path) => {
		const { acl, stat } = await client.getAcl(path);
		return { path, acl: acl.map(({ perms, id }) => ({ ...id, perms })), stat: statObject(clientStat(stat)) };
	},
	whoami: async (client) => ({ identities: await client.whoAmI() }),
	getAllChildrenNumber: async (client, path) => ({ path, count: await client.allChildrenNumber(path) }),
	sync: async (client, path) => ({ path, zxid: hex(await client.sync(path)) }),
};

/** Those that the program does not have yet. */
export function addWords(program: Command, context: CommandContext): void {
	const there = program.commands.map((command) => command.name());
	for (const name of nodeWords.keys()) {
		if (!there.includes(name) && !ownForm.includes(name)) addWord(program, name, context);
	}
}

function addWord(program: Command, name: string, context: CommandContext): void {
	const { usage, summary } = words.get(name)!;
	const command = program
		.command(name, { hidden: aboutSessions.includes(name) })
		.summary(summary.replace(/;.*/, ''))
		.description(`As zkCli has it: ${summary}.`)
		.usage(`[options] ${usage}`)
		// Its own flags are zkCli's, which commander could not read: `-add` has one dash.
		.allowUnknownOption()
		.argument('[words...]');
	addServerOptions(command).action(async (args: string[], _: unknown, self: Command) => {
		const options = optionsOf<ServerOptions>(self);
		const { terminal } = context;
		if (terminal.json) {
			await printObject(name, args, options, context);
			return;
		}
		const [{ runWord, failureOf }, { GrpcOperations }] = await Promise.all([
			import('../shell/run-word.ts'),
			import('../shell/grpc-operations.ts'),
		]);
		await withClient(options, async (client) => {
			try {
				await runWord(nodeWords.get(name)!, [name, ...args], outputOf(context), () => new GrpcOperations(client));
			} catch (error) {
				throw failureOf(error);
			}
		});
	});
}

async function printObject(
	name: string,
	args: readonly string[],
	options: ServerOptions,
	{ terminal }: CommandContext,
): Promise<void> {
	const objectOf = asObject[name];
	if (objectOf === undefined) throw new UsageFailure(`ck ${name} has no --json`);
	const path = pathArgument(args.find((arg) => !arg.startsWith('-')) ?? '/');
	terminal.object(await withClient(options, (client) => objectOf(client, path)));
}

function outputOf({ terminal }: CommandContext): Output {
	return {
		out: (line) => terminal.line(line),
		err: (line) => terminal.note(line),
		print: (text) => terminal.raw(Buffer.from(text)),
	};
}
