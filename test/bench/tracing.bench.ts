/**
 * What tracing costs: the standalone chain in process, as in chain.bench.ts, with and without one request in a hundred traced, turn by turn. The collector is another process.
 *
 *     node --conditions=source test/bench/tracing.bench.ts [--ratio 0.01] [--rounds 12] [--seconds 2] [--in-flight 1024] [--dir DIR]
 *
 * What counts is processor time for each write, what is exported behind a round included: writes per second say more about the disk. Each round is compared with the one beside it, and the
 * median of these comparisons is the result: other work on the machine changes all figures by more than tracing does.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { defaultChainOptions } from '#core/chain/options';
import { Host } from '#core/host/host';
import type { Caller, Op, Reply } from '#core/model/op';
import { noSession, zeroZxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { openAcl } from '#jute/acl';
import { errorName } from '#jute/errors';
import { StageTracer } from '#server/replica/stage-tracer';
import { FileTxnLog } from '#storage/txn-log';
import { startMetrics } from '#telemetry/metrics';
import { startTracing, type Tracing } from '#telemetry/tracing';

const { values } = parseArgs({
	options: {
		ratio: { type: 'string', default: '0.01' },
		rounds: { type: 'string', default: '12' },
		seconds: { type: 'string', default: '2' },
		'in-flight': { type: 'string', default: '1024' },
		dir: { type: 'string', default: tmpdir() },
	},
});
const [ratio, rounds, seconds, inFlight] = [values.ratio, values.rounds, values.seconds, values['in-flight']].map(
	Number,
) as [number, number, number, number];
const znodes = 1000;
const data = new Uint8Array(100).fill(0x78);
const caller: Caller = {
	door: 'zookeeper',
	identities: [{ scheme: 'ip', id: '127.0.0.1' }],
	address: '127.0.0.1:40000',
};
/** Longer than the exporter waits for more. */
const settledMs = 1500;

const collector = `
	let bytes = 0;
	require('node:http').createServer((request, response) => {
		request.on('data', (chunk) => { bytes += chunk.length; });
		request.on('end', () => response.end());
	}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
`;

const directory = mkdtempSync(join(values.dir, 'chronokeeper-bench-'));
const receiver = spawn(process.execPath, ['--eval', collector], { stdio: ['ignore', 'pipe', 'inherit'] });
try {
	const [line] = (await once(receiver.stdout, 'data')) as [Buffer];
	const common = { serviceName: 'bench', serviceVersion: '0', serverId: 1, errorName };
	const without = await startTracing({ ...common, endpoint: '', sampleRatio: 0 });
	const endpoint = `http://127.0.0.1:${Number(line.toString())}`;
	const traced = await startTracing({ ...common, endpoint, sampleRatio: ratio });
	const tracer = new StageTracer(traced, await startMetrics());
	const log = new FileTxnLog({ directory, lastZxid: zeroZxid, synced: (sync) => tracer.synced(sync) });
	const host = new Host({
		tree: new DataTree(),
		sessions: new Map(),
		lastZxid: zeroZxid,
		epoch: 0,
		log,
		clock: { now: () => Date.now(), monotonicMs: () => performance.now() },
		tracer,
		schedule: (turn) => void setImmediate(turn),
		serverId: 1,
		options: defaultChainOptions,
	});
	log.listen(host);
	for (let i = 0; i < znodes; i++) {
		const op: Op = { kind: 'create', path: `/node-${i}`, data, acl: openAcl, mode: 'persistent', withStat: false };
		await new Promise<Reply>((reply) => host.submit({ sessionId: noSession, cxid: i, op, caller, reply }));
	}
	await load(host, without, 2);
	await load(host, traced, 2);
	const results: { off: number[]; on: number[]; offRate: number[]; onRate: number[] } = {
		off: [],
		on: [],
		offRate: [],
		onRate: [],
	};
	for (let round = 0; round < rounds; round++) {
		// Whoever goes first has the cooler machine.
		for (const isOn of round % 2 === 0 ? [false, true] : [true, false]) {
			const cpu = process.cpuUsage();
			const startMs = performance.now();
			const answered = await load(host, isOn ? traced : without, seconds);
			const rate = (answered / (performance.now() - startMs)) * 1000;
			await pause(settledMs);
			const { user, system } = process.cpuUsage(cpu);
			results[isOn ? 'on' : 'off'].push((user + system) / answered);
			results[isOn ? 'onRate' : 'offRate'].push(rate);
		}
	}
	const [off, on, offRate, onRate] = [results.off, results.on, results.offRate, results.onRate].map(median) as [
		number,
		number,
		number,
		number,
	];
	const more = median(results.on.map((cpu, round) => cpu / results.off[round]!)) - 1;
	const percent = (part: number) => `${(part * 100).toFixed(1)} %`;
	console.log(
		`setData of 100 B, ${inFlight} in flight: ${off.toFixed(2)} µs CPU each without tracing, ${on.toFixed(2)} with ${percent(ratio)} traced: ${percent(more)} more`,
	);
	console.log(
		`writes/s: ${Math.round(offRate)} without, ${Math.round(onRate)} with: ${percent(1 - onRate / offRate)} fewer`,
	);
	console.log(
		JSON.stringify({ ratio, inFlight, more, cpuMicrosOff: off, cpuMicrosOn: on, writesOff: offRate, writesOn: onRate }),
	);
	await host.stop();
	await traced.shutdown();
} finally {
	receiver.kill();
	rmSync(directory, { recursive: true, force: true });
}

function median(numbers: readonly number[]): number {
	const sorted = numbers.toSorted((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Keeps so many requests in flight, and asks for a trace of each as a door does. */
function load(host: Host, tracing: Tracing, forSeconds: number): Promise<number> {
	const endMs = performance.now() + forSeconds * 1000;
	return new Promise((resolve) => {
		let sent = 0;
		let answered = 0;
		let isOver = false;
		const send = (): void => {
			const path = `/node-${sent % znodes}`;
			sent += 1;
			const op: Op = { kind: 'setData', path, data, version: -1 };
			const trace = tracing.request('zookeeper', op.kind, undefined);
			trace?.describe({ pathLength: path.length });
			const reply = (answer: Reply): void => {
				trace?.end(answer.error, answer.zxid);
				answered += 1;
				if ((answered & 63) === 0 && performance.now() > endMs) isOver = true;
				if (!isOver) send();
				else if (answered === sent) resolve(answered);
			};
			host.submit({ sessionId: noSession, cxid: sent, op, caller, traceparent: trace?.traceparent, reply });
		};
		for (let i = 0; i < inFlight; i++) send();
	});
}
