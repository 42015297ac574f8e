import { beforeEach, describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { errors } from '#jute/errors';
import type { Caller, Op, Request } from '../model/op.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import { makeZxid, noSession, type Zxid, zeroZxid } from '../model/zxid.ts';
import type { Session } from '../session/session.ts';
import { SessionTable } from '../session/session-table.ts';
import { DataTree } from '../tree/data-tree.ts';
import { defaultChainOptions } from './options.ts';
import { sequenceSuffix } from './prep/create.ts';
import { isPreparable, Prep } from './prep.ts';

const caller: Caller = { door: 'grpc', identities: [{ scheme: 'ip', id: '10.0.0.1' }], address: '10.0.0.1:99' };
const here = 1;
const elsewhere = 2;

let tree: DataTree;
let sessions: SessionTable;
let session: Session;
let prep: Prep;
let problems: unknown[];

function newPrep(lastZxid: Zxid = zeroZxid, epoch = 0): Prep {
	return new Prep({
		tree,
		sessions,
		options: defaultChainOptions,
		lastZxid,
		epoch,
		onError: (error) => problems.push(error),
	});
}

beforeEach(() => {
	tree = new DataTree();
	problems = [];
	const { tickMs, minSessionTimeoutMs, maxSessionTimeoutMs } = defaultChainOptions;
	sessions = new SessionTable({
		serverId: here,
		tickMs,
		minSessionTimeoutMs,
		maxSessionTimeoutMs,
		committed: new Map(),
		timeMs: 0,
		nowMs: 0,
	});
	session = sessions.open(10_000, 0);
	prep = newPrep();
});

function prepare(op: Op, owner = here, extra: Partial<Request> = {}): TxnRecord {
	if (!isPreparable(op)) throw new Error(`${op.kind} makes no transaction`);
	const request: Request = { sessionId: session.id, cxid: 7, op, caller, reply: () => {}, ...extra };
	return prep.prepare(request, op, request.sessionId === noSession ? undefined : session, owner, 1234);
}

const create = (path: string): Op => ({
	kind: 'create',
	path,
	data: null,
	acl: openAcl,
	mode: 'persistent',
	withStat: false,
});

it('65: a request through another owner than the session has is SessionMoved, and draws a zxid', () => {
	expect(prepare(create('/a')).txn.kind).toBe('create');
	expect(prepare(create('/b'), elsewhere)).toMatchObject({
		header: { zxid: 2 },
		txn: { kind: 'error', code: errors.sessionMoved.code },
	});
});

it('44: so it is inside a multi, where the operation has the code', () => {
	prepare(create('/a'));
	expect(prepare({ kind: 'multi', ops: [create('/b') as never] }, elsewhere).txn).toEqual({
		kind: 'multi',
		ops: [{ kind: 'error', code: errors.sessionMoved.code }],
	});
});

it('40: what is not allowed in a multi spoils all of it, whatever a door lets through', () => {
	const setAcl = { kind: 'setACL', path: '/', acl: openAcl, version: -1 };
	expect(prepare({ kind: 'multi', ops: [create('/a'), setAcl] as never }).txn).toEqual({
		kind: 'error',
		code: errors.marshallingError.code,
	});
	expect(prepare({ kind: 'delete', path: '/a', version: -1 }).txn).toMatchObject({ code: errors.noNode.code });
});

it('5, 73: the header has session, cxid, zxid and the time of prep', () => {
	expect(prepare(create('/a')).header).toEqual({ sessionId: session.id, cxid: 7, zxid: 1, time: 1234 });
});

it('39, 74: the record says who did it, at which door, from where, under which request and trace', () => {
	const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
	expect(prepare(create('/a'), here, { traceparent, requestId: 'r-1' }).context).toEqual({
		traceparent,
		identities: caller.identities,
		address: '10.0.0.1:99',
		door: 'grpc',
		requestId: 'r-1',
	});
});

it('77: the digest in the record is the tree’s after it, also of what is not applied yet; errors carry the unchanged one', () => {
	const records = [
		prepare(create('/a')),
		prepare(create('/a/b')),
		prepare({ kind: 'setData', path: '/a', data: Uint8Array.of(1, 2, 3), version: 0 }),
		prepare(create('/a')),
		prepare({ kind: 'setACL', path: '/a', acl: openAcl, version: 0 }),
		prepare({ kind: 'delete', path: '/a/b', version: -1 }),
		prepare({ kind: 'closeSession' }),
	];
	for (const record of records) {
		tree.apply(record);
		expect(record.digest).toEqual({ version: 2, value: tree.digest() });
	}
	expect(records[3]!.digest).toEqual(records[2]!.digest);
});

describe('7', () => {
	it('the last counter is 0xfffffffe; a later start begins the next epoch', () => {
		prep = newPrep(makeZxid(3, 0xffff_fffd), 3);
		expect(prep.isExhausted).toBe(false);
		expect(prepare(create('/a')).header.zxid).toBe(makeZxid(3, 0xffff_fffe));
		expect(prep.isExhausted).toBe(true);
		prep = newPrep(prep.lastZxid, 3);
		expect(prepare(create('/b')).header.zxid).toBe(makeZxid(4, 1));
	});
});

it('a handler that fails for a reason nobody thought of costs its request, not the replica', () => {
	const broken = { kind: 'setData', path: '/', data: { length: 'x' } as never, version: -1 } as const;
	expect(prepare({ ...broken, path: undefined as never }).txn).toEqual({
		kind: 'error',
		code: errors.marshallingError.code,
	});
	expect(problems).toHaveLength(1);
	expect(prepare(create('/a')).txn.kind).toBe('create');
});

it('16: ten characters, sign included', () => {
	expect([0, 42, 2147483647, -1, -2147483648].map(sequenceSuffix)).toEqual([
		'0000000000',
		'0000000042',
		'2147483647',
		'-000000001',
		'-2147483648',
	]);
});
