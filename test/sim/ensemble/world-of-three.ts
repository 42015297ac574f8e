/** Members alone, without clients and faults: for a test that has its own story. */
import type { ChainOptions } from '#core/chain/options';
import { parseQuorumConfig } from '#core/zab/parse-quorum-config';
import { Checkers } from './checkers/checkers.ts';
import { MemoryMachine } from './memory-machine.ts';
import { SimMember } from './sim-member.ts';
import { SimNetwork } from './sim-network.ts';
import { StoredMembership } from './stored-membership.ts';
import { MemberClock, World } from './world.ts';

export interface Three {
	readonly world: World;
	readonly network: SimNetwork;
	readonly members: readonly SimMember[];
	readonly checkers: Checkers;
}

/** Three members that were started, their clocks right. */
export async function startThree(seed: number, options: Partial<ChainOptions> = {}): Promise<Three> {
	const world = new World(seed);
	const ids = [1, 2, 3];
	const config = parseQuorumConfig(ids.map((id) => `server.${id}=10.0.0.${id}:2888:3888:participant`).join('\n'));
	const checkers = new Checkers(() => world.nowMs);
	const network = new SimNetwork(world, (to, from, notification) => members[to - 1]!.notified(from, notification));
	const members = ids.map((id) => {
		const isFuzzy = world.random.chance(0.5);
		if (isFuzzy) network.unmarked.add(id);
		const machine = new MemoryMachine(world, isFuzzy);
		const clock = new MemberClock(world, 1);
		return new SimMember({
			id,
			world,
			network,
			machine,
			clock,
			config: () => config,
			stored: options.reconfigEnabled === true ? new StoredMembership(config) : undefined,
			checkers,
			options,
			tell: () => {},
		});
	});
	for (const member of members) await member.start();
	await world.run(5000);
	return { world, network, members, checkers };
}
