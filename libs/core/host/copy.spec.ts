/** A copy that people look around in (`ck clone`): reads for everybody, and nothing is ever written. */
import { beforeEach, describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { errors } from '#jute/errors';
import { SimReplica } from '#test/sim/sim-replica';
import type { Caller, CreateMode, Op, Reply } from '../model/op.ts';
import { noSession, type SessionId } from '../model/zxid.ts';

const caller: Caller = { door: 'zookeeper', identities: [], address: '' };
const notReadOnly = errors.notReadOnly.code;

let replica: SimReplica;
/** Of then: nobody is there any more to keep it alive. */
let old: SessionId;

function call(op: Op, sessionId: SessionId = noSession): Reply {
	let answer: Reply | undefined;
	replica.host.submit({ sessionId, cxid: 1, op, caller, reply: (reply) => (answer = reply) });
	replica.settle();
	return answer!;
}

function open(): SessionId {
	const { result } = call({ kind: 'createSession', timeoutMs: 10_000 });
	if (result?.kind !== 'createSession') throw new Error('no session');
	return result.sessionId;
}

function creation(path: string, mode: CreateMode = 'persistent'): Op {
	const ttl = mode === 'ttl' ? { ttlMs: 1000 } : {};
	return { kind: 'create', path, data: new Uint8Array(3), acl: openAcl, mode, withStat: true, ...ttl };
}

beforeEach(() => {
	const options = { isCopy: false, extendedTypesEnabled: true, containerCheckIntervalMs: 1000 };
	replica = new SimReplica({ options });
	old = open();
	call(creation('/lock', 'ephemeral'), old);
	call(creation('/mortal', 'ttl'));
	call(creation('/box', 'container'));
	call(creation('/box/in'));
	call({ kind: 'delete', path: '/box/in', version: -1 });
	options.isCopy = true;
	replica.crash();
});

describe('a copy', () => {
	it('67: serves reads inside and outside of sessions, and answers NotReadOnly to every write', () => {
		const before = replica.disk.records.length;
		const session = open();
		expect(session).not.toBe(old);
		for (const id of [session, noSession]) {
			expect(call({ kind: 'getData', path: '/lock', watch: false }, id).result).toMatchObject({ kind: 'getData' });
			expect(call({ kind: 'sync', path: '/' }, id).error).toBe(0);
			const writes: Op[] = [
				creation('/new'),
				creation('/new', 'ephemeral'),
				{ kind: 'setData', path: '/lock', data: null, version: -1 },
				{ kind: 'delete', path: '/lock', version: -1 },
				{ kind: 'setACL', path: '/lock', acl: openAcl, version: -1 },
				{ kind: 'multi', ops: [{ kind: 'delete', path: '/lock', version: -1 }] },
			];
			expect(writes.map((op) => call(op, id).error)).toEqual(writes.map(() => notReadOnly));
		}
		expect(call({ kind: 'closeSession' }, session).error).toBe(0);
		expect(call({ kind: 'getData', path: '/', watch: false }, session).error).toBe(errors.sessionExpired.code);
		expect(replica.disk.records).toHaveLength(before);
	});

	it('33, 62: lets nothing of then expire, and its own sessions end when they are silent', () => {
		const before = replica.disk.records.length;
		const session = open();
		replica.advance(600_000);
		expect(['/lock', '/mortal', '/box'].map((path) => replica.host.tree.has(path))).toEqual([true, true, true]);
		expect(replica.host.sessions.get(old)).toBeDefined();
		expect(replica.host.sessions.get(session)).toBeUndefined();
		expect(replica.disk.records).toHaveLength(before);
		expect(replica.host.state).toBe('serving');
	});
});
