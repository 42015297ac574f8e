/** What happened between two looks at a replica, from the same counts that /metrics shows: AdminService.WatchStatus, and `ck top` over it. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type {
	StatusResponse,
	WatchStatusResponse,
	WatchStatusResponse_Latency,
	WatchStatusResponse_OperationRate,
} from '#proto/chronokeeper/v1/admin';
import type { DoorMetrics } from '#telemetry/door-metrics';
import { quantile, type Recorded, since } from '#telemetry/histogram';
import type { Metrics } from '#telemetry/metrics';
import { invalidField } from './grpc-error.ts';

const defaultMs = 1000;
const leastMs = 100;
const mostMs = 3_600_000;
const eventLoopResolutionMs = 10;

export interface StatusWatchParts {
	readonly metrics: Metrics;
	readonly status: () => StatusResponse;
	/** By kind. */
	readonly connections: () => Readonly<Record<string, number>>;
	readonly watches: () => number;
}

interface Look {
	readonly atMs: number;
	/** Of each operation of each door, by their names. */
	readonly operations: ReadonlyMap<string, { readonly duration: Recorded; readonly failed: number }>;
	readonly logSyncs: Recorded;
	readonly batches: Recorded;
	/** Microseconds of the processor. */
	readonly cpu: number;
}

/** @throws RpcException */
export function intervalOf(requestedMs: number): number {
	if (requestedMs === 0) return defaultMs;
	if (requestedMs < leastMs || requestedMs > mostMs)
		throw invalidField('interval_ms', `interval_ms must be 0 (${defaultMs}), or from ${leastMs} to ${mostMs}`);
	return requestedMs;
}

export class StatusWatch {
	constructor(private readonly parts: StatusWatchParts) {}

	/** The state at once, then with what happened meanwhile after each interval, until the signal. A reader who is slower gets longer intervals. */
	async *watch(intervalMs: number, signal: AbortSignal): AsyncGenerator<WatchStatusResponse> {
		const delay = monitorEventLoopDelay({ resolution: eventLoopResolutionMs });
		delay.enable();
		try {
			let before = this.#look();
			yield { ...this.#state(), intervalMs: 0, operations: [], batchSize: 0, cpu: 0 };
			while (await waited(intervalMs, signal)) {
				const now = this.#look();
				yield { ...this.#state(), ...whatHappened(before, now), eventLoopDelay: eventLoopDelay(delay) };
				before = now;
				delay.reset();
			}
		} finally {
			delay.disable();
		}
	}

	#state() {
		const { status, connections, watches } = this.parts;
		return {
			status: status(),
			memoryBytes: BigInt(process.memoryUsage.rss()),
			connections: { ...connections() },
			watches: BigInt(watches()),
		};
	}

	#look(): Look {
		const { metrics } = this.parts;
		const operations = new Map<string, { readonly duration: Recorded; readonly failed: number }>();
		const add = ({ door, operations: all }: DoorMetrics) => {
			for (const [op, { duration, failed }] of all)
				operations.set(`${door} ${op}`, { duration: duration.copy(), failed });
		};
		add(metrics.grpc);
		add(metrics.zookeeper);
		const { user, system } = process.cpuUsage();
		return {
			atMs: performance.now(),
			operations,
			logSyncs: metrics.logSyncs.copy(),
			batches: metrics.batchesOf('sync').copy(),
			cpu: user + system,
		};
	}
}

/** False when the signal came first. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
	try {
		await pause(ms, undefined, { signal, ref: false });
		return true;
	} catch {
		return false;
	}
}

function whatHappened(before: Look, now: Look) {
	const intervalMs = now.atMs - before.atMs;
	const batches = since(before.batches, now.batches);
	const logSyncs = since(before.logSyncs, now.logSyncs);
	return {
		intervalMs: Math.round(intervalMs),
		operations: [...rates(before, now, intervalMs / 1000)],
		...(logSyncs.count === 0 ? {} : { logSync: latencyOf(logSyncs) }),
		batchSize: batches.count === 0 ? 0 : batches.sum / batches.count,
		cpu: (now.cpu - before.cpu) / 1000 / intervalMs,
	};
}

function* rates(before: Look, now: Look, seconds: number): Generator<WatchStatusResponse_OperationRate> {
	for (const [name, { duration, failed }] of now.operations) {
		const former = before.operations.get(name);
		const meanwhile = since(former?.duration, duration);
		if (meanwhile.count === 0) continue;
		const [door = '', operation = ''] = name.split(' ');
		const errorRate = (failed - (former?.failed ?? 0)) / seconds;
		yield { operation, door, rate: meanwhile.count / seconds, errorRate, latency: latencyOf(meanwhile) };
	}
}

function latencyOf(recorded: Recorded): WatchStatusResponse_Latency {
	const [p50Ms, p99Ms, maxMs] = [0.5, 0.99, 1].map((part) => quantile(recorded, part) * 1000) as [
		number,
		number,
		number,
	];
	return { p50Ms, p99Ms, maxMs };
}

/** What the histogram holds is the whole interval of its own timer. */
function eventLoopDelay(delay: ReturnType<typeof monitorEventLoopDelay>): WatchStatusResponse_Latency | undefined {
	if (delay.count === 0) return undefined;
	const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - eventLoopResolutionMs);
	return { p50Ms: late(delay.percentile(50)), p99Ms: late(delay.percentile(99)), maxMs: late(delay.max) };
}
