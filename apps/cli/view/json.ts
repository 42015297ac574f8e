/**
 * What machines get. zxids, session ids and ephemeral owners are strings in hexadecimal (`"0x500000012"`), digests strings in decimal as in
 * ZooKeeper's logs: JSON's numbers would not hold them. Times are milliseconds. Data are base64, and text where they are UTF-8.
 */
import { hex, utf8 } from './text.ts';

/** A Stat, from the client, from a log or from PostgreSQL. */
export interface AnyStat {
	readonly czxid: bigint | number;
	readonly mzxid: bigint | number;
	readonly pzxid: bigint | number;
	readonly ctime: bigint | number;
	readonly mtime: bigint | number;
	readonly version: number;
	readonly cversion: number;
	readonly aversion: number;
	readonly ephemeralOwner: bigint;
	readonly dataLength?: number;
	readonly numChildren?: number;
}

export function statObject(stat: AnyStat): object {
	return {
		czxid: hex(stat.czxid),
		mzxid: hex(stat.mzxid),
		pzxid: hex(stat.pzxid),
		ctime: Number(stat.ctime),
		mtime: Number(stat.mtime),
		version: stat.version,
		cversion: stat.cversion,
		aversion: stat.aversion,
		ephemeralOwner: hex(stat.ephemeralOwner),
		...(stat.dataLength === undefined ? {} : { dataLength: stat.dataLength }),
		...(stat.numChildren === undefined ? {} : { numChildren: stat.numChildren }),
	};
}

/** `data` is null for null data; `text` is there when the data are UTF-8. */
export function dataObject(data: Uint8Array | null): { data: string | null; text?: string } {
	if (data === null) return { data: null };
	const text = utf8(data);
	const encoded = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
	return text === undefined ? { data: encoded } : { data: encoded, text };
}
