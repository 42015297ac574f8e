import { describe, expect, it } from 'vitest';
import { seeded } from '#test/support/random-writes';
import { lineDifference } from './line-difference.ts';

function shown(one: string, other: string): string[] {
	return lineDifference(one, other).map(({ sign, line }) => `${sign}${line}`);
}

describe('the difference of two texts', () => {
	it('is what was taken away and what was added, with two lines around it, and a mark for the rest', () => {
		const one = 'a\nb\nc\nd\ne\nf\ng\nh';
		expect(shown(one, one.replace('e', 'E\nE'))).toEqual(['…', ' c', ' d', '-e', '+E', '+E', ' f', ' g', '…']);
		expect(shown('', 'x')).toEqual(['-', '+x']);
		expect(shown('same', 'same')).toEqual(['…']);
	});

	it('makes the one text the other, whatever they are', () => {
		const random = seeded(7);
		const text = () =>
			Array.from({ length: Math.floor(random() * 12) }, () => 'abc'[Math.floor(random() * 3)]).join('\n');
		for (let i = 0; i < 500; i++) {
			const [one, other] = [`${text()}\n.`, `${text()}\n.`];
			const all = lineDifference(one, other);
			// Lines that are far from any difference are left out: of those that are there the order must be right.
			const side = (sign: string) =>
				all.filter((each) => each.sign === ' ' || each.sign === sign).map(({ line }) => line);
			expect(isWithin(side('-'), one.split('\n'))).toBe(true);
			expect(isWithin(side('+'), other.split('\n'))).toBe(true);
			const count = (sign: string) => all.filter((each) => each.sign === sign).length;
			expect(count('+') - count('-')).toBe(other.split('\n').length - one.split('\n').length);
			expect(count('+') + count('-') === 0).toBe(one === other);
		}
	});
});

/** All of the first, in their order. */
function isWithin(some: readonly string[], all: readonly string[]): boolean {
	let at = 0;
	for (const line of all) if (line === some[at]) at++;
	return at === some.length;
}
