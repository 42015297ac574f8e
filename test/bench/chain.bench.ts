/**
 * The whole standalone chain in process, with the real log on a real disk: how many setData of 100 bytes a second, so many in flight.
 *
 *     node --conditions=source test/bench/chain.bench.ts [--in-flight 1024] [--seconds 5] [--znodes 1000] [--bytes 100] [--dir DIR]
 *
 * The directory has to be on a disk that fdatasync means something on. Prints one line of JSON behind the figures.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { defaultChainOptions } from '#core/chain/options';
import { Host } from '#core/host/host';
import type { Caller, Reply, Request } from '#core/model/op';
import { noSession, type SessionId, zeroZxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { openAcl } from '#jute/acl';
import { FileTxnLog } from '#storage/txn-log';

const { values } = parseArgs({
	options: {
		'in-flight': { type: 'string', default: '1024' },
		seconds: { type: 'string', default: '5' },
		znodes: { type: 'string', default: '1000' },
		bytes: { type: 'string', default: '100' },
		sessions: { type: 'string', default: '8' },
		dir: { type: 'string', default: tmpdir() },
	},
});
const inFlight = Number(values['in-flight']);
const seconds = Number(values.seconds);
const znodes = Number(values.znodes);
const data = new Uint8Array(Number(values.bytes)).fill(0x78);
const caller: Caller = {
	door: 'zookeeper',
	identities: [{ scheme: 'ip', id: '127.0.0.1' }],
	address: '127.0.0.1:40000',
};

const directory = mkdtempSync(join(values.dir, 'chronokeeper-bench-'));
const tree = new DataTree();
const log = new FileTxnLog({ directory, lastZxid: zeroZxid });
const host = new Host({
	tree,
	sessions: new Map(),
	lastZxid: zeroZxid,
	epoch: 0,
	log,
	clock: { now: () => Date.now(), monotonicMs: () => performance.now() },
	tracer: { stage: () => {}, batch: () => {} },
	schedule: (turn) => void setImmediate(turn),
	serverId: 1,
	options: defaultChainOptions,
	events: {
		stateChanged: (state, reason) => {
			if (state !== 'stopped') throw new Error(`${state}: ${reason.message}`);
		},
	},
});
log.listen(host);

function submit(request: Omit<Request, 'caller' | 'reply'>): Promise<Reply> {
	return new Promise((resolve) => host.submit({ ...request, caller, reply: resolve }));
}

async function setUp(): Promise<SessionId[]> {
	const sessions: SessionId[] = [];
	for (let i = 0; i < Number(values.sessions); i++) {
		const { result } = await submit({
			sessionId: noSession,
			cxid: 0,
			op: { kind: 'createSession', timeoutMs: 60_000 },
		});
		if (result?.kind === 'createSession') sessions.push(result.sessionId);
	}
	const creates = Array.from({ length: znodes }, (_, i) =>
		submit({
			sessionId: noSession,
			cxid: i,
			op: { kind: 'create', path: `/node-${i}`, data, acl: openAcl, mode: 'persistent', withStat: false },
		}),
	);
	for (const { error } of await Promise.all(creates)) if (error !== 0) throw new Error(`create: ${error}`);
	return sessions;
}

/** Keeps so many requests in flight: each answer sends the next one, as the answer to a pipelining client does. */
function load(sessions: readonly SessionId[], endMs: number): Promise<number> {
	return new Promise((resolve, reject) => {
		let sent = 0;
		let answered = 0;
		const reply = (answer: Reply): void => {
			answered += 1;
			if (answer.error !== 0) reject(new Error(`setData: ${answer.error}`));
			if ((answered & 63) === 0 && performance.now() > endMs) isOver = true;
			if (!isOver) send();
			else if (answered === sent) resolve(answered);
		};
		let isOver = false;
		const send = (): void => {
			// A path from the wire is a new string each time.
			const path = `/node-${sent % znodes}`;
			const sessionId = sessions[sent % sessions.length]!;
			sent += 1;
			host.submit({ sessionId, cxid: sent, op: { kind: 'setData', path, data, version: -1 }, caller, reply });
		};
		for (let i = 0; i < inFlight; i++) send();
	});
}

try {
	const sessions = await setUp();
	await load(sessions, performance.now() + 1000);
	const delay = monitorEventLoopDelay({ resolution: 1 });
	delay.enable();
	const startMs = performance.now();
	const cpu = process.cpuUsage();
	const answered = await load(sessions, startMs + seconds * 1000);
	const tookMs = performance.now() - startMs;
	const used = process.cpuUsage(cpu);
	const opsPerSecond = Math.round((answered / tookMs) * 1000);
	const cpuMicros = (used.user + used.system) / answered;
	const report = {
		inFlight,
		bytes: data.length,
		znodes,
		answered,
		opsPerSecond,
		cpuMicrosPerOp: Number(cpuMicros.toFixed(2)),
		maxLoopDelayMs: Number((delay.max / 1e6).toFixed(1)),
	};
	console.log(
		`${opsPerSecond} setData/s of ${data.length} B with ${inFlight} in flight, ${cpuMicros.toFixed(2)} µs CPU each`,
	);
	console.log(JSON.stringify(report));
	await host.stop();
} finally {
	rmSync(directory, { recursive: true, force: true });
}
