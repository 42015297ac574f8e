/** A long random history that Chronokeeper wrote, several snapshots and logs, replayed by the real ZooKeeper: every digest agrees. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { formatZxid, noSession } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import { describeTree, expectSameTree, readTree } from '#test/support/client-tree';
import { RandomWrites } from '#test/support/random-writes';
import { RealZooKeeper } from '#test/support/real-zookeeper';
import { anyone, TestReplica, versionDirectory } from '#test/support/replica';

let dataDir: string;
let server: RealZooKeeper | undefined;

beforeEach(() => {
	dataDir = mkdtempSync(join(tmpdir(), 'random-'));
});
afterEach(async () => {
	await server?.stop('SIGKILL');
	rmSync(dataDir, { recursive: true });
});

it.each([1, 2, 3])('seed %i: 3,000 writes, digest by digest', async (seed) => {
	const replica = await TestReplica.open(dataDir);
	const writes = new RandomWrites(seed);
	const sessions = [noSession, await replica.openSession(40_000), await replica.openSession(40_000)];
	const callers = [anyone, { ...anyone, identities: [{ scheme: 'digest', id: 'ada:mxnYzuZj3ylX0eP3cLcaCXxTI3g=' }] }];
	const codes = new Set<number>();
	for (let round = 0; round < 3; round++) {
		const asked = Array.from({ length: 1000 }, () =>
			replica.call(writes.next(), writes.pick(sessions), writes.pick(callers)),
		);
		// While they are under way: the snapshot is exact all the same.
		if (round > 0) await replica.snapshot();
		for (const reply of await Promise.all(asked)) codes.add(reply.error);
	}
	await replica.call({ kind: 'closeSession' }, sessions[1]!);
	await replica.close();
	const { tree } = replica.host;
	expect(codes.size).toBeGreaterThan(5);

	// First from what the replica would start from, its newest snapshot; then every transaction from the beginning.
	await expectInZooKeeper(tree);
	for (const name of readdirSync(versionDirectory(dataDir))) {
		if (name.startsWith('snapshot.') && name !== 'snapshot.0') rmSync(join(versionDirectory(dataDir), name));
	}
	await expectInZooKeeper(tree);
});

async function expectInZooKeeper(tree: DataTree): Promise<void> {
	const properties = { 'znode.container.checkIntervalMs': '86400000' };
	server = await RealZooKeeper.start({ dataDir, properties, config: { tickTime: 60_000 } });
	expect(server.loaded).toEqual({ zxid: formatZxid(tree.lastProcessedZxid), digest: String(tree.digest()) });
	expect(await server.digestMismatches()).toBe(0);
	expectSameTree(readTree(server), describeTree(tree));
	await server.stop('SIGKILL');
	// The session of the client that read the tree is a transaction of its own.
	for (const name of readdirSync(versionDirectory(dataDir))) {
		if (zxidOfLog(name) > tree.lastProcessedZxid) rmSync(join(versionDirectory(dataDir), name));
	}
}

function zxidOfLog(name: string): number {
	return name.startsWith('log.') ? Number.parseInt(name.slice(4), 16) : 0;
}
