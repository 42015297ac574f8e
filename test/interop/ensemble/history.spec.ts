/**
 * An observer of ours attached to an ensemble of Apache ZooKeeper that knows nothing of it: everything that the ensemble did from then on is in SQL, each transaction once, whatever
 * becomes of leaders, of the observer and of PostgreSQL. What the observer cannot know is named.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { EmbeddedPostgres } from '#server/embedded-postgres';
import { type ClientNode, expectSameTree } from '#test/support/client-tree';
import { CompiledServer } from '#test/support/compiled-server';
import { KazooLoad } from '#test/support/ensemble-load';
import { committedZxids } from '#test/support/ensemble-logs';
import { eventually } from '#test/support/ensemble-wait';
import { parseDigests, parseStatus } from '#test/support/ensemble-words';
import { freePorts, output, type RunningProgram } from '#test/support/processes';
import { RealEnsemble } from '#test/support/real-ensemble';
import type { ExpectedNode } from '#test/support/recordings';
import { WireClient, type WireReply } from '#test/support/wire-client';

const limitMs = 180_000;
/** How many committed transactions ZooKeeper keeps in memory: it brings whoever has missed more up by a snapshot, since logs on disk are switched off here. */
const kept = 2000;

let compiled: CompiledServer;
let zookeepers: RealEnsemble;
let folder: string;
let postgres: EmbeddedPostgres;
let serverUrl: string;
const observers: Observer[] = [];

beforeAll(async () => {
	compiled = new CompiledServer();
	folder = mkdtempSync(join(tmpdir(), 'zookeeper-history-'));
	postgres = new EmbeddedPostgres({ dataDir: folder, port: 0 });
	const properties = { 'zookeeper.snapshotSizeFactor': '-1', 'zookeeper.commitLogCount': String(kept) };
	[serverUrl, zookeepers] = await Promise.all([postgres.start(), RealEnsemble.start({ properties })]);
});
afterEach(async () => {
	await Promise.all(observers.splice(0).map((observer) => observer.end('SIGKILL')));
});
afterAll(async () => {
	await zookeepers?.close();
	await postgres?.stop();
	compiled?.remove();
	rmSync(folder, { recursive: true, force: true });
});

/** A replica of ours that no ZooKeeper's configuration names, with a database of its own. */
class Observer {
	readonly clientPort: number;
	readonly #environment: Readonly<Record<string, string>>;
	readonly #databaseUrl: string;
	#program: RunningProgram | undefined;

	private constructor(clientPort: number, databaseUrl: string, environment: Readonly<Record<string, string>>) {
		this.clientPort = clientPort;
		this.#databaseUrl = databaseUrl;
		this.#environment = environment;
		observers.push(this);
	}

	static async make(id: number): Promise<Observer> {
		const database = `history_of_${id}`;
		await query(serverUrl, `create database ${database}`);
		const databaseUrl = new URL(serverUrl);
		databaseUrl.pathname = `/${database}`;
		const [quorumPort, electionPort, clientPort] = (await freePorts(3)) as [number, number, number];
		const dataDir = join(folder, `observer${id}`);
		mkdirSync(dataDir);
		writeFileSync(join(dataDir, 'myid'), `${id}\n`);
		const file = join(folder, `observer${id}.cfg`);
		const lines = [
			`dataDir=${dataDir}`,
			`clientPort=${clientPort}`,
			'tickTime=500',
			'initLimit=10',
			'syncLimit=5',
			'4lw.commands.whitelist=*',
			'peerType=observer',
			...zookeepers.serverLines,
			`server.${id}=127.0.0.1:${quorumPort}:${electionPort}:observer`,
			`audit.url=${databaseUrl.href}`,
			`audit.mirroredBy=${id}`,
		];
		writeFileSync(file, `${lines.join('\n')}\n`);
		return new Observer(clientPort, databaseUrl.href, { CK_CONFIG: file, CK_CLIENT_PORT: String(clientPort) });
	}

	/** It observes when this resolves. */
	async start(): Promise<void> {
		this.#program = await compiled.start(this.#environment);
	}

