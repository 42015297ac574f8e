/**
 * Members in network namespaces, with a network between them that is cut, in both directions or one, and slow and lossy: the majority elects and serves,
 * the minority does not, and everything heals.
 */
import { describe, expect, it, type TestContext } from 'vitest';
import { openAcl } from '#jute/acl';
import { type Ensemble, type EnsembleMember, startEnsemble } from '#test/support/ensemble';
import { agreement, connectTo } from '#test/support/ensemble-agreement';
import { type Composition, divided } from '#test/support/ensemble-compositions';
import { checkLoad, KazooLoad } from '#test/support/ensemble-load';
import { MemberNetwork, whyNoNetwork } from '#test/support/ensemble-network';
import { eventually } from '#test/support/ensemble-wait';

const missing = whyNoNetwork();
const limitMs = 240_000;
/** A member that hears nothing gives up after 3 s; one that comes in over a slow network has more time. */
const limits = { initLimit: 20, syncLimit: 6 };

interface Scene {
	readonly ensemble: Ensemble;
	readonly network: MemberNetwork;
	readonly load: KazooLoad;
	readonly leader: EnsembleMember;
	readonly others: readonly EnsembleMember[];
}

const idsOf = (members: readonly EnsembleMember[]): number[] => members.map(({ id }) => id);

/** Clients reach every member throughout; at the end the network is healed and all must agree. */
async function scene(
	context: TestContext,
	{ members }: Composition,
	act: (scene: Scene) => Promise<void>,
): Promise<void> {
	if (missing !== undefined) context.skip(missing);
	await using network = await MemberNetwork.open(members.length);
	await using ensemble = await startEnsemble({ members, network, ...limits });
	await using load = await KazooLoad.start('divided', ensemble.connectString());
	await load.goesOn();
	const leader = await ensemble.leader();
	const others = ensemble.members.filter((member) => member !== leader);
	await act({ ensemble, network, load, leader, others });
	await network.heal();
	await ensemble.allServe();
	await load.goesOn();
	await load.finish();
	const { problems, tree } = await agreement(ensemble);
	expect(problems, ensemble.tails()).toEqual([]);
	expect(checkLoad(load.records(), tree, 'open').problems, ensemble.tails()).toEqual([]);
	expect(tree.filter(({ path }) => path.startsWith('/minority'))).toEqual([]);
}

async function servesNot(member: EnsembleMember): Promise<void> {
	await eventually(`member ${member.id} serves no more`, async () => (await member.mode()) === undefined);
}

describe.each(divided)('$name', (composition) => {
	it(
		'1, 6, 8: a leader that is cut off acknowledges nothing, the others elect one and serve, and it comes back without what it had begun',
		(context) =>
			scene(context, composition, async ({ ensemble, network, load, leader, others }) => {
				const client = await connectTo(leader);
				await network.partition([leader.id], idsOf(others));
				const attempts = await Promise.allSettled(
					['/minority-a', '/minority-b'].map((path) =>
						client.send({ kind: 'create', path, data: null, acl: openAcl, flags: 0 }),
					),
				);
				expect(attempts.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
				await servesNot(leader);
				expect(idsOf(others)).toContain((await ensemble.leader(others)).id);
				await load.goesOn();
				expect(await leader.mode()).toBeUndefined();
				await network.heal();
				await ensemble.follows(leader);
			}),
		limitMs,
	);

	it(
		'6, 79: a leader that hears nobody is left by the others, and one that nobody hears too',
		(context) =>
			scene(context, composition, async ({ ensemble, network, load, leader, others }) => {
				await network.cut(idsOf(others), [leader.id]);
				const second = await ensemble.leader(others);
				await load.goesOn();
				await network.heal();
				await ensemble.follows(leader);

				const listeners = ensemble.members.filter((member) => member !== second);
				await network.cut([second.id], idsOf(listeners));
				await ensemble.leader(listeners);
				await load.goesOn();
				await network.heal();
				await ensemble.follows(second);
			}),
		limitMs,
	);

	it(
		'a follower that is cut off serves nobody, and the others do not notice',
		(context) =>
			scene(context, composition, async ({ ensemble, network, load, leader, others }) => {
				const [cutOff, ...rest] = others as [EnsembleMember, ...EnsembleMember[]];
				await network.partition([cutOff.id], idsOf([leader, ...rest]));
				await servesNot(cutOff);
				await load.goesOn();
				expect((await ensemble.leader()).id).toBe(leader.id);
				await network.heal();
				await ensemble.follows(cutOff);
				expect((await ensemble.leader()).id).toBe(leader.id);
			}),
		limitMs,
	);

	it(
		'all that are cut off from each other serve nobody, and go on when they hear each other again',
		(context) =>
			scene(context, composition, async ({ ensemble, network }) => {
				const all = idsOf(ensemble.members);
				for (const id of all)
					await network.cut(
						[id],
						all.filter((other) => other !== id),
					);
				for (const member of ensemble.members) await servesNot(member);
				await network.heal();
			}),
		limitMs,
	);

	it(
		'100 ms of delay and 5 % of loss: clients go on, also over an election',
		(context) =>
			scene(context, composition, async ({ ensemble, network, load, leader, others }) => {
				await network.degrade({ delay: 0.1, loss: 0.05 });
				// To the leader, to a quorum and back, and to the follower: the network is as slow as it was told to be.
				const client = await connectTo(others[0]!);
				const startMs = performance.now();
				await client.send({ kind: 'create', path: '/slow', data: null, acl: openAcl, flags: 0 });
				expect(performance.now() - startMs).toBeGreaterThan(190);
				await client.close();
				await load.goesOn(60);
				await ensemble.restart(leader.id, 'SIGKILL', async () => {
					await ensemble.leader();
					await load.goesOn();
				});
				await load.goesOn();
			}),
		limitMs,
	);
});
