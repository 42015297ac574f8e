import type { Command } from 'commander';
import type { ChronokeeperClient, Stat } from '#client/client';
import { pathArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { withClient } from '../server-connection.ts';
import { addReadOptions, optionsOf, type ReadOptions, readOptionsOf } from '../shared-options.ts';
import { statObject } from '../view/json.ts';
import { clientStat, printStat } from '../view/stat.ts';
import { Table } from '../view/table.ts';
import { hex, time } from '../view/text.ts';
import { orMissing, watchNode } from '../watching.ts';

interface Options extends ReadOptions {
	readonly recursive?: boolean;
	readonly long?: boolean;
	readonly stat?: boolean;
	readonly watch?: boolean;
}

export function addLs(program: Command, context: CommandContext): void {
	const command = program
		.command('ls')
		.summary('list the children of a node')
		.description('Lists the names of the children of a node, or with --recursive the paths of everything below it.')
		.argument('[path]', 'absolute path', pathArgument, '/')
		.option('-l, --long', 'version, size, time of the last change and owner of each')
		.option('-R, --recursive', 'everything below, parents first')
		.option('-s, --stat', 'the Stat of the node itself too, behind the list')
		.option('-w, --watch', 'go on with what comes (+) and goes (-), until Ctrl-C');
	addReadOptions(command).action(async (path: string, _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		await withClient(options, async (client) => {
			if (options.watch) {
				await watchChildren(client, path, options, context);
				return;
			}
			const table = new Table(terminal, columns);
			for await (const { node, name, stat } of list(client, path, options)) {
				const shown = options.recursive ? node : name;
				if (terminal.json) terminal.object({ path: node, ...(stat && { stat: statObject(clientStat(stat)) }) });
				else if (stat) table.row(...rowOf(stat), shown);
				else terminal.line(shown);
				if (!(await terminal.keepUp())) return;
			}
			table.flush();
			if (!options.stat) return;
			const { stat } = await client.get(path, readOptionsOf(options));
			if (terminal.json) terminal.object({ path, stat: statObject(clientStat(stat)) });
			else printStat(terminal, clientStat(stat));
		});
	});
}

/** What is there is listed as without --watch, then what changes, with a sign in front. */
async function watchChildren(
	client: ChronokeeperClient,
	path: string,
	options: Options,
	{ terminal, interrupted }: CommandContext,
): Promise<void> {
	const { recursive = false } = options;
	let known: Set<string> | undefined;
	const tell = (sign: '+' | '-' | '', shown: string): void => {
		const node = recursive ? shown : childPath(path, shown);
		if (terminal.json) terminal.object({ path: node, ...(sign && { change: sign === '+' ? 'created' : 'deleted' }) });
		else terminal.line(sign === '' ? shown : `${sign} ${shown}`);
	};
	const show = async (): Promise<bigint> => {
		const { zxid } = await client.children(path, readOptionsOf(options));
		const names = new Set<string>();
		for await (const { node, name } of list(client, path, options)) names.add(recursive ? node : name);
		for (const name of known ?? []) if (!names.has(name)) tell('-', name);
		for (const name of names) if (!known?.has(name)) tell(known === undefined ? '' : '+', name);
		known = names;
		return zxid;
	};
	await watchNode(
		client,
		{
			path,
			mode: recursive ? 'persistentRecursive' : 'persistent',
			show,
			changed: async ({ type, path: node }) => {
				// Of a list of children it is only told that it has changed; of a subtree what has.
				if (recursive && node !== path) {
					if (type === 'NodeCreated' && !known?.has(node)) tell('+', node);
					if (type === 'NodeDeleted' && known?.delete(node)) tell('-', node);
					if (type === 'NodeCreated') known?.add(node);
				} else if (type === 'NodeDeleted') terminal.note(`${path} was deleted`);
				else if (type === 'NodeChildrenChanged') await show();
			},
		},
		terminal,
		interrupted(),
	);
}

const columns = [
	{ title: 'VERSION', align: 'right' },
	{ title: 'BYTES', align: 'right' },
	{ title: 'CHILDREN', align: 'right' },
	{ title: 'CHANGED' },
	{ title: 'OWNER' },
	{ title: 'NAME' },
] as const;

function rowOf(stat: Stat): string[] {
	const owner = stat.ephemeralOwner === 0n ? '-' : hex(stat.ephemeralOwner);
	return [`${stat.version}`, `${stat.dataLength}`, `${stat.numChildren}`, time(stat.mtimeMs), owner];
}

interface Listed {
	readonly node: string;
	readonly name: string;
	/** With --long. */
	readonly stat: Stat | undefined;
}

async function* list(client: ChronokeeperClient, root: string, options: Options): AsyncGenerator<Listed> {
	if (!options.recursive) {
		yield* await childrenOf(client, root, options);
		return;
	}
	const waiting = (await childrenOf(client, root, options)).reverse();
	for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
		// What goes away while a tree is listed is no error.
		const below = await orMissing(childrenOf(client, next.node, options));
		if (typeof below === 'bigint') continue;
		yield next;
		waiting.push(...below.reverse());
	}
}

/** By name. */
async function childrenOf(client: ChronokeeperClient, path: string, options: Options): Promise<Listed[]> {
	const listed = (name: string, stat?: Stat): Listed => ({ node: childPath(path, name), name, stat });
	if (!options.long) {
		const { names } = await client.children(path, readOptionsOf(options));
		return names.map((name) => listed(name));
	}
	const children: Listed[] = [];
	for await (const { name, stat } of client.streamChildren(path, readOptionsOf(options))) {
		children.push(listed(name, stat));
	}
	return children.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function childPath(parent: string, name: string): string {
	return parent === '/' ? `/${name}` : `${parent}/${name}`;
}
