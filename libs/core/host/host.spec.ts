import { expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { errors } from '#jute/errors';
import { SimReplica } from '#test/sim/sim-replica';
import type { Broadcast } from '../chain/wiring.ts';
import type { Caller, Op, Reply, Request } from '../model/op.ts';
import { noSession, type SessionId } from '../model/zxid.ts';
import type { HostState } from './host-parts.ts';

const caller: Caller = { door: 'grpc', identities: [], address: '' };

function submit(replica: SimReplica, op: Op, more: Partial<Request> = {}): Reply[] {
	const replies: Reply[] = [];
	replica.host.submit({ sessionId: noSession, cxid: 1, op, caller, reply: (reply) => replies.push(reply), ...more });
	return replies;
}

function create(path: string, mode: 'persistent' | 'ephemeral' = 'persistent'): Op {
	return { kind: 'create', path, data: new Uint8Array(100), acl: openAcl, mode, withStat: true };
}

function openSession(replica: SimReplica, timeoutMs = 10_000): SessionId {
	const replies = submit(replica, { kind: 'createSession', timeoutMs });
	replica.settle();
	const result = replies[0]?.result;
	if (result?.kind !== 'createSession') throw new Error('no session');
	return result.sessionId;
}

it('answers once, and never from inside submit', () => {
	const replica = new SimReplica();
	const written = submit(replica, create('/a'));
	const read = submit(replica, { kind: 'getData', path: '/', watch: false });
	expect([written, read]).toEqual([[], []]);
	expect(replica.host.outstanding).toBe(2);
	replica.settle();
	expect([written.length, read.length]).toEqual([1, 1]);
	expect(replica.host.outstanding).toBe(0);
});

it('what waits for its turn has it behind all that was submitted before, and in front of what comes', () => {
	const replica = new SimReplica();
	const seen: number[] = [];
	const look = (): unknown => seen.push(replica.host.queues.intake);
	replica.host.inTurn(look);
	submit(replica, create('/a'));
	submit(replica, create('/b'));
	replica.host.inTurn(look);
	submit(replica, create('/c'));
	replica.host.inTurn(look);
	expect(seen).toEqual([0]);
	replica.settle();
	expect(seen).toEqual([0, 1, 0]);
});

it('77: a tree that is not what the record says stops the replica, loudly', () => {
	const states: string[] = [];
	const replica = new SimReplica({
		events: { stateChanged: (state, reason) => states.push(`${state}: ${reason.message}`) },
	});
	submit(replica, create('/a'));
	replica.settle();
	const written = submit(replica, { kind: 'setData', path: '/a', data: null, version: -1 });
	replica.run();
	// A bit flips in memory: what is applied now differs from what prep saw.
	const header = { sessionId: noSession, cxid: 0, zxid: replica.host.lastProcessedZxid, time: 0 };
	replica.host.tree.apply({ header, txn: { kind: 'setData', path: '/', data: Uint8Array.of(1), version: 1 } });
	replica.settle();
	expect(states).toHaveLength(1);
	expect(states[0]).toMatch(
		/^broken: broken invariant: equal digest at equal zxid. After 0x2 the tree has 0x[0-9a-f]+,/,
	);
	expect(replica.host.state).toBe('broken');
	expect(written.map(({ error }) => error)).toEqual([errors.connectionLoss.code]);
	const read = submit(replica, { kind: 'getData', path: '/', watch: false });
	const write = submit(replica, create('/b'));
	replica.settle();
	expect([read[0]?.error, write[0]?.error]).toEqual([errors.systemError.code, errors.systemError.code]);
	expect(replica.host.outstanding).toBe(0);
});

it('a door that throws harms no other request', () => {
	const problems: unknown[] = [];
	const replica = new SimReplica({ events: { requestFailed: (error) => problems.push(error) } });
	for (const op of [create('/a'), { kind: 'ping' } as const]) {
		replica.host.submit({
			sessionId: noSession,
			cxid: 0,
			op,
			caller,
			reply: () => {
				throw new Error('socket is gone');
			},
		});
	}
	const next = submit(replica, create('/b'));
	replica.settle();
	expect(problems).toHaveLength(2);
	expect(next[0]?.error).toBe(0);
	expect([replica.host.state, replica.host.outstanding]).toEqual(['serving', 0]);
});

it('holds back while the log is behind, expires nobody meanwhile, and goes on', () => {
	const replica = new SimReplica({
		options: { maxPendingLogBytes: 500, maxBatch: 2, minSessionTimeoutMs: 1000, tickMs: 500 },
	});
	const sessionId = openSession(replica, 1000);
	const replies = Array.from({ length: 20 }, (_, i) => submit(replica, create(`/n${i}`), { sessionId }));
	replica.run();
	expect(replica.disk.unsynced).toBeLessThan(10);
	replica.advance(60_000, false);
	expect(replica.host.stats.sessionsExpired).toBe(0);
	replica.settle();
	expect(replies.map(([reply]) => reply?.error)).toEqual(new Array(20).fill(0));
	replica.advance(2000);
	expect(replica.host.stats.sessionsExpired).toBe(1);
});

it('a log that fails while it holds others back sets them free', async () => {
	const replica = new SimReplica({ options: { maxPendingLogBytes: 100, maxBatch: 2 } });
	const replies = Array.from({ length: 10 }, (_, i) => submit(replica, create(`/n${i}`)));
	replica.run();
	const stopped = replica.host.stop();
	replica.log.fail(new Error('no space left on device'));
	replica.run();
	await stopped;
	const codes = new Set(replies.map((answers) => (answers.length === 1 ? answers[0]?.error : undefined)));
	expect(codes).toEqual(new Set([errors.connectionLoss.code, errors.systemError.code]));
	expect([replica.host.state, replica.host.outstanding]).toEqual(['logFailed', 0]);
});

it('stop answers what was taken, even when the log holds it back, and refuses what comes later', async () => {
	const states: HostState[] = [];
	const replica = new SimReplica({
		options: { maxPendingLogBytes: 300, maxBatch: 1 },
		events: { stateChanged: (state) => states.push(state) },
	});
	const replies = Array.from({ length: 10 }, (_, i) => submit(replica, create(`/n${i}`)));
	const stopped = replica.host.stop();
	while (replica.disk.unsynced > 0) {
		replica.log.sync();
		await Promise.resolve();
	}
	await stopped;
	expect(replies.map(([reply]) => reply?.error)).toEqual(new Array(10).fill(0));
	expect(states).toEqual(['stopped']);
	const late = submit(replica, create('/late'));
	replica.settle();
	expect(late[0]?.error).toBe(errors.connectionLoss.code);
});

it('does not begin what nobody waits for any more, and asks once, in its turn', () => {
	const replica = new SimReplica();
	let asked = 0;
	let isGone = false;
	const isAbandoned = () => {
		asked += 1;
		return isGone;
	};
	const first = submit(replica, create('/a'), { isAbandoned });
	replica.settle();
	const second = submit(replica, create('/b'), { isAbandoned });
	const read = submit(replica, { kind: 'getData', path: '/', watch: false }, { isAbandoned });
	expect(asked).toBe(1);
	isGone = true;
	replica.settle();
	expect([first, second, read].map(([reply]) => reply?.error)).toEqual([
		0,
		errors.requestTimeout.code,
		errors.requestTimeout.code,
	]);
	expect([asked, replica.host.tree.has('/b'), replica.host.lastProcessedZxid, replica.host.outstanding]).toEqual([
		3,
		false,
		1,
		0,
	]);
});

it('throttling shows from globalOutstandingLimit on', () => {
	const replica = new SimReplica({ options: { globalOutstandingLimit: 2 } });
	for (let i = 0; i < 2; i++) submit(replica, create(`/n${i}`));
	expect(replica.host.isThrottled).toBe(false);
	submit(replica, create('/n2'));
	expect(replica.host.isThrottled).toBe(true);
	replica.settle();
	expect(replica.host.isThrottled).toBe(false);
});

it('throttling shows long before bytes are refused', () => {
	const replica = new SimReplica({ options: { maxOutstandingBytes: 10_000 } });
	const replies = [submit(replica, { kind: 'setData', path: '/n', data: new Uint8Array(4000), version: -1 })];
	expect(replica.host.isThrottled).toBe(false);
	replies.push(submit(replica, { kind: 'getData', path: `/${'n'.repeat(2000)}`, watch: false }));
	expect(replica.host.isThrottled).toBe(true);
	replica.settle();
	expect(replica.host.isThrottled).toBe(false);
	expect(replies.map(([reply]) => reply?.error)).toEqual([errors.noNode.code, errors.noNode.code]);
});

it('bounds what it holds in bytes, whatever a door does', () => {
	const replica = new SimReplica({ options: { maxOutstandingBytes: 1000 } });
	const replies = Array.from({ length: 50 }, (_, i) => submit(replica, create(`/n${i}`)));
	replica.run();
	const throttled = replies.filter(([reply]) => reply?.error === errors.throttledOp.code);
	expect(throttled.length).toBeGreaterThan(35);
	replica.settle();
	expect(replies.every((answers) => answers.length === 1)).toBe(true);
});

it('9: what a learner forwarded gets its transaction however much is held: there is no other way to answer it', () => {
	const replica = new SimReplica({ options: { maxOutstandingBytes: 1000 } });
	const sessionId = openSession(replica);
	replica.settle();
	const owner = replica.host.sessions.get(sessionId)?.owner ?? 0;
	const before = replica.host.lastLogged;
	for (let i = 0; i < 50; i++) submit(replica, create(`/n${i}`), { sessionId, owner });
	replica.settle();
	expect(replica.host.lastLogged - before).toBe(50);
});

it('a snapshot point is the tree and the sessions of one moment, whatever comes behind', () => {
	const replica = new SimReplica();
	const sessionId = openSession(replica);
	submit(replica, create('/e', 'ephemeral'), { sessionId });
	replica.settle();
	submit(replica, { kind: 'createSession', timeoutMs: 10_000 });
	replica.run();
	const frozen = replica.host.snapshotPoint();
	replica.settle();
	submit(replica, { kind: 'closeSession' }, { sessionId });
	replica.settle();
	expect(frozen.zxid).toBe(2);
	expect(frozen.sessions).toEqual(new Map([[sessionId, 10_000]]));
	expect(frozen.size).toBe(5);
	frozen.release();
});

it('reports the stages of sampled requests only, and what was applied once per batch', () => {
	const stages: string[] = [];
	const batches: string[] = [];
	const applied: number[] = [];
	const replica = new SimReplica({
		tracer: {
			stage: (traceparent, stage, _start, _end, { zxid, op, error }) =>
				stages.push(`${traceparent} ${stage} ${zxid} ${op} ${error}`),
			batch: (stage, requests) => batches.push(`${stage} ${requests}`),
		},
		events: { applied: (zxid) => applied.push(zxid) },
	});
	replica.clock.advance(1);
	submit(replica, create('/a'));
	submit(replica, create('/a'), { traceparent: 'trace' });
	replica.settle();
	expect(stages).toEqual([
		'trace queue 0 create 0',
		'trace prep 2 create -110',
		'trace sync 2 create -110',
		'trace commit 2 create -110',
		'trace final 2 create -110',
	]);
	expect(batches).toEqual(['prep 2', 'final 2']);
	expect(applied).toEqual([2]);
});

it('53: watches go with their connection', () => {
	const replica = new SimReplica();
	const heard: string[] = [];
	const watcher = { sessionId: noSession, identities: [], process: ({ path }: { path: string }) => heard.push(path) };
	const watch = (path: string): void =>
		replica.host.submit({
			sessionId: noSession,
			cxid: 0,
			op: { kind: 'exists', path, watch: true },
			caller: { ...caller, watcher },
			reply: () => {},
		});
	watch('/a');
	replica.settle();
	submit(replica, create('/a'));
	watch('/b');
	replica.settle();
	replica.host.disconnect(watcher);
	submit(replica, create('/b'));
	replica.settle();
	expect(heard).toEqual(['/a']);
});

it('50: without a place for events, a read sets no watch and asking for one is an error', () => {
	const replica = new SimReplica();
	submit(replica, { kind: 'exists', path: '/a', watch: true });
	const added = submit(replica, { kind: 'addWatch', path: '/a', mode: 'persistent' });
	const removed = submit(replica, { kind: 'removeWatches', path: '/a', type: 'any' });
	replica.settle();
	expect(added[0]?.error).toBe(errors.badArguments.code);
	expect(removed[0]?.error).toBe(errors.noWatcher.code);
	expect(replica.host.watches.summary().watches).toBe(0);
});

it('69: a sync that a quorum confirms between two turns is sent then, not with what comes next', () => {
	const order: string[] = [];
	const replica = new SimReplica({ isMember: true, events: { answered: () => order.push('sent') } });
	let confirm: () => void = () => {};
	const leader: Partial<Broadcast> = { flush: () => {}, barrier: (done) => (confirm = done) };
	replica.host.lead(leader as Broadcast, 1);
	const op: Op = { kind: 'sync', path: '/' };
	replica.host.submit({ sessionId: noSession, cxid: 1, op, caller, reply: () => order.push('answered') });
	replica.run();
	order.length = 0;
	confirm();
	expect(order).toEqual(['answered', 'sent']);
});
