import { describe, expect, it } from 'vitest';
import { epochRecords } from '#test/sim/scripted-peer';
import { makeZxid, type Zxid } from '../../model/zxid.ts';
import { CommittedWindow } from '../committed-window.ts';
import { planSync } from './sync-plan.ts';

/** Epoch 1 has 5 transactions, epoch 3 has 4; the window begins at (1, 3). */
function plan(learner: Zxid) {
	const window = new CommittedWindow(makeZxid(1, 2));
	for (const record of [...epochRecords(1, 5).slice(2), ...epochRecords(3, 4)]) window.add(record);
	return planSync({ window, lastCommitted: window.maxCommitted }, learner);
}

describe('80: how a learner is brought up', () => {
	const max = makeZxid(3, 4);

	it('80: an empty DIFF for the same zxid', () => {
		expect(plan(max)).toEqual({ kind: 'diff', zxid: max, after: max });
	});

	it('80: TRUNC for one that is ahead, a snapshot if it is only ahead by an epoch', () => {
		expect(plan(makeZxid(3, 9))).toEqual({ kind: 'trunc', zxid: max, after: max });
		expect(plan(makeZxid(4, 0))).toEqual({ kind: 'snap' });
	});

	it('80: DIFF inside the window, its first transaction and an epoch included', () => {
		for (const zxid of [makeZxid(1, 3), makeZxid(1, 5), makeZxid(3, 1), makeZxid(3, 0), makeZxid(2, 0)]) {
			expect(plan(zxid)).toEqual({ kind: 'diff', zxid: max, after: zxid });
		}
	});

	it('80: where its zxid is absent, TRUNC + DIFF within an epoch and a snapshot across epochs', () => {
		expect(plan(makeZxid(1, 8))).toEqual({ kind: 'snap' });
		expect(plan(makeZxid(2, 3))).toEqual({ kind: 'snap' });
		const window = new CommittedWindow(0 as Zxid);
		for (const record of epochRecords(3, 5)) if (record.header.zxid !== makeZxid(3, 3)) window.add(record);
		const { maxCommitted } = window;
		expect(planSync({ window, lastCommitted: maxCommitted }, makeZxid(3, 3))).toEqual({
			kind: 'trunc',
			zxid: makeZxid(3, 2),
			after: makeZxid(3, 2),
		});
	});

	it('80: what is older than the window comes from the log on disk', () => {
		expect(plan(makeZxid(1, 1))).toEqual({ kind: 'log', zxid: max, after: makeZxid(1, 1) });
		expect(plan(0 as Zxid)).toEqual({ kind: 'log', zxid: max, after: 0 });
	});
});
