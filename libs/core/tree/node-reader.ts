/** What can be read of a node record: the same code for the living tree and for a frozen one in a worker. */
import type { StoredStat } from '#jute/records';
import type { Zxid } from '#jute/scalars';
import type { BlobReader } from './blob-store.ts';
import { getLong } from './digest.ts';
import {
	aversionAt,
	cversionAt,
	ephemeralOwnerAt,
	inlineNameBytes,
	mtimeAt,
	mzxidAt,
	nameField,
	nameInfoField,
	nameLengthMask,
	pzxidAt,
	statAt,
	versionAt,
	wideNameFlag,
} from './node-layout.ts';
import type { PageReader } from './node-pages.ts';

export function readStoredStat(pages: PageReader, node: number): StoredStat {
	const view = pages.viewOf(node);
	const at = pages.byteOffset(node);
	return {
		czxid: getLong(view, at + statAt) as Zxid,
		mzxid: getLong(view, at + mzxidAt) as Zxid,
		ctime: getLong(view, at + 24),
		mtime: getLong(view, at + mtimeAt),
		version: view.getInt32(at + versionAt),
		cversion: view.getInt32(at + cversionAt),
		aversion: view.getInt32(at + aversionAt),
		ephemeralOwner: readOwner(view, at),
		pzxid: getLong(view, at + pzxidAt) as Zxid,
	};
}

/** Most nodes have none: no bigint is made for them. */
export function readOwner(view: DataView, at: number): bigint {
	const high = view.getUint32(at + ephemeralOwnerAt);
	const low = view.getUint32(at + ephemeralOwnerAt + 4);
	return high === 0 && low === 0 ? 0n : (BigInt(high) << 32n) | BigInt(low);
}

const longest = 64;
/** One array of code units per length: String.fromCharCode.apply() on them is the fastest way to a flat short string. */
const units: number[][] = Array.from({ length: longest + 1 }, (_, length) => new Array<number>(length).fill(0));

/** The node's own name, without its parents. */
export function readName(pages: PageReader, blobs: BlobReader, node: number): string {
	const info = pages.word(node, nameInfoField);
	const length = info & nameLengthMask;
	const wide = (info & wideNameFlag) !== 0;
	let bytes: Uint8Array;
	let at: number;
	if (isInline(length, wide)) {
		bytes = pages.bytesOf(node);
		at = pages.byteOffset(node) + nameField * 4;
	} else {
		const ref = pages.word(node, nameField);
		bytes = blobs.slabOf(ref);
		at = blobs.offsetOf(ref);
	}
	let name = '';
	for (let done = 0; done < length; ) {
		const count = Math.min(longest, length - done);
		const into = units[count]!;
		if (wide) {
			for (let i = 0; i < count; i++) {
				const from = at + (done + i) * 2;
				into[i] = bytes[from]! | (bytes[from + 1]! << 8);
			}
		} else {
			for (let i = 0; i < count; i++) into[i] = bytes[at + done + i]!;
		}
		const part = String.fromCharCode.apply(null, into);
		name = done === 0 ? part : name + part;
		done += count;
	}
	return name;
}

export function isInline(length: number, wide: boolean): boolean {
	return (wide ? length * 2 : length) <= inlineNameBytes;
}
