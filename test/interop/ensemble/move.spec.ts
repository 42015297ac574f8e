/**
 * A running ensemble moves to the other kind of server and back, one server at a time and each on its own data directory, while clients go on: their
 * users see no error, and nothing that was acknowledged is lost.
 */
import { describe, expect, it } from 'vitest';
import { type Ensemble, type EnsembleMember, type MemberKind, startEnsemble } from '#test/support/ensemble';
import { agreement } from '#test/support/ensemble-agreement';
import { isThorough } from '#test/support/ensemble-compositions';
import { checkLoad, KazooLoad } from '#test/support/ensemble-load';
import { WireLoad } from '#test/support/ensemble-wire-load';

/** As one does it: the leader last, so that there are as few elections as can be. */
async function move(ensemble: Ensemble, kind: MemberKind, between: () => Promise<void>): Promise<void> {
	const leader = await ensemble.leader();
	const inOrder: EnsembleMember[] = [...ensemble.members.filter((member) => member !== leader), leader];
	for (const { id } of inOrder) {
		await ensemble.swap(id, kind);
		await ensemble.leader();
		await between();
	}
}

describe('a rolling move', () => {
	it.each([['the leader last', 3] as const, ...(isThorough ? [['of five servers', 5] as const] : [])])(
		'1, 10, 58, 70: %s, to the other kind and back, without an error that a user would see',
		async (_, servers) => {
			const members = Array.from({ length: servers }, (): MemberKind => 'zookeeper');
			await using ensemble = await startEnsemble({ members });
			await using load = await KazooLoad.start('moving', ensemble.connectString(), { clients: 4 });
			await using fast = await WireLoad.start(ensemble);
			const between = async (): Promise<void> => {
				await load.goesOn();
				await fast.goesOn();
			};
			await between();
			for (const kind of ['chronokeeper', 'zookeeper'] as const) {
				await move(ensemble, kind, between);
				expect(ensemble.members.map((member) => member.kind)).toEqual(members.map(() => kind));
			}
			await load.finish();
			expect(await fast.finish(), ensemble.tails()).toEqual([]);
			const { problems, tree } = await agreement(ensemble);
			expect(problems, ensemble.tails()).toEqual([]);
			expect(checkLoad(load.records(), tree, 'open').problems, ensemble.tails()).toEqual([]);
		},
		600_000,
	);
});
