/**
 * A whole ensemble in one thread: real hosts, peers, leaders and learners over a simulated network, disk and clock. The seed draws the workload, and whom
 * the power is cut, what does not pass and how slow things are.
 *
 * One seed is one run: `SEED=123 npx vitest run test/sim/ensemble.spec.ts` runs that one alone, `SEEDS=10000` many. A seed that showed a fault stays
 * in regressions-ensemble.txt.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runEnsemble } from './ensemble/run-ensemble.ts';

const fixedSeed = process.env.SEED;
const count = Number(process.env.SEEDS ?? 60);
const drawn = Array.from({ length: count }, (_, i) => 1 + i * 104_729);
/** One seed and its story on each line. */
const regressions = readFileSync(join(import.meta.dirname, 'regressions-ensemble.txt'), 'utf8')
	.split('\n')
	.filter((line) => /^\d/.test(line))
	.map((line) => Number.parseInt(line, 10));
const seeds = fixedSeed === undefined ? [...regressions, ...drawn] : [Number(fixedSeed)];

const seen = { torn: 0, installed: 0, unproved: 0, refused: 0, failed: 0, usedUp: 0 };
/** With so many seeds each of these is among them. */
const enough = 60;

it.each(seeds)('6, 7, 8, 9, 10, 65, 69, 81: an ensemble and what can happen to it, seed %i', async (seed) => {
	const { findings, acknowledged, epochs, counts } = await runEnsemble(seed);
	for (const name of Object.keys(seen) as (keyof typeof seen)[]) seen[name] += counts[name];
	expect(findings, `seed ${seed}`).toEqual([]);
	expect(acknowledged).toBeGreaterThan(5);
	expect(epochs).toBeGreaterThan(0);
});

it.skipIf(seeds.length < enough)(
	'7, 78, 80: the seeds tear snapshots, leave some unproved, refuse to cut, fill disks and use epochs up',
	() => {
		if (process.env.TRACE === '1') console.log(seen);
		for (const [name, count] of Object.entries(seen)) expect(count, name).toBeGreaterThan(0);
	},
);
