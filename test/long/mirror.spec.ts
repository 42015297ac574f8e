/** The mirror on a live replica and a real PostgreSQL: whatever becomes of either, every transaction is there exactly once. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importDirectories } from '#audit/import';
import { type Mirror, type MirrorOptions, startMirror } from '#audit/mirror';
import { counterOf, formatZxid, makeZxid, type Zxid } from '#core/model/zxid';
import { frozenNodes } from '#core/tree/frozen-tree';
import { openAcl } from '#jute/acl';
import { writeSnapshotFile } from '#storage/snapshot-writer';
import { FileTxnLog } from '#storage/txn-log';
import { expectEqual } from '#test/support/equal';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { expectedState, unpackRecording } from '#test/support/recordings';
import { TestReplica, versionDirectory } from '#test/support/replica';
import { damageRecord, MadeHistory, writeStoredHistory } from '#test/support/stored-history';

const work = mkdtempSync(path.join(tmpdir(), 'ck-mirror-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

let database: TestDatabase;
let dataDir: string;
let directories = 0;
const mirrors: Mirror[] = [];
const replicas: TestReplica[] = [];

beforeEach(async () => {
	database = await createDatabase();
	dataDir = path.join(work, `data-${directories++}`);
});
afterEach(async () => {
	for (const mirror of mirrors.splice(0)) await mirror.stop();
	for (const replica of replicas.splice(0)) await replica.close();
	await database.drop();
});

function mirrorOf(options: Partial<MirrorOptions> = {}): Mirror {
	const mirror = startMirror({ databaseUrl: database.url, dataDir, writer: 'server 1', ...options });
	mirrors.push(mirror);
	return mirror;
}

async function openReplica(): Promise<TestReplica> {
	const replica = await TestReplica.open(dataDir);
	replicas.push(replica);
	return replica;
}

/** What the server does: tells the mirror after each turn. */
const tell = (mirror: Mirror, replica: TestReplica): Zxid => {
	const zxid = replica.host.lastProcessedZxid;
	mirror.committed(zxid);
	return zxid;
};

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

async function write(replica: TestReplica, count: number, prefix: string): Promise<void> {
	await replica.call({
		kind: 'create',
		path: `/${prefix}`,
		data: null,
		acl: openAcl,
		mode: 'persistent',
		withStat: false,
	});
	const calls: Promise<unknown>[] = [];
	for (let i = 0; i < count; i++) {
		const node = `/${prefix}/n${i % 50}`;
		calls.push(
			i < 50
				? replica.call({
						kind: 'create',
						path: node,
						data: encode(`${i}`),
						acl: openAcl,
						mode: 'persistent',
						withStat: false,
					})
				: replica.call({ kind: 'setData', path: node, data: encode(`value ${i}`), version: i % 7 === 0 ? 999 : -1 }),
		);
	}
	await Promise.all(calls);
}

/** Every zxid once, the hash chain unbroken, the tree's digest the last one. */
async function expectComplete(last: Zxid): Promise<void> {
	const [row] = await database.query<{ n: number; first: string; last: string }>(
		'select count(*)::int as n, min(zxid) as first, max(zxid) as last from chronokeeper.txn',
	);
	expect(row).toEqual({ n: counterOf(last), first: String(last - counterOf(last) + 1), last: String(last) });
	expect(await database.query('select * from chronokeeper.verify_chain(0, 9223372036854775807)')).toEqual([]);
	expect(await database.query('select * from chronokeeper.gap')).toEqual([]);
	const overlapping = await database.query(
		`select path, from_zxid from (
			select path, from_zxid, to_zxid, lead(from_zxid) over (partition by path order by from_zxid) as next from chronokeeper.znode_version
		) v where next < to_zxid or (to_zxid is null and next is not null)`,
	);
	expect(overlapping).toEqual([]);
}

/** However it was cut into batches, the rows are those of an import in one piece. */
async function expectSameAsImport(): Promise<void> {
	const whole = await createDatabase();
	try {
		await importDirectories([dataDir], whole.url);
		for (const query of [
			'select * from chronokeeper.txn t order by t.zxid',
			'select * from chronokeeper.change c order by c.zxid, c.ordinal',
			'select * from chronokeeper.znode_version v order by v.path, v.from_zxid',
			'select * from chronokeeper.session s order by s.session, s.opened_zxid',
			'select zxid, digest, hash from chronokeeper.mirror_cursor',
		]) {
			expectEqual(await database.query(query), await whole.query(query));
		}
	} finally {
		await whole.drop();
	}
}

