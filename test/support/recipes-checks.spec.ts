/** What the runs of recipes with faults would find: words of processes that cannot be true. */
import { describe, expect, it } from 'vitest';
import { DiscoveryCheck } from './discovery-check.ts';
import { Possession } from './possession.ts';
import { AdditionsCheck, BarrierCheck, DoubleBarrierCheck, FollowersCheck, GroupCheck } from './recipes-checks.ts';
import type { Share } from './recipes-words.ts';

/** Each holder with its token, and the transactions in which it wrote. */
function had(most: number, ...holders: readonly (readonly [token: number, share: Share, ...zxids: number[]])[]) {
	const possession = new Possession('it', most);
	const word = { about: 'possession', name: 'it' } as const;
	for (const [token, share, ...zxids] of holders) {
		possession.hear({ ...word, kind: 'has', token: `${token}`, share });
		for (const zxid of zxids) possession.hear({ ...word, kind: 'wrote', token: `${token}`, share, zxid: `${zxid}` });
	}
	return () => possession.check();
}

describe('a possession', () => {
	it('is had by one after the other, or by so many at a time', () => {
		had(1, [1, 'all', 10, 12], [2, 'all', 13])();
		had(2, [1, 'part', 10, 20], [2, 'part', 11, 13], [3, 'part', 14, 15])();
		had(2, [1, 'all', 10, 12], [1, 'part', 13, 14], [2, 'part', 14, 15], [3, 'all', 16])();
	});

	it('is not had by two, by a writer beside a reader, or by one too many', () => {
		expect(had(1, [1, 'all', 10, 12], [2, 'all', 11])).toThrow('at 11 one with the token 2 had all of it');
		expect(had(9, [1, 'part', 10, 12], [2, 'all', 11])).toThrow('beside 1 until 12');
		expect(had(2, [1, 'part', 10, 20], [2, 'part', 11, 20], [3, 'part', 12])).toThrow('at 12');
	});

	it('is not had under a token that is smaller than the one before, or is the same', () => {
		expect(had(1, [2, 'all', 10], [1, 'all', 11])).toThrow('behind one with the token 2');
		expect(had(9, [3, 'part', 10], [2, 'all', 11])).toThrow('behind one with the token 3');
		expect(() => had(1, [1, 'all', 10], [1, 'all', 11])).toThrow('two have had the token 1');
	});
});

describe('additions', () => {
	const add = (check: AdditionsCheck, kind: 'asked' | 'done' | 'unknown', number?: string) =>
		check.hear('w', { about: 'addition', to: 'counter', kind, ...(number === undefined ? {} : { number }) });

	it('are all counted, once; of those whose answer was lost nobody knows', () => {
		const check = new AdditionsCheck();
		for (const number of ['1', '2']) {
			add(check, 'asked');
			add(check, 'done', number);
		}
		add(check, 'asked');
		add(check, 'unknown');
		for (const sum of [2, 3]) {
			check.checkSum(BigInt(sum));
			check.checkEach({ w: sum });
		}
		for (const sum of [1, 4]) {
			expect(() => check.checkSum(BigInt(sum))).toThrow('additions');
			expect(() => check.checkEach({ w: sum })).toThrow('additions of w');
		}
		expect(() => add(check, 'done', '2')).toThrow('two have got the number 2');
	});
});

describe('a value and a barrier', () => {
	it('nobody sees an older value, nobody comes through what is set', () => {
		const followers = new FollowersCheck();
		followers.hear('w', 2n);
		expect(() => followers.hear('w', 1n)).toThrow('behind 2');
		const barrier = new BarrierCheck();
		Object.assign(barrier, { generation: 2, isSet: true });
		barrier.hear('w', 1);
		expect(() => barrier.hear('w', 2)).toThrow('the barrier 2');
	});
});

