/**
 * The gRPC door beside an empty grpc-js server and beside etcd (Debian's etcd-server and nghttp2-client, when they are installed) in the same run: streams of sessions, unary calls, latencies beside the disk's own fdatasync, the memory of sessions, and the fan-out of one change.
 *
 *     npm run bench -- grpc [-- --rounds 3 --seconds 5 --cells w16x64,r16x64,... --sessions 10000 --dir DIR]
 *
 * Loader and servers are processes of their own. Machines are noisy: look at the ratios and the cores. The directory has to be on a disk that fdatasync means something on.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client, credentials } from '@grpc/grpc-js';
import { OperateRequest, OperateResponse, type Operation } from '#proto/chronokeeper/v1/session';
import { WatchKind } from '#proto/chronokeeper/v1/watch';
import { GetRequest, ZnodeServiceService } from '#proto/chronokeeper/v1/znode';
import { freePort, RunningProgram } from '../support/processes.ts';
import { Etcd, hasEtcd } from './grpc/etcd.ts';
import { pause, processorSeconds, runStreams, type StreamCell, type StreamOutcome } from './grpc/stream-load.ts';
import { WatchingSessions } from './grpc/watching-sessions.ts';
import { type Peer, residentBytes, startChronokeeper } from './zookeeper/peers.ts';

const { values } = parseArgs({
	options: {
		rounds: { type: 'string', default: '3' },
		seconds: { type: 'string', default: '5' },
		cells: { type: 'string', default: 'w16x64,r16x64,w16x1,r16x1,etcd,unary16x1,unary16x64,fsync,sessions' },
		sessions: { type: 'string', default: '10000' },
		dir: { type: 'string', default: tmpdir() },
	},
});
const wanted = values.cells.split(',');
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const keys = 1000;
const data = Buffer.alloc(100, 120);
const pathOf = (i: number) => `/bench/k${String(i % keys).padStart(6, '0')}`;

type Op = NonNullable<Operation['op']>;
const set = (i: number): Op => ({ $case: 'set', value: { path: pathOf(i * 7919), data, version: undefined } });
const get = (i: number): Op => ({
	$case: 'get',
	value: { path: pathOf(i * 7919), consistency: undefined, watch: false },
});
const cells: Readonly<Record<string, StreamCell>> = {
	w16x64: { clients: 16, depth: 64, operation: set },
	r16x64: { clients: 16, depth: 64, operation: get },
	w16x1: { clients: 16, depth: 1, operation: set },
	r16x1: { clients: 16, depth: 1, operation: get },
};
const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
const thousands = (number: number): string => Math.round(number).toLocaleString('en');
const ms = (number: number): string => number.toFixed(2);

async function startEmpty(): Promise<{ address: string; pid: number; stop(): Promise<unknown> }> {
	const script = fileURLToPath(new URL('./grpc/empty-server.js', import.meta.url));
	const program = new RunningProgram(process.execPath, [...process.execArgv, script]);
	const [, line] = await program.waitFor(/^(\{.*"msg":"serving".*\})$/m);
	const { port } = JSON.parse(line!) as { readonly port: number };
	return { address: `127.0.0.1:${port}`, pid: program.pid, stop: () => program.stop('SIGTERM') };
}

async function createNodes(address: string): Promise<void> {
	const client = new Client(address, credentials.createInsecure());
	const stream = client.makeBidiStreamRequest(
		'/chronokeeper.v1.SessionService/Operate',
		(bytes: Buffer) => bytes,
		(bytes: Buffer) => OperateResponse.decode(bytes),
	);
	const create = (path: string, id: number) => ({ id, op: { $case: 'create', value: { path, data } } });
	const operations = [create('/bench', 1), ...Array.from({ length: keys }, (_, i) => create(pathOf(i), i + 2))];
	const begin = { $case: 'open', value: {} };
	stream.write(Buffer.from(OperateRequest.encode(OperateRequest.fromPartial({ begin, operations } as never)).finish()));
	let replies = 0;
	await new Promise<void>((resolve) =>
		stream.on('data', ({ items }: OperateResponse) => {
			replies += items.filter(({ item }) => item?.$case === 'reply').length;
			if (replies === operations.length) resolve();
		}),
	);
	stream.on('error', () => undefined);
	stream.cancel();
	client.close();
}

async function compareStreams(address: string, pid: number): Promise<void> {
	const chosen = Object.entries(cells).filter(([name]) => wanted.includes(name));
	if (chosen.length === 0) return;
	const empty = await startEmpty();
	console.log(
		'stream | Chronokeeper /s | p50, p99 ms | empty server /s | p50, p99 ms | ratio | cores (ours, its, loader)',
	);
	console.log('--- | --- | --- | --- | --- | --- | ---');
	for (const [name, cell] of chosen) {
		const outcomes: StreamOutcome[][] = [[], []];
		for (let round = 0; round < rounds; round++) {
			const warm = round === 0 ? 4 : 1;
			outcomes[0]!.push(await runStreams(address, pid, cell, warm, seconds));
			outcomes[1]!.push(await runStreams(empty.address, empty.pid, cell, warm, seconds));
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
				`${ms(of(0, 'serverCores'))}, ${ms(of(1, 'serverCores'))}, ${ms(of(0, 'loaderCores'))}`,
			].join(' | '),
		);
	}
	await empty.stop();
}

/** Gets; calls per second. */
async function unary(address: string, pid: number, depth: number): Promise<{ rate: number; cores: number }> {
	const request = Buffer.from(GetRequest.encode(GetRequest.fromPartial({ path: pathOf(1) })).finish());
	const identity = (bytes: Buffer) => bytes;
	const clients = Array.from(
		{ length: 16 },
		() => new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }),
	);
	const state = { done: 0, isOver: false };
	const { path } = ZnodeServiceService.get;
	const ask = (client: Client): void => {
		client.makeUnaryRequest(path, identity, identity, request, () => {
			state.done += 1;
			if (!state.isOver) ask(client);
		});
	};
	for (const client of clients) for (let i = 0; i < depth; i++) ask(client);
	await pause(3);
	const [before, cpu, beganMs] = [state.done, processorSeconds(pid), performance.now()];
	await pause(seconds);
	const elapsed = (performance.now() - beganMs) / 1000;
	const outcome = { rate: (state.done - before) / elapsed, cores: (processorSeconds(pid) - cpu) / elapsed };
	state.isOver = true;
	for (const client of clients) client.close();
	return outcome;
}

