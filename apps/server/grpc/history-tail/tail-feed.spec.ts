/** What a replica keeps in memory for those who tail it, on a real host. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TxnRecord } from '#core/model/txn-record';
import { makeZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import { openAcl } from '#jute/acl';
import { sampleRecord } from '#test/contract/txn-log.contract';
import { TestReplica } from '#test/support/replica';
import { defaultFeedLimits, type FedReplica, TailFeed } from './tail-feed.ts';

let directory: string;
let replica: TestReplica;
let fed: FedReplica;
beforeEach(async () => {
	directory = mkdtempSync(`${tmpdir()}/chronokeeper-feed-`);
	replica = await TestReplica.open(directory);
	fed = { host: replica.host, committed: undefined };
});
afterEach(async () => {
	await replica.host.stop();
	rmSync(directory, { recursive: true });
});

const all = Number.POSITIVE_INFINITY;

function feedOf(limits: Partial<typeof defaultFeedLimits> = {}): TailFeed {
	return new TailFeed(fed, { ...defaultFeedLimits, ...limits });
}

function tell(...zxids: readonly number[]): void {
	for (const zxid of zxids) fed.committed!(sampleRecord(zxid));
}

function behind(feed: TailFeed, zxid: Zxid, maxBytes = all) {
	const found = feed.after(zxid, maxBytes);
	return typeof found === 'string' ? found : found.map((entry) => entry.zxid);
}

describe('the feed of a replica', () => {
	it('keeps nothing while nobody tails', () => {
		const feed = feedOf();
		expect(fed.committed).toBeUndefined();
		expect(behind(feed, zeroZxid)).toBe('not here');
		feed.enter();
		tell(1, 2);
		expect(behind(feed, zeroZxid)).toEqual([1, 2]);
		feed.forget();
		expect(fed.committed).toBeUndefined();
		expect(fed.host.watches.deleted).toBeUndefined();
		expect([feed.size, behind(feed, zeroZxid)]).toEqual([0, 'not here']);
	});

	it('knows what comes behind a zxid, what does not come yet, and what never was', () => {
		const feed = feedOf();
		feed.enter();
		expect([behind(feed, zeroZxid), behind(feed, 1 as Zxid)]).toEqual(['tip', 'ahead']);
		tell(1, 2, makeZxid(2, 1), makeZxid(2, 2));
		expect(behind(feed, 1 as Zxid)).toEqual([2, makeZxid(2, 1), makeZxid(2, 2)]);
		expect(behind(feed, makeZxid(2, 0))).toEqual([makeZxid(2, 1), makeZxid(2, 2)]);
		expect(behind(feed, 3 as Zxid)).toBe('never committed');
		expect([behind(feed, makeZxid(2, 2)), behind(feed, makeZxid(2, 3))]).toEqual(['tip', 'ahead']);
		expect(behind(feed, zeroZxid, 1)).toEqual([1]);
		feed.forget();
	});

	it('is bounded: by transactions, and by what they hold', () => {
		const few = feedOf({ maxTxns: 3 });
		few.enter();
		tell(...Array.from({ length: 100 }, (_, index) => index + 1));
		expect([few.size, behind(few, 97 as Zxid), behind(few, 96 as Zxid)]).toEqual([3, [98, 99, 100], 'not here']);
		few.forget();
		const small = feedOf({ maxBytes: 10_000 });
		small.enter();
		for (let zxid = 1; zxid <= 50; zxid++) fed.committed!(sampleRecord(zxid, 1000));
		expect(small.size).toBeGreaterThan(1);
		expect(small.size).toBeLessThan(5);
		expect(behind(small, 49 as Zxid)).toEqual([50]);
		small.forget();
	});

	it('tells those who wait at the end of a batch, and not more often than there are tails for', async () => {
		const feed = feedOf({ paceMs: 10_000 });
		const never = new AbortController();
		feed.enter();
		const first = feed.news(60_000, never.signal);
		const startMs = performance.now();
		tell(1);
		feed.answered();
		await first;
		// The next one has to wait: 10 s for the one tail there is, and 100 ms at the most.
		const second = feed.news(60_000, never.signal);
		tell(2);
		feed.answered();
		await second;
		expect(performance.now() - startMs).toBeGreaterThan(50);
		const third = feed.news(60_000, never.signal);
		never.abort();
		await third;
		await feed.news(60_000, never.signal);
		feed.forget();
	});

	it('has copies of the data, and who may read the node right after it, or might before it was deleted', async () => {
		const feed = feedOf();
		feed.enter();
		const create = { kind: 'create', data: new Uint8Array([1]), mode: 'persistent', withStat: false } as const;
		const hidden = [{ perms: 1, scheme: 'ip', id: '192.0.2.1' }];
		// The host of this test tells nobody of what it commits: its replica would.
		for (const op of [
			{ ...create, path: '/a', acl: openAcl },
			{ ...create, path: '/b', acl: hidden },
		] as const) {
			const { error } = await replica.call(op);
			expect(error).toBe(0);
		}
		fed.committed!(sampleRecordOf('/b', 3));
		expect((await replica.call({ kind: 'delete', path: '/b', version: -1 })).error).toBe(0);
		fed.committed!({ ...sampleRecord(4), txn: { kind: 'delete', path: '/b' } });
		const found = feed.after(zeroZxid, all);
		expect(typeof found === 'string' ? found : found.map(({ changes }) => changes[0]!.acl)).toEqual([hidden, hidden]);
		feed.forget();
	});
});

function sampleRecordOf(path: string, zxid: number): TxnRecord {
	return { ...sampleRecord(zxid), txn: { kind: 'setData', path, data: new Uint8Array(1), version: 1 } };
}
