/**
 * Compares the tree with the digests in the log while it is rebuilt.
 *
 * A snapshot that ZooKeeper wrote is fuzzy: up to the zxid of its digest section the tree is one that never existed, and nothing is compared.
 * At that zxid it must have the section's digest, and from there on the digest of every record. A snapshot without the section does not say
 * where that is: there the first record that agrees begins the comparison, and one must come.
 */
import type { TxnRecord } from '#core/model/txn-record';
import { formatZxid, type Zxid } from '#core/model/zxid';
import { digestVersion } from '#core/tree/digest';
import type { SnapshotDigest } from './snapshot-reader.ts';

export interface Mismatch {
	readonly file: string;
	readonly offset: number | null;
	readonly zxid: Zxid;
	readonly expected: bigint;
	readonly actual: bigint;
	/** The snapshot's own digest section differs, not a record's digest. */
	readonly inSection: boolean;
	readonly hint: string;
}

type State = 'waiting for the section' | 'waiting for agreement' | 'comparing';

export class DigestCheck {
	mismatches = 0;
	first: Mismatch | null = null;
	/** Records that had a digest to compare with and agreed. */
	agreed = 0;
	readonly #section: SnapshotDigest | null;
	#state: State;
	#unsettled: Mismatch | null = null;

	constructor(section: SnapshotDigest | null) {
		this.#section = section;
		if (section === null) this.#state = 'waiting for agreement';
		else this.#state = section.zxid === 0 ? 'comparing' : 'waiting for the section';
	}

	/** The zxid that must come before the tree is one that existed; null when it has come. */
	get awaited(): Zxid | null {
		return this.#state === 'waiting for the section' ? this.#section!.zxid : null;
	}

	/** Nothing has said yet that the tree is one that existed: what comes next may disagree with it (semantics 78). */
	get isUnproved(): boolean {
		return this.#state !== 'comparing' && this.mismatches === 0;
	}

	/** Right after the snapshot was loaded. */
	loaded(zxid: Zxid, digest: () => bigint, file: string): Mismatch | null {
		const section = this.#section;
		if (section === null || section.zxid === 0 || section.zxid > zxid) return null;
		return this.#atSection(digest, file, null);
	}

	/** Right after the record was applied. */
	applied(
		record: TxnRecord,
		digest: () => bigint,
		file: string,
		offset: number,
		snapshotFile: string,
	): Mismatch | null {
		const { zxid } = record.header;
		if (this.#state === 'waiting for the section') {
			if (zxid < this.#section!.zxid) return null;
			const mismatch = this.#atSection(digest, snapshotFile, null);
			if (mismatch !== null) return mismatch;
		}
		if (record.digest === null || record.digest.version !== digestVersion) return null;
		const actual = digest();
		if (record.digest.value === actual) {
			this.agreed++;
			this.#unsettled = null;
			this.#state = 'comparing';
			return null;
		}
		const mismatch: Mismatch = {
			...{ file, offset, zxid, expected: record.digest.value, actual, inSection: false },
			hint: hint(record),
		};
		if (this.#state === 'comparing') return this.#count(mismatch);
		this.#unsettled ??= mismatch;
		return null;
	}

	/** At the end of the logs: what never agreed. */
	finished(): Mismatch | null {
		return this.#unsettled === null ? null : this.#count(this.#unsettled);
	}

	#atSection(digest: () => bigint, file: string, offset: number | null): Mismatch | null {
		const section = this.#section!;
		this.#state = 'comparing';
		if (section.version !== digestVersion) return null;
		const actual = digest();
		if (section.value === actual) return null;
		return this.#count({
			file,
			offset,
			zxid: section.zxid,
			expected: section.value,
			actual,
			inSection: true,
			hint: '',
		});
	}

	#count(mismatch: Mismatch): Mismatch {
		this.mismatches++;
		this.first ??= mismatch;
		return mismatch;
	}
}

export function describeMismatch(mismatch: Mismatch): string {
	const where = mismatch.inSection ? 'the digest section of the snapshot says' : 'its record says';
	return `the tree at ${formatZxid(mismatch.zxid)} has digest ${mismatch.actual}, ${where} ${mismatch.expected}${mismatch.hint}`;
}

/** What of this very record could be a harmless cause. */
function hint(record: TxnRecord): string {
	const { txn } = record;
	const path = 'path' in txn ? txn.path : '';
	// biome-ignore lint/suspicious/noControlCharactersInRegex: it is ASCII as a whole that is asked for.
	if (!/^[\x00-\x7f]*$/.test(path)) return ` (the transaction is a ${txn.kind} of ${path}, a path that is not ASCII)`;
	return path === '' ? ` (the transaction is a ${txn.kind})` : ` (the transaction is a ${txn.kind} of ${path})`;
}

export const harmlessCauses =
	'In files that ZooKeeper wrote there are two harmless causes: its JVM had another default charset than UTF-8 and a path is not ASCII, or a container was made by plain create';
