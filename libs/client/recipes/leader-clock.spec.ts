import { describe, expect, it } from 'vitest';
import { LeaderClock } from './leader-clock.ts';

describe('the leader’s clock', () => {
	it('is known to half a round trip, and the shortest one counts', () => {
		let ms = 1000;
		const clock = new LeaderClock(() => ms);
		expect(clock.now()).toBeUndefined();
		const first = clock.read();
		ms += 100;
		clock.observe(500_000, first);
		expect(clock.now()).toBe(500_050);
		const second = clock.read();
		ms += 10;
		clock.observe(500_060, second);
		expect(clock.now()).toBe(500_065);
		const slow = clock.read();
		ms += 200;
		clock.observe(500_070, slow);
		expect(clock.now()).toBe(500_265);
	});

	it('is that of the next leader, when it says what cannot be true of the last one', () => {
		let ms = 0;
		const clock = new LeaderClock(() => ms);
		clock.observe(1_000_000, clock.read());
		const sent = clock.read();
		ms += 50;
		clock.observe(900_000, sent);
		expect(clock.now()).toBe(900_025);
	});

	it('is asked again when the last word is long ago', () => {
		let ms = 0;
		const clock = new LeaderClock(() => ms);
		clock.observe(1_000_000, clock.read());
		ms += 100_000;
		const sent = clock.read();
		ms += 100;
		clock.observe(1_100_040, sent);
		expect(clock.now()).toBe(1_100_090);
	});
});
