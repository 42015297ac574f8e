/** The TypeScript client's queues, counters and groups on the same nodes as Kazoo's. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Chronokeeper, Counter, connect, Group, PriorityQueue, Queue, textCodec } from '#client/index';
import { eventually } from '#test/support/ensemble-wait';
import { KazooRemote } from '#test/support/kazoo-remote';
import { ServerUnderTest } from '#test/support/server-under-test';

let server: ServerUnderTest;
let ck: Chronokeeper;
let kazoo: KazooRemote;

beforeAll(async () => {
	server = await ServerUnderTest.start();
	ck = await connect({ endpoints: server.grpc });
});
afterAll(async () => {
	await ck?.close();
	await server?.stop();
});
beforeEach(async () => {
	kazoo = await KazooRemote.connect(server.address, 'recipes.py');
});
afterEach(() => kazoo.close());

const numbers = (prefix: string) => Array.from({ length: 30 }, (_, i) => `${prefix}${i}`);

describe("Kazoo's LockingQueue and our queues", () => {
	const locking = (path: string, call: string, ...args: readonly (number | { readonly data: string })[]) =>
		kazoo.recipe('LockingQueue', path, call, args);

	it('share elements: consumers of both get all that producers of both put, each once, and in order', async () => {
		const path = '/shared';
		const queue = new Queue(ck, path, { codec: textCodec });
		for (const [i, value] of numbers('kazoo').entries()) {
			await locking(path, 'put', { data: value });
			await queue.put(`ours${i}`);
		}
		const [theirs, ours]: [string[], string[]] = [[], []];
		await Promise.all([
			(async () => {
				for (;;) {
					const value = (await locking(path, 'get', 0.5)) as string | null;
					if (value === null) return;
					theirs.push(value);
					expect(await locking(path, 'consume')).toBe(true);
				}
			})(),
			(async () => {
				for (let item = await queue.tryTake(); item !== undefined; item = await queue.tryTake()) {
					ours.push(item.value);
					await item.ack();
				}
			})(),
		]);
		const order = numbers('kazoo').flatMap((value, i) => [value, `ours${i}`]);
		expect([...theirs, ...ours].sort()).toEqual(order.toSorted());
		for (const got of [theirs, ours]) expect(got).toEqual(order.filter((value) => got.includes(value)));
		expect([theirs.length > 0, ours.length > 0]).toEqual([true, true]);
		expect([await queue.length(), await locking(path, 'len')]).toEqual([0, 0]);
	});

	it('keep what one has taken from the other, by priority, until it is released, or its owner dies', async () => {
		const path = '/taken';
		const queue = new PriorityQueue(ck, path, { codec: textCodec });
		await locking(path, 'put', { data: 'second' }, 7);
		await queue.put('first', { priority: 6 });
		await queue.put('third');
		const first = await queue.take();
		expect([first.value, await locking(path, 'get', 5)]).toEqual(['first', 'second']);
		const third = await queue.take();
		expect([third.value, await queue.tryTake()]).toEqual(['third', undefined]);
		expect(await locking(path, 'release')).toBe(true);
		const second = await queue.take();
		expect(second.value).toBe('second');
		await first.release();
		expect(await locking(path, 'get', 5)).toBe('first');
		expect(await locking(path, 'holds_lock')).toBe(true);
		const waiting = queue.take();
		await kazoo.kill();
		const again = await waiting;
		expect([again.value, again.token > first.token]).toEqual(['first', true]);
		for (const item of [again, second, third]) await item.ack();
		expect(await queue.length()).toBe(0);
	});
});

describe("Kazoo's other recipes and ours", () => {
	it('count in one node', async () => {
		const counter = new Counter(ck, '/counter');
		await Promise.all([
			(async () => {
				for (let i = 0; i < 30; i++) await kazoo.recipe('Counter', '/counter', '__add__', [2]);
			})(),
			(async () => {
				for (let i = 0; i < 30; i++) await counter.add(-1);
			})(),
		]);
		expect([await counter.value(), await kazoo.recipe('Counter', '/counter', 'value')]).toEqual([30n, 30]);
	});

	it('see the members of each other’s party', async () => {
		const group = new Group(ck, '/party');
		const party = (call: string) => kazoo.recipe('Party', '/party', call);
		await party('join');
		const membership = await group.join('ours', 'here we are');
		await eventually('Kazoo sees both', async () => (await party('len')) === 2);
		expect(((await party('list')) as string[]).sort()).toEqual(['', 'here we are']);
		expect((await group.members()).map(({ name }) => name)).toEqual(['', 'ours']);
		await membership.leave();
		await party('leave');
		expect([await party('len'), await group.members()]).toEqual([0, []]);
	});
});
