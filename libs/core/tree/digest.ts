/**
 * The tree digest, version 2 (semantics 76): the sum, modulo 2^64, of one CRC-32 per node over path, data and stored Stat.
 *
 * The CRC runs over path and data first, so each node keeps that part (`contentCrc`): a change of the Stat alone costs 60 bytes
 * of CRC, however large the data.
 */
import { crc32 } from '#jute/crc32';
import type { StoredStat } from '#jute/records';
import { isOutsideDigest, rootPath } from '../model/path.ts';
import { encodeUtf8, utf8Scratch } from './utf8.ts';

export const digestVersion = 2;
/** Bytes of a stored Stat in the digest: czxid mzxid pzxid ctime mtime, version cversion aversion, ephemeralOwner. */
export const statBytes = 60;

/** CRC-32 of the path in UTF-8 (nothing for the root) and the data (null counts as empty). */
export function contentCrc(path: string, data: Uint8Array | null): number {
	return dataCrc(pathCrc(path), data);
}

/** The part of contentCrc that the path contributes. */
export function pathCrc(path: string): number {
	if (path === rootPath) return 0;
	const length = encodeUtf8(path);
	return crc32(utf8Scratch(), 0, length, 0);
}

export function dataCrc(seed: number, data: Uint8Array | null): number {
	return data === null || data.length === 0 ? seed : crc32(data, 0, data.length, seed);
}

const statScratch = new Uint8Array(statBytes);
const statView = new DataView(statScratch.buffer);

/** What the node adds to the tree digest; 0 for everything below /zookeeper. */
export function nodeDigest(path: string, content: number, stat: StoredStat): number {
	if (isOutsideDigest(path)) return 0;
	encodeStat(statView, 0, stat);
	return crc32(statScratch, 0, statBytes, content);
}

/** Big-endian, in the order of the digest; node records of the tree keep their Stat in just these bytes. */
export function encodeStat(view: DataView, at: number, stat: StoredStat): void {
	setLong(view, at, stat.czxid);
	setLong(view, at + 8, stat.mzxid);
	setLong(view, at + 16, stat.pzxid);
	setLong(view, at + 24, stat.ctime);
	setLong(view, at + 32, stat.mtime);
	view.setInt32(at + 40, stat.version);
	view.setInt32(at + 44, stat.cversion);
	view.setInt32(at + 48, stat.aversion);
	view.setBigUint64(at + 52, stat.ephemeralOwner);
}

/** A signed 64-bit number that a double holds exactly. */
export function setLong(view: DataView, at: number, value: number): void {
	view.setInt32(at, Math.floor(value / 0x1_0000_0000));
	view.setUint32(at + 4, value >>> 0);
}

export function getLong(view: DataView, at: number): number {
	return view.getInt32(at) * 0x1_0000_0000 + view.getUint32(at + 4);
}

/** A sum modulo 2^64 of numbers below 2^32, exact, without a bigint per addition. */
export class TreeDigest {
	#high = 0;
	#low = 0;

	static of(value: bigint): TreeDigest {
		const digest = new TreeDigest();
		digest.#high = Number((value >> 32n) & 0xffff_ffffn);
		digest.#low = Number(value & 0xffff_ffffn);
		return digest;
	}

	add(nodeDigest: number): void {
		this.#low += nodeDigest;
		if (this.#low >= 0x1_0000_0000) {
			this.#low -= 0x1_0000_0000;
			this.#high = (this.#high + 1) >>> 0;
		}
	}

	remove(nodeDigest: number): void {
		this.#low -= nodeDigest;
		if (this.#low < 0) {
			this.#low += 0x1_0000_0000;
			this.#high = (this.#high - 1) >>> 0;
		}
	}

	/** Unsigned 64 bits. */
	value(): bigint {
		return (BigInt(this.#high) << 32n) | BigInt(this.#low);
	}
}
