import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counterOf, epochOf, makeZxid, type Zxid } from '#core/model/zxid';
import { planHistory, type ScannedServer } from './history-plan.ts';
import type { Run } from './log-source.ts';

const z = makeZxid;
const run = (first: Zxid, last: Zxid, follows = false): Run => ({ first, last, follows });
const zero = z(0, 0);
const server = (name: string, runs: Run[], snapshotZxids: Zxid[] = [zero]): ScannedServer => ({
	name,
	runs,
	snapshotZxids,
});

describe('planHistory', () => {
	it('takes the end of the newest epoch as it is', () => {
		const plan = planHistory([server('a', [run(z(0, 1), z(0, 20034))])]);
		expect(plan).toEqual({ segments: [{ first: 1, last: 20034, gap: null }], uncommitted: [], warnings: [] });
	});

	it('3: leaves out transactions behind the end of an epoch that another log shows', () => {
		const cutOff = server('a', [run(z(1, 1), z(1, 103)), run(z(2, 50), z(2, 80))], [zero, z(2, 49)]);
		const other = server('b', [run(z(1, 1), z(1, 100)), run(z(2, 1), z(2, 80), true)]);
		const plan = planHistory([cutOff, other]);
		expect(plan.segments).toEqual([
			{ first: z(1, 1), last: z(1, 100), gap: null },
			{ first: z(2, 1), last: z(2, 80), gap: null },
		]);
		expect(plan.uncommitted).toEqual([{ server: 'a', first: z(1, 101), last: z(1, 103) }]);
	});

	it('3: names what one directory alone cannot decide, and keeps what a snapshot proves', () => {
		const cutOff = server('a', [run(z(1, 1), z(1, 103)), run(z(2, 50), z(2, 80))], [zero, z(1, 60), z(2, 49)]);
		const { segments, uncommitted } = planHistory([cutOff]);
		expect(segments.map(({ first, last, gap }) => [first, last, gap?.kind])).toEqual([
			[z(1, 1), z(1, 60), undefined],
			[z(2, 50), z(2, 80), 'undecided'],
		]);
		expect(segments[1]?.gap?.reason).toContain('a has 0x10000003d to 0x100000067');
		expect(uncommitted).toEqual([]);
	});

	it('does not take a log that goes on behind a snapshot of counter 0 for a proof', () => {
		// log-source says follows: false there.
		const behind = server('a', [run(z(1, 1), z(1, 100)), run(z(2, 1), z(2, 9))], [zero, z(2, 0)]);
		expect(planHistory([behind]).segments.map((it) => it.gap?.kind)).toEqual(['undecided']);
	});

	it('knows that within one epoch everything before a later transaction was committed', () => {
		const plan = planHistory([server('a', [run(z(1, 1), z(1, 20)), run(z(1, 50), z(1, 60))], [zero, z(1, 49)])]);
		expect(plan.segments).toMatchObject([
			{ first: z(1, 1), last: z(1, 20), gap: null },
			{ first: z(1, 50), last: z(1, 60), gap: { kind: 'lost', afterZxid: z(1, 20) } },
		]);
	});

	it('leaves out what is not certain when logs disagree where an epoch ended', () => {
		const a = server('a', [run(z(1, 1), z(1, 100)), run(z(2, 1), z(2, 5), true)]);
		const b = server('b', [run(z(1, 1), z(1, 90)), run(z(2, 1), z(2, 5), true)]);
		const plan = planHistory([a, b]);
		expect(plan.warnings).toHaveLength(1);
		expect(plan.segments.every((it) => it.first > z(1, 100))).toBe(true);
	});

	it('any servers of an ensemble: never a transaction that was not committed, and all of them together have every one', () => {
		fc.assert(
			fc.property(ensemble(), ({ ends, servers }) => {
				const committed = (zxid: Zxid) => counterOf(zxid) <= (ends[epochOf(zxid) - 1] ?? 0);
				for (const some of [servers, ...servers.map((it) => [it])]) {
					for (const { first, last } of planHistory(some).segments)
						expect(committed(first) && committed(last)).toBe(true);
				}
				const all = planHistory(servers).segments;
				expect(all.map((it) => it.gap)).toEqual(all.map(() => null));
				expect(all.map((it) => [it.first, it.last])).toEqual(ends.map((end, i) => [z(i + 1, 1), z(i + 1, end)]));
			}),
		);
	});
});

/**
 * Three servers through some epochs. In each but the last, one server may log transactions that are never committed; it then gets the leader's
 * tree as a snapshot somewhere in a later epoch, and goes on behind it. The other two have everything.
 */
function ensemble(): fc.Arbitrary<{ ends: number[]; servers: ScannedServer[] }> {
	const epoch = fc.record({
		end: fc.integer({ min: 3, max: 50 }),
		cutOff: fc.option(fc.integer({ min: 0, max: 2 })),
		extra: fc.integer({ min: 1, max: 5 }),
		proof: fc.integer({ min: 1, max: 3 }),
	});
	return fc.array(epoch, { minLength: 2, maxLength: 6 }).map((epochs) => {
		const ends = epochs.map((it) => it.end);
		const servers = [0, 1, 2].map((n) => {
			const runs: Run[] = [];
			const snapshots: Zxid[] = [zero];
			let behindHole = false;
			for (const [i, { end }] of epochs.entries()) {
				const isLast = i === epochs.length - 1;
				const cut = !isLast && epochs[i]!.cutOff === n && epochs[i - 1]?.cutOff !== n;
				const begin = behindHole ? 3 : 1;
				if (behindHole) snapshots.push(z(i + 1, 2));
				runs.push(run(z(i + 1, begin), z(i + 1, cut ? end + epochs[i]!.extra : end), i > 0 && !behindHole));
				behindHole = cut;
			}
			return server(`server${n}`, runs, snapshots);
		});
		return { ends, servers };
	});
}
