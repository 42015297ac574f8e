/** audit.mode=strict of a single server: a write is committed when it is on the disk and mirrored, and with a mirror that takes nothing new ones are refused. */
import { describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { errors } from '#jute/errors';
import { SimReplica } from '#test/sim/sim-replica';
import type { ChainOptions } from '../chain/options.ts';
import type { Caller, Op, Reply, Request } from '../model/op.ts';
import { noSession, type SessionId, type Zxid } from '../model/zxid.ts';

const caller: Caller = { door: 'grpc', identities: [], address: '' };
const patienceMs = 5000;
const timeoutMs = 10_000;
const notReadOnly = errors.notReadOnly.code;

class Strict {
	readonly writable: Zxid[] = [];
	readonly replica: SimReplica;

	constructor(options: Partial<ChainOptions> = {}) {
		const mirror = (zxid: Zxid) => void this.writable.push(zxid);
		this.replica = new SimReplica({ options, strict: { patienceMs, mirror } });
	}

	get host() {
		return this.replica.host;
	}

	/** What came of it, once the disk has done what it can. */
	submit(op: Op, more: Partial<Request> = {}): Reply[] {
		const replies: Reply[] = [];
		this.host.submit({ sessionId: noSession, cxid: 1, op, caller, reply: (reply) => replies.push(reply), ...more });
		this.replica.settle();
		return replies;
	}

	create(path: string, more: Partial<Request> = {}): Reply[] {
		return this.submit({ kind: 'create', path, data: null, acl: openAcl, mode: 'persistent', withStat: false }, more);
	}

	exists(path: string, more: Partial<Request> = {}): number[] {
		return this.submit({ kind: 'exists', path, watch: false }, more).map(({ error }) => error);
	}

	/** PostgreSQL has everything that it may. */
	mirrored(): void {
		this.host.mirrored(this.writable.at(-1)!);
		this.replica.settle();
	}

	open(): SessionId {
		const replies = this.submit({ kind: 'createSession', timeoutMs });
		this.mirrored();
		const result = replies[0]?.result;
		if (result?.kind !== 'createSession') throw new Error('no session');
		return result.sessionId;
	}

	/** A write that waits for PostgreSQL, and it is away for as long as the patience is. */
	overdue(): Reply[] {
		const waiting = this.create('/waits');
		this.replica.advance(patienceMs + 100);
		return waiting;
	}
}

describe('audit.mode=strict', () => {
	it('a write is seen and acknowledged when it is on the disk and mirrored, in order and once', () => {
		const strict = new Strict();
		const [one, two] = [strict.create('/one'), strict.create('/two')];
		expect(strict.writable).toEqual([1, 2]);
		expect([one, two, strict.exists('/one')]).toEqual([[], [], [errors.noNode.code]]);
		strict.host.mirrored(1 as Zxid);
		expect([one.length, two.length, strict.exists('/one'), strict.exists('/two')]).toEqual([
			1,
			0,
			[0],
			[errors.noNode.code],
		]);
		strict.host.mirrored(1 as Zxid);
		// One that is ahead proves nothing about this disk.
		strict.host.mirrored(9 as Zxid);
		expect([one.length, two.length, strict.exists('/two')]).toEqual([1, 1, [0]]);
		const three = strict.create('/three');
		expect(three).toMatchObject([{ error: 0, zxid: 3 }]);
	});

	it('new writes are refused when PostgreSQL has taken nothing for so long, and taken when it does', () => {
		const strict = new Strict();
		const waiting = strict.create('/waits');
		strict.replica.advance(patienceMs - 100);
		expect(strict.create('/also')).toEqual([]);
		// It moved: from now on it may take as long again.
		strict.host.mirrored(1 as Zxid);
		expect(waiting).toMatchObject([{ error: 0 }]);
		strict.replica.advance(patienceMs - 100);
		expect(strict.host.refusals.areWritesRefused).toBe(false);
		strict.replica.advance(200);
		expect(strict.host.refusals.areWritesRefused).toBe(true);
		expect(strict.create('/refused')).toMatchObject([{ error: notReadOnly }]);
		expect(strict.exists('/waits')).toEqual([0]);
		// Only with a transaction can what a learner forwards be answered.
		expect(strict.create('/forwarded', { owner: 3 })).toEqual([]);
		strict.mirrored();
		expect(strict.host.refusals.areWritesRefused).toBe(false);
		expect([strict.exists('/also'), strict.exists('/refused')]).toEqual([[0], [errors.noNode.code]]);
		const taken = strict.create('/taken');
		strict.mirrored();
		expect(taken).toMatchObject([{ error: 0 }]);
	});

	it('a mirror that nobody waits for may be away for as long as it likes', () => {
		const strict = new Strict();
		strict.create('/a');
		strict.mirrored();
		strict.replica.advance(10 * patienceMs);
		expect(strict.host.refusals.areWritesRefused).toBe(false);
		expect(strict.create('/b')).toEqual([]);
		// The patience begins when somebody waits.
		expect(strict.host.refusals.areWritesRefused).toBe(false);
	});

	it('53, 62: sessions live on, neither begin nor end, and expire when that can be recorded', () => {
		const strict = new Strict();
		const [used, silent] = [strict.open(), strict.open()];
		strict.overdue();
		const txns = strict.host.stats.txnsApplied;
		expect(strict.submit({ kind: 'createSession', timeoutMs })).toMatchObject([{ error: notReadOnly }]);
		expect(strict.submit({ kind: 'closeSession' }, { sessionId: used })).toMatchObject([{ error: notReadOnly }]);
		for (let passed = 0; passed < 3 * timeoutMs; passed += 1000) {
			strict.replica.advance(1000);
			expect(strict.exists('/', { sessionId: used })).toEqual([0]);
		}
		expect([strict.host.sessions.get(silent)?.closing, strict.host.stats.sessionsExpired]).toEqual([false, 0]);
		strict.mirrored();
		strict.replica.advance(1000);
		strict.mirrored();
		expect(strict.host.stats.txnsApplied).toBe(txns + 2);
		expect([strict.host.sessions.get(silent), strict.host.sessions.get(used)?.closing]).toEqual([undefined, false]);
	});

	it('66: local sessions begin and end meanwhile: they are no transactions', () => {
		const strict = new Strict({ localSessionsEnabled: true });
		strict.overdue();
		const [reply] = strict.submit({ kind: 'createSession', timeoutMs });
		const { sessionId } = reply!.result as { sessionId: SessionId };
		expect(strict.exists('/', { sessionId })).toEqual([0]);
		expect(strict.submit({ kind: 'closeSession' }, { sessionId })).toMatchObject([{ error: 0 }]);
	});

	it('33: containers stay meanwhile', () => {
		const strict = new Strict({ containerCheckIntervalMs: 1000, containerMaxNeverUsedIntervalMs: 1000 });
		strict.submit({ kind: 'create', path: '/c', data: null, acl: openAcl, mode: 'container', withStat: false });
		strict.mirrored();
		strict.overdue();
		strict.replica.advance(10_000);
		expect(strict.exists('/c')).toEqual([0]);
		strict.mirrored();
		strict.replica.advance(10_000);
		strict.mirrored();
		expect(strict.exists('/c')).toEqual([errors.noNode.code]);
	});
});
