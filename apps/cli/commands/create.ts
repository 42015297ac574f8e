import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Acl } from '#jute/records';
import { aclArgument, countArgument, pathArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { type DataOptions, readData } from '../data-argument.ts';
import { UsageFailure } from '../failure.ts';
import { withClient } from '../server-connection.ts';
import { addServerOptions, optionsOf, type ServerOptions } from '../shared-options.ts';
import { statObject } from '../view/json.ts';
import { clientStat } from '../view/stat.ts';
import { hex } from '../view/text.ts';

interface Options extends ServerOptions, DataOptions {
	readonly sequential?: boolean;
	readonly container?: boolean;
	readonly ttl?: number;
	readonly acl?: readonly Acl[];
	readonly parents?: boolean;
}

export function addCreate(program: Command, context: CommandContext): void {
	const command = program
		.command('create')
		.summary('create a node')
		.description('Creates a node. Prints its path, which for a sequential node has ten digits more than was asked for.')
		.argument('<path>', 'absolute path', pathArgument)
		.argument('[data]', 'the data, as UTF-8; none is null')
		.option('--file <file>', 'the data are in this file; - is standard input')
		.option('--null', 'no data: null, which is the default')
		.option('-s, --sequential', 'append ten digits that rise with each child of the parent')
		.option('--container', 'the server deletes it some time after its last child went')
		.addOption(
			new Option(
				'--ttl <ms>',
				'the server deletes it when it has no children and was not changed for so long',
			).argParser(ttlArgument),
		)
		.option('--acl <entries>', 'who may do what, such as world:anyone:r,digest:ann:HASH:cdrwa', aclArgument)
		.option('-p, --parents', 'create missing parents too, without data');
	addServerOptions(command).action(async (path: string, text: string | undefined, _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const data = (await readData(context, text, options)) ?? null;
		const { terminal } = context;
		await withClient(options, async (client) => {
			const { CreateMode } = await import('#client/client');
			const mode = CreateMode[modeName(options)];
			const acl = (options.acl ?? []).map(({ perms, scheme, id }) => ({ perms, id: { scheme, id } }));
			if (options.parents)
				await createParents(path, (parent) => client.create(parent, null), client.exists.bind(client));
			const created = await client.create(path, data, {
				mode,
				acl,
				...(options.ttl === undefined ? {} : { ttlMs: options.ttl }),
			});
			if (terminal.json) {
				const stat = statObject(clientStat(created.stat));
				terminal.object({ path: created.path, zxid: hex(created.zxid), stat });
			} else terminal.line(created.path);
		});
	});
}

function modeName(options: Options) {
	if (options.container && (options.sequential || options.ttl !== undefined)) {
		throw new UsageFailure('--container cannot be combined with --sequential or --ttl');
	}
	if (options.container) return 'CREATE_MODE_CONTAINER';
	if (options.ttl !== undefined) return options.sequential ? 'CREATE_MODE_TTL_SEQUENTIAL' : 'CREATE_MODE_TTL';
	return options.sequential ? 'CREATE_MODE_PERSISTENT_SEQUENTIAL' : 'CREATE_MODE_PERSISTENT';
}

/** From the root down. Somebody else may create one of them at the same time: that is as good. */
async function createParents(
	path: string,
	create: (path: string) => Promise<unknown>,
	exists: (path: string) => Promise<unknown>,
): Promise<void> {
	for (let end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1)) {
		const parent = path.slice(0, end);
		if ((await exists(parent)) !== undefined) continue;
		try {
			await create(parent);
		} catch (error) {
			if ((error as { codeName?: string }).codeName !== 'NodeExists') throw error;
		}
	}
}

function ttlArgument(text: string): number {
	const ms = countArgument(text);
	if (ms < 1 || ms > 0xff_ffff_ffff) throw new InvalidArgumentError('it must be from 1 to 1099511627775 milliseconds.');
	return ms;
}
