/** Who works on what: which partitions each member of a group has, so that as few as possible change hands. */

/** Partition to member. */
export type Assignment = ReadonlyMap<string, string>;

/**
 * Each partition has one member, and no member more than one partition more than another. A member keeps what it had, up to its share; the larger shares go to those who had most. Only what
 * is beyond a share, or had nobody, is given anew. The same arguments give the same result everywhere.
 *
 * @param members in an order that all agree on; none: nobody has anything
 */
export function assignPartitions(
	partitions: readonly string[],
	members: readonly string[],
	previous: Assignment = new Map(),
): Assignment {
	const assigned = new Map<string, string>();
	if (members.length === 0) return assigned;
	const had = new Map<string, string[]>(members.map((member) => [member, []]));
	const free: string[] = [];
	for (const partition of partitions) {
		const own = had.get(previous.get(partition) ?? '');
		if (own === undefined) free.push(partition);
		else own.push(partition);
	}
	const share = Math.floor(partitions.length / members.length);
	let larger = partitions.length % members.length;
	// toSorted is stable: those who had as much stay in the order of the members.
	const byPossession = members.toSorted((a, b) => had.get(b)!.length - had.get(a)!.length);
	const room: { readonly member: string; count: number }[] = [];
	for (const member of byPossession) {
		const most = share + (larger-- > 0 ? 1 : 0);
		const own = had.get(member)!;
		for (const partition of own.slice(0, most)) assigned.set(partition, member);
		free.push(...own.slice(most));
		room.push({ member, count: most - Math.min(own.length, most) });
	}
	const takers = room.filter(({ count }) => count > 0);
	for (const partition of free) {
		const taker = takers.shift()!;
		assigned.set(partition, taker.member);
		taker.count -= 1;
		// Round and round, so that neighbours are worked on by different members.
		if (taker.count > 0) takers.push(taker);
	}
	return assigned;
}
