import { describe, expect, it } from 'vitest';
import { LoadBalancer, NoInstanceError, type StrategyName } from './load-balancer.ts';
import type { ServiceInstance } from './service-instance.ts';

function instance(id: string, more: Partial<ServiceInstance> = {}): ServiceInstance {
	const plain = { port: 80, sslPort: null, weight: 1, tags: [], metadata: null, enabled: true, problem: undefined };
	return { service: 'web', id, address: '10.0.0.1', ...plain, registeredAtMs: 0, uriSpec: null, ...more };
}

function ofIds(...ids: readonly string[]): ServiceInstance[] {
	return ids.map((id) => instance(id));
}

/** The same numbers each time. */
function seeded(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state / 2 ** 32;
	};
}

function countsOf(picks: readonly ServiceInstance[]): Record<string, number> {
	const counts: Record<string, number> = {};
	for (const { id } of picks) counts[id] = (counts[id] ?? 0) + 1;
	return counts;
}

const keys = Array.from({ length: 6000 }, (_, i) => `user-${i}`);
const all: readonly StrategyName[] = ['random', 'roundRobin', 'leastLoaded', 'consistentHash'];

describe.each(all)('%s', (strategy) => {
	const picks = (instances: readonly ServiceInstance[], count = 6000) => {
		const balancer = new LoadBalancer({ service: 'web', instances }, { strategy, random: seeded(7) });
		return countsOf(Array.from({ length: count }, (_, i) => balancer.pick({ key: `user-${i}` })));
	};

	it('gives each the share of its weight', () => {
		const counts = picks([instance('a'), instance('b', { weight: 2 }), instance('c', { weight: 3 })]);
		if (strategy === 'leastLoaded') expect(counts).toEqual({ c: 6000 });
		else
			for (const [id, share] of Object.entries({ a: 1000, b: 2000, c: 3000 }))
				expect(Math.abs(counts[id]! - share)).toBeLessThan(200);
	});

	it('never picks one that is out, or of weight 0 while others have one', () => {
		const counts = picks([instance('a'), instance('b', { enabled: false }), instance('c', { weight: 0 })], 100);
		expect(counts).toEqual({ a: 100 });
		expect(Object.keys(picks([instance('c', { weight: 0 }), instance('d', { weight: 0 })])).sort()).toEqual(['c', 'd']);
	});

	it('leaves out what a retry failed on, while there are others', () => {
		const source = { service: 'web', instances: ofIds('a', 'b') };
		const balancer = new LoadBalancer(source, { strategy, random: seeded(7) });
		for (const key of keys.slice(0, 50)) {
			expect(balancer.pick({ key, except: ['a'] }).id).toBe('b');
			expect(['a', 'b']).toContain(balancer.pick({ key, except: ['a', 'b'] }).id);
		}
	});

	it('says that there is none', () => {
		const balancer = new LoadBalancer({ service: 'web', instances: [instance('a', { enabled: false })] }, { strategy });
		expect(() => balancer.pick()).toThrow(NoInstanceError);
		expect(() => balancer.pick()).toThrow('no instance of web takes requests');
	});
});

describe('roundRobin', () => {
	it('spreads the turns of the heavy one, and takes up who joins without a flood', () => {
		let instances: readonly ServiceInstance[] = [instance('a', { weight: 5 }), instance('b'), instance('c')];
		const balancer = new LoadBalancer({
			service: 'web',
			get instances() {
				return instances;
			},
		});
		const turns = (count: number) => Array.from({ length: count }, () => balancer.pick().id).join('');
		expect(turns(14)).toBe('aabacaaaabacaa');
		instances = ofIds('a', 'b', 'c', 'd');
		const after = turns(40);
		expect(countsOf([...after].map((id) => instance(id)))).toEqual({ a: 10, b: 10, c: 10, d: 10 });
		expect(after).not.toMatch(/dd/);
	});
});

