/** Writes batches: each in one transaction that first advances the cursor from exactly where the batch begins. */
import { finished } from 'node:stream/promises';
import type pg from 'pg';
import copyStreams from 'pg-copy-streams';
import type { Zxid } from '#core/model/zxid';
import { formatZxid } from '#core/model/zxid';
import { aclRow } from './acl-rows.ts';
import type { Batch, GapRow, HistoryPoint } from './batch.ts';
import { CopyRows } from './copy-rows.ts';
import { noteGap } from './ledger.ts';
import {
	changeColumns,
	redactedChangeColumns,
	sessionColumns,
	txnColumns,
	versionColumns,
	writeSession,
} from './rows.ts';

/** Another writer has advanced the history meanwhile. */
export class CursorMoved extends Error {
	override readonly name = 'CursorMoved';
}

/** The channel that a NOTIFY goes to with every batch; the payload is the new zxid in hexadecimal. */
export const notifyChannel = 'chronokeeper_txn';

/**
 * With a second connection the versions go over that one, at the same time, and are committed just before the rest: for a bulk load only,
 * because a crash between the two leaves versions behind the cursor.
 */
export async function writeBatch(
	client: pg.ClientBase,
	batch: Batch,
	writer: string,
	second: pg.ClientBase | null = null,
	/** Done last, in the same transaction. */
	seal: (() => Promise<void>) | null = null,
): Promise<void> {
	await inTransaction(client, async () => {
		await advanceCursor(client, batch.from, batch.to, writer);
		if (second === null) {
			await writeTxns(client, batch);
			await writeVersions(client, batch);
			await seal?.();
			return;
		}
		const versions = inTransaction(second, () => writeVersions(second, batch));
		const settled = await Promise.allSettled([writeTxns(client, batch), versions]);
		for (const outcome of settled) if (outcome.status === 'rejected') throw outcome.reason;
		await seal?.();
	});
}

async function writeTxns(client: pg.ClientBase, batch: Batch): Promise<void> {
	await writeAcls(client, batch.acls);
	await copyIn(client, `copy chronokeeper.txn (${txnColumns}) from stdin binary`, batch.txns);
	await copyIn(client, `copy chronokeeper.change (${changeColumns}) from stdin binary`, batch.changes);
	const redacted = `copy chronokeeper.change (${redactedChangeColumns}) from stdin binary`;
	await copyIn(client, redacted, batch.redactedChanges);
	if (batch.redactedChanges.rows > 0) await noteRedacted(client);
	await writeClockRuns(client, batch);
	await writeSessions(client, batch);
	for (const { epoch, firstZxid, beganMs } of batch.epochs) {
		await client.query(
			'insert into chronokeeper.epoch values ($1, $2, to_timestamp($3 / 1000.0)) on conflict do nothing',
			[epoch, firstZxid, beganMs],
		);
	}
	for (const gap of batch.gaps) await writeGap(client, gap);
}

/** Queries look for hashes of data only where there are any. */
export async function noteRedacted(client: pg.ClientBase): Promise<void> {
	await client.query('update chronokeeper.mirror_cursor set redacted = true where not redacted');
}

async function writeClockRuns(client: pg.ClientBase, { clockRuns }: Batch): Promise<void> {
	if (clockRuns.length === 0) return;
	const rows = new CopyRows(clockRuns.length * 32);
	for (const { firstZxid, beganMs } of clockRuns) {
		rows.beginRow(2);
		rows.int8(firstZxid);
		rows.time(beganMs);
	}
	await copyIn(client, 'copy chronokeeper.clock_run (first_zxid, began) from stdin binary', rows);
}

async function writeVersions(client: pg.ClientBase, batch: Batch): Promise<void> {
	await endVersions(client, batch);
	await copyIn(client, `copy chronokeeper.znode_version (${versionColumns}) from stdin binary`, batch.versions);
}

export async function inTransaction(client: pg.ClientBase, work: () => Promise<void>): Promise<void> {
	await client.query('begin');
	try {
		await work();
		await client.query('commit');
	} catch (error) {
		await client.query('rollback').catch(() => undefined); // The connection may be gone: then there is nothing to roll back.
		throw error;
	}
}

/**
 * Compare-and-set, and the lock that makes other writers wait: the first statement of every transaction that adds history.
 * @throws CursorMoved
 */
