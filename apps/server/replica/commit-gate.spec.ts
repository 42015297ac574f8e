import { describe, expect, it } from 'vitest';
import type { TxnRecord } from '#core/model/txn-record';
import type { Zxid } from '#core/model/zxid';
import type { TxnLog } from '#core/ports/txn-log';
import { CommitGate } from './commit-gate.ts';

const log: TxnLog = { append() {}, pendingBytes: 0, roll() {}, async close() {} };
const zxid = (value: number) => value as Zxid;

function newGate() {
	const [durable, committed, failures]: [number[], number[], string[]] = [[], [], []];
	const gate = new CommitGate(log, zxid(10));
	gate.listen({ durable: (z) => durable.push(z), failed: (error) => failures.push(error.message) });
	const mirror = { committed: (z: Zxid) => void committed.push(z) };
	return { gate, mirror, durable, committed, failures };
}

describe('the gate between log and host', () => {
	it('lets through at once what is durable, and tells the mirror', () => {
		const { gate, mirror, durable, committed } = newGate();
		gate.durable(zxid(11));
		gate.attach(mirror);
		gate.durable(zxid(13));
		gate.mirrored(zxid(13));
		expect(durable).toEqual([11, 13]);
		expect(committed).toEqual([11, 13]);
	});

	it('knows how many transactions wait for the disk', () => {
		const { gate } = newGate();
		const turn = (...zxids: number[]) =>
			gate.append(zxids.map((it) => ({ header: { zxid: zxid(it) } }) as unknown as TxnRecord));
		turn(11, 12);
		turn(13);
		turn(14, 15, 16);
		expect(gate.pendingTxns).toBe(6);
		gate.durable(zxid(13));
		expect(gate.pendingTxns).toBe(3);
		gate.durable(zxid(16));
		expect([gate.pendingTxns, gate.txns]).toEqual([0, 6]);
	});

	it('tells a mirror that starts what recovery found', () => {
		const { gate, mirror, committed } = newGate();
		gate.attach(mirror);
		expect(committed).toEqual([10]);
	});

	it('passes on what is mirrored', () => {
		const told: number[] = [];
		const gate = new CommitGate(log, zxid(10));
		gate.listen({ durable() {}, failed() {}, mirrored: (z) => told.push(z) });
		gate.mirrored(zxid(10));
		gate.mirrored(zxid(12));
		expect(told).toEqual([10, 12]);
	});

	it('of a member with audit.mode=strict tells the mirror what is decided, once, and what is applied later changes nothing', () => {
		const told: number[] = [];
		const gate = new CommitGate(log, zxid(10), true);
		gate.attach({ committed: (z) => told.push(z) });
		gate.mirror(zxid(10));
		gate.committed(zxid(13));
		gate.committed(zxid(11));
		gate.committed(zxid(13));
		gate.committed(zxid(14));
		expect(told).toEqual([10, 13, 14]);
	});

	it('of a member tells the mirror what is committed while that one writes, and nothing of what is only durable', () => {
		const told: (number | string)[] = [];
		const gate = new CommitGate(log, zxid(10), true);
		gate.attach({ committed: (z) => told.push(z), standBy: () => told.push('stand by') });
		gate.committed(zxid(11));
		gate.standBy();
		expect(told).toEqual([]);
		// The tail that recovery found was cut off by the leader it had in between.
		gate.mirror(zxid(9));
		gate.durable(zxid(13));
		gate.committed(zxid(12));
		expect(told).toEqual([9, 12]);
		gate.standBy();
		gate.standBy();
		gate.committed(zxid(14));
		expect(told).toEqual([9, 12, 'stand by']);
	});

	it('passes a failure on', () => {
		const { gate, failures } = newGate();
		gate.failed(new Error('disk full'));
		expect(failures).toEqual(['disk full']);
	});
});
