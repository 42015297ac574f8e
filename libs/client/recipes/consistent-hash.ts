/**
 * Weighted rendezvous hashing with bounded loads: a key goes to the instance that scores highest for it. When one joins it takes its share of keys from all others and none moves
 * between those; when one leaves only its own keys move. An instance that has more than `loadBound` times its share of what is under way passes keys on to the one that scores
 * next, so that a single hot key cannot flood it.
 */
import type { Candidate, Strategy } from './load-balancer.ts';

/** @param random for requests without a key */
export function consistentHash(loadBound: number, random: () => number): Strategy {
	if (!(loadBound > 1)) throw new RangeError(`the bound of the load must be above 1, not ${loadBound}`);
	/** Of ids: they are asked for at every pick. */
	let hashes = new Map<string, number>();
	return (candidates, key) => {
		const known = hashes;
		if (known.size > 4 * candidates.length) hashes = new Map();
		const keyHash = key === undefined ? Math.floor(random() * 2 ** 32) : hashOf(key);
		let totalWeight = 0;
		let underWay = 1;
		for (const { instance, inFlight } of candidates) {
			totalWeight += instance.weight;
			underWay += inFlight;
		}
		let best: Candidate | undefined;
		let bestScore = Number.NEGATIVE_INFINITY;
		for (const candidate of candidates) {
			const { id, weight } = candidate.instance;
			const capacity = Math.ceil((loadBound * underWay * weight) / totalWeight);
			if (candidate.inFlight + 1 > capacity) continue;
			let idHash = known.get(id);
			if (idHash === undefined) idHash = hashOf(id);
			hashes.set(id, idHash);
			const score = scoreOf(mixed(keyHash, idHash), weight);
			if (score > bestScore || best === undefined) [best, bestScore] = [candidate, score];
		}
		// Not all can be above their share: with a bound above 1 their capacities sum up to more than what is under way.
		return best!;
	};
}

/** Wins with the probability of its share of the weights. */
function scoreOf(hash: number, weight: number): number {
	return -weight / Math.log((hash + 0.5) / 2 ** 32);
}

/** FNV-1a over the UTF-16 units, then mixed: the same in every process. */
export function hashOf(text: string): number {
	let hash = 0x811c9dc5;
	for (let i = 0; i < text.length; i++) {
		const unit = text.charCodeAt(i);
		hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
		hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
	}
	return finished(hash);
}

function mixed(a: number, b: number): number {
	return finished(Math.imul(a, 0x9e3779b1) ^ finished(b + 0x7f4a7c15));
}

/** MurmurHash3's end: every bit of the input changes half of the output's. */
function finished(value: number): number {
	let hash = value ^ (value >>> 16);
	hash = Math.imul(hash, 0x85ebca6b);
	hash ^= hash >>> 13;
	hash = Math.imul(hash, 0xc2b2ae35);
	return (hash ^ (hash >>> 16)) >>> 0;
}
