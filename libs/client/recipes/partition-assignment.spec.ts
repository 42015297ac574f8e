import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Assignment, assignPartitions } from './partition-assignment.ts';

const names = (prefix: string, most: number) =>
	fc
		.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: most })
		.map((numbers) => numbers.map((number) => `${prefix}${number}`));

function shares(assigned: Assignment, members: readonly string[]): number[] {
	const count = new Map(members.map((member) => [member, 0]));
	for (const member of assigned.values()) count.set(member, count.get(member)! + 1);
	return [...count.values()];
}

describe('the assignment of partitions', () => {
	it('gives each partition to one member, and nobody more than one more than another, whatever was before', () => {
		fc.assert(
			fc.property(
				names('p', 40),
				names('m', 8),
				names('m', 8),
				names('p', 40),
				(partitions, members, before, others) => {
					const previous = assignPartitions(others, before);
					const assigned = assignPartitions(partitions, members, previous);
					expect([...assigned.keys()].sort()).toEqual(members.length === 0 ? [] : partitions.toSorted());
					if (members.length === 0) return;
					const each = shares(assigned, members);
					expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1);
				},
			),
		);
	});

	it('moves no more than balance demands', () => {
		fc.assert(
			fc.property(names('p', 40), names('m', 8), names('m', 8), (partitions, before, members) => {
				fc.pre(members.length > 0);
				const previous = assignPartitions(partitions, before);
				const assigned = assignPartitions(partitions, members, previous);
				const moved = partitions.filter(
					(partition) =>
						members.includes(previous.get(partition) ?? '') && previous.get(partition) !== assigned.get(partition),
				);
				// What the members had, the most first, against what balance lets them have.
				const had = members
					.map((member) => partitions.filter((partition) => previous.get(partition) === member).length)
					.sort((a, b) => b - a);
				const share = Math.floor(partitions.length / members.length);
				const larger = partitions.length % members.length;
				const surplus = had.map((count, i) => Math.max(0, count - share - (i < larger ? 1 : 0)));
				expect(moved).toHaveLength(surplus.reduce((a, b) => a + b, 0));
			}),
		);
	});

	it('stays what it is while nothing changes', () => {
		fc.assert(
			fc.property(names('p', 40), names('m', 8), (partitions, members) => {
				const once = assignPartitions(partitions, members);
				expect(assignPartitions(partitions, members, once)).toEqual(once);
			}),
		);
	});
});
