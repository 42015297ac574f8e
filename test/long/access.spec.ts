/** Who may see and do what in the database: chronokeeper_reader, chronokeeper_writer, and an owner who may not make them. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { History } from '#audit/history';
import { migrateToLatest } from '#audit/migrate';
import { ckHere } from '#test/support/ck';
import { MirroredReplica } from '#test/support/mirrored-replica';
import { createDatabase, type TestDatabase } from '#test/support/postgres';

const secret = 'hunter2 and nobody else';
const bob = {
	door: 'grpc' as const,
	identities: [{ scheme: 'digest', id: 'bob:Zm9vYmFyYmF6' }],
	address: '203.0.113.7:51234',
};
const bobsOwn = [{ perms: 31, scheme: 'digest', id: 'bob:Zm9vYmFyYmF6' }];
const named = (name: string) => `${name}_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;

/** They belong to the server, not to a database. */
const madeRoles: string[] = [];
afterAll(async () => {
	const database = await createDatabase({ migrate: false });
	try {
		for (const name of madeRoles) await database.query(`drop role if exists ${name}`);
	} finally {
		await database.drop();
	}
});

/** A user of this name, with these rights; its URL. */
async function user(database: TestDatabase, name: string, rights: string): Promise<string> {
	madeRoles.push(name);
	await database.query(`create role ${name} login password 'secret' ${rights}`);
	const url = new URL(database.url);
	url.username = name;
	url.password = 'secret';
	return url.href;
}

async function ask<Row extends object>(url: string, sql: string, parameters: unknown[] = []): Promise<Row[]> {
	const client = new pg.Client({ connectionString: url });
	await client.connect();
	try {
		return (await client.query<Row>(sql, parameters)).rows;
	} finally {
		await client.end();
	}
}

