import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Buckets, Histogram, quantile, since } from './histogram.ts';

const buckets = new Buckets([1, 2, 4]);

describe('a histogram', () => {
	it('counts by the buckets of Prometheus, whose upper ends are inside', () => {
		const histogram = new Histogram(buckets);
		for (const value of [0, 0.2, 1, 1.0001, 2, 3, 4, 4.0001, 1e9]) histogram.record(value);
		expect(histogram.shownCounts()).toEqual([3, 2, 2, 2]);
		expect(histogram).toMatchObject({ count: 9, max: 1e9 });
		expect([...buckets.bounds]).toEqual([0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4]);
	});

	it('puts each value where a search from the beginning finds it', () => {
		const naive = (value: number) => {
			const index = [...buckets.bounds].findIndex((bound) => value <= bound);
			return index === -1 ? buckets.bounds.length : index;
		};
		fc.assert(
			fc.property(fc.double({ min: 0, max: 5, noNaN: true }), (value) => {
				expect(buckets.indexOf(value)).toBe(naive(value));
			}),
		);
	});

	it('gives quantiles that are off by a bucket at most', () => {
		fc.assert(
			fc.property(
				fc.array(fc.double({ min: 0, max: 4, noNaN: true }), { minLength: 1, maxLength: 200 }),
				fc.double({ min: 0.01, max: 1, noNaN: true }),
				(values, part) => {
					const histogram = new Histogram(buckets);
					for (const value of values) histogram.record(value);
					const exact = values.toSorted((a, b) => a - b)[Math.ceil(values.length * part) - 1]!;
					expect(Math.abs(buckets.indexOf(quantile(histogram, part)) - buckets.indexOf(exact))).toBeLessThanOrEqual(1);
				},
			),
		);
		expect(quantile(new Histogram(buckets), 0.5)).toBe(0);
		const one = new Histogram(buckets);
		one.record(100);
		expect([quantile(one, 0.5) > 4, quantile(one, 1)]).toEqual([true, 100]);
	});

	it('tells what came between two moments', () => {
		const histogram = new Histogram(buckets);
		for (let i = 0; i < 100; i++) histogram.record(0.1);
		const before = histogram.copy();
		histogram.record(3.9);
		histogram.record(3.9);
		const between = since(before, histogram);
		expect(between.count).toBe(2);
		expect(between.sum).toBeCloseTo(7.8, 9);
		expect(quantile(between, 0.5)).toBeGreaterThan(3.5);
		expect(quantile(since(undefined, histogram), 0.5)).toBeLessThan(0.25);
		expect(before.count).toBe(100);
	});
});
