/** Names the rows that may have been altered where a transaction's hash is not that of its row, its changes and its facts. */
import type { Zxid } from '#core/model/zxid';
import { changeOrdinal } from './chain.ts';
import { changeKey, type Findings, sessionKey, versionKey } from './findings.ts';
import { c, createdPaths } from './record.ts';
import { int4, isSame, type Row, signed8, text } from './rows.ts';
import { columnOf } from './tables.ts';
import { versionColumn } from './versions.ts';

export interface Altered {
	readonly findings: Findings;
	readonly zxid: Zxid;
	readonly txn: Row;
	readonly changes: readonly Row[];
	/** The changes that the transaction, as it is there, makes. */
	readonly made: readonly Row[];
	/** The versions that begin with it. */
	readonly begun: readonly Row[];
	/** That it opened. */
	readonly session: Row | undefined;
	/** Whether the versions or the digest say that it did something else. */
	readonly isOtherTree: boolean;
}

const typeColumn = columnOf('txn', 'type');
const errorColumn = columnOf('txn', 'error');
const changeless = new Set(['createSession', 'error', 'check']);

export function nameAltered({ findings, zxid, txn, changes, made, begun, session, isOtherTree }: Altered): void {
	const type = text(txn[typeColumn]!);
	let isNamed = false;
	const name = (ordinal: number, problem: string) => {
		findings.add('change', changeKey(zxid, ordinal), zxid, problem);
		isNamed = true;
	};
	for (const [i, row] of changes.entries()) {
		const ordinal = changeOrdinal(row);
		const own = made.find((it) => changeOrdinal(it) === ordinal);
		const isHidden = row[c.dataHash] !== null;
		if (ordinal !== i) name(i, 'it is missing');
		if (own === undefined) name(ordinal, 'the transaction has no such change');
		else if (own.some((value, column) => !(isHidden && column === c.data) && !isSame(value, row[column]!)))
			name(ordinal, 'it is not what the transaction did');
		else if (isHidden && (row[c.data] !== null || !isHash(row[c.dataHash]!)))
			name(ordinal, 'it has no hash of its data, or both');
	}
	for (const own of made) {
		const ordinal = changeOrdinal(own);
		if (!changes.some((row) => changeOrdinal(row) === ordinal)) name(ordinal, 'it is missing');
	}
	if (session !== undefined && type === 'createSession') {
		findings.add(
			'session',
			sessionKey(signed8(session[0]!), zxid),
			zxid,
			'it, or the transaction that opened it, was altered',
		);
	}
	if (isNamed) return;
	const suspects = isOtherTree ? changes : changes.filter((row) => isSilent(row, begun));
	for (const row of suspects) name(changeOrdinal(row), 'it, or another row of the transaction, was altered');
	if (!isOtherTree) return;
	const created = new Set(createdPaths(changes));
	for (const row of begun) {
		const path = text(row[versionColumn.path]!);
		if (!created.has(path)) continue;
		findings.add('znode_version', versionKey(path, zxid), zxid, 'it, or another row of the transaction, was altered');
	}
	if (int4(txn[errorColumn]!) !== 0 || changeless.has(type)) return;
	name(changes.length, changes.length === 0 ? 'it is missing' : 'it may be missing');
}

/** Neither the digest nor a version speaks for its data: below /zookeeper, and of a node that the same transaction deleted again. */
function isSilent(row: Row, begun: readonly Row[]): boolean {
	if (text(row[c.type]!).startsWith('delete')) return false;
	const path = text(row[c.path]!);
	return path.startsWith('/zookeeper') || !begun.some((it) => text(it[versionColumn.path]!) === path);
}

function isHash(value: Buffer): boolean {
	return value.length === 32;
}
