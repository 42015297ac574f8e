/** PostgreSQL refuses, fails, is exchanged for a copy that lags: the history has every zxid once, or says what it does not know. */
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Mirror, type MirrorOptions, startMirror } from '#audit/mirror';
import { check } from '#audit/verify/check';
import { openAcl } from '#jute/acl';
import type { Zxid } from '#jute/scalars';
import { CuttingProxy } from '#test/support/cutting-proxy';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { TestReplica } from '#test/support/replica';

const work = mkdtempSync(path.join(tmpdir(), 'ck-mirror-faults-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

let database: TestDatabase;
let dataDir: string;
let replica: TestReplica;
let directories = 0;
let written = 0;
const mirrors: Mirror[] = [];
const clients: pg.Client[] = [];

beforeEach(async () => {
	database = await createDatabase();
	dataDir = path.join(work, `data-${directories++}`);
	replica = await TestReplica.open(dataDir);
});
afterEach(async () => {
	for (const client of clients.splice(0)) await client.end().catch(() => undefined); // Some were ended by the case.
	for (const mirror of mirrors.splice(0)) await mirror.stop();
	await replica.close();
	await database.drop();
});

function mirrorOf(options: Partial<MirrorOptions> = {}): Mirror {
	const mirror = startMirror({ databaseUrl: database.url, dataDir, writer: 'server 1', ...options });
	mirrors.push(mirror);
	return mirror;
}

async function clientOf(url = database.url): Promise<pg.Client> {
	const client = new pg.Client({ connectionString: url });
	client.on('error', () => undefined); // The statement under way reports it.
	await client.connect();
	clients.push(client);
	return client;
}

/** @returns the last zxid */
async function write(count: number): Promise<Zxid> {
	const data = new Uint8Array(1000).fill(0x78);
	const create = (at: string) =>
		replica.call({ kind: 'create', path: at, data, acl: openAcl, mode: 'persistent', withStat: false });
	await Promise.all(Array.from({ length: count }, () => create(`/n${written++}`)));
	return replica.host.lastProcessedZxid;
}

async function mirrored(mirror: Mirror): Promise<Zxid> {
	const last = replica.host.lastProcessedZxid;
	mirror.committed(last);
	await mirror.mirroredThrough(last);
	return last;
}

/** The check that an auditor would run, against the replica itself. */
async function expectSound(url = database.url) {
	const cluster = { server: 'replica', zxid: replica.host.lastProcessedZxid, digest: replica.host.tree.digest() };
	const checked = await check(url, { cluster });
	expect(checked.verified.findings).toEqual([]);
	expect(checked).toMatchObject({ isSound: true, cluster: { state: 'equal' } });
	return checked.verified;
}

async function expectComplete(url = database.url): Promise<void> {
	const { gaps, txns, epochRuns } = await expectSound(url);
	expect(gaps).toEqual([]);
	expect(txns).toBe(replica.host.lastProcessedZxid % 2 ** 32);
	expect(epochRuns).toHaveLength(1);
}

describe('the mirror', () => {
	it('has every transaction once, wherever in a batch its connection is cut, before and after PostgreSQL has heard it', async () => {
		const proxy = await CuttingProxy.open(database.url);
		try {
			const mirror = mirrorOf({ databaseUrl: proxy.url });
			await write(2);
			await mirrored(mirror);
			await write(2);
			await mirrored(mirror);
			let cuts = 0;
			for (let message = 0; message <= proxy.messages + 1; message++) {
				for (const isForwarded of [false, true]) {
					proxy.arm({ message, isForwarded });
					await write(2);
					await mirrored(mirror);
					if (!proxy.armed) cuts++;
					proxy.disarm();
				}
			}
			expect(cuts).toBeGreaterThan(20);
			await expectComplete();
		} finally {
			for (const mirror of mirrors.splice(0)) await mirror.stop();
			await proxy.close();
		}
	});

	it('goes on when PostgreSQL makes it the victim of a deadlock', async () => {
		const mirror = mirrorOf();
		await write(5);
		await mirrored(mirror);
		const other = await clientOf();
		await other.query("set deadlock_timeout = '60s'; begin; lock table chronokeeper.change in share mode");
		await write(5);
		mirror.committed(replica.host.lastProcessedZxid);
		await waitsForLock();
		// It has the cursor and waits for the table; this waits for the cursor.
		await other.query("update chronokeeper.mirror_cursor set writer = 'other'; rollback");
		await mirrored(mirror);
		await expectComplete();
	});

	it('goes on after a serialization failure', async () => {
		const name = new URL(database.url).pathname.slice(1);
		await database.query(`alter database ${name} set default_transaction_isolation = 'repeatable read'`);
		const mirror = mirrorOf();
		await write(5);
		await mirrored(mirror);
		const other = await clientOf();
		await other.query("begin; update chronokeeper.mirror_cursor set writer = 'other'");
		await write(5);
		mirror.committed(replica.host.lastProcessedZxid);
		await waitsForLock();
		await other.query('commit');
		await mirrored(mirror);
		await expectComplete();
	});

	it.skipIf(!canMount())('goes on when a full disk has room again', async () => {
		const directory = path.join(work, 'small');
		mkdirSync(directory);
		execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=755', 'tmpfs', directory]);
		const space = `small_${process.pid}`;
		try {
			const [{ data_directory: own } = { data_directory: '' }] = await database.query<{ data_directory: string }>(
				'show data_directory',
			);
			const { uid, gid } = statSync(own);
			for (let at = directory; at.startsWith(work); at = path.dirname(at)) execFileSync('chmod', ['a+rx', at]);
			chownSync(directory, uid, gid);
			await database.query(`create tablespace ${space} location '${directory}'`);
			await database.query(`alter table chronokeeper.change_1 set tablespace ${space}`);
			const mirror = mirrorOf();
			for (let i = 0; i < 6; i++) await write(500);
			mirror.committed(replica.host.lastProcessedZxid);
			await expect.poll(() => mirror.status().lastError, { timeout: 60_000 }).toContain('No space left on device');
			const first = replica.host.lastProcessedZxid;
			await write(10);
			expect(mirror.status().mirroredZxid ?? 0).toBeLessThan(first);
			execFileSync('mount', ['-o', 'remount,size=200m', directory]);
			await mirrored(mirror);
			await expectComplete();
		} finally {
			for (const mirror of mirrors.splice(0)) await mirror.stop();
			await database.query(`alter table chronokeeper.change_1 set tablespace pg_default`);
			await database.query(`drop tablespace if exists ${space}`);
			execFileSync('umount', ['-l', directory]);
		}
	});

	it('goes on from the cursor of a copy that lags, while it runs: its log has what the copy does not', async () => {
		const mirror = mirrorOf({ migrate: false });
		await write(30);
		await mirrored(mirror);
		const swap = await copyOf(database);
		await write(30);
		await mirrored(mirror);
		await swap();
		await write(5);
		await mirrored(mirror);
		await expectComplete();
	});

	it('says what it does not know when a copy lags behind what the log still has, and begins anew with a base', async () => {
		const mirror = mirrorOf({ migrate: false });
		await write(30);
		const copied = await mirrored(mirror);
		const swap = await copyOf(database);
		await write(30);
		await mirrored(mirror);
		await replica.snapshot();
		const base = replica.host.lastProcessedZxid;
		for (const one of mirrors.splice(0)) await one.stop();
		// As a purge does, which keeps what the mirror did not have: it had all of it.
		await replica.close();
		replica = await TestReplica.open(dataDir);
		await write(1);
		const version = path.join(dataDir, 'version-2');
		const names = readdirSync(version);
		const [oldest] = names.filter((it) => it.startsWith('log.')).sort();
		unlinkSync(path.join(version, oldest!));
		for (const it of names.filter((it) => it === 'snapshot.0')) unlinkSync(path.join(version, it));
		await swap();
		const again = mirrorOf();
		await write(5);
		await mirrored(again);
		const { gaps, bases } = await expectSound();
		expect(gaps).toMatchObject([{ afterZxid: copied, throughZxid: base, kind: 'lost' }]);
		expect(bases.map((it) => it.zxid)).toEqual([0, base]);
	});

	it('is begun again when its thread ends in the middle of its work', async () => {
		const workers: { terminate(): Promise<number> }[] = [];
		const note = (worker: { terminate(): Promise<number> }) => workers.push(worker);
		process.on('worker', note);
		try {
			const mirror = mirrorOf();
			for (let round = 0; round < 3; round++) {
				await write(300);
				mirror.committed(replica.host.lastProcessedZxid);
				await expect.poll(() => workers.length).toBe(round + 1);
				await expect.poll(() => mirror.status().state).not.toBe('waiting');
				await workers[round]!.terminate();
			}
			await mirrored(mirror);
			await expectComplete();
		} finally {
			process.off('worker', note);
		}
	});
});

/** Until the mirror's connection waits for another's lock. */
async function waitsForLock(): Promise<void> {
	await expect
		.poll(
			() =>
				database.query(
					"select pid from pg_stat_activity where application_name = 'chronokeeper mirror' and datname = current_database() and wait_event_type = 'Lock'",
				),
			{ interval: 5 },
		)
		.toHaveLength(1);
}

/** A copy of the database as it is now. @returns what puts it in the place of the database, as another server would be put under its name */
async function copyOf({ url }: TestDatabase): Promise<() => Promise<void>> {
	const name = new URL(url).pathname.slice(1);
	const server = new URL(url);
	server.pathname = '/postgres';
	const admin = await clientOf(server.href);
	const leave = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`;
	const closed = async (work: string[]) => {
		await admin.query(`alter database ${name} with allow_connections false`);
		try {
			await expect.poll(async () => (await admin.query(leave)).rowCount, { interval: 5 }).toBe(0);
			for (const statement of work) await admin.query(statement);
		} finally {
			await admin.query(`alter database ${name} with allow_connections true`);
		}
	};
	await closed([`create database ${name}_copy template ${name}`]);
	return () => closed([`drop database ${name} with (force)`, `alter database ${name}_copy rename to ${name}`]);
}

function canMount(): boolean {
	const directory = path.join(work, 'probe');
	mkdirSync(directory);
	try {
		execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory], { stdio: 'ignore' });
		execFileSync('umount', [directory], { stdio: 'ignore' });
		return true;
	} catch {
		return false;
	}
}
