/** What the last bytes of a snapshot file say, without reading the file: whether it is complete, and its digest section. */
import fs from 'node:fs';
import { fileHeaderBytes } from './file-header.ts';

/** Adler-32 (8), length 1 (4), '/' (1). */
export const sealBytes = 13;
/** zxid (8), version (4), digest (8). */
export const digestSectionBytes = 20;
/** ZooKeeper 3.9 writes the last processed zxid and a third seal behind it. */
const lastProcessedBytes = 8 + sealBytes;
export const slash = 0x2f;

/** Like ZooKeeper, looks at the end only: a snapshot that was not written to its end has no seal there. Null when it is there. */
export function missingSeal(file: string): string | null {
	const fd = fs.openSync(file, 'r');
	try {
		const { size } = fs.fstatSync(fd);
		const seal = Buffer.alloc(5);
		if (size < fileHeaderBytes + sealBytes) return `the file has only ${size} bytes`;
		fs.readSync(fd, seal, 0, 5, size - 5);
		return seal.readInt32BE(0) === 1 && seal[4] === slash
			? null
			: 'the file does not end with a seal: it is not complete';
	} finally {
		fs.closeSync(fd);
	}
}

/** Read from the file's end alone: whether the file is sound shows when it is loaded. */
export function readDigestSection(file: string): {
	section: { zxid: number; version: number; digest: bigint } | null;
	bytes: number;
} {
	const fd = fs.openSync(file, 'r');
	try {
		const { size } = fs.fstatSync(fd);
		const tail = Buffer.alloc(Math.min(size, 96));
		fs.readSync(fd, tail, 0, tail.length, size - tail.length);
		for (const behind of [sealBytes, sealBytes + lastProcessedBytes]) {
			const at = tail.length - behind - digestSectionBytes;
			if (at < sealBytes || tail.readInt32BE(at - 5) !== 1 || tail[at - 1] !== slash) continue;
			const section = {
				zxid: Number(tail.readBigInt64BE(at)),
				version: tail.readInt32BE(at + 8),
				digest: tail.readBigInt64BE(at + 12),
			};
			return { section, bytes: size };
		}
		return { section: null, bytes: size };
	} finally {
		fs.closeSync(fd);
	}
}
