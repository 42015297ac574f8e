/** Commands about the session: who it is, and what it watches. */
import { addWatchMode, watcherType } from '#jute/op-codes';
import { Failure } from '../failures.ts';
import { flags, valued } from '../options.ts';
import { cliVersion } from '../version.ts';
import { type Command, usageOf } from './command.ts';

export const close: Command = {
	name: 'close',
	usage: '',
	options: [],
	leastArguments: 0,
	takesAnything: true,
	run: (_, { client }) => client.close(),
};

export const addauth: Command = {
	name: 'addauth',
	usage: 'scheme auth',
	options: [],
	leastArguments: 1,
	async run({ args: [scheme, auth] }, { client }) {
		await client.addAuthentication(scheme!, auth === undefined ? null : Buffer.from(auth));
	},
};

export const whoami: Command = {
	name: 'whoami',
	usage: '',
	options: [],
	leastArguments: 0,
	takesAnything: true,
	async run(_, { client, out }) {
		const identities = await client.whoAmI();
		out('Auth scheme: User');
		for (const { scheme, id } of identities) out(`${scheme}: ${id}`);
	},
};

export const version: Command = {
	name: 'version',
	usage: '',
	options: [],
	leastArguments: 0,
	mostArguments: 0,
	async run(_, { out }) {
		out(`ZooKeeper CLI version: ${cliVersion()}`);
	},
};

const modes: ReadonlyMap<string, number> = new Map([
	['PERSISTENT', addWatchMode.persistent],
	['PERSISTENT_RECURSIVE', addWatchMode.persistentRecursive],
]);

export const addWatch: Command = {
	name: 'addWatch',
	usage:
		'[-m mode] path # optional mode is one of [PERSISTENT, PERSISTENT_RECURSIVE] - default is PERSISTENT_RECURSIVE',
	options: valued('m'),
	leastArguments: 1,
	mostArguments: 1,
	pathsAreFatal: true,
	async run({ path, value }, { client }) {
		const mode = modes.get((value('m') ?? 'PERSISTENT_RECURSIVE').toUpperCase());
		if (mode === undefined) throw new Failure(usageOf(addWatch));
		await client.addWatch(path, mode);
	},
};

export const removewatches: Command = {
	name: 'removewatches',
	usage: 'path [-c|-d|-a] [-l]',
	options: flags('c', 'd', 'a', 'l'),
	leastArguments: 1,
	async run({ path, has }, { client }) {
		const type = has('c') ? watcherType.children : has('d') ? watcherType.data : watcherType.any;
		await client.removeWatches(path, type, has('l'));
	},
};
