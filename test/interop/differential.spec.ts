/**
 * The same requests to the real ZooKeeper and to Chronokeeper, in lock-step, and not one difference in what comes back: errors, data, every
 * field of every Stat, zxids, watch events and their place among the replies. What may differ is in docs/divergence.md, and the scripts keep
 * away from it, each place saying so.
 *
 * `DIFF_SEEDS=1000 npm run interop -- test/interop/differential.spec.ts` compares a thousand scripts of 200 operations; `DIFF_SEED=17` is the
 * first of them, or the only one without DIFF_SEEDS; DIFF_OPERATIONS says how long they are. A difference is told with its seed, the step
 * and both answers; with DIFF_SHRINK=1 the steps that it does not need are left out first.
 */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { opCode } from '#jute/op-codes';
import { TestServers } from '#test/support/test-servers';
import { bodySweep } from './differential/body-sweep.ts';
import {
	otherwise,
	patient,
	type Settings,
	type StoppableServer,
	startChronokeeper,
	startPair,
} from './differential/compared-servers.ts';
import { compare, type Difference, describeDifference, type Pair } from './differential/comparison.ts';
import { generateScript } from './differential/generator.ts';
import { open } from './differential/random-values.ts';
import type { Script } from './differential/script.ts';
import { shrink } from './differential/shrink.ts';
import { tellingCases } from './differential/telling-cases.ts';

const { DIFF_SEED, DIFF_SEEDS, DIFF_OPERATIONS, DIFF_SHRINK } = process.env;
const firstSeed = Number(DIFF_SEED ?? 1);
const seeds = Number(DIFF_SEEDS ?? (DIFF_SEED === undefined ? 36 : 1));
const operations = Number(DIFF_OPERATIONS ?? 200);
/** How many differences are told: more do not help. */
const enough = 5;
/** Some of the scripts also with the other value of each switch. */
const switched = Math.ceil(seeds / 6);
const perSeedMs = 20_000;

const servers = new TestServers();
afterEach(() => servers.close());

/** Scripts one after the other on one pair of servers; on a new one after a difference, since from there on nothing is equal. */
async function differencesOf(scripts: Iterable<Script>, settings: Settings): Promise<string[]> {
	const differences: string[] = [];
	let pair: Pair<StoppableServer> | undefined;
	let compared = 0;
	for (const script of scripts) {
		pair ??= await startPair(servers, settings);
		const difference = await compare(script, pair);
		compared += 1;
		if (compared % 100 === 0) console.log(`${compared} scripts compared, ${differences.length} with differences`);
		if (difference === undefined) continue;
		differences.push(await told(script, difference, settings));
		if (differences.length === enough) break;
		for (const server of pair) await server.stop();
		pair = undefined;
	}
	return differences;
}

async function told(script: Script, difference: Difference, settings: Settings): Promise<string> {
	if (DIFF_SHRINK !== '1') return difference.description;
	const anew = async (shorter: Script): Promise<Difference | undefined> => {
		const pair = await startPair(servers, settings);
		const found = await compare(shorter, pair);
		for (const server of pair) await server.stop();
		return found;
	};
	return describeDifference(await shrink(script, difference, anew, 60));
}

function* drawn(count: number): Iterable<Script> {
	for (let seed = firstSeed; seed < firstSeed + count; seed++) yield generateScript(seed, operations);
}

it('a difference is told with its seed, its step and both answers', async () => {
	const folder = servers.newDirectory();
	// Two of ours, so that this says nothing of ZooKeeper; one of them without TTL nodes.
	const pair = [
		await startChronokeeper(servers, join(folder, 'with'), patient),
		await startChronokeeper(servers, join(folder, 'without'), { ...patient, extendedTypesEnabled: false }),
	] as const;
	const request = { kind: 'createTTL', path: '/t', data: null, acl: open, flags: 5, ttlMs: 600_000 } as const;
	const ping = { kind: 'send', slot: 0, requests: [{ type: opCode.ping }] } as const;
	const create = { kind: 'send', slot: 0, requests: [{ type: opCode.createTTL, request }] } as const;
	const script: Script = { seed: 42, slots: 1, steps: [ping, create, ping] };
	expect(await compare({ ...script, steps: [ping] }, pair)).toBeUndefined();
	const difference = await compare(script, pair);
	expect(difference).toMatchObject({ seed: 42, at: 1 });
	expect(difference?.description).toMatch(
		/seed 42, step 1: .*createTTL(.|\n)*createTTL zxid \d+ OK(.|\n)*createTTL zxid \d+ Unimplemented/,
	);
});

describe('Chronokeeper and the real ZooKeeper 3.8 answer alike', () => {
	it(
		`to ${seeds} random scripts of ${operations} operations, from seed ${firstSeed}`,
		async () => {
			expect(await differencesOf(drawn(seeds), patient)).toEqual([]);
		},
		60_000 + seeds * perSeedMs,
	);

	it(
		`15, 82, 83: to ${switched} of them without TTLs and hard quotas, and with reconfig`,
		async () => {
			expect(await differencesOf(drawn(switched), otherwise)).toEqual([]);
		},
		60_000 + switched * perSeedMs,
	);

	it(
		`34: to ${switched} of them when nobody looks at access control lists`,
		async () => {
			expect(await differencesOf(drawn(switched), { ...patient, skipACL: true })).toEqual([]);
		},
		60_000 + switched * perSeedMs,
	);

	it('45: to every operation whose body ends at any byte, or goes on behind its end', async () => {
		expect(await differencesOf([bodySweep()], patient)).toEqual([]);
	});

	it('to what once was answered otherwise', async () => {
		const scripts = tellingCases.map(([, script]) => script);
		expect(await differencesOf(scripts, patient)).toEqual([]);
	});
});
