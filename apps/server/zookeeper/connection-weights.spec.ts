import { expect, it } from 'vitest';
import { noSession, type SessionId } from '#core/model/zxid';
import { ConnectionWeights } from './connection-weights.ts';

const weights = { enabled: true, global: 3, local: 1, renew: 2 };
const session = 1n as SessionId;

it('counts a session as one token without weights', () => {
	const none = new ConnectionWeights({ ...weights, enabled: false });
	expect([none.of(noSession, false), none.of(noSession, true), none.of(session, false)]).toEqual([1, 1, 1]);
	expect(none.tokens(10)).toBe(10);
});

it('weighs new global, new local and renewed sessions, and measures the bucket in global ones', () => {
	const some = new ConnectionWeights(weights);
	expect([some.of(noSession, false), some.of(noSession, true), some.of(session, true)]).toEqual([3, 1, 2]);
	expect(some.tokens(10)).toBe(30);
});

it('holds no session for cheaper than a local one', () => {
	const odd = new ConnectionWeights({ enabled: true, global: 2, local: 5, renew: 1 });
	expect([odd.global, odd.local, odd.renew]).toEqual([5, 5, 5]);
});
