import { describe, expect, it } from 'vitest';
import { failure, RecipeClients } from '#test/support/recipe-clients';
import { OperationAbortedError } from '../errors.ts';
import { DistributedLock } from './lock.ts';
import { MultiLock } from './multi-lock.ts';
import { WaitTimeoutError } from './patience.ts';
import { ReadWriteLock } from './read-write-lock.ts';

const clients = RecipeClients.forFile();

describe('several locks as one', () => {
	it('are all held, each with a token of its own, and all released', async () => {
		const locks = new MultiLock(clients.ck, ['/multi/b', new ReadWriteLock(clients.ck, '/multi/a').write]);
		const held = await locks.acquire();
		for (const path of ['/multi/a', '/multi/b']) {
			expect(await new DistributedLock(clients.other, '/multi/b').tryAcquire()).toBeUndefined();
			expect(held.token(path)).toBe(held.locks.get(path)!.token);
		}
		expect(held.token('/multi/b')).toBeGreaterThan(held.token('/multi/a'));
		expect(() => held.token('/multi/c')).toThrow(RangeError);
		expect(held.isHeld).toBe(true);
		await held.release();
		expect(held.isHeld).toBe(false);
		expect(await clients.names('/multi/a')).toEqual([]);
		expect(await clients.names('/multi/b')).toEqual([]);
	});

	it('never wait for each other, in whatever order they are named', async () => {
		const paths = ['/multi/x', '/multi/y', '/multi/z'];
		const take = async (names: readonly string[], ck = clients.ck): Promise<void> => {
			for (let i = 0; i < 4; i++) await (await new MultiLock(ck, names).acquire()).release();
		};
		await Promise.all([take(paths), take(paths.toReversed()), take(['/multi/z', '/multi/x'], clients.other)]);
		for (const path of paths) expect(await clients.names(path)).toEqual([]);
	});

	it('all or none: who gives up gives back what it had', async () => {
		const second = await new DistributedLock(clients.other, '/multi/e').acquire();
		const both = new MultiLock(clients.ck, ['/multi/d', '/multi/e']);
		const controller = new AbortController();
		const waiting = failure(both.acquire(controller));
		await clients.children('/multi/e', 2);
		expect(await new DistributedLock(clients.other, '/multi/d').tryAcquire()).toBeUndefined();
		controller.abort();
		expect(await waiting).toBeInstanceOf(OperationAbortedError);
		expect(await failure(both.acquire({ timeoutMs: 5 }))).toBeInstanceOf(WaitTimeoutError);
		await (await new DistributedLock(clients.other, '/multi/d').acquire()).release();
		await second.release();
		await (await both.acquire()).release();
	});

	it('when one is lost while it waits for the others, it begins anew', async () => {
		const second = await new DistributedLock(clients.other, '/multi/g').acquire();
		const waiting = new MultiLock(clients.ck, ['/multi/f', '/multi/g']).acquire();
		await clients.children('/multi/g', 2);
		const [first] = await new DistributedLock(clients.ck, '/multi/f').holders();
		await clients.other.delete(first!.path);
		const between = await new DistributedLock(clients.other, '/multi/f').acquire();
		await between.release();
		await second.release();
		const held = await waiting;
		expect(held.token('/multi/f')).toBeGreaterThan(between.token);
		await held.release();
	});

	it('tell when one of them is lost', async () => {
		const held = await new MultiLock(clients.ck, ['/multi/h', '/multi/i']).acquire();
		const lost = new Promise((resolve) => held.signal.addEventListener('abort', () => resolve(held.signal.reason)));
		await clients.other.delete(held.locks.get('/multi/i')!.path);
		expect(await lost).toMatchObject({ reason: 'deleted' });
		expect(held.locks.get('/multi/h')!.isHeld).toBe(true);
		await held.release();
	});

	it('are not named twice', () => {
		expect(() => new MultiLock(clients.ck, ['/multi/a', '/multi/a'])).toThrow(RangeError);
	});
});
