/** Streams of Operate that keep a number of operations outstanding each. Their messages are put together from bytes that were encoded once, and of replies only the number is looked at: the loader is no slower than it has to be. */
import { readFileSync } from 'node:fs';
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { OperateRequest, OperateResponse, type Operation, SessionServiceService } from '#proto/chronokeeper/v1/session';

const { path } = SessionServiceService.operate;
const identity = (bytes: Buffer) => bytes;
const newPool = { 'grpc.use_local_subchannel_pool': 1, 'grpc.max_receive_message_length': -1 };

export interface StreamOutcome {
	readonly rate: number;
	readonly p50Ms: number;
	readonly p99Ms: number;
	readonly serverCores: number;
	readonly loaderCores: number;
}

export interface StreamCell {
	readonly clients: number;
	readonly depth: number;
	/** The i-th operation of a stream. */
	readonly operation: (i: number) => NonNullable<Operation['op']>;
}

/** How many different operations a stream sends, over and over. */
const different = 4096;

export async function runStreams(
	address: string,
	pid: number,
	{ clients, depth, operation }: StreamCell,
	warmSeconds: number,
	seconds: number,
): Promise<StreamOutcome> {
	const operations = Array.from({ length: different }, (_, i) =>
		Buffer.from(
			OperateRequest.encode({
				begin: undefined,
				operations: [{ id: i + 1, op: operation(i), traceparent: '', sentAtZxid: undefined }],
			}).finish(),
		),
	);
	const all = Buffer.concat([...operations, ...operations]);
	const ends = [0];
	for (const bytes of [...operations, ...operations]) ends.push(ends.at(-1)! + bytes.length);
	const meter = { isMeasuring: false, done: 0, latencies: [] as number[] };
	const streams = Array.from({ length: clients }, (_, i) => new LoadStream(address, all, ends, depth, i * 97, meter));
	await Promise.all(streams.map((stream) => stream.begin()));
	for (const stream of streams) stream.run();
	await pause(warmSeconds);
	const before = { own: process.cpuUsage(), server: processorSeconds(pid), ms: performance.now() };
	meter.isMeasuring = true;
	await pause(seconds);
	meter.isMeasuring = false;
	const elapsed = (performance.now() - before.ms) / 1000;
	const own = process.cpuUsage(before.own);
	const serverCores = (processorSeconds(pid) - before.server) / elapsed;
	for (const stream of streams) stream.stop();
	const sorted = Float64Array.from(meter.latencies).sort();
	const quantile = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
	return {
		rate: meter.done / elapsed,
		p50Ms: quantile(0.5),
		p99Ms: quantile(0.99),
		serverCores,
		loaderCores: (own.user + own.system) / 1e6 / elapsed,
	};
}

interface Meter {
	isMeasuring: boolean;
	done: number;
	latencies: number[];
}

class LoadStream {
	readonly #client: Client;
	readonly #stream: ClientDuplexStream<Buffer, Buffer>;
	readonly #all: Buffer;
	readonly #ends: readonly number[];
	readonly #depth: number;
	readonly #meter: Meter;
	#at: number;
	#isRunning = false;
	/** When each of the outstanding was sent, the oldest first. */
	#sentMs: number[] = [];
	#begun: (() => void) | undefined;

	constructor(address: string, all: Buffer, ends: readonly number[], depth: number, at: number, meter: Meter) {
		this.#client = new Client(address, credentials.createInsecure(), newPool);
		this.#stream = this.#client.makeBidiStreamRequest(path, identity, identity);
		this.#all = all;
		this.#ends = ends;
		this.#depth = depth;
		this.#at = at % different;
		this.#meter = meter;
		this.#stream.on('data', (bytes: Buffer) => this.#received(bytes));
		this.#stream.on('error', () => undefined);
	}

	/** With a session, and an operation for servers that have none. */
	begin(): Promise<void> {
		const begin = { $case: 'open' as const, value: { timeoutMs: 30_000, repeatable: false } };
		const op = { $case: 'whoAmI' as const, value: {} };
		const message = OperateRequest.encode({
			begin,
			operations: [{ id: 1, op, traceparent: '', sentAtZxid: undefined }],
		}).finish();
		this.#stream.write(Buffer.from(message));
		return new Promise((resolve) => {
			this.#begun = resolve;
		});
	}

	run(): void {
		this.#isRunning = true;
		this.#send(this.#depth);
	}

	stop(): void {
		this.#isRunning = false;
		this.#stream.cancel();
		this.#client.close();
	}

	#send(count: number): void {
		const from = this.#ends[this.#at]!;
		const to = this.#ends[this.#at + count]!;
		this.#at = (this.#at + count) % different;
		const nowMs = performance.now();
		for (let i = 0; i < count; i++) this.#sentMs.push(nowMs);
		this.#stream.write(this.#all.subarray(from, to));
	}

	#received(bytes: Buffer): void {
		if (!this.#isRunning) {
			const { items } = OperateResponse.decode(bytes);
			if (items.some(({ item }) => item?.$case === 'reply')) this.#begun?.();
			return;
		}
		const count = countItems(bytes);
		if (this.#meter.isMeasuring) {
			this.#meter.done += count;
			const nowMs = performance.now();
			for (let i = 0; i < count; i++) this.#meter.latencies.push(nowMs - this.#sentMs[i]!);
		}
		this.#sentMs.splice(0, count);
		this.#send(count);
	}
}

/** Fields of the length kind, one behind the other. */
function countItems(bytes: Buffer): number {
	let count = 0;
	for (let at = 0; at < bytes.length; count++) {
		at += 1;
		let length = 0;
		for (let shift = 0; ; shift += 7) {
			const byte = bytes[at++]!;
			length |= (byte & 0x7f) << shift;
			if (byte < 0x80) break;
		}
		at += length;
	}
	return count;
}

export function pause(seconds: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** Of a process, user and system. */
export function processorSeconds(pid: number): number {
	const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
	const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
	return (Number(fields[11]) + Number(fields[12])) / 100;
}
