/**
 * What a member itself found wrong with digests, and which of it is ZooKeeper's own doing. ZooKeeper 3.8.0 counts mismatches among servers of its own kind:
 *
 * - A learner whose synchronization breaks off behind NEWLEADER has written the proposals before it to its log, and writes them again at the next attempt
 *   (under load that is common: a COMMIT between NEWLEADER and UPTODATE ends in a NullPointerException). Its log then goes back, and when it is read at the
 *   next start the repeated transactions do not fit until the end of the repetition. The tree is right after that.
 * - A learner that loses its leader reads the rest of its log into the tree while the last commits are still applied to it, by a thread that nobody waits for. Its tree is right
 *   when both have come to their ends; the digests that it noted on the way are not.
 * - A leader that goes on applying while it sends a snapshot sends more than the state it is named after. The learner performs those transactions once more, which changes nothing,
 *   and notes a later state's digest for them.
 *
 * Mismatches of exactly these moments are told apart. All others are problems, and every one of Chronokeeper is.
 */
import { epochOf, type Zxid } from '#core/model/zxid';
import { loggedZxids } from './ensemble-logs.ts';
import type { EnsembleMember } from './ensemble-member.ts';

const mismatch = /digest mismatch|Digests are not matching/i;
const value = /Digests are not matching\. Value is Zxid\. (?:Last value|Value):(\d+)/;
/** ZooKeeper says the first one, and how many more there were when the next one agrees. */
const more = /\[\d+ times\] Message: Digests are not matching/;
const shutdown = /ZooKeeperServer - shutting down|FinalRequestProcessor - shutdown of request processor complete/;
/** Of a server that has a leader, or is one: nobody applies anything for the leader before any more. */
const nextTerm = /QuorumPeer - (?:FOLLOWING|LEADING|OBSERVING)$/;
const snapshotFromLeader = /Learner - Getting a snapshot from leader 0x[0-9a-f]+$/;
const endOfSynchronization = /Learner - Learner received UPTODATE message$|QuorumPeer - (?:FOLLOWING|OBSERVING)$/;
const firstOfSynchronization = /Learner - Got zxid (0x[0-9a-f]+) expected 0x1$/;

/** From and to, inclusive. */
type Range = readonly [bigint, bigint];

export interface Mismatches {
	/** In words. */
	readonly problems: readonly string[];
	/** How many lines of its log tell of ZooKeeper's own. */
	readonly ofZooKeeper: number;
	/** Whether its counter, which is of this life, counts some of those. */
	readonly isCounted: boolean;
	/** Zxids whose digests, as it has noted them in this life, are not the tree's. */
	readonly unsure: readonly Range[];
}

export type LoggingMember = Pick<EnsembleMember, 'id' | 'kinds' | 'dataDir' | 'lives'>;

export function mismatchesOf(member: LoggingMember): Mismatches {
	const problems: string[] = [];
	let ofZooKeeper = 0;
	let unsure: Range[] = [];
	let isCounted = false;
	const goesBack = member.kinds.has('zookeeper') && logGoesBack(member.dataDir);
	for (const { kind, log } of member.lives) {
		const lines = log.split('\n');
		if (kind === 'chronokeeper') {
			problems.push(...lines.filter((line) => mismatch.test(line)));
			continue;
		}
		unsure = behindSnapshots(lines);
		isCounted = false;
		const loaded = /Snapshot loaded in \d+ ms, highest zxid is (0x[0-9a-f]+)/.exec(log);
		if (goesBack && loaded) unsure.push([0n, BigInt(loaded[1]!)]);
		let isKnown = false;
		for (const [index, line] of lines.entries()) {
			if (!mismatch.test(line)) continue;
			const isAtStart = /^\S+ \[main\]/.test(line);
			const isCount = more.test(line);
			// How many more there were is said of those that the last line began with.
			if (!isCount) isKnown = isAtStart ? goesBack : isBetweenTerms(lines, index);
			if (!isKnown) {
				problems.push(line);
				continue;
			}
			ofZooKeeper += 1;
			isCounted = true;
			const zxid = value.exec(line)?.[1];
			if (zxid !== undefined && !isAtStart && !isCount) unsure.push(termOf(lines, index, BigInt(zxid)));
		}
	}
	return { problems: problems.map((line) => `member ${member.id}: ${line}`), ofZooKeeper, isCounted, unsure };
}

/** What was sent behind the snapshots of leaders, up to the end of each synchronization. */
function behindSnapshots(lines: readonly string[]): Range[] {
	return lines.flatMap((line, index) => {
		if (!snapshotFromLeader.test(line)) return [];
		const ended = lines.findIndex((each, at) => at > index && endOfSynchronization.test(each));
		const first = firstSent(lines.slice(index, ended === -1 ? undefined : ended));
		if (first === undefined) return [];
		const next = ended === -1 ? undefined : firstSent(lines.slice(ended));
		return [[first, next === undefined ? lastOfEpoch(first) : next - 1n] as const];
	});
}

/** The first transaction that a leader sent, as the first line of these that says so has it. */
function firstSent(lines: readonly string[]): bigint | undefined {
	const line = lines.find((each) => firstOfSynchronization.test(each));
	return line === undefined ? undefined : BigInt(firstOfSynchronization.exec(line)![1]!);
}

function lastOfEpoch(zxid: bigint): bigint {
	return (BigInt(epochOf(Number(zxid) as Zxid)) << 32n) + 0xffffffffn;
}

/** Whether its server was shut down and no other one has taken its place. */
function isBetweenTerms(lines: readonly string[], index: number): boolean {
	const before = lines.slice(0, index);
	return before.findLastIndex((line) => shutdown.test(line)) > before.findLastIndex((line) => nextTerm.test(line));
}

/** From the first transaction that its last leader sent, to before the first one of the next, or the end of the epoch where that sent none. */
function termOf(lines: readonly string[], index: number, zxid: bigint): Range {
	const ended = lines.findLastIndex((line, at) => at < index && shutdown.test(line));
	const began = lines.findLastIndex((line, at) => at < ended && nextTerm.test(line));
	const first = firstSent(lines.slice(began + 1, ended));
	const next = firstSent(lines.slice(ended + 1));
	return [first ?? 0n, next === undefined ? lastOfEpoch(zxid) : next - 1n];
}

/** Whether a transaction stands in the log behind a later one. */
function logGoesBack(dataDir: string): boolean {
	return loggedZxids(dataDir).some((zxids) => zxids.some((zxid, index) => index > 0 && zxid <= zxids[index - 1]!));
}
