import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { failure, ids, RecipeClients, soon } from '#test/support/recipe-clients';
import type { Chronokeeper } from '../chronokeeper.ts';
import { connect } from '../connect.ts';
import { NoNodeError, OperationAbortedError, OperationTimeoutError } from '../errors.ts';
import { LockLostError } from './held.ts';
import { DistributedLock } from './lock.ts';
import { WaitTimeoutError } from './patience.ts';

const clients = RecipeClients.forFile();

describe('a lock', () => {
	it('has one holder at a time, in the order in which they came, with tokens that rise', async () => {
		const locks = ['a', 'b', 'c'].map(
			(id) => new DistributedLock(id === 'b' ? clients.other : clients.ck, '/locks/order', { id }),
		);
		const first = await locks[0]!.acquire();
		const order: string[] = [];
		const tokens = [first.token];
		const waiting: Promise<void>[] = [];
		for (const [index, id] of [...'bc'].entries()) {
			const turn = locks[index + 1]!.run((held) => {
				order.push(id);
				tokens.push(held.token);
				return Promise.resolve();
			});
			waiting.push(turn);
			await clients.children('/locks/order', index + 2);
		}
		expect(ids(await locks[0]!.contenders())).toEqual(['a', 'b', 'c']);
		expect(await locks[1]!.holders()).toMatchObject([
			{ id: 'a', path: first.path, token: first.token, sessionId: clients.ck.session.id },
		]);
		expect(order).toEqual([]);
		await first.release();
		await Promise.all(waiting);
		expect(order).toEqual(['b', 'c']);
		expect(tokens).toEqual(tokens.toSorted((one, two) => Number(one - two)));
		expect(new Set(tokens).size).toBe(3);
		expect(await locks[0]!.holders()).toEqual([]);
	});

	it('the token is the czxid of the node that stands for it', async () => {
		const held = await new DistributedLock(clients.ck, '/locks/token').acquire();
		expect(held.path).toMatch(/^\/locks\/token\/_c_[\da-f-]{36}-lock-0000000000$/);
		expect(held.token).toBe((await clients.other.exists(held.path))!.czxid);
		await held.release();
		expect(await clients.other.exists(held.path)).toBeUndefined();
	});

	it("keeps its holders' additions apart", async () => {
		await clients.ck.create('/sum', '0');
		const add = async (adder: Chronokeeper): Promise<void> => {
			const lock = new DistributedLock(adder, '/locks/sum');
			for (let i = 0; i < 3; i++) {
				await lock.run(async () => {
					const { data } = await adder.get('/sum');
					await adder.set('/sum', `${Number(Buffer.from(data!).toString()) + 1}`);
				});
			}
		};
		await Promise.all([add(clients.ck), add(clients.other), add(clients.ck), add(clients.other)]);
		expect(Buffer.from((await clients.ck.get('/sum')).data!).toString()).toBe('12');
	});

	it('is tried without waiting', async () => {
		const lock = new DistributedLock(clients.ck, '/locks/tried');
		const held = await lock.tryAcquire();
		expect(await new DistributedLock(clients.other, '/locks/tried').tryAcquire()).toBeUndefined();
		expect((await clients.other.children('/locks/tried')).names).toHaveLength(1);
		await held!.release();
		const again = await lock.tryAcquire();
		expect(again!.token).toBeGreaterThan(held!.token);
		await again!.release();
	});

	it('who gives up leaves no node behind, and does not keep others from their turn', async () => {
		const held = await new DistributedLock(clients.ck, '/locks/patience').acquire();
		const controller = new AbortController();
		const impatient = failure(
			new DistributedLock(clients.other, '/locks/patience').acquire({ signal: controller.signal, timeoutMs: 60_000 }),
		);
		await clients.children('/locks/patience', 2);
		const next = new DistributedLock(clients.ck, '/locks/patience').acquire();
		await clients.children('/locks/patience', 3);
		controller.abort('enough');
		expect(await impatient).toBeInstanceOf(OperationAbortedError);
		expect(await impatient).toMatchObject({ cause: 'enough' });
		await clients.children('/locks/patience', 2);
		expect(
			await failure(new DistributedLock(clients.other, '/locks/patience').acquire({ timeoutMs: 5 })),
		).toBeInstanceOf(WaitTimeoutError);
		await clients.children('/locks/patience', 2);
		await held.release();
		await (await next).release();
		await clients.children('/locks/patience', 0);
	});

	it('given up before its node was there, it is deleted as soon as it is', async () => {
		await clients.ck.ensurePath('/locks/early');
		const controller = new AbortController();
		const acquiring = failure(new DistributedLock(clients.ck, '/locks/early').acquire({ signal: controller.signal }));
		// The creation is on its way.
		await Promise.resolve();
		controller.abort();
		expect(await acquiring).toBeInstanceOf(OperationAbortedError);
		const { stat } = await clients.ck.children('/locks/early');
		expect(stat.cversion).toBe(1);
		await clients.children('/locks/early', 0);
	});

	it('its parents vanish when nobody needs them: they are containers', async () => {
		const often = { tickTime: 200, 'znode.container.checkIntervalMs': 20 } as const;
		const { servers } = clients;
		const { addresses } = await servers.start(servers.newDirectory(), often);
		const tidy = servers.keep(await connect({ endpoints: addresses.grpc }));
		await new DistributedLock(tidy, '/vanishing/lock').run(() => Promise.resolve());
		await tidy.untilDeleted('/vanishing', { timeoutMs: 20_000 });
	});

	it("Kazoo's nodes stand in the same line", async () => {
		const kazoo = new DistributedLock(clients.other, '/locks/both', { layout: 'kazoo' });
		const held = await kazoo.acquire();
		expect(held.path).toMatch(/\/[\da-f]{32}__lock__0000000000$/);
		const ours = new DistributedLock(clients.ck, '/locks/both');
		expect(await ours.tryAcquire()).toBeUndefined();
		const waiting = ours.acquire();
		await clients.children('/locks/both', 2);
		await held.release();
		const next = await waiting;
		expect(await kazoo.tryAcquire()).toBeUndefined();
		await next.release();
	});
});

