/** The ledger and what it vouches for: gaps, snapshots, contents of bases, checkpoints and their signatures. */
import { hash } from 'node:crypto';
import { formatZxid, type Zxid } from '#core/model/zxid';
import type { VerifyingKey } from '../checkpoint-key.ts';
import { checkpointMessage } from '../checkpoints.ts';
import { BaseContent } from '../ledger.ts';
import { type Findings, gapKey, snapshotKey } from './findings.ts';
import { copyRow, fields, type HistoryRows, int8, type Row, RowStream, text, timeMs, zxidOf } from './rows.ts';
import { columnOf } from './tables.ts';

const l = {
	number: columnOf('ledger', 'number'),
	kind: columnOf('ledger', 'kind'),
	subject: columnOf('ledger', 'subject'),
	content: columnOf('ledger', 'content'),
	hash: columnOf('ledger', 'hash'),
};
const k = {
	zxid: columnOf('checkpoint', 'zxid'),
	hash: columnOf('checkpoint', 'hash'),
	ledger: columnOf('checkpoint', 'ledger'),
	ledgerHash: columnOf('checkpoint', 'ledger_hash'),
	time: columnOf('checkpoint', 'time'),
	keyId: columnOf('checkpoint', 'key_id'),
	signature: columnOf('checkpoint', 'signature'),
};
export const snapshotColumn = {
	zxid: columnOf('snapshot', 'zxid'),
	source: columnOf('snapshot', 'source'),
	digestZxid: columnOf('snapshot', 'digest_zxid'),
	digest: columnOf('snapshot', 'digest'),
	znodes: columnOf('snapshot', 'znodes'),
	sessions: columnOf('snapshot', 'sessions'),
	base: columnOf('snapshot', 'base'),
};
export const gapColumn = {
	after: columnOf('gap', 'after_zxid'),
	through: columnOf('gap', 'through_zxid'),
	kind: columnOf('gap', 'kind'),
	reason: columnOf('gap', 'reason'),
};
const dataHash = columnOf('snapshot_node', 'data_hash');

export interface LedgerOutcome {
	readonly checkpoints: number;
	/** Those whose signature was looked at with a key that was given, and is good. */
	readonly signed: number;
	/** The last of those; null when there is none. */
	readonly signedZxid: Zxid | null;
	readonly signedMs: number | null;
	/** What the ledger says of bases: its contents by zxid. */
	readonly bases: ReadonlyMap<Zxid, Buffer>;
	/** Where the history was pruned: what the chain goes on from, by zxid. */
	readonly pruned: ReadonlyMap<Zxid, Buffer>;
}

export async function verifyLedger(
	rows: HistoryRows,
	keys: readonly VerifyingKey[],
	findings: Findings,
): Promise<LedgerOutcome> {
	const newest = new Map<string, Buffer>();
	const bases = new Map<Zxid, Buffer>();
	const pruned = new Map<Zxid, Buffer>();
	const unmatched = new Map<string, string>();
	const ledger = await RowStream.of(rows.read('ledger'));
	const checkpoints = await RowStream.of(rows.read('checkpoint'));
	let before: Buffer[] = [Buffer.alloc(0)];
	let expectedNumber = 1;
	let signed = 0;
	let signedZxid: Zxid | null = null;
	let signedMs: number | null = null;
	const passCheckpoint = (entry: Row | null): void => {
		const row = checkpoints.next!;
		const problem = problemOf(row, entry, keys);
		if (problem.said !== null)
			findings.add('checkpoint', formatZxid(zxidOf(row[k.zxid]!)), zxidOf(row[k.zxid]!), problem.said);
		else if (problem.isSigned) {
			signed++;
			signedZxid = zxidOf(row[k.zxid]!);
			signedMs = timeMs(row[k.time]!);
		}
	};
	let lastHash: Buffer = Buffer.alloc(0);
	let lastNumber = 0;
	for (let row = ledger.next; row !== null; row = ledger.next) {
		const number = int8(row[l.number]!);
		const kind = text(row[l.kind]!);
		const subject = text(row[l.subject]!);
		const content = row[l.content]!;
		const stored = row[l.hash]!;
		const body = fields(row.slice(0, l.hash));
		if (number > expectedNumber) {
			const missing = number === expectedNumber + 1 ? `${expectedNumber}` : `${expectedNumber} to ${number - 1}`;
			findings.add('ledger', missing, null, 'it is missing');
		} else if (!before.some((it) => hash('sha256', Buffer.concat([it, body]), 'buffer').equals(stored))) {
			findings.add('ledger', `${number}`, null, 'the row is not what was written');
		}
		before = [stored, hash('sha256', Buffer.concat([before[0]!, body]), 'buffer'), before[0]!];
		expectedNumber = number + 1;
		if (kind === 'checkpoint') {
			const zxid = zxidOfText(subject);
			while (checkpoints.next !== null && zxidOf(checkpoints.next[k.zxid]!) < zxid) {
				passCheckpoint(null);
				await checkpoints.take();
			}
			if (content.length === 0) unmatched.delete(subject);
			else if (checkpoints.next !== null && zxidOf(checkpoints.next[k.zxid]!) === zxid) {
				const signedLedger = int8(checkpoints.next[k.ledger]!);
				if (signedLedger === lastNumber && !lastHash.equals(checkpoints.next[k.ledgerHash]!)) {
					findings.add(
						'ledger',
						`${lastNumber}`,
						null,
						`its hash is not the one that checkpoint ${formatZxid(zxid)} has`,
					);
				}
				passCheckpoint(row);
				await checkpoints.take();
			} else unmatched.set(subject, 'the ledger has it');
		} else if (kind === 'base') bases.set(zxidOfText(subject), content);
		else if (kind === 'pruned') pruned.set(zxidOfText(subject), content);
		else newest.set(`${kind} ${subject}`, content);
		lastHash = stored;
		lastNumber = number;
		await ledger.take();
	}
	for (; checkpoints.next !== null; await checkpoints.take()) passCheckpoint(null);
	for (const subject of unmatched.keys()) findings.add('checkpoint', subject, zxidOfText(subject), 'it is missing');
	await compareSmall(rows, newest, findings);
	const kept = [...bases].filter(([, content]) => content.length > 0);
	return { checkpoints: checkpoints.rows, signed, signedZxid, signedMs, bases: new Map(kept), pruned };
}

