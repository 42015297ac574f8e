import type { Command } from 'commander';
import type { ChronokeeperClient, Stat } from '#client/client';
import { pathArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { Failure } from '../failure.ts';
import { withClient } from '../server-connection.ts';
import { addReadOptions, optionsOf, type ReadOptions, readOptionsOf } from '../shared-options.ts';
import type { Terminal } from '../terminal.ts';
import { statObject } from '../view/json.ts';
import { clientStat, printStat } from '../view/stat.ts';
import { hex } from '../view/text.ts';
import { orMissing, watchNode } from '../watching.ts';

interface Options extends ReadOptions {
	readonly watch?: boolean;
}

export function addStat(program: Command, context: CommandContext): void {
	const command = program
		.command('stat')
		.summary('print the Stat of a node')
		.description('Prints the Stat of a node. The exit code is 1 when there is no such node.')
		.argument('<path>', 'absolute path', pathArgument)
		.option('-w, --watch', 'go on with what it becomes, until Ctrl-C; the node need not be there');
	addReadOptions(command).action(async (path: string, _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		await withClient(options, async (client) => {
			if (options.watch) return watchStat(client, path, options, context);
			const stat = await client.exists(path, readOptionsOf(options));
			if (stat === undefined) throw new Failure(`${path}: the node does not exist (NoNode)`);
			print(context.terminal, path, stat);
		});
	});
}

function print(terminal: Terminal, path: string, stat: Stat): void {
	if (terminal.json) terminal.object({ path, ...statObject(clientStat(stat)) });
	else printStat(terminal, clientStat(stat));
}

/** A Stat changes with the data and with the children. */
async function watchStat(
	client: ChronokeeperClient,
	path: string,
	options: Options,
	{ terminal, interrupted }: CommandContext,
): Promise<void> {
	let isFirst = true;
	let shown = '';
	const printNext = (stat: Stat): void => {
		const text = JSON.stringify(statObject(clientStat(stat)));
		if (text === shown) return;
		if (!isFirst && !terminal.json) terminal.line('');
		print(terminal, path, stat);
		isFirst = false;
		shown = text;
	};
	const show = async (): Promise<bigint> => {
		const node = await orMissing(client.get(path, readOptionsOf(options)));
		if (typeof node === 'bigint') {
			terminal.note(`${path}: there is no such node now`);
			return node;
		}
		printNext(node.stat);
		return node.zxid;
	};
	await watchNode(
		client,
		{
			path,
			mode: 'persistent',
			withData: true,
			show,
			changed: async ({ type, zxid, stat }) => {
				if (stat !== undefined) printNext(stat);
				else if (type !== 'NodeDeleted') await show();
				else if (terminal.json) terminal.object({ path, ...(zxid && { zxid: hex(zxid) }), deleted: true });
				else terminal.note(`${path} was deleted${zxid === undefined ? '' : ` (zxid ${hex(zxid)})`}`);
			},
		},
		terminal,
		interrupted(),
	);
}
