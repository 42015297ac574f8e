import { expect, it } from 'vitest';
import type { Zxid } from '#core/model/zxid';
import { LogSyncs } from './log-syncs.ts';

const sync = (zxid: number, txns = 1) => ({ zxid: zxid as Zxid, txns, bytes: 100, startMs: 1, endMs: 2 });

it('the sync of a transaction is the first one that reaches it, as long as it is known', () => {
	const syncs = new LogSyncs();
	expect(syncs.of(1)).toBeUndefined();
	const [first, second] = [sync(3, 3), sync(4)];
	for (const one of [first, second]) syncs.add(one);
	expect([1, 3, 4].map((zxid) => syncs.of(zxid))).toEqual([first, first, second]);
	expect(syncs.of(5)).toBeUndefined();
	for (let zxid = 5; zxid <= 500; zxid++) syncs.add(sync(zxid));
	expect(syncs.of(499)?.zxid).toBe(499);
});

it('what was cut off the log is nobody’s sync', () => {
	const syncs = new LogSyncs();
	for (const zxid of [10, 20, 30]) syncs.add(sync(zxid));
	const again = sync(15);
	syncs.add(again);
	expect(syncs.of(12)).toBe(again);
	expect(syncs.of(30)).toBeUndefined();
});
