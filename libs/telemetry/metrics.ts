/**
 * The metrics of a replica, for Prometheus. What is measured per request or batch is recorded into histograms; everything else is a gauge that is read
 * when somebody asks. Units are Prometheus' own: seconds and bytes.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Counter, Histogram, Meter } from '@opentelemetry/api';

/** 50 µs to 10 s. */
const secondsBuckets = [
	0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
const countBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

export class Metrics {
	readonly #meter: Meter;
	readonly #collect: () => Promise<string>;
	readonly #request: Histogram;
	readonly #errors: Counter;
	readonly #stage: Histogram;
	readonly #batch: Histogram;
	readonly #logSync: Histogram;
	readonly #snapshot: Histogram;

	/** Use startMetrics(). */
	constructor(meter: Meter, collect: () => Promise<string>) {
		this.#meter = meter;
		this.#collect = collect;
		const seconds = { unit: 's', advice: { explicitBucketBoundaries: secondsBuckets } };
		this.#request = meter.createHistogram('request_duration_seconds', {
			description: 'From the door to the answer, by operation.',
			...seconds,
		});
		this.#errors = meter.createCounter('request_errors', {
			description: "Requests that failed, by operation and ZooKeeper's name of the error.",
		});
		this.#stage = meter.createHistogram('stage_duration_seconds', {
			description: 'Time a batch spends in a stage.',
			...seconds,
		});
		this.#batch = meter.createHistogram('stage_batch_requests', {
			description: 'Requests in a batch, by stage.',
			advice: { explicitBucketBoundaries: countBuckets },
		});
		this.#logSync = meter.createHistogram('log_sync_duration_seconds', {
			description: 'Time of an fdatasync of the transaction log.',
			...seconds,
		});
		this.#snapshot = meter.createHistogram('snapshot_duration_seconds', {
			description: 'Time a snapshot takes to be written, in the background.',
			unit: 's',
			advice: { explicitBucketBoundaries: [0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120] },
		});
		this.#watchProcess();
	}

	/** `error` is ZooKeeper's name of it, empty when there was none. */
	request(op: string, durationMs: number, error: string): void {
		this.#request.record(durationMs / 1000, { op });
		if (error !== '') this.#errors.add(1, { op, error });
	}

	batch(stage: string, requests: number, durationMs: number): void {
		this.#stage.record(durationMs / 1000, { stage });
		this.#batch.record(requests, { stage });
	}

	/** @param txns how many waited for it */
	logSync(durationMs: number, txns: number): void {
		this.#logSync.record(durationMs / 1000);
		this.batch('sync', txns, durationMs);
	}

	snapshot(durationMs: number): void {
		this.#snapshot.record(durationMs / 1000);
	}

	/** Read when somebody asks; undefined leaves it out. */
	gauge(name: string, description: string, read: () => number | undefined): void {
		this.#meter.createObservableGauge(name, { description }).addCallback((result) => {
			const value = read();
			if (value !== undefined) result.observe(value);
		});
	}

	/** Only ever rises. */
	counter(name: string, description: string, read: () => number | undefined): void {
		this.#meter.createObservableCounter(name, { description }).addCallback((result) => {
			const value = read();
			if (value !== undefined) result.observe(value);
		});
	}

	/** In Prometheus' text format. */
	scrape(): Promise<string> {
		return this.#collect();
	}

	#watchProcess(): void {
		const delay = monitorEventLoopDelay({ resolution: 10 });
		delay.enable();
		const quantile = this.#meter.createObservableGauge('event_loop_delay_seconds', {
			description: 'How much later than planned the event loop ran, since the last scrape.',
		});
		quantile.addCallback((result) => {
			// What the histogram holds is the whole interval of its own timer, 10 ms of which are planned.
			const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - 0.01);
			if (delay.count > 0) {
				result.observe(late(delay.percentile(50)), { quantile: '0.5' });
				result.observe(late(delay.percentile(99)), { quantile: '0.99' });
				result.observe(late(delay.max), { quantile: '1' });
			}
			delay.reset();
		});
		this.gauge('resident_memory_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss());
		this.counter('process_cpu_seconds', 'Processor time of the process.', () => {
			const { user, system } = process.cpuUsage();
			return (user + system) / 1e6;
		});
	}
}

export async function startMetrics(): Promise<Metrics> {
	const [{ MeterProvider }, { PrometheusExporter, PrometheusSerializer }] = await Promise.all([
		import('@opentelemetry/sdk-metrics'),
		import('@opentelemetry/exporter-prometheus'),
	]);
	const reader = new PrometheusExporter({ preventServerStart: true });
	const provider = new MeterProvider({ readers: [reader] });
	const serializer = new PrometheusSerializer('chronokeeper', false, undefined, true, true);
	return new Metrics(provider.getMeter('chronokeeper'), async () => {
		const { resourceMetrics, errors } = await reader.collect();
		if (errors.length > 0) throw new AggregateError(errors, 'a metric could not be read');
		return serializer.serialize(resourceMetrics);
	});
}
