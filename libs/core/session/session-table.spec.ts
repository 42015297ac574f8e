import fc from 'fast-check';
import { expect, it } from 'vitest';
import { errors } from '#jute/errors';
import type { SessionId } from '../model/zxid.ts';
import { sessionPassword } from './session-id.ts';
import { SessionTable } from './session-table.ts';

const tickMs = 500;

function table(committed: ReadonlyMap<SessionId, number> = new Map(), nowMs = 0): SessionTable {
	return new SessionTable({
		serverId: 1,
		tickMs,
		minSessionTimeoutMs: 1000,
		maxSessionTimeoutMs: 10_000,
		committed,
		timeMs: 1_000_000,
		nowMs,
	});
}

it('58: the timeout is clamped, at the start and at each reconnect', () => {
	const sessions = table();
	expect(sessions.open(1, 0).timeoutMs).toBe(1000);
	expect(sessions.open(5000, 0).timeoutMs).toBe(5000);
	const session = sessions.open(1e9, 0);
	expect(session.timeoutMs).toBe(10_000);
	expect(sessions.attach(session.id, sessionPassword(session.id), 3, 1, 0)).toEqual({
		kind: 'attached',
		timeoutMs: 1000,
		password: sessionPassword(session.id),
	});
});

it('59: ids count up and pass over sessions that exist', () => {
	const first = table().open(1000, 0).id;
	const sessions = table(new Map([[(first + 1n) as SessionId, 1000]]));
	expect([sessions.open(1000, 0).id, sessions.open(1000, 0).id]).toEqual([first, first + 2n]);
});

it('60: a wrong password, an unknown and a closing session are refused alike; the real session lives on', () => {
	const sessions = table();
	const session = sessions.open(5000, 0);
	expect(sessions.attach(session.id, new Uint8Array(16), 5000, 2, 0)).toEqual({ kind: 'refused' });
	expect(session.owner).toBe(null);
	const unknown = 77n as SessionId;
	expect(sessions.attach(unknown, sessionPassword(unknown), 5000, 1, 0)).toEqual({ kind: 'refused' });
	expect(sessions.check(session, 1)).toBe(0);
	session.closing = true;
	expect(sessions.attach(session.id, sessionPassword(session.id), 5000, 1, 0)).toEqual({ kind: 'refused' });
});

it('62: a silent session dies in (timeout, timeout + tick], whenever it was last heard', () => {
	fc.assert(
		fc.property(fc.nat(100_000), fc.integer({ min: 1000, max: 10_000 }), (touchedMs, timeoutMs) => {
			const sessions = table();
			const session = sessions.open(timeoutMs, touchedMs);
			let diedMs = touchedMs;
			while (sessions.expire(diedMs).length === 0) diedMs += 1;
			expect(session.closing).toBe(true);
			expect(diedMs - touchedMs).toBeGreaterThan(timeoutMs);
			expect(diedMs - touchedMs).toBeLessThanOrEqual(timeoutMs + tickMs);
		}),
		{ numRuns: 20 },
	);
});

it('62: touching keeps it alive; a restart starts every clock anew', () => {
	const sessions = table();
	const session = sessions.open(1000, 0);
	for (let now = 0; now <= 20_000; now += 900) {
		expect(sessions.expire(now)).toEqual([]);
		sessions.touch(session, now);
	}
	const restarted = table(new Map([[session.id, 1000]]), 50_000);
	expect(restarted.expire(51_000)).toEqual([]);
	expect(restarted.expire(51_500).map((expired) => expired.id)).toEqual([session.id]);
});

it('62: each session expires once', () => {
	const sessions = table();
	sessions.open(1000, 0);
	expect(sessions.expire(5000)).toHaveLength(1);
	expect(sessions.expire(50_000)).toHaveLength(0);
});

it('65: a request through another owner gets SessionMoved; attaching moves the session', () => {
	const sessions = table();
	const session = sessions.open(5000, 0);
	expect(sessions.check(session, 1)).toBe(0);
	expect(sessions.check(session, 2)).toBe(errors.sessionMoved.code);
	sessions.attach(session.id, sessionPassword(session.id), 5000, 2, 0);
	expect(sessions.check(session, 2)).toBe(0);
	expect(sessions.check(session, 1)).toBe(errors.sessionMoved.code);
});

it('14: a closing or unknown session gets SessionExpired', () => {
	const sessions = table();
	const session = sessions.open(5000, 0);
	session.closing = true;
	expect(sessions.check(session, 1)).toBe(errors.sessionExpired.code);
	expect(sessions.check(undefined, 1)).toBe(errors.sessionExpired.code);
});

it('a snapshot holds the sessions whose transaction was applied, and no others', () => {
	const sessions = table();
	const { id } = sessions.open(5000, 0);
	expect(sessions.committed()).toEqual(new Map());
	sessions.opened(id, 5000, 0);
	expect(sessions.committed()).toEqual(new Map([[id, 5000]]));
	sessions.closed(id);
	expect(sessions.committed()).toEqual(new Map());
	expect(sessions.get(id)).toBe(undefined);
});
