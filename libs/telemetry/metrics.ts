/**
 * The metrics of a replica, for Prometheus. What is measured per request or batch is counted into histograms of our own, which the SDK gets when it collects; everything else is a
 * gauge that is read when somebody asks. Units are Prometheus' own: seconds and bytes. docs/metrics.md lists all of them.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Meter } from '@opentelemetry/api';
import { DoorMetrics, type OperationMetrics } from './door-metrics.ts';
import { Buckets, Histogram } from './histogram.ts';
import type { CounterFamily, HistogramFamily, Labels } from './recorded-metrics.ts';

/** 50 µs to 10 s. */
const seconds = new Buckets([
	0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]);
const snapshotSeconds = new Buckets([0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120]);
const counts = new Buckets([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]);

/** Where requests wait: in front of a door that is throttled, for their turn, for the disk, for their commit. */
export type Queue = 'door' | 'intake' | 'log' | 'commit';

export class Metrics {
	readonly grpc = new DoorMetrics('grpc', seconds);
	readonly zookeeper = new DoorMetrics('zookeeper', seconds);
	readonly logSyncs = new Histogram(seconds);
	readonly #stages = new HistogramsByLabel('stage', seconds);
	readonly #batches = new HistogramsByLabel('stage', counts);
	readonly #depths = new HistogramsByLabel('queue', counts);
	readonly #snapshots = new Histogram(snapshotSeconds);
	readonly #queues = new Map<Queue, () => number>();
	#meter: Meter | undefined;
	#collect: () => Promise<string> = () => Promise.resolve('');

	/** Use startMetrics(). */
	start(meter: Meter, collect: () => Promise<string>): void {
		this.#meter = meter;
		this.#collect = collect;
		this.#watchProcess();
		this.gauges('queue_requests', 'Requests that wait now, by queue.', () =>
			Array.from(this.#queues, ([queue, length]) => [{ queue }, length()]),
		);
	}

	/** Of a request that came in by gRPC. @param error ZooKeeper's name of it, empty when there was none */
	request(op: string, durationMs: number, error: string): void {
		this.grpc.request(op, durationMs, error);
	}

	batch(stage: string, requests: number, durationMs: number): void {
		this.stage(stage, durationMs);
		this.#batches.of(stage).record(requests);
	}

	stage(stage: string, durationMs: number): void {
		this.#stages.of(stage).record(durationMs / 1000);
	}

	/** How many requests one batch of a stage had: all that was recorded. */
	batchesOf(stage: string): Histogram {
		return this.#batches.of(stage);
	}

	/** @param txns how many waited for it */
	logSync(durationMs: number, txns: number): void {
		this.logSyncs.record(durationMs / 1000);
		this.batch('sync', txns, durationMs);
	}

	/** How long it is now. */
	queue(queue: Queue, length: () => number): void {
		this.#queues.set(queue, length);
	}

	/** Records how long each queue is: at moments that come more often the more there is to do. */
	lookAtQueues(): void {
		for (const [queue, length] of this.#queues) this.#depths.of(queue).record(length());
	}

	snapshot(durationMs: number): void {
		this.#snapshots.record(durationMs / 1000);
	}

	get recordedHistograms(): readonly HistogramFamily[] {
		return [
			{
				name: 'request_duration_seconds',
				description: 'From the door to the answer, by operation and door.',
				unit: 's',
				histograms: () => this.#ofDoors(({ duration }) => duration),
			},
			{
				name: 'stage_duration_seconds',
				description: 'Time a batch spends in a stage.',
				unit: 's',
				histograms: () => this.#stages.all(),
			},
			{
				name: 'stage_batch_requests',
				description: 'Requests in a batch, by stage.',
				unit: '',
				histograms: () => this.#batches.all(),
			},
			{
				name: 'queue_depth_requests',
				description: 'Requests that wait, by queue, seen at each turn of prep.',
				unit: '',
				histograms: () => this.#depths.all(),
			},
			{
				name: 'log_sync_duration_seconds',
				description: 'Time of an fdatasync of the transaction log.',
				unit: 's',
				histograms: () => withoutLabels(this.logSyncs),
			},
			{
				name: 'snapshot_duration_seconds',
				description: 'Time a snapshot takes to be written, in the background.',
				unit: 's',
				histograms: () => withoutLabels(this.#snapshots),
			},
		];
	}

	get recordedCounters(): readonly CounterFamily[] {
		return [
			{
				name: 'request_errors',
				description: "Requests that failed, by operation, door and ZooKeeper's name of the error.",
				unit: '',
				counts: () => this.#errors(),
			},
		];
	}

	get #doors(): readonly DoorMetrics[] {
		return [this.grpc, this.zookeeper];
	}

	*#ofDoors(pick: (operation: OperationMetrics) => Histogram): Generator<readonly [Labels, Histogram]> {
		for (const { door, operations } of this.#doors)
			for (const [op, operation] of operations) yield [{ op, door }, pick(operation)];
	}

	*#errors(): Generator<readonly [Labels, number]> {
		for (const { door, operations } of this.#doors)
			for (const [op, { errors }] of operations)
				for (const [error, count] of errors) yield [{ op, door, error }, count];
	}

	/** Read when somebody asks; undefined leaves it out. */
	gauge(name: string, description: string, read: () => number | undefined): void {
		this.#meter!.createObservableGauge(name, { description }).addCallback((result) => {
			const value = read();
			if (value !== undefined) result.observe(value);
		});
	}