export async function advanceCursor(
	client: pg.ClientBase,
	from: HistoryPoint,
	to: HistoryPoint,
	writer: string,
): Promise<void> {
	const moved = await client.query(
		`update chronokeeper.mirror_cursor set zxid = $1, digest = $2, hash = $3, writer = $4, mirrored = now(),
			clock_zxid = case when clock_zxid is not distinct from $5 then $1 else clock_zxid end
		where id = 1 and zxid is not distinct from $5 and hash is not distinct from $6`,
		[to.zxid, BigInt.asIntN(64, to.digest), to.hash, writer, from.zxid, from.zxid === null ? null : from.hash],
	);
	if (moved.rowCount !== 1) {
		const where = from.zxid === null ? 'its beginning' : formatZxid(from.zxid);
		throw new CursorMoved(`the history is no longer at ${where}: another mirror or import writes to this database`);
	}
	await client.query('select pg_notify($1, $2)', [notifyChannel, formatZxid(to.zxid ?? (0 as Zxid))]);
}

/**
 * Keeps the cursor where it is, for what is written beside the history.
 * @throws CursorMoved
 */
export async function holdCursor(client: pg.ClientBase, { zxid, hash }: HistoryPoint): Promise<void> {
	const held = await client.query(
		'select from chronokeeper.mirror_cursor where id = 1 and zxid is not distinct from $1 and hash is not distinct from $2 for update',
		[zxid, zxid === null ? null : hash],
	);
	if (held.rowCount !== 1)
		throw new CursorMoved('the history has moved on: another mirror or import writes to this database');
}

/** Where the history is. */
export async function readCursor(client: pg.ClientBase): Promise<HistoryPoint> {
	const { rows } = await client.query<{ zxid: string | null; digest: string | null; hash: Buffer | null }>(
		'select zxid, digest, hash from chronokeeper.mirror_cursor where id = 1',
	);
	const row = rows[0];
	if (row === undefined) throw new Error('chronokeeper.mirror_cursor has no row: migrate the database');
	if (row.zxid === null) return { zxid: null, digest: 0n, hash: Buffer.alloc(0) };
	return {
		zxid: Number(row.zxid) as Zxid,
		digest: BigInt.asUintN(64, BigInt(row.digest ?? 0)),
		hash: row.hash ?? Buffer.alloc(0),
	};
}

export async function writeAcls(client: pg.ClientBase, acls: ReadonlyMap<bigint, string>): Promise<void> {
	if (acls.size === 0) return;
	await client.query(
		'insert into chronokeeper.acl select * from unnest($1::bigint[], $2::jsonb[]) on conflict do nothing',
		[[...acls.keys()], [...acls.values()]],
	);
}

export function aclMap(acls: Iterable<Parameters<typeof aclRow>[0]>): Map<bigint, string> {
	return new Map([...acls].map(aclRow).map(({ id, json }) => [id, json]));
}

export async function writeGap(client: pg.ClientBase, gap: GapRow): Promise<void> {
	const written = await client.query(
		'insert into chronokeeper.gap (after_zxid, through_zxid, kind, reason) values ($1, $2, $3, $4) on conflict do nothing',
		[gap.afterZxid, gap.throughZxid, gap.kind, gap.reason],
	);
	if (written.rowCount === 1) await noteGap(client, gap.afterZxid, gap.throughZxid);
}

/** One COPY of rows that are at hand. */
export async function copyIn(client: pg.ClientBase, statement: string, rows: CopyRows): Promise<void> {
	if (rows.rows === 0) return;
	await copyBytes(client, statement, [rows.finish()]);
}

/** One COPY of a stream of bytes. */
export async function copyBytes(client: pg.ClientBase, statement: string, chunks: Iterable<Buffer>): Promise<void> {
	const stream = client.query(copyStreams.from(statement, { highWaterMark: 1 << 20 }));
	const done = finished(stream);
	done.catch(() => undefined); // Awaited below; a failure in between must not be unhandled.
	for (const chunk of chunks) {
		for (let at = 0; at < chunk.length && !stream.destroyed; at += copyChunk) {
			const more = stream.write(chunk.subarray(at, at + copyChunk));
			if (!more) await Promise.race([new Promise((resolve) => stream.once('drain', resolve)), done]);
		}
	}
	stream.end();
	await done;
}

const copyChunk = 1 << 18;

/**
 * Ends the versions that were valid before the batch. Most are where the fold takes them to be, and one look at one partition finds them; of the others the
 * last version is the valid one. The planner is told that indexes find them, because it knows nothing of the arrays.
 */
