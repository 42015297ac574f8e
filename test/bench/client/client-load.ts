/** Clients that connect() made, each with loops that wait for one operation before they begin the next: what a program does that has many things to do at once. */
import { type Chronokeeper, connect } from '#client/index';
import { pause, processorSeconds, type StreamOutcome } from '../grpc/stream-load.ts';

export interface ClientCell {
	readonly clients: number;
	/** Loops of each. */
	readonly depth: number;
	/** The i-th operation of a client. */
	readonly operation: (ck: Chronokeeper, i: number) => Promise<unknown>;
}

/** One operation of so many: the bare stream looks at the clock once for many, too. */
const timedOf = 16;

/** As runStreams(). */
export async function runClients(
	address: string,
	pid: number,
	{ clients, depth, operation }: ClientCell,
	warmSeconds: number,
	seconds: number,
): Promise<StreamOutcome> {
	const sessions = await Promise.all(Array.from({ length: clients }, () => connect({ endpoints: address })));
	const meter = { isMeasuring: false, isOver: false, done: 0, latencies: [] as number[] };
	const loop = async (ck: Chronokeeper, from: number): Promise<void> => {
		for (let i = from; !meter.isOver; i += depth) {
			const isTimed = (i / depth) % timedOf < 1;
			const sentMs = isTimed ? performance.now() : 0;
			await operation(ck, i);
			if (!meter.isMeasuring) continue;
			meter.done += 1;
			if (isTimed) meter.latencies.push(performance.now() - sentMs);
		}
	};
	const loops = sessions.flatMap((ck, n) => Array.from({ length: depth }, (_, i) => loop(ck, n * 97 + i)));
	await pause(warmSeconds);
	const before = { own: process.cpuUsage(), server: processorSeconds(pid), ms: performance.now() };
	meter.isMeasuring = true;
	await pause(seconds);
	meter.isMeasuring = false;
	const elapsed = (performance.now() - before.ms) / 1000;
	const own = process.cpuUsage(before.own);
	const serverCores = (processorSeconds(pid) - before.server) / elapsed;
	meter.isOver = true;
	await Promise.all(loops);
	await Promise.all(sessions.map((ck) => ck.close()));
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
