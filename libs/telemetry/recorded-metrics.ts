/** Hands what was counted here to OpenTelemetry's SDK when it collects. */
import { type HrTime, ValueType } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
	AggregationTemporality,
	type CollectionResult,
	DataPointType,
	type MetricData,
	type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { Histogram } from './histogram.ts';

export type Labels = Readonly<Record<string, string>>;

export interface RecordedFamily {
	readonly name: string;
	readonly description: string;
	readonly unit: string;
}

export interface HistogramFamily extends RecordedFamily {
	readonly histograms: () => Iterable<readonly [Labels, Histogram]>;
}

export interface CounterFamily extends RecordedFamily {
	readonly counts: () => Iterable<readonly [Labels, number]>;
}

export class RecordedMetrics implements MetricProducer {
	readonly #histograms: readonly HistogramFamily[];
	readonly #counters: readonly CounterFamily[];
	readonly #startTime = timeNow();

	constructor(histograms: readonly HistogramFamily[], counters: readonly CounterFamily[]) {
		this.#histograms = histograms;
		this.#counters = counters;
	}

	async collect(): Promise<CollectionResult> {
		const metrics = [
			...this.#histograms.map((family) => this.#histogramData(family)),
			...this.#counters.map((family) => this.#counterData(family)),
		].filter(({ dataPoints }) => dataPoints.length > 0);
		const scopeMetrics = [{ scope: { name: 'chronokeeper' }, metrics }];
		return { resourceMetrics: { resource: resourceFromAttributes({}), scopeMetrics }, errors: [] };
	}

	#histogramData(family: HistogramFamily): MetricData {
		const dataPoints = Array.from(family.histograms(), ([attributes, histogram]) => {
			const { count, sum, buckets } = histogram;
			const value = { buckets: { boundaries: [...buckets.shown], counts: histogram.shownCounts() }, count, sum };
			return { ...this.#times(), attributes, value };
		});
		return { ...described(family), dataPointType: DataPointType.HISTOGRAM, dataPoints };
	}

	#counterData(family: CounterFamily): MetricData {
		const dataPoints = Array.from(family.counts(), ([attributes, value]) => ({ ...this.#times(), attributes, value }));
		return { ...described(family), dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
	}

	#times() {
		return { startTime: this.#startTime, endTime: timeNow() };
	}
}

function described({ name, description, unit }: RecordedFamily) {
	return {
		descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
		aggregationTemporality: AggregationTemporality.CUMULATIVE,
	} as const;
}

function timeNow(): HrTime {
	const ms = performance.timeOrigin + performance.now();
	return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}
