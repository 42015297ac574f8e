import type { Stat } from '#jute/records';
import { dateText } from './date-text.ts';

/** The eleven lines of a Stat. */
export function statLines(stat: Stat): string[] {
	return [
		`cZxid = 0x${hex(stat.czxid)}`,
		`ctime = ${dateText(stat.ctime)}`,
		`mZxid = 0x${hex(stat.mzxid)}`,
		`mtime = ${dateText(stat.mtime)}`,
		`pZxid = 0x${hex(stat.pzxid)}`,
		`cversion = ${stat.cversion}`,
		`dataVersion = ${stat.version}`,
		`aclVersion = ${stat.aversion}`,
		`ephemeralOwner = 0x${hex(stat.ephemeralOwner)}`,
		`dataLength = ${stat.dataLength}`,
		`numChildren = ${stat.numChildren}`,
	];
}

function hex(value: number | bigint): string {
	return value.toString(16);
}
