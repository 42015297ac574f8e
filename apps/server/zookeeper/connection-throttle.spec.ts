import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectionThrottle, type ConnectionThrottleOptions } from './connection-throttle.ts';

const off: ConnectionThrottleOptions = {
	maxTokens: 0,
	fillCount: 1,
	fillTimeMs: 1,
	freezeTimeMs: -1,
	dropIncrease: 0.02,
	dropDecrease: 0.002,
	decreaseRatio: 0,
};
const never = (): number => 0.999_999;

function admitted(throttle: ConnectionThrottle, attempts: number, nowMs: number): number {
	let count = 0;
	for (let i = 0; i < attempts; i++) if (throttle.admits(1, nowMs)) count += 1;
	return count;
}

describe('ConnectionThrottle', () => {
	it('has no limit by default', () => {
		const throttle = new ConnectionThrottle(off, never, 0);
		expect(admitted(throttle, 10_000, 0)).toBe(10_000);
	});

	it('admits as many as there are tokens, then as many as come back', () => {
		const throttle = new ConnectionThrottle({ ...off, maxTokens: 5, fillCount: 2, fillTimeMs: 10 }, never, 0);
		expect(admitted(throttle, 9, 0)).toBe(5);
		expect(throttle.deficit).toBe(5);
		expect(admitted(throttle, 9, 10)).toBe(0);
		expect(admitted(throttle, 9, 11)).toBe(2);
		expect(admitted(throttle, 9, 26)).toBe(3);
		expect(admitted(throttle, 9, 100_000)).toBe(5);
	});

	it('takes as many tokens as a session weighs, or none', () => {
		const throttle = new ConnectionThrottle({ ...off, maxTokens: 5 }, never, 0);
		expect(throttle.admits(3, 0)).toBe(true);
		expect(throttle.admits(3, 0)).toBe(false);
		expect(throttle.deficit).toBe(3);
		expect(throttle.admits(2, 0)).toBe(true);
	});

	it('turns more and more away while the bucket is empty, and fewer while it is full', () => {
		const options = { ...off, maxTokens: 2, fillCount: 1, fillTimeMs: 1_000_000, freezeTimeMs: 10, dropIncrease: 0.4 };
		const throttle = new ConnectionThrottle({ ...options, dropDecrease: 0.25, decreaseRatio: 0.5 }, never, 0);
		expect(admitted(throttle, 2, 0)).toBe(2);
		expect(throttle.dropChance).toBe(0);
		throttle.admits(1, 10);
		expect(throttle.dropChance).toBe(0);
		throttle.admits(1, 11);
		expect(throttle.dropChance).toBeCloseTo(0.4);
		// Frozen: whatever comes within ten milliseconds changes nothing.
		throttle.admits(1, 12);
		throttle.admits(1, 21);
		expect(throttle.dropChance).toBeCloseTo(0.4);
		throttle.admits(1, 22);
		throttle.admits(1, 33);
		expect(throttle.dropChance).toBe(1);
		// Full again, and still nobody comes in: that takes one step at a time.
		expect(throttle.admits(1, 3_000_000)).toBe(true);
		expect(throttle.dropChance).toBeCloseTo(0.75);
		throttle.admits(2, 3_000_011);
		expect(throttle.dropChance).toBeCloseTo(0.5);
	});

	it('turns the share away that it says', () => {
		const draws = [0.1, 0.3, 0.5];
		const options = {
			...off,
			maxTokens: 3,
			fillTimeMs: 1_000_000,
			freezeTimeMs: 0,
			dropIncrease: 0.4,
			dropDecrease: 0,
		};
		const throttle = new ConnectionThrottle(options, () => draws.shift() ?? 0.999, 0);
		draws.unshift(0.999, 0.999, 0.999, 0.999);
		expect(admitted(throttle, 3, 0)).toBe(3);
		throttle.admits(1, 1);
		expect(throttle.dropChance).toBeCloseTo(0.4);
		const answers = [0, 0, 0].map(() => throttle.admits(1, 4_000_000));
		expect(answers).toEqual([false, false, true]);
	});

	it('never admits more than the bucket and what came into it since', () => {
		const rate = fc.record({
			maxTokens: fc.integer({ min: 1, max: 50 }),
			fillCount: fc.integer({ min: 1, max: 20 }),
			fillTimeMs: fc.integer({ min: 1, max: 100 }),
			freezeTimeMs: fc.constantFrom(-1, 0, 5),
		});
		const steps = fc.array(fc.record({ waitMs: fc.nat(300), attempts: fc.nat(80) }), { maxLength: 30 });
		fc.assert(
			fc.property(rate, steps, (options, all) => {
				const throttle = new ConnectionThrottle({ ...off, ...options }, Math.random, 0);
				let nowMs = 0;
				let total = 0;
				for (const { waitMs, attempts } of all) {
					nowMs += waitMs;
					total += admitted(throttle, attempts, nowMs);
					expect(throttle.deficit).toBeGreaterThanOrEqual(0);
					expect(throttle.deficit).toBeLessThanOrEqual(options.maxTokens);
					expect(throttle.dropChance).toBeGreaterThanOrEqual(0);
					expect(throttle.dropChance).toBeLessThanOrEqual(1);
					expect(total).toBeLessThanOrEqual(options.maxTokens + (nowMs * options.fillCount) / options.fillTimeMs);
				}
			}),
			{ seed: 20_261_121 },
		);
	});
});
