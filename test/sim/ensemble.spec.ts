/**
 * A whole ensemble in one thread: real hosts, peers, leaders and learners over a simulated network, disk and clock. The seed draws the workload and what
 * goes wrong (test/sim/ensemble/faults.ts); checkers (test/sim/ensemble/checkers) look at everything that members log and commit and that clients are told.
 *
 * One seed is one run: `npm run sim -- --seed 123` runs that one alone and tells what its members do, `npm run sim -- --seeds 10000` many. A seed that showed a
 * fault stays in regressions-ensemble.txt.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type RunCounts, runEnsemble } from './ensemble/run-ensemble.ts';

/** Those that `npm run sim` begins with. */
const drawn = Array.from({ length: 60 }, (_, i) => 1 + i * 104_729);
/** One seed and its story on each line. */
const regressions = readFileSync(join(import.meta.dirname, 'regressions-ensemble.txt'), 'utf8')
	.split('\n')
	.filter((line) => /^\d/.test(line))
	.map((line) => Number.parseInt(line, 10));

const seen = new Map<keyof RunCounts, number>();

it.each([...regressions, ...drawn])(
	'6-10, 46, 49, 54, 58-65, 69, 70, 77-81: an ensemble and what can happen to it, seed %i',
	async (seed) => {
		const { findings, acknowledged, epochs, counts } = await runEnsemble(seed);
		for (const name of Object.keys(counts) as (keyof RunCounts)[]) {
			seen.set(name, (seen.get(name) ?? 0) + counts[name]);
		}
		expect(findings, `seed ${seed}`).toEqual([]);
		expect(acknowledged).toBeGreaterThan(5);
		expect(epochs).toBeGreaterThan(0);
	},
);

it('all that can go wrong does in these seeds, and all that is checked is there to be checked', () => {
	for (const [name, count] of seen) expect(count, name).toBeGreaterThan(0);
});
