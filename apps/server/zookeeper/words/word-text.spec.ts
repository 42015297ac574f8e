import { expect, it } from 'vitest';
import { WordText } from './word-text.ts';

it('is cut off where it would become too long, and says so', () => {
	const text = new WordText(100);
	let lines = 0;
	while (text.line('0123456789')) lines += 1;
	expect(lines).toBe(9);
	expect(text.line('more')).toBe(false);
	expect(text.toString()).toBe(
		`${'0123456789\n'.repeat(9)}... cut off here: the answer is longer than 100 characters\n`,
	);
});
