/**
 * Servers of an ensemble are killed and started again in a loop while clients write: nothing that was acknowledged is lost, every member has the same
 * tree in the end, and no server found a digest that is not what a transaction says.
 */
import { describe, expect, it } from 'vitest';
import { type Ensemble, startEnsemble } from '#test/support/ensemble';
import { agreement } from '#test/support/ensemble-agreement';
import { type Composition, mixed, rounds, withObservers } from '#test/support/ensemble-compositions';
import { checkLoad, ephemeralsEnd, KazooLoad } from '#test/support/ensemble-load';
import { lossesOfZooKeeper } from '#test/support/ensemble-logs';
import { WireLoad } from '#test/support/ensemble-wire-load';

const attempts = 3;
const limitMs = 180_000 * (rounds + 1) * attempts;

type Act = (ensemble: Ensemble, goesOn: () => Promise<void>) => Promise<void>;

/**
 * A load of clients that end in order, one of clients that are killed, and what is done to the ensemble meanwhile. A run in which one of ZooKeeper's own servers is proved to have lost committed
 * transactions (lossesOfZooKeeper: also three of them alone do) says nothing, and is done again.
 */
async function underLoad(composition: Composition, act: Act): Promise<void> {
	for (let again = attempts - 1; ; again--) {
		await using ensemble = await startEnsemble(composition);
		try {
			return await loaded(ensemble, act);
		} catch (error) {
			const { message } = error as Error;
			const losses = lossesOfZooKeeper(ensemble.participants);
			if (losses.length === 0 || again === 0)
				throw new Error(`${[message, ...losses].join('\n')}\n${await ensemble.stacks()}`, { cause: error });
			console.warn(`done again, because ${losses.join('; ')}: ${message.split('\n')[0]}`);
		}
	}
}

async function loaded(ensemble: Ensemble, act: Act): Promise<void> {
	await using steady = await KazooLoad.start('steady', ensemble.connectString());
	await using dying = await KazooLoad.start('dying', ensemble.connectString(), { clients: 2, sessionTimeout: 4 });
	await using fast = await WireLoad.start(ensemble);
	const goesOn = async (): Promise<void> => {
		await steady.goesOn();
		await fast.goesOn();
	};
	await goesOn();
	await dying.goesOn();
	await dying.kill();
	await act(ensemble, goesOn);
	await goesOn();
	await steady.finish();
	expect(await fast.finish(), ensemble.tails()).toEqual([]);
	await ephemeralsEnd(ensemble, dying);

	const open = await agreement(ensemble);
	expect(open.problems, ensemble.tails()).toEqual([]);
	expect(open.digestsCompared).toBeGreaterThan(0);
	const check = checkLoad(steady.records(), open.tree, 'open');
	expect(check.problems, ensemble.tails()).toEqual([]);
	expect(check.acknowledged).toBeGreaterThan(100);
	expect(checkLoad(dying.records(), open.tree, 'closed').problems).toEqual([]);

	await steady.end();
	const closed = await agreement(ensemble);
	expect([...closed.problems, ...checkLoad(steady.records(), closed.tree, 'closed').problems]).toEqual([]);
}

describe.each(mixed)('$name', (composition) => {
	it(
		'8, 10, 80, 81: each member in turn is killed and comes back',
		() =>
			underLoad(composition, async (ensemble, goesOn) => {
				for (let round = 0; round < rounds; round++) {
					for (const { id } of ensemble.members) await ensemble.restart(id, 'SIGKILL', goesOn);
				}
			}),
		limitMs,
	);

	it(
		'6, 62, 79: the leader is killed, the others elect one and go on, and it comes back as a follower',
		() =>
			underLoad(composition, async (ensemble, goesOn) => {
				for (let round = 0; round < rounds + 1; round++) {
					const { id } = await ensemble.leader();
					await ensemble.restart(id, 'SIGKILL', async () => {
						expect((await ensemble.leader()).id).not.toBe(id);
						await goesOn();
					});
					expect(await ensemble.member(id).mode()).toBe('follower');
				}
			}),
		limitMs,
	);

	it(
		'1, 81: all are killed at once and started again',
		() =>
			underLoad(composition, async (ensemble, goesOn) => {
				await Promise.all(ensemble.members.map((member) => member.stop('SIGKILL')));
				for (const member of ensemble.members) member.launch();
				await ensemble.allServe();
				await goesOn();
			}),
		limitMs,
	);

	it(
		'6, 65: the leader is stopped for a while, is no leader any more when it goes on, and follows',
		() =>
			underLoad(composition, async (ensemble, goesOn) => {
				const leader = await ensemble.leader();
				leader.pause();
				const others = ensemble.participants.filter((member) => member !== leader);
				expect((await ensemble.leader(others)).id).not.toBe(leader.id);
				await goesOn();
				leader.proceed();
				await ensemble.follows(leader);
			}),
		limitMs,
	);
});

describe.each(withObservers)('$name', (composition) => {
	it(
		'9: an observer is killed, misses writes and comes back, and the leader is killed under it',
		() =>
			underLoad(composition, async (ensemble, goesOn) => {
				for (const { id, place } of ensemble.members) {
					if (place.role === 'participant') continue;
					await ensemble.restart(id, 'SIGKILL', goesOn);
					expect(await ensemble.member(id).mode()).toBe('observer');
				}
				await ensemble.restart((await ensemble.leader()).id, 'SIGKILL', goesOn);
			}),
		limitMs,
	);
});
