/** What the TypeScript client does when its connection breaks at any moment: each write is done once, and has its own result. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Chronokeeper, connect } from '#client/index';
import { SeededRandom } from '#test/sim/random';
import { type ByteCut, CuttingCable } from '#test/support/cutting-cable';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
let cable: CuttingCable;
let near: Chronokeeper;
let far: Chronokeeper;

beforeAll(async () => {
	const { grpc } = (await servers.start(servers.newDirectory())).addresses;
	near = servers.keep(await connect({ endpoints: grpc }));
	cable = servers.keep(await CuttingCable.lay(grpc));
	far = servers.keep(await connect({ endpoints: cable.address, retry: { firstPauseMs: 1, longestPauseMs: 5 } }));
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

describe('a connection that breaks', () => {
	it('10: does nothing twice and leaves nothing out, wherever it is cut', async () => {
		await near.create('/each', '0');
		const { id } = far.session;
		let at = 0;
		// About what a round takes. Behind that nothing is cut.
		for (const [direction, whole] of [
			['to server', 180],
			['to client', 420],
		] as const) {
			for (const arrives of [true, false]) {
				for (let bytes = 1; bytes < whole; bytes += whole / 12) {
					const cuts: ByteCut[] = [{ direction, bytes: Math.floor(bytes), arrives }];
					cable.plan = () => cuts.shift() ?? null;
					cable.arm();
					const round = at++;
					const [one, set, failed, multi, two, gone] = await Promise.all([
						far.create('/each/n-', `${round} one`, { mode: 'persistentSequential' }),
						far.set('/each', `${round}`),
						far.create('/each').catch((error: { codeName: string }) => error.codeName),
						far.transaction().create('/each/gone').create('/each/n-', `${round} multi`, sequential).commit(),
						far.create('/each/n-', `${round} two`, sequential),
						far.delete('/each/gone'),
					]);
					expect(one.path).toBe(`/each/n-${number(round * 4)}`);
					expect(set.stat.version).toBe(round + 1);
					expect(failed).toBe('NodeExists');
					expect(multi[1]).toMatchObject({ path: `/each/n-${number(round * 4 + 2)}` });
					expect(two.path).toBe(`/each/n-${number(round * 4 + 3)}`);
					expect(gone).toBe(two.zxid + 1n);
					cable.disarm();
				}
			}
		}
		const { names } = await near.children('/each');
		expect(names).toHaveLength(at * 3);
		expect(far.session.id).toBe(id);
		expect(cable.cuts).toBeGreaterThan(at * 0.7);
	});

	it('10: a thousand creations of sequential nodes make a thousand, each known to who asked for it', async () => {
		await near.create('/thousand', null);
		const random = new SeededRandom(7);
		cable.plan = () => ({
			direction: random.below(2) === 0 ? 'to server' : 'to client',
			bytes: 500 + random.below(4000),
			arrives: random.below(2) === 0,
		});
		const { cuts } = cable;
		cable.arm();
		const made = new Map<string, number>();
		let next = 0;
		const caller = async () => {
			while (next < 1000) {
				const i = next++;
				const { path, stat } = await far.create('/thousand/n-', `${i}`, sequential);
				expect(stat.version).toBe(0);
				expect(made.has(path)).toBe(false);
				made.set(path, i);
			}
		};
		await Promise.all(Array.from({ length: 20 }, caller));
		cable.disarm();
		const { names } = await near.children('/thousand');
		expect(names.toSorted()).toEqual(Array.from({ length: 1000 }, (_, i) => `n-${number(i)}`));
		for (const name of names) {
			const { data } = await near.get(`/thousand/${name}`);
			expect(Buffer.from(data!).toString()).toBe(`${made.get(`/thousand/${name}`)}`);
		}
		expect(cable.cuts - cuts).toBeGreaterThan(15);
	});
});

const sequential = { mode: 'persistentSequential' } as const;

function number(value: number): string {
	return String(value).padStart(10, '0');
}
