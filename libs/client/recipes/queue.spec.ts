import { beforeAll, describe, expect, it, vi } from 'vitest';
import { RecipeClients, soon } from '#test/support/recipe-clients';
import type { SessionRelay } from '#test/support/session-relay';
import type { Chronokeeper } from '../chronokeeper.ts';
import { ClientError } from '../client-error.ts';
import { NoNodeError, OperationAbortedError } from '../errors.ts';
import { jsonCodec, textCodec } from './codec.ts';
import { DelayQueue } from './delay-queue.ts';
import { LockLostError } from './held.ts';
import { WaitTimeoutError } from './patience.ts';
import { PriorityQueue } from './priority-queue.ts';
import { Queue } from './queue.ts';
import type { QueueItem } from './queue-item.ts';

const clients = RecipeClients.forFile();
let relay: SessionRelay;
/** By way of the relay. */
let ck: Chronokeeper;
let other: Chronokeeper;

const queueAt = (path: string, of = ck) => new Queue(of, path, { codec: textCodec });

beforeAll(() => {
	({ relay, ck, other } = clients);
});

const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));

const dueOf = ({ name }: { readonly name: string }) => Number(/^entry-(\d{15})-/.exec(name)![1]);

/** Takes and acknowledges all that there is. */
async function drain(queue: Queue<string> | PriorityQueue<string>): Promise<string[]> {
	const values: string[] = [];
	for (let item = await queue.tryTake(); item !== undefined; item = await queue.tryTake()) {
		values.push(item.value);
		await item.ack();
	}
	return values;
}

async function childrenOf(path: string): Promise<string[]> {
	try {
		return (await other.children(path, { linearizable: true })).names;
	} catch (error) {
		if (error instanceof NoNodeError) return [];
		throw error;
	}
}

const taken = (path: string) => childrenOf(`${path}/taken`);
const waiting = (path: string) => childrenOf(`${path}/waiting`);

