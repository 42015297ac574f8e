/** `ck import`: reads the directories of one or several servers of an ensemble into PostgreSQL as one history. */
import pg from 'pg';
import { formatZxid, type Zxid } from '#core/model/zxid';
import type { GapRow } from './batch.ts';
import { readCursor } from './batch-writer.ts';
import { CatchUp } from './catch-up.ts';
import type { HistoryPlan } from './history-plan.ts';
import { LogSource } from './log-source.ts';
import { migrateToLatest } from './migrate.ts';
import { defaultPartitionLimits, type PartitionLimits, PartitionMaker, recoverPartitions } from './partitions.ts';
import { Redaction } from './redaction.ts';
import { noteSnapshots } from './snapshot-rows.ts';

export interface ImportProgress {
	readonly phase: 'scan' | 'import';
	/** Bytes of logs when scanning, transactions when importing. */
	readonly done: number;
	readonly total: number;
}

export interface ImportOptions {
	readonly progress?: (progress: ImportProgress) => void;
	readonly allowDigestMismatch?: boolean;
	/** Paths: data of nodes there and below stay out of PostgreSQL. */
	readonly redact?: readonly string[];
	/** How large partitions become, where it is not the default. */
	readonly partitions?: Partial<PartitionLimits>;
}

export interface ImportOutcome {
	/** Transactions added now. */
	readonly txns: number;
	readonly lastZxid: Zxid;
	readonly digest: bigint;
	/** Every gap of the history that was added now. */
	readonly gaps: readonly GapRow[];
	/** Transactions that the logs hold and that never were committed: they are not in the history. */
	readonly uncommitted: HistoryPlan['uncommitted'];
	readonly warnings: readonly string[];
}

/** Each of `dirs` is a server's data directory in any layout. Imported twice, it adds nothing. */
export async function importDirectories(
	dirs: readonly string[],
	databaseUrl: string,
	options: ImportOptions = {},
): Promise<ImportOutcome> {
	const warnings: string[] = [];
	const warn = (warning: string) => {
		if (!warnings.includes(warning)) warnings.push(warning);
	};
	const sources = dirs.map((dir) => new LogSource(dir, undefined, warn));
	for (const { name, logs, snapshots } of sources) {
		if (logs.length > 0 || snapshots.length > 0) continue;
		throw new Error(`${name} has no logs and no snapshots of ZooKeeper, neither in it nor in its version-2`);
	}
	for (const notice of (await migrateToLatest(databaseUrl)).notices) warn(notice);
	const client = await connect(databaseUrl);
	try {
		return await importFrom(client, () => connect(databaseUrl), sources, options, warnings, warn);
	} finally {
		await client.end().catch(() => undefined); // A broken connection is closed already.
	}
}

async function connect(databaseUrl: string): Promise<pg.Client> {
	const client = new pg.Client({ connectionString: databaseUrl, application_name: 'chronokeeper import' });
	client.on('error', () => undefined); // The statement under way reports it.
	await client.connect();
	return client;
}

async function importFrom(
	client: pg.Client,
	connect: () => Promise<pg.Client>,
	sources: readonly LogSource[],
	options: ImportOptions,
	warnings: string[],
	warn: (warning: string) => void,
): Promise<ImportOutcome> {
	const bytes = sources.reduce((sum, source) => sum + source.logBytes, 0);
	let scanned = 0;
	let shown = 0;
	let txns = 0;
	let total = 0;
	const catchUp = new CatchUp(client, sources, {
		writer: 'import',
		redaction: new Redaction(options.redact ?? []),
		connect,
		partitions: new PartitionMaker({ ...defaultPartitionLimits, ...options.partitions }, connect),
		allowDigestMismatch: options.allowDigestMismatch ?? false,
		warn,
		scanned: (count) => {
			scanned += count;
			if (scanned - shown < 1 << 22) return;
			shown = scanned;
			options.progress?.({ phase: 'scan', done: scanned, total: bytes });
		},
		written: (batch) => {
			txns += batch.txnCount;
			options.progress?.({ phase: 'import', done: txns, total });
		},
	});
	await recoverPartitions(client);
	const from = await readCursor(client);
	const known = from.zxid ?? -1;
	const plan = await catchUp.plan({ ...from, zxid: null });
	options.progress?.({ phase: 'scan', done: bytes, total: bytes });
	for (const warning of plan.warnings) warn(warning);
	for (const { first, last } of plan.segments) total += Math.max(0, last - Math.max(first - 1, known));
	if (from.zxid !== null) await compareWithStored(client, plan, from.zxid, warn);
	await catchUp.run(plan, from);
	const to = await readCursor(client);
	if (to.zxid === null) throw new Error(`nothing could be imported: ${warnings.join('; ')}`);
	await noteSnapshots(client, sources, to.zxid);
	return {
		txns,
		lastZxid: to.zxid,
		digest: to.digest,
		gaps: catchUp.gaps,
		uncommitted: plan.uncommitted,
		warnings,
	};
}

/** What is stored already must be the same history; what lies in its gaps is not filled in. */
async function compareWithStored(
	client: pg.Client,
	plan: HistoryPlan,
	through: Zxid,
	warn: (warning: string) => void,
): Promise<void> {
	for (const { first, last } of plan.segments) {
		if (first > through) break;
		const until = Math.min(last, through) as Zxid;
		const { rows } = await client.query<{ count: string }>(
			'select count(*) from chronokeeper.txn where zxid between $1 and $2',
			[first, until],
		);
		const missing = until - first + 1 - Number(rows[0]?.count);
		if (missing === 0) continue;
		warn(
			`${missing} transactions between ${formatZxid(first)} and ${formatZxid(until)} are in these directories and not in the database, where they fall into a gap. ` +
				'A gap is not filled in afterwards: import all directories together into a new database',
		);
	}
}
