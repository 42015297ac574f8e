/** What is wrong, row by row. */
import { formatZxid, type Zxid } from '#core/model/zxid';
import type { TableName } from './tables.ts';

export interface Finding {
	readonly table: TableName;
	/** Which row, as people read it: its key. */
	readonly row: string;
	/** The transaction that it belongs to; null where there is none. */
	readonly zxid: Zxid | null;
	readonly problem: string;
}

/** A history that is altered all over has more wrong rows than anybody reads; all are counted. */
const maxListed = 1_000;

export class Findings {
	readonly listed: Finding[] = [];
	count = 0;
	/** What lies in front of it was only read to get there. */
	readonly #from: Zxid;

	constructor(from: Zxid) {
		this.#from = from;
	}

	add(table: TableName, row: string, zxid: Zxid | null, problem: string): void {
		if (zxid !== null && zxid < this.#from) return;
		this.count++;
		if (this.listed.length < maxListed) this.listed.push({ table, row, zxid, problem });
	}

	get any(): boolean {
		return this.count > 0;
	}
}

export const txnKey = (zxid: Zxid): string => formatZxid(zxid);
export const changeKey = (zxid: Zxid, ordinal: number): string => `${formatZxid(zxid)} #${ordinal}`;
export const versionKey = (path: string, from: Zxid): string => `${path} from ${formatZxid(from)}`;
export const sessionKey = (session: bigint, opened: Zxid): string =>
	`0x${BigInt.asUintN(64, session).toString(16)} opened ${formatZxid(opened)}`;
export const gapKey = (after: Zxid, through: Zxid): string => `${formatZxid(after)} ${formatZxid(through)}`;
export const snapshotKey = (zxid: Zxid, source: string): string => `${formatZxid(zxid)} ${source}`;
export const nodeKey = (zxid: Zxid, path: string): string => `${path} at ${formatZxid(zxid)}`;
