/** audit.redact: data that never come into PostgreSQL, and everything else that is still true of the history. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importDirectories } from '#audit/import';
import { restore } from '#audit/restore';
import type { Zxid } from '#core/model/zxid';
import { openAcl } from '#jute/acl';
import { recover } from '#storage/recovery';
import { bytes, MirroredReplica } from '#test/support/mirrored-replica';
import { createDatabase, type TestDatabase } from '#test/support/postgres';

const secret = 'correct horse battery staple';
const other = 'Tr0ub4dor&3';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const work = mkdtempSync(path.join(tmpdir(), 'ck-redaction-'));

let database: TestDatabase;
let replica: MirroredReplica;
let multi: Zxid;
let last: Zxid;

beforeAll(async () => {
	database = await createDatabase();
	replica = new MirroredReplica({ databaseUrl: database.url, redact: ['/secrets', '/app/token'] });
	await replica.open();
	await replica.create('/secrets', null);
	await replica.create('/secrets/db', secret);
	await replica.create('/secretsnot', 'public');
	await replica.create('/app', '{"replicas": 3}');
	await replica.set('/secrets/db', other);
	multi = await replica.call({
		kind: 'multi',
		ops: [
			{ kind: 'create', path: '/app/token', data: bytes(secret), acl: openAcl, mode: 'persistent', withStat: false },
			{ kind: 'setData', path: '/app', data: bytes('{"replicas": 4}'), version: -1 },
			{ kind: 'create', path: '/app/tokens', data: bytes('shown'), acl: openAcl, mode: 'persistent', withStat: false },
			{ kind: 'setData', path: '/app/token', data: bytes(''), version: -1 },
		],
	});
	last = await replica.mirrored();
});
afterAll(async () => {
	await replica?.remove();
	await database?.drop();
	rmSync(work, { recursive: true, force: true });
});

/** Every value of every row of the schema, as text and as the text that bytes mean. */
async function everything({ query }: TestDatabase): Promise<string> {
	const tables = await query<{ name: string }>(
		`select c.oid::regclass::text as name from pg_class c where c.relnamespace = 'chronokeeper'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`,
	);
	const rows: string[] = [];
	for (const { name } of tables) {
		for (const row of await query(`select * from ${name}`)) {
			rows.push(...Object.values(row).map((it) => (Buffer.isBuffer(it) ? it.toString('latin1') : JSON.stringify(it))));
		}
	}
	return rows.join('\n');
}

async function expectTrue(of: TestDatabase): Promise<void> {
	expect(await of.query(`select * from chronokeeper.verify_chain(0, chronokeeper.zxid('0x7fffffffffffffff'))`)).toEqual(
		[],
	);
	expect(await of.query('select * from chronokeeper.verify_ledger()')).toEqual([]);
}

