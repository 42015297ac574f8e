/**
 * The four-letter words and the AdminServer: the real ZooKeeper's answers and ours after the same small history, line by line. What cannot be
 * the same (times, ports, sizes of files) is masked by name; session ids are replaced by who has them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import type { ClientRequest } from '#jute/client/requests';
import { askWord } from '#test/support/four-letter-word';
import { freePort } from '#test/support/processes';
import { RealZooKeeper } from '#test/support/real-zookeeper';
import { TestServers } from '#test/support/test-servers';
import { WireClient } from '#test/support/wire-client';

/** One server with its two clients, and its answers with what cannot be the same masked. */
class Side {
	readonly #port: number;
	readonly #admin: number;
	readonly #clients: readonly WireClient[];

	constructor(port: number, admin: number, clients: readonly WireClient[]) {
		this.#port = port;
		this.#admin = admin;
		this.#clients = clients;
	}

	static async start(port: number, admin: number): Promise<Side> {
		await askWord(port, 'srst');
		const clients: WireClient[] = [];
		// One after the other: their session ids are to come in the same order.
		for (const timeoutMs of [10_000, 8000]) clients.push(await WireClient.connect(port, { timeoutMs }));
		return new Side(port, admin, clients);
	}

	async word(word: string, argument?: bigint): Promise<string> {
		return this.#named(await askWord(this.#port, word, argument));
	}

	/** Lines in an order of their own: ZooKeeper's come out of hash tables. */
	async lines(word: string): Promise<string[]> {
		return (await this.word(word)).split('\n').sort();
	}

	async command(path: string): Promise<{ readonly status: number; readonly type: string; readonly text: string }> {
		const { status, type, text } = await get(this.#admin, path);
		return { status, type, text: this.#named(text) };
	}

	async json(path: string): Promise<Record<string, unknown>> {
		return JSON.parse((await this.command(path)).text) as Record<string, unknown>;
	}

	async send(client: number, wanted: ClientRequest): Promise<number> {
		return (await this.#clients[client]!.send(wanted)).error;
	}

	async close(): Promise<void> {
		for (const client of this.#clients) await client.close();
	}

	/** Hexadecimal in words; in JSON a number, or a key. */
	#named(text: string): string {
		return this.#clients.reduce(
			(named, { session }, at) =>
				named
					.replaceAll(session.id.toString(16), `session${at}`)
					.replaceAll(new RegExp(`"?\\b${session.id}\\b"?`, 'g'), `"session${at}"`),
			text,
		);
	}
}

function get(
	port: number,
	path: string,
	headers: Record<string, string> = {},
): Promise<{ readonly status: number; readonly type: string; readonly text: string }> {
	return new Promise((resolve, reject) => {
		const call = request({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
			let text = '';
			response.on('data', (chunk: Buffer) => {
				text += chunk.toString('utf8');
			});
			response.on('end', () =>
				resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text }),
			);
		});
		call.on('error', reject);
		call.end();
	});
}

/** Words that come before a number or a date that differs: the mask leaves the name. */
const mask = (...patterns: readonly RegExp[]) =>
	function masked(text: string): string {
		return patterns.reduce((rest, pattern) => rest.replaceAll(pattern, '$1*'), text);
	};
const maskVersion = /(Zookeeper version: 3\.8\.0-).*, built on (?:\d{4}-\d\d-\d\d|\d\d\/\d\d\/\d{4}) \d\d:\d\d UTC/g;
const maskLatency = /(Latency min\/avg\/max: )\d+\/\d+\.\d+\/\d+/g;
const maskPort = /(\/127\.0\.0\.1:)\d+/g;

const create = (path: string, flags = 0, text = 'abc'): ClientRequest => ({
	kind: 'create',
	path,
	data: new TextEncoder().encode(text),
	acl: openAcl,
	flags,
});

