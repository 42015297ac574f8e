import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SessionRelay } from '#test/support/session-relay';
import { TestServers } from '#test/support/test-servers';
import type { Chronokeeper } from '../chronokeeper.ts';
import { connect } from '../connect.ts';
import { NoNodeError } from '../errors.ts';
import { type HeldPartition, type PartitionWorker, WorkPartitioner } from './work-partitioner.ts';

const servers = new TestServers();
let endpoints: string;
let relay: SessionRelay;

/** Others may need the processor. */
const soon = { timeout: 60_000, interval: 10 } as const;
const partitions = Array.from({ length: 10 }, (_, i) => `p${i}`);

beforeAll(async () => {
	endpoints = (await servers.start(servers.newDirectory())).addresses.grpc;
	relay = servers.keep(await SessionRelay.start(endpoints));
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

/** What is worked on at the moment, by whom, and whether it was ever by two. */
class Floor {
	readonly tokens = new Map<string, bigint>();
	readonly busy = new Map<string, string>();
	readonly wrong: string[] = [];
	begun = 0;

	work(member: string) {
		return async ({ partition, token, signal }: HeldPartition): Promise<void> => {
			this.begun += 1;
			if (this.busy.has(partition)) this.wrong.push(`${partition}: ${member} beside ${this.busy.get(partition)}`);
			if (token <= (this.tokens.get(partition) ?? 0n)) this.wrong.push(`${partition}: token ${token}`);
			this.busy.set(partition, member);
			this.tokens.set(partition, token);
			await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
			// It takes a moment to come to an end.
			for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
			// One whose session was lost may come to its end when the next one has begun.
			if (this.tokens.get(partition) === token) this.busy.delete(partition);
		};
	}
}

async function member(
	name: string,
	path: string,
	floor: Floor,
): Promise<{ ck: Chronokeeper; worker: PartitionWorker }> {
	const ck = servers.keep(await connect({ endpoints: relay.address }));
	return { ck, worker: await new WorkPartitioner(ck, path, { partitions, name }).join(floor.work(name)) };
}

const balanced = (workers: readonly PartitionWorker[], floor: Floor) =>
	vi.waitFor(() => {
		const counts = workers.map(({ partitions: own }) => own.length);
		expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
		expect(workers.flatMap(({ partitions: own }) => own).sort()).toEqual(partitions);
		expect(floor.busy.size).toBe(partitions.length);
	}, soon);

async function ownersOf(ck: Chronokeeper, path: string): Promise<Record<string, string[]>> {
	return JSON.parse(Buffer.from((await ck.get(`${path}/assignment`)).data!).toString());
}

describe('a work partitioner', () => {
	it('gives each partition to one member, balanced, and moves no more than it must', async () => {
		const floor = new Floor();
		const a = await member('a', '/work/moves', floor);
		await balanced([a.worker], floor);
		const b = await member('b', '/work/moves', floor);
		await balanced([a.worker, b.worker], floor);
		expect(floor.begun).toBe(15);
		const c = await member('c', '/work/moves', floor);
		await balanced([a.worker, b.worker, c.worker], floor);
		expect(floor.begun).toBe(18);
		// What somebody has spoilt is written anew.
		await c.ck.set('/work/moves/assignment', '{"x": 1');
		await a.worker.leave();
		expect(a.worker.partitions).toEqual([]);
		await balanced([b.worker, c.worker], floor);
		expect(floor.wrong).toEqual([]);
	});

	it('does not begin work on what became another one’s while its lock was on the way', async () => {
		const floor = new Floor();
		const ck = servers.keep(await connect({ endpoints }));
		let isLate = true;
		let answer!: () => void;
		const answered = new Promise<void>((resolve) => (answer = resolve));
		const create = ck.create.bind(ck);
		let locks = 0;
		ck.create = async (path, ...rest) => {
			const created = await create(path, ...rest);
			if (isLate && path.startsWith('/work/late/locks/')) {
				locks += 1;
				await answered;
			}
			return created;
		};
		const worker = await new WorkPartitioner(ck, '/work/late', { partitions }).join(floor.work('a'));
		await vi.waitFor(() => expect(locks).toBe(partitions.length), soon);
		const b = await member('b', '/work/late', floor);
		await vi.waitFor(async () => expect(await ownersOf(ck, '/work/late')).toHaveProperty(b.worker.id), soon);
		// The member itself has heard of it, too.
		await ck.sync('/');
		isLate = false;
		answer();
		await balanced([worker, b.worker], floor);
		expect([floor.begun, floor.wrong]).toEqual([10, []]);
	});

	it('gives on what a member had whose session is lost, and gives it some back in its next session', async () => {
		const floor = new Floor();
		const [a, b] = [await member('a', '/work/lost', floor), await member('b', '/work/lost', floor)];
		await balanced([a.worker, b.worker], floor);
		const { session } = a.ck;
		await relay.end(session.id);
		await vi.waitFor(() => expect(a.ck.session).not.toBe(session), soon);
		await balanced([a.worker, b.worker], floor);
		expect(floor.begun).toBeGreaterThan(10);
		expect(floor.wrong.filter((line) => line.includes('token'))).toEqual([]);
	});

	it('does not take a partition before it is given up, and tells of work that fails', async () => {
		const ck = servers.keep(await connect({ endpoints }));
		let finish!: () => void;
		const finished = new Promise<void>((resolve) => (finish = resolve));
		const stubborn = await new WorkPartitioner(ck, '/work/slow', { partitions: ['only', 'other'] }).join(
			() => finished,
		);
		await vi.waitFor(() => expect(stubborn.partitions).toHaveLength(2), soon);
		const failures: string[] = [];
		let isBad = true;
		const held: HeldPartition[] = [];
		const next = await new WorkPartitioner(ck, '/work/slow', {
			partitions: ['only', 'other'],
			onError: (error, partition) => failures.push(`${partition}: ${(error as Error).message}`),
		}).join((one) => {
			held.push(one);
			if (!isBad) return Promise.resolve();
			isBad = false;
			return Promise.reject(new Error('not today'));
		});
		const assigned = () => ownersOf(ck, '/work/slow');
		await vi.waitFor(async () => expect((await assigned())[next.id]).toHaveLength(1), soon);
		const [partition] = (await assigned())[next.id]!;
		expect(next.partitions).toEqual([]);
		finish();
		await vi.waitFor(() => expect(held).toHaveLength(2), soon);
		expect([failures, held[1]!.partition]).toEqual([[`${partition}: not today`], partition]);
		// It has nothing to do any more, and the partition is its own still.
		await held[1]!.transaction().create('/work/slow/done').commit();
		await next.leave();
		await expect(held[1]!.transaction().create('/work/slow/late').commit()).rejects.toThrow(NoNodeError);
		await vi.waitFor(() => expect(stubborn.partitions).toHaveLength(2), soon);
		expect(() => new WorkPartitioner(ck, '/work', { partitions: ['a', 'a'] })).toThrow('twice');
		expect(() => new WorkPartitioner(ck, '/work', { partitions: ['a/b'] })).toThrow(RangeError);
	});
});
