import { describe, expect, it } from 'vitest';
import { RecipeClients } from '#test/support/recipe-clients';
import { Counter } from './counter.ts';

const clients = RecipeClients.forFile();
const client = () => clients.connect();

const range = (count: number) => Array.from({ length: count }, (_, i) => BigInt(i + 1));

describe('a counter', () => {
	it('gives every addition a number of its own, whoever adds, and forgets none', async () => {
		const counters = [];
		for (let i = 0; i < 4; i++) counters.push(new Counter(await client(), '/counters/many'));
		const each = await Promise.all(
			counters.map(async (counter) => {
				const numbers: bigint[] = [];
				for (let i = 0; i < 15; i++) numbers.push(await counter.increment());
				return numbers;
			}),
		);
		expect(each.flat().sort((a, b) => Number(a - b))).toEqual(range(60));
		for (const numbers of each) expect(numbers).toEqual(numbers.toSorted((a, b) => Number(a - b)));
		expect(await counters[0]!.value()).toBe(60n);
	});

	it('writes once for what is asked for together', async () => {
		const ck = await client();
		const counter = new Counter(ck, '/counters/together');
		expect(await Promise.all(range(100).map(() => counter.add(2)))).toEqual(range(100).map((i) => 2n * i));
		expect((await ck.exists('/counters/together'))?.version).toBeLessThan(3);
		expect(await counter.add(-201)).toBe(-1n);
		expect(Buffer.from((await ck.get('/counters/together')).data!).toString()).toBe('-1');
	});

	it('goes on behind what another one has set, and compares before it sets', async () => {
		const ck = await client();
		const [one, other] = [new Counter(ck, '/counters/set'), new Counter(ck, '/counters/set')];
		expect(await one.increment()).toBe(1n);
		expect(await other.compareAndSet(2n, 9n)).toBe(false);
		expect(await other.compareAndSet(1n, 2n ** 70n)).toBe(true);
		expect(await one.increment()).toBe(2n ** 70n + 1n);
		expect(await other.decrement()).toBe(2n ** 70n);
	});

	it('leaves alone what is no integer, and what was given up before it was sent', async () => {
		const ck = await client();
		await ck.create('/text', 'many');
		const counter = new Counter(ck, '/text');
		await expect(counter.increment()).rejects.toThrow('"many" is no integer');
		const given = new AbortController();
		const abandoned = new Counter(ck, '/counters/abandoned').add(1, { signal: given.signal });
		given.abort(new Error('given up'));
		await expect(abandoned).rejects.toThrow('given up');
		expect(await ck.exists('/counters/abandoned')).toBeUndefined();
		expect((await ck.exists('/text'))?.version).toBe(0);
	});
});
