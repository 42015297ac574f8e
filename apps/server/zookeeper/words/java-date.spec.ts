import { expect, it } from 'vitest';
import { javaDate } from './java-date.ts';

it('is as Java prints it', () => {
	const date = new Date(2026, 10, 1, 3, 4, 5);
	expect(javaDate(date.getTime())).toMatch(/^Sun Nov 01 03:04:05 \S+ 2026$/);
});
