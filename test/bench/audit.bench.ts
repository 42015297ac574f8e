/**
 * The history in PostgreSQL: import, mirror, the tree at a zxid, restore of a million znodes, live restore. On an embedded PostgreSQL, on the same machine.
 *
 *     node --conditions=source test/bench/audit.bench.ts [--only import,mirror,paced,tree,restore,live,growth,strict] [--txns 1000000] [--seconds 20] [--growth 5000000] [--partition 500000] [--dir DIR]
 *
 * Prints one line of JSON behind each figure.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { importDirectories } from '#audit/import';
import { migrateToLatest } from '#audit/migrate';
import { startMirror } from '#audit/mirror';
import { packDatabase } from '#audit/pack-database';
import { restore } from '#audit/restore';
import { counterOf, makeZxid, type Zxid } from '#core/model/zxid';
import { openAcl } from '#jute/acl';
import { generateLog, mixedWorkload, setDataWorkload, type Workload } from '../support/generated-log.ts';
import { LiveRestores } from '../support/live-restores.ts';
import { start } from '../support/postgres-global.ts';
import { ask, bytesPerTxn, grow, growingWorkload } from './audit/growth.ts';
import { strictRates } from './audit/strict.ts';

const { values } = parseArgs({
	options: {
		only: { type: 'string', default: 'import,mirror,paced,tree,restore,live,growth,strict' },
		txns: { type: 'string', default: '1000000' },
		rate: { type: 'string', default: '30000' },
		seconds: { type: 'string', default: '20' },
		growth: { type: 'string', default: '5000000' },
		partition: { type: 'string', default: '500000' },
		dir: { type: 'string', default: tmpdir() },
	},
});
const only = new Set(values.only.split(','));
const txns = Number(values.txns);
const work = mkdtempSync(path.join(values.dir, 'ck-bench-'));
chmodSync(work, 0o755);
const postgres = await start(work);
let databases = 0;

async function sql<Row extends object>(url: string, statement: string, parameters: unknown[] = []): Promise<Row[]> {
	const client = new pg.Client({ connectionString: url });
	await client.connect();
	try {
		return (await client.query(statement, parameters)).rows as Row[];
	} finally {
		await client.end();
	}
}

async function newDatabase(): Promise<string> {
	const name = `bench_${databases++}`;
	await sql(postgres.url, `create database ${name}`);
	const url = new URL(postgres.url);
	url.pathname = `/${name}`;
	return url.href;
}

async function dropDatabase(url: string): Promise<void> {
	await sql(postgres.url, `drop database ${new URL(url).pathname.slice(1)} with (force)`);
}

const directory = (): string => {
	const dir = path.join(work, `data-${databases++}`);
	mkdirSync(dir);
	return dir;
};

function print(text: string, figures: object): void {
	console.log(text);
	console.log(JSON.stringify(figures));
}

const perSecond = (count: number, ms: number): number => Math.round((count / ms) * 1000);

/** Microseconds of CPU of this process and of the PostgreSQL processes that ended since, per transaction: what they take on a busy machine, too. */
function cpuMeter(): (count: number) => { nodeUs: number; postgresUs: number } {
	const node = process.cpuUsage();
	const before = endedBackendsUs();
	return (count) => {
		const { user, system } = process.cpuUsage(node);
		return {
			nodeUs: Math.round(((user + system) / count) * 10) / 10,
			postgresUs: Math.round(((endedBackendsUs() - before) / count) * 10) / 10,
		};
	};
}

