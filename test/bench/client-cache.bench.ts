/**
 * A client's cache of 100,000 nodes of 100 bytes: how long it takes to fill, what a node takes in memory, and how it follows 10,000 changes a second, each counted and its delay measured.
 *
 *     npm run bench -- client-cache [-- --nodes 100000 --rounds 3 --rate 10000 --seconds 10]
 *
 * Server, writer and cache are processes of their own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type CacheEvent, type Chronokeeper, connect, type ZnodeCache } from '#client/index';
import { freePort, RunningProgram } from '../support/processes.ts';
import { nodePath, stampOf } from './client/steady-writer.ts';
import { startChronokeeper } from './zookeeper/peers.ts';

const { values } = parseArgs({
	options: {
		nodes: { type: 'string', default: '100000' },
		rounds: { type: 'string', default: '3' },
		rate: { type: 'string', default: '10000' },
		seconds: { type: 'string', default: '10' },
	},
});
const nodes = Number(values.nodes);
const rounds = Number(values.rounds);
const folders = 100;
const writer = fileURLToPath(new URL('./client/steady-writer.js', import.meta.url));
const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
const at = (sorted: readonly number[], share: number): number =>
	sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;

async function createNodes(ck: Chronokeeper): Promise<void> {
	const data = new Uint8Array(100).fill(120);
	await ck.ensurePath('/flat');
	await ck.ensurePath('/deep');
	for (let i = 0; i < folders; i++) await ck.create(`/deep/d${i}`);
	for (let from = 0; from < nodes; from += 1000) {
		const made = [];
		for (let i = from; i < Math.min(nodes, from + 1000); i++) {
			made.push(ck.create(nodePath(i), data), ck.create(`/deep/d${i % folders}/n${i}`, data));
		}
		await Promise.all(made);
	}
}

async function fill(endpoints: string, path: string): Promise<{ ms: number; bytes: number }> {
	globalThis.gc?.();
	const before = memory();
	await using ck = await connect({ endpoints });
	const fromMs = performance.now();
	await using cache = ck.cache(path);
	await cache.ready;
	const ms = performance.now() - fromMs;
	globalThis.gc?.();
	if (cache.size < nodes) throw new Error(`${cache.size} of ${nodes} nodes`);
	return { ms, bytes: (memory() - before) / cache.size };
}

function memory(): number {
	const { heapUsed, arrayBuffers } = process.memoryUsage();
	return heapUsed + arrayBuffers;
}

async function follow(endpoints: string, cache: ZnodeCache): Promise<void> {
	const delays: number[] = [];
	let lastMs = 0;
	let zxid = 0n;
	let isOrdered = true;
	const stop = cache.on((event: CacheEvent) => {
		if (event.type !== 'changed') return;
		lastMs = performance.timeOrigin + performance.now();
		delays.push(lastMs - stampOf(event.node.data!));
		isOrdered &&= event.zxid > zxid && event.node.stat.version === event.old.stat.version + 1;
		zxid = event.zxid;
	});
	const cpuBefore = process.cpuUsage();
	const fromMs = performance.now();
	const program = new RunningProgram(process.execPath, [
		...process.execArgv,
		writer,
		endpoints,
		values.rate,
		values.seconds,
		values.nodes,
	]);
	const [, line] = await program.waitFor(/^(\{.*\})$/m, 120_000);
	const { written, seconds } = JSON.parse(line!) as { readonly written: number; readonly seconds: number };
	while (delays.length < written) await new Promise((resolve) => setImmediate(resolve));
	const { user, system } = process.cpuUsage(cpuBefore);
	const cores = (user + system) / 1000 / (performance.now() - fromMs);
	stop();
	await program.exited;
	const sorted = delays.toSorted((a, b) => a - b);
	const told = [0.5, 0.99, 1].map((share) => at(sorted, share).toFixed(1));
	console.log(`changes | written /s | followed | in order | delay p50, p99, max ms | cores of the cache`);
	console.log('--- | --- | --- | --- | --- | ---');
	console.log(
		`${written.toLocaleString('en')} | ${Math.round(written / seconds).toLocaleString('en')} | ${delays.length === written ? 'all' : delays.length} | ${isOrdered ? 'yes' : 'NO'} | ${told.join(', ')} | ${cores.toFixed(2)}`,
	);
}

const folder = mkdtempSync(join(tmpdir(), 'ck-bench-cache-'));
const port = await freePort();
const server = await startChronokeeper(folder, { CK_GRPC_PORT: String(port) });
try {
	const endpoints = `127.0.0.1:${port}`;
	await using ck = await connect({ endpoints });
	await createNodes(ck);
	console.log('filled with | ms, median | nodes /s | bytes a node, live');
	console.log('--- | --- | --- | ---');
	for (const [name, path] of [
		['children of one node', '/flat'],
		[`below ${folders} nodes`, '/deep'],
	] as const) {
		const outcomes = [];
		for (let round = 0; round < rounds; round++) outcomes.push(await fill(endpoints, path));
		const ms = median(outcomes.map((one) => one.ms));
		const bytes = median(outcomes.map((one) => one.bytes));
		console.log(
			`${nodes.toLocaleString('en')} ${name} | ${Math.round(ms)} | ${Math.round((nodes / ms) * 1000).toLocaleString('en')} | ${Math.round(bytes)}`,
		);
	}
	console.log('');
	await using cache = ck.cache('/flat');
	await cache.ready;
	await follow(endpoints, cache);
} finally {
	await server.stop();
	rmSync(folder, { recursive: true, force: true });
}