async function endVersions(client: pg.ClientBase, { endedPaths, endedZxids, endedFroms }: Batch): Promise<void> {
	if (endedPaths.length === 0) return;
	await client.query(
		'set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off; set local jit = off',
	);
	// In the order of the index: neighbours share its pages. That takes a third less of PostgreSQL.
	const order = [...endedPaths.keys()].sort((a, b) => (endedPaths[a]! < endedPaths[b]! ? -1 : 1));
	const pathsOf = (some: readonly number[]) => textArray(some.map((it) => endedPaths[it]!));
	const zxidsOf = (some: readonly number[]) => bigintArray(some.map((it) => endedZxids[it]!));
	const known = order.filter((it) => endedFroms[it] !== -1);
	let ended = 0;
	if (known.length > 0) {
		const froms = bigintArray(known.map((it) => endedFroms[it]!));
		ended = (await client.query(endKnownVersionsSql, [pathsOf(known), zxidsOf(known), froms])).rowCount ?? 0;
	}
	if (ended === order.length) return;
	const others = ended === known.length ? order.filter((it) => endedFroms[it] === -1) : order;
	await client.query(endVersionsSql, [pathsOf(others), zxidsOf(others)]);
}

export const endKnownVersionsSql = `
	update chronokeeper.znode_version v set to_zxid = ended.to_zxid, span = chronokeeper.version_span(ended.to_zxid - ended.from_zxid)
	from (select * from unnest($1::text[], $2::bigint[], $3::bigint[]) as e (path, to_zxid, from_zxid) offset 0) ended
	where v.path = ended.path and v.from_zxid = ended.from_zxid and v.to_zxid is null`;

/** What is ended already stays as it is. */
export const endVersionsSql = `
	update chronokeeper.znode_version v set to_zxid = ended.to_zxid, span = chronokeeper.version_span(ended.to_zxid - ended.from_zxid)
	from (
		select e.path, e.to_zxid, valid.from_zxid from unnest($1::text[], $2::bigint[]) as e (path, to_zxid)
		cross join lateral (
			select n.from_zxid, n.to_zxid from chronokeeper.znode_version n where n.path = e.path order by n.from_zxid desc limit 1
		) valid
		where valid.to_zxid is null
		offset 0
	) ended
	where v.path = ended.path and v.from_zxid = ended.from_zxid`;

async function writeSessions(client: pg.ClientBase, batch: Batch): Promise<void> {
	if (batch.sessions.length > 0) {
		const rows = new CopyRows(batch.sessions.length * 80);
		for (const row of batch.sessions) writeSession(rows, row);
		await copyIn(client, `copy chronokeeper.session (${sessionColumns}) from stdin binary`, rows);
	}
	if (batch.closedSessions.length === 0) return;
	await client.query(
		`update chronokeeper.session s set closed_zxid = c.zxid, closed = to_timestamp(c.ms / 1000.0)
		from unnest($1::bigint[], $2::bigint[], $3::double precision[]) as c (session, zxid, ms)
		where s.session = c.session and s.closed_zxid is null`,
		[
			batch.closedSessions.map((it) => BigInt.asIntN(64, it.session)),
			batch.closedSessions.map((it) => it.zxid),
			batch.closedSessions.map((it) => it.ms),
		],
	);
}

const oid = { bigint: 20, text: 25 };

/** Arrays in PostgreSQL's binary format: pg sends buffers as they are. */
function textArray(values: readonly string[]): Buffer {
	const rows = arrayHeader(oid.text, values.length);
	for (const value of values) rows.text(value);
	return rows.since(copyHeaderBytes);
}

function bigintArray(values: readonly number[]): Buffer {
	const rows = arrayHeader(oid.bigint, values.length);
	for (const value of values) rows.int8(value);
	return rows.since(copyHeaderBytes);
}

const copyHeaderBytes = new CopyRows(1024).position;

/** One dimension, no nulls, lower bound 1. */
function arrayHeader(elementOid: number, length: number): CopyRows {
	const rows = new CopyRows(length * 64);
	const header = Buffer.alloc(20);
	header.writeInt32BE(1, 0);
	header.writeInt32BE(elementOid, 8);
	header.writeInt32BE(length, 12);
	header.writeInt32BE(1, 16);
	rows.raw(header);
	return rows;
}
