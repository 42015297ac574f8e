/** A server and its mirror: the embedded PostgreSQL, the operator's own, none that answers, and one that must have each row first. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { CompiledServer } from '#test/support/compiled-server';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { freePort } from '#test/support/processes';
import { readiness, TestServers } from '#test/support/test-servers';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
	const client = new pg.Client(url);
	await client.connect();
	try {
		return (await client.query(text)).rows;
	} finally {
		await client.end();
	}
}

async function withDatabase(use: (database: TestDatabase) => Promise<void>): Promise<void> {
	const database = await createDatabase({ migrate: false });
	try {
		await use(database);
	} finally {
		await servers.close();
		await database.drop();
	}
}

describe('the mirror of a server', () => {
	it('is in the embedded PostgreSQL, with who did it, and goes on after a kill', async () => {
		const compiled = new CompiledServer();
		const dataDir = servers.newDirectory();
		try {
			const first = servers.keepProcess(await compiled.start({ CK_DATA_DIR: dataDir }));
			const client = servers.connect(first.addresses.grpc, { auth: 'ann:secret' });
			await client.create('/config', Buffer.from('1'));
			await expect(client.delete('/config', 9)).rejects.toMatchObject({ codeName: 'BadVersion', zxid: 2n });
			await expect
				.poll(async () => (await client.status()).mirror)
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
			const second = servers.keepProcess(await compiled.start({ CK_DATA_DIR: dataDir }));
			const again = servers.connect(second.addresses.grpc);
			await again.create('/after', null);
			await expect.poll(async () => (await again.status()).mirror?.mirroredZxid).toBe(23n);
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
			const dataDir = servers.newDirectory();
			const server = await servers.start(dataDir, { 'audit.url': database.url, 'audit.mode': 'async' });
			const client = servers.connect(server.addresses.grpc);
			await client.create('/n0', null);
			await expect.poll(() => server.mirror!.health().state).toBe('in-step');
			for (let i = 1; i < 30; i++) await client.create(`/n${i}`, null);
			client.close();
			// A stop writes what is left of those, but waits for no migrations.
			await server.close();
			expect(await database.query('select count(*)::int as rows from chronokeeper.txn')).toEqual([{ rows: 30 }]);
			expect(server.addresses.postgres).toBe(database.url);
		});
	});

	it('that is away leaves the server serving, with a warning', async () => {
		const port = await freePort();
		const url = `postgresql://somebody:pass-word@127.0.0.1:${port}/audit`;
		const server = await servers.start(servers.newDirectory(), { 'audit.url': url, 'audit.mode': 'async' });
		await server.mirror!.firstAttempt;
		const client = servers.connect(server.addresses.grpc);
		await client.create('/served', null);
		const { code, body } = await readiness(server.addresses.http);
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
			const server = await servers.start(servers.newDirectory(), { 'audit.url': database.url, 'audit.mode': 'strict' });
			const client = servers.connect(server.addresses.grpc);
			// No call waits as long as the migrations may take.
			await expect.poll(() => server.mirror!.health().state).toBe('in-step');
			for (let i = 1; i <= 10; i++) {
				const { zxid } = await client.create(`/n${i}`, null);
				const [row] = await database.query('select max(zxid)::text as last from chronokeeper.txn');
				expect(BigInt(String(row!.last))).toBeGreaterThanOrEqual(zxid);
			}
		});
	});

	it('that is away acknowledges nothing with audit.mode=strict, refuses new writes after a while, and says so', async () => {
		const port = await freePort();
		const url = `postgresql://somebody:pass-word@127.0.0.1:${port}/audit`;
		const server = await servers.start(servers.newDirectory(), {
			'audit.url': url,
			'audit.mode': 'strict',
			'audit.strict.patienceMs': 300,
		});
		await server.mirror!.firstAttempt;
		const client = servers.connect(server.addresses.grpc, { timeoutMs: 3000 });
		await expect(client.create('/never', null)).rejects.toMatchObject({ status: 'DEADLINE_EXCEEDED' });
		await expect(client.create('/refused', null)).rejects.toMatchObject({
			status: 'UNAVAILABLE',
			codeName: 'NotReadOnly',
			zxid: 0n,
			message: expect.stringMatching(/^new writes are refused: PostgreSQL has not taken those before them/),
			advice: expect.stringMatching(/^Nothing was changed/),
		});
		const { code, body } = await readiness(server.addresses.http);
		expect([code, body.status, body.problems]).toEqual([200, 'degraded', []]);
		expect(body.warnings[0]).toMatch(/^the mirror is away/);
		expect(body.warnings[1]).toMatch(/^new writes are refused/);
		const metrics = await (await fetch(`http://${server.addresses.http}/metrics`)).text();
		expect(metrics).toMatch(/^chronokeeper_writes_refused 1$/m);
		expect(await client.exists('/never')).toBeUndefined();
		// A stop does not wait for a database that is not there.
		const startMs = performance.now();
		client.close();
		await server.close();
		expect(performance.now() - startMs).toBeLessThan(5000);
	});
});
