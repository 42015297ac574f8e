/**
 * What a member itself found wrong with digests, and which of it is ZooKeeper's own doing. ZooKeeper 3.8.0 counts mismatches among servers of its own kind:
 *
 * - A learner whose synchronization breaks off behind NEWLEADER has written the proposals before it to its log, and writes them again at the next attempt
 *   (under load that is common: a COMMIT between NEWLEADER and UPTODATE ends in a NullPointerException). Its log then goes back, and when it is read at the
 *   next start the repeated transactions do not fit until the end of the repetition. The tree is right after that.
 * - A learner that loses its leader reads the rest of its log into the tree while the last commits are still applied to it.
 *
 * Mismatches of exactly these two moments are told apart. All others are problems, and every one of Chronokeeper is.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EnsembleMember } from './ensemble-member.ts';

const mismatch = /digest mismatch|Digests are not matching/i;
const shutdown = /ZooKeeperServer - shutting down|FinalRequestProcessor - shutdown of request processor complete/;
const nextElection = /FastLeaderElection - New election/;

export interface Mismatches {
	/** In words. */
	readonly problems: readonly string[];
	/** How many lines of its log tell of ZooKeeper's own. */
	readonly ofZooKeeper: number;
	/** Whether its counter, which is of this life, counts some of those. */
	readonly isCounted: boolean;
	/** The highest zxid that it read from a log that goes back: digests up to there are not the tree's. */
	readonly unsureUpTo: bigint;
}

export function mismatchesOf(member: EnsembleMember): Mismatches {
	const problems: string[] = [];
	let [ofZooKeeper, isCounted, unsureUpTo] = [0, false, 0n];
	const goesBack = member.kinds.has('zookeeper') && logGoesBack(member.dataDir);
	for (const { kind, log } of member.lives) {
		const lines = log.split('\n');
		const found = lines.filter((line, index) => mismatch.test(line) && !isKnown(lines, index, goesBack));
		if (kind === 'chronokeeper') {
			problems.push(...lines.filter((line) => mismatch.test(line)));
			continue;
		}
		problems.push(...found);
		const known = lines.filter((line) => mismatch.test(line)).length - found.length;
		ofZooKeeper += known;
		isCounted = known > 0;
		const loaded = /Snapshot loaded in \d+ ms, highest zxid is (0x[0-9a-f]+)/.exec(log);
		unsureUpTo = goesBack && loaded ? BigInt(loaded[1]!) : 0n;
	}
	return { problems: problems.map((line) => `member ${member.id}: ${line}`), ofZooKeeper, isCounted, unsureUpTo };
}

function isKnown(lines: readonly string[], index: number, goesBack: boolean): boolean {
	if (/^\S+ \[main\]/.test(lines[index]!)) return goesBack;
	for (let before = index - 1; before >= 0; before--) {
		if (nextElection.test(lines[before]!)) return false;
		if (shutdown.test(lines[before]!)) return true;
	}
	return false;
}

/** Whether a transaction stands in the log behind a later one. */
function logGoesBack(dataDir: string): boolean {
	const folder = join(dataDir, 'version-2');
	if (!existsSync(folder)) return false;
	const files = readdirSync(folder).filter((name) => name.startsWith('log.'));
	return files.some((name) => {
		const zxids = zxidsOf(readFileSync(join(folder, name)));
		return zxids.some((zxid, index) => index > 0 && zxid <= zxids[index - 1]!);
	});
}

/** Of a log, as they stand in the file: behind its header, records of checksum, length, body and a mark; a length of 0 is the end. */
export function zxidsOf(file: Buffer): bigint[] {
	const zxids: bigint[] = [];
	for (let at = 16; at + 12 <= file.length; ) {
		const length = file.readInt32BE(at + 8);
		if (length <= 0 || at + 12 + length > file.length) break;
		zxids.push(file.readBigInt64BE(at + 12 + 12));
		at += 12 + length + 1;
	}
	return zxids;
}
