/** Commands that read nodes. */

import { errors } from '#jute/errors';
import { KeeperError } from '../client/keeper-error.ts';
import { visitSubtree } from '../client/subtree.ts';
import { Failure } from '../failures.ts';
import { flags } from '../options.ts';
import { idText, permsText } from '../text/acl-text.ts';
import { statLines } from '../text/stat-text.ts';
import { type Command, printStat, textOf, usageOf } from './command.ts';

export const get: Command = {
	name: 'get',
	usage: '[-s] [-w] path',
	options: flags('s', 'w'),
	leastArguments: 1,
	formerWatch: "'get path [watch]' has been deprecated. Please use 'get [-s] [-w] path' instead.",
	async run({ path, has }, context) {
		const { data, stat } = await context.client.getData(path, has('w'));
		context.out(textOf(data));
		if (has('s')) printStat(stat, context);
	},
};

export const stat: Command = {
	name: 'stat',
	usage: '[-w] path',
	options: flags('w'),
	leastArguments: 1,
	formerWatch: "'stat path [watch]' has been deprecated. Please use 'stat [-w] path' instead.",
	async run({ path, has }, { client, out }) {
		const found = await client.exists(path, has('w'));
		if (found === null) throw new KeeperError(errors.noNode.code, path);
		for (const line of statLines(found)) out(line);
	},
};

const lsHelp = ['usage: ls [options] path', ' -?   help', ' -R   recurse', ' -s   stat', ' -w   watch'];

export const ls: Command = {
	name: 'ls',
	usage: '[-s] [-w] [-R] path',
	options: flags('?', 's', 'w', 'R'),
	leastArguments: 0,
	formerWatch: "'ls path [watch]' has been deprecated. Please use 'ls [-w] path' instead.",
	async run({ path, args, has }, context) {
		const { client, out } = context;
		if (has('?')) for (const line of lsHelp) out(line);
		if (args.length === 0) throw new Failure(usageOf(ls));
		if (has('R')) {
			await visitSubtree(client, path, has('w'), (visited) => out(visited));
			return;
		}
		const { names, stat: found } = await client.getChildren(path, has('w'));
		out(`[${[...names].sort().join(', ')}]`);
		if (has('s')) printStat(found, context);
	},
};

export const getAcl: Command = {
	name: 'getAcl',
	usage: '[-s] path',
	options: flags('s'),
	leastArguments: 1,
	async run({ path, has }, context) {
		const { acl, stat: found } = await context.client.getAcl(path);
		for (const entry of acl) context.out(`${idText(entry)}: ${permsText(entry.perms)}`);
		if (has('s')) printStat(found, context);
	},
};

export const getAllChildrenNumber: Command = {
	name: 'getAllChildrenNumber',
	usage: 'path',
	options: [],
	leastArguments: 1,
	async run({ path }, { client, out }) {
		out(String(await client.countAllChildren(path)));
	},
};

export const getEphemerals: Command = {
	name: 'getEphemerals',
	usage: 'path',
	options: [],
	leastArguments: 0,
	async run({ args }, { client, out }) {
		out(`[${(await client.getEphemerals(args[0] ?? '/')).join(', ')}]`);
	},
};

const syncPatienceMs = 30_000;

export const sync: Command = {
	name: 'sync',
	usage: 'path',
	options: [],
	leastArguments: 1,
	async run({ path }, { client, out }) {
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<never>((_, reject) => {
			timer = setTimeout(() => reject(new Failure(`no answer within ${syncPatienceMs} ms`)), syncPatienceMs);
		});
		try {
			const code = await Promise.race([client.sync(path), late]);
			out(code === 0 ? 'Sync is OK' : `Sync has failed. rc=${code}`);
		} finally {
			clearTimeout(timer);
		}
	},
};