describe('a reader', () => {
	const name = named('reader');
	let database: TestDatabase;
	let replica: MirroredReplica;
	let url: string;
	beforeAll(async () => {
		database = await createDatabase();
		replica = new MirroredReplica({ databaseUrl: database.url });
		await replica.open();
		await replica.create('/open', 'shown 1', undefined, bob);
		await replica.create('/closed', secret, bobsOwn, bob);
		await replica.create('/turned', 'shown 2');
		await replica.call({ kind: 'setACL', path: '/turned', acl: bobsOwn, version: -1 });
		await replica.set('/turned', 'opened later', bob);
		await replica.call(
			{ kind: 'setACL', path: '/turned', acl: [{ perms: 31, scheme: 'world', id: 'anyone' }], version: -1 },
			bob,
		);
		await replica.call({ kind: 'delete', path: '/closed', version: -1 });
		await replica.mirrored();
		url = await user(database, name, 'in role chronokeeper_reader');
	});
	afterAll(async () => {
		await replica?.remove();
		await database?.drop();
	});

	it('reads no table that has data, identities or hashes', async () => {
		for (const table of [
			'txn',
			'change',
			'znode_version',
			'acl',
			'session',
			'snapshot_node',
			'snapshot',
			'mirror_cursor',
			'ledger',
			'checkpoint',
		]) {
			await expect(ask(url, `select * from chronokeeper.${table}`), table).rejects.toThrow(`permission denied for`);
		}
		await expect(ask(url, `insert into chronokeeper.gap values (1, 2, 'lost', 'mine')`)).rejects.toThrow(
			'permission denied',
		);
		expect(await ask(url, 'select * from chronokeeper.history_acl')).toEqual([]);
	});

	it('finds neither secret data nor the hash of a password in any view or function', async () => {
		const sources = [
			...['history_txn', 'history_change', 'history_version', 'history_session', 'history_acl', 'gap', 'epoch'],
			...['/open', '/closed', '/turned', '/'].flatMap((path) => [
				`znode_history('${path}')`,
				`changes('${path}')`,
				`blame('${path}')`,
				...['0x1', '0x2', '0x3', '0x4', '0x5'].flatMap((z) => [
					`znode_at('${path}', '${z}')`,
					`children_at('${path}', '${z}')`,
					`tree_at('${z}', '${path}')`,
				]),
				`diff('0x1', '0x5', '${path}')`,
				`diff('0x4', '0x7', '${path}')`,
			]),
			`changes_by_principal('digest:bob')`,
			`changes_by_type('create')`,
			`changes_by_session(0)`,
		];
		let shown = '';
		for (const source of sources) {
			for (const row of await ask(url, `select * from chronokeeper.${source}`)) {
				shown += Object.values(row)
					.map((it) => (Buffer.isBuffer(it) ? `${it.toString('latin1')}\n` : `${JSON.stringify(it)}\n`))
					.join('');
			}
		}
		for (const hidden of ['hunter2', 'Zm9vYmFyYmF6']) expect(shown).not.toContain(hidden);
		for (const visible of ['shown 1', 'shown 2', 'opened later', 'digest:bob:x', 'bob:x', '/closed'])
			expect(shown).toContain(visible);
		const [hashes] = await ask(
			url,
			'select count(hash)::int as hashes, count(digest)::int as digests from chronokeeper.history_txn',
		);
		expect(hashes).toEqual({ hashes: 0, digests: 0 });
	});

	it('gets nothing more from the functions that run as the owner, whatever it asks them', async () => {
		const [facts] = await ask<Record<string, unknown>>(
			url,
			`select chronokeeper.open_content('/closed', v.from_zxid) as closed, chronokeeper.open_change(v.from_zxid, '/closed') as change,
				(select count(*)::int from chronokeeper.zxids_of_principal('digest:bob:Zm9vYmFyYmF6', 0, 99)) as right_guess,
				(select count(*)::int from chronokeeper.zxids_of_principal('digest:bob:d3Jvbmc=', 0, 99)) as wrong_guess
			from chronokeeper.history_version v where v.path = '/closed'`,
		);
		expect(facts).toMatchObject({ closed: null, change: false });
		expect(facts!.right_guess).toBe(facts!.wrong_guess);
		await expect(ask(url, `select chronokeeper.content_of('/open', 1)`)).rejects.toThrow('permission denied');
	});

	it('is told data by the ACL of then: as a client would have been', async () => {
		const rows = await ask<{ data_text: string | null; type: string }>(
			url,
			`select type, data_text from chronokeeper.znode_history('/turned')`,
		);
		expect(rows).toEqual([
			{ type: 'create', data_text: 'shown 2' },
			{ type: 'setACL', data_text: null },
			{ type: 'setData', data_text: null },
			{ type: 'setACL', data_text: null },
		]);
		const [now] = await ask<{ data_text: string }>(
			url,
			`select n.data_text from chronokeeper.history_cursor c cross join lateral chronokeeper.znode_at('/turned', c.zxid) n`,
		);
		expect(now?.data_text).toBe('opened later');
	});

	it('may use the history of ck', async () => {
		const history = new History(url);
		try {
			const seen: string[] = [];
			for await (const page of history.txns({ path: '/closed' }))
				for (const it of page) if ('zxid' in it) seen.push(`${it.type} ${it.principal}`);
			expect(seen).toEqual(['create digest:bob:x', 'delete null']);
			expect((await history.nodeAt('/open', await history.lastZxid()))?.data?.toString()).toBe('shown 1');
		} finally {
			await history.close();
		}
	});
});