describe('what is held', () => {
	it('ends once: by its release, which may be asked for again', async () => {
		const held = await new DistributedLock(clients.ck, '/locks/ends').acquire();
		const { signal } = held;
		expect(held.isHeld).toBe(true);
		await Promise.all([held.release(), held.release()]);
		expect(signal.reason).toMatchObject({ name: 'LockLostError', reason: 'released', path: held.path });
		expect(held.isHeld).toBe(false);
		const { stat } = await clients.ck.children('/locks/ends');
		await held.release();
		expect((await clients.ck.children('/locks/ends')).stat.cversion).toBe(stat.cversion);
	});

	it('is released at the end of its scope', async () => {
		{
			await using held = await new DistributedLock(clients.ck, '/locks/scope').acquire();
			expect((await clients.other.exists(held.path))?.ephemeralOwner).toBe(clients.ck.session.id);
		}
		expect((await clients.other.children('/locks/scope')).names).toEqual([]);
	});

	it('ends when somebody else deletes its node, and tells', async () => {
		const held = await new DistributedLock(clients.ck, '/locks/stolen').acquire();
		const lost = new Promise((resolve) =>
			held.signal.addEventListener('abort', () => resolve(held.signal.reason), { once: true }),
		);
		await clients.other.delete(held.path);
		expect(await lost).toBeInstanceOf(LockLostError);
		expect(await lost).toMatchObject({ reason: 'deleted' });
		await held.release();
	});

	it('guards what is written in its transaction, from the moment it is held to the moment it is not', async () => {
		await clients.ck.create('/guarded', 'before');
		const held = await new DistributedLock(clients.ck, '/locks/guard').acquire();
		const results = await held.transaction().set('/guarded', 'held').commit();
		expect(results.map(({ path }) => path)).toEqual([held.path, '/guarded']);
		await clients.other.delete(held.path);
		const next = await new DistributedLock(clients.other, '/locks/guard').acquire();
		await next.transaction().set('/guarded', 'by the next').commit();
		const late = await failure(held.transaction().set('/guarded', 'too late').commit());
		expect(late).toBeInstanceOf(NoNodeError);
		expect(late).toMatchObject({ op: 0 });
		expect(Buffer.from((await clients.ck.get('/guarded')).data!).toString()).toBe('by the next');
		await next.release();
	});

	it('63: ends with its session, and the next in line has it', async () => {
		const holder = await clients.connect('relay');
		const held = await new DistributedLock(holder, '/locks/session').acquire();
		const next = new DistributedLock(clients.other, '/locks/session').acquire();
		await clients.children('/locks/session', 2);
		const before = holder.session;
		await clients.relay.end(before.id);
		expect((await next).token).toBeGreaterThan(held.token);
		await vi.waitFor(() => expect(held.isHeld).toBe(false), soon);
		expect(held.signal.reason).toMatchObject({ reason: 'sessionLost' });
		await held.release();
		// The client goes on in another session, and stands behind.
		await vi.waitFor(() => expect(holder.state).toBe('connected'), soon);
		expect(holder.session).not.toBe(before);
		const again = new DistributedLock(holder, '/locks/session').acquire();
		await clients.children('/locks/session', 2);
		await (await next).release();
		await (await again).release();
	});
});

