/** Commands for the ensemble's configuration. */
import { readFileSync } from 'node:fs';
import { Failure } from '../failures.ts';
import { readLong } from '../java-numbers.ts';
import { flags, type ParsedOptions, valued } from '../options.ts';
import { type Command, printStat, textOf, usageOf } from './command.ts';
import { type Configuration, configurationText, parseConfiguration } from './members.ts';

export const config: Command = {
	name: 'config',
	usage: '[-c] [-w] [-s]',
	options: flags('s', 'w', 'c'),
	leastArguments: 0,
	async run({ has }, context) {
		const { data, stat } = await context.client.getConfig(has('w'));
		context.out(has('c') ? connectionString(textOf(data)) : textOf(data));
		if (has('s')) printStat(stat, context);
	},
};

/** `VERSION host:port,…`: what clients connect to. */
function connectionString(text: string): string {
	const { members, version } = parseConfiguration(text);
	return `${version ?? ''} ${members.map(({ client }) => client ?? '').join(',')}`;
}

export const reconfig: Command = {
	name: 'reconfig',
	usage:
		'[-s] [-v version] [[-file path] | [-members serverID=host:port1:port2;port3[,...]*]] | [-add serverId=host:port1:port2;port3[,...]]* [-remove serverId[,...]*]',
	options: [...flags('s'), ...valued('v', 'file', 'members', 'add', 'remove')],
	leastArguments: 0,
	async run(line, context) {
		const { has, value } = line;
		refuseMixture(line);
		const version = has('v') ? readLong(value('v')!, 16) : -1n;
		if (version === undefined) throw new Failure('-v must be followed by a long (configuration version)');
		refuseConflict(line);
		const members = has('file') ? membersOf(value('file')!) : lowerCase(value('members'));
		const { data, stat } = await context.client.reconfig(
			lowerCase(value('add')),
			lowerCase(value('remove')),
			members,
			version,
		);
		context.out(`Committed new configuration:\n${textOf(data)}`);
		if (has('s')) printStat(stat, context);
	},
};

function refuseMixture({ has }: ParsedOptions): void {
	if (!['file', 'members', 'add', 'remove'].some(has)) throw new Failure(usageOf(reconfig));
}

function refuseConflict({ has }: ParsedOptions): void {
	if ((has('file') || has('members')) && (has('add') || has('remove'))) {
		throw new Failure(
			"Can't use -file or -members together with -add or -remove (mixing incremental and non-incremental modes is not allowed)",
		);
	}
	if (has('file') && has('members')) {
		throw new Failure("Can't use -file and -members together (conflicting non-incremental modes)");
	}
}

function membersOf(file: string): string {
	try {
		const configuration = parseConfiguration(readFileSync(file, 'utf8'));
		if (configuration.unknown.length > 0) throw new Error(`Unrecognised parameter: ${configuration.unknown[0]}`);
		refuseLonelyObservers(configuration);
		return configurationText(configuration);
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		throw new Failure(`Error processing ${file}${code === 'ENOENT' ? `${file} (No such file or directory)` : message}`);
	}
}

/** Observers need somebody to observe: two participants at least. */
function refuseLonelyObservers({ members }: Configuration): void {
	const participants = members.filter(({ type }) => type === 'participant').length;
	if (participants > 1 || participants === members.length) return;
	throw new Error(`Observers w/o ${participants === 0 ? 'participants' : 'quorum'} is an invalid configuration`);
}

function lowerCase(text: string | undefined): string | null {
	return text === undefined ? null : text.toLowerCase();
}
