import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PathIndex } from './path-index.ts';

function found(index: PathIndex, hash: number): number[] {
	const nodes: number[] = [];
	for (let node = index.first(hash); node !== 0; node = index.next()) nodes.push(node);
	return nodes.sort((a, b) => a - b);
}

it('finds what was added and not removed, whatever the hashes have in common', () => {
	const hash = fc.oneof(
		fc.integer({ min: 0, max: 0xffff_ffff }),
		fc.integer({ min: 0, max: 7 }), // equal upper bits: never split apart
		fc.constantFrom(0, 2047, 2048, 0xffff_ffff, 0xffff_f7ff), // the last slot of a segment, wrapping to the first
	);
	// A record has one path, so it is in the index under one hash.
	const hashOf = new Map<number, number>();
	const step = fc.tuple(fc.boolean(), hash, fc.integer({ min: 1, max: 300 }));
	fc.assert(
		fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
			hashOf.clear();
			const index = new PathIndex();
			const expected = new Map<number, Set<number>>();
			for (const [isAdded, wanted, node] of steps) {
				const at = hashOf.get(node) ?? wanted;
				hashOf.set(node, at);
				const nodes = expected.get(at) ?? new Set();
				expected.set(at, nodes);
				if (isAdded && !nodes.has(node)) {
					nodes.add(node);
					index.add(at, node);
				} else if (!isAdded) {
					expect(index.remove(at, node)).toBe(nodes.delete(node));
				}
			}
			for (const [at, nodes] of expected) expect(found(index, at)).toEqual([...nodes].sort((a, b) => a - b));
		}),
	);
});

it('grows by splitting, and where hashes are equal by larger segments', () => {
	const index = new PathIndex();
	const count = 60_000;
	const hashOf = (node: number): number => (node % 4 === 0 ? 0xabcd_ef01 : Math.imul(node, 0x9e37_79b1) >>> 0);
	for (let node = 1; node <= count; node++) if (node % 4 !== 0 || node <= 20_000) index.add(hashOf(node), node);
	expect(found(index, 0xabcd_ef01).filter((node) => node % 4 === 0)).toHaveLength(5000);
	for (let node = 1; node <= count; node += 2) expect(index.remove(hashOf(node), node)).toBe(true);
	for (let node = 1; node <= count; node++) {
		if (node % 4 === 0) continue;
		if (found(index, hashOf(node)).includes(node) !== (node % 2 === 0)) expect.fail(`node ${node}`);
	}
});
