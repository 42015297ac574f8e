/**
 * Ensembles of both kinds of servers whose members change while clients go on: servers join and leave, the leader among them, and start again with what a reconfiguration wrote. The users
 * of a client with retries see no error, and nothing that was acknowledged is lost.
 */
import { describe, expect, it } from 'vitest';
import { type Ensemble, type EnsembleMember, type MemberKind, memberLine, startEnsemble } from '#test/support/ensemble';
import { agreement } from '#test/support/ensemble-agreement';
import { isThorough } from '#test/support/ensemble-compositions';
import { checkLoad, KazooLoad } from '#test/support/ensemble-load';
import { membersAre, reconfigureSurely } from '#test/support/ensemble-reconfig';
import { eventually } from '#test/support/ensemble-wait';

const [z, c] = ['zookeeper', 'chronokeeper'] as const;

interface Change {
	readonly name: string;
	/** The last one leads. */
	readonly members: readonly MemberKind[];
	readonly joiner: MemberKind;
}

const leavingLeaders: readonly Change[] = [
	{ name: 'our leader adds a ZooKeeper and goes', members: [z, z, c], joiner: z },
	...(isThorough
		? ([
				{ name: "ZooKeeper's leader adds one of ours and goes, with two of ours", members: [c, c, z], joiner: c },
				{ name: "ZooKeeper's leader adds one of ours and goes", members: [z, z, z], joiner: c },
				{ name: 'our leader adds a ZooKeeper and goes, with two of ours', members: [c, c, c], joiner: z },
				{ name: 'ours alone', members: [c, c, c], joiner: c },
				{ name: 'ZooKeepers alone', members: [z, z, z], joiner: z },
			] as const)
		: []),
];

/** Kazoo's clients know all servers from the beginning, those that come later too. */
async function underLoad(ensemble: Ensemble, act: (goesOn: () => Promise<void>) => Promise<void>): Promise<void> {
	await using load = await KazooLoad.start('changing', ensemble.connectString(), { clients: 4 });
	const goesOn = () => load.goesOn();
	await goesOn();
	await act(goesOn);
	await goesOn();
	await load.finish();
	const { problems, tree } = await agreement(ensemble);
	expect(problems, ensemble.tails()).toEqual([]);
	expect(checkLoad(load.records(), tree, 'open').problems, ensemble.tails()).toEqual([]);
}

/** As an administrator does it: it follows, and then it votes. */
async function join(member: EnsembleMember, through: readonly EnsembleMember[]): Promise<void> {
	member.launch();
	await eventually(`member ${member.id} follows`, async () => (await member.mode()) === 'follower');
	await reconfigureSurely(through, { add: [member] });
}

async function becomes(
	member: EnsembleMember,
	role: 'observer' | 'participant',
	through: readonly EnsembleMember[],
): Promise<void> {
	await reconfigureSurely(through, { add: [memberLine(member.place, role)] });
	const mode = role === 'observer' ? 'observer' : 'follower';
	await eventually(`member ${member.id} is a ${mode}`, async () => (await member.mode()) === mode);
}

/** It is stopped when the others go on without it. */
async function leave(member: EnsembleMember, others: readonly EnsembleMember[]): Promise<void> {
	await reconfigureSurely(others, { remove: [member.id] });
	await membersAre(
		others,
		others.map(({ id }) => id),
	);
	await member.stop('SIGTERM');
}

/** Its configuration has no line for it any more. */
async function startsNotAgain(member: EnsembleMember): Promise<void> {
	member.launch();
	await eventually(`member ${member.id} ends`, () => !member.isRunning);
	expect(member.lives.at(-1)!.log).toMatch(/not in the peer list|there is no server\.\d/);
}

describe('under load', () => {
	it.each(leavingLeaders)(
		'81, 82: $name; the others start again as the other kind with what was written',
		async ({ members, joiner }) => {
			await using ensemble = await startEnsemble({ members, joiners: [joiner], isReconfigurable: true });
			await underLoad(ensemble, async (goesOn) => {
				const leader = await ensemble.leader();
				const fourth = ensemble.members.at(-1)!;
				const others = ensemble.members.filter((member) => member !== leader && member !== fourth);
				await join(fourth, others);
				await goesOn();
				await becomes(fourth, 'observer', others);
				await becomes(fourth, 'participant', others);
				await leave(leader, [...others, fourth]);
				expect((await ensemble.leader()).id).not.toBe(leader.id);
				await goesOn();
				const stay = [...others, fourth];
				const ids = stay.map(({ id }) => id);
				for (const isSwapped of isThorough ? [false, true] : [true]) {
					await Promise.all(stay.map((member) => member.stop('SIGKILL')));
					for (const member of stay) {
						if (isSwapped) member.kind = member.kind === z ? c : z;
						member.launch();
					}
					await ensemble.allServe();
					await membersAre(stay, ids);
				}
				await startsNotAgain(leader);
			});
		},
		300_000,
	);

	it('81, 82: three ZooKeepers are replaced by three of ours, one after the other', async () => {
		await using ensemble = await startEnsemble({ members: [z, z, z], joiners: [c, c, c], isReconfigurable: true });
		await underLoad(ensemble, async (goesOn) => {
			const leader = await ensemble.leader();
			const [former, ours] = [ensemble.members.slice(0, 3), ensemble.members.slice(3)];
			const leaving = [...former.filter((member) => member !== leader), leader];
			for (const [at, member] of leaving.entries()) {
				const stay = [...leaving.slice(at + 1), ...ours.slice(0, at + 1)];
				await join(ours[at]!, leaving.slice(at));
				await leave(member, stay);
				await goesOn();
			}
			expect(ensemble.serving.map(({ kind }) => kind)).toEqual([c, c, c]);
		});
	}, 300_000);
});
