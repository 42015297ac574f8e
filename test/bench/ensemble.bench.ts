/**
 * Ensembles of three servers side by side: Chronokeeper and Apache ZooKeeper 3.8, the same loads on both in the same run, one after the other, each write synced.
 *
 *     npm run bench -- ensemble [-- --kinds zookeeper --parts loads,paced,busy,failover,catchup --rounds 3 --seconds 10 --rate 5000 --kills 9 --missed 100000 --dir DIR]
 *
 * Needs what the benchmark `zookeeper` needs. All servers and the loader share one machine: look at the ratios, and at the processor time that others used
 * meanwhile. The directory has to be on a disk that fdatasync means something on.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Ensemble, type EnsembleOptions, type MemberKind, startEnsemble } from '../support/ensemble.ts';
import { eventually } from '../support/ensemble-wait.ts';
import { start as startPostgres } from '../support/postgres-global.ts';
import { addresses, type Outcome, runLoad } from './ensemble/load.ts';
import { failoverMs, type Latencies, pacedWrites } from './ensemble/sessions.ts';
import { buildLoader, createNodes } from './zookeeper/loader.ts';

const { values } = parseArgs({
	options: {
		kinds: { type: 'string', default: 'chronokeeper,zookeeper' },
		parts: { type: 'string', default: 'loads,paced,busy,failover,catchup' },
		rounds: { type: 'string', default: '3' },
		seconds: { type: 'string', default: '10' },
		/** Writes per second of the paced part: a quarter of what ZooKeeper can do. */
		rate: { type: 'string', default: '5000' },
		kills: { type: 'string', default: '9' },
		missed: { type: 'string', default: '100000' },
		dir: { type: 'string', default: tmpdir() },
	},
});
const kinds = values.kinds.split(',') as MemberKind[];
const parts = values.parts.split(',');
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
const folder = mkdtempSync(join(values.dir, 'chronokeeper-bench-'));
/** Those of `npm start`, which `npm run bench` gives to this process. */
const chronokeeper = [
	process.execPath,
	...process.execArgv,
	fileURLToPath(new URL('../../apps/server/main.js', import.meta.url)),
] as [string, ...string[]];

/** As they are usually run. */
function start(kind: MemberKind, more: Pick<EnsembleOptions, 'config' | 'environment'> = {}): Promise<Ensemble> {
	return startEnsemble({
		...more,
		members: [kind, kind, kind],
		tickTime: 2000,
		initLimit: 10,
		syncLimit: 5,
		properties: { 'zookeeper.forceSync': 'yes', 'org.slf4j.simpleLogger.defaultLogLevel': 'warn' },
		javaFlags: ['-Xmx2g'],
		chronokeeper,
		folder,
	});
}

const names: Readonly<Record<MemberKind, string>> = { chronokeeper: 'Chronokeeper', zookeeper: 'ZooKeeper' };
const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
const median = (numbers: readonly number[]): number => sorted(numbers)[numbers.length >> 1]!;
const thousands = (number: number): string => Math.round(number).toLocaleString('en');
/** Ours to theirs, where both were run. */
const ratio = (figures: readonly number[]): string =>
	figures.length < 2 ? '' : `× ${(figures[0]! / figures[1]!).toFixed(2)}`;

function table(...columns: string[]): void {
	console.log(`\n${columns.join(' | ')}\n${columns.map(() => '---').join(' | ')}`);
}

async function compareLoads(ensembles: readonly Ensemble[], loader: string): Promise<void> {
	table('load', ...kinds.flatMap((kind) => [`${names[kind]} /s`, 'p50, p99, p99.9 ms']), 'ratio', 'cores, others');
	for (const [what, share] of [
		['w', 100],
		['r', 0],
	] as const) {
		for (const bytes of [100, 1024]) {
			const args = ['-c', '16', '-d', '64', '-w', `${share}`, '-p', `${bytes}`, '-t', `${seconds}`];
			const outcomes: Outcome[][] = kinds.map(() => []);
			for (let round = 0; round < rounds; round++) {
				const warmUp = round === 0 ? Math.min(5, seconds) : 2;
				for (const [index, ensemble] of ensembles.entries())
					outcomes[index]!.push(await runLoad(loader, ensemble, [...args, '-W', `${warmUp}`]));
			}
			const of = (index: number, field: keyof Outcome): number => median(outcomes[index]!.map((one) => one[field]));
			console.log(
				[
					`${what}16x64/${bytes}`,
					...kinds.flatMap((_, index) => [thousands(of(index, 'rate')), latencies((field) => of(index, field))]),
					ratio(kinds.map((_, index) => of(index, 'rate'))),
					[
						...kinds.map((_, index) => of(index, 'serverCores')),
						Math.max(...outcomes.flat().map((one) => one.foreignCores)),
					]
						.map((cores) => cores.toFixed(2))
						.join(', '),
				].join(' | '),
			);
		}
	}
}