describe('a writer', () => {
	it('is all that a mirror needs', async () => {
		const database = await createDatabase();
		const url = await user(database, named('writer'), 'in role chronokeeper_writer');
		const replica = new MirroredReplica({ databaseUrl: url, redact: ['/secrets'] });
		try {
			await replica.open();
			await replica.create('/one', '1');
			await replica.create('/secrets', secret);
			await replica.set('/one', '2');
			const last = await replica.mirrored();
			await replica.close();
			await replica.open();
			await replica.call({ kind: 'delete', path: '/one', version: -1 });
			await replica.mirrored();
			expect(await database.query('select count(*)::int as n from chronokeeper.txn')).toEqual([{ n: last + 1 }]);
			expect(await database.query(`select * from chronokeeper.verify_chain(0, 99)`)).toEqual([]);
		} finally {
			await replica.remove();
			await database.drop();
		}
	});

	it('changes nothing that was written', async () => {
		const database = await createDatabase();
		const url = await user(database, named('writer'), 'in role chronokeeper_writer');
		try {
			for (const statement of [
				'delete from chronokeeper.txn',
				`update chronokeeper.txn set principal = 'nobody'`,
				'update chronokeeper.change set data = null',
				'delete from chronokeeper.znode_version',
				'update chronokeeper.znode_version set mzxid = 1',
				'truncate chronokeeper.change',
				'delete from chronokeeper.gap',
				`update chronokeeper.ledger set kind = 'gap'`,
				'drop table chronokeeper.gap',
				'delete from chronokeeper.mirror_cursor',
			]) {
				await expect(ask(url, statement), statement).rejects.toThrow(/permission denied|must be owner/);
			}
		} finally {
			await database.drop();
		}
	});

	it('is told who has to migrate a schema that is older', async () => {
		const database = await createDatabase({ migrate: false });
		try {
			await migrateToLatest(database.url, { through: '0004-answers' });
			const url = await user(database, named('writer'), 'in role chronokeeper_writer');
			await expect(migrateToLatest(url)).rejects.toThrow(
				/is older than this version \(0005-checkpoints, .*migrate as its owner/,
			);
			const migrated = await ckHere(['migrate', '--database', database.url]);
			expect(migrated).toMatchObject({ status: 0, stdout: expect.stringMatching(/^applied: 0005-checkpoints, /) });
			expect(await migrateToLatest(url)).toEqual({ applied: [], notices: [] });
		} finally {
			await database.drop();
		}
	});
});

describe('an owner who may not make roles', () => {
	it('is told what somebody else has to do, and everything else is there', async () => {
		const database = await createDatabase({ migrate: false });
		const owner = named('owner');
		const url = await user(database, owner, 'nocreaterole');
		const [reader, writer] = [named('a_reader'), named('a_writer')];
		const setUp = () =>
			ask<{ notice: string }>(url, 'select chronokeeper.set_up_access($1, $2) as notice', [reader, writer]);
		try {
			await database.query(`grant create on database ${new URL(url).pathname.slice(1)} to ${owner}`);
			expect((await migrateToLatest(url)).applied).toContain('0004-answers');
			await ask(url, 'drop publication chronokeeper');
			await database.query(`revoke create on database ${new URL(url).pathname.slice(1)} from ${owner}`);
			expect((await setUp()).map(({ notice }) => notice)).toEqual([
				`${owner} may not create the role ${reader}: let somebody who may run "create role ${reader} nologin", then "select chronokeeper.set_up_access()"`,
				expect.stringContaining(`the role ${writer}`),
				expect.stringContaining(`${owner} may not create the publication chronokeeper`),
			]);
			madeRoles.push(reader);
			await database.query(`create role ${reader}`);
			expect(await setUp()).toHaveLength(2);
			const somebody = await user(database, named('somebody'), `in role ${reader}`);
			expect(await ask(somebody, 'select * from chronokeeper.history_txn')).toEqual([]);
		} finally {
			await database.drop();
		}
	});
});

describe('the publication', () => {
	it('has the tables that consumers follow, through their roots', async () => {
		const database = await createDatabase();
		try {
			const tables = await database.query<{ tablename: string }>(
				`select tablename from pg_publication_tables where pubname = 'chronokeeper' order by 1`,
			);
			expect(tables.map((it) => it.tablename)).toEqual(['acl', 'change', 'epoch', 'gap', 'session', 'txn']);
			const [how] = await database.query(
				`select pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot from pg_publication where pubname = 'chronokeeper'`,
			);
			expect(how).toEqual({ pubinsert: true, pubupdate: true, pubdelete: false, pubtruncate: false, pubviaroot: true });
		} finally {
			await database.drop();
		}
	});
});

describe('NOTIFY chronokeeper_txn', () => {
	it('tells of each batch, with its last zxid', async () => {
		const database = await createDatabase();
		const replica = new MirroredReplica({ databaseUrl: database.url });
		const listener = new pg.Client({ connectionString: database.url });
		await listener.connect();
		try {
			const heard: (string | undefined)[] = [];
			const last = new Promise<void>((resolve) => {
				listener.on('notification', ({ channel, payload }) => {
					heard.push(`${channel} ${payload}`);
					if (payload === '0x2') resolve();
				});
			});
			await listener.query('listen chronokeeper_txn');
			await replica.open();
			await replica.create('/one', null);
			await replica.mirrored();
			await replica.create('/two', null);
			await replica.mirrored();
			await last;
			expect(heard.filter((it) => it !== 'chronokeeper_txn 0x0')).toEqual([
				'chronokeeper_txn 0x1',
				'chronokeeper_txn 0x2',
			]);
		} finally {
			await listener.end();
			await replica.remove();
			await database.drop();
		}
	});
});
