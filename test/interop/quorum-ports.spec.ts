/** Our quorum and election ports beside real ZooKeeper servers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RealEnsemble } from '#test/support/real-ensemble';

describe('real servers as an ensemble', () => {
	let ensemble: RealEnsemble;

	beforeAll(async () => {
		ensemble = await RealEnsemble.start({ participants: 3, observers: [4] });
	});
	afterAll(() => ensemble.close());

	it('serve, and elect another leader when theirs is killed', async () => {
		const leader = await ensemble.leader();
		expect(await ensemble.mode(4)).toBe('observer');
		await ensemble.kill(leader);
		expect(await ensemble.leader()).not.toBe(leader);
		await ensemble.restart(leader);
		await expect(ensemble.mode(leader)).resolves.toBe('follower');
	});
});
