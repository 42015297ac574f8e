/**
 * A million znodes of 100 bytes in a whole server: resident memory, the longest stall while a snapshot is taken under load, and recovery after kill -9.
 *
 *     npm run bench -- million [-- --znodes 1000000 --dir DIR --restarts 3]
 *
 * Paths and sizes are those of the peers' measurement: `/bench/c1/<session>/<8 digits>`, 16 parents. The server runs in a process of
 * its own without a mirror (ZooKeeper has none); the directory has to be on a disk that fdatasync means something on.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Caller, Op, Reply } from '#core/model/op';
import { noSession } from '#core/model/zxid';
import { openAcl } from '#jute/acl';
import { loadConfig } from '#server/config/config';
import { type RunningServer, startServer } from '#server/start-server';

const { values } = parseArgs({
	options: {
		role: { type: 'string', default: 'parent' },
		znodes: { type: 'string', default: '1000000' },
		dir: { type: 'string', default: tmpdir() },
		restarts: { type: 'string', default: '3' },
	},
});
/** Those of `npm start`, which `npm run bench` gives to this process. */
const flags = process.execArgv;
const done = 'done';
const znodes = Number(values.znodes);
const inFlight = 1024;
const data = new Uint8Array(100).fill(0x78);
const caller: Caller = { door: 'zookeeper', identities: [], address: '127.0.0.1:40000' };

const pathOf = (i: number): string => `/bench/c1/0x100000000000${(i % 16).toString(16)}/${String(i).padStart(8, '0')}`;
const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

const configOf = (dataDir: string) =>
	loadConfig({
		overrides: { dataDir, clientPort: 0, grpcPort: 0, httpPort: 0, 'audit.mode': 'off', 'log.level': 'warn' },
	});

/** Sends `count` operations, at most so many in flight and so many per millisecond; resolves when all are answered. */
function send(server: RunningServer, count: number, op: (i: number) => Op, perMs = Infinity): Promise<void> {
	return new Promise((resolve, reject) => {
		let sent = 0;
		let answered = 0;
		let isPaced = false;
		const startMs = performance.now();
		const reply = ({ error }: Reply): void => {
			if (error !== 0) reject(new Error(`error ${error}`));
			answered += 1;
			if (answered === count) resolve();
			else pump();
		};
		const pump = (): void => {
			if (isPaced) return;
			const due = Math.min(count, (performance.now() - startMs) * perMs);
			while (sent < due && sent - answered < inFlight) {
				server.replica.host.submit({ sessionId: noSession, cxid: sent, op: op(sent), caller, reply });
				sent += 1;
			}
			if (perMs === Infinity || sent === count) return;
			isPaced = true;
			setTimeout(() => {
				isPaced = false;
				pump();
			}, 1);
		};
		pump();
	});
}

const create = (path: string): Op => ({
	kind: 'create',
	path,
	data,
	acl: openAcl,
	mode: 'persistent',
	withStat: false,
});

/**
 * The longest gap between two turns of the event loop while `run` runs, and the most processor time the loop's thread used in one, in ms: on
 * a machine that others use too, the gap also counts the time in which they ran.
 */
async function longestStall(run: () => Promise<unknown>): Promise<string> {
	let last = performance.now();
	let lastCpu = process.threadCpuUsage();
	let wallMs = 0;
	let cpuMs = 0;
	const look = (): void => {
		const now = performance.now();
		const cpu = process.threadCpuUsage();
		wallMs = Math.max(wallMs, now - last);
		cpuMs = Math.max(cpuMs, (cpu.user + cpu.system - lastCpu.user - lastCpu.system) / 1000);
		last = now;
		lastCpu = cpu;
	};
	const timer = setInterval(look, 1);
	await run();
	look();
	clearInterval(timer);
	return `${wallMs.toFixed(1)} ms (${cpuMs.toFixed(1)} ms of the thread's own)`;
}

