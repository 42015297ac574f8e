/** Every command that needs a session, in no order: help sorts them. */
import type { Command } from './command.ts';
import { config, reconfig } from './configuration.ts';
import { delquota, listquota, setquota } from './quota.ts';
import { get, getAcl, getAllChildrenNumber, getEphemerals, ls, stat, sync } from './read.ts';
import { addauth, addWatch, close, removewatches, version, whoami } from './session.ts';
import { create, deleteAll, deleteNode, set, setAcl } from './write.ts';

const list: readonly Command[] = [
	...[get, stat, ls, getAcl, getAllChildrenNumber, getEphemerals, sync],
	...[create, set, deleteNode, deleteAll, setAcl],
	...[setquota, listquota, delquota],
	...[close, addauth, whoami, version, addWatch, removewatches],
	...[config, reconfig],
];

export const commands: ReadonlyMap<string, Command> = new Map(list.map((command) => [command.name, command]));

/** What the shell does by itself. */
const ofShell = [
	{ name: 'connect', usage: 'host:port' },
	{ name: 'history', usage: '' },
	{ name: 'redo', usage: 'cmdno' },
	{ name: 'printwatches', usage: 'on|off' },
	{ name: 'quit', usage: '' },
];

export const commandNames: readonly string[] = [...list, ...ofShell].map(({ name }) => name).sort();

export const helpLines: readonly string[] = [
	'ZooKeeper -server host:port -client-configuration properties-file cmd args',
	...[...list, ...ofShell].sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ name, usage }) => `\t${name} ${usage}`),
];
