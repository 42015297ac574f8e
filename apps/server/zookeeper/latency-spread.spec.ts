import { expect, it } from 'vitest';
import { LatencySpread } from './latency-spread.ts';

it('gives the percentiles of what was measured', () => {
	const spread = new LatencySpread();
	expect(spread.percentileMs(0.5)).toBe(0);
	for (let ms = 1; ms <= 1000; ms++) spread.add(ms + 0.25);
	expect([0.5, 0.95, 0.99, 0.999, 1].map((part) => spread.percentileMs(part))).toEqual([500, 950, 990, 999, 1000]);
	expect(spread).toMatchObject({ count: 1000, min: 1.25, max: 1000.25 });
	spread.reset();
	spread.add(0.9);
	expect(spread.percentileMs(0.99)).toBe(0);
});

it('keeps the greatest exactly where it no longer tells latencies apart', () => {
	const spread = new LatencySpread();
	for (let at = 0; at < 99; at++) spread.add(3);
	spread.add(90_000);
	expect(spread.percentileMs(0.99)).toBe(3);
	expect(spread.percentileMs(0.999)).toBe(90_000);
});
