/**
 * The client of connect() beside the bare stream of a session, whose messages are put together from bytes that were encoded once: operations per second, latencies and processor time in the same run, what a watch takes in the client's memory, and what locks and queues cost.
 *
 *     npm run bench -- client [-- --rounds 3 --seconds 5 --cells w16x64,r16x64,w16x1,r16x1,watches,locks,queue --watches 100000 --contenders 1000 --elements 100000 --dir DIR]
 *
 * The loaders are this process, the server is one of its own. Machines are noisy: look at the ratios.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Chronokeeper, connect } from '#client/index';
import type { Operation } from '#proto/chronokeeper/v1/session';
import { freePort } from '../support/processes.ts';
import { type ClientCell, runClients } from './client/client-load.ts';
import { measureLocks } from './client/locks.ts';
import { measureQueue } from './client/queue.ts';
import { runStreams, type StreamCell, type StreamOutcome } from './grpc/stream-load.ts';
import { startChronokeeper } from './zookeeper/peers.ts';

const { values } = parseArgs({
	options: {
		rounds: { type: 'string', default: '3' },
		seconds: { type: 'string', default: '5' },
		cells: { type: 'string', default: 'w16x64,r16x64,w16x1,r16x1,watches,locks,queue' },
		watches: { type: 'string', default: '100000' },
		contenders: { type: 'string', default: '1000' },
		elements: { type: 'string', default: '100000' },
		dir: { type: 'string', default: tmpdir() },
	},
});
const wanted = values.cells.split(',');
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const keys = 1000;
const data = Buffer.alloc(100, 120);
const pathOf = (i: number) => `/bench/k${String(i % keys).padStart(6, '0')}`;
const paths = Array.from({ length: keys }, (_, i) => pathOf(i));

type Op = NonNullable<Operation['op']>;
const set = (i: number): Op => ({ $case: 'set', value: { path: pathOf(i * 7919), data, version: undefined } });
const get = (i: number): Op => ({
	$case: 'get',
	value: { path: pathOf(i * 7919), consistency: undefined, watch: false },
});
const setWith: ClientCell['operation'] = (ck, i) => ck.set(paths[(i * 7919) % keys]!, data);
const getWith: ClientCell['operation'] = (ck, i) => ck.get(paths[(i * 7919) % keys]!);
const cells: Readonly<Record<string, readonly [StreamCell, ClientCell]>> = {
	w16x64: [
		{ clients: 16, depth: 64, operation: set },
		{ clients: 16, depth: 64, operation: setWith },
	],
	r16x64: [
		{ clients: 16, depth: 64, operation: get },
		{ clients: 16, depth: 64, operation: getWith },
	],
	w16x1: [
		{ clients: 16, depth: 1, operation: set },
		{ clients: 16, depth: 1, operation: setWith },
	],
	r16x1: [
		{ clients: 16, depth: 1, operation: get },
		{ clients: 16, depth: 1, operation: getWith },
	],
};
const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
const thousands = (number: number): string => Math.round(number).toLocaleString('en');
const ms = (number: number): string => number.toFixed(2);

async function createNodes(address: string): Promise<void> {
	await using ck = await connect({ endpoints: address });
	await ck.create('/bench');
	await Promise.all(paths.map((path) => ck.create(path, data)));
}

async function compare(address: string, pid: number): Promise<void> {
	const chosen = Object.entries(cells).filter(([name]) => wanted.includes(name));
	if (chosen.length === 0) return;
	console.log('cell | client /s | p50, p99 ms | bare stream /s | p50, p99 ms | ratio | cores (server, client; bare)');
	console.log('--- | --- | --- | --- | --- | --- | ---');
	for (const [name, [bare, own]] of chosen) {
		const outcomes: StreamOutcome[][] = [[], []];
		for (let round = 0; round < rounds; round++) {
			const warm = round === 0 ? 4 : 1;
			outcomes[0]!.push(await runClients(address, pid, own, warm, seconds));
			outcomes[1]!.push(await runStreams(address, pid, bare, warm, seconds));
		}
		const of = (which: number, field: keyof StreamOutcome) => median(outcomes[which]!.map((one) => one[field]));
		console.log(
			[
				name,
				thousands(of(0, 'rate')),
				`${ms(of(0, 'p50Ms'))}, ${ms(of(0, 'p99Ms'))}`,
				thousands(of(1, 'rate')),
				`${ms(of(1, 'p50Ms'))}, ${ms(of(1, 'p99Ms'))}`,
				`× ${(of(0, 'rate') / of(1, 'rate')).toFixed(2)}`,
				`${ms(of(0, 'serverCores'))}, ${ms(of(0, 'loaderCores'))}; ${ms(of(1, 'loaderCores'))}`,
			].join(' | '),
		);
	}
}

function heapBytes(): number {
	globalThis.gc?.();
	return process.memoryUsage().heapUsed;
}

/** Each of a node of its own, and with a loop that waits for its first event. */
async function measureWatches(address: string): Promise<void> {
	if (!wanted.includes('watches')) return;
	const count = Number(values.watches);
	await using ck = await connect({ endpoints: address });
	await watchAll(ck, 0, 1000);
	const before = heapBytes();
	const watches = await watchAll(ck, 1000, count);
	const idle = heapBytes();
	const next = watches.map((watch) => watch.next());
	const waiting = heapBytes();
	const each = (bytes: number) => thousands((bytes - before) / count);
	console.log(`${thousands(count)} watches: ${each(idle)} B each, ${each(waiting)} B with a loop that waits`);
	for (const watch of watches) void watch.return();
	await Promise.all(next);
}

async function watchAll(ck: Chronokeeper, from: number, count: number) {
	const watches = Array.from({ length: count }, (_, i) => ck.watch(`/bench/watched/${from + i}`));
	await ck.sync();
	return watches;
}

const folder = mkdtempSync(join(values.dir, 'chronokeeper-bench-'));
try {
	const port = await freePort();
	const peer = await startChronokeeper(join(folder, 'server'), { CK_GRPC_PORT: `${port}` });
	const address = `127.0.0.1:${port}`;
	await createNodes(address);
	await compare(address, peer.pid);
	await measureWatches(address);
	if (wanted.includes('locks')) await measureLocks({ address, seconds, contenders: Number(values.contenders) });
	if (wanted.includes('queue')) await measureQueue({ address, seconds, elements: Number(values.elements) });
	await peer.stop();
} finally {
	rmSync(folder, { recursive: true, force: true });
}
