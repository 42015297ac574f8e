import { beforeEach, describe, expect, it } from 'vitest';
import { SimReplica } from '#test/sim/sim-replica';
import { MadeHistory } from '#test/support/stored-history';
import type { Reply } from '../model/op.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import { noSession } from '../model/zxid.ts';
import type { Tracer } from '../ports/tracer.ts';
import type { Uplink } from './wiring.ts';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const context = { traceparent, identities: [], address: '', door: 'grpc', requestId: '' } as const;
const uplink: Uplink = { forward: () => {}, revalidate: () => {}, sync: () => {}, logged: () => {} };

describe('a learner', () => {
	let stages: string[];
	let replica: SimReplica;
	let records: TxnRecord[];

	beforeEach(() => {
		stages = [];
		const tracer: Tracer = {
			stage: (parent, stage, startMs, endMs, { zxid, op }) => {
				expect(parent).toBe(traceparent);
				stages.push(`${stage} of ${op} ${zxid & 0xff}, ${endMs - startMs} ms`);
			},
			batch: () => {},
		};
		replica = new SimReplica({ isMember: true, tracer });
		replica.clock.advance(1);
		replica.host.follow(uplink);
		records = new MadeHistory().add(1, 1, 3);
	});

	function propose(record: TxnRecord): void {
		replica.host.member((roles) => roles.proposed(record));
		replica.host.endBatch();
	}

	it('tells of the stages of what was sampled at whichever replica, its log before or behind the commit', () => {
		const [first, second, third] = records as [TxnRecord, TxnRecord, TxnRecord];
		propose({ ...first, context });
		replica.clock.advance(5);
		replica.settle();
		replica.clock.advance(2);
		replica.host.commit(first.header.zxid);
		expect(stages).toEqual(['sync of create 1, 5 ms', 'commit of create 1, 7 ms', 'final of create 1, 0 ms']);
		stages.length = 0;
		propose({ ...second, context });
		propose({ ...third, context });
		replica.clock.advance(3);
		replica.host.commit(second.header.zxid);
		const op = second.txn.kind;
		expect(stages).toEqual([`commit of ${op} 2, 3 ms`, `final of ${op} 2, 0 ms`]);
		replica.clock.advance(4);
		replica.log.sync(1);
		expect(stages.slice(2)).toEqual([`sync of ${op} 2, 7 ms`]);
	});

	it('has nothing to tell of what was not', () => {
		for (const record of records) propose({ ...record, context: { ...context, traceparent: '' } });
		replica.settle();
		replica.host.commit(records.at(-1)!.header.zxid);
		expect(replica.host.lastProcessedZxid).toBe(records.at(-1)!.header.zxid);
		expect(stages).toEqual([]);
	});
});

describe('a standalone replica', () => {
	const create = { kind: 'create', path: '/a', data: null, mode: 'persistent', withStat: true } as const;
	const op = { ...create, acl: [{ perms: 31, scheme: 'world', id: 'anyone' }] };
	const caller = { door: 'grpc', identities: [], address: '' } as const;
	let stages: string[];
	let replica: SimReplica;

	beforeEach(() => {
		stages = [];
		const tracer: Tracer = {
			stage: (parent, stage, startMs, endMs, { zxid, op: kind, error }) => {
				expect(parent).toBe(traceparent);
				stages.push(`${stage} of ${kind} ${zxid} error ${error}, ${endMs - startMs} ms`);
			},
			batch: () => {},
		};
		replica = new SimReplica({ tracer });
		replica.clock.advance(1);
	});

	it('tells of the wait for its turn, of prep, of its log, of the commit and of final', () => {
		replica.host.submit({ sessionId: noSession, cxid: 0, op, caller, traceparent, reply() {} });
		replica.clock.advance(4);
		replica.run();
		replica.clock.advance(3);
		replica.settle();
		expect(stages).toEqual([
			'queue of create 0 error 0, 4 ms',
			'prep of create 1 error 0, 0 ms',
			'sync of create 1 error 0, 3 ms',
			'commit of create 1 error 0, 3 ms',
			'final of create 1 error 0, 0 ms',
		]);
	});

	it('tells of the two stages of a read, and how it failed', () => {
		const read = { kind: 'getData', path: '/none', watch: false } as const;
		replica.host.submit({ sessionId: noSession, cxid: 0, op: read, caller, traceparent, reply() {} });
		replica.clock.advance(2);
		replica.settle();
		expect(stages).toEqual(['queue of getData 0 error 0, 2 ms', 'final of getData 0 error -101, 0 ms']);
	});

	it('has nothing to tell of what was not sampled', () => {
		const answered: Reply[] = [];
		const reply = (it: Reply) => void answered.push(it);
		replica.host.submit({ sessionId: noSession, cxid: 0, op, caller, reply });
		replica.host.submit({
			sessionId: noSession,
			cxid: 0,
			op: { kind: 'getData', path: '/a', watch: false },
			caller,
			reply,
		});
		replica.settle();
		expect(answered.length).toBe(2);
		expect(stages).toEqual([]);
	});
});