async function fill(dataDir: string): Promise<void> {
	const server = await startServer(configOf(dataDir));
	await pause(3000);
	const empty = process.memoryUsage.rss();
	const parents = ['/bench', '/bench/c1', ...Array.from({ length: 16 }, (_, i) => pathOf(i).slice(0, -9))];
	await send(server, parents.length, (i) => create(parents[i]!));
	const startMs = performance.now();
	await send(server, znodes, (i) => create(pathOf(i)));
	const fillMs = performance.now() - startMs;
	await server.replica.snapshots.settled();
	await pause(3000);
	const full = process.memoryUsage.rss();
	console.log(`fill: ${Math.round((znodes / fillMs) * 1000)} creates/s with ${inFlight} in flight`);
	console.log(`resident: ${mib(empty)} empty, ${mib(full)} full: ${((full - empty) / znodes).toFixed(0)} B per znode`);
}

async function load(dataDir: string): Promise<void> {
	const server = await startServer(configOf(dataDir));
	const set = (): Op => ({ kind: 'setData', path: pathOf(Math.floor(Math.random() * znodes)), data, version: -1 });
	for (const [name, perMs] of [
		['20,000 setData/s', 20],
		['as many setData/s as it takes', Infinity],
	] as const) {
		await send(server, 100_000, set, perMs);
		await server.replica.snapshots.settled();
		const without = await longestStall(() => send(server, 40_000, set, perMs));
		await server.replica.snapshots.settled();
		let isOver = false;
		let written = 0;
		const started = performance.now();
		const stall = await longestStall(async () => {
			const snapshot = server.replica.snapshots.take().finally(() => {
				isOver = true;
			});
			while (!isOver) {
				await send(server, 10_000, set, perMs);
				written += 10_000;
			}
			await snapshot;
		});
		const seconds = (performance.now() - started) / 1000;
		console.log(
			`snapshot under load (${name}): longest stall ${stall}, without a snapshot ${without}; ${seconds.toFixed(1)} s, ${Math.round(written / seconds)} setData/s meanwhile`,
		);
	}
	await pause(1000);
	console.log(`resident after the snapshots under load: ${mib(process.memoryUsage.rss())}`);
}

async function isReady(port: number): Promise<boolean> {
	try {
		return (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok;
	} catch {
		return false;
	}
}

/** From the start of the process until a health check says ready. */
async function restart(dataDir: string, port: number): Promise<number> {
	const main = fileURLToPath(new URL('../../apps/server/main.js', import.meta.url));
	const startMs = performance.now();
	const child = spawn(process.execPath, [...flags, main], {
		stdio: 'inherit',
		env: {
			...process.env,
			CK_DATA_DIR: dataDir,
			CK_CLIENT_PORT: '0',
			CK_GRPC_PORT: '0',
			CK_HTTP_PORT: String(port),
			CK_AUDIT_MODE: 'off',
			CK_LOG_LEVEL: 'warn',
		},
	});
	while (!(await isReady(port))) {
		if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
		await pause(10);
	}
	const tookMs = performance.now() - startMs;
	await kill(child);
	return tookMs;
}

async function kill(child: ChildProcess): Promise<void> {
	const gone = once(child, 'exit');
	child.kill('SIGKILL');
	await gone;
}

/** A server of this file's in a process of its own, which ends by kill -9. */
async function inProcess(role: 'fill' | 'load', dataDir: string): Promise<void> {
	const args = ['--role', role, '--znodes', String(znodes), '--dir', dataDir];
	const child = spawn(process.execPath, [...flags, fileURLToPath(import.meta.url), ...args], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const gone = once(child, 'exit');
	for await (const line of createInterface({ input: child.stdout })) {
		if (line === done) child.kill('SIGKILL');
		else console.log(line);
	}
	const [code] = await gone;
	if (code !== null) throw new Error(`the server ended with ${code}`);
}

async function main(): Promise<void> {
	const dataDir = mkdtempSync(join(values.dir, 'chronokeeper-million-'));
	try {
		await inProcess('fill', dataDir);
		for (let i = 0; i < Number(values.restarts); i++) {
			const tookMs = await restart(dataDir, 18_080);
			console.log(`recovery after kill -9: ${(tookMs / 1000).toFixed(2)} s from process start to ready`);
		}
		await inProcess('load', dataDir);
	} finally {
		rmSync(dataDir, { recursive: true, force: true });
	}
}

if (values.role === 'parent') await main();
else {
	await (values.role === 'fill' ? fill(values.dir) : load(values.dir));
	console.log(done);
	await pause(60_000);
}