describe('a double barrier', () => {
	/** Each with its times: entering, inside, leaving, left. */
	type Times = readonly [number, number, number, number];

	function hear(check: DoubleBarrierCheck, ...members: readonly Times[]) {
		for (const [i, times] of members.entries())
			for (const [k, kind] of (['entering', 'inside', 'leaving', 'left'] as const).entries())
				check.hear(`w${i}`, { about: 'double barrier', kind, isLost: false }, times[k]!);
	}

	function stayed(...members: readonly Times[]) {
		const check = new DoubleBarrierCheck(2);
		hear(check, ...members);
		return () => check.check();
	}

	it('is entered by so many and left by all, and by who comes meanwhile', () => {
		stayed([1, 4, 5, 8], [2, 3, 6, 7])();
		stayed([1, 4, 5, 12], [2, 3, 6, 12], [7, 8, 9, 12])();
	});

	it('is entered once: what is forgotten since does not count against it', () => {
		const check = new DoubleBarrierCheck(2);
		hear(check, [1, 30, 40, 50], [20, 30, 40, 50]);
		check.hear('w0', { about: 'double barrier', kind: 'entering', isLost: false }, 60_010);
		check.check();
		check.check();
	});

	it('is not entered alone, and not left while another one stays', () => {
		expect(stayed([1, 2, 3, 4], [5, 7, 8, 9], [6, 7, 8, 9])).toThrow('w0 went in at 2 ms');
		expect(stayed([1, 3, 4, 5], [2, 3, 6, 7])).toThrow('w0 left at 5 ms, and w1 stayed until 6 ms');
	});
});

describe('a group', () => {
	const hear = (check: GroupCheck, kind: 'joined' | 'left', token: number, zxid: number) =>
		check.hear('w', { about: 'group', kind, id: 'm', token: `${token}`, zxid: `${zxid}` });

	it('is told of in order, and nothing is left out', () => {
		const check = new GroupCheck();
		check.isHeardSince('w', 1n);
		for (const [kind, zxid] of [
			['joined', 1n],
			['left', 2n],
			['joined', 3n],
		] as const)
			check.committed(kind, 'm', zxid);
		expect(check.hasHeardAll('w')).toBe(false);
		hear(check, 'left', 1, 2);
		expect(check.hasHeardAll('w')).toBe(false);
		hear(check, 'joined', 3, 3);
		expect(check.hasHeardAll('w')).toBe(true);
		// The member is said to have left behind having come again.
		check.committed('left', 'm', 4n);
		hear(check, 'left', 3, 4);
		expect(check.hasHeardAll('w')).toBe(true);
		hear(check, 'joined', 3, 5);
		expect(() => check.hasHeardAll('w')).toThrow('what w has heard of m');
	});
});

describe('discovery', () => {
	/** An instance comes at 1000 ms and goes at 2000 ms; a watcher sees it come at once and go then. */
	function seen(goneMs: number) {
		const check = new DiscoveryCheck();
		check.connection('w', true, 0);
		check.view('w', [], 1);
		check.committed('one', { isThere: true, atMs: 1000 });
		check.committed('one', { isThere: false, atMs: 2000 });
		check.view('w', ['one'], 1001);
		check.view('w', [], goneMs);
		return check;
	}

	it('is measured from the transaction to the view, with and without a connection', () => {
		expect(seen(2007).measure()).toMatchObject({ connected: { count: 2, longestMs: 7 }, reconnected: { count: 0 } });
		const cut = seen(3000);
		cut.connection('w', false, 2500);
		expect(cut.measure()).toMatchObject({ connected: { longestMs: 1 }, reconnected: { count: 1, longestMs: 1000 } });
		expect(cut.isConverged).toBe(true);
	});

	it('is late when a view still has it, and wrong when one has seen it go that did not', () => {
		const check = new DiscoveryCheck();
		check.connection('w', true, 0);
		check.view('w', ['one'], 1);
		check.committed('one', { isThere: false, atMs: 1000 });
		expect(check.measure().connected.longestMs).toBeGreaterThan(2000);
		expect(check.isConverged).toBe(false);
		const wrong = seen(2007);
		wrong.view('w', ['one'], 3000);
		wrong.view('w', [], 3001);
		expect(() => wrong.measure()).toThrow('w has seen one go 2 times, not 1');
	});
});
