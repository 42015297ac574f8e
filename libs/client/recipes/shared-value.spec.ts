import { describe, expect, it } from 'vitest';
import { RecipeClients } from '#test/support/recipe-clients';
import { textCodec } from './codec.ts';
import { type SharedState, SharedValue } from './shared-value.ts';

const clients = RecipeClients.forFile();
const client = () => clients.connect();

interface Limits {
	readonly perSecond: number;
}

describe('a shared value', () => {
	it('is what was written last, and is changed by who has seen the last one', async () => {
		const [one, other] = [
			new SharedValue<Limits>(await client(), '/shared/limits'),
			new SharedValue<Limits>(await client(), '/shared/limits'),
		];
		expect(await one.get()).toEqual({ value: undefined, zxid: 0n, version: -1 });
		const first = await one.compareAndSet(-1, { perSecond: 1 });
		expect(await other.compareAndSet(-1, { perSecond: 2 })).toBeUndefined();
		expect(await other.get()).toEqual(first);
		expect(await other.compareAndSet(first!.version, { perSecond: 3 })).toMatchObject({ version: 1 });
		expect(await one.compareAndSet(first!.version, { perSecond: 4 })).toBeUndefined();
		expect(await one.set({ perSecond: 5 })).toMatchObject({ value: { perSecond: 5 }, version: 2 });
		expect(await other.update(() => undefined)).toBeUndefined();
		expect((await other.get()).value).toEqual({ perSecond: 5 });
	});

	it('loses none of the updates of many', async () => {
		const values = await Promise.all(
			Array.from({ length: 5 }, async () => new SharedValue<number>(await client(), '/shared/sum')),
		);
		const add = (value: SharedValue<number>) => value.update((sum = 0) => sum + 1);
		await Promise.all(values.flatMap((value) => Array.from({ length: 6 }, () => add(value))));
		expect((await values[0]!.get()).value).toBe(30);
	});

	it('tells who follows it what it is, each newer one and the last, also that it is gone', async () => {
		const writer = await client();
		const value = new SharedValue(writer, '/shared/followed', textCodec);
		const stop = new AbortController();
		const seen: SharedState<string>[] = [];
		const wake = new EventTarget();
		const following = (async () => {
			const follower = new SharedValue(await client(), '/shared/followed', textCodec);
			for await (const state of follower.values({ signal: stop.signal })) {
				seen.push(state);
				wake.dispatchEvent(new Event('seen'));
			}
		})();
		const sees = async (text: string | undefined) => {
			while (seen.at(-1) === undefined || seen.at(-1)!.value !== text)
				await new Promise((resolve) => wake.addEventListener('seen', resolve, { once: true }));
		};
		await sees(undefined);
		await value.set('0');
		await sees('0');
		for (let i = 1; i <= 50; i++) await value.set(String(i));
		await sees('50');
		await writer.delete('/shared/followed');
		await sees(undefined);
		await value.set('anew');
		await sees('anew');
		stop.abort();
		await following;
		const zxids = seen.filter(({ value: text }) => text !== undefined).map(({ zxid }) => zxid);
		expect(zxids).toEqual(zxids.toSorted((a, b) => (a < b ? -1 : 1)));
		expect(new Set(zxids).size).toBe(zxids.length);
	});
});
