import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parentOf, spanOf } from './rows.ts';

it('spanOf is floor(log4), exactly: the classes that children_at() and tree_at() look in', () => {
	for (let k = 0; k <= 26; k++) {
		const least = 4 ** k;
		expect(spanOf(least)).toBe(k);
		if (k > 0) expect(spanOf(least - 1)).toBe(k - 1);
	}
	fc.assert(
		fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (zxids) => {
			const span = spanOf(zxids);
			return 4n ** BigInt(span) <= BigInt(zxids) && BigInt(zxids) < 4n ** BigInt(span + 1);
		}),
	);
});

it('parentOf', () => {
	expect(['/', '/a', '/a/b', '/a/b/c'].map(parentOf)).toEqual([null, '/', '/a', '/a/b']);
});