	async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
		await this.#program?.stop(signal);
	}

	query<Row extends object>(sql: string, parameters: unknown[] = []): Promise<Row[]> {
		return query(this.#databaseUrl, sql, parameters);
	}

	/** Waits until SQL knows this zxid. */
	async knows(zxid: bigint): Promise<void> {
		await eventually(
			`SQL has 0x${zxid.toString(16)}`,
			async () => {
				const [cursor] = await this.query<{ zxid: string | null }>('select zxid from chronokeeper.mirror_cursor');
				if (cursor?.zxid === String(zxid)) return true;
				throw new Error(`it has ${cursor?.zxid}\n${this.#program?.output.trimEnd().split('\n').slice(-20).join('\n')}`);
			},
			30_000,
		);
	}
}

async function query<Row extends object>(url: string, sql: string, parameters: unknown[] = []): Promise<Row[]> {
	const client = new pg.Client({ connectionString: url });
	client.on('error', () => undefined); // The query that notices reports it.
	await client.connect();
	try {
		return (await client.query(sql, parameters)).rows as Row[];
	} finally {
		await client.end();
	}
}

/** The tree as Kazoo reads it from a ZooKeeper. Its session comes and goes, and changes nothing else. */
function kazooTree(): ClientNode[] {
	const script = join(import.meta.dirname, '..', 'tree.py');
	const lines = output('/usr/bin/python3', [script, zookeepers.connectString(zookeepers.running[0]!)]);
	return lines
		.trimEnd()
		.split('\n')
		.map((line) => JSON.parse(line) as ClientNode);
}

/** What all ZooKeepers have applied, with nobody writing. */
function lastZxid(): Promise<bigint> {
	return eventually('the ZooKeepers have the same zxid', async () => {
		const all = await Promise.all(
			zookeepers.running.map(async (id) => parseStatus(await zookeepers.word(id, 'srvr'))?.zxid),
		);
		return all[0] !== undefined && all.every((zxid) => zxid === all[0]) ? all[0] : undefined;
	});
}

