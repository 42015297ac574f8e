import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TxnRecord } from '../model/txn-record.ts';
import { makeZxid, noSession, type Zxid } from '../model/zxid.ts';
import { CommittedWindow } from './committed-window.ts';
import { proposal, recordOf } from './messages.ts';

function record(zxid: number, dataBytes = 0): TxnRecord {
	return {
		header: { sessionId: noSession, cxid: 0, zxid: zxid as Zxid, time: 0 },
		txn: { kind: 'setData', path: '/n', data: new Uint8Array(dataBytes), version: 1 },
		digest: null,
		context: null,
	};
}

const zxids = (records: readonly TxnRecord[]): number[] => records.map((each) => each.header.zxid);

describe('80: the window of committed transactions', () => {
	it('80: is empty right after a start, and then both of its ends are the last committed zxid', () => {
		const window = new CommittedWindow(makeZxid(3, 7));
		expect([window.minCommitted, window.maxCommitted, window.size]).toEqual([makeZxid(3, 7), makeZxid(3, 7), 0]);
		expect(window.has(makeZxid(3, 7))).toBe(false);
		expect(window.floor(makeZxid(3, 7))).toBeUndefined();
		expect(window.after(makeZxid(3, 7))).toEqual([]);
	});

	it('80: says across epochs what it has, what comes behind a zxid, and which one comes before it', () => {
		const window = new CommittedWindow(makeZxid(1, 4));
		const all = [makeZxid(1, 5), makeZxid(1, 6), makeZxid(2, 1), makeZxid(2, 2), makeZxid(5, 1)];
		for (const zxid of all) window.add(record(zxid));
		expect([window.minCommitted, window.maxCommitted]).toEqual([all[0], all[4]]);
		expect(window.has(makeZxid(2, 1))).toBe(true);
		expect(window.has(makeZxid(1, 7))).toBe(false);
		expect(window.floor(makeZxid(1, 7))).toBe(makeZxid(1, 6));
		expect(window.floor(makeZxid(1, 4))).toBeUndefined();
		expect(zxids(window.after(makeZxid(1, 7)))).toEqual(all.slice(2));
		expect(zxids(window.after(makeZxid(1, 4)))).toEqual(all);
		expect(window.after(makeZxid(5, 1))).toEqual([]);
	});

	it('80: keeps no more bytes than it may, and the newest transaction however large it is', () => {
		const window = new CommittedWindow(0 as Zxid, { maxTxns: 1000, maxBytes: 10_000 });
		for (let zxid = 1; zxid <= 100; zxid++) {
			window.add(record(zxid, 800));
			expect(window.bytes).toBeLessThanOrEqual(10_000);
		}
		expect(window.minCommitted).toBe(92);
		window.add(record(101, 50_000));
		expect([window.minCommitted, window.maxCommitted]).toEqual([101, 101]);
		window.add(record(102));
		expect(zxids(window.after(0 as Zxid))).toEqual([102]);
		expect(window.bytes).toBeLessThan(500);
	});

	it('80: counts what a multi and a closed session carry', () => {
		const window = new CommittedWindow(0 as Zxid);
		const { header, ...rest } = record(1);
		const op = { kind: 'setData', path: '/n', data: new Uint8Array(5000), version: 1 } as const;
		window.add({ ...rest, header, txn: { kind: 'multi', ops: [op, op] } });
		expect(window.bytes).toBeGreaterThan(10_000);
		const paths = Array.from({ length: 100 }, () => `/${'p'.repeat(99)}`);
		window.add({ ...rest, header: { ...header, zxid: 2 as Zxid }, txn: { kind: 'closeSession', paths } });
		expect(window.bytes).toBeGreaterThan(20_000);
	});

	it('80: gives back what was added, though what it was read from has changed since', () => {
		const window = new CommittedWindow(0 as Zxid);
		const { header, ...rest } = record(1);
		const op = { kind: 'setData', path: '/n', data: Uint8Array.of(1, 2), version: 1 } as const;
		const added: TxnRecord[] = [
			{ ...record(1, 100), digest: { version: 2, value: 5n }, context: new Uint8Array(9).fill(4) },
			record(2, 100_000),
			{ ...rest, header: { ...header, zxid: 3 as Zxid }, txn: { kind: 'multi', ops: [op, op] } },
			...Array.from({ length: 200 }, (_, index) => record(4 + index, 900)),
		];
		const plain = structuredClone(added);
		for (const each of added) {
			const packet = proposal(each);
			window.add(recordOf(packet));
			packet.data!.fill(0xff);
		}
		expect(window.after(0 as Zxid).map((each) => ({ ...each, encoded: undefined }))).toEqual(plain);
	});

	it('refuses a transaction that does not come behind the last one', () => {
		const window = new CommittedWindow(5 as Zxid);
		expect(() => window.add(record(5))).toThrow('zxid order');
		window.add(record(6));
		expect(() => window.add(record(6))).toThrow('zxid order');
	});

	it('80: equals a list of the last ones, whatever is added, cut off and begun anew', () => {
		type Step =
			| { readonly do: 'add'; readonly skip: number; readonly bytes: number }
			| { readonly do: 'truncate' | 'reset'; readonly back: number };
		const step: fc.Arbitrary<Step> = fc.oneof(
			{
				weight: 30,
				arbitrary: fc.record({
					do: fc.constant('add' as const),
					skip: fc.integer({ min: 1, max: 3 }),
					bytes: fc.integer({ min: 0, max: 400 }),
				}),
			},
			{ weight: 2, arbitrary: fc.record({ do: fc.constant('truncate' as const), back: fc.nat(30) }) },
			{ weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const), back: fc.nat(5) }) },
		);
		fc.assert(
			fc.property(
				fc.array(step, { maxLength: 600, size: 'max' }),
				fc.integer({ min: 1, max: 300 }),
				(steps, maxTxns) => {
					const maxBytes = 100_000;
					const window = new CommittedWindow(100 as Zxid, { maxTxns, maxBytes });
					let kept: { readonly zxid: number; readonly bytes: number }[] = [];
					let last = 100;
					for (const each of steps) {
						if (each.do === 'add') {
							last += each.skip;
							window.add(record(last, each.bytes));
							kept.push({ zxid: last, bytes: 202 + each.bytes });
							const total = () => kept.reduce((sum, { bytes }) => sum + bytes, 0);
							while (kept.length > maxTxns || total() > maxBytes) kept.shift();
						} else {
							last = Math.max(0, last - each.back);
							if (each.do === 'truncate') window.truncate(last as Zxid);
							else window.reset(last as Zxid);
							kept = each.do === 'reset' ? [] : kept.filter(({ zxid }) => zxid <= last);
							last = kept.at(-1)?.zxid ?? last;
						}
						expect(window.size).toBe(kept.length);
						expect(window.maxCommitted).toBe(last);
					}
					expect(zxids(window.after(0 as Zxid))).toEqual(kept.map(({ zxid }) => zxid));
					expect(window.bytes).toBe(kept.reduce((sum, { bytes }) => sum + bytes, 0));
					for (let zxid = Math.max(0, last - 50); zxid <= last + 1; zxid++) {
						expect(window.has(zxid as Zxid)).toBe(kept.some((each) => each.zxid === zxid));
						expect(window.floor(zxid as Zxid)).toBe(kept.findLast((each) => each.zxid <= zxid)?.zxid);
					}
				},
			),
			{ numRuns: 150 },
		);
	});
});
