/** `ck audit`: what it says, how it ends, and that a key which others may have is not taken. */
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMirror } from '#audit/mirror';
import { loadConfig } from '#server/config/config';
import { readSecurity } from '#server/grpc/identity/tls-files';
import { ckHere } from '#test/support/ck';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { writeVariedHistory } from '#test/support/varied-history';

const work = mkdtempSync(path.join(tmpdir(), 'ck-audit-cli-'));
const key = path.join(work, 'mirror.pem');
let database: TestDatabase;
let made: Awaited<ReturnType<typeof ckHere>>;
const audit = (...args: string[]) => ckHere(['audit', ...args]);
const ofDatabase = () => ['--database', database.url];

beforeAll(async () => {
	database = await createDatabase();
	made = await audit('keygen', key);
	const { dataDir, lastZxid } = await writeVariedHistory(path.join(work, 'data'));
	const mirror = startMirror({
		databaseUrl: database.url,
		dataDir,
		checkpoints: { keyFile: key, txns: 1, seconds: 1 },
	});
	mirror.committed(lastZxid);
	await mirror.mirroredThrough(lastZxid);
	await mirror.stop();
});
afterAll(async () => {
	await database?.drop();
	rmSync(work, { recursive: true, force: true });
});

describe('ck audit', () => {
	it('keygen makes a key that only its owner may read, and overwrites none', async () => {
		expect(made).toMatchObject({ status: 0, stdout: expect.stringMatching(/^key [0-9a-f]{16}: /) });
		expect(statSync(key).mode & 0o777).toBe(0o600);
		const again = await audit('keygen', key);
		expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('is there already') });
	});

	it('verify says that every row is right, and up to where it is signed', async () => {
		const { status, stdout } = await audit('verify', ...ofDatabase(), '--pubkey', `${key}.pub`);
		expect(stdout).toMatch(
			/have good signatures, the last at 0x20000000b \(signed .*Z\)\.\n31 transactions, .*every row is what was mirrored/,
		);
		expect(status).toBe(0);
		const asked = await audit('verify', ...ofDatabase(), '--pubkey', key);
		expect(asked).toMatchObject({ status: 1, stderr: expect.stringContaining('holds a private key') });
	});

	it('check says in words from where the history is complete, also to machines, with or without a cluster', async () => {
		const { status, stdout } = await audit('check', ...ofDatabase(), '--no-cluster');
		expect(stdout).toContain('It begins with the empty tree');
		expect(stdout).toContain('It has 31 transactions in 2 epochs, from 0x100000001 to 0x20000000b.\nThere is no gap.');
		expect(stdout).toContain('The history is complete and sound.');
		expect(status).toBe(0);
		const away = await audit('check', ...ofDatabase(), '--server', '127.0.0.1:1', '--json');
		expect(away.status).toBe(0);
		expect(JSON.parse(away.stdout)).toMatchObject({
			sound: true,
			cluster: { state: 'not asked' },
			wrongRows: 0,
			gaps: [],
		});
	});

	it('export writes files that verify reads', async () => {
		const into = path.join(work, 'export');
		const written = await audit('export', ...ofDatabase(), '--into', into, '--format', 'csv');
		expect(written).toMatchObject({ status: 0, stdout: expect.stringContaining('txn.csv  31 rows') });
		expect(existsSync(path.join(into, 'manifest.json.sha256'))).toBe(true);
		const { status, stdout } = await audit('verify', '--export', into, '--pubkey', `${key}.pub`);
		expect(stdout).toContain('every row is what was mirrored');
		expect(status).toBe(0);
		expect(await audit('export', ...ofDatabase(), '--into', into)).toMatchObject({ status: 1 });
	});

	it('verify and check name a row that was altered, and end with 1', async () => {
		await database.query(
			"update chronokeeper.txn set principal = 'digest:mallory:x' where zxid = chronokeeper.zxid('0x100000008')",
		);
		for (const command of ['verify', 'check']) {
			const { status, stderr } = await audit(
				command,
				...ofDatabase(),
				...(command === 'check' ? ['--no-cluster'] : []),
			);
			expect(stderr).toContain('txn 0x100000008: the row or its changes are not what was mirrored');
			expect(status).toBe(1);
		}
	});
});

it('a server refuses a signing key that others may read, before anything starts', async () => {
	const config = (file: string) => loadConfig({ environment: { CK_AUDIT_SIGNING_KEY: file } });
	expect(await readSecurity(config(key))).toBeUndefined();
	chmodSync(key, 0o604);
	await expect(readSecurity(config(key))).rejects.toThrow(
		/^audit\.signingKey: .* may be read or written by others \(mode 0604\)/,
	);
});
