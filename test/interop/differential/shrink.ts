/** Leaves steps out of a script as long as the two servers still differ. */
import type { Difference } from './comparison.ts';
import type { Script, Step } from './script.ts';

/** @param compareAnew runs a script on servers that have seen nothing else */
export async function shrink(
	script: Script,
	difference: Difference,
	compareAnew: (script: Script) => Promise<Difference | undefined>,
	runs: number,
): Promise<Difference> {
	let steps: readonly Step[] = script.steps.slice(0, difference.at + 1);
	let smallest = difference;
	let left = runs;
	for (let size = Math.ceil(steps.length / 2); size >= 1 && left > 0; ) {
		let removed = false;
		for (let at = 0; at < steps.length && left > 0; ) {
			const fewer = [...steps.slice(0, at), ...steps.slice(at + size)];
			left -= 1;
			const found = await compareAnew({ ...script, steps: fewer });
			if (found === undefined) at += size;
			else {
				steps = fewer.slice(0, found.at + 1);
				smallest = found;
				removed = true;
			}
		}
		if (size === 1 && !removed) break;
		size = removed ? size : Math.floor(size / 2);
	}
	return { ...smallest, steps };
}
