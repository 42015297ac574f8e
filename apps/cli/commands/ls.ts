import type { Command } from 'commander';
import type { ChronokeeperClient, Stat } from '#client/client';
import { pathArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { withClient } from '../server-connection.ts';
import { addReadOptions, optionsOf, type ReadOptions } from '../shared-options.ts';
import { statObject } from '../view/json.ts';
import { clientStat } from '../view/stat.ts';
import { Table } from '../view/table.ts';
import { hex, time } from '../view/text.ts';

interface Options extends ReadOptions {
	readonly recursive?: boolean;
	readonly long?: boolean;
}

export function addLs(program: Command, context: CommandContext): void {
	const command = program
		.command('ls')
		.summary('list the children of a node')
		.description('Lists the names of the children of a node, or with --recursive the paths of everything below it.')
		.argument('[path]', 'absolute path', pathArgument, '/')
		.option('-l, --long', 'version, size, time of the last change and owner of each')
		.option('-R, --recursive', 'everything below, parents first');
	addReadOptions(command).action(async (path: string, _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		await withClient(options, async (client) => {
			const table = new Table(terminal, columns);
			for await (const { node, name } of list(client, path, options)) {
				const shown = options.recursive ? node : name;
				const stat = options.long || terminal.json ? await statIfThere(client, node, options) : undefined;
				if (stat === 'gone') continue;
				if (terminal.json) terminal.object({ path: node, ...(stat ? { stat: statObject(clientStat(stat)) } : {}) });
				else if (stat)
					table.row(
						`${stat.version}`,
						`${stat.dataLength}`,
						`${stat.numChildren}`,
						time(stat.mtimeMs),
						owner(stat),
						shown,
					);
				else terminal.line(shown);
				if (!(await terminal.keepUp())) return;
			}
			table.flush();
		});
	});
}

const columns = [
	{ title: 'VERSION', align: 'right' },
	{ title: 'BYTES', align: 'right' },
	{ title: 'CHILDREN', align: 'right' },
	{ title: 'CHANGED' },
	{ title: 'OWNER' },
	{ title: 'NAME' },
] as const;

function owner(stat: Stat): string {
	return stat.ephemeralOwner === 0n ? '-' : hex(stat.ephemeralOwner);
}

async function* list(
	client: ChronokeeperClient,
	root: string,
	options: Options,
): AsyncGenerator<{ node: string; name: string }> {
	const { recursive = false } = options;
	const waiting: string[] = [root];
	for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
		const names = await childrenIfThere(client, path, root, options);
		if (recursive && path !== root) yield { node: path, name: path };
		for (const name of recursive ? [] : names) yield { node: childPath(path, name), name };
		if (recursive) for (const name of names.reverse()) waiting.push(childPath(path, name));
	}
}

/** What goes away while a tree is listed is no error, unless it is the node that was asked for. */
async function childrenIfThere(
	client: ChronokeeperClient,
	path: string,
	root: string,
	options: Options,
): Promise<string[]> {
	try {
		return (await client.children(path, options)).names;
	} catch (error) {
		if (path === root || (error as { codeName?: string }).codeName !== 'NoNode') throw error;
		return [];
	}
}

async function statIfThere(
	client: ChronokeeperClient,
	path: string,
	options: Options,
): Promise<Stat | 'gone' | undefined> {
	if (!options.long) return undefined;
	return (await client.exists(path, options)) ?? 'gone';
}

export function childPath(parent: string, name: string): string {
	return parent === '/' ? `/${name}` : `${parent}/${name}`;
}
