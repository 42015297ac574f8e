/** The words of the shell: zkCli's, those that it has by itself, and what each is for. The other commands of `ck` come from the program. */
import { commands as zkCliCommands } from '../zookeeper/commands/all.ts';
import type { Command } from '../zookeeper/commands/command.ts';

export interface Word {
	readonly name: string;
	/** What may follow the name. */
	readonly usage: string;
	readonly summary: string;
	/** With their dashes. */
	readonly flags: readonly string[];
}

/** What each of zkCli's words does; what has no summary is not a word here. */
const summaries: ReadonlyMap<string, string> = new Map([
	['get', 'the data of a node; -s the Stat too, -w tells of the next change'],
	['ls', 'the children of a node; -R everything below, -s the Stat too, -w tells of the next change'],
	['stat', 'the Stat of a node; -w tells of the next change, be it the creation'],
	['create', 'a new node; -s numbered, -e ephemeral, -c container, -t time to live in milliseconds'],
	['set', 'replaces the data of a node; -v only this version, -s the Stat too'],
	['delete', 'deletes a node without children; -v only this version'],
	['deleteall', 'deletes a node and everything below it; -b so many in one transaction'],
	['getAcl', 'who may do what; -s the Stat too'],
	['setAcl', 'replaces the access control list; -R of everything below too, -v only this aversion, -s the Stat too'],
	['addauth', 'adds an identity to the session: addauth digest user:password'],
	['whoami', 'the identities that the server sees'],
	['setquota', 'limits a subtree: -n nodes, -b bytes, both soft; -N and -B hard'],
	['listquota', 'the limits of a subtree, and what it uses'],
	['delquota', 'takes limits away'],
	['sync', 'waits until the replica has everything that is committed'],
	[
		'addWatch',
		'tells of every change of a node, or with PERSISTENT_RECURSIVE (the default) of everything below it too',
	],
	['removewatches', 'takes watches away: -c of children, -d of data, -a all'],
	['getEphemerals', 'the ephemeral nodes of the session'],
	['getAllChildrenNumber', 'how many nodes lie below a node'],
	[
		'config',
		'the members of the ensemble; -c as clients connect to them, -w tells of the next change, -s the Stat too',
	],
	['reconfig', 'changes the members of the ensemble'],
	['close', 'ends the session; the next command begins another one'],
]);

const own: readonly Word[] = [
	{
		name: 'multi',
		usage: 'op [; op]…, op: create … | set … | delete … | check …',
		summary: 'several operations, all or none; alone it takes them from the following lines, until an empty one',
		flags: [],
	},
	{ name: 'connect', usage: '[host:port]', summary: 'goes to another replica, or begins a new session', flags: [] },
	{ name: 'redo', usage: 'number', summary: 'the command with this number once more', flags: [] },
	{ name: 'printwatches', usage: 'on|off', summary: 'whether watches are told of', flags: [] },
	{ name: 'version', usage: '', summary: 'the version of ck', flags: [] },
	{ name: 'help', usage: '[word]', summary: 'this', flags: [] },
	{ name: 'quit', usage: '', summary: 'ends the session and the shell, as Ctrl-D does', flags: [] },
];

export const nodeWords: ReadonlyMap<string, Command> = new Map(
	[...summaries.keys()].map((name) => [name, zkCliCommands.get(name)!]),
);

export const words: ReadonlyMap<string, Word> = new Map(
	[...[...nodeWords.values()].map(wordOf), ...own].map((word) => [word.name, word]),
);

/** Another name for the same. */
export const synonyms: Readonly<Record<string, string>> = { exit: 'quit', rmr: 'deleteall', '?': 'help' };

function wordOf({ name, usage, options }: Command): Word {
	return { name, usage, summary: summaries.get(name)!, flags: options.map((option) => `-${option.name}`) };
}
