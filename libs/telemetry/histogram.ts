/**
 * Counts of values by bucket, at a fiftieth of what OpenTelemetry's own cost: one is recorded for every request. The buckets are finer than those that /metrics shows, so that
 * quantiles can be read from them as well.
 */

/** Each bucket of /metrics is so many here. */
const finer = 4;

export class Buckets {
	/** Upper ends, inclusive, as /metrics shows them; what is above the last one is in a bucket of its own. */
	readonly shown: readonly number[];
	/** Upper ends, inclusive. */
	readonly bounds: Float64Array;

	constructor(shown: readonly number[]) {
		this.shown = shown;
		this.bounds = Float64Array.from(
			shown.flatMap((end, index) => {
				const start = shown[index - 1] ?? 0;
				return Array.from({ length: finer }, (_, i) =>
					i === finer - 1 ? end : start + ((end - start) * (i + 1)) / finer,
				);
			}),
		);
	}

	indexOf(value: number): number {
		const { bounds } = this;
		let from = 0;
		let to = bounds.length;
		while (from < to) {
			const middle = (from + to) >> 1;
			if (bounds[middle]! < value) from = middle + 1;
			else to = middle;
		}
		return from;
	}
}

/** What was recorded until some moment. */
export interface Recorded {
	readonly buckets: Buckets;
	readonly count: number;
	readonly sum: number;
	/** Ever. */
	readonly max: number;
	/** By bucket; the last one has what is above all. */
	readonly counts: Float64Array;
}

export class Histogram implements Recorded {
	count = 0;
	sum = 0;
	max = 0;
	readonly buckets: Buckets;
	readonly counts: Float64Array;

	constructor(buckets: Buckets) {
		this.buckets = buckets;
		this.counts = new Float64Array(buckets.bounds.length + 1);
	}

	record(value: number): void {
		this.count += 1;
		this.sum += value;
		if (value > this.max) this.max = value;
		this.counts[this.buckets.indexOf(value)]! += 1;
	}

	/** As it is now. */
	copy(): Recorded {
		const { buckets, count, sum, max, counts } = this;
		return { buckets, count, sum, max, counts: counts.slice() };
	}

	/** By the buckets of /metrics. */
	shownCounts(): number[] {
		const counts = this.buckets.shown.map((_, index) => {
			let sum = 0;
			for (let i = index * finer; i < (index + 1) * finer; i++) sum += this.counts[i]!;
			return sum;
		});
		return [...counts, this.counts.at(-1)!];
	}
}

/** What came between two moments. @param before undefined: nothing was recorded yet */
export function since(before: Recorded | undefined, now: Recorded): Recorded {
	if (before === undefined) return now;
	return {
		buckets: now.buckets,
		count: now.count - before.count,
		sum: now.sum - before.sum,
		max: now.max,
		counts: now.counts.map((count, index) => count - before.counts[index]!),
	};
}

/** The value that so large a part, from 0 to 1, did not exceed, to the width of a bucket; 1: the upper end of the last bucket that has any. 0 when nothing was recorded. */
export function quantile({ buckets, counts, count, max }: Recorded, part: number): number {
	if (count === 0) return 0;
	const wanted = count * part;
	let seen = 0;
	let value = 0;
	for (const [index, inside] of counts.entries()) {
		if (inside === 0) continue;
		const start = index === 0 ? 0 : buckets.bounds[index - 1]!;
		// Nothing is above the greatest that there ever was.
		const end = Math.min(max, buckets.bounds[index] ?? max);
		const share = Math.min(1, Math.max(0, (wanted - seen) / inside));
		value = start + Math.max(0, end - start) * share;
		seen += inside;
		if (seen >= wanted) return value;
	}
	return value;
}
