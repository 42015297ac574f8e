/** The oracle itself: the real ZooKeeper says of its own recordings what the recordings say that it said. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { expectSameTree, readTree } from '#test/support/client-tree';
import { RealZooKeeper } from '#test/support/real-zookeeper';
import { expectedState, expectedTree, unpackDamaged, unpackRecording } from '#test/support/recordings';

let dataDir: string;
let server: RealZooKeeper | undefined;

beforeEach(() => {
	dataDir = mkdtempSync(join(tmpdir(), 'recording-'));
});
afterEach(async () => {
	await server?.stop('SIGKILL');
	rmSync(dataDir, { recursive: true });
});

it('the real ZooKeeper opens recording a: same digest, no mismatch, same tree', async () => {
	unpackRecording('recording-a', join(dataDir, 'version-2'));
	// Nothing may expire while the tree is read.
	server = await RealZooKeeper.start({
		dataDir,
		properties: { 'znode.container.checkIntervalMs': '86400000' },
		config: { tickTime: 60_000 },
	});
	expect(server.loaded).toEqual({ zxid: '0x4e42', digest: expectedState('recording-a', '4e42').treeDigest });
	expect(await server.digestMismatches()).toBe(0);
	expectSameTree(readTree(server), expectedTree('recording-a', '4e42'));
});

it('and counts the mismatch of a log whose data was altered behind its checksum', async () => {
	unpackDamaged('log-wrong-data-right-checksum', join(dataDir, 'version-2'));
	server = await RealZooKeeper.start({ dataDir });
	expect(await server.digestMismatches()).toBe(1);
});

it('and says why when it refuses', async () => {
	unpackDamaged('log-flipped-bit-middle', join(dataDir, 'version-2'));
	await expect(RealZooKeeper.start({ dataDir })).rejects.toThrow(/CRC check failed/);
});
