/** One server's directory as a source of history: which zxids its logs have, its records from a zxid on, its snapshots. */
import fs from 'node:fs';
import { counterOf, epochOf, type Zxid, zeroZxid } from '#core/model/zxid';
import { digestVersion } from '#core/tree/digest';
import { LogDamage } from '#storage/damage';
import { DataDirectory, type StoredFile } from '#storage/data-directory';
import { logSequence, type SequencedEntry } from '#storage/log-sequence';
import { missingSeal, readDigestSection } from '#storage/snapshot-tail';

const maxZxid = Number.MAX_SAFE_INTEGER as Zxid;

/** Transactions of one epoch without a hole between them. */
export interface Run {
	readonly first: Zxid;
	readonly last: Zxid;
	/** It stands right behind the run before it in the log: that one's last was the last of its epoch. */
	readonly follows: boolean;
}

export interface SnapshotFile extends StoredFile {
	/** The zxid from which on its tree is one that existed, once the log up to there was applied; its own when it is exact. */
	readonly exactZxid: Zxid;
	/** The digest at exactZxid; null where the file does not say. */
	readonly digest: bigint | null;
	/**
	 * Whether the file says where its tree is exact. One without a digest section does not: ZooKeeper wrote it before 3.6, or it is what a ZooKeeper leader streamed while
	 * transactions went on. `exactZxid` is then a guess, and provedFrom() of tree-loader.ts the answer.
	 */
	readonly isProved: boolean;
	readonly bytes: number;
}

export class LogSource {
	readonly name: string;
	readonly logs: readonly StoredFile[];
	readonly snapshots: readonly SnapshotFile[];
	readonly #warn: (warning: string) => void;

	constructor(dataDir: string, dataLogDir: string | undefined, warn: (warning: string) => void) {
		const directory = new DataDirectory(dataDir, dataLogDir);
		this.name = dataDir;
		this.logs = directory.logs();
		this.snapshots = directory.snapshots().flatMap((file) => inspect(file, warn));
		this.#warn = warn;
	}

	/** Reads the logs once, from `from` and no further than `through`: what stands behind may still be written. */
	runs(progress: (bytes: number) => void, from: Zxid = zeroZxid, through: Zxid = maxZxid): Run[] {
		const runs: { first: Zxid; last: Zxid; follows: boolean }[] = [];
		const caughtUp = new Set(this.snapshots.filter((it) => counterOf(it.zxid) === 0).map((it) => epochOf(it.zxid)));
		let isBehindDamage = false;
		const damaged = () => {
			isBehindDamage = true;
		};
		for (const { record, length } of this.records(from, damaged)) {
			const { zxid } = record.header;
			if (zxid > through) break;
			progress(length);
			const run = runs.at(-1);
			const isDamagedInFront = isBehindDamage;
			isBehindDamage = false;
			if (run !== undefined && zxid === run.last + 1) {
				run.last = zxid;
				if (zxid === through) break;
				continue;
			}
			const epoch = epochOf(zxid);
			// A snapshot of counter 0 of this epoch: the server got the leader's tree in between, and its log does not prove anything. Nor does one whose end cannot be read.
			const isUnbroken = !isDamagedInFront && !caughtUp.has(epoch);
			const follows = run !== undefined && counterOf(zxid) === 1 && epoch > epochOf(run.last) && isUnbroken;
			runs.push({ first: zxid, last: zxid, follows });
			if (zxid === through) break;
		}
		return runs;
	}

	/**
	 * Behind damage it goes on with the next file. What is missing then shows as a hole, unless an epoch ended there: `damaged` is told of it before the next record is given. Data are
	 * valid until the next record.
	 */
	*records(from: Zxid, damaged?: () => void): Generator<SequencedEntry, void> {
		let last = (from - 1) as Zxid;
		let logs = this.logs;
		for (;;) {
			try {
				for (const entry of logSequence(logs, (last + 1) as Zxid, { reuse: true, warn: this.#warn })) {
					last = entry.record.header.zxid;
					yield entry;
				}
				return;
			} catch (error) {
				if (!(error instanceof LogDamage)) throw error;
				this.#warn(error.message);
				damaged?.();
				const at = logs.findIndex((log) => log.path === error.file);
				if (at === -1) throw error;
				logs = logs.slice(at + 1);
				if (logs.length === 0) return;
			}
		}
	}

	get logBytes(): number {
		return this.logs.reduce((sum, log) => sum + fs.statSync(log.path).size, 0);
	}
}

function inspect(file: StoredFile, warn: (warning: string) => void): SnapshotFile[] {
	const problem = missingSeal(file.path);
	if (problem !== null) {
		warn(`${file.path}: ${problem}. It was passed over`);
		return [];
	}
	const { section, bytes } = readDigestSection(file.path);
	if (section === null || section.zxid === 0)
		return [{ ...file, exactZxid: file.zxid, digest: null, isProved: section !== null, bytes }];
	const exactZxid = Math.max(section.zxid, file.zxid) as Zxid;
	return [
		{ ...file, exactZxid, digest: section.version === digestVersion ? section.digest : null, isProved: true, bytes },
	];
}
