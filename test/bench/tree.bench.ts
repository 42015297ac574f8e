/**
 * Figures of the DataTree at a million znodes: memory, time per operation, the cost of a freeze, and the longest stall.
 *
 *     node --expose-gc --conditions=source test/bench/tree.bench.ts [znodes]
 */

import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { DataTree } from '#core/tree/data-tree';
import type { FrozenTreeMessage } from '#core/tree/frozen-tree';
import { frozenNodes } from '#core/tree/frozen-tree';
import { openAcl } from '#jute/acl';
import type { SessionId, Zxid } from '#jute/scalars';
import type { Txn } from '#jute/txn';

const parents = 16;
const dataBytes = 100;

function record(zxid: number, txn: Txn) {
	return { header: { sessionId: 0n as SessionId, cxid: 0, zxid: zxid as Zxid, time: 1_795_245_766_000 + zxid }, txn };
}

function gc(): void {
	(globalThis as { gc?: () => void }).gc?.();
}

function residentBytes(): number {
	gc();
	gc();
	return process.memoryUsage.rss();
}

/** Runs in batches, so that the longest pause of any one batch shows. */
function measure(name: string, count: number, batch: number, run: (i: number) => void): void {
	let longest = 0;
	const cpuStart = process.cpuUsage();
	const start = performance.now();
	for (let i = 0; i < count; ) {
		const batchStart = performance.now();
		for (const end = Math.min(count, i + batch); i < end; i++) run(i);
		longest = Math.max(longest, performance.now() - batchStart);
	}
	const total = performance.now() - start;
	const each = ((total / count) * 1e6).toFixed(0);
	const cpu = process.cpuUsage(cpuStart);
	const cpuEach = (((cpu.user + cpu.system) / count) * 1000).toFixed(0);
	const pause = `longest ${batch}: ${longest.toFixed(2)} ms`;
	console.log(`${name.padEnd(40)} ${each.padStart(6)} ns  cpu ${cpuEach.padStart(5)} ns  ${pause}`);
}

async function main(): Promise<void> {
	const znodes = Number(process.argv[2] ?? 1_000_000);
	console.log(`${znodes} znodes of ${dataBytes} B, node ${process.version}, ${availableParallelism()} cpus`);
	const paths = Array.from({ length: znodes }, (_, i) => pathOf(i));
	// Fresh strings, one behind the other in memory, as requests bring them: what is random is the place in the tree.
	const random = Array.from(shuffled(znodes).subarray(0, 500_000), pathOf);
	const hot = random.slice(0, 1000);
	const data = new Uint8Array(dataBytes).fill(0x78);
	let zxid = 1;
	const create = (path: string) =>
		record(zxid++, { kind: 'create', path, data, acl: openAcl, ephemeral: false, parentCversion: -1 });
	const setData = (path: string) => record(zxid++, { kind: 'setData', path, data, version: 1 });

	const before = residentBytes();
	const heapBefore = process.memoryUsage().heapUsed;
	const tree = new DataTree();
	tree.apply(create('/bench'));
	for (let i = 0; i < parents; i++) tree.apply(create(`/bench/c${i}`));
	measure('apply(create)', znodes, 1, (i) => tree.apply(create(paths[i]!)));
	const after = residentBytes();
	const heap = process.memoryUsage().heapUsed - heapBefore;
	console.log(
		`resident ${((after - before) / znodes).toFixed(1)} B per znode, of it ${(heap / znodes).toFixed(1)} on the heap`,
	);

	const some = random.length;
	measure('apply(setData), in order', some, 1, (i) => tree.apply(setData(paths[i]!)));
	measure('apply(setData), random', some, 1, (i) => tree.apply(setData(random[i]!)));
	measure('apply(setData), 1000 hot nodes', some, 1, (i) => tree.apply(setData(hot[i % 1000]!)));
	measure('has(), random', some, 1, (i) => tree.has(random[i]!));
	measure('node(), random', some, 1, (i) => tree.node(random[i]!));
	measure('node(), 1000 hot nodes', some, 1, (i) => tree.node(hot[i % 1000]!));
	measure('stat(), random', some, 1, (i) => tree.stat(random[i]!));
	measure('data(), random', some, 1, (i) => tree.data(random[i]!));
	const missing = random.map((path) => flat(`${path}x`));
	measure('has(), no such node', some, 1, (i) => tree.has(missing[i]!));
	measure('digest()', some, 1, () => tree.digest());
	const childrenStart = performance.now();
	const names = tree.children('/bench/c0')!.length;
	console.log(`children() of ${names}: ${(performance.now() - childrenStart).toFixed(1)} ms`);

	const freezeStart = performance.now();
	const frozen = tree.freeze();
	const frozenAt = performance.now();
	const worker = new Worker(new URL(import.meta.url), { execArgv: ['--conditions=source'] });
	await new Promise((resolve) => worker.once('message', resolve));
	const postStart = performance.now();
	worker.postMessage(frozen.transferable());
	const posted = performance.now();
	console.log(`freeze() ${(frozenAt - freezeStart).toFixed(3)} ms, postMessage ${(posted - postStart).toFixed(3)} ms`);
	const answer = new Promise<string>((resolve) => worker.once('message', resolve));
	measure('apply(setData), random, frozen', some, 1000, (i) => tree.apply(setData(random[i]!)));
	console.log(`resident while frozen ${((residentBytes() - before) / znodes).toFixed(1)} B per znode`);
	console.log(await answer);
	await worker.terminate();
	const releaseStart = performance.now();
	frozen.release();
	console.log(`release() ${(performance.now() - releaseStart).toFixed(3)} ms`);
	measure('apply(setData), random, after release', some, 1000, (i) => tree.apply(setData(random[i]!)));
	console.log(`resident after ${((residentBytes() - before) / znodes).toFixed(1)} B per znode`);
	const remove = (path: string) => record(zxid++, { kind: 'delete', path });
	measure('apply(delete), random', some, 1, (i) => tree.apply(remove(random[i]!)));
	measure('apply(create), again', some, 1, (i) => tree.apply(create(random[i]!)));
}

function pathOf(i: number): string {
	return flat(`/bench/c${i % parents}/${String(Math.floor(i / parents)).padStart(8, '0')}`);
}

/** V8 joins strings lazily; a string that comes out of a decoder is in one piece. */
function flat(text: string): string {
	return Buffer.from(text, 'latin1').toString('latin1');
}

function shuffled(count: number): Uint32Array {
	const order = new Uint32Array(count).map((_, i) => i);
	let state = 1;
	for (let i = count - 1; i > 0; i--) {
		state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
		const j = Math.floor((state / 2 ** 32) * (i + 1));
		[order[i], order[j]] = [order[j]!, order[i]!];
	}
	return order;
}

function walk(message: FrozenTreeMessage): void {
	const start = performance.now();
	let count = 0;
	let bytes = 0;
	for (const node of frozenNodes(message)) {
		count += 1;
		bytes += node.path.length + (node.data?.length ?? 0);
	}
	parentPort!.postMessage(`worker read ${count} nodes, ${bytes} B in ${(performance.now() - start).toFixed(0)} ms`);
}

if (isMainThread) await main();
else {
	parentPort!.once('message', walk);
	parentPort!.postMessage('ready');
}
