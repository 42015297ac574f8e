import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { EmbeddedPostgres } from './embedded-postgres.ts';

const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-postgres-'));
const dataDir = join(folder, 'data');
mkdirSync(dataDir);
const started = new Set<EmbeddedPostgres>();

afterEach(async () => {
	for (const postgres of started) await postgres.stop();
	started.clear();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(directory = dataDir, port = 0): Promise<{ postgres: EmbeddedPostgres; url: string }> {
	const postgres = new EmbeddedPostgres({ dataDir: directory, port });
	started.add(postgres);
	return { postgres, url: await postgres.start() };
}

async function query(url: string, text: string): Promise<unknown> {
	const client = new pg.Client(url);
	await client.connect();
	try {
		return Object.values((await client.query(text)).rows[0] ?? {})[0];
	} finally {
		await client.end();
	}
}

function postmasterPid(): number {
	return Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
}

describe('the embedded PostgreSQL', () => {
	it('is PostgreSQL 18 on loopback, with a password in a file of its owner, and keeps port and rows', async () => {
		const first = await start();
		expect(await query(first.url, 'show server_version')).toMatch(/^18\./);
		expect(await query(first.url, 'show listen_addresses')).toBe('127.0.0.1');
		expect(await query(first.url, 'show server_encoding')).toBe('UTF8');
		await query(first.url, 'create table kept as select 42 as answer');
		expect(readFileSync(join(dataDir, 'postgres.url'), 'utf8').trim()).toBe(first.url);
		expect(statSync(join(dataDir, 'postgres.url')).mode & 0o777).toBe(0o600);
		await expect(query(first.url.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow(/password/);
		await first.postgres.stop();
		expect(first.postgres.running).toBe(false);
		const second = await start();
		expect(second.url).toBe(first.url);
		expect(await query(second.url, 'select answer from kept')).toBe(42);
	});

	it('is taken over from a replica that was killed', async () => {
		const script = `import { EmbeddedPostgres } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'embedded-postgres.ts')).href)};
			console.log(await new EmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, port: 0 }).start());
			setInterval(() => {}, 1000);`;
		const replica = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', script], {
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		const url = await new Promise<string>((resolve) =>
			replica.stdout.once('data', (line) => resolve(String(line).trim())),
		);
		const orphan = postmasterPid();
		const gone = new Promise((resolve) => replica.once('exit', resolve));
		replica.kill('SIGKILL');
		await gone;
		const next = await start();
		expect(next.url).toBe(url);
		expect(postmasterPid()).toBe(orphan);
		expect(await query(next.url, 'select answer from kept')).toBe(42);
	});

	it('starts behind a server that was killed too, whose postmaster.pid is stale', async () => {
		const first = await start();
		const pid = postmasterPid();
		process.kill(pid, 'SIGKILL');
		await expect.poll(() => first.postgres.running).toBe(false);
		const second = await start();
		expect(postmasterPid()).not.toBe(pid);
		expect(await query(second.url, 'select answer from kept')).toBe(42);
	});

	it('takes a free port when somebody else has its own, and a new password when the file was lost', async () => {
		const first = await start();
		const taken = new URL(first.url).port;
		await first.postgres.stop();
		const other = createServer().listen(Number(taken), '127.0.0.1');
		await once(other, 'listening');
		rmSync(join(dataDir, 'postgres.url'));
		try {
			const second = await start(dataDir, Number(taken));
			expect(new URL(second.url).port).not.toBe(taken);
			expect(new URL(second.url).password).not.toBe(new URL(first.url).password);
			expect(await query(second.url, 'select answer from kept')).toBe(42);
		} finally {
			other.close();
		}
	});

	it.runIf(process.getuid?.() === 0)('runs below directories that only root may enter', async () => {
		const hidden = join(folder, 'hidden', 'data');
		mkdirSync(hidden, { recursive: true });
		chmodSync(join(folder, 'hidden'), 0o700);
		const { url } = await start(hidden);
		expect(await query(url, 'select 1')).toBe(1);
	});
});
