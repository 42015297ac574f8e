import { expect, it } from 'vitest';
import type { Zxid } from '#core/model/zxid';
import { CommitTimes } from './commit-times.ts';

it('the time from the log to the commit is taken of one turn after the other, and of nothing that was cut off', () => {
	const history = { lastLogged: 0 as Zxid, lastProcessedZxid: 0 as Zxid };
	const measured: number[] = [];
	const times = new CommitTimes(history, (ms) => measured.push(ms));
	const at = (nowMs: number, lastLogged: number, lastProcessed: number) => {
		history.lastLogged = lastLogged as Zxid;
		history.lastProcessedZxid = lastProcessed as Zxid;
		times.look(nowMs);
	};
	at(0, 0, 0);
	at(10, 3, 0);
	at(12, 5, 0);
	at(13, 5, 2);
	expect(measured).toEqual([]);
	// Of 3, and from here on of 5.
	at(15, 5, 4);
	at(16, 6, 5);
	at(26, 6, 6);
	expect(measured).toEqual([5, 1, 10]);
	at(30, 9, 6);
	at(31, 6, 6);
	at(40, 10, 6);
	at(42, 10, 10);
	expect(measured).toEqual([5, 1, 10, 2]);
});
