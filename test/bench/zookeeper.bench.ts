/**
 * The client port side by side with Apache ZooKeeper 3.8: the same loads on both in the same run, one after the other, standalone, each write synced.
 *
 *     npm run bench -- zookeeper [-- --rounds 3 --seconds 5 --cells w16x64/100,idle --idle 10000 --hold 300 --znodes 1000000 --dir DIR]
 *
 * Needs apt-get's zookeeper, libzookeeper-java, a JRE (with a JDK the live heap is shown too) and gcc. The loader is test/bench/loader/zkraw.c. Machines are
 * noisy: look at the ratios, and at the processor time that others used meanwhile. The directory has to be on a disk that fdatasync means something on.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { IdleSessions } from './zookeeper/idle-sessions.ts';
import { buildLoader, type Cell, createNodes, type Outcome, runCell } from './zookeeper/loader.ts';
import { hasZooKeeper, type Peer, residentBytes, startChronokeeper, startZooKeeper } from './zookeeper/peers.ts';

const load = (kind: 'w' | 'r', clients: number, depth: number, bytes: number): Cell => ({
	name: `${kind}${clients}x${depth}/${bytes}`,
	args: ['-c', `${clients}`, '-d', `${depth}`, '-w', kind === 'w' ? '100' : '0', '-p', `${bytes}`],
	figure: depth === 1 ? 'p99' : 'rate',
});
const cells: readonly Cell[] = [
	load('w', 16, 64, 100),
	load('w', 16, 64, 1024),
	load('r', 16, 64, 100),
	load('r', 16, 64, 1024),
	load('w', 16, 1, 100),
	load('r', 16, 1, 100),
	{ name: 'watch1000', args: ['-m', 'watch', '-c', '1000', '-p', '100'], figure: 'events' },
];

const { values } = parseArgs({
	options: {
		rounds: { type: 'string', default: '3' },
		seconds: { type: 'string', default: '5' },
		cells: { type: 'string', default: [...cells.map(({ name }) => name), 'idle', 'znodes'].join(',') },
		idle: { type: 'string', default: '10000' },
		hold: { type: 'string', default: '300' },
		znodes: { type: 'string', default: '1000000' },
		dir: { type: 'string', default: tmpdir() },
	},
});
const wanted = values.cells.split(',');
const rounds = Number(values.rounds);
const folder = mkdtempSync(join(values.dir, 'chronokeeper-bench-'));
if (!hasZooKeeper()) throw new Error('apt-get install zookeeper libzookeeper-java default-jre-headless gcc libc6-dev');
const starts = [startChronokeeper, startZooKeeper] as const;
let started = 0;

function start(one: (typeof starts)[number]): Promise<Peer> {
	started += 1;
	return one(join(folder, `peer${started}`));
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
const thousands = (number: number): string => Math.round(number).toLocaleString('en');
const ms = (number: number): string => number.toFixed(2);

async function compareLoads(loader: string): Promise<void> {
	const chosen = cells.filter(({ name }) => wanted.includes(name));
	if (chosen.length === 0) return;
	const peers = [await start(startChronokeeper), await start(startZooKeeper)];
	console.log('load | Chronokeeper /s | p50, p99 ms | ZooKeeper /s | p50, p99 ms | ratio | cores (ours, its, others)');
	console.log('--- | --- | --- | --- | --- | --- | ---');
	for (const cell of chosen) {
		const outcomes: Outcome[][] = [[], []];
		for (let round = 0; round < rounds; round++) {
			for (const [at, peer] of peers.entries()) {
				outcomes[at]!.push(await runCell(loader, peer, cell, Number(values.seconds), round === 0 ? 5 : 2));
			}
		}
		console.log(row(cell, outcomes[0]!, outcomes[1]!));
	}
	for (const peer of peers) await peer.stop();
}

function row(cell: Cell, ours: readonly Outcome[], its: readonly Outcome[]): string {
	const of = (outcomes: readonly Outcome[], field: keyof Outcome) => median(outcomes.map((one) => one[field]));
	const rate = (outcomes: readonly Outcome[]) => thousands(of(outcomes, 'rate'));
	const latency = (outcomes: readonly Outcome[]) => `${ms(of(outcomes, 'p50Ms'))}, ${ms(of(outcomes, 'p99Ms'))}`;
	const ratio =
		cell.figure === 'p99'
			? `p99 × ${(of(ours, 'p99Ms') / of(its, 'p99Ms')).toFixed(2)}`
			: `× ${(of(ours, 'rate') / of(its, 'rate')).toFixed(2)}`;
	const cores = [
		of(ours, 'serverCores'),
		of(its, 'serverCores'),
		Math.max(...[...ours, ...its].map((one) => one.foreignCores)),
	];
	return [
		cell.name,
		rate(ours),
		latency(ours),
		rate(its),
		latency(its),
		ratio,
		cores.map((one) => one.toFixed(2)).join(', '),
	].join(' | ');
}

async function compareIdle(): Promise<void> {
	if (!wanted.includes('idle')) return;
	const count = Number(values.idle);
	for (const one of starts) {
		const peer = await start(one);
		await pause(3000);
		const [rss, heap] = [residentBytes(peer.pid), peer.liveHeapBytes()];
		const sessions = new IdleSessions();
		await sessions.open(peer.address, count);
		await sessions.hold(Number(values.hold));
		await pause(1000);
		const grown = (residentBytes(peer.pid) - rss) / count;
		const after = peer.liveHeapBytes();
		const live = heap === undefined || after === undefined ? '' : `, live heap ${thousands((after - heap) / count)} B`;
		console.log(
			`${peer.name}: ${thousands(count)} sessions for ${values.hold} s, ${sessions.lost} lost, ${thousands(sessions.pongs)} pongs; ` +
				`per connection resident ${thousands(grown)} B${live}`,
		);
		sessions.close();
		await peer.stop();
	}
}

async function compareZnodes(loader: string): Promise<void> {
	if (!wanted.includes('znodes')) return;
	const count = Number(values.znodes);
	for (const one of starts) {
		const peer = await start(one);
		await pause(3000);
		const [heap, rss] = [peer.liveHeapBytes(), residentBytes(peer.pid)];
		const line = await createNodes(loader, peer.address, count);
		await pause(5000);
		const grown = (residentBytes(peer.pid) - rss) / count;
		const after = peer.liveHeapBytes();
		const live = heap === undefined || after === undefined ? '' : `, live heap ${thousands((after - heap) / count)} B`;
		console.log(
			`${peer.name}: ${thousands(count)} znodes of 100 B at ${thousands(JSON.parse(line).ops_s)} creates/s; per znode resident ${thousands(grown)} B${live}`,
		);
		await peer.stop();
	}
}

try {
	const loader = buildLoader(folder);
	await compareLoads(loader);
	await compareIdle();
	await compareZnodes(loader);
} finally {
	rmSync(folder, { recursive: true, force: true });
}
