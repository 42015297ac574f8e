/** What Kazoo's and Curator's recipes promise holds while the servers of an ensemble are killed: a lock has one holder, whoever leads. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ensemble, startEnsemble } from '#test/support/ensemble';
import { agreement, asSuperUser } from '#test/support/ensemble-agreement';
import { ours, rounds } from '#test/support/ensemble-compositions';
import { eventually } from '#test/support/ensemble-wait';
import { checkResult, checkTitles, JavaPrograms } from '#test/support/java-programs';
import { startKazoo } from '#test/support/kazoo';
import type { RunningProgram } from '#test/support/processes';

interface Seen {
	readonly held: number;
	readonly problems: readonly string[];
	readonly suspended: number;
}

/** How often the contenders of this process have held the lock. */
function held({ output }: RunningProgram): number {
	return Number(/held (\d+)\n(?![\s\S]*held)/.exec(output)?.[1] ?? 0);
}

async function allHold(programs: readonly RunningProgram[]): Promise<void> {
	const before = programs.map(held);
	await eventually('the lock is held by both again and again', () =>
		programs.every((program, index) => held(program) >= before[index]! + 3),
	);
}

function leaderKills(ensemble: Ensemble, between: () => Promise<void>): Promise<void> {
	return ensemble.leader().then(({ id }) => ensemble.restart(id, 'SIGKILL', between));
}

describe.each(ours)('$name', (composition) => {
	it('Kazoo’s Lock has one holder, in the order of the queue, while each member is killed, and a leader twice', async () => {
		await using ensemble = await startEnsemble(composition);
		const programs = [1, 2].map(() =>
			startKazoo('../ensemble/lock.py', ensemble.connectString(), { interactive: true }),
		);
		try {
			const between = (): Promise<void> => allHold(programs);
			await between();
			for (let round = 0; round < rounds; round++) {
				for (const { id } of ensemble.members) await ensemble.restart(id, 'SIGKILL', between);
				await leaderKills(ensemble, between);
			}
			await between();
			for (const program of programs) program.type('finish\n');
			const seen = await Promise.all(
				programs.map(async (program) => JSON.parse((await program.waitFor(/^\{"held".*\}$/m))[0]) as Seen),
			);
			expect(
				seen.flatMap(({ problems }) => problems),
				ensemble.tails(),
			).toEqual([]);
			expect(seen.every(({ suspended }) => suspended > 0)).toBe(true);
			const counted = await asSuperUser(ensemble.member(1), async (client) => {
				await client.send({ kind: 'sync', path: '/counted' });
				return (await client.send({ kind: 'getData', path: '/counted', watch: false })).response;
			});
			expect(counted?.kind === 'getData' && Buffer.from(counted.data!).toString().split(':')[0]).toBe(
				String(seen.reduce((sum, one) => sum + one.held, 0)),
			);
			expect((await agreement(ensemble)).problems).toEqual([]);
		} finally {
			for (const program of programs) await program.stop('SIGKILL');
		}
	}, 300_000);

	/** Every client of the mix loses its connection when a leader dies: its followers leave their clients too. */
	describe('Curator’s recipes, while the leader is killed twice', () => {
		let ensemble: Ensemble;
		let programs: JavaPrograms;
		let mix: RunningProgram;

		beforeAll(async () => {
			programs = new JavaPrograms();
			ensemble = await startEnsemble(composition);
			mix = programs.start('Restart', ensemble.connectString(), '2');
			await mix.waitFor(/^running$/m);
			for (const times of [1, 2]) {
				await leaderKills(ensemble, async () => {
					await ensemble.leader();
				});
				await mix.waitFor(new RegExp(`^reconnected ${times}$`, 'm'));
			}
		});
		afterAll(async () => {
			await programs?.remove();
			await ensemble?.close();
		});

		// Not that of the queue: where the answer to the creation of an item's lock is lost, Curator takes the lock, which is its own, for another's.
		const titles = checkTitles('Restart').filter((title) => !title.includes('item'));

		it.each(titles)('%s', async (title) => {
			const { ok, seen } = await checkResult(mix, title);
			expect(ok, `${seen}\n${ensemble.tails()}`).toBe(true);
		});
	});
});