describe('redacted data', () => {
	it('are in no row of no table; what is beside them is', async () => {
		const all = await everything(database);
		expect(all).not.toContain(secret);
		expect(all).not.toContain(other);
		for (const shown of ['public', '{"replicas": 4}', 'shown']) expect(all).toContain(shown);
	});

	it('are a length and a SHA-256 in every answer', async () => {
		expect(
			await database.query(
				`select path, size_after, data, encode(data_hash, 'hex') as hash from chronokeeper.changes('/') where path like '/secrets%' or path like '/app/%' order by zxid, ordinal`,
			),
		).toEqual([
			{ path: '/secrets', size_after: 0, data: null, hash: null },
			{ path: '/secrets/db', size_after: secret.length, data: null, hash: sha256(secret) },
			{ path: '/secretsnot', size_after: 6, data: Buffer.from('public'), hash: null },
			{ path: '/secrets/db', size_after: other.length, data: null, hash: sha256(other) },
			{ path: '/app/token', size_after: secret.length, data: null, hash: sha256(secret) },
			{ path: '/app/tokens', size_after: 5, data: Buffer.from('shown'), hash: null },
			{ path: '/app/token', size_after: 0, data: Buffer.alloc(0), hash: null },
		]);
		const [node] = await database.query(
			`select data, data_length, encode(data_hash, 'hex') as hash from chronokeeper.znode_at('/secrets/db', $1::bigint)`,
			[last],
		);
		expect(node).toEqual({ data: null, data_length: other.length, hash: sha256(other) });
		expect(
			await database.query(`select data, data_hash from chronokeeper.tree_at($1::bigint, '/app/token')`, [last]),
		).toEqual([{ data: Buffer.alloc(0), data_hash: null }]);
		const [difference] = await database.query(
			`select encode(data_hash_before, 'hex') as before, encode(data_hash_after, 'hex') as after from chronokeeper.diff(3, $1::bigint, '/secrets/db')`,
			[last],
		);
		expect(difference).toEqual({ before: sha256(secret), after: sha256(other) });
	});

	it('are in the hash chain with their SHA-256: another one shows', async () => {
		await expectTrue(database);
		const [{ hash } = { hash: null }] = await database.query<{ hash: Buffer }>(
			'select data_hash as hash from chronokeeper.change where zxid = $1 and data_hash is not null',
			[multi],
		);
		await database.query(
			'update chronokeeper.change set data_hash = sha256($2) where zxid = $1 and data_hash is not null',
			[multi, Buffer.from('forged')],
		);
		try {
			expect(
				await database.query(`select zxid from chronokeeper.verify_chain(0, chronokeeper.zxid('0x7fffffffffffffff'))`),
			).toEqual([{ zxid: String(multi) }]);
		} finally {
			await database.query('update chronokeeper.change set data_hash = $2 where zxid = $1 and data_hash is not null', [
				multi,
				hash,
			]);
		}
	});

	it('go on being redacted when the mirror begins anew, from the files of its replica', async () => {
		await replica.close();
		await replica.open();
		await replica.set('/secrets/db', `${secret}!`);
		last = await replica.mirrored();
		expect(await everything(database)).not.toContain(secret);
		await expectTrue(database);
	});

	it('cannot be restored: it is said which, and done only when told to go on without', async () => {
		const into = { databaseUrl: database.url, zxid: last, intoDir: path.join(work, 'into') };
		await expect(restore(into)).rejects.toThrow(
			/^the data of 1 nodes at 0x[0-9a-f]+ were kept out of PostgreSQL \(audit.redact\) and cannot be rebuilt: \/secrets\/db\. --without-redacted/,
		);
		const restored = await restore({ ...into, withoutRedacted: true });
		expect(restored.redacted).toEqual(['/secrets/db']);
		const { tree, warnings } = await recover({ dataDir: into.intoDir });
		expect(warnings).toEqual([]);
		expect(tree.digest()).toBe(restored.digest);
		expect(tree.data('/secrets/db')).toBeNull();
		expect(Buffer.from(tree.data('/app')!).toString()).toBe('{"replicas": 4}');
	});

	it('stay out of what an import reads, in a base snapshot too', async () => {
		const base = path.join(work, 'base');
		const imported = await createDatabase();
		try {
			const replica2 = new MirroredReplica({ databaseUrl: imported.url });
			await replica2.open();
			await replica2.create('/secrets', secret);
			await replica2.create('/shown', 'shown');
			await replica2.snapshot();
			await replica2.close();
			await replica2.open();
			await replica2.set('/shown', 'again');
			await replica2.close();
			replica2.keepNewest(base);
			await importDirectories([base], imported.url, { redact: ['/secrets'] });
			const all = await everything(imported);
			expect(all).not.toContain(secret);
			expect(all).toContain('again');
			expect(
				await imported.query(
					'select path, encode(data_hash, $1) as hash from chronokeeper.snapshot_node where data_hash is not null',
					['hex'],
				),
			).toEqual([{ path: '/secrets', hash: sha256(secret) }]);
			const [node] = await imported.query(
				`select encode(n.data_hash, 'hex') as hash, n.data from chronokeeper.mirror_cursor c cross join lateral chronokeeper.znode_at('/secrets', c.zxid) n`,
			);
			expect(node).toEqual({ hash: sha256(secret), data: null });
			await expectTrue(imported);
			await replica2.remove();
		} finally {
			await imported.drop();
		}
	});
});
