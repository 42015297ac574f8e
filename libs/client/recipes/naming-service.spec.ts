import { describe, expect, it } from 'vitest';
import { RecipeClients } from '#test/support/recipe-clients';
import { IdSequence } from './id-sequence.ts';
import { NameTakenError, NamingService } from './naming-service.ts';

const clients = RecipeClients.forFile();
const client = () => clients.connect();

const range = (first: number, count: number) => Array.from({ length: count }, (_, i) => BigInt(first + i));

describe('a sequence of ids', () => {
	it('gives every client numbers of its own, which rise in the order in which it asks', async () => {
		const clients = await Promise.all(range(0, 3).map(client));
		const sequences = clients.map((ck) => new IdSequence(ck, '/ids/orders', { blockSize: 10 }));
		const each = await Promise.all(sequences.map((ids) => Promise.all(range(0, 200).map(() => ids.next()))));
		for (const ids of each) expect(ids).toEqual(ids.toSorted((a, b) => Number(a - b)));
		expect(new Set(each.flat()).size).toBe(600);
	});

	it('reserves a block at a time, and begins where it is told to', async () => {
		const ck = await client();
		const ids = new IdSequence(ck, '/ids/blocks', { blockSize: 1000, first: 5n });
		const given = [];
		for (let i = 0; i < 400; i++) given.push(await ids.next());
		expect(given).toEqual(range(5, 400));
		expect((await ck.exists('/ids/blocks'))?.version).toBe(0);
		expect(await new IdSequence(ck, '/ids/blocks').next()).toBe(1005n);
	});

	it('lets those go who gave up, without a number lost', async () => {
		const ck = await client();
		const ids = new IdSequence(ck, '/ids/given-up', { blockSize: 2 });
		const giveUp = new AbortController();
		const all = range(0, 9).map((i) => ids.next(i % 3n === 1n ? { signal: giveUp.signal } : {}));
		giveUp.abort();
		const settled = await Promise.allSettled(all);
		expect(settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))).toEqual(range(1, 6));
		expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(3);
	});

	it('gives nothing more when it was set back, until it is put forward', async () => {
		const ck = await client();
		const ids = new IdSequence(ck, '/ids/set-back', { blockSize: 1 });
		expect([await ids.next(), await ids.next()]).toEqual([1n, 2n]);
		await ck.set('/ids/set-back', '2');
		await expect(ids.next()).rejects.toThrow('was set back: 2 is next, 3 was');
		await ck.set('/ids/set-back', '70');
		expect(await ids.next()).toBe(70n);
		expect(() => new IdSequence(ck, '/ids/none', { blockSize: 0 })).toThrow('at least one');
	});
});

describe('names', () => {
	it('that are claimed have one owner, as long as its session lives', async () => {
		const [first, second] = await Promise.all([client(), client()]);
		const [one, other] = [new NamingService(first, '/naming'), new NamingService(second, '/naming')];
		const claimed = await one.claim('blue', 'host-1');
		await expect(other.claim('blue', 'host-2')).rejects.toThrow(new NameTakenError('blue', 'host-1').message);
		await expect(one.claim('blue', 'host-1')).rejects.toThrow(NameTakenError);
		expect(await other.lookUp('blue')).toEqual({ owner: 'host-1', isClaimed: true, token: claimed.token });
		await first.close();
		expect(claimed.isHeld).toBe(false);
		const next = await other.claim('blue', 'host-2');
		expect(next.token).toBeGreaterThan(claimed.token);
		await next.release();
		expect(await other.lookUp('blue')).toBeUndefined();
	});

	it('that are registered stay when the session ends, until their owner frees them', async () => {
		const ck = await client();
		await new NamingService(ck, '/naming').register('green', 'tenant-1');
		await ck.close();
		const naming = new NamingService(await client(), '/naming');
		await naming.register('green', 'tenant-1');
		await expect(naming.register('green', 'tenant-2')).rejects.toThrow(NameTakenError);
		await expect(naming.unregister('green', 'tenant-2')).rejects.toThrow(NameTakenError);
		expect(await naming.names()).toEqual(['green']);
		expect([await naming.unregister('green', 'tenant-1'), await naming.unregister('green', 'tenant-1')]).toEqual([
			true,
			false,
		]);
		await expect(naming.claim('a/b', 'x')).rejects.toThrow(RangeError);
	});

	it('that are new were nobody’s before', async () => {
		const naming = new NamingService(await client(), '/naming');
		const first = await naming.newName('worker-', 'host-1');
		expect(first).toMatch(/^worker-\d{10}$/);
		expect(await naming.unregister(first, 'host-1')).toBe(true);
		expect(await naming.newName('worker-', 'host-1')).not.toBe(first);
		expect([await naming.ids('jobs').next(), await naming.ids('jobs').next()]).toEqual([1n, 101n]);
	});
});
