/** A server and its mirror: the embedded PostgreSQL, the operator's own, none that answers, and one that must have each row first. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ChronokeeperClient } from '#client/client';
import { loadConfig } from '#server/config/config';
import type { Values } from '#server/config/keys';
import { type RunningServer, startServer } from '#server/start-server';
import { createLogger } from '#telemetry/logger';
import { CompiledServer } from '#test/support/compiled-server';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { freePort } from '#test/support/processes';

const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-mirror-'));
const open = new Set<{ close(): void | Promise<void> }>();
let directories = 0;

function newDirectory(): string {
	directories += 1;
	return join(folder, `data${directories}`);
}

async function start(dataDir: string, overrides: Partial<Values>): Promise<RunningServer> {
	const config = loadConfig({
		overrides: { dataDir, grpcPort: 0, httpPort: 0, 'audit.postgresPort': 0, 'shutdown.timeoutMs': 1000, ...overrides },
	});
	const server = await startServer(config, createLogger({ level: 'silent', format: 'json' }));
	open.add(server);
	return server;
}

function connect(address: string, auth?: string): ChronokeeperClient {
	const client = new ChronokeeperClient({ address, auth });
	open.add(client);
	return client;
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
	const client = new pg.Client(url);
	await client.connect();
	try {
		return (await client.query(text)).rows;
	} finally {
		await client.end();
	}
}

async function ready(
	http: string,
): Promise<{ code: number; body: { status: string; warnings: string[]; problems: string[] } }> {
	const response = await fetch(`http://${http}/health/ready`);
	return { code: response.status, body: (await response.json()) as never };
}

async function withDatabase(use: (database: TestDatabase) => Promise<void>): Promise<void> {
	const database = await createDatabase({ migrate: false });
	try {
		await use(database);
	} finally {
		for (const one of [...open].reverse()) await one.close();
		open.clear();
		await database.drop();
	}
}

afterEach(async () => {
	for (const one of [...open].reverse()) await one.close();
	open.clear();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the mirror of a server', () => {
	it('is in the embedded PostgreSQL, with who did it, and goes on after a kill', async () => {
		const compiled = new CompiledServer();
		const dataDir = newDirectory();
		try {
			const first = await compiled.start({ CK_DATA_DIR: dataDir });
			open.add({ close: () => first.stop('SIGTERM').then(() => undefined) });
			const client = connect(first.addresses.grpc, 'ann:secret');
			await client.create('/config', Buffer.from('1'));
			await expect(client.delete('/config', 9)).rejects.toMatchObject({ codeName: 'BadVersion', zxid: 2n });
			await expect
				.poll(async () => (await client.status()).mirror, { timeout: 20_000 })
				.toMatchObject({ state: 'in-step', mirroredZxid: 2n });
			const url = readFileSync(join(dataDir, 'postgres.url'), 'utf8').trim();
			expect(
				await query(url, 'select zxid::text, type, path, error, principal, door from chronokeeper.txn order by zxid'),
			).toEqual([
				{
					zxid: '1',
					type: 'create',
					path: '/config',
					error: 0,
					principal: expect.stringMatching(/^digest:ann:/),
					door: 'grpc',
				},
				{
					zxid: '2',
					type: 'error',
					path: null,
					error: -103,
					principal: expect.stringMatching(/^digest:ann:/),
					door: 'grpc',
				},
			]);
			for (let i = 0; i < 20; i++) await client.set('/config', Buffer.from(`${i}`));
			client.close();
			await first.stop('SIGKILL');
			const second = await compiled.start({ CK_DATA_DIR: dataDir });
			open.add({ close: () => second.stop('SIGTERM').then(() => undefined) });
			const again = connect(second.addresses.grpc);
			await again.create('/after', null);
			await expect.poll(async () => (await again.status()).mirror?.mirroredZxid, { timeout: 20_000 }).toBe(23n);
			expect(await query(url, 'select count(*)::int as rows, max(zxid)::text as last from chronokeeper.txn')).toEqual([
				{ rows: 23, last: '23' },
			]);
			again.close();
			expect(await second.stop('SIGTERM')).toBe(0);
			await expect(query(url, 'select 1')).rejects.toThrow(/ECONNREFUSED/);
		} finally {
			compiled.remove();
		}
	});

	it("is in the operator's own PostgreSQL when audit.url names one", async () => {
		await withDatabase(async (database) => {
			const dataDir = newDirectory();
			const server = await start(dataDir, { 'audit.url': database.url });
			const client = connect(server.addresses.grpc);
			for (let i = 0; i < 30; i++) await client.create(`/n${i}`, null);
			client.close();
			// A stop writes what is left.
			await server.close();
			expect(await database.query('select count(*)::int as rows from chronokeeper.txn')).toEqual([{ rows: 30 }]);
			expect(server.addresses.postgres).toBe(database.url);
		});
	});

	it('that is away leaves the server serving, with a warning', async () => {
		const port = await freePort();
		const url = `postgresql://somebody:pass-word@127.0.0.1:${port}/audit`;
		const server = await start(newDirectory(), { 'audit.url': url });
		await server.mirror!.firstAttempt;
		const client = connect(server.addresses.grpc);
		await client.create('/served', null);
		const { code, body } = await ready(server.addresses.http);
		expect([code, body.status, body.problems]).toEqual([200, 'degraded', []]);
		expect(body.warnings[0]).toMatch(/^the mirror is away: .*ECONNREFUSED/);
		expect(JSON.stringify(body)).not.toContain('pass-word');
		// What is not mirrored is not purged.
		expect(server.replica.mirrored()).toBe(0);
		const metrics = await (await fetch(`http://${server.addresses.http}/metrics`)).text();
		expect(metrics).toMatch(/^chronokeeper_mirror_up 0$/m);
	});

	it('has a write before it is acknowledged with audit.mode=strict', async () => {
		await withDatabase(async (database) => {
			const server = await start(newDirectory(), { 'audit.url': database.url, 'audit.mode': 'strict' });
			const client = connect(server.addresses.grpc);
			for (let i = 1; i <= 10; i++) {
				const { zxid } = await client.create(`/n${i}`, null);
				const [row] = await database.query('select max(zxid)::text as last from chronokeeper.txn');
				expect(BigInt(String(row!.last))).toBeGreaterThanOrEqual(zxid);
			}
		});
	});

	it('that is away acknowledges nothing with audit.mode=strict, and says so', async () => {
		const port = await freePort();
		const url = `postgresql://somebody:pass-word@127.0.0.1:${port}/audit`;
		const server = await start(newDirectory(), { 'audit.url': url, 'audit.mode': 'strict' });
		await server.mirror!.firstAttempt;
		const client = new ChronokeeperClient({ address: server.addresses.grpc, timeoutMs: 500 });
		open.add(client);
		await expect(client.create('/never', null)).rejects.toMatchObject({ status: 'DEADLINE_EXCEEDED' });
		const { code, body } = await ready(server.addresses.http);
		expect([code, body.status]).toEqual([503, 'failed']);
		expect(body.problems[0]).toMatch(/^the mirror is away/);
		expect(await client.exists('/never')).toBeUndefined();
		// A stop does not wait for a database that is not there.
		const startMs = performance.now();
		client.close();
		await server.close();
		expect(performance.now() - startMs).toBeLessThan(5000);
	});
});