/** Puts of etcd turn by turn with writes over streams, as many connections and as much in flight. */
async function compareEtcd(address: string, pid: number): Promise<void> {
	if (!wanted.includes('etcd')) return;
	if (!hasEtcd()) {
		console.log('etcd: not measured, because etcd or h2load is not installed (Debian: etcd-server, nghttp2-client)');
		return;
	}
	const etcd = await Etcd.start(folder);
	const cell = cells.w16x64!;
	const outcomes: { rate: number; cores: number }[][] = [[], []];
	for (let round = 0; round < rounds; round++) {
		const { rate, serverCores } = await runStreams(address, pid, cell, round === 0 ? 4 : 1, seconds);
		outcomes[0]!.push({ rate, cores: serverCores });
		outcomes[1]!.push(await etcd.puts(cell.clients, cell.depth, data.length, seconds, processorSeconds));
	}
	await etcd.stop();
	const [ours, its] = outcomes.map((each) => median(each.map(({ rate }) => rate))) as [number, number];
	const [cores, itsCores] = outcomes.map((each) => median(each.map((one) => one.cores))) as [number, number];
	console.log(
		`writes 16x64 of 100 B: ${thousands(ours)}/s over streams, ${thousands(its)} puts/s of etcd by h2load: × ${(ours / its).toFixed(2)}; cores ${ms(cores)}, ${ms(itsCores)}`,
	);
}

async function compareUnary(address: string, pid: number): Promise<void> {
	for (const depth of [1, 64]) {
		if (!wanted.includes(`unary16x${depth}`)) continue;
		const empty = await startEmpty();
		const outcomes: { rate: number; cores: number }[][] = [[], []];
		for (let round = 0; round < rounds; round++) {
			outcomes[0]!.push(await unary(address, pid, depth));
			outcomes[1]!.push(await unary(empty.address, empty.pid, depth));
		}
		const [ours, its] = outcomes.map((each) => median(each.map(({ rate }) => rate))) as [number, number];
		const [cores, itsCores] = outcomes.map((each) => median(each.map((one) => one.cores))) as [number, number];
		console.log(
			`unary get 16x${depth}: ${thousands(ours)}/s, an empty server ${thousands(its)}/s: × ${(ours / its).toFixed(2)}; cores ${ms(cores)}, ${ms(itsCores)}`,
		);
		await empty.stop();
	}
}

/** What the disk takes for a page. */
function measureSync(): void {
	if (!wanted.includes('fsync')) return;
	const file = openSync(join(folder, 'sync'), 'w');
	const page = Buffer.alloc(4096, 120);
	const took: number[] = [];
	const until = performance.now() + seconds * 1000;
	while (performance.now() < until) {
		writeSync(file, page);
		const fromMs = performance.now();
		fdatasyncSync(file);
		took.push(performance.now() - fromMs);
	}
	closeSync(file);
	const sorted = took.sort((a, b) => a - b);
	const quantile = (q: number) => sorted[Math.floor(sorted.length * q)]!;
	console.log(`fdatasync of 4 KiB: p50 ${ms(quantile(0.5))} ms, p99 ${ms(quantile(0.99))} ms`);
}

async function measureSessions(peer: Peer, address: string): Promise<void> {
	if (!wanted.includes('sessions')) return;
	const count = Number(values.sessions);
	await pause(2);
	const before = residentBytes(peer.pid);
	const sessions = new WatchingSessions(address, '/bench', WatchKind.WATCH_KIND_PERSISTENT);
	await sessions.open(count);
	await pause(3);
	const each = (residentBytes(peer.pid) - before) / count;
	const times: number[] = [];
	const fanOuts = 5;
	const cpu = processorSeconds(peer.pid);
	for (let i = 0; i < fanOuts; i++) times.push(await sessions.fanOut());
	const cpuMs = ((processorSeconds(peer.pid) - cpu) / fanOuts) * 1000;
	console.log(
		`${thousands(count)} sessions with a stream and a watch: ${thousands(each)} B each; one change reaches all of them in ${ms(median(times))} ms (${times.map(ms).join(', ')}), for ${ms(cpuMs)} ms of the server's processor`,
	);
	sessions.close();
}

const folder = mkdtempSync(join(values.dir, 'chronokeeper-bench-'));
try {
	const port = await freePort();
	const peer = await startChronokeeper(join(folder, 'server'), { CK_GRPC_PORT: `${port}` });
	const address = `127.0.0.1:${port}`;
	await createNodes(address);
	measureSync();
	await compareStreams(address, peer.pid);
	await compareEtcd(address, peer.pid);
	await compareUnary(address, peer.pid);
	await measureSessions(peer, address);
	await peer.stop();
} finally {
	rmSync(folder, { recursive: true, force: true });
}
