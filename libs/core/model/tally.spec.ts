import { expect, it } from 'vitest';
import { Tally } from './tally.ts';

it('counts, adds up and keeps the bounds; a reset begins anew', () => {
	const tally = new Tally();
	const figures = () => [tally.count, tally.sum, tally.min, tally.max, tally.mean];
	expect(figures()).toEqual([0, 0, 0, 0, 0]);
	for (const value of [5, 2, 8]) tally.add(value);
	expect(figures()).toEqual([3, 15, 2, 8, 5]);
	tally.reset();
	tally.add(7);
	expect(figures()).toEqual([1, 7, 7, 7, 7]);
});
