/** Restore: a data directory from PostgreSQL alone, exactly the tree of a zxid, with an epoch that no client has seen. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importDirectories } from '#audit/import';
import { startMirror } from '#audit/mirror';
import { restore } from '#audit/restore';
import { epochOf, parseZxid, type Zxid } from '#core/model/zxid';
import { ownerKind } from '#core/tree/owners';
import { openAcl } from '#jute/acl';
import { recover } from '#storage/recovery';
import { ck } from '#test/support/ck';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import {
	expectedState,
	expectedTree,
	expectedZxids,
	type RecordingName,
	unpackRecording,
} from '#test/support/recordings';
import { TestReplica } from '#test/support/replica';

const work = mkdtempSync(path.join(tmpdir(), 'ck-restore-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

let into = 0;
const newDirectory = (): string => path.join(work, `into-${into++}`);

async function imported(names: readonly RecordingName[]): Promise<TestDatabase> {
	const database = await createDatabase();
	const dirs = names.map((name) => path.join(work, name));
	for (const [i, name] of names.entries()) unpackRecording(name, dirs[i]!);
	await importDirectories(dirs, database.url);
	return database;
}

async function expectRestored(database: TestDatabase, name: RecordingName, hex: string): Promise<void> {
	const intoDir = newDirectory();
	const state = expectedState(name, hex) as ReturnType<typeof expectedState> & {
		sessions: Record<string, number>;
		znodes: number;
	};
	const restored = await restore({ databaseUrl: database.url, zxid: parseZxid(`0x${hex}`), intoDir, sessions: 'keep' });
	expect(restored.digest.toString(), `${name} ${hex}`).toBe(state.treeDigest);
	const recovered = await recover({ dataDir: intoDir });
	expect(recovered.warnings).toEqual([]);
	expect(recovered.lastZxid).toBe(restored.startZxid);
	expect(recovered.tree.digest().toString()).toBe(state.treeDigest);
	expect(recovered.tree.size).toBe(state.znodes);
	expect(Object.fromEntries([...recovered.sessions].map(([id, timeout]) => [`0x${id.toString(16)}`, timeout]))).toEqual(
		state.sessions,
	);
	for (const node of expectedTree(name, hex)) {
		if (node.path.endsWith('/zookeeper_stats') || (name !== 'recording-a' && node.path === '/zookeeper/config'))
			continue;
		expect(recovered.tree.acl(node.path), node.path).toEqual(node.acl);
		const data = recovered.tree.data(node.path);
		expect(data === null ? null : Buffer.from(data ?? []).toString('base64'), node.path).toBe(node.data);
	}
}

describe('restore', () => {
	let a: TestDatabase;
	let c: TestDatabase;
	beforeAll(async () => {
		a = await imported(['recording-a']);
		c = await imported([
			'recording-c-ensemble/server1',
			'recording-c-ensemble/server2',
			'recording-c-ensemble/server3',
		]);
	});
	afterAll(async () => {
		await a.drop();
		await c.drop();
	});

	it('2, 76: has the recorded digest at every expected zxid of recording a, with sessions and ACLs', async () => {
		for (const hex of expectedZxids('recording-a')) await expectRestored(a, 'recording-a', hex);
	});

	it('2, 76: has the recorded digest at every committed expected zxid of recording c', async () => {
		for (const n of [1, 2, 3] as const) {
			const name: RecordingName = `recording-c-ensemble/server${n}`;
			for (const hex of expectedZxids(name)) {
				if (hex !== '20000096e' && hex !== '3000008b3') await expectRestored(c, name, hex);
			}
		}
	});

	it('restores to an error transaction, whose digest is the one before it', async () => {
		const [row] = await a.query<{ zxid: string }>(
			'select zxid from chronokeeper.txn where digest is null and zxid > 9000 order by zxid limit 1',
		);
		const restored = await restore({ databaseUrl: a.url, zxid: Number(row!.zxid) as Zxid, intoDir: newDirectory() });
		const [before] = await a.query<{ digest: string }>(
			'select digest from chronokeeper.txn where digest is not null and zxid < $1 order by zxid desc limit 1',
			[row!.zxid],
		);
		expect(restored.digest.toString()).toBe(before!.digest);
	});

	it('61: begins an epoch above every zxid ever given out, in the snapshot’s name and in the epoch files', async () => {
		const intoDir = newDirectory();
		const restored = await restore({ databaseUrl: c.url, zxid: parseZxid('0x200000827'), intoDir, sessions: 'keep' });
		expect(restored).toMatchObject({ epoch: 5, startZxid: 0x500000000 });
		const version = path.join(intoDir, 'version-2');
		expect(readdirSync(version).sort()).toEqual(['acceptedEpoch', 'currentEpoch', 'snapshot.500000000']);
		expect(readFileSync(path.join(version, 'currentEpoch'), 'utf8')).toBe('5');
		await expect(
			restore({ databaseUrl: c.url, zxid: parseZxid('0x200000827'), intoDir: newDirectory(), epoch: 4 }),
		).rejects.toThrow('epoch 4 must be above 4');
	});

	it('61, 63: ends the sessions of then by transactions behind the snapshot, for every server of an ensemble alike', async () => {
		const intoDir = newDirectory();
		const state = expectedState('recording-a', '5df') as ReturnType<typeof expectedState> & {
			sessions: Record<string, number>;
		};
		const sessions = Object.keys(state.sessions).length;
		expect(sessions).toBeGreaterThan(0);
		const restored = await restore({ databaseUrl: a.url, zxid: 0x5df as Zxid, intoDir, servers: [1, 2, 5] });
		expect(restored).toMatchObject({ sessions, endedSessions: sessions, startZxid: 0x1_0000_0000 + sessions });
		expect(restored.directories).toEqual(['1', '2', '5'].map((id) => path.join(intoDir, id)));
		const contents = restored.directories.map((directory, at) => {
			expect(readFileSync(path.join(directory, 'myid'), 'utf8')).toBe(`${[1, 2, 5][at]}\n`);
			const version = path.join(directory, 'version-2');
			return readdirSync(version).map((name) => [name, readFileSync(path.join(version, name)).toString('base64')]);
		});
		expect(contents[0]!.map(([name]) => name).sort()).toEqual([
			'acceptedEpoch',
			'currentEpoch',
			'log.100000001',
			'snapshot.100000000',
		]);
		expect(contents[1]).toEqual(contents[0]);
		expect(contents[2]).toEqual(contents[0]);
		const verified = await ck(['log', '--verify', restored.directories[1]!]);
		expect(verified).toMatchObject({ status: 0, stderr: '' });
		const recovered = await recover({ dataDir: restored.directories[2]! });
		expect([recovered.warnings, recovered.lastZxid, recovered.sessions.size]).toEqual([[], restored.startZxid, 0]);
		expect(recovered.tree.ephemeralCount).toBe(0);
		const ephemerals = expectedTree('recording-a', '5df').filter(
			({ ephemeralOwner }) => ownerKind(BigInt(ephemeralOwner)) === 'ephemeral',
		);
		expect(recovered.tree.size).toBe(restored.nodes - ephemerals.length);
	});

	it('refuses what it cannot prove, and leaves nothing behind', async () => {
		const used = newDirectory();
		mkdirSync(used);
		writeFileSync(path.join(used, 'keep'), 'me');
		await expect(restore({ databaseUrl: a.url, zxid: 0x5df as Zxid, intoDir: used })).rejects.toThrow('is not empty');
		expect(readdirSync(used)).toEqual(['keep']);
		await expect(restore({ databaseUrl: a.url, zxid: 0x5000 as Zxid, intoDir: newDirectory() })).rejects.toThrow(
			'ahead of the mirror',
		);
		const forged = await imported(['recording-a']);
		try {
			await forged.query(
				`update chronokeeper.change set data = 'forged' where (path, zxid) in (select path, mzxid from chronokeeper.tree_at('0x5df') where data_length > 0 limit 1)`,
			);
			const intoDir = newDirectory();
			await expect(restore({ databaseUrl: forged.url, zxid: 0x5df as Zxid, intoDir })).rejects.toThrow(
				'the cluster recorded',
			);
			expect(() => readdirSync(intoDir)).toThrow('ENOENT');
		} finally {
			await forged.drop();
		}
	});

	it('is a line in the history when a replica starts from it: nothing before is rewritten', async () => {
		const database = await imported(['recording-a']);
		const dataDir = newDirectory();
		const into = { zxid: 0x2f12 as Zxid, intoDir: dataDir, sessions: 'keep' } as const;
		const { startZxid, nodes } = await restore({ databaseUrl: database.url, ...into });
		const replica = await TestReplica.open(dataDir);
		const mirror = startMirror({ databaseUrl: database.url, dataDir });
		try {
			await replica.call({
				kind: 'create',
				path: '/after',
				data: null,
				acl: openAcl,
				mode: 'persistent',
				withStat: false,
			});
			const last = replica.host.lastProcessedZxid;
			expect(epochOf(last)).toBe(1);
			mirror.committed(last);
			await mirror.mirroredThrough(last);
			const gaps = await database.query<{ after_zxid: string; through_zxid: string; kind: string; reason: string }>(
				'select * from chronokeeper.gap',
			);
			expect(gaps).toMatchObject([{ after_zxid: String(0x4e42), through_zxid: String(startZxid), kind: 'restore' }]);
			expect(gaps[0]?.reason).toContain('restored to 0x2f12');
			expect(await database.query('select count(*)::int as n from chronokeeper.txn')).toEqual([{ n: 20035 }]);
			expect(await database.query(`select count(*)::int as n from chronokeeper.tree_at('0x4e42')`)).toEqual([
				{ n: 1910 },
			]);
			expect(await database.query('select count(*)::int as n from chronokeeper.tree_at($1)', [String(last)])).toEqual([
				{ n: nodes + 1 },
			]);
			expect(await database.query('select * from chronokeeper.verify_chain(0, 9223372036854775807)')).toEqual([]);
			const undone = await database.query<{ path: string }>(`select path from chronokeeper.diff('0x2f12', $1)`, [
				String(last),
			]);
			expect(undone).toEqual([{ path: '/after' }]);
		} finally {
			await mirror.stop();
			await replica.close();
			await database.drop();
		}
	});
});
