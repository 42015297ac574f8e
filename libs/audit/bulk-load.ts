/**
 * Filling an empty database faster than row by row: the indexes that only queries need are built once at the end, and two connections write each
 * batch at the same time, the versions first, then what the cursor is moved with.
 *
 * Should it be cut off, versions of one batch may lie behind the cursor: `mirror_cursor.loading` says so, and whoever writes next takes them
 * away. A session lock keeps others from taking a load that is under way for one that was cut off.
 */
import type pg from 'pg';
import { inTransaction } from './batch-writer.ts';

/** As the migrations 0001, 0004 and 0008 make them; a test compares the schema after an import. */
const indexes: Readonly<Record<string, string>> = {
	txn_by_session: 'chronokeeper.txn (session)',
	change_by_path: 'chronokeeper.change (path)',
	znode_version_parent: 'chronokeeper.znode_version (parent, span, from_zxid)',
	change_type: 'chronokeeper.change (type)',
	txn_principal: 'chronokeeper.txn (principal collate "C") where principal is not null',
};

/** Indexes are their table's owner's: who only may write (chronokeeper_writer) fills the database like any other batch. */
export async function mayBulkLoad(client: pg.ClientBase): Promise<boolean> {
	const { rows } = await client.query<{ may: boolean }>(
		"select bool_and(pg_has_role(c.relowner, 'usage')) as may from pg_class c where c.oid = any (array['chronokeeper.txn', 'chronokeeper.change', 'chronokeeper.znode_version']::regclass[])",
	);
	return rows[0]?.may === true;
}

/** Below this it costs more than it saves. */
export const bulkLoadTxns = 20_000;

const lock = `hashtext('chronokeeper.bulk_load')`;

/** Runs `load` on an empty database as described above. */
export async function bulkLoad<T>(client: pg.ClientBase, load: () => Promise<T>): Promise<T> {
	await client.query(`select pg_advisory_lock(${lock})`);
	await client.query('update chronokeeper.mirror_cursor set loading = true');
	for (const name of Object.keys(indexes)) await client.query(`drop index if exists chronokeeper.${name}`);
	const result = await load();
	// Not after a failure: the next writer does it, who comes through recoverFromLoad().
	await finish(client);
	await client.query(`select pg_advisory_unlock(${lock})`);
	return result;
}

/** Before anything else is written: completes a load that was cut off. Cheap when there was none. */
export async function recoverFromLoad(client: pg.ClientBase): Promise<void> {
	await client.query(`select pg_advisory_lock(${lock})`);
	const { rows } = await client.query<{ loading: boolean }>('select loading from chronokeeper.mirror_cursor');
	if (rows[0]?.loading === true) {
		await inTransaction(client, () => takeAwayBehindCursor(client));
		await finish(client);
	}
	await client.query(`select pg_advisory_unlock(${lock})`);
}

async function takeAwayBehindCursor(client: pg.ClientBase): Promise<void> {
	const { rows } = await client.query<{ zxid: string | null }>(
		'select zxid from chronokeeper.mirror_cursor for update',
	);
	const zxid = rows[0]?.zxid ?? '-1';
	await client.query('delete from chronokeeper.znode_version where from_zxid > $1', [zxid]);
	await client.query('update chronokeeper.znode_version set to_zxid = null, span = 63 where to_zxid > $1', [zxid]);
}

async function finish(client: pg.ClientBase): Promise<void> {
	await client.query("set maintenance_work_mem = '256MB'");
	for (const [name, on] of Object.entries(indexes)) await client.query(`create index if not exists ${name} on ${on}`);
	await client.query('reset maintenance_work_mem');
	await client.query('analyze chronokeeper.txn, chronokeeper.change, chronokeeper.znode_version');
	await client.query('update chronokeeper.mirror_cursor set loading = false');
}
