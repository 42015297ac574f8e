/** Three replicas, a cable to each, and what can go wrong between them and clients: for tests of what clients are promised. */
import { SeededRandom } from '#test/sim/random';
import { Cable } from './cable.ts';
import { type Ensemble, type EnsembleMember, startEnsemble } from './ensemble.ts';
import type { TestServers } from './test-servers.ts';

export interface CabledEnsemble {
	readonly ensemble: Ensemble;
	readonly cables: ReadonlyMap<EnsembleMember, Cable>;
	/** By way of the cables. */
	readonly endpoints: string;
}

export async function startCabled(servers: TestServers): Promise<CabledEnsemble> {
	const ensemble = servers.keep(await startEnsemble({ members: ['chronokeeper', 'chronokeeper', 'chronokeeper'] }));
	await ensemble.leader();
	const cables = new Map<EnsembleMember, Cable>();
	for (const member of ensemble.members) cables.set(member, servers.keep(await Cable.lay((await member.doors()).grpc)));
	return { ensemble, cables, endpoints: [...cables.values()].map(({ address }) => address).join(',') };
}

export type Faults<Site> = Readonly<Record<string, (site: Site, member: EnsembleMember) => Promise<void>>>;

/**
 * What goes wrong with replicas and the ways to them. Then it is well again.
 * @param goesOn resolves when what the fault leaves alone has gone on without
 */
export function faultsOfReplicas<Site extends CabledEnsemble>(goesOn: (site: Site) => Promise<void>): Faults<Site> {
	return {
		'a replica is killed': async (site, member) => {
			await member.stop('SIGKILL');
			await goesOn(site);
			await comesBack(site, member);
		},
		'the leader is killed': async (site) => {
			const leader = await site.ensemble.leader();
			await leader.stop('SIGKILL');
			await goesOn(site);
			await comesBack(site, leader);
		},
		'a replica is paused': async (site, member) => {
			member.pause();
			await goesOn(site);
			member.proceed();
			await member.serving();
		},
		'connections are cut': async (site, member) => {
			site.cables.get(member)!.unplug();
			await goesOn(site);
			site.cables.get(member)!.plug();
		},
		'connections are silent': async (site, member) => {
			site.cables.get(member)!.silence();
			await goesOn(site);
			site.cables.get(member)!.plug();
		},
	};
}

async function comesBack({ cables }: CabledEnsemble, member: EnsembleMember): Promise<void> {
	member.launch();
	cables.get(member)!.leadTo((await member.doors()).grpc);
	await member.serving();
}

/**
 * Each of the faults, then each again in another order, for at least so long; SEED repeats an order.
 * @param check after each
 * @returns what happened, with the seed, as errors tell it, too
 */
export async function goWrong<Site extends CabledEnsemble>(
	site: Site,
	faults: Faults<Site>,
	lengthMs: number,
	check: () => Promise<void>,
): Promise<string> {
	const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
	const random = new SeededRandom(seed);
	const endMs = performance.now() + lengthMs;
	let rest: string[] = [];
	const happened: string[] = [];
	const story = () => `seed ${seed}, ${happened.length} faults: ${happened.join(', ')}`;
	while (performance.now() < endMs || happened.length < Object.keys(faults).length) {
		if (rest.length === 0) rest = Object.keys(faults);
		const [name] = rest.splice(random.below(rest.length), 1) as [string];
		happened.push(name);
		try {
			await faults[name]!(site, random.pick(site.ensemble.members));
			await check();
		} catch (error) {
			throw new Error(`${(error as Error).message} (${story()})`, { cause: error });
		}
	}
	return story();
}
