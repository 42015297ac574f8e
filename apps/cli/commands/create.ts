import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ChronokeeperClient, Session } from '#client/client';
import type { Acl } from '#jute/records';
import { aclArgument, countArgument, pathArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { type DataOptions, readData } from '../data-argument.ts';
import { Failure, UsageFailure } from '../failure.ts';
import { withClient } from '../server-connection.ts';
import { addServerOptions, optionsOf, type ServerOptions } from '../shared-options.ts';
import { statObject } from '../view/json.ts';
import { clientStat } from '../view/stat.ts';
import { hex } from '../view/text.ts';

interface Options extends ServerOptions, DataOptions {
	readonly sequential?: boolean;
	readonly ephemeral?: boolean;
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
		.argument('[acl]', 'as --acl', aclArgument)
		.option('--file <file>', 'the data are in this file; - is standard input')
		.option('--null', 'no data: null, which is the default')
		.option('-s, --sequential', 'append ten digits that rise with each child of the parent')
		.option('-e, --ephemeral', 'it goes with its session, which lasts until Ctrl-C')
		.option('-c, --container', 'the server deletes it some time after its last child went')
		.addOption(
			new Option(
				'-t, --ttl <ms>',
				'the server deletes it when it has no children and was not changed for so long',
			).argParser(ttlArgument),
		)
		.option('--acl <entries>', 'who may do what, such as world:anyone:r,digest:ann:HASH:cdrwa', aclArgument)
		.option('-p, --parents', 'create missing parents too, without data');
	addServerOptions(command).action(
		async (path: string, text: string | undefined, acl: readonly Acl[] = [], _: unknown, self: Command) => {
			const options = optionsOf<Options>(self);
			const data = (await readData(context, text, options)) ?? null;
			await withClient(options, (client) => createNode(client, path, data, { acl, ...options }, context));
		},
	);
}

async function createNode(
	client: ChronokeeperClient,
	path: string,
	data: Uint8Array | null,
	options: Options,
	context: CommandContext,
): Promise<void> {
	const { terminal } = context;
	const { CreateMode } = await import('#client/client');
	const mode = CreateMode[modeName(options)];
	const acl = (options.acl ?? []).map(({ perms, scheme, id }) => ({ perms, id: { scheme, id } }));
	if (options.parents) await createParents(path, (parent) => client.create(parent, null), client.exists.bind(client));
	const held = options.ephemeral ? await holdSession(client, context) : undefined;
	const created = await (held?.session ?? client).create(path, data, {
		mode,
		acl,
		...(options.ttl === undefined ? {} : { ttlMs: options.ttl }),
	});
	if (terminal.json) {
		const stat = statObject(clientStat(created.stat));
		terminal.object({ path: created.path, zxid: hex(created.zxid), stat });
	} else terminal.line(created.path);
	if (held === undefined) return;
	terminal.note(`${created.path} is there until Ctrl-C`);
	if ((await held.ended) === 'expired') throw new Failure('the session has expired, and the node with it');
	await held.session.close();
}

function modeName(options: Options) {
	if (options.container && (options.sequential || options.ttl !== undefined)) {
		throw new UsageFailure('--container cannot be combined with --sequential or --ttl');
	}
	if (options.ephemeral && (options.container || options.ttl !== undefined)) {
		throw new UsageFailure('--ephemeral cannot be combined with --container or --ttl');
	}
	if (options.ephemeral) return options.sequential ? 'CREATE_MODE_EPHEMERAL_SEQUENTIAL' : 'CREATE_MODE_EPHEMERAL';
	if (options.container) return 'CREATE_MODE_CONTAINER';
	if (options.ttl !== undefined) return options.sequential ? 'CREATE_MODE_TTL_SEQUENTIAL' : 'CREATE_MODE_TTL';
	return options.sequential ? 'CREATE_MODE_PERSISTENT_SEQUENTIAL' : 'CREATE_MODE_PERSISTENT';
}

/** A session that tells what becomes of it, and how it ends. */
async function holdSession(
	client: ChronokeeperClient,
	{ terminal, interrupted }: CommandContext,
): Promise<{ readonly session: Session; readonly ended: Promise<'interrupted' | 'expired'> }> {
	let expire = (): void => {};
	const expired = new Promise<'expired'>((resolve) => {
		expire = () => resolve('expired');
	});
	const signal = interrupted();
	const stopped = new Promise<'interrupted'>((resolve) => {
		signal.addEventListener('abort', () => resolve('interrupted'), { once: true });
	});
	const session = await client.openSession({
		onEvent: ({ kind }) => {
			if (kind === 'detached') terminal.note('the connection is lost; trying again');
			if (kind === 'attached') terminal.note('connected again, in the same session');
			if (kind === 'expired') expire();
		},
	});
	return { session, ended: Promise.race([stopped, expired]) };
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
