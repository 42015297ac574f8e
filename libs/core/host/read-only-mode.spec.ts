import { beforeEach, describe, expect, it } from 'vitest';
import { errors } from '#jute/errors';
import { SimReplica } from '#test/sim/sim-replica';
import { VirtualTimers } from '#test/sim/virtual-timers';
import { MadeHistory } from '#test/support/stored-history';
import type { ChainOptions } from '../chain/options.ts';
import type { Broadcast, Uplink } from '../chain/wiring.ts';
import type { Caller, Op, Reply } from '../model/op.ts';
import { noSession, type SessionId } from '../model/zxid.ts';
import { sessionPassword } from '../session/session-id.ts';
import { ReadOnlyMode } from './read-only-mode.ts';

const caller: Caller = { door: 'zookeeper', identities: [], address: '' };
const noLeader = new Error('no leader');

/** The host of a member, and what it tells its replica. */
class Member {
	readonly states: string[] = [];
	readonly replica: SimReplica;

	constructor(options: Partial<ChainOptions> = {}) {
		this.replica = new SimReplica({
			isMember: true,
			options,
			events: { stateChanged: (state, { message }) => this.states.push(`${state}: ${message}`) },
		});
	}

	get host() {
		return this.replica.host;
	}

	call(op: Op, sessionId: SessionId = noSession): Reply | undefined {
		let answer: Reply | undefined;
		this.host.submit({ sessionId, cxid: 1, op, caller, reply: (reply) => (answer = reply) });
		this.replica.settle();
		return answer;
	}

	open(): SessionId {
		const result = this.call({ kind: 'createSession', timeoutMs: 10_000 })?.result;
		if (result?.kind !== 'createSession') throw new Error('no session');
		return result.sessionId;
	}

	attach(id: SessionId): string {
		let kind = '';
		this.host.attach(id, sessionPassword(id), 10_000, (answer) => (kind = answer.kind));
		return kind;
	}

	follow(): void {
		const uplink: Uplink = { forward: () => {}, revalidate: () => {}, sync: () => {}, logged: () => {} };
		this.host.follow(uplink);
	}
}

const nothing: Partial<Broadcast> = { propose: () => {}, flush: () => {}, logged: () => {} };
const alone = nothing as Broadcast;

describe('67: when it begins and ends', () => {
	let member: Member;
	let timers: VirtualTimers;
	beforeEach(() => {
		member = new Member();
		timers = new VirtualTimers();
	});

	it('67: a member that finds no leader serves reads after the grace, until an election is decided', () => {
		const mode = new ReadOnlyMode(member.host, timers.after, 2000);
		mode.looking();
		timers.advance(1999);
		expect(member.host.state).toBe('looking');
		timers.advance(1);
		expect([member.host.state, member.host.role]).toEqual(['readOnly', 'readOnly']);
		mode.end('decided');
		expect([member.host.state, member.host.role]).toEqual(['looking', 'none']);
		expect(member.states).toEqual(['readOnly: ', 'looking: decided']);
		mode.looking();
		timers.advance(2000);
		expect(member.host.isReadOnly).toBe(true);
	});

	it('67: not when there is a leader in time, and not with readonlymode.enabled=false', () => {
		const mode = new ReadOnlyMode(member.host, timers.after, 2000);
		mode.looking();
		timers.advance(1000);
		mode.end('decided');
		timers.advance(10_000);
		expect(member.host.state).toBe('looking');
		new ReadOnlyMode(member.host, timers.after, null).looking();
		timers.advance(10_000);
		expect(member.states).toEqual([]);
	});

	it('67: a replica that serves, or whose log failed, stays what it is', () => {
		member.follow();
		member.host.serveReadOnly();
		expect(member.host.state).toBe('serving');
		member.replica.log.fail(new Error('no space left on device'));
		member.host.look(noLeader);
		member.host.serveReadOnly();
		expect(member.host.state).toBe('logFailed');
	});
});

it('67: what is logged and not committed is not shown, and may be committed by the next leader', () => {
	const member = new Member();
	const { host, replica } = member;
	const [session, ...records] = new MadeHistory().add(1, 1, 3);
	host.follow({ forward: () => {}, revalidate: () => {}, sync: () => {}, logged: () => {} });
	host.member((roles) => roles.proposed(session!));
	host.commit(session!.header.zxid);
	for (const record of records) host.member((roles) => roles.proposed(record));
	host.endBatch();
	replica.settle();
	expect(host.lastLogged).toBe(records.at(-1)!.header.zxid);
	host.look(noLeader);
	host.serveReadOnly();
	const nodes = host.tree.size;
	expect(host.lastProcessedZxid).toBe(session!.header.zxid);
	const reader = member.open();
	expect(member.call({ kind: 'getData', path: '/', watch: false }, reader)).toMatchObject({ error: 0 });
	host.look(noLeader);
	host.lead(alone, 2);
	expect(host.lastProcessedZxid).toBe(records.at(-1)!.header.zxid);
	expect(host.tree.size).toBeGreaterThan(nodes);
});

describe('67: sessions of a read-only replica', () => {
	it.each([
		[false, 'refused'],
		[true, 'attached'],
	])('67: with local sessions %s they are %s where there is a leader again', (localSessionsEnabled, expected) => {
		const member = new Member({ localSessionsEnabled });
		member.host.serveReadOnly();
		const id = member.open();
		expect(member.attach(id)).toBe('attached');
		expect(member.replica.disk.records).toEqual([]);
		member.host.look(noLeader);
		member.host.lead(alone, 1);
		expect(member.attach(id)).toBe(expected);
	});

	it('67: none of them writes, and who has none reads nothing', () => {
		const member = new Member({ localSessionsEnabled: true, localSessionsUpgradingEnabled: true });
		member.host.serveReadOnly();
		const id = member.open();
		const ephemeral: Op = { kind: 'create', path: '/e', data: null, acl: [], mode: 'ephemeral', withStat: false };
		expect(member.call(ephemeral, id)?.error).toBe(errors.notReadOnly.code);
		expect(member.call({ kind: 'sync', path: '/' }, id)?.error).toBe(errors.notReadOnly.code);
		expect(member.call({ kind: 'getData', path: '/', watch: false })?.error).toBe(errors.connectionLoss.code);
		expect(member.replica.disk.records).toEqual([]);
		expect(member.call({ kind: 'closeSession' }, id)?.error).toBe(0);
		expect(member.attach(id)).toBe('refused');
	});
});
