/**
 * What stands in the logs of an ensemble's members, and what of it ZooKeeper 3.8.0 has lost by itself.
 *
 * A follower of ZooKeeper 3.8.0 applies what its leader commits, also what it has not written to its own log yet. When it loses the leader then, that rest is never written: the thread that
 * writes ends with a NullPointerException (ZOOKEEPER-4409), or goes on beside the next one (ZOOKEEPER-4541, ZOOKEEPER-4712, in all of 3.8, fixed in 3.9.3). The next leader is told of what is
 * applied, and sends what follows: the log has a hole from then on. Read at the next start it gives a tree that never was, whose digests that server hands out itself as soon as it leads.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoggingMember } from './ensemble-mismatches.ts';

/** Of each of a member's logs, in order, the zxids as they stand in it: not always in order, and not always without repetition. */
export function loggedZxids(dataDir: string): bigint[][] {
	return versionFiles(dataDir, 'log').map(({ file }) => zxidsOf(readFileSync(file)));
}

/** What a majority of these has in its logs: committed transactions, in order. A majority may have lost some of them. */
export function committedZxids(dataDirs: readonly string[]): bigint[] {
	const counts = new Map<bigint, number>();
	for (const dataDir of dataDirs)
		for (const zxid of new Set(loggedZxids(dataDir).flat())) counts.set(zxid, (counts.get(zxid) ?? 0) + 1);
	const committed = [...counts].filter(([, count]) => count > dataDirs.length / 2).map(([zxid]) => zxid);
	return committed.sort((a, b) => (a < b ? -1 : 1));
}

/**
 * Which of the members, all of them voters, run ZooKeeper and have a log without transactions that were committed, in front of others, and no snapshot in their place; in words. What such a member
 * says of its tree afterwards is no evidence of anything.
 */
export function lossesOfZooKeeper(members: readonly LoggingMember[]): string[] {
	const committed = committedZxids(members.map(({ dataDir }) => dataDir));
	return members
		.filter(({ kinds }) => kinds.has('zookeeper'))
		.flatMap(({ id, dataDir }) => {
			const logged = loggedZxids(dataDir)
				.flat()
				.sort((a, b) => (a < b ? -1 : 1));
			const snapshots = versionFiles(dataDir, 'snapshot').map(({ zxid }) => zxid);
			let at = 0;
			const lost = committed.filter((zxid) => {
				while (at < logged.length && logged[at]! < zxid) at += 1;
				const next = logged[at];
				if (next === undefined || next === zxid || at === 0) return false;
				return !snapshots.some((snapshot) => snapshot >= zxid && snapshot < next);
			});
			if (lost.length === 0) return [];
			const range = `0x${lost[0]!.toString(16)} to 0x${lost.at(-1)!.toString(16)}`;
			return [`ZooKeeper member ${id} lost ${lost.length} committed transactions from ${range}`];
		});
}

function versionFiles(dataDir: string, kind: 'log' | 'snapshot'): { readonly file: string; readonly zxid: bigint }[] {
	const folder = join(dataDir, 'version-2');
	if (!existsSync(folder)) return [];
	return readdirSync(folder)
		.flatMap((name) => {
			const zxid = new RegExp(`^${kind}\\.([0-9a-f]+)$`).exec(name)?.[1];
			return zxid === undefined ? [] : [{ file: join(folder, name), zxid: BigInt(`0x${zxid}`) }];
		})
		.sort((a, b) => (a.zxid < b.zxid ? -1 : 1));
}

/** Behind the header of a log, records of checksum, length, body and a mark; a length of 0 is the end. */
function zxidsOf(file: Buffer): bigint[] {
	const zxids: bigint[] = [];
	for (let at = 16; at + 12 <= file.length; ) {
		const length = file.readInt32BE(at + 8);
		if (length <= 0 || at + 12 + length > file.length) break;
		zxids.push(file.readBigInt64BE(at + 12 + 12));
		at += 12 + length + 1;
	}
	return zxids;
}
