/** Four-letter words on the client port, and the AdminServer's commands on the HTTP port, of a server that runs. */
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { permission } from '#jute/op-codes';
import type { SessionId } from '#jute/scalars';
import { loadConfig } from '#server/config/config';
import type { Values } from '#server/config/keys';
import { type RunningServer, startServer } from '#server/start-server';
import { createLogger } from '#telemetry/logger';
import { askBytes, askWord } from '#test/support/four-letter-word';
import { freePort } from '#test/support/processes';
import { superUser } from '#test/support/real-zookeeper';
import { TestServers } from '#test/support/test-servers';
import { WireClient } from '#test/support/wire-client';

const servers = new TestServers();
const clients: WireClient[] = [];
afterEach(async () => {
	for (const client of clients.splice(0)) await client.close();
	await servers.close();
});
afterAll(() => servers.remove());

const allWords = 'ruok srvr stat mntr conf cons crst dump envi dirs wchs wchc wchp isro srst hash gtmk stmk'.split(' ');

interface Started {
	readonly server: RunningServer;
	ask(word: string, argument?: bigint): Promise<string>;
	readonly port: number;
}

async function start(overrides: Partial<Values> = {}, dataDir = servers.newDirectory()): Promise<Started> {
	const port = await freePort();
	const server = await servers.start(dataDir, {
		clientPort: port,
		clientPortAddress: '127.0.0.1',
		'DigestAuthenticationProvider.superDigest': superUser.digest,
		...overrides,
	});
	return { server, port, ask: (word, argument) => askWord(port, word, argument) };
}

async function connect({ port }: Started): Promise<WireClient> {
	const client = await WireClient.connect(port, { timeoutMs: 10_000 });
	clients.push(client);
	return client;
}

const everything = { '4lw.commands.whitelist': ['*'] } as const;

describe('the whitelist of the four-letter words', () => {
	it('has srvr alone unless it is set', async () => {
		const server = await start();
		expect(await server.ask('srvr')).toContain('Mode: standalone\n');
		for (const word of allWords.filter((one) => one !== 'srvr')) {
			const answer = await server.ask(word, word === 'stmk' ? 1n : undefined);
			expect(answer).toBe(`${word} is not executed because it is not in the whitelist.\n`);
		}
	});

	it('has what it names, and always srvr', async () => {
		const server = await start({ '4lw.commands.whitelist': ['ruok', 'nope'] });
		expect(await server.ask('ruok')).toBe('imok');
		expect(await server.ask('srvr')).toContain('Zookeeper version: 3.8.0-chronokeeper-');
		expect(await server.ask('isro')).toBe('isro is not executed because it is not in the whitelist.\n');
	});

	it('has isro where replicas may be read-only', async () => {
		const server = await start({ 'readonlymode.enabled': true });
		expect(await server.ask('isro')).toBe('rw');
	});
});

