import { describe, expect, it } from 'vitest';
import { LargeRequests } from './large-requests.ts';

describe('LargeRequests', () => {
	it('counts nothing while there is no threshold', () => {
		const large = new LargeRequests(-1, 100);
		expect(large.admits(1_000_000)).toBe(true);
		expect(large.bytes).toBe(0);
	});

	it('admits large requests up to the byte, and again when others are finished', () => {
		const large = new LargeRequests(10, 100);
		expect(large.admits(60)).toBe(true);
		expect(large.admits(41)).toBe(false);
		expect(large.admits(40)).toBe(true);
		expect(large.bytes).toBe(100);
		expect(large.rejected).toBe(1);
		large.finished(60);
		expect(large.bytes).toBe(40);
		expect(large.admits(60)).toBe(true);
	});

	it('lets small requests pass whatever is under way', () => {
		const large = new LargeRequests(10, 100);
		large.admits(100);
		expect(large.admits(10)).toBe(true);
		expect(large.admits(11)).toBe(false);
		large.finished(10);
		expect(large.bytes).toBe(100);
	});
});
