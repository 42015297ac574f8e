import { dateText } from './date-text.ts';

/** A Stat of either protocol: zxids and times are numbers in one and bigints in the other. */
export interface ShownStat {
	readonly czxid: number | bigint;
	readonly mzxid: number | bigint;
	readonly pzxid: number | bigint;
	/** Milliseconds since 1970. */
	readonly ctime: number | bigint;
	readonly mtime: number | bigint;
	readonly version: number;
	readonly cversion: number;
	readonly aversion: number;
	readonly ephemeralOwner: bigint;
	readonly dataLength: number;
	readonly numChildren: number;
}

/** The eleven lines of a Stat. */
export function statLines(stat: ShownStat): string[] {
	return [
		`cZxid = 0x${hex(stat.czxid)}`,
		`ctime = ${dateText(Number(stat.ctime))}`,
		`mZxid = 0x${hex(stat.mzxid)}`,
		`mtime = ${dateText(Number(stat.mtime))}`,
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