describe('the mirror', () => {
	it('has every transaction, with who did it, as the replica makes them', async () => {
		const replica = await openReplica();
		const mirror = mirrorOf();
		const caller = {
			door: 'grpc' as const,
			identities: [
				{ scheme: 'digest', id: 'bob:hash' },
				{ scheme: 'ip', id: '203.0.113.7' },
			],
			address: '203.0.113.7:51234',
		};
		const session = await replica.openSession(4000);
		const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
		await replica.call(
			{ kind: 'create', path: '/config', data: encode('a=1'), acl: openAcl, mode: 'persistent', withStat: false },
			session,
			caller,
			{ traceparent, requestId: 'r-1' },
		);
		await replica.call({ kind: 'delete', path: '/nothing', version: -1 }, session, caller);
		const last = tell(mirror, replica);
		await mirror.mirroredThrough(last);
		await expectComplete(last);
		expect(mirror.status()).toMatchObject({ state: 'mirroring', mirroredZxid: last, lagTxns: 0, lastError: null });
		expect(
			await database.query(
				`select type, path, error, principal, address, door, request_id, trace_id from chronokeeper.txn where type <> 'createSession' order by zxid`,
			),
		).toEqual([
			{
				...{ type: 'create', path: '/config', error: 0, principal: 'digest:bob:hash', address: '203.0.113.7:51234' },
				...{ door: 'grpc', request_id: 'r-1', trace_id: '0af7651916cd43dd8448eb211c80319c' },
			},
			{
				...{ type: 'error', path: null, error: -101, principal: 'digest:bob:hash', address: '203.0.113.7:51234' },
				...{ door: 'grpc', request_id: null, trace_id: null },
			},
		]);
	});

	it('loses nothing and doubles nothing while its connections are killed', async () => {
		const replica = await openReplica();
		const mirror = mirrorOf();
		const kill = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'chronokeeper mirror' and datname = current_database()`;
		for (let round = 0; round < 10; round++) {
			await write(replica, 400, `round${round}`);
			tell(mirror, replica);
			// Wherever it is just now: connecting, reading the cursor, in the middle of a batch, between two.
			await expect
				.poll(async () => (await database.query(kill)).length, { interval: 1, timeout: 10_000 })
				.toBeGreaterThan(0);
			if (round % 2 === 1) await mirror.mirroredThrough(((mirror.status().mirroredZxid ?? 0) + 1) as Zxid);
		}
		const last = tell(mirror, replica);
		await mirror.mirroredThrough(last);
		await expectComplete(last);
		const rows = await database.query<{ n: number }>('select count(*)::int as n from chronokeeper.tree_at($1)', [
			formatZxid(last),
		]);
		expect(rows[0]?.n).toBe(replica.host.tree.size);
		await expectSameAsImport();
	});

	it('lets clients go on while PostgreSQL is away, says so, and catches up by itself', async () => {
		const name = new URL(database.url).pathname.slice(1);
		const replica = await openReplica();
		const mirror = mirrorOf({ migrate: false });
		const server = new URL(database.url);
		server.pathname = '/postgres';
		const admin = await import('pg').then((pg) => new pg.default.Client({ connectionString: server.href }));
		await admin.connect();
		await admin.query(`alter database ${name} with allow_connections false`);
		await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
		await write(replica, 500, 'away');
		tell(mirror, replica);
		await expect.poll(() => mirror.status().state).toBe('retrying');
		expect(mirror.status().lastError).toContain('not currently accepting connections');
		expect(mirror.status().lagTxns).toBeGreaterThan(500);
		await admin.query(`alter database ${name} with allow_connections true`);
		await admin.end();
		const last = tell(mirror, replica);
		await mirror.mirroredThrough(last);
		expect(mirror.status()).toMatchObject({ lagTxns: 0, lastError: null });
		await expectComplete(last);
	});

	it('goes on from its cursor after a restart, from local snapshots or from PostgreSQL’s own rows', async () => {
		const replica = await openReplica();
		const first = mirrorOf();
		await write(replica, 200, 'one');
		await first.mirroredThrough(tell(first, replica));
		await first.stop();
		await write(replica, 200, 'two');
		const second = mirrorOf();
		await second.mirroredThrough(tell(second, replica));
		await second.stop();
		// Without the snapshots before the cursor only the database itself knows the tree there.
		await replica.snapshot();
		for (const file of readdirSync(path.join(dataDir, 'version-2'))) {
			if (file === 'snapshot.0') unlinkSync(path.join(dataDir, 'version-2', file));
		}
		await write(replica, 200, 'three');
		const third = mirrorOf();
		const last = tell(third, replica);
		await third.mirroredThrough(last);
		await expectComplete(last);
	});

	it('writes each transaction once when two mirrors write at the same time', async () => {
		const replica = await openReplica();
		const both = [mirrorOf({ writer: 'server 1' }), mirrorOf({ writer: 'server 2' })] as const;
		for (let round = 0; round < 5; round++) {
			await write(replica, 200, `both${round}`);
			for (const mirror of both) tell(mirror, replica);
		}
		const last = tell(both[0], replica);
		both[1].committed(last);
		await Promise.all(both.map((mirror) => mirror.mirroredThrough(last)));
		await expectComplete(last);
	});

	it('starts late: a base snapshot, a gap that says so, and the tree from there on', async () => {
		unpackRecording(
			'recording-a',
			path.join(dataDir, 'version-2'),
			(file) => !/^(log\.(1|5e0|fe7|1643|203a)|snapshot\.(0|5df|fe5|1640|2039))$/.test(file),
		);
		const mirror = mirrorOf();
		const last = 0x4e42 as Zxid;
		mirror.committed(last);
		await mirror.mirroredThrough(last);
		expect(await database.query('select after_zxid, through_zxid, kind from chronokeeper.gap')).toEqual([
			{ after_zxid: '0', through_zxid: String(0x20e3), kind: 'lost' },
		]);
		expect(await database.query('select count(*)::int as n from chronokeeper.txn')).toEqual([{ n: last - 0x20e3 }]);
		await expect(database.query(`select * from chronokeeper.tree_at('0x2000')`)).rejects.toThrow('lies in a gap');
		const whole = await createDatabase();
		try {
			const complete = path.join(work, 'complete');
			unpackRecording('recording-a', complete);
			await importDirectories([complete], whole.url);
			const columns =
				'path, data, czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, client_cversion, ephemeral_owner, acl, num_children, data_length';
			for (const zxid of ['0x20e3', '0x2f12', '0x4e42']) {
				const query = `select ${columns} from chronokeeper.tree_at('${zxid}') where path not like '%/zookeeper_stats'`;
				expectEqual(await database.query(query), await whole.query(query));
			}
			const sessions = `select session, timeout_ms from chronokeeper.session where closed_zxid is null order by session`;
			expect(await database.query(sessions)).toEqual(await whole.query(sessions));
		} finally {
			await whole.drop();
		}
	});

	it.each([
		['one does', false],
		['one that is committed and does is on the own disk', true],
	])(
		'78: of a member begins where a digest proves what its leader streamed, and waits until %s',
		async (_case, isAhead) => {
			const directory = versionDirectory(dataDir);
			mkdirSync(directory, { recursive: true });
			const history = new MadeHistory();
			const before = history.add(1, 1, 20);
			const meanwhile = history.add(1, 21, 5);
			// Of (1, 20) by its name, and it has already what came until it was written.
			const frozen = history.tree.freeze();
			const { acls } = frozen;
			const { sessions } = history;
			const nodes = frozenNodes(frozen.transferable());
			const zxid = before.at(-1)!.header.zxid;
			writeSnapshotFile(directory, { zxid, sessions, acls, nodes }, null);
			frozen.release();
			const log = new FileTxnLog({ directory, lastZxid: zxid, preAllocSizeKiB: 4 });
			// The last of them opens a session: what the tree is was true before it.
			const proving = meanwhile.at(-2)!.header.zxid;
			expect(history.states.get(proving)!.digest).toBe(history.tree.digest());
			log.append(meanwhile.slice(0, -2));
			const behind = history.add(1, 26, 14);

			const mirror = mirrorOf({ isMember: true });
			mirror.committed(isAhead ? history.lastZxid : ((proving - 1) as Zxid));
			await expect
				.poll(() => mirror.status())
				.toMatchObject({
					state: 'waiting',
					lastError: expect.stringContaining(`snapshot.${zxid.toString(16)}`),
				});
			expect(await database.query('select zxid from chronokeeper.mirror_cursor')).toEqual([{ zxid: null }]);
			log.append([...meanwhile.slice(-2), ...behind]);
			await log.close();
			mirror.committed(history.lastZxid);
			await mirror.mirroredThrough(history.lastZxid);

			expect(mirror.status().lastError).toBeNull();
			expect(await database.query('select after_zxid, through_zxid, kind from chronokeeper.gap')).toEqual([
				{ after_zxid: '0', through_zxid: String(proving), kind: 'lost' },
			]);
			const [rows] = await database.query('select min(zxid) as first, count(*)::int as n from chronokeeper.txn');
			expect(rows).toEqual({ first: String(proving + 1), n: history.lastZxid - proving });
			const [cursor] = await database.query<{ digest: string }>('select digest from chronokeeper.mirror_cursor');
			expect(BigInt.asUintN(64, BigInt(cursor!.digest))).toBe(history.tree.digest());
		},
	);

	it.each([
		['has all that its leader had', false],
		['ends before what its leader had', true],
	])("80: goes on behind a leader's tree that ended an epoch, when the history %s", async (_case, isBehind) => {
		const first = await openReplica();
		const mirror = mirrorOf();
		await write(first, 20, 'first');
		await mirror.mirroredThrough(tell(mirror, first));
		const mirrored = first.host.lastProcessedZxid;
		if (isBehind) {
			await mirror.stop();
			await write(first, 5, 'unseen');
		}
		const received = await first.snapshot();
		await mirror.stop();
		await first.close();

		// As a member has it that was brought up by that snapshot, and leads the next epoch.
		const from = path.join(versionDirectory(dataDir), path.basename(received.file));
		dataDir = path.join(work, `data-${directories++}`);
		mkdirSync(versionDirectory(dataDir), { recursive: true });
		copyFileSync(from, path.join(versionDirectory(dataDir), path.basename(from)));
		const next = await TestReplica.open(dataDir, {}, 1);
		replicas.push(next);
		await write(next, 10, 'next');
		await next.snapshot();
		await write(next, 5, 'later');
		const again = mirrorOf({ writer: 'server 2' });
		await again.mirroredThrough(tell(again, next));

		const gaps = await database.query('select after_zxid, through_zxid, kind from chronokeeper.gap');
		const unseen = { after_zxid: String(mirrored), through_zxid: String(received.zxid), kind: 'lost' };
		expect(gaps).toEqual(isBehind ? [unseen] : []);
		expect(
			await database.query('select epoch, count(*)::int as n from chronokeeper.txn group by 1 order by 1'),
		).toEqual([
			{ epoch: 0, n: mirrored },
			{ epoch: 1, n: counterOf(next.host.lastProcessedZxid) },
		]);
		const [cursor] = await database.query<{ digest: string }>('select digest from chronokeeper.mirror_cursor');
		expect(BigInt.asUintN(64, BigInt(cursor!.digest))).toBe(next.host.tree.digest());
	});

	it('of a log that is damaged while it runs it writes what can be read, a gap, and goes on behind a snapshot', async () => {
		const history = await writeStoredHistory(dataDir);
		const mirror = mirrorOf({ isMember: true });
		mirror.committed(makeZxid(1, 43));
		await mirror.mirroredThrough(makeZxid(1, 43));
		damageRecord(path.join(versionDirectory(dataDir), `log.${makeZxid(1, 41).toString(16)}`), makeZxid(1, 46));
		mirror.committed(history.lastZxid);
		await mirror.mirroredThrough(history.lastZxid);
		expect(await database.query('select after_zxid, through_zxid, kind from chronokeeper.gap')).toEqual([
			{ after_zxid: String(makeZxid(1, 45)), through_zxid: String(makeZxid(2, 10)), kind: 'lost' },
		]);
		const counts = 'select epoch, count(*)::int as n from chronokeeper.txn group by 1 order by 1';
		expect(await database.query(counts)).toEqual([
			{ epoch: 1, n: 45 },
			{ epoch: 2, n: 30 },
		]);
	});

	it('2: stops at a digest that is not the tree’s, and says so', async () => {
		unpackRecording('recording-a', path.join(dataDir, 'version-2'), (file) => file === 'log.1');
		const { treeDigest } = expectedState('recording-a', '25a');
		await importDirectories([dataDir], database.url);
		const [row] = await database.query<{ digest: string }>(
			`select digest from chronokeeper.txn where zxid = chronokeeper.zxid('0x25a')`,
		);
		expect(row?.digest).toBe(treeDigest);
		await database.query(`update chronokeeper.mirror_cursor set digest = 1`);
		const mirror = mirrorOf();
		mirror.committed(0x5df as Zxid);
		await expect.poll(() => mirror.status().lastError).toContain('does not hold the history of this server');
	});
});