describe('a queue', () => {
	it('gives elements in their order, each once, and has nothing left', async () => {
		const queue = queueAt('/queues/order');
		await queue.putAll(numbers(30));
		await queue.put('last');
		expect(await queue.length()).toBe(31);
		expect(await drain(queue)).toEqual([...numbers(30), 'last']);
		expect([await queue.length(), await taken('/queues/order')]).toEqual([0, []]);
		await expect(queue.putAll(['fine', 'x'.repeat(2 << 20)])).rejects.toThrow(ClientError);
		expect(await queue.length()).toBe(0);
	});

	it('lists a page for many elements, and takes many in one round trip', async () => {
		const queue = new Queue(ck, '/queues/pages', { codec: textCodec, lookAhead: 50 });
		await queue.putAll(numbers(200));
		const items: QueueItem<string>[] = [];
		const stop = new AbortController();
		const { messages, operations } = await relay.during(async () => {
			for await (const item of queue.consume({ prefetch: 25, signal: stop.signal })) {
				items.push(item);
				if (items.length === 200) stop.abort();
			}
		});
		expect(items.map(({ value }) => value)).toEqual(numbers(200));
		// Eight batches, each of a lock and a read for each element, and the pages, which begin with what is taken: the first, two, three, four. Where a batch takes longer than a list is believed,
		// each has a list of its own: twenty pages, and eight lists of what is taken.
		expect(messages).toBeLessThan(30);
		expect(operations).toBeLessThan(2 * 200 + 30);
		await Promise.all(items.map((item) => item.ack()));
		expect(await queue.length()).toBe(0);
	});

	it('gives many consumers all elements once, each in order', async () => {
		await queueAt('/queues/many').putAll(numbers(150));
		const each = await Promise.all(
			[ck, other, await clients.connect()].map((one) => drain(queueAt('/queues/many', one))),
		);
		expect(each.flat().sort((a, b) => Number(a) - Number(b))).toEqual(numbers(150));
		for (const values of each) expect(values).toEqual(values.toSorted((a, b) => Number(a) - Number(b)));
	});

	it('gives what was released again, at its place, with a greater token; and what was acknowledged never', async () => {
		const queue = queueAt('/queues/again');
		await queue.putAll(['a', 'b']);
		const first = (await queue.tryTake())!;
		await first.release();
		await expect(first.ack()).rejects.toThrow(LockLostError);
		const again = await queueAt('/queues/again', other).take();
		expect([again.value, again.name]).toEqual(['a', first.name]);
		expect(again.token).toBeGreaterThan(first.token);
		await again.ack();
		expect(again.signal.aborted).toBe(true);
		await expect(again.ack()).rejects.toThrow(LockLostError);
		expect(await drain(queueAt('/queues/again'))).toEqual(['b']);
	});

	it('wakes one consumer for an element, whoever waits', async () => {
		const path = '/queues/waiting';
		const queue = queueAt(path);
		const got: string[] = [];
		const taking = Array.from({ length: 20 }, async () => {
			const item = await queue.take();
			got.push(item.value);
			await item.ack();
		});
		await vi.waitFor(async () => expect(await waiting(path)).toHaveLength(20), soon);
		// The one that looks out has listed what there is.
		await vi.waitFor(async () => expect((await other.exists(`${path}/taken`))?.numChildren).toBe(0), soon);
		const producer = queueAt(path, other);
		const { events } = await relay.during(async () => {
			for (const value of numbers(20)) await producer.put(value);
			await Promise.all(taking);
		});
		expect(got.sort((a, b) => Number(a) - Number(b))).toEqual(numbers(20));
		// A herd of 20 would have 400: each element wakes the look-out, and its leaving the next one.
		expect(events).toBeLessThan(120);
	});

	it('takes nothing for who gave up, and leaves no node behind', async () => {
		const path = '/queues/given-up';
		const queue = queueAt(path);
		await expect(queue.take({ timeoutMs: 30 })).rejects.toThrow(WaitTimeoutError);
		const giveUp = new AbortController();
		const taking = queue.take({ signal: giveUp.signal });
		giveUp.abort();
		await expect(taking).rejects.toThrow(OperationAbortedError);
		// Nor does it wait for a server to say so.
		relay.cut(true);
		await expect(queue.take({ timeoutMs: 30 })).rejects.toThrow(WaitTimeoutError);
		relay.back();
		await queue.put('x');
		await vi.waitFor(async () => expect(await waiting(path)).toEqual([]), soon);
		await vi.waitFor(async () => expect(await taken(path)).toEqual([]), soon);
		expect(await drain(queue)).toEqual(['x']);
	});
});

