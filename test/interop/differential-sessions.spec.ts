/** What the real ZooKeeper and Chronokeeper do by themselves: end silent sessions, delete empty containers, and go on after a restart. */
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { ClientRequest } from '#jute/client/requests';
import { opCode } from '#jute/op-codes';
import { TestServers } from '#test/support/test-servers';
import { patient, startChronokeeper, startPair, startZooKeeper } from './differential/compared-servers.ts';
import { compareSteps, compareTrees, startRuns } from './differential/comparison.ts';
import { runContainers } from './differential/container-run.ts';
import { runExpiry } from './differential/expiry-run.ts';
import { open } from './differential/random-values.ts';
import type { Script, Slot, Step } from './differential/script.ts';
import { describeTree } from './differential/server-tree.ts';

const servers = new TestServers();
afterEach(() => servers.close());

it('49, 62-64: sessions that fall silent take the same nodes with them, each in a transaction of its own', async () => {
	const quick = { ...patient, tickTime: 200, minSessionTimeout: 400 };
	const [zooKeeper, chronokeeper] = await startPair(servers, quick);
	const [theirs, ours] = await Promise.all([runExpiry(zooKeeper), runExpiry(chronokeeper)]);
	expect(theirs.filter((line) => line.startsWith('silent') && line.endsWith('closed'))).toHaveLength(3);
	expect(ours).toEqual(theirs);
	expect(await describeTree(chronokeeper.port, chronokeeper.names)).toEqual(
		await describeTree(zooKeeper.port, zooKeeper.names),
	);
});

it('22, 33: containers and TTL nodes go in the same transactions', async () => {
	const [zooKeeper, chronokeeper] = await startPair(servers, { ...patient, 'znode.container.checkIntervalMs': 100 });
	const [theirs, ours] = await Promise.all([runContainers(zooKeeper), runContainers(chronokeeper)]);
	expect(theirs.filter((line) => line.includes('createTTL') && line.includes('OK'))).toHaveLength(2);
	expect(ours).toEqual(theirs);
});

it('58-61: after a restart sessions go on where they were, and zxids too', async () => {
	const folder = servers.newDirectory();
	const directories = [join(folder, 'zookeeper'), join(folder, 'chronokeeper')] as const;
	const before = [
		await startZooKeeper(servers, directories[0], patient),
		await startChronokeeper(servers, directories[1], patient),
	] as const;
	const first = script([...Array.from({ length: 4 }, (_, slot) => opened(slot)), ...beforeRestart]);
	const runs = startRuns(first, before);
	expect(await compareSteps(first, before, runs)).toBeUndefined();

	for (const server of before) await server.stop();
	const after = [
		await startZooKeeper(servers, directories[0], patient, before[0].names),
		await startChronokeeper(servers, directories[1], patient, before[1].names),
	] as const;
	for (const [at, run] of runs.entries()) run.moveTo(after[at]!.port);

	const second = script(afterRestart);
	expect(await compareSteps(second, after, runs)).toBeUndefined();
	expect(await compareTrees(second, after)).toBeUndefined();
});

function script(steps: readonly Step[]): Script {
	return { seed: 0, slots: 4, steps };
}

function opened(slot: Slot): Step {
	return { kind: 'open', slot, timeoutMs: 30_000, readOnly: false, seen: 'none', protocolVersion: 0 };
}

function asked(slot: Slot, ...requests: ClientRequest[]): Step[] {
	return requests.map((request) => ({
		kind: 'send',
		slot,
		requests: [{ type: opCode[request.kind], request }],
	}));
}

function node(path: string, flags = 0): ClientRequest {
	return { kind: 'create2', path, data: Buffer.from(path), acl: open, flags };
}

function back(slot: Slot, password: 'right' | 'wrong' = 'right', seen: 'seen' | 'ahead' = 'seen'): Step {
	return { kind: 'reattach', slot, of: slot, password, timeoutMs: 25_000, readOnly: undefined, seen };
}

const beforeRestart: readonly Step[] = [
	...asked(0, node('/a'), node('/a/mine', 1), node('/a/n-', 3), {
		kind: 'createTTL',
		path: '/ttl',
		data: null,
		acl: open,
		flags: 5,
		ttlMs: 600_000,
	}),
	...asked(1, node('/b'), node('/b/c', 4), node('/b/s', 2), node('/a/yours', 1), {
		kind: 'delete',
		path: '/b/c',
		version: 3,
	}),
	...asked(2, { kind: 'getData', path: '/a', watch: true }, { kind: 'getChildren', path: '/a', watch: true }),
	...asked(3, node('/a/lost', 1), { kind: 'closeSession' }),
	...[0, 1, 2].map((slot): Step => ({ kind: 'drop', slot })),
];

const rearmed: ClientRequest = {
	kind: 'setWatches2',
	relativeZxid: 0,
	data: ['/a', '/ttl'],
	exist: ['/later'],
	child: ['/a'],
	persistent: ['/b'],
	persistentRecursive: ['/r'],
};

const afterRestart: readonly Step[] = [
	back(1, 'wrong'),
	back(1, 'right', 'ahead'),
	back(1),
	...asked(
		1,
		{ kind: 'getEphemerals', path: '/' },
		{ kind: 'setData', path: '/a', data: null, version: 0 },
		node('/a/n-', 3),
	),
	back(2),
	{ kind: 'send', slot: 2, requests: [{ type: opCode.setWatches2, request: rearmed, zxidsBehind: 0 }] },
	// Its session was closed before.
	back(3),
	back(0),
	...asked(
		0,
		{ kind: 'getEphemerals', path: '/' },
		{ kind: 'getChildren2', path: '/a', watch: false },
		{ kind: 'closeSession' },
	),
	...asked(1, node('/later'), node('/b/s', 2), node('/r/x')),
	opened(3),
	...asked(3, node('/r'), node('/r/y', 1), { kind: 'whoAmI' }),
	{ kind: 'reattach', slot: 3, of: 1, password: 'right', timeoutMs: 25_000, readOnly: false, seen: 'seen' },
	...asked(3, { kind: 'getEphemerals', path: '/' }, { kind: 'delete', path: '/a/yours', version: -1 }),
];