async function comparePaced(ensembles: readonly Ensemble[]): Promise<void> {
	const rate = Number(values.rate);
	table('writes at the same rate', ...kinds.map((kind) => `${names[kind]} p50, p99, p99.9 ms`), 'ratio of p99, p99.9');
	const outcomes: Latencies[][] = kinds.map(() => []);
	for (let round = 0; round < rounds; round++) {
		for (const [index, ensemble] of ensembles.entries())
			outcomes[index]!.push(await pacedWrites(ensemble, { sessions: 16, rate, seconds }));
	}
	const of = (index: number, field: keyof Latencies): number => median(outcomes[index]!.map((one) => one[field]));
	const ratios = (['p99Ms', 'p999Ms'] as const).map((field) => ratio(kinds.map((_, index) => of(index, field))));
	console.log(
		[
			`${thousands(rate)}/s, 16 sessions, 100 B`,
			...kinds.map((_, index) => latencies((field) => of(index, field))),
			ratios.filter((one) => one !== '').join(', '),
		].join(' | '),
	);
}

/** Chronokeeper with its mirror, in a PostgreSQL on this machine, and a snapshot of 100,000 nodes every few seconds at each replica. */
async function whileBusy(loader: string): Promise<void> {
	const rate = Number(values.rate);
	// PostgreSQL is another user when this is root.
	chmodSync(folder, 0o755);
	const postgres = await startPostgres(folder);
	const ensemble = await start('chronokeeper', {
		config: { snapCount: 4 * rate },
		environment: { CK_AUDIT_MODE: 'async', CK_AUDIT_URL: postgres.url },
	});
	try {
		table('with mirror and snapshots', 'p50, p99, p99.9 ms', 'snapshots meanwhile');
		await createNodes(loader, addresses(ensemble), 100_000);
		const snapshots = () => ensemble.members.flatMap(({ log }) => log.match(/snapshot written/g) ?? []).length;
		for (let round = 0; round < rounds; round++) {
			const before = snapshots();
			const of = await pacedWrites(ensemble, { sessions: 16, rate, seconds });
			const shown = [`${thousands(rate)}/s, 16 sessions, 100 B`, latencies((field) => of[field]), snapshots() - before];
			console.log(shown.join(' | '));
		}
	} finally {
		await ensemble.close();
		await postgres.stop();
	}
}

function latencies(of: (field: 'p50Ms' | 'p99Ms' | 'p999Ms') => number): string {
	return (['p50Ms', 'p99Ms', 'p999Ms'] as const).map((field) => of(field).toFixed(2)).join(', ');
}

async function compareFailover(ensembles: readonly Ensemble[]): Promise<void> {
	table('kill -9 of the leader to the first acknowledged write', 'median ms', 'all');
	const medians: number[] = [];
	for (const [index, ensemble] of ensembles.entries()) {
		const times: number[] = [];
		for (let kill = 0; kill < Number(values.kills); kill++) {
			times.push(await failoverMs(ensemble));
			await ensemble.allServe();
			// What is left of the last one: a member that has just come back is still catching up.
			await pause(1000);
		}
		medians.push(median(times));
		const all = sorted(times).map((time) => time.toFixed(0));
		console.log([names[kinds[index]!], medians.at(-1)!.toFixed(0), all.join(', ')].join(' | '));
	}
	if (medians.length > 1) console.log(`ratio | ${ratio(medians)} |`);
}

/** Seconds from the start of its process until it follows, with all that the leader had by then. */
async function backInSync(ensemble: Ensemble, id: number): Promise<number> {
	const [member, leader] = [ensemble.member(id), await ensemble.leader()];
	const { zxid } = (await leader.status())!;
	const beginMs = performance.now();
	member.launch();
	await eventually('it has caught up', async () => {
		const status = await member.status();
		return status !== undefined && status.zxid >= zxid;
	});
	return (performance.now() - beginMs) / 1000;
}

async function compareCatchUp(ensembles: readonly Ensemble[], loader: string): Promise<void> {
	const missed = Number(values.missed);
	table('a follower is killed and comes back', 'nothing missed, s', `${thousands(missed)} writes missed, s`);
	for (const [index, ensemble] of ensembles.entries()) {
		const times: [number[], number[]] = [[], []];
		for (let round = 0; round < rounds; round++) {
			for (const [at, count] of [0, missed].entries()) {
				const { id } = await ensemble.follower();
				await ensemble.member(id).stop('SIGKILL');
				if (count > 0) await createNodes(loader, addresses(ensemble), count);
				times[at]!.push(await backInSync(ensemble, id));
			}
		}
		const shown = times.map((all) => `${median(all).toFixed(2)} (${all.map((one) => one.toFixed(2)).join(', ')})`);
		console.log([names[kinds[index]!], ...shown].join(' | '));
	}
}

const ensembles: Ensemble[] = [];
try {
	const loader = buildLoader(folder);
	// Before the others: an idle ensemble takes its share, too.
	if (parts.includes('busy') && kinds.includes('chronokeeper')) await whileBusy(loader);
	for (const kind of kinds) ensembles.push(await start(kind));
	if (parts.includes('loads')) await compareLoads(ensembles, loader);
	if (parts.includes('paced')) await comparePaced(ensembles);
	if (parts.includes('failover')) await compareFailover(ensembles);
	if (parts.includes('catchup')) await compareCatchUp(ensembles, loader);
} finally {
	for (const ensemble of ensembles) await ensemble.close();
	rmSync(folder, { recursive: true, force: true });
}