describe('a consumer', () => {
	it('gives back what it has when its loop is left, and keeps it when it was told to stop', async () => {
		const path = '/queues/left';
		const queue = queueAt(path);
		await queue.putAll(numbers(6));
		for await (const item of queue.consume({ prefetch: 3 })) if (item.value === '1') break;
		expect(await taken(path)).toEqual([]);
		const stop = new AbortController();
		const kept: QueueItem<string>[] = [];
		for await (const item of queue.consume({ prefetch: 3, signal: stop.signal })) {
			kept.push(item);
			if (kept.length === 2) stop.abort();
		}
		expect(await taken(path)).toEqual(kept.map(({ name }) => name));
		for (const item of kept) await item.ack();
		await expect(
			(async () => {
				for await (const item of queue.consume()) throw new Error(`cannot do ${item.value}`);
			})(),
		).rejects.toThrow('cannot do 2');
		expect(await drain(queue)).toEqual(['2', '3', '4', '5']);
	});

	it('loses what it had with its session: another one gets it, and its acknowledgement is refused', async () => {
		const path = '/queues/lost';
		const mine = await clients.connect('relay');
		const queue = queueAt(path, mine);
		await queue.put('precious');
		const item = await queue.take();
		const next = queueAt(path, other).take();
		await relay.end(item.session.id);
		const again = await next;
		expect([again.value, again.token > item.token]).toEqual(['precious', true]);
		await vi.waitFor(() => expect(item.session.signal.aborted).toBe(true), soon);
		await expect(item.ack()).rejects.toThrow(LockLostError);
		await again.ack();
		expect(await queue.length()).toBe(0);
	});

	it('goes on in the next session', async () => {
		const mine = await clients.connect('relay');
		const queue = queueAt('/queues/on', mine);
		const values: string[] = [];
		const consuming = (async () => {
			for await (const item of queue.consume()) {
				values.push(item.value);
				await item.ack();
				if (values.length === 2) break;
			}
		})();
		const producer = queueAt('/queues/on', other);
		await producer.put('one');
		await vi.waitFor(async () => expect([values, await queue.length()]).toEqual([['one'], 0]), soon);
		const { session } = mine;
		await relay.end(session.id);
		await vi.waitFor(() => expect(mine.session).not.toBe(session), soon);
		await producer.put('two');
		await consuming;
		expect(values).toEqual(['one', 'two']);
	});

	it('is told of nothing twice when answers are lost', async () => {
		const queue = queueAt('/queues/lossy');
		await queue.putAll(numbers(5));
		const values: string[] = [];
		for await (const item of queue.consume()) {
			values.push(item.value);
			relay.loseAnswer('multi');
			await item.ack();
			if (values.length === 5) break;
			// The next one is taken with an answer that is lost.
			relay.loseAnswer('multi');
		}
		expect(values).toEqual(numbers(5));
		expect([await queue.length(), await taken('/queues/lossy')]).toEqual([0, []]);
	});
});

describe('a priority queue', () => {
	it('gives the smallest number first, then in order, and what comes later in front of what is not looked at yet', async () => {
		const queue = new PriorityQueue(ck, '/queues/priority', { codec: textCodec, lookAhead: 2 });
		await queue.putAll(['c', 'd', 'e']);
		await queue.put('z', { priority: 999 });
		await queue.put('a', { priority: 1 });
		expect((await queue.take()).value).toBe('a');
		await queue.put('b', { priority: 0 });
		expect(await drain(queue)).toEqual(['c', 'b', 'd', 'e', 'z']);
		await expect(queue.put('x', { priority: 1000 })).rejects.toThrow(RangeError);
		await expect(queue.put('x', { priority: 1.5 })).rejects.toThrow(RangeError);
	});
});

describe('a delay queue', () => {
	it('gives what is due, and not before', async () => {
		const queue = new DelayQueue(ck, '/queues/delay', { codec: jsonCodec<number>() });
		await queue.put(3, { delayMs: 3_600_000 });
		// Another client does not know yet what time it is.
		const consumer = new DelayQueue(other, '/queues/delay', { codec: jsonCodec<number>() });
		expect([await queue.tryTake(), await consumer.tryTake()]).toEqual([undefined, undefined]);
		expect(await taken('/queues/delay')).toEqual([]);
		const nowMs = Number((await other.create('/queues/now')).stat.ctimeMs);
		await queue.put(2, { at: new Date(nowMs + 250) });
		await queue.put(1, { at: new Date(nowMs + 200) });
		for (const [value, dueMs] of [
			[1, nowMs + 200],
			[2, nowMs + 250],
		] as const) {
			const item = await consumer.take();
			expect([item.value, dueOf(item)]).toEqual([value, dueMs]);
			expect(Number((await other.exists(item.path))!.ctimeMs)).toBeGreaterThanOrEqual(dueMs);
			await item.ack();
		}
		expect([await consumer.tryTake(), await queue.length()]).toEqual([undefined, 1]);
		const [last] = await childrenOf('/queues/delay/entries');
		const putMs = Number((await other.exists(`/queues/delay/entries/${last}`))!.ctimeMs);
		expect(Math.abs(dueOf({ name: last! }) - putMs - 3_600_000)).toBeLessThan(60_000);
		await queue.put(0, { at: new Date(0) });
		expect((await consumer.take()).value).toBe(0);
		await expect(queue.put(0, { delayMs: Number.NaN })).rejects.toThrow(RangeError);
	});
});
