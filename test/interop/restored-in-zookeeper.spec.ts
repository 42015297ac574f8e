/**
 * Every state that the recordings know, restored from PostgreSQL into a directory: the real ZooKeeper starts from it with the digest that the
 * cluster recorded and the same tree, in an epoch above every zxid ever given out (semantics 61).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importDirectories } from '#audit/import';
import { restore } from '#audit/restore';
import { epochOf, formatZxid, parseZxid } from '#core/model/zxid';
import { expectSameTree, readTree } from '#test/support/client-tree';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { RealZooKeeper } from '#test/support/real-zookeeper';
import {
	expectedState,
	expectedTree,
	expectedZxids,
	type RecordingName,
	unpackRecording,
} from '#test/support/recordings';

const ensemble: readonly RecordingName[] = [
	'recording-c-ensemble/server1',
	'recording-c-ensemble/server2',
	'recording-c-ensemble/server3',
];
/** States that one server had for a moment and the ensemble never: the README of the recordings names them. */
const neverCommitted = ['3000008b3', '20000096e'];

describe.each<[string, readonly RecordingName[], number]>([
	['recording a', ['recording-a'], 1],
	['recording c, from all its servers', ensemble, 5],
])('%s', (_, recordings, epoch) => {
	let folder: string;
	let database: TestDatabase;

	beforeAll(async () => {
		folder = mkdtempSync(join(tmpdir(), 'restored-'));
		database = await createDatabase();
		const directories = recordings.map((name) => join(folder, name.replace('/', '-')));
		for (const [index, name] of recordings.entries()) unpackRecording(name, directories[index]!);
		await importDirectories(directories, database.url);
	});
	afterAll(async () => {
		await database.drop();
		rmSync(folder, { recursive: true });
	});

	const states = recordings.flatMap((name) => expectedZxids(name).map((zxid) => [zxid, name] as const));
	const committed = states.filter(
		([zxid], index) => !neverCommitted.includes(zxid) && states.findIndex(([other]) => other === zxid) === index,
	);

	it.each(committed)('61: 0x%s (%s)', async (zxid, name) => {
		const dataDir = join(folder, `restored-${zxid}`);
		const restored = await restore({
			databaseUrl: database.url,
			zxid: parseZxid(`0x${zxid}`),
			intoDir: dataDir,
			sessions: 'keep',
		});
		expect(restored.epoch).toBe(epoch);
		expect(epochOf(restored.startZxid)).toBe(epoch);

		// Neither sessions nor containers nor TTL nodes may expire while the tree is read.
		const properties = { 'znode.container.checkIntervalMs': '86400000' };
		const server = await RealZooKeeper.start({ dataDir, properties, config: { tickTime: 60_000 } });
		try {
			expect(server.loaded).toEqual({
				zxid: formatZxid(restored.startZxid),
				digest: expectedState(name, zxid).treeDigest,
			});
			expect(await server.digestMismatches()).toBe(0);
			expectSameTree(readTree(server), expectedTree(name, zxid));
		} finally {
			await server.stop('SIGKILL');
		}
	});
});
