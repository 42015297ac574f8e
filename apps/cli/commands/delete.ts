import type { Command } from 'commander';
import type { ChronokeeperClient } from '#client/client';
import { pathArgument, versionArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { UsageFailure } from '../failure.ts';
import { withClient } from '../server-connection.ts';
import { addServerOptions, optionsOf, type ServerOptions } from '../shared-options.ts';
import { count, hex } from '../view/text.ts';
import { childPath } from './ls.ts';

interface Options extends ServerOptions {
	readonly version: number;
	readonly recursive?: boolean;
}

export function addDelete(program: Command, context: CommandContext): void {
	const command = program
		.command('delete')
		.summary('delete a node')
		.description('Deletes a node that has no children, or with --recursive the node and everything below it.')
		.argument('<path>', 'absolute path', pathArgument)
		.option('-v, --version <n>', 'only when the node has this version', versionArgument, -1)
		.option('-r, --recursive', 'everything below it too, one node after the other: no single transaction');
	addServerOptions(command).action(async (path: string, _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		if (options.recursive && options.version !== -1) {
			throw new UsageFailure('--recursive and --version cannot be combined: a version belongs to one node');
		}
		const deleted = await withClient(options, (client) =>
			options.recursive ? deleteTree(client, path) : deleteOne(client, path, options.version),
		);
		if (terminal.json) terminal.object({ path, deleted: deleted.count, zxid: hex(deleted.zxid) });
		else if (options.recursive) terminal.line(`${path}: ${count(deleted.count)} deleted (zxid ${hex(deleted.zxid)})`);
		else terminal.line(`${path} deleted (zxid ${hex(deleted.zxid)})`);
	});
}

interface Deleted {
	readonly count: number;
	readonly zxid: bigint;
}

async function deleteOne(client: ChronokeeperClient, path: string, version: number): Promise<Deleted> {
	return { count: 1, zxid: await client.delete(path, version) };
}

/** Children first. A node that somebody else deleted meanwhile is gone all the same. */
async function deleteTree(client: ChronokeeperClient, path: string): Promise<Deleted> {
	const order: string[] = [path];
	for (let i = 0; i < order.length; i++) {
		const { names } = await client.children(order[i]!);
		for (const name of names) order.push(childPath(order[i]!, name));
	}
	let deleted: Deleted = { count: 0, zxid: 0n };
	for (const node of order.reverse()) {
		try {
			deleted = { count: deleted.count + 1, zxid: await client.delete(node) };
		} catch (error) {
			if (node === path || (error as { codeName?: string }).codeName !== 'NoNode') throw error;
		}
	}
	return deleted;
}