/** By client: everything that a word counts happens here. */
const history: readonly (readonly [client: number, ClientRequest])[] = [
	[0, create('/a')],
	[0, create('/a/e', 1)],
	[0, create('/a/b')],
	[0, create('/f', 1)],
	[0, create('/a')],
	[1, create('/g', 1)],
	[0, { kind: 'getData', path: '/a', watch: true }],
	[0, { kind: 'getChildren', path: '/a', watch: true }],
	[0, { kind: 'exists', path: '/nope', watch: true }],
	[1, { kind: 'getData', path: '/a', watch: true }],
	[1, { kind: 'addWatch', path: '/p', mode: 0 }],
	[1, { kind: 'addWatch', path: '/r', mode: 1 }],
	[1, create('/p')],
	[1, { kind: 'getChildren2', path: '/', watch: true }],
	[0, { kind: 'delete', path: '/a/b', version: -1 }],
	...Array.from(
		{ length: 260 },
		(_, at) => [0, { kind: 'setData', path: '/p', data: new Uint8Array([at % 256]), version: -1 }] as const,
	),
	[1, create('/q')],
	[1, create('/zookeeper/quota/q')],
	[1, create('/zookeeper/quota/q/zookeeper_limits', 0, 'count=5,bytes=-1=;byteHardLimit=900;countHardLimit=-1')],
	[1, create('/zookeeper/quota/q/zookeeper_stats', 0, 'count=0,bytes=0')],
	[1, { kind: 'ping' }],
];

let folder: string;
let real: RealZooKeeper;
const servers = new TestServers();
let theirs: Side;
let ours: Side;

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'words-'));
	const admin = await freePort();
	real = await RealZooKeeper.start({
		dataDir: join(folder, 'theirs'),
		config: {
			'admin.enableServer': 'true',
			'admin.serverPort': admin,
			'admin.serverAddress': '127.0.0.1',
			tickTime: 2000,
		},
	});
	const server = await servers.start(join(folder, 'ours'), {
		clientPort: await freePort(),
		clientPortAddress: '127.0.0.1',
		maxClientCnxns: 0,
		'4lw.commands.whitelist': ['*'],
	});
	const port = (address: string) => Number(address.split(':').at(-1));
	theirs = await Side.start(real.port, admin);
	ours = await Side.start(port(server.addresses.zookeeper!), port(server.addresses.http));
	for (const [client, wanted] of history) {
		const errors = [await theirs.send(client, wanted), await ours.send(client, wanted)];
		if (errors[0] !== errors[1]) throw new Error(`a ${wanted.kind} was answered ${errors.join(' and ')}`);
	}
}, 120_000);

afterAll(async () => {
	for (const side of [theirs, ours]) await side?.close();
	await servers.close();
	servers.remove();
	await real?.stop('SIGKILL');
	rmSync(folder, { recursive: true, force: true });
});

/** Both answers to the same question, asked of the one and then of the other. */
async function both<T>(ask: (side: Side) => Promise<T>): Promise<{ readonly theirs: T; readonly ours: T }> {
	return { theirs: await ask(theirs), ours: await ask(ours) };
}

async function expectSame(ask: (side: Side) => Promise<unknown>): Promise<void> {
	const answers = await both(ask);
	expect(answers.ours).toEqual(answers.theirs);
}

