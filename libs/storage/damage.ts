import { formatZxid, type Zxid } from '#core/model/zxid';

export interface DamageReport {
	readonly file: string;
	/** Byte in the file where the trouble begins, when it has a place in a file. */
	readonly offset?: number;
	readonly zxid?: Zxid;
	/** What is wrong, one sentence without full stop. */
	readonly problem: string;
	/** What the operator can do. */
	readonly advice: string;
}

/** Files that cannot be used as they are: says which file, where, and what can be done. Nothing was changed on disk. */
export class StorageDamage extends Error {
	readonly file: string;
	readonly offset: number | undefined;
	readonly zxid: Zxid | undefined;
	readonly problem: string;
	readonly advice: string;

	constructor(report: DamageReport) {
		const offset = report.offset === undefined ? '' : ` at byte ${report.offset}`;
		const zxid = report.zxid === undefined ? '' : ` (zxid ${formatZxid(report.zxid)})`;
		super(`${report.file}${offset}${zxid}: ${report.problem}. ${report.advice}`);
		this.name = new.target.name;
		this.file = report.file;
		this.offset = report.offset;
		this.zxid = report.zxid;
		this.problem = report.problem;
		this.advice = report.advice;
	}
}

/** A transaction log that cannot be read on, or whose end cannot be proved to be its end. */
export class LogDamage extends StorageDamage {}

/** A snapshot that is not complete, or does not agree with its checksums. */
export class SnapshotDamage extends StorageDamage {}

/** Each file may be sound, but together they do not give a tree that is proved to be right: a missing log, a digest that differs. */
export class RecoveryRefused extends StorageDamage {}

/** The log cannot be cut where it should be: it does not reach back that far, or has no such transaction. Nothing was changed. */
export class TruncationRefused extends StorageDamage {}

/** Another replica has this data directory open. */
export class DirectoryInUse extends StorageDamage {}

export const restoreAdvice =
	'Nothing was changed. Restore the file from a backup or from another replica of the ensemble, or restore with "ck restore"';