function zxidOfText(subject: string): Zxid {
	return Number(subject) as Zxid;
}

function problemOf(
	row: Row,
	entry: Row | null,
	keys: readonly VerifyingKey[],
): { readonly said: string | null; readonly isSigned: boolean } {
	const keyId = text(row[k.keyId]!);
	const message = checkpointMessage({
		zxid: zxidOf(row[k.zxid]!),
		hash: row[k.hash]!,
		ledger: int8(row[k.ledger]!),
		ledgerHash: row[k.ledgerHash]!,
		timeMs: timeMs(row[k.time]!),
		keyId,
	});
	const wrong = (said: string) => ({ said, isSigned: false });
	if (entry === null) return wrong('the ledger does not know it');
	if (!hash('sha256', fields(row), 'buffer').equals(entry[l.content]!)) return wrong('it is not what the ledger says');
	if (keys.length === 0) return { said: null, isSigned: false };
	const key = keys.find((it) => it.keyId === keyId);
	if (key === undefined) return wrong(`it was signed with the key ${keyId}, which was not given`);
	if (!key.verifies(message, row[k.signature]!)) return wrong('its signature is not good');
	return { said: null, isSigned: true };
}

/** Gaps and snapshots are few. */
async function compareSmall(rows: HistoryRows, newest: Map<string, Buffer>, findings: Findings): Promise<void> {
	const gaps = (await rows.all('gap')).map(
		(row) => ['gap', gapKey(zxidOf(row[gapColumn.after]!), zxidOf(row[gapColumn.through]!)), row] as const,
	);
	const snapshots = (await rows.all('snapshot')).map(
		(row) =>
			['snapshot', snapshotKey(zxidOf(row[snapshotColumn.zxid]!), text(row[snapshotColumn.source]!)), row] as const,
	);
	for (const [table, key, row] of [...gaps, ...snapshots]) {
		const content = newest.get(`${table} ${key}`);
		newest.delete(`${table} ${key}`);
		if (content === undefined || content.length === 0) findings.add(table, key, null, 'the ledger does not know it');
		else if (!hash('sha256', fields(row), 'buffer').equals(content)) {
			findings.add(table, key, null, 'it is not what the ledger says');
		}
	}
	for (const [subject, content] of newest) {
		if (content.length === 0) continue;
		const [table, ...key] = subject.split(' ');
		if (table === 'gap' || table === 'snapshot') findings.add(table, key.join(' '), null, 'it is missing');
	}
}

/** The content of a base, row by row; compared with the ledger when all were seen. */
export async function readBase(
	rows: HistoryRows,
	zxid: Zxid,
	ledger: Buffer | undefined,
	findings: Findings,
	each: (node: Row) => void,
): Promise<Map<bigint, number>> {
	let count = 0;
	for await (const batch of rows.read('snapshot_node', zxid, zxid)) count += batch.length;
	const content = new BaseContent(count);
	for await (const batch of rows.read('snapshot_node', zxid, zxid)) {
		for (const row of batch) {
			content.add(copyRow(row[dataHash] === null ? row.slice(0, dataHash) : row));
			each(row);
		}
	}
	const sessions = new Map<bigint, number>();
	const sessionRows: Row[] = [];
	for await (const batch of rows.read('snapshot_session', zxid, zxid)) sessionRows.push(...batch);
	content.beginSessions(sessionRows.length);
	for (const row of sessionRows) {
		content.add(copyRow(row));
		sessions.set(row[1]!.readBigUInt64BE(0), row[2]!.readInt32BE(0));
	}
	if (ledger === undefined) {
		findings.add('snapshot_node', `base ${formatZxid(zxid)}`, zxid, 'the ledger does not know this base');
	} else if (!content.value().equals(ledger)) {
		const problem =
			'the content of this base (its nodes in snapshot_node, its sessions in snapshot_session) is not what the ledger says';
		findings.add('snapshot_node', `base ${formatZxid(zxid)}`, zxid, problem);
	}
	return sessions;
}

export const checkpointColumn = k;
