import { describe, expect, it, vi } from 'vitest';
import { failure, ids, RecipeClients, soon } from '#test/support/recipe-clients';
import { OperationAbortedError } from '../errors.ts';
import { WaitTimeoutError } from './patience.ts';
import { Semaphore } from './semaphore.ts';

const clients = RecipeClients.forFile();
const ours = (path: string, leases = 2, id = '') => new Semaphore(clients.ck, path, leases, { id });
const theirs = (path: string, leases = 2, id = '') => new Semaphore(clients.other, path, leases, { id });

describe('a semaphore', () => {
	it('gives no more leases than there are, each with a greater token', async () => {
		let now = 0;
		let most = 0;
		const tokens: bigint[] = [];
		const use = async (semaphore: Semaphore): Promise<void> => {
			for (let i = 0; i < 4; i++) {
				const lease = await semaphore.acquire();
				tokens.push(lease.token);
				most = Math.max(most, ++now);
				// Two hold one at once, or this never ends.
				await vi.waitFor(() => expect(most).toBe(2), soon);
				now -= 1;
				await lease.release();
			}
		};
		await Promise.all([1, 2, 3, 4].map((i) => use(i % 2 === 0 ? ours('/semaphore/a') : theirs('/semaphore/a'))));
		expect(most).toBe(2);
		expect(new Set(tokens).size).toBe(16);
		expect(await clients.names('/semaphore/a/leases')).toEqual([]);
	});

	it('gives them in the order in which they were asked for', async () => {
		const held = [await ours('/semaphore/b', 2, 'one').acquire(), await theirs('/semaphore/b', 2, 'two').acquire()];
		const order: string[] = [];
		const waiting = ['three', 'four', 'five'].map(async (id, index) => {
			await clients.children('/semaphore/b/locks', index);
			const lease = await ours('/semaphore/b', 2, id).acquire();
			order.push(id);
			return lease;
		});
		await clients.children('/semaphore/b/locks', 3);
		expect(ids(await ours('/semaphore/b').holders())).toEqual(['one', 'two']);
		for (const lease of held) await lease.release();
		for (const next of waiting) await (await next).release();
		expect(order).toEqual(['three', 'four', 'five']);
	});

	it('who gives up leaves nothing behind: in line, or at its head', async () => {
		const lease = await ours('/semaphore/c', 1).acquire();
		const controller = new AbortController();
		const head = failure(theirs('/semaphore/c', 1).acquire({ signal: controller.signal }));
		await clients.children('/semaphore/c/leases', 2);
		expect(await failure(theirs('/semaphore/c', 1).acquire({ timeoutMs: 5 }))).toBeInstanceOf(WaitTimeoutError);
		controller.abort();
		expect(await head).toBeInstanceOf(OperationAbortedError);
		await clients.children('/semaphore/c/locks', 0);
		await clients.children('/semaphore/c/leases', 1);
		await lease.release();
	});

	it('63: the lease of a lost session is given to the next', async () => {
		const client = await clients.connect('relay');
		const lease = await new Semaphore(client, '/semaphore/d', 1).acquire();
		const next = theirs('/semaphore/d', 1).acquire();
		await clients.children('/semaphore/d/leases', 2);
		await clients.relay.end(client.session.id);
		expect((await next).token).toBeGreaterThan(lease.token);
		await (await next).release();
	});

	it('63: who waits goes on in its next session when it loses one', async () => {
		const client = await clients.connect('relay');
		const lease = await ours('/semaphore/e', 1).acquire();
		const waiting = new Semaphore(client, '/semaphore/e', 1).acquire();
		await clients.children('/semaphore/e/leases', 2);
		const before = client.session;
		await clients.relay.end(before.id);
		await lease.release();
		const next = await waiting;
		expect(next.session).not.toBe(before);
		expect(next.session).toBe(client.session);
		await next.release();
	});

	it('costs two round trips to acquire, one to release', async () => {
		const semaphore = ours('/semaphore/f');
		await (await semaphore.acquire()).release();
		const traffic = await clients.relay.during(async () => (await semaphore.acquire()).release());
		// Gate and lease are created and listed, then both deleted; the gate without being waited for.
		expect(traffic).toMatchObject({ operations: 6, events: 0 });
		expect(traffic.messages).toBeLessThanOrEqual(4);
	});

	it('is refused without a lease', () => {
		expect(() => ours('/semaphore/none', 0)).toThrow(RangeError);
		expect(() => ours('/semaphore/none', 1.5)).toThrow(RangeError);
	});
});
