/** Commands that change nodes. */
import { errors } from '#jute/errors';
import { openAcl } from '#jute/records';
import { KeeperError } from '../client/keeper-error.ts';
import { deleteSubtree, visitSubtree } from '../client/subtree.ts';
import { Failure } from '../failures.ts';
import { readInt, readLong, requireInt } from '../java-numbers.ts';
import type { NewNode } from '../operations.ts';
import { flags, type ParsedOptions, valued } from '../options.ts';
import { parseAcl } from '../text/acl-text.ts';
import { type Command, printStat } from './command.ts';

/** What 40 bits hold: a longer time to live has no room beside a node's other marks. */
const longestTtlMs = 0xff_ffff_ffff;

export const create: Command = {
	name: 'create',
	usage: '[-s] [-e] [-c] [-t ttl] path [data] [acl]',
	options: [...flags('e', 's', 'c'), ...valued('t')],
	leastArguments: 1,
	async run(line, { client, err }) {
		const { mode, ttlMs } = createMode(line);
		const [path, text, aclText] = line.args;
		const data = text === undefined ? null : Buffer.from(text);
		const acl = aclText === undefined ? openAcl : parseAcl(aclText, err);
		try {
			err(`Created ${await client.create({ path: path!, data, acl, mode, ttlMs })}`);
		} catch (error) {
			const code = error instanceof KeeperError ? error.code : errors.ok.code;
			if (code === errors.ephemeralOnLocalSession.code) err('Unable to create ephemeral node on a local session');
			if (code === errors.invalidAcl.code) err((error as KeeperError).message);
			throw error;
		}
	},
};

export function createMode({ has, value }: ParsedOptions): Pick<NewNode, 'mode' | 'ttlMs'> {
	if (has('c') && (has('e') || has('s'))) {
		throw new Failure('-c cannot be combined with -s or -e. Containers cannot be ephemeral or sequential.');
	}
	const ttl = has('t') ? readLong(value('t')!) : 0n;
	if (ttl === undefined) throw new Failure('-t argument must be a long value');
	if (has('t') && has('e')) throw new Failure('TTLs cannot be used with Ephemeral znodes');
	if (has('t') && has('c')) throw new Failure('TTLs cannot be used with Container znodes');
	if (has('t') && (ttl <= 0n || ttl > longestTtlMs)) {
		throw new Failure(`ttl must be positive and cannot be larger than: ${longestTtlMs}`);
	}
	const ttlMs = Number(ttl);
	if (has('e')) return { mode: has('s') ? 'ephemeralSequential' : 'ephemeral', ttlMs };
	if (has('t')) return { mode: has('s') ? 'ttlSequential' : 'ttl', ttlMs };
	if (has('c')) return { mode: 'container', ttlMs };
	return { mode: has('s') ? 'persistentSequential' : 'persistent', ttlMs };
}

export const set: Command = {
	name: 'set',
	usage: '[-s] [-v version] path data',
	options: [...flags('s'), ...valued('v')],
	leastArguments: 2,
	async run({ path, args, has, value }, context) {
		const stat = await context.client.setData(path, Buffer.from(args[1]!), versionOf(value('v')));
		if (has('s')) printStat(stat, context);
	},
};

export const deleteNode: Command = {
	name: 'delete',
	usage: '[-v version] path',
	options: valued('v'),
	leastArguments: 1,
	async run({ path, args, value }, { client, err }) {
		if (args.length > 1) {
			err("'delete path [version]' has been deprecated. Please use 'delete [-v version] path' instead.");
		}
		await client.delete(path, versionOf(value('v')));
	},
};

export const deleteAll: Command = {
	name: 'deleteall',
	usage: 'path [-b batch size]',
	options: valued('b'),
	leastArguments: 1,
	async run({ path, has, value }, { client, err }) {
		const batchSize = has('b') ? readInt(value('b')!) : 1000;
		if (batchSize === undefined) throw new Failure('-b argument must be an int value');
		if (!(await deleteSubtree(client, path, batchSize))) err('Failed to delete some node(s) in the subtree!');
	},
};

export const setAcl: Command = {
	name: 'setAcl',
	usage: '[-s] [-v version] [-R] path acl',
	options: [...flags('s', 'R'), ...valued('v')],
	leastArguments: 2,
	async run({ path, args, has, value }, context) {
		const { client, err, print } = context;
		const acl = parseAcl(args[1]!, err);
		const version = versionOf(value('v'));
		if (!has('R')) {
			const stat = await client.setAcl(path, acl, version);
			if (has('s')) printStat(stat, context);
			return;
		}
		await visitSubtree(client, path, false, async (visited) => {
			try {
				await client.setAcl(visited, acl, version);
			} catch (error) {
				// The others get it all the same.
				if (!(error instanceof KeeperError)) throw error;
				print(error.message);
			}
		});
	},
};

function versionOf(text: string | undefined): number {
	return text === undefined ? -1 : requireInt(text);
}
