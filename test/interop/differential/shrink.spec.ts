import { expect, it } from 'vitest';
import type { Difference } from './comparison.ts';
import type { Script, Step } from './script.ts';
import { shrink } from './shrink.ts';

const drop = (slot: number): Step => ({ kind: 'drop', slot });

/** Servers that differ at the first drop of slot 7 behind one of slot 3. */
function differenceIn(script: Script): Difference | undefined {
	const three = script.steps.findIndex((step) => step.slot === 3);
	const at = script.steps.findIndex((step, index) => three !== -1 && index > three && step.slot === 7);
	return at === -1
		? undefined
		: { seed: script.seed, at, description: 'differs', steps: script.steps.slice(0, at + 1) };
}

function script(slots: readonly number[]): Script {
	return { seed: 1, slots: 10, steps: slots.map(drop) };
}

it('leaves out what a difference does not need', async () => {
	const long = script([1, 2, 5, 3, 9, 9, 4, 1, 8, 2, 7, 6, 6]);
	const shrunk = await shrink(long, differenceIn(long)!, async (shorter) => differenceIn(shorter), 1000);
	expect(shrunk.steps).toEqual([drop(3), drop(7)]);
	expect(shrunk.at).toBe(1);
});

it('stops when it has run often enough', async () => {
	const long = script([1, 2, 5, 3, 9, 9, 4, 1, 8, 2, 7]);
	let runs = 0;
	const count = async (shorter: Script): Promise<Difference | undefined> => {
		runs += 1;
		return differenceIn(shorter);
	};
	const shrunk = await shrink(long, differenceIn(long)!, count, 3);
	expect(runs).toBe(3);
	expect(differenceIn({ ...long, steps: shrunk.steps })).toBeDefined();
});
