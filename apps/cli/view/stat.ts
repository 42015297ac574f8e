/** A Stat for people, the way zkCli's users know it. */
import type { Stat } from '#client/client';
import type { Terminal } from '../terminal.ts';
import type { AnyStat } from './json.ts';
import { hex, time } from './text.ts';

export function clientStat(stat: Stat): AnyStat {
	return { ...stat, ctime: stat.ctimeMs, mtime: stat.mtimeMs };
}

export function printStat(terminal: Terminal, stat: AnyStat): void {
	const { dim } = terminal.colors;
	const field = (name: string, value: string) => terminal.line(`${dim(name.padEnd(14))}  ${value}`);
	field('czxid', hex(stat.czxid));
	field('ctime', time(stat.ctime));
	field('mzxid', hex(stat.mzxid));
	field('mtime', time(stat.mtime));
	field('pzxid', hex(stat.pzxid));
	field('version', `${stat.version}`);
	field('cversion', `${stat.cversion}`);
	field('aversion', `${stat.aversion}`);
	field('ephemeralOwner', stat.ephemeralOwner === 0n ? '0' : hex(stat.ephemeralOwner));
	if (stat.dataLength !== undefined) field('dataLength', `${stat.dataLength}`);
	if (stat.numChildren !== undefined) field('numChildren', `${stat.numChildren}`);
}