describe('four-letter words', () => {
	it('ruok, isro, gtmk: to the letter', async () => {
		for (const word of ['ruok', 'isro', 'gtmk']) await expectSame((side) => side.word(word));
	});

	it('srvr: packets, connections, zxid and nodes', async () => {
		const masked = mask(maskVersion, maskLatency);
		await expectSame(async (side) => masked(await side.word('srvr')).split('\n'));
	});

	it('stat: the clients too', async () => {
		const masked = mask(maskVersion, maskLatency, maskPort);
		await expectSame(async (side) =>
			masked(await side.word('stat'))
				.split('\n')
				.sort(),
		);
	});

	it('conf: every key in its place', async () => {
		const masked = mask(/(clientPort=)\d+/g, /(data(?:Log)?Dir=).*/g, /(data(?:Dir|Log)Size=)\d+/g);
		await expectSame(async (side) => masked(await side.word('conf')).split('\n'));
	});

	it('cons: what each connection did last, and how often', async () => {
		const masked = mask(maskPort, /(\b(?:est|lresp|llat|minlat|avglat|maxlat)=)\d+/g);
		await expectSame(async (side) =>
			masked(await side.word('cons'))
				.split('\n')
				.sort(),
		);
	});

	it('dump: sessions, their ephemeral nodes and their connections', async () => {
		const answers = await both((side) => side.word('dump'));
		for (const text of Object.values(answers)) {
			expect(text).toMatch(/^\d+ expire at \w{3} \w{3} \d\d \d\d:\d\d:\d\d [A-Z]+\S* \d{4}:$/m);
		}
		// ZooKeeper keeps the set of a tick that everybody has left until its time comes.
		const masked = mask(maskPort, /((?:Session|Connections) Sets )\(\d+\)/g);
		const lines = (text: string) =>
			masked(text)
				.split('\n')
				.filter((line) => !/^\d+ expire at /.test(line))
				.sort();
		expect(lines(answers.ours)).toEqual(lines(answers.theirs));
	});

	it('envi: the names', async () => {
		await expectSame(async (side) => (await side.word('envi')).split('\n').map((line) => line.split('=')[0]));
	});

	it('dirs: two sizes', async () => {
		await expectSame(async (side) => mask(/(_size: )\d+/g)(await side.word('dirs')));
	});

	it('wchs, wchc, wchp: the watches on data and the persistent ones', async () => {
		await expectSame((side) => side.word('wchs'));
		await expectSame((side) => side.lines('wchc'));
		await expectSame((side) => side.lines('wchp'));
	});

	it('hash: at the same zxids', async () => {
		const answers = await both(async (side) => mask(/(: )-?\d+$/gm)(await side.word('hash')));
		expect(answers.ours).toBe('80: *\n100: *\n');
		expect(answers.ours).toBe(answers.theirs);
	});

	it('mntr: no name that ZooKeeper has not, and the same figures where nothing depends on time', async () => {
		const figures = async (side: Side) =>
			new Map(
				(await side.word('mntr'))
					.trimEnd()
					.split('\n')
					.map((line) => line.split('\t') as [string, string]),
			);
		const answers = await both(figures);
		expect([...answers.ours.keys()].filter((name) => !answers.theirs.has(name))).toEqual([]);
		expect([...answers.theirs.keys()].filter((name) => !answers.ours.has(name) && !leftOut.test(name))).toEqual([]);
		expect([...answers.ours.keys()].filter((name) => leftOut.test(name))).toEqual([]);
		// ZooKeeper leaves the answer to a ping out of this one alone.
		const pings = history.filter(([, { kind }]) => kind === 'ping').length;
		const responseBytes = Number(answers.theirs.get('zk_response_bytes')) + 16 * pings;
		expect(answers.ours.get('zk_response_bytes')).toBe(String(responseBytes));
		const steady = (values: ReadonlyMap<string, string>) =>
			Object.fromEntries([...values].filter(([name]) => !leftOut.test(name) && !volatileFigures.test(name)));
		expect(steady(answers.ours)).toEqual(steady(answers.theirs));
		expect(answers.ours.get('zk_version')).toMatch(/^3\.8\.0-\S+, built on \d\d\/\d\d\/\d{4} \d\d:\d\d UTC$/);
		for (const name of ['zk_avg_latency', 'zk_avg_readlatency']) expect(answers.ours.get(name)).toMatch(/^\d+\.\d+$/);
	});

	it('crst and srst: counters start anew', async () => {
		await expectSame((side) => side.word('crst'));
		await expectSame((side) => side.word('srst'));
		const masked = mask(maskVersion, maskPort, /(\best=)\d+/g);
		await expectSame(async (side) =>
			masked(await side.word('cons'))
				.split('\n')
				.sort(),
		);
		await expectSame(async (side) => masked(await side.word('srvr')).split('\n'));
	});

	it('stmk: takes a long and gives it back', async () => {
		for (const mask of [10n, -1n, 306n]) {
			await expectSame((side) => side.word('stmk', mask));
			await expectSame((side) => side.word('gtmk'));
		}
	});
});

/** Of what has no meaning on one server of this kind; docs/operations.md says why. */
const leftOut =
	/^zk_(.*_(?:read|write)_per_namespace|(?:(?:avg|min|max|cnt|sum|p50|p95|p99|p999)_)?(?:non_mtls_.*|outstanding_tls_handshake|tls_handshake_exceeded|unsuccessful_handshake|insecure_admin_count|netty_queued_buffer_capacity|socket_closing_time|ensemble_auth_.*|.*learner.*|looking_count|election_time|.*quorum_ack_latency|quit_leading.*|.*unavailable_time|follower_sync_time|observer_sync_time|om_.*|diff_count|snap_count|inflight_.*|proposal_.*|propagation_latency|commit_count|commit_p.*|.*commit_?proc.*|.*commit_processor.*|.*committed_time_ms|request_commit_queued|.*session_queue.*|.*_final_proc_time_ms|prep_process.*(?<!request_queued)|close_session_prep_time|sync_process.*(?<!request_queued)|outstanding_changes_.*|response_packet_.*|.*dead_watcher.*|revalidate_count|stale_requests|stale_replies|cnxn_closed_without_zk_server_running|connection_token_deficit|request_throttle_queue_time_ms|startup_txns_load_time|startup_snap_load_time|jvm_pause_time_ms))$/;

