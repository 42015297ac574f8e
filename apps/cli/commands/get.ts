import type { Command } from 'commander';
import type { ChronokeeperClient, NodeEvent, Stat } from '#client/client';
import { pathArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { withClient } from '../server-connection.ts';
import { addReadOptions, optionsOf, type ReadOptions, readOptionsOf } from '../shared-options.ts';
import type { Terminal } from '../terminal.ts';
import { printData } from '../view/data.ts';
import { dataObject, statObject } from '../view/json.ts';
import { clientStat, printStat } from '../view/stat.ts';
import { hex } from '../view/text.ts';
import { orMissing, watchNode } from '../watching.ts';

interface Options extends ReadOptions {
	readonly stat?: boolean;
	readonly watch?: boolean;
}

export function addGet(program: Command, context: CommandContext): void {
	const command = program
		.command('get')
		.summary('print the data of a node')
		.description('Prints the data of a node: as they are into a pipe or file, safe to look at on a terminal.')
		.argument('<path>', 'absolute path', pathArgument)
		.option('-s, --stat', 'the Stat too, before the data')
		.option('-w, --watch', 'go on with what the data become, until Ctrl-C');
	addReadOptions(command).action(async (path: string, _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		await withClient(options, async (client) => {
			if (options.watch) await watchData(client, path, options, context);
			else print(terminal, path, await client.get(path, readOptionsOf(options)), options);
		});
	});
}

interface Shown {
	readonly data: Uint8Array | null;
	readonly stat: Stat;
	/** Of the answer, or of the change. */
	readonly zxid: bigint;
}

function print(terminal: Terminal, path: string, { data, stat, zxid }: Shown, options: Options): void {
	if (terminal.json) {
		terminal.object({ path, zxid: hex(zxid), ...dataObject(data), stat: statObject(clientStat(stat)) });
		return;
	}
	if (options.stat) {
		printStat(terminal, clientStat(stat));
		terminal.line('');
	}
	printData(terminal, data);
	// One after the other, they must not run into each other.
	if (options.watch && !terminal.interactive && data?.at(-1) !== lineFeed) terminal.line('');
}

const lineFeed = 10;

async function watchData(
	client: ChronokeeperClient,
	path: string,
	options: Options,
	{ terminal, interrupted }: CommandContext,
): Promise<void> {
	let shown: bigint | undefined;
	const show = async (): Promise<bigint> => {
		const node = await orMissing(client.get(path, readOptionsOf(options)));
		if (typeof node === 'bigint') {
			terminal.note(`${path}: there is no such node now`);
			return node;
		}
		// The stream was lost and nothing happened meanwhile.
		if (node.stat.mzxid !== shown) print(terminal, path, node, options);
		shown = node.stat.mzxid;
		return node.zxid;
	};
	const changed = async ({ type, zxid, stat, data }: NodeEvent): Promise<void> => {
		if (type === 'NodeChildrenChanged') return;
		if (type !== 'NodeDeleted' && stat !== undefined && zxid !== undefined) {
			print(terminal, path, { data: data ?? null, stat, zxid }, options);
			shown = stat.mzxid;
		} else if (type !== 'NodeDeleted') await show();
		else if (terminal.json) terminal.object({ path, ...(zxid && { zxid: hex(zxid) }), deleted: true });
		else terminal.note(`${path} was deleted${zxid === undefined ? '' : ` (zxid ${hex(zxid)})`}`);
	};
	await watchNode(client, { path, mode: 'persistent', withData: true, show, changed }, terminal, interrupted());
}
