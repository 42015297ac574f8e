/**
 * Which instance of a service takes the next request. A balancer looks at the instances there are at each pick (usually those of a ServiceView), so joins, leaves, health and
 * weights count at once; it asks no server.
 *
 * Guarantee: an instance that is out, or of weight 0 while others have one, is never picked; over many picks each gets the share of its weight. Failure: without any instance
 * pick() throws NoInstanceError. Cost: none on the network; a pick looks at each instance once.
 */
import { consistentHash } from './consistent-hash.ts';
import type { ServiceInstance } from './service-instance.ts';

export interface PickOptions {
	/** What consistent hashing hashes: a user, a document. The others do not look at it. */
	readonly key?: string;
	/** Ids that are left out, while there are others: those that a retry has just failed on. */
	readonly except?: readonly string[];
}

/** Requests under way at an instance, by this client. */
export interface Lease extends Disposable {
	readonly instance: ServiceInstance;
	/** The request is over. Again: nothing. */
	release(): void;
}

export interface Candidate {
	readonly instance: ServiceInstance;
	/** Requests that this client has under way there. */
	readonly inFlight: number;
}

/** Chooses one of at least one; all of them have a weight above 0. */
export type Strategy = (candidates: readonly Candidate[], key: string | undefined) => Candidate;

export type StrategyName = 'random' | 'roundRobin' | 'leastLoaded' | 'consistentHash';

export interface BalancerOptions {
	/** `roundRobin` when absent. */
	readonly strategy?: StrategyName | Strategy;
	/** From 0 to below 1. */
	readonly random?: () => number;
	/** For `consistentHash`: how far above its share of what is under way an instance may be before keys go to the next; 1.25 when absent, Infinity for no bound. */
	readonly loadBound?: number;
}

/** There is no instance that could take the request. */
export class NoInstanceError extends Error {
	readonly service: string;

	constructor(service: string) {
		super(`no instance of ${service} takes requests`);
		this.name = 'NoInstanceError';
		this.service = service;
	}
}

/** What is balanced: a ServiceView, or a list. */
export interface InstanceSource {
	readonly service: string;
	/** Those that take requests. */
	readonly instances: readonly ServiceInstance[];
}

export class LoadBalancer {
	readonly #source: InstanceSource;
	readonly #strategy: Strategy;
	/** By id; those without any are not in it. */
	readonly #inFlight = new Map<string, number>();

	constructor(source: InstanceSource, options: BalancerOptions = {}) {
		this.#source = source;
		const { strategy = 'roundRobin' } = options;
		this.#strategy = typeof strategy === 'function' ? strategy : strategies[strategy](options);
	}

	/** Which one, without counting the request as under way. @throws NoInstanceError */
	pick(options: PickOptions = {}): ServiceInstance {
		return this.#strategy(this.#candidates(options.except ?? []), options.key).instance;
	}

	/** Which one; it counts as under way until it is released (`using lease = …`). @throws NoInstanceError */
	lease(options: PickOptions = {}): Lease {
		const instance = this.pick(options);
		this.#inFlight.set(instance.id, this.inFlight(instance.id) + 1);
		let isOver = false;
		const release = (): void => {
			if (isOver) return;
			isOver = true;
			const left = this.inFlight(instance.id) - 1;
			if (left > 0) this.#inFlight.set(instance.id, left);
			else this.#inFlight.delete(instance.id);
		};
		return { instance, release, [Symbol.dispose]: release };
	}

	/** Runs a request, counted while it runs. @throws NoInstanceError, and what the request throws */
	async run<T>(request: (instance: ServiceInstance) => Promise<T>, options: PickOptions = {}): Promise<T> {
		const lease = this.lease(options);
		try {
			return await request(lease.instance);
		} finally {
			lease.release();
		}
	}

	/** Requests that are under way at it. */
	inFlight(id: string): number {
		return this.#inFlight.get(id) ?? 0;
	}

	#candidates(except: readonly string[]): Candidate[] {
		const { instances, service } = this.#source;
		const able = instances.filter(({ enabled }) => enabled);
		if (able.length === 0) throw new NoInstanceError(service);
		const others = except.length === 0 ? able : able.filter(({ id }) => !except.includes(id));
		const left = others.length === 0 ? able : others;
		const weighty = left.filter(({ weight }) => weight > 0);
		// Where nobody has a weight all are alike.
		const chosen = weighty.length > 0 ? weighty : left.map((instance) => ({ ...instance, weight: 1 }));
		return chosen.map((instance) => ({ instance, inFlight: this.inFlight(instance.id) }));
	}
}

const strategies: Readonly<Record<StrategyName, (options: BalancerOptions) => Strategy>> = {
	random: ({ random = Math.random }) => weightedRandom(random),
	roundRobin: () => smoothRoundRobin(),
	leastLoaded: ({ random = Math.random }) => leastLoaded(random),
	consistentHash: ({ loadBound = 1.25, random = Math.random }) => consistentHash(loadBound, random),
};

function weightedRandom(random: () => number): Strategy {
	return (candidates) => {
		let left = random() * totalWeight(candidates);
		for (const candidate of candidates) {
			left -= candidate.instance.weight;
			if (left < 0) return candidate;
		}
		return candidates.at(-1)!;
	};
}

/**
 * Each gains its weight at every pick, and the one with the most pays for all: three of weights 5, 1, 1 come as a a b a c a a. Who joins begins with nothing, so that it
 * is not flooded.
 */
function smoothRoundRobin(): Strategy {
	const credits = new Map<string, number>();
	return (candidates) => {
		let best = candidates[0]!;
		for (const candidate of candidates) {
			const { id, weight } = candidate.instance;
			credits.set(id, (credits.get(id) ?? 0) + weight);
			if (credits.get(id)! > credits.get(best.instance.id)!) best = candidate;
		}
		credits.set(best.instance.id, credits.get(best.instance.id)! - totalWeight(candidates));
		// Who is left out for one pick keeps its turn; who has gone for good is forgotten some time.
		if (credits.size > 2 * candidates.length + 16) {
			const ids = new Set(candidates.map(({ instance }) => instance.id));
			for (const id of [...credits.keys()]) if (!ids.has(id)) credits.delete(id);
		}
		return best;
	};
}

/** Fewest under way for its weight. Among equals chance decides: many clients would otherwise all begin with the same one. */
function leastLoaded(random: () => number): Strategy {
	return (candidates) => {
		const loads = candidates.map(({ instance, inFlight }) => (inFlight + 1) / instance.weight);
		const least = Math.min(...loads);
		return weightedRandom(random)(
			candidates.filter((_, i) => loads[i] === least),
			undefined,
		);
	};
}

export function totalWeight(candidates: readonly Candidate[]): number {
	return candidates.reduce((sum, { instance }) => sum + instance.weight, 0);
}