describe('who waits', () => {
	it('begins anew at the end of the line when the session is lost', async () => {
		const waiter = await clients.connect('relay');
		const first = await new DistributedLock(clients.ck, '/locks/lost').acquire();
		const waiting = new DistributedLock(waiter, '/locks/lost', { id: 'waiter' }).acquire();
		await clients.children('/locks/lost', 2);
		const next = new DistributedLock(clients.other, '/locks/lost', { id: 'next' }).acquire();
		await clients.children('/locks/lost', 3);
		await clients.relay.end(waiter.session.id);
		await vi.waitFor(
			async () =>
				expect(ids(await new DistributedLock(clients.ck, '/locks/lost').contenders())).toEqual(['', 'next', 'waiter']),
			soon,
		);
		await first.release();
		await (await next).release();
		const held = await waiting;
		expect(held.session).toBe(waiter.session);
		await held.release();
	});

	it('begins anew when somebody deletes its node', async () => {
		const first = await new DistributedLock(clients.ck, '/locks/robbed').acquire();
		const waiting = new DistributedLock(clients.other, '/locks/robbed', { id: 'robbed' }).acquire();
		await clients.children('/locks/robbed', 2);
		const [, robbed] = await new DistributedLock(clients.ck, '/locks/robbed').contenders();
		await clients.ck.delete(robbed!.path);
		await first.release();
		const held = await waiting;
		expect(held.token).toBeGreaterThan(robbed!.token);
		await held.release();
	});

	it('goes on when the stream is lost, whatever happened meanwhile', async () => {
		const waiter = await clients.connect('relay');
		const first = await new DistributedLock(clients.other, '/locks/stream').acquire();
		const waiting = new DistributedLock(waiter, '/locks/stream').acquire();
		await clients.children('/locks/stream', 2);
		clients.relay.cut(true);
		await first.release();
		clients.relay.back();
		const held = await waiting;
		expect((await clients.other.children('/locks/stream')).names).toHaveLength(1);
		await held.release();
	});

	it('one node comes of a creation whose answer is lost', async () => {
		const waiter = await clients.connect('relay');
		await waiter.ensurePath('/locks/answer');
		clients.relay.loseAnswer('create');
		const held = await new DistributedLock(waiter, '/locks/answer').acquire();
		const { names, stat } = await clients.other.children('/locks/answer');
		expect(names).toEqual([held.path.slice('/locks/answer/'.length)]);
		expect(stat.cversion).toBe(1);
		clients.relay.loseAnswer('delete');
		await held.release();
		expect((await clients.other.children('/locks/answer')).names).toEqual([]);
	});
});

describe('what it costs', () => {
	it('one round trip to acquire, one to release', async () => {
		const lock = new DistributedLock(clients.ck, '/locks/cost');
		await lock.run(() => Promise.resolve());
		expect(
			await clients.relay.during(async () => {
				const held = await lock.acquire();
				expect(await clients.relay.during(() => held.release())).toEqual({ messages: 1, operations: 1, events: 0 });
			}),
		).toEqual({ messages: 2, operations: 3, events: 0 });
	});

	it("the client's own time limit of an operation does not end it in the middle", async () => {
		const hurried = await clients.connect('relay', { operationTimeoutMs: 50 });
		clients.relay.cut(true);
		const acquiring = new DistributedLock(hurried, '/locks/hurried').acquire();
		expect(await failure(hurried.sync())).toBeInstanceOf(OperationTimeoutError);
		clients.relay.back();
		const held = await acquiring;
		clients.relay.cut(true);
		const releasing = held.release();
		expect(await failure(hurried.sync())).toBeInstanceOf(OperationTimeoutError);
		clients.relay.back();
		await releasing;
		expect(await clients.names('/locks/hurried')).toEqual([]);
	});

	it('nothing stays behind on the signals of session and caller, which live long', async () => {
		const { signal } = new AbortController();
		const ck = await clients.connect();
		const lock = new DistributedLock(ck, '/locks/signals');
		const turn = (): Promise<boolean> => lock.run((held) => Promise.resolve(held.isHeld), { signal });
		await Promise.all(Array.from({ length: 10 }, turn));
		for (const each of [signal, ck.session.signal])
			await vi.waitFor(() => expect(getEventListeners(each, 'abort')).toEqual([]), soon);
	});

	it('a release wakes the next in line and nobody else: 50 wait, and each hears of one event', async () => {
		const path = '/locks/herd';
		const first = await new DistributedLock(clients.ck, path).acquire();
		const lock = new DistributedLock(clients.ck, path);
		const order: number[] = [];
		const turns = Array.from({ length: 50 }, (_, index) =>
			lock.run(() => {
				order.push(index);
				return Promise.resolve();
			}),
		);
		await clients.children(path, 51);
		const { events, operations } = await clients.relay.during(async () => {
			await first.release();
			await Promise.all(turns);
		});
		expect(order).toEqual([...order.keys()]);
		// Whoever is served before it has seen that it must wait hears of none.
		expect(events).toBeGreaterThan(25);
		expect(events).toBeLessThanOrEqual(50);
		// The first one deletes its node; each other has yet to list its siblings again, to delete, and perhaps to look at the node in front of it.
		expect(operations).toBeLessThan(3.3 * 50);
	});
});