describe('four-letter words', () => {
	it('are answered however their bytes arrive', async () => {
		const { port } = await start(everything);
		const bytes = (...values: number[]) => new Uint8Array(values);
		expect(await askBytes(port, Buffer.from('r'), Buffer.from('uo'), Buffer.from('k'))).toBe('imok');
		// What `echo ruok` sends behind the word.
		expect(await askBytes(port, Buffer.from('ruok\n'))).toBe('imok');
		const argument = bytes(0, 0, 0, 0, 0, 0, 1, 44);
		expect(await askBytes(port, Buffer.from('stmk'), argument.subarray(0, 3), argument.subarray(3))).toBe('300');
		expect(await askBytes(port, Buffer.from('gtmk'))).toBe('300');
	});

	it('tell when writes are no longer served, and when nothing is', async () => {
		const server = await start(everything);
		const { host } = server.server.replica;
		host.failed(new Error('no space left on device'));
		expect(await server.ask('isro')).toBe('ro');
		expect(await server.ask('srvr')).toMatch(
			/^Zookeeper version: .*\nREAD-ONLY mode; serving only read-only clients\n/,
		);
		expect(await server.ask('mntr')).toContain('zk_unrecoverable_error_count\t1\n');
	});

	it('say of a server that is stopped that it does not serve', async () => {
		const server = await start(everything);
		await server.server.replica.host.stop();
		for (const word of ['srvr', 'mntr', 'cons', 'dump', 'wchp', 'conf']) {
			expect(await server.ask(word)).toBe('This ZooKeeper instance is not currently serving requests\n');
		}
		expect(await server.ask('ruok')).toBe('imok');
		expect(await server.ask('isro')).toBe('null');
		expect(await server.ask('envi')).toContain('zookeeper.version=3.8.0-');
	});

	it('count what happens', async () => {
		const server = await start(everything);
		const client = await connect(server);
		await client.send({ kind: 'create', path: '/a', data: new Uint8Array(10), acl: openAcl, flags: 0 });
		await client.send({ kind: 'getData', path: '/a', watch: false });
		await client.send({ kind: 'auth', type: 0, scheme: 'nope', auth: new Uint8Array(1) });
		await client.closed;
		const figures = new Map((await server.ask('mntr')).split('\n').map((line) => line.split('\t') as [string, string]));
		expect(figures.get('zk_cnt_updatelatency')).toBe('2');
		expect(figures.get('zk_cnt_readlatency')).toBe('1');
		expect(figures.get('zk_auth_failed_count')).toBe('1');
		expect(Number(figures.get('zk_cnt_fsynctime'))).toBeGreaterThan(0);
		expect(Number(figures.get('zk_max_updatelatency'))).toBeGreaterThan(0);
		expect(Number(figures.get('zk_open_file_descriptor_count'))).toBeGreaterThan(10);
	});

	it('add up quotas by the first part of their path', async () => {
		const server = await start(everything);
		const client = await connect(server);
		const make = async (path: string, text: string) => {
			const data = new TextEncoder().encode(text);
			const { error } = await client.send({ kind: 'create', path, data, acl: openAcl, flags: 0 });
			expect(error).toBe(0);
		};
		await make('/q', '');
		await make('/q/x', 'x'.repeat(20));
		await make('/q/y', 'y'.repeat(30));
		for (const path of ['/q', '/q/x', '/q/y']) await make(`/zookeeper/quota${path}`, '');
		await make('/zookeeper/quota/q/x/zookeeper_limits', 'count=5,bytes=-1=;byteHardLimit=-1;countHardLimit=8');
		await make('/zookeeper/quota/q/x/zookeeper_stats', 'count=0,bytes=0');
		await make('/zookeeper/quota/q/y/zookeeper_limits', 'count=3,bytes=100');
		await make('/zookeeper/quota/q/y/zookeeper_stats', 'count=0,bytes=0');
		const lines = (await server.ask('mntr')).split('\n').filter((line) => line.includes('quota'));
		expect(lines.sort()).toEqual([
			'zk_q_quota_bytes_limit_per_namespace\t99',
			'zk_q_quota_bytes_usage_per_namespace\t50',
			'zk_q_quota_count_limit_per_namespace\t11',
			'zk_q_quota_count_usage_per_namespace\t2',
		]);
	});

	it('76: hash has the same lines after a restart, which replays the log', async () => {
		const dataDir = servers.newDirectory();
		const before = await start(everything, dataDir);
		const client = await connect(before);
		await client.send({ kind: 'create', path: '/a', data: null, acl: openAcl, flags: 0 });
		for (let at = 0; at < 270; at++) {
			await client.send({ kind: 'setData', path: '/a', data: new Uint8Array([at % 256]), version: -1 });
		}
		const lines = await before.ask('hash');
		expect(lines).toMatch(/^80: -?\d+\n100: -?\d+\n$/);
		await client.close();
		await servers.close();
		const after = await start(everything, dataDir);
		expect(await after.ask('hash')).toBe(lines);
		expect(await after.ask('mntr')).toContain('zk_sum_startup_txns_loaded\t272\n');
	});

	it('live through a hundred thousand watches', async () => {
		const server = await start(everything);
		const { watches } = server.server.replica.host;
		const watchers = Array.from({ length: 10 }, (_, at) => ({
			sessionId: BigInt(at + 1) as SessionId,
			identities: [],
			process: () => undefined,
		}));
		for (let at = 0; at < 100_000; at++) watches.add(`/some/long/path/node${at}`, watchers[at % 10]!, 'data');
		expect(await server.ask('wchs')).toBe('10 connections watching 100000 paths\nTotal watches:100000\n');
		const bySession = await server.ask('wchc');
		expect(bySession.split('\n')).toHaveLength(100_000 + 10 + 2);
		const byPath = await server.ask('wchp');
		expect(byPath.split('\n')).toHaveLength(2 * 100_000 + 2);
		const { status, text } = await command(server, '/commands/watches_by_path');
		expect(status).toBe(200);
		expect(Object.keys((JSON.parse(text) as { path_to_session_ids: object }).path_to_session_ids)).toHaveLength(
			100_000,
		);
		expect(await server.ask('ruok')).toBe('imok');
	});
});

