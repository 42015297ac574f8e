import { expect, it } from 'vitest';
import { socketLimit } from './socket-limit.ts';

const limits = (files: string): string =>
	`Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${files}                20000                files\n`;

it('leaves descriptors to the rest of the process', () => {
	expect(socketLimit(limits('20000'))).toBe(19_872);
	expect(socketLimit(limits('1024'))).toBe(896);
	expect(socketLimit(limits('100'))).toBe(50);
});

it('is none where there is none, or where nobody says', () => {
	expect(socketLimit(limits('unlimited'))).toBe(Number.POSITIVE_INFINITY);
	expect(socketLimit('')).toBe(Number.POSITIVE_INFINITY);
});

it('is known of this process where the system says it', () => {
	expect(socketLimit()).toBeGreaterThan(10);
});
