/**
 * Leader and learners against links that break, disks that lose what was not synced, and new leaders all the time. One seed is one run:
 * `SEED=123 npx vitest run test/sim/zab.spec.ts` runs that one alone, `SEEDS=3000` many.
 */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from './random.ts';
import { type Broken, ZabEnsemble } from './zab-ensemble.ts';

const steps = 1500;
const fixedSeed = process.env.SEED;
const count = Number(process.env.SEEDS ?? 60);
/**
 * 1106: a leader wrote its epoch as that of its history while the end of its log was not durable, lost its power, and won the next election against who had
 * the whole of it.
 */
const regressions = [1106];
const drawn = Array.from({ length: count }, (_, i) => 1 + i * 7919);
const seeds = fixedSeed === undefined ? [...regressions, ...drawn] : [Number(fixedSeed)];

async function run(seed: number, broken: Broken = null): Promise<ZabEnsemble> {
	const random = new SeededRandom(seed);
	const ensemble = new ZabEnsemble(random, random.pick([3, 3, 4, 5]), random.below(3), broken);
	for (let step = 0; step < steps && ensemble.problems.length === 0; step++) await ensemble.step();
	if (ensemble.problems.length === 0) await ensemble.heal();
	return ensemble;
}

describe('one leader at a time, and learners that come and go', () => {
	it('8, 9, 79-81: committed prefixes agree, nothing committed is lost, one leader per epoch', async () => {
		const sum = { established: 0, synchronized: 0, snap: 0, trunc: 0, diff: 0, barriers: 0 };
		for (const seed of seeds) {
			const ensemble = await run(seed);
			expect(ensemble.problems, `seed ${seed}`).toEqual([]);
			for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += ensemble.counts[key];
		}
		// The seeds lead everywhere: otherwise nothing was proved.
		if (fixedSeed === undefined) for (const each of Object.values(sum)) expect(each).toBeGreaterThan(seeds.length / 4);
	});

	it.each(['ackBeforeDurable', 'skipTruncate', 'dropProposal', 'commitWithoutQuorum', 'reuseEpoch'] as const)(
		'the checks find it when the protocol is broken: %s',
		async (broken) => {
			const found: string[] = [];
			for (const seed of seeds.slice(0, 20)) found.push(...(await run(seed, broken)).problems);
			expect(found.length).toBeGreaterThan(0);
		},
	);
});