/** What depends on the clock, on the machine, on files and on the size of numbers in Java. */
const volatileFigures =
	/^zk_(version|uptime|response_bytes|.*latency|.*_file_descriptor_count|.*(?:fsynctime|snapshottime|dbinittime|startup_txns_loaded)|prep_processor_request_queued|sync_processor_request_queued)$/;

describe('the AdminServer', () => {
	const commands = [
		...['configuration', 'connections', 'dirs', 'dump', 'environment', 'get_trace_mask', 'hash'],
		...[
			'is_read_only',
			'last_snapshot',
			'leader',
			'observers',
			'ruok',
			'server_stats',
			'stats',
			'voting_view',
			'watches',
		],
		...[
			'watches_by_path',
			'watch_summary',
			'zabstate',
			'nosuch',
			'a/b',
			'conf',
			'config',
			'cons',
			'env',
			'envi',
			'gtmk',
		],
		...['isro', 'lsnp', 'lead', 'obsr', 'srvr', 'stat', 'wchc', 'wchp', 'wchs'],
	];

	it('has the same commands', async () => {
		for (const path of ['/commands', '/commands/']) {
			const answers = await both((side) => side.command(path));
			expect(answers.ours.text).toBe(answers.theirs.text);
		}
	});

	it.each(commands)('%s: the same keys, of the same types', async (command) => {
		const answers = await both((side) => side.command(`/commands/${command}`));
		expect(answers.ours).toMatchObject({ status: answers.theirs.status, type: answers.theirs.type });
		expect(shape(JSON.parse(answers.ours.text))).toEqual(shape(JSON.parse(answers.theirs.text)));
	});

	it.each(['dump', 'watches', 'watches_by_path', 'watch_summary', 'leader', 'zabstate', 'nosuch'])(
		'%s: the same values',
		async (command) => {
			await expectSame(async (side) => unordered(await side.json(`/commands/${command}`)));
		},
	);

	it('is written as ZooKeeper writes it', async () => {
		for (const command of ['watch_summary', 'observers', 'voting_view', 'nosuch']) {
			await expectSame(async (side) => (await side.command(`/commands/${command}`)).text);
		}
	});

	it('monitor: the names of mntr', async () => {
		const answers = await both(async (side) => Object.keys(await side.json('/commands/monitor')));
		expect(answers.ours.filter((name) => !answers.theirs.includes(name))).toEqual([]);
	});

	it('what changes something: only with authorization, which ZooKeeper 3.8 does not ask for', async () => {
		for (const command of ['stat_reset', 'connection_stat_reset', 'set_trace_mask', 'observer_connection_stat_reset']) {
			const answers = await both((side) => side.command(`/commands/${command}`));
			expect(answers.theirs.status).toBe(200);
			expect(answers.ours.status).toBe(401);
			expect(Object.keys(JSON.parse(answers.ours.text) as object)).toEqual(['command', 'error']);
		}
	});
});

/** Names and types; what stands for any session, path or tick counts once. */
function shape(value: unknown): unknown {
	if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
	if (value === null || typeof value !== 'object') return value === null ? null : typeof value;
	const entries = Object.entries(value).map(
		([key, inner]) => [/^\d+$/.test(key) ? 'number' : key, shape(inner)] as const,
	);
	return Object.fromEntries(entries.filter(([key]) => !(key in outsideOurs)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Of a server with TLS. */
const outsideOurs = { non_mtlsremote_conn_count: 0, non_mtlslocal_conn_count: 0 };

/** Sets come in any order, and a tick is a moment. */
function unordered(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(unordered).sort();
	if (value === null || typeof value !== 'object') return value;
	const ticks: unknown[] = [];
	const entries: [string, unknown][] = [];
	for (const [key, inner] of Object.entries(value)) {
		if (/^\d+$/.test(key)) ticks.push(...(inner as unknown[]));
		else entries.push([key, unordered(inner)]);
	}
	return ticks.length === 0 ? Object.fromEntries(entries) : { ...Object.fromEntries(entries), ticks: ticks.sort() };
}