	/** Only ever rises. */
	counter(name: string, description: string, read: () => number | undefined): void {
		this.#meter!.createObservableCounter(name, { description }).addCallback((result) => {
			const value = read();
			if (value !== undefined) result.observe(value);
		});
	}

	/** A gauge with labels, all of them read at once. */
	gauges(name: string, description: string, read: () => Iterable<readonly [Labels, number]>): void {
		this.#meter!.createObservableGauge(name, { description }).addCallback((result) => {
			for (const [labels, value] of read()) result.observe(value, labels);
		});
	}

	counters(name: string, description: string, read: () => Iterable<readonly [Labels, number]>): void {
		this.#meter!.createObservableCounter(name, { description }).addCallback((result) => {
			for (const [labels, value] of read()) result.observe(value, labels);
		});
	}

	/** In Prometheus' text format. */
	scrape(): Promise<string> {
		return this.#collect();
	}

	#watchProcess(): void {
		const delay = monitorEventLoopDelay({ resolution: 10 });
		delay.enable();
		const quantile = this.#meter!.createObservableGauge('event_loop_delay_seconds', {
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

/** One for each value of a label that has come up. */
class HistogramsByLabel {
	readonly #label: string;
	readonly #buckets: Buckets;
	readonly #histograms = new Map<string, Histogram>();

	constructor(label: string, buckets: Buckets) {
		this.#label = label;
		this.#buckets = buckets;
	}

	of(value: string): Histogram {
		let histogram = this.#histograms.get(value);
		if (histogram === undefined) {
			histogram = new Histogram(this.#buckets);
			this.#histograms.set(value, histogram);
		}
		return histogram;
	}

	*all(): Generator<readonly [Labels, Histogram]> {
		for (const [value, histogram] of this.#histograms) yield [{ [this.#label]: value }, histogram];
	}
}

function* withoutLabels(histogram: Histogram): Generator<readonly [Labels, Histogram]> {
	if (histogram.count > 0) yield [{}, histogram];
}

export async function startMetrics(): Promise<Metrics> {
	const [{ MeterProvider }, { PrometheusExporter, PrometheusSerializer }, { RecordedMetrics }] = await Promise.all([
		import('@opentelemetry/sdk-metrics'),
		import('@opentelemetry/exporter-prometheus'),
		import('./recorded-metrics.ts'),
	]);
	const metrics = new Metrics();
	const recorded = new RecordedMetrics(metrics.recordedHistograms, metrics.recordedCounters);
	const reader = new PrometheusExporter({ preventServerStart: true, metricProducers: [recorded] });
	const provider = new MeterProvider({ readers: [reader] });
	const serializer = new PrometheusSerializer('chronokeeper', false, undefined, true, true);
	metrics.start(provider.getMeter('chronokeeper'), async () => {
		const { resourceMetrics, errors } = await reader.collect();
		if (errors.length > 0) throw new AggregateError(errors, 'a metric could not be read');
		return serializer.serialize(resourceMetrics);
	});
	return metrics;
}
