/** What a history costs that grows: the rate and the CPU of each tenth, bytes per transaction, and what is asked of it at the end. */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import pg from 'pg';
import { startMirror } from '#audit/mirror';
import { makeZxid, type Zxid } from '#core/model/zxid';
import type { GeneratedLog, Workload } from '../../support/generated-log.ts';
import { setDataWorkload } from '../../support/generated-log.ts';

export const treeNodes = 100_000;
const historyVersions = 1_000;

/** setData of 100 bytes on 100,000 nodes; one node is set a thousand times in all. */
export function growingWorkload(txns: number): Workload {
	const others = setDataWorkload(treeNodes);
	const every = Math.floor((txns - treeNodes) / historyVersions);
	let version = 0;
	const data = new Uint8Array(100).fill(0x79);
	return (n, tree) => {
		if (n < treeNodes || n % every !== 0) return others(n, tree);
		return { kind: 'setData', path: '/bench', data, version: ++version };
	};
}

export interface Growth {
	/** Transactions per second of each tenth. */
	readonly rates: readonly number[];
	/** Microseconds of CPU per transaction of each tenth: of this process, and of the backend that the mirror writes with. */
	readonly nodeUs: readonly number[];
	readonly postgresUs: readonly number[];
	readonly partitions: number;
}

/** The mirror catches up with a log that is there. */
export async function grow(url: string, log: GeneratedLog, partitionRows: number): Promise<Growth> {
	const marks: { txns: number; ms: number; nodeUs: number; postgresUs: number }[] = [];
	const client = await connect(url);
	const pids = new Map<number, number>();
	const mark = async (txns: number) => {
		const { rows } = await client.query<{ pid: number }>(
			`select pid from pg_stat_activity where application_name = 'chronokeeper mirror' and datname = current_database()`,
		);
		for (const { pid } of rows) pids.set(pid, backendUs(pid));
		const { user, system } = process.cpuUsage();
		const postgresUs = [...pids.values()].reduce((sum, it) => sum + it, 0);
		marks.push({ txns, ms: performance.now(), nodeUs: user + system, postgresUs });
	};
	let written = 0;
	let marking: Promise<void> = Promise.resolve();
	const mirror = startMirror({
		databaseUrl: url,
		dataDir: log.dataDir,
		partitions: { rows: partitionRows },
		wrote: ({ txns }) => {
			const before = Math.floor((written / log.txns) * 10);
			written += txns;
			const now = written;
			if (Math.floor((now / log.txns) * 10) > before) marking = marking.then(() => mark(now));
		},
	});
	mirror.committed(makeZxid(0, 1));
	await mirror.mirroredThrough(makeZxid(0, 1));
	await mark(1);
	mirror.committed(log.lastZxid);
	await mirror.mirroredThrough(log.lastZxid);
	await marking;
	await mirror.stop();
	const { rows } = await client.query(`select from chronokeeper.partitions() where "table" = 'txn'`);
	await client.end();
	const per = (value: (mark: (typeof marks)[number]) => number, scale: number) =>
		marks.slice(1).map((it, i) => {
			const before = marks[i]!;
			return Math.round((((value(it) - value(before)) * scale) / (it.txns - before.txns)) * 10) / 10;
		});
	return {
		rates: per((it) => it.ms, 1).map((_, i) => {
			const [a, b] = [marks[i]!, marks[i + 1]!];
			return Math.round(((b.txns - a.txns) / (b.ms - a.ms)) * 1000);
		}),
		nodeUs: per((it) => it.nodeUs, 1),
		postgresUs: per((it) => it.postgresUs, 1),
		partitions: rows.length,
	};
}

/** Linux only: clock ticks of 10 ms. */
function backendUs(pid: number): number {
	try {
		const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
		return (Number(fields[11]) + Number(fields[12])) * 10_000;
	} catch {
		return 0; // Not on this machine.
	}
}

async function connect(url: string): Promise<pg.Client> {
	const client = new pg.Client({ connectionString: url });
	await client.connect();
	return client;
}

/** Bytes per transaction of each table and index, all partitions together, the largest first. */
export async function bytesPerTxn(url: string, txns: number): Promise<Record<string, number>> {
	const client = await connect(url);
	const { rows } = await client.query<{ name: string; bytes: string }>(
		`select coalesce(p.relname, c.relname) as name, sum(pg_relation_size(c.oid)) as bytes
		from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'chronokeeper'
		left join pg_inherits i on i.inhrelid = c.oid left join pg_class p on p.oid = i.inhparent
		where c.relkind in ('r', 'i', 't') group by 1 having sum(pg_relation_size(c.oid)) > 0 order by 2 desc`,
	);
	await client.end();
	const all = rows.map(({ name, bytes }) => [name, Math.round((Number(bytes) / txns) * 10) / 10] as const);
	const total = Math.round(all.reduce((sum, [, bytes]) => sum + bytes, 0) * 10) / 10;
	return { total, ...Object.fromEntries(all.filter(([, bytes]) => bytes >= 0.1)) };
}

export interface Asked {
	readonly znodeAtMs: number;
	readonly historyMs: number;
	readonly historyRows: number;
	readonly treeMs: number;
	readonly treeRows: number;
}

const plannings = 6;

/** Medians of 9, of tree_at of 3, on one connection that has planned them: PostgreSQL plans a prepared statement anew five times. */
export async function ask(url: string, at: Zxid): Promise<Asked> {
	const client = await connect(url);
	const median = async (times: number, sql: string, parameters: (i: number) => unknown[]) => {
		let rows = 0;
		const ms: number[] = [];
		for (let i = 0; i < plannings + times; i++) {
			const begun = performance.now();
			rows = (await client.query({ name: sql.slice(0, 60), text: sql, values: parameters(i) })).rows.length;
			if (i >= plannings) ms.push(performance.now() - begun);
		}
		return { rows, ms: Math.round(ms.sort((a, b) => a - b)[times >> 1]! * 100) / 100 };
	};
	const node = (i: number) => `/bench/d${(20_000 + i * 997) % 100}/node-${20_000 + i * 997}`;
	const znode = await median(9, 'select * from chronokeeper.znode_at($1, $2::bigint)', (i) => [node(i), at - i]);
	const history = await median(9, 'select * from chronokeeper.znode_history($1)', () => ['/bench']);
	const tree = await median(3, 'select path, data_length, mzxid from chronokeeper.tree_at($1::bigint)', (i) => [
		at - i,
	]);
	await client.end();
	return {
		znodeAtMs: znode.ms,
		historyMs: history.ms,
		historyRows: history.rows,
		treeMs: tree.ms,
		treeRows: tree.rows,
	};
}