/** Linux only: the time of the postmaster's children that ended, in clock ticks of 10 ms. */
function endedBackendsUs(): number {
	if (process.platform !== 'linux' || process.env.CK_TEST_POSTGRES_URL) return 0;
	const pid = Number(readFileSync(path.join(work, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
	const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
	return (Number(fields[13]) + Number(fields[14])) * 10_000;
}

async function benchImport(name: string, workload: Workload): Promise<void> {
	const log = await generateLog(directory(), txns, workload);
	const url = await newDatabase();
	const cpu = cpuMeter();
	const begun = performance.now();
	const outcome = await importDirectories([log.dataDir], url);
	const ms = performance.now() - begun;
	await new Promise((resolve) => setTimeout(resolve, 200)); // Until the backend has ended.
	const used = cpu(txns);
	if (outcome.txns !== txns || outcome.digest !== log.tree.digest()) throw new Error('the import is wrong');
	const [rows] = await sql<{ versions: number; changes: number }>(
		url,
		'select (select count(*)::int from chronokeeper.znode_version) as versions, (select count(*)::int from chronokeeper.change) as changes',
	);
	const rate = perSecond(txns, ms);
	print(
		`import, ${name}: ${rate} txn/s (${txns} txns, ${rows!.changes} changes, ${rows!.versions} versions, ${Math.round(ms)} ms; CPU per txn: ${used.nodeUs} µs of Node, ${used.postgresUs} µs of PostgreSQL)`,
		{ bench: 'import', name, rate, ms, ...used, ...rows },
	);
	await dropDatabase(url);
	rmSync(log.dataDir, { recursive: true });
}

/** The whole log is committed at the start: how fast the mirror catches up. */
async function benchMirror(name: string, workload: Workload): Promise<void> {
	const log = await generateLog(directory(), txns, workload);
	const url = await newDatabase();
	const mirror = startMirror({ databaseUrl: url, dataDir: log.dataDir });
	const first = makeZxid(0, 1);
	mirror.committed(first);
	await mirror.mirroredThrough(first);
	const cpu = cpuMeter();
	const begun = performance.now();
	mirror.committed(log.lastZxid);
	await mirror.mirroredThrough(log.lastZxid);
	const ms = performance.now() - begun;
	const { batches } = mirror.status();
	await mirror.stop();
	await new Promise((resolve) => setTimeout(resolve, 200)); // Until the backend has ended.
	const used = cpu(txns);
	const rate = perSecond(txns, ms);
	print(
		`mirror catching up, ${name}: ${rate} txn/s (${txns} txns in ${batches} batches, ${Math.round(ms)} ms; CPU per txn: ${used.nodeUs} µs of Node, ${used.postgresUs} µs of PostgreSQL)`,
		{
			bench: 'mirror',
			name,
			rate,
			ms,
			batches,
		},
	);
	await dropDatabase(url);
	rmSync(log.dataDir, { recursive: true });
}

/** Some 500 MB of PostgreSQL's log, for it to use the files again: a server that just began makes a new one every 16 MB, some 80 ms of a commit. */
async function useWal(url: string): Promise<void> {
	await sql(url, 'create table used as select repeat(md5(n::text), 30) as it from generate_series(1, 450000) n');
	await sql(url, 'drop table used');
	await sql(url, 'checkpoint');
}

/** Transactions are committed at a steady rate: whether the mirror keeps up, and how far it lags. */
async function benchPaced(name: string, workload: Workload, rate: number, seconds: number): Promise<void> {
	const count = rate * seconds;
	const log = await generateLog(directory(), count, workload);
	const url = await newDatabase();
	await useWal(url);
	const mirror = startMirror({ databaseUrl: url, dataDir: log.dataDir });
	mirror.committed(makeZxid(0, 1));
	await mirror.mirroredThrough(makeZxid(0, 1));
	const begun = performance.now();
	const lags: number[] = [];
	for (let committed = 1; committed < count; ) {
		await new Promise((resolve) => setTimeout(resolve, 10));
		committed = Math.min(count, Math.floor(((performance.now() - begun) / 1000) * rate) + 1);
		mirror.committed(makeZxid(0, committed));
		lags.push(mirror.status().lagTxns);
	}
	const lagAtEnd = mirror.status().lagTxns;
	await mirror.mirroredThrough(log.lastZxid);
	const tailMs = performance.now() - begun - seconds * 1000;
	await mirror.stop();
	lags.sort((a, b) => a - b);
	const at = (share: number) => Math.round((lags[Math.floor(lags.length * share)]! / rate) * 1000);
	print(
		`mirror at ${rate} txn/s for ${seconds} s, ${name}: lag p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, at the end ${Math.round((lagAtEnd / rate) * 1000)} ms; in step ${Math.round(tailMs)} ms later`,
		{
			bench: 'paced',
			name,
			rate,
			seconds,
			lagMs: { p50: at(0.5), p99: at(0.99), end: Math.round((lagAtEnd / rate) * 1000) },
			tailMs,
		},
	);
	await dropDatabase(url);
	rmSync(log.dataDir, { recursive: true });
}

/** 10,000 nodes, a million versions. */
async function benchTree(): Promise<void> {
	const versions = 1_000_000;
	const nodes = 10_000;
	const log = await generateLog(directory(), versions, setDataWorkload(nodes));
	const url = await newDatabase();
	await importDirectories([log.dataDir], url);
	await sql(url, 'vacuum analyze');
	const [{ count }] = (await sql<{ count: number }>(url, 'select count(*)::int from chronokeeper.znode_version')) as [
		{ count: number },
	];
	for (const share of [0.02, 0.5, 0.98, 1]) {
		const zxid = makeZxid(0, Math.floor(versions * share));
		await sql(url, 'select count(*) from chronokeeper.znode_at($1, $2::bigint)', ['/', zxid]);
		const begun = performance.now();
		const rows = await sql(url, 'select * from chronokeeper.tree_at($1::bigint)', [zxid]);
		const ms = performance.now() - begun;
		print(
			`tree_at with data, ${rows.length} nodes of ${count} versions, at ${share * 100} % of the history: ${Math.round(ms)} ms`,
			{ bench: 'tree_at', share, nodes: rows.length, versions: count, ms },
		);
	}
	await dropDatabase(url);
	rmSync(log.dataDir, { recursive: true });
}

async function benchRestore(): Promise<void> {
	const nodes = 1_000_000;
	const bytes = new Uint8Array(100).fill(0x79);
	const workload: Workload = (n) => {
		const node = n === 0 ? '/a' : n <= 1000 ? `/a/d${n - 1}` : `/a/d${n % 1000}/node-${n}`;
		return { kind: 'create', path: node, data: bytes, acl: openAcl, ephemeral: false, parentCversion: -1 };
	};
	const log = await generateLog(directory(), nodes, workload);
	const url = await newDatabase();
	const begunImport = performance.now();
	await importDirectories([log.dataDir], url);
	const importMs = performance.now() - begunImport;
	await sql(url, 'vacuum analyze');
	for (const zxid of [log.lastZxid, makeZxid(0, counterOf(log.lastZxid) / 2) as Zxid]) {
		const begun = performance.now();
		const restored = await restore({ databaseUrl: url, zxid, intoDir: path.join(work, `restored-${zxid}`) });
		const ms = performance.now() - begun;
		const rssMiB = Math.round(process.memoryUsage().rss / 2 ** 20);
		print(
			`restore of ${restored.nodes} znodes: ${(ms / 1000).toFixed(1)} s (${Math.round(restored.bytes / 2 ** 20)} MiB, resident ${rssMiB} MiB; the import took ${(importMs / 1000).toFixed(1)} s)`,
			{ bench: 'restore', nodes: restored.nodes, ms, rssMiB, importMs },
		);
	}
	await dropDatabase(url);
}

/** A subtree that somebody deleted, and one that somebody has overwritten, in a tree with others beside it; on a serving replica with its log and its mirror. */
async function benchLiveRestore(): Promise<void> {
	const nodes = 10_000;
	const url = await newDatabase();
	await migrateToLatest(url);
	const query = <Row extends object>(statement: string, parameters?: unknown[]) => sql<Row>(url, statement, parameters);
	const restores = await LiveRestores.open(directory(), { url, query, drop: () => dropDatabase(url) });
	const { replica } = restores;
	const data = Buffer.alloc(100, 'y');
	const node = (top: string, i: number) => `/${top}/d${i % 100}/n${i}`;
	for (const top of ['services', 'others']) {
		const paths = [`/${top}`, ...Array.from({ length: 100 }, (_, i) => `/${top}/d${i}`)];
		for (let i = 0; i < nodes - 101; i++) paths.push(node(top, i));
		const replies = await Promise.all(
			paths.map((path) =>
				replica.call({ kind: 'create', path, data, acl: openAcl, mode: 'persistent', withStat: false }),
			),
		);
		if (replies.some(({ error }) => error !== 0)) throw new Error('the tree is wrong');
	}
	const zxid = await restores.mirrored();
	const deleted = [...replica.host.tree.paths()].filter((path) => /^\/services(\/|$)/.test(path)).reverse();
	const disturbances = {
		deleted: () => deleted.map((path) => replica.call({ kind: 'delete', path, version: -1 })),
		overwritten: () => deleted.map((path) => replica.call({ kind: 'setData', path, data: null, version: -1 })),
	};
	for (const [how, disturb] of Object.entries(disturbances)) {
		await Promise.all(disturb());
		const cpu = process.cpuUsage();
		const begun = performance.now();
		const record = await restores.restore(zxid, '/services');
		const ms = Math.round(performance.now() - begun);
		const { user, system } = process.cpuUsage(cpu);
		const cpuMs = Math.round((user + system) / 1000);
		if (record.state !== 'done' || record.changesDone !== nodes) throw new Error('the restore is wrong');
		print(
			`live restore of a subtree of ${nodes} nodes that were ${how}: ${ms} ms in ${record.steps} multis (${cpuMs} ms of Node's CPU)`,
			{
				bench: 'live-restore',
				how,
				nodes,
				ms,
				cpuMs,
				multis: record.steps,
			},
		);
	}
	await restores.close();
}

/** Whether it stays as fast as it was, what it takes up, and what answers cost then. */
async function benchGrowth(): Promise<void> {
	const count = Number(values.growth);
	const log = await generateLog(directory(), count, growingWorkload(count));
	const url = await newDatabase();
	const growth = await grow(url, log, Number(values.partition));
	await sql(url, 'vacuum analyze');
	const last = growth.rates.at(-1)! / growth.rates[0]!;
	print(
		`mirror catching up from 0 to ${count}, ${growth.partitions} partitions: txn/s of each tenth ${growth.rates.join(', ')}; the last is ${last.toFixed(2)} of the first; CPU per txn, µs: Node ${growth.nodeUs.join(', ')}, PostgreSQL ${growth.postgresUs.join(', ')}`,
		{ bench: 'growth', count, last, ...growth },
	);
	const bytes = await bytesPerTxn(url, count);
	const parts = Object.entries(bytes).map(([name, it]) => `${name} ${it}`);
	print(`bytes of PostgreSQL per transaction: ${parts.join(', ')}`, { bench: 'bytes', count, ...bytes });
	const begun = performance.now();
	const packed = await packDatabase(url);
	const packMs = Math.round(performance.now() - begun);
	const dense = await bytesPerTxn(url, count);
	const denseParts = Object.entries(dense).map(([name, it]) => `${name} ${it}`);
	print(
		`the same when the ${packed.length / 3} partitions that are full are packed, in ${(packMs / 1000).toFixed(1)} s: ${denseParts.join(', ')}`,
		{ bench: 'packed', count, packMs, ...dense },
	);
	const asked = await ask(url, log.lastZxid);
	const half = await ask(url, makeZxid(0, count / 2));
	print(
		`asked at the end and in the middle: znode_at ${asked.znodeAtMs} and ${half.znodeAtMs} ms, znode_history of ${asked.historyRows} versions ${asked.historyMs} ms, tree_at of ${asked.treeRows} nodes ${asked.treeMs} and ${half.treeMs} ms`,
		{ bench: 'asked', count, end: asked, middle: half },
	);
	await dropDatabase(url);
	rmSync(log.dataDir, { recursive: true });
}

async function benchStrict(): Promise<void> {
	let off = 0;
	for await (const figures of strictRates(work, directory, newDatabase, Number(values.seconds))) {
		const { servers, mode, rate, p50Ms, p99Ms, foreignCores } = figures;
		const where = servers === 1 ? 'a single server' : `an ensemble of ${servers}`;
		if (mode === 'off') off = rate;
		print(
			`audit.mode=${mode}, ${where}: ${Math.round(rate)} writes/s, ${(rate / off).toFixed(2)} of those without the mirror (p50 ${p50Ms}, p99 ${p99Ms} ms); others took ${foreignCores.toFixed(2)} cores`,
			{ bench: 'strict', ...figures },
		);
	}
}

try {
	if (only.has('import')) {
		await benchImport('mixed', mixedWorkload());
		await benchImport('setData on 100,000 nodes', setDataWorkload(100_000));
	}
	if (only.has('mirror')) {
		await benchMirror('mixed', mixedWorkload());
		await benchMirror('setData on 100,000 nodes', setDataWorkload(100_000));
	}
	if (only.has('paced')) {
		await benchPaced('mixed', mixedWorkload(), Number(values.rate), Number(values.seconds));
		await benchPaced('setData on 10,000 nodes', setDataWorkload(10_000), Number(values.rate), Number(values.seconds));
	}
	if (only.has('tree')) await benchTree();
	if (only.has('restore')) await benchRestore();
	if (only.has('live')) await benchLiveRestore();
	if (only.has('growth')) await benchGrowth();
	if (only.has('strict')) await benchStrict();
} finally {
	await postgres.stop();
	rmSync(work, { recursive: true, force: true });
}
process.exit(0);
