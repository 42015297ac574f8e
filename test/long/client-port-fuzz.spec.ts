/**
 * A server of its own process under hostile clients, while well-behaved ones work and check every answer. In `npm test` for a few seconds; long:
 *
 *     FUZZ_SECONDS=600 FUZZ_SILENT=10000 FUZZ_SEED=1 npx vitest run test/integration/client-port-fuzz.spec.ts
 *
 * Each process needs a file descriptor per connection (`ulimit -n`). The seed decides what is sent, not how it is interleaved.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { recover } from '#storage/recovery';
import { CheckingClient } from '#test/support/checking-client';
import { describeTree, expectSameTree } from '#test/support/client-tree';
import { CompiledServer } from '#test/support/compiled-server';
import { HostileClients } from '#test/support/hostile-clients';
import { HostileFrames } from '#test/support/hostile-frames';
import { freePort, type RunningProgram } from '#test/support/processes';
import { superUser } from '#test/support/real-zookeeper';
import { WireClient } from '#test/support/wire-client';
import { fourLetterWord, walkTree } from '#test/support/wire-tree';

const seconds = Number(process.env.FUZZ_SECONDS ?? 4);
const silentConnections = Number(process.env.FUZZ_SILENT ?? 200);
const seed = Number(process.env.FUZZ_SEED ?? 20_261_121);
const isLong = process.env.FUZZ_SECONDS !== undefined;
const hostileAtATime = 6;
const goodClients = 6;

const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-fuzz-'));
let compiled: CompiledServer | undefined;
let server: RunningProgram | undefined;
beforeAll(() => {
	compiled = new CompiledServer();
});
afterAll(async () => {
	await server?.stop('SIGKILL');
	compiled?.remove();
	rmSync(folder, { recursive: true, force: true });
});

function residentMiB(pid: number): number {
	const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
	return Number(line![1]) / 1024;
}

async function figures(port: number): Promise<Map<string, number>> {
	const lines = (await fourLetterWord(port, 'mntr')).trimEnd().split('\n');
	return new Map(lines.map((line) => [line.split('\t')[0]!, Number(line.split('\t')[1])]));
}

it(
	'serves well-behaved clients whatever hostile ones send, and has the same tree after a kill',
	async () => {
		const port = await freePort();
		const dataDir = join(folder, 'data');
		server = await compiled!.start({
			CK_DATA_DIR: dataDir,
			CK_CLIENT_PORT: String(port),
			CK_CLIENT_PORT_ADDRESS: '127.0.0.1',
			CK_MAX_CLIENT_CNXNS: '0',
			CK_AUDIT_MODE: 'off',
			CK_TICK_TIME: '500',
			CK_MAX_SESSION_TIMEOUT: isLong ? '10000' : '5000',
			CK_SNAP_COUNT: '20000',
			CK_EXTENDED_TYPES_ENABLED: 'true',
			CK_NIO_SESSIONLESS_CNXN_TIMEOUT: isLong ? '30000' : '2000',
			CK_ZNODE_CONTAINER_CHECK_INTERVAL_MS: '100000000',
			CK_DIGEST_AUTHENTICATION_PROVIDER_SUPER_DIGEST: superUser.digest,
			CK_4LW_COMMANDS_WHITELIST: '*',
			CK_LOG_FORMAT: 'json',
		});
		const { pid } = server;
		const root = await WireClient.connect(port);
		await root.send({ kind: 'auth', type: 0, scheme: 'digest', auth: Buffer.from(superUser.auth) });
		for (const path of ['/good', '/hostile'])
			await root.send({ kind: 'create', path, data: null, acl: openAcl, flags: 0 });
		const good = await Promise.all(
			Array.from({ length: goodClients }, (_, i) => CheckingClient.connect(port, `g${i}`)),
		);
		const rssBefore = residentMiB(pid);
		let rssHighest = rssBefore;
		const rssEachMinute = [Math.round(rssBefore)];

		const startedMs = performance.now();
		const untilMs = startedMs + seconds * 1000;
		const goOn = (): boolean => performance.now() < untilMs;
		const others = good.map(({ client }) => client.session.id);
		const hostile = Array.from(
			{ length: hostileAtATime },
			(_, i) => new HostileClients(port, new HostileFrames(seed + i), others),
		);
		const quiet = new HostileClients(port, new HostileFrames(seed), others);
		let silent = 0;
		try {
			await Promise.all([
				(async () => {
					// The server closes them after a while; others take their place.
					do {
						silent += await quiet.silent(silentConnections - quiet.openConnections);
						await root.ping();
					} while (goOn());
				})(),
				...hostile.map(async (one) => {
					while (goOn()) await one.act();
				}),
				...good.map(async (one) => {
					while (goOn()) {
						await one.round();
						await root.ping();
						const rss = residentMiB(pid);
						rssHighest = Math.max(rssHighest, rss);
						if (performance.now() - startedMs > rssEachMinute.length * 60_000) rssEachMinute.push(Math.round(rss));
					}
				}),
			]);
			expect(silent).toBeGreaterThanOrEqual(silentConnections);
		} finally {
			for (const one of [...hostile, quiet]) one.close();
		}

		// What they left behind ends by itself: their connections, then their sessions with the ephemerals.
		const left = async (): Promise<string | undefined> => {
			const now = await figures(port);
			await Promise.all([...good.map((one) => one.round()), root.ping()]);
			const most: Readonly<Record<string, number>> = {
				// Theirs, ours, and the one that asks.
				zk_num_alive_connections: goodClients + 2,
				zk_global_sessions: goodClients + 1,
				zk_watch_count: goodClients,
				zk_ephemerals_count: 0,
				zk_outstanding_requests: 0,
			};
			const over = Object.keys(most).filter((name) => !(now.get(name)! <= most[name]!));
			return over.length === 0 ? undefined : over.map((name) => `${name} ${now.get(name)}`).join(', ');
		};
		const patience = performance.now() + 60_000;
		for (let what = await left(); what !== undefined; what = await left()) {
			expect(performance.now(), `left: ${what}`).toBeLessThan(patience);
		}

		const seen = await walkTree(root);
		const { lastZxidSeen } = root;
		const rssAfter = residentMiB(pid);
		expect(server.exitCode).toBe(null);
		expect(server.output).not.toMatch(/"level":"(error|fatal)"|[Uu]nhandled|met a bug/);
		if (isLong)
			report({ good, hostile, rssEachMinute, rssHighest, rssAfter, silent, znodes: seen.length, lastZxidSeen });
		expect(rssHighest).toBeLessThan(2500);
		for (const one of good) await one.client.close();
		await root.close();
		await server.stop('SIGKILL');
		const recovered = await recover({ dataDir });
		expect(recovered.lastZxid).toBeGreaterThanOrEqual(lastZxidSeen);
		expectSameTree(seen, describeTree(recovered.tree));
	},
	seconds * 1000 + 300_000,
);

it('goes on logging when more clients connect than there are file descriptors', async () => {
	const port = await freePort();
	const environment = {
		CK_DATA_DIR: join(folder, 'few-descriptors'),
		CK_CLIENT_PORT: String(port),
		CK_CLIENT_PORT_ADDRESS: '127.0.0.1',
		CK_MAX_CLIENT_CNXNS: '0',
		CK_AUDIT_MODE: 'off',
		CK_SNAP_COUNT: '20',
	};
	server = await compiled!.start(environment, ['bash', '-c', 'ulimit -n 160; exec "$@"', 'limited']);
	const client = await WireClient.connect(port);
	const many = new HostileClients(port, new HostileFrames(seed), []);
	try {
		await many.silent(400);
		for (let i = 0; i < 100; i++) {
			const reply = await client.send({ kind: 'create', path: `/n${i}`, data: null, acl: openAcl, flags: 0 });
			expect(reply.error).toBe(0);
		}
		await server.waitFor(/snapshot written[\s\S]*snapshot written/);
		expect(server.output).not.toMatch(/"level":"(error|fatal)"/);
		expect(server.output).toContain('the process may not open more files');
	} finally {
		many.close();
		await client.close();
		await server.stop('SIGTERM');
	}
});

interface Outcome {
	readonly good: readonly CheckingClient[];
	readonly hostile: readonly HostileClients[];
	readonly [figure: string]: unknown;
}

function report({ good, hostile, ...figures }: Outcome): void {
	const acts: Record<string, number> = {};
	for (const { done } of hostile) for (const [name, count] of done) acts[name] = (acts[name] ?? 0) + count;
	const answers = good.reduce((sum, one) => sum + one.answers, 0);
	const slowestMs = Math.max(...good.map((one) => one.slowestMs));
	process.stdout.write(`${JSON.stringify({ seconds, seed, ...figures, answers, slowestMs, acts }, null, 2)}\n`);
}