interface Answer {
	readonly status: number;
	readonly text: string;
	readonly challenge: string | undefined;
	readonly body: Record<string, unknown>;
}

function command({ server }: Pick<Started, 'server'>, path: string, authorization?: string): Promise<Answer> {
	return new Promise((resolve, reject) => {
		const headers = authorization === undefined ? {} : { authorization };
		get(`http://${server.addresses.http}${path}`, { headers, agent: false }, (response) => {
			const chunks: Buffer[] = [];
			response.on('data', (chunk: Buffer) => chunks.push(chunk));
			response.on('end', () => {
				const text = Buffer.concat(chunks).toString('utf8');
				resolve({
					status: response.statusCode ?? 0,
					text,
					challenge: response.headers['www-authenticate'],
					get body() {
						return JSON.parse(text) as Record<string, unknown>;
					},
				});
			});
		}).on('error', reject);
	});
}

const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString('base64')}`;

describe('commands that change something', () => {
	const mutating = [
		'stat_reset',
		'srst',
		'connection_stat_reset',
		'crst',
		'set_trace_mask?traceMask=7',
		'stmk?traceMask=7',
	];

	it('38: are refused without authorization, and say which there is', async () => {
		const server = await start();
		for (const name of mutating) {
			const answer = await command(server, `/commands/${name}`);
			expect(answer.status).toBe(401);
			expect(answer.body.error).toContain('Authorization: Digest user:password');
			expect(answer.challenge).toContain('Basic realm=');
		}
		expect((await command(server, '/commands/gtmk')).body.tracemask).toBe(306);
	});

	it('38: are run for the superuser, as Digest or Basic', async () => {
		const server = await start();
		for (const header of [`Digest ${superUser.auth}`, `digest ${superUser.auth}`, basic(superUser.auth)]) {
			for (const name of mutating) {
				const answer = await command(server, `/commands/${name}`, header);
				expect([name, answer.status, answer.body.error]).toEqual([name, 200, null]);
			}
		}
		expect((await command(server, '/commands/gtmk')).body.tracemask).toBe(7);
	});

	it('38: are forbidden to somebody else, although everybody has ADMIN on a new tree', async () => {
		const server = await start();
		for (const header of ['Digest super:wrong', basic('somebody:secret')]) {
			const answer = await command(server, '/commands/stat_reset', header);
			expect(answer.status).toBe(403);
			expect(answer.body.error).toContain('not permitted');
		}
		for (const header of ['Bearer x', 'Digest', 'Basic !', 'Digest nocolon']) {
			expect((await command(server, '/commands/stat_reset', header)).status).toBe(401);
		}
	});

	it('34: are run for who has ADMIN on / by an entry of its own', async () => {
		const server = await start();
		const client = await connect(server);
		await client.send({ kind: 'auth', type: 0, scheme: 'digest', auth: new TextEncoder().encode('op:secret') });
		const acl = [
			{ perms: permission.admin, scheme: 'auth', id: '' },
			{ perms: permission.read, scheme: 'world', id: 'anyone' },
		];
		expect((await client.send({ kind: 'setACL', path: '/', acl, version: -1 })).error).toBe(0);
		expect((await command(server, '/commands/stat_reset', 'Digest op:secret')).status).toBe(200);
		expect((await command(server, '/commands/stat_reset', 'Digest op:other')).status).toBe(403);
	});

	it('38: are forbidden where the digest scheme is switched off', async () => {
		const server = await start({ 'DigestAuthenticationProvider.enabled': false });
		const answer = await command(server, '/commands/stat_reset', `Digest ${superUser.auth}`);
		expect(answer.status).toBe(403);
		expect(answer.body.error).toContain('DigestAuthenticationProvider.enabled');
	});

	it('let the counters start anew', async () => {
		const server = await start(everything);
		const client = await connect(server);
		await client.ping();
		expect(await server.ask('srvr')).not.toContain('Latency min/avg/max: 0/0.0/0\n');
		await command(server, '/commands/stat_reset', basic(superUser.auth));
		expect(await server.ask('srvr')).toContain('Latency min/avg/max: 0/0.0/0\nReceived: 1\nSent: 0\n');
		await command(server, '/commands/connection_stat_reset', basic(superUser.auth));
		expect(await server.ask('cons')).toMatch(/\(queued=0,recved=0,sent=0,sid=0x[0-9a-f]+,lop=NA,/);
	});

	it('take the mask as ZooKeeper does', async () => {
		const server = await start();
		const run = (query: string) => command(server, `/commands/set_trace_mask${query}`, `Digest ${superUser.auth}`);
		expect((await run('')).body.error).toBe('setTraceMask requires long traceMask argument');
		for (const wrong of ['x', '1.5', '9223372036854775808', '']) {
			const { body } = await run(`?traceMask=${wrong}`);
			expect(body).toEqual({
				command: 'set_trace_mask',
				error: `setTraceMask requires long traceMask argument, got ${wrong}`,
			});
		}
		expect((await run('?traceMask=-9223372036854775808&traceMask=5')).text).toContain(
			'"tracemask" : -9223372036854775808,',
		);
	});
});

describe('the AdminServer', () => {
	it('is below another path when it is told to', async () => {
		const server = await start({ 'admin.commandURL': '/ops/zk' });
		expect((await command(server, '/ops/zk/ruok')).body).toEqual({ command: 'ruok', error: null });
		expect((await command(server, '/ops/zk')).text).toContain('<a href="/ops/zk/ruok">ruok</a>\n<br/>\n');
		expect((await command(server, '/commands/ruok')).status).toBe(404);
		expect((await command(server, '/')).body.see).toContain('/ops/zk');
	});

	it('is not there when it is switched off; everything else of the HTTP port is', async () => {
		const server = await start({ 'admin.enableServer': false });
		expect((await command(server, '/commands')).status).toBe(404);
		expect((await command(server, '/commands/ruok')).status).toBe(404);
		expect((await command(server, '/health/ready')).status).toBe(200);
	});

	it('shows the configuration that the server was started with, without what is secret', async () => {
		const dataDir = servers.newDirectory();
		const file = `${dataDir}.cfg`;
		const lines = ['tickTime=1500', `dataDir=${dataDir}`, `superDigest=${superUser.digest}`, 'admin.serverPort=0', ''];
		writeFileSync(file, lines.join('\n'));
		const config = loadConfig({ file, overrides: { grpcPort: 0, 'audit.mode': 'off' } });
		const server = servers.keep(await startServer(config, createLogger({ level: 'silent', format: 'json' })));
		writeFileSync(file, 'tickTime=1\n');
		lines[2] = 'superDigest=***';
		const initial = await command({ server }, '/commands/initial_configuration');
		expect(initial.body.initial_configuration).toBe(lines.join('\n'));
		const { text, body } = await command({ server }, '/commands/system_properties');
		expect(body['zookeeper.tickTime']).toBe('1500');
		expect(text).not.toContain(superUser.digest.split(':')[1]);
	});

	it('knows the snapshot that was written last', async () => {
		const server = await start();
		const client = await connect(server);
		await client.send({ kind: 'create', path: '/a', data: null, acl: openAcl, flags: 0 });
		const before = Math.floor(Date.now() / 1000);
		const { zxid } = await server.server.replica.snapshots.take();
		const { body } = await command(server, '/commands/last_snapshot');
		expect(body.zxid).toBe(zxid.toString(16));
		expect(body.timestamp).toBeGreaterThanOrEqual(before);
	});

	it('says of a server that is stopped that it does not serve', async () => {
		const { server } = await start();
		await server.replica.host.stop();
		const error = 'This ZooKeeper instance is not currently serving requests';
		expect((await command({ server }, '/commands/cons')).body).toEqual({ command: 'cons', error });
		expect((await command({ server }, '/commands/env')).body.error).toBe(null);
	});
});
