import { describe, expect, it } from 'vitest';
import { opCode } from '#jute/op-codes';
import { RequestThrottle } from './request-throttle.ts';

const off = { maxRequests: 0, dropStale: true, staleLatencyCheck: false, throttledOpWaitMs: 0 };
const hourMs = 3_600_000;

describe('RequestThrottle', () => {
	it('does nothing by default', () => {
		const throttle = new RequestThrottle(off);
		expect(throttle.isFull(1_000_000)).toBe(false);
		expect(throttle.looksAtAge).toBe(false);
		expect(throttle.verdict(opCode.setData, hourMs, 4000)).toBe('take');
	});

	it('is full from its limit on', () => {
		const throttle = new RequestThrottle({ ...off, maxRequests: 10 });
		expect([9, 10, 11].map((outstanding) => throttle.isFull(outstanding))).toEqual([false, true, true]);
		expect(throttle.looksAtAge).toBe(false);
	});

	it('answers ThrottledOp to what waited too long, but never to what a session lives by', () => {
		const throttle = new RequestThrottle({ ...off, throttledOpWaitMs: 100 });
		expect(throttle.looksAtAge).toBe(true);
		expect(throttle.verdict(opCode.setData, 100, 4000)).toBe('take');
		expect(throttle.verdict(opCode.setData, 101, 4000)).toBe('refuse');
		for (const type of [opCode.ping, opCode.createSession, opCode.closeSession]) {
			expect(throttle.verdict(type, 101, 4000)).toBe('take');
		}
	});

	it('lets authentication pass: it is answered by the door', () => {
		const throttle = new RequestThrottle({ ...off, maxRequests: 1, staleLatencyCheck: true, throttledOpWaitMs: 1 });
		for (const type of [opCode.auth, opCode.sasl]) expect(throttle.verdict(type, hourMs, 4000)).toBe('take');
	});

	it('closes the connection of what waited longer than its session may be silent, when all three keys say so', () => {
		const all = { ...off, maxRequests: 10, staleLatencyCheck: true };
		const throttle = new RequestThrottle(all);
		expect(throttle.looksAtAge).toBe(true);
		expect(throttle.verdict(opCode.getData, 4000, 4000)).toBe('take');
		expect(throttle.verdict(opCode.getData, 4001, 4000)).toBe('close');
		expect(throttle.verdict(opCode.closeSession, 4001, 4000)).toBe('take');
		for (const part of [{ maxRequests: 0 }, { dropStale: false }, { staleLatencyCheck: false }]) {
			expect(new RequestThrottle({ ...all, ...part }).verdict(opCode.getData, 4001, 4000)).toBe('take');
		}
	});
});
