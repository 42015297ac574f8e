/** Begins a history, or goes on with it behind a gap: writes the whole tree at a zxid, in one transaction. */
import type pg from 'pg';
import type { Zxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import type { SessionId } from '#jute/scalars';
import type { GapRow, HistoryPoint } from './batch.ts';
import { aclMap, advanceCursor, copyBytes, inTransaction, noteRedacted, writeAcls, writeGap } from './batch-writer.ts';
import { CopyRows } from './copy-rows.ts';
import { BaseContent, inPathOrder, noteInLedger, noteSnapshot } from './ledger.ts';
import { nothingRedacted, type Redaction } from './redaction.ts';
import {
	redactedSnapshotNodeColumns,
	snapshotNodeColumns,
	versionColumns,
	writeRedactedSnapshotNode,
	writeSnapshotNode,
	writeSnapshotSession,
	writeVersion,
} from './rows.ts';

export interface BaseSnapshot {
	/** With data. */
	readonly tree: DataTree;
	readonly sessions: ReadonlyMap<SessionId, number>;
	readonly zxid: Zxid;
	/** The snapshot file it was read from, for people. */
	readonly source: string;
	/** What is not known in front of it; null when the history begins with it. */
	readonly gap: GapRow | null;
	/** Data that stay out of the rows. */
	readonly redaction?: Redaction;
}

export async function writeBase(
	client: pg.ClientBase,
	from: HistoryPoint,
	base: BaseSnapshot,
	writer: string,
): Promise<HistoryPoint> {
	const { tree, sessions, zxid, source, gap, redaction = nothingRedacted } = base;
	const to: HistoryPoint = { zxid, digest: tree.digest(), hash: from.hash };
	await inTransaction(client, async () => {
		await advanceCursor(client, from, to, writer);
		if (gap !== null) await closeAtGap(client, gap, zxid, sessions);
		const lists = new Set([...tree.paths()].map((path) => tree.acl(path)!));
		await writeAcls(client, aclMap(lists));
		await copyBytes(
			client,
			`copy chronokeeper.snapshot_node (${snapshotNodeColumns}) from stdin binary`,
			nodeRows(tree, zxid, redaction),
		);
		await copyBytes(
			client,
			`copy chronokeeper.snapshot_node (${redactedSnapshotNodeColumns}) from stdin binary`,
			redactedNodeRows(tree, zxid, redaction),
		);
		for (const path of tree.paths()) {
			if (!redaction.hides(path, tree.data(path) ?? null)) continue;
			await noteRedacted(client);
			break;
		}
		await copyBytes(
			client,
			`copy chronokeeper.znode_version (${versionColumns}) from stdin binary`,
			versionRows(tree, zxid),
		);
		await client.query(
			`insert into chronokeeper.snapshot (zxid, source, digest_zxid, digest, znodes, sessions, base) values ($1, $2, $1, $3, $4, $5, true)
			on conflict (zxid, source) do update set base = true, znodes = excluded.znodes, sessions = excluded.sessions`,
			[zxid, source, BigInt.asIntN(64, tree.digest()), tree.size, sessions.size],
		);
		await noteSnapshot(client, zxid, source);
		await writeSessions(client, zxid, sessions);
		await noteInLedger(client, 'base', zxid, contentOf(base));
	});
	return to;
}

/** Nothing is known inside the gap: what was valid before it ends with the last transaction that is known. */
async function closeAtGap(
	client: pg.ClientBase,
	gap: GapRow,
	zxid: Zxid,
	sessions: ReadonlyMap<SessionId, number>,
): Promise<void> {
	await writeGap(client, gap);
	await client.query(
		'update chronokeeper.znode_version set to_zxid = $1::bigint, span = chronokeeper.version_span($1::bigint - from_zxid) where to_zxid is null',
		[gap.afterZxid + 1],
	);
	await client.query(
		'update chronokeeper.session set closed_zxid = $1 where closed_zxid is null and session <> all ($2::bigint[])',
		[zxid, [...sessions.keys()].map((it) => BigInt.asIntN(64, it))],
	);
}

async function writeSessions(
	client: pg.ClientBase,
	zxid: Zxid,
	sessions: ReadonlyMap<SessionId, number>,
): Promise<void> {
	if (sessions.size === 0) return;
	const ids = [...sessions.keys()].map((it) => BigInt.asIntN(64, it));
	const timeouts = [...sessions.values()];
	await client.query(
		'insert into chronokeeper.snapshot_session select $1::bigint, * from unnest($2::bigint[], $3::int[])',
		[zxid, ids, timeouts],
	);
	await client.query(
		`insert into chronokeeper.session (session, opened_zxid, timeout_ms)
		select s.session, $1::bigint, s.timeout_ms from unnest($2::bigint[], $3::int[]) as s (session, timeout_ms)
		where not exists (select from chronokeeper.session o where o.session = s.session and o.closed_zxid is null)`,
		[zxid, ids, timeouts],
	);
}

const pieceBytes = 1 << 20;

function* nodeRows(tree: DataTree, zxid: Zxid, redaction: Redaction): Generator<Buffer, void> {
	const rows = new CopyRows(pieceBytes + (1 << 16));
	for (const path of tree.paths()) {
		const data = tree.data(path) ?? null;
		if (!redaction.hides(path, data)) writeSnapshotNode(rows, zxid, tree.node(path)!, data);
		if (rows.position > pieceBytes) yield rows.take();
	}
	yield rows.finish();
}

function* redactedNodeRows(tree: DataTree, zxid: Zxid, redaction: Redaction): Generator<Buffer, void> {
	const rows = new CopyRows(pieceBytes + (1 << 16));
	for (const path of tree.paths()) {
		const data = tree.data(path) ?? null;
		if (redaction.hides(path, data)) writeRedactedSnapshotNode(rows, zxid, tree.node(path)!, data);
		if (rows.position > pieceBytes) yield rows.take();
	}
	yield rows.finish();
}

function* versionRows(tree: DataTree, zxid: Zxid): Generator<Buffer, void> {
	const rows = new CopyRows(pieceBytes + (1 << 16));
	for (const path of tree.paths()) {
		writeVersion(rows, { from: zxid, node: tree.node(path)!, dataZxid: zxid }, null);
		if (rows.position > pieceBytes) yield rows.take();
	}
	yield rows.finish();
}

/** What the ledger says of it: the rows in an order that anybody can read them in. */
function contentOf({ tree, sessions, zxid, redaction = nothingRedacted }: BaseSnapshot): Buffer {
	const paths = inPathOrder(tree.paths());
	const content = new BaseContent(paths.length);
	const rows = new CopyRows();
	for (const path of paths) {
		rows.take();
		const node = tree.node(path)!;
		const data = tree.data(path) ?? null;
		if (redaction.hides(path, data)) writeRedactedSnapshotNode(rows, zxid, node, data);
		else writeSnapshotNode(rows, zxid, node, data);
		content.add(rows.since(0));
	}
	const signed = [...sessions].map(([id, timeoutMs]) => [BigInt.asIntN(64, id), timeoutMs] as const);
	content.beginSessions(signed.length);
	for (const [id, timeoutMs] of signed.sort(([a], [b]) => (a < b ? -1 : 1))) {
		rows.take();
		writeSnapshotSession(rows, zxid, id, timeoutMs);
		content.add(rows.since(0));
	}
	return content.value();
}
