/** A server as a process of its own: killed under load, with a full disk, badly configured. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ClientError } from '#client/client-error';
import { CompiledServer } from '#test/support/compiled-server';
import { readiness, TestServers } from '#test/support/test-servers';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

describe('the process', () => {
	let compiled: CompiledServer;
	beforeAll(() => {
		compiled = new CompiledServer();
	});
	afterAll(() => compiled.remove());

	it('loses nothing that was acknowledged when it is killed under load', async () => {
		const env = { CK_DATA_DIR: servers.newDirectory(), CK_AUDIT_MODE: 'off', CK_SNAP_COUNT: '500' };
		const acknowledged = new Set<string>();
		let next = 0;
		for (let round = 0; round < 3; round++) {
			const server = servers.keepProcess(await compiled.start(env));
			const client = servers.connect(server.addresses.grpc);
			for (const path of acknowledged) expect(await client.exists(path), path).toBeDefined();
			const until = acknowledged.size + 400;
			const enough = Promise.withResolvers<void>();
			const writers = Array.from({ length: 32 }, async () => {
				for (;;) {
					const path = `/n${next++}`;
					await client.create(path, Buffer.from(path));
					acknowledged.add(path);
					if (acknowledged.size >= until) enough.resolve();
				}
			});
			const ended = Promise.allSettled(writers);
			await enough.promise;
			await server.stop('SIGKILL');
			for (const outcome of await ended)
				expect(outcome.status === 'rejected' && outcome.reason).toBeInstanceOf(ClientError);
			client.close();
		}
		const last = servers.keepProcess(await compiled.start(env));
		const client = servers.connect(last.addresses.grpc);
		const { names } = await client.children('/');
		const there = new Set(names.map((name) => `/${name}`));
		expect([...acknowledged].filter((path) => !there.has(path))).toEqual([]);
		expect(acknowledged.size).toBeGreaterThanOrEqual(1200);
		expect(await last.stop('SIGTERM')).toBe(0);
		expect(last.output).toContain('"msg":"stopped"');
	});

	it('stops acknowledging when the disk is full, goes on reading, and has everything acknowledged afterwards', async () => {
		const env = { CK_DATA_DIR: servers.newDirectory(), CK_AUDIT_MODE: 'off', CK_PRE_ALLOC_SIZE: '64' };
		// No file may become larger than 256 KiB: to the log that is a full disk.
		const server = await compiled.start(env, ['bash', '-c', 'ulimit -f 256; exec "$@"', 'limited']);
		const client = servers.connect(server.addresses.grpc);
		const acknowledged: string[] = [];
		let failure: unknown;
		for (let i = 0; failure === undefined && i < 1000; i++) {
			await client.create(`/n${i}`, new Uint8Array(4096)).then(
				() => acknowledged.push(`/n${i}`),
				(error) => {
					failure = error;
				},
			);
		}
		// Whether the one in flight is on disk is not known; the next ones are refused.
		expect(failure).toMatchObject({ status: 'UNAVAILABLE', codeName: 'ConnectionLoss' });
		await expect(client.create('/more', null)).rejects.toMatchObject({
			codeName: 'SystemError',
			message: expect.stringMatching(/Cannot write the transaction log .*EFBIG/),
		});
		expect(await client.exists(acknowledged[0]!)).toBeDefined();
		const { code, body } = await readiness(server.addresses.http);
		expect([code, body.status]).toEqual([503, 'failed']);
		expect((await fetch(`http://${server.addresses.http}/health/live`)).status).toBe(200);
		expect(server.output).toMatch(/"level":"fatal".*"state":"logFailed"/);
		client.close();
		expect(await server.stop('SIGTERM')).toBe(0);
		const next = servers.keepProcess(await compiled.start(env));
		const again = servers.connect(next.addresses.grpc);
		for (const path of acknowledged) expect(await again.exists(path), path).toBeDefined();
		expect((await again.status()).ready).toBe(true);
		again.close();
	});

	it('says what is wrong with its configuration and ends', async () => {
		const wrong = compiled.run({ CK_TICK_TIME: 'fast', CK_DATA_DIR: servers.newDirectory() });
		expect(await wrong.exited).toBe(2);
		expect(wrong.output).toContain('tickTime is "fast" (CK_TICK_TIME): it must be an integer ≥ 1');
		const check = compiled.run({ CK_DATA_DIR: servers.newDirectory(), CK_SECURE_CLIENT_PORT: '2281' }, '--check');
		expect(await check.exited).toBe(0);
		expect(check.output).toContain('secureClientPort=2281: this build has no client port with TLS');
		const certificates = { CK_GRPC_TLS_CERT: '/none/tls.crt', CK_GRPC_TLS_KEY: '/none/tls.key' };
		const noFile = /grpc\.tls\.cert: there is no file \/none\/tls\.crt/;
		const checked = compiled.run({ CK_DATA_DIR: servers.newDirectory(), ...certificates }, '--check');
		expect([await checked.exited, checked.output]).toEqual([2, expect.stringMatching(noFile)]);
		const started = compiled.run({ CK_DATA_DIR: servers.newDirectory(), ...certificates });
		expect([await started.exited, started.output]).toEqual([1, expect.stringMatching(noFile)]);
		expect(started.output).not.toContain('    at ');
		const open = compiled.run({ CK_DATA_DIR: servers.newDirectory(), CK_GRPC_ADDRESS: '0.0.0.0' });
		expect([await open.exited, open.output]).toEqual([2, expect.stringContaining('or grpc.plaintext=true')]);
		const dataDir = servers.newDirectory();
		await (await servers.start(dataDir)).close();
		expect(existsSync(join(dataDir, 'version-2'))).toBe(true);
	});
});