/** The tree that SQL has at a zxid, as the recordings have one. */
async function sqlTree(observer: Observer, zxid: bigint): Promise<ExpectedNode[]> {
	return observer.query<ExpectedNode & object>(
		`select path, encode(data, 'base64') as data, zxid_hex(czxid) as czxid, zxid_hex(mzxid) as mzxid, zxid_hex(pzxid) as pzxid,
			(extract(epoch from ctime) * 1000)::float8 as ctime, (extract(epoch from mtime) * 1000)::float8 as mtime, version, cversion,
			client_cversion as "clientCversion", aversion, session_hex(ephemeral_owner) as "ephemeralOwner", num_children as "numChildren", acl
		from tree_at($1::bigint)`.replaceAll(/\b(zxid_hex|session_hex|tree_at)\(/g, 'chronokeeper.$1('),
		[zxid],
	);
}

interface Gap {
	readonly after_zxid: string;
	readonly through_zxid: string;
	readonly kind: string;
}

/** Every transaction of ZooKeeper's is there once, but for those in the gaps; what is known of digests is ZooKeeper's. @returns the gaps */
async function expectWhole(observer: Observer): Promise<Gap[]> {
	const tree = kazooTree();
	const last = await lastZxid();
	await observer.knows(last);
	const gaps = await observer.query<Gap>('select after_zxid, through_zxid, kind from chronokeeper.gap order by 1');
	const isMissing = (zxid: bigint) =>
		gaps.some((gap) => zxid > BigInt(gap.after_zxid) && zxid <= BigInt(gap.through_zxid));
	const rows = await observer.query<{ zxid: string }>('select zxid from chronokeeper.txn order by zxid');
	const committed = committedZxids([...zookeepers.members.values()].map(({ dataDir }) => dataDir));
	expect(committed.at(-1)).toBe(last);
	expect(rows.map(({ zxid }) => BigInt(zxid))).toEqual(committed.filter((zxid) => !isMissing(zxid)));

	let compared = 0;
	for (const id of zookeepers.running) {
		for (const [zxid, digest] of parseDigests(await zookeepers.word(id, 'hash'))) {
			const [row] = await observer.query<{ digest: string }>('select digest from chronokeeper.txn where zxid = $1', [
				zxid,
			]);
			// A transaction that only says that a request failed has no digest in ZooKeeper's log.
			if (row === undefined || row.digest === null) continue;
			expect([zxid, row.digest]).toEqual([zxid, digest]);
			compared += 1;
		}
	}
	expect(compared).toBeGreaterThan(0);
	expectSameTree(tree, await sqlTree(observer, last));
	expect(await observer.query('select * from chronokeeper.verify_chain(0, 9223372036854775807)')).toEqual([]);
	return gaps;
}

it(
	'9, 78, 81: SQL has all that was done since the observer came, over a leader that is killed, the observer killed, and PostgreSQL away',
	async () => {
		await using load = await KazooLoad.start('audited', zookeepers.connectString(), { clients: 4 });
		await load.goesOn(200);
		const observer = await Observer.make(4);
		await observer.start();
		await load.goesOn(100);

		const leader = await zookeepers.leader();
		await zookeepers.kill(leader);
		await load.goesOn(100);
		await zookeepers.restart(leader);

		await observer.end('SIGKILL');
		await load.goesOn(100);
		await observer.start();

		await postgres.stop();
		await load.goesOn(100);
		await zookeepers.kill(await zookeepers.leader());
		await load.goesOn(100);
		for (const id of zookeepers.members.keys()) if (!zookeepers.running.includes(id)) await zookeepers.restart(id);
		await postgres.start();
		await load.goesOn(100);
		await load.finish();

		const gaps = await expectWhole(observer);
		expect(gaps).toEqual([{ after_zxid: '0', through_zxid: expect.any(String), kind: 'lost' }]);
		const epochs = await observer.query<{ epoch: number }>('select epoch from chronokeeper.epoch order by 1');
		expect(epochs.length).toBeGreaterThanOrEqual(3);
		// A node that each multi of a client writes to, since before the observer came.
		const path = '/load/audited-0/sum';
		const versions = await observer.query<{ version: number; zxid: string }>(
			'select version, zxid from chronokeeper.znode_history($1)',
			[path],
		);
		const node = kazooTree().find((one) => one.path === path)!;
		expect(versions.length).toBeGreaterThan(5);
		expect(versions.map(({ version }) => version)).toEqual(
			versions.map((_, index) => node.version - versions.length + 1 + index),
		);
		expect(BigInt(versions.at(-1)!.zxid)).toBe(BigInt(node.mzxid));
		// Its sessions would expire, with their nodes, while the next test compares trees.
		await load.end();
	},
	limitMs,
);

/** In a session of their own: nobody keeps it alive while an observer starts. */
async function createAll(paths: readonly string[]): Promise<WireReply[]> {
	const client = await WireClient.open(zookeepers.member(zookeepers.running[0]!).clientPort);
	await client.handshake({ timeoutMs: 10_000 });
	const replies = await Promise.all(
		paths.map((path) => client.send({ kind: 'create', path, data: null, acl: openAcl, flags: 0 })),
	);
	expect(replies.filter(({ error }) => error !== 0)).toEqual([]);
	await client.send({ kind: 'closeSession' });
	await client.close();
	return replies;
}

it(
	'80: what an observer missed is a gap with a name, from the last transaction that it has to the tree it goes on with',
	async () => {
		const observer = await Observer.make(5);
		await observer.start();
		await createAll(['/seen']);
		const before = await lastZxid();
		await observer.knows(before);
		await observer.end('SIGTERM');
		const missed = await createAll(Array.from({ length: kept + 100 }, (_, index) => `/missed-${index}`));
		await observer.start();
		// The first of them proves the tree that it got, and is in the gap with it.
		await createAll(Array.from({ length: 200 }, (_, index) => `/seen-${index}`));

		const [, gap, ...more] = await expectWhole(observer);
		expect(more).toEqual([]);
		expect(gap).toMatchObject({ after_zxid: String(before), kind: 'lost' });
		expect(BigInt(gap!.through_zxid)).toBeGreaterThanOrEqual(BigInt(missed.at(-1)!.zxid));
		expect(BigInt(gap!.through_zxid)).toBeLessThan(await lastZxid());
		await expect(
			observer.query('select * from chronokeeper.tree_at($1::bigint)', [BigInt(missed[0]!.zxid)]),
		).rejects.toThrow('gap');
	},
	limitMs,
);