describe('leastLoaded', () => {
	it('goes where the fewest are under way for the weight, and counts what is over', async () => {
		const source = { service: 'web', instances: [instance('a'), instance('b', { weight: 3 })] };
		const balancer = new LoadBalancer(source, { strategy: 'leastLoaded', random: seeded(3) });
		const leases = Array.from({ length: 8 }, () => balancer.lease());
		expect(countsOf(leases.map((lease) => lease.instance))).toEqual({ a: 2, b: 6 });
		for (const lease of leases) if (lease.instance.id === 'a') lease.release();
		leases[0]!.release();
		leases[0]!.release();
		expect(balancer.pick().id).toBe('a');
		{
			using one = balancer.lease();
			expect(one.instance.id).toBe('a');
			expect(balancer.inFlight('a')).toBe(1);
		}
		expect(balancer.inFlight('a')).toBe(0);
		const failed = balancer.run(async ({ id }) => {
			expect(balancer.inFlight(id)).toBe(1);
			throw new Error('refused');
		});
		await expect(failed).rejects.toThrow('refused');
		expect(balancer.inFlight('a')).toBe(0);
	});
});

describe('consistentHash', () => {
	const placed = (instances: readonly ServiceInstance[]) => {
		const balancer = new LoadBalancer({ service: 'web', instances }, { strategy: 'consistentHash' });
		return new Map(keys.map((key) => [key, balancer.pick({ key }).id]));
	};
	const five = ofIds('a', 'b', 'c', 'd', 'e');
	const before = placed(five);

	it('is the same in every process and whatever the order', () => {
		expect(placed(five.toReversed())).toEqual(before);
		expect(keys.slice(0, 8).map((key) => before.get(key))).toEqual(['e', 'a', 'b', 'e', 'b', 'e', 'a', 'e']);
	});

	it('moves keys to who joins, and none between the others', () => {
		const after = placed([...five, instance('f')]);
		const moved = keys.filter((key) => after.get(key) !== before.get(key));
		expect(new Set(moved.map((key) => after.get(key)))).toEqual(new Set(['f']));
		expect(Math.abs(moved.length - 1000)).toBeLessThan(150);
	});

	it('moves only the keys of who leaves, to all others', () => {
		const after = placed(five.filter(({ id }) => id !== 'c'));
		for (const key of keys) if (before.get(key) !== 'c') expect(after.get(key)).toBe(before.get(key));
		const heirs = keys.filter((key) => before.get(key) === 'c').map((key) => after.get(key)!);
		expect(Object.keys(countsOf(ofIds(...heirs))).sort()).toEqual(['a', 'b', 'd', 'e']);
	});

	it('moves only a part of the keys when a weight changes', () => {
		const after = placed(five.map((one) => (one.id === 'a' ? instance('a', { weight: 2 }) : one)));
		for (const key of keys) if (after.get(key) !== before.get(key)) expect(after.get(key)).toBe('a');
	});

	it('keeps a hot key from flooding its instance', () => {
		const source = { service: 'web', instances: five };
		const balancer = new LoadBalancer(source, { strategy: 'consistentHash', loadBound: 1.25 });
		const leases = Array.from({ length: 100 }, () => balancer.lease({ key: 'hot' }));
		for (const { id } of five) expect(balancer.inFlight(id)).toBeLessThanOrEqual(25);
		for (const lease of leases) lease.release();
		const first = balancer.pick({ key: 'hot' }).id;
		expect(leases[0]!.instance.id).toBe(first);
		const unbound = new LoadBalancer(source, { strategy: 'consistentHash', loadBound: Number.POSITIVE_INFINITY });
		for (let i = 0; i < 100; i++) unbound.lease({ key: 'hot' });
		expect(unbound.inFlight(first)).toBe(100);
		expect(() => new LoadBalancer(source, { strategy: 'consistentHash', loadBound: 1 })).toThrow(RangeError);
	});
});

it('a strategy of one’s own is asked', () => {
	const source = { service: 'web', instances: ofIds('a', 'b') };
	const balancer = new LoadBalancer(source, { strategy: (candidates) => candidates.at(-1)! });
	expect(balancer.pick().id).toBe('b');
});
