/** A data directory that the real ZooKeeper wrote opens in Chronokeeper, which goes on, and then again in ZooKeeper. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ChronokeeperClient } from '#client/client';
import { formatZxid } from '#core/model/zxid';
import { openAcl } from '#jute/acl';
import { type ClientNode, describeTree, expectSameTree, readTree } from '#test/support/client-tree';
import { RealZooKeeper } from '#test/support/real-zookeeper';
import { TestReplica } from '#test/support/replica';
import { ServerProcess } from '#test/support/server-process';

let dataDir: string;
let server: RealZooKeeper | undefined;
let ours: ServerProcess | undefined;

beforeEach(() => {
	dataDir = mkdtempSync(join(tmpdir(), 'zookeeper '));
});
afterEach(async () => {
	await server?.stop('SIGKILL');
	await ours?.stop('SIGKILL');
	rmSync(dataDir, { recursive: true });
});

function startZooKeeper(): Promise<RealZooKeeper> {
	// Sessions and nodes outlive their clients while the tree is compared.
	const properties = { 'znode.container.checkIntervalMs': '86400000' };
	return RealZooKeeper.start({ dataDir, properties, config: { tickTime: 60_000, snapCount: 60 } });
}

/** @returns what a client saw last */
async function liveInZooKeeper(stop: 'SIGTERM' | 'SIGKILL'): Promise<ClientNode[]> {
	server = await startZooKeeper();
	server.kazoo('life.py');
	const said = await server.commandLine(
		'create -c /box',
		'create /box/in',
		'create -t 3600000 /old soon',
		'create -s -t 3600000 /old- numbered',
	);
	for (const path of ['/box', '/box/in', '/old', '/old-0']) expect(said).toContain(`Created ${path}`);
	const seen = readTree(server);
	await server.stop(stop);
	return seen;
}

it.each(['SIGTERM', 'SIGKILL'] as const)(
	'Chronokeeper goes on where ZooKeeper was ended with %s, and ZooKeeper after that',
	async (signal) => {
		const seen = await liveInZooKeeper(signal);
		const replica = await TestReplica.open(dataDir);
		expect(replica.recovered.warnings).toEqual([]);
		const { tree } = replica.host;
		expectSameTree(seen, describeTree(tree));

		const before = tree.lastProcessedZxid;
		const acl = openAcl;
		const asked = [
			await replica.call({
				kind: 'create',
				path: '/ours',
				data: Buffer.from('new'),
				acl,
				mode: 'persistent',
				withStat: false,
			}),
			await replica.call({
				kind: 'create',
				path: '/config/n-',
				data: null,
				acl,
				mode: 'persistentSequential',
				withStat: true,
			}),
			await replica.call({ kind: 'setData', path: '/config', data: Buffer.from('ours'), version: 20 }),
			await replica.call({ kind: 'delete', path: '/straße-日本語', version: -1 }),
			await replica.call({ kind: 'setData', path: '/config', data: Buffer.from('late'), version: 20 }),
		];
		expect(asked.map((reply) => reply.error)).toEqual([0, 0, 0, 0, -103]);
		expect(asked.map((reply) => reply.zxid - before)).toEqual([1, 2, 3, 4, 5]);
		expect(asked[1]!.result).toMatchObject({ path: '/config/n-0000000051' });
		await replica.close();

		server = await startZooKeeper();
		expect(server.loaded).toEqual({ zxid: formatZxid(tree.lastProcessedZxid), digest: String(tree.digest()) });
		expect(await server.digestMismatches()).toBe(0);
		expectSameTree(readTree(server), describeTree(tree));
	},
);

it('npm start serves a directory of ZooKeeper; killed in the middle of writes, ZooKeeper finds all that was acknowledged', async () => {
	await liveInZooKeeper('SIGTERM');
	ours = await ServerProcess.start(dataDir);
	const client = new ChronokeeperClient({ address: ours.grpc });
	expect(Buffer.from((await client.get('/config')).data!).toString()).toBe('v21');

	const acknowledged: string[] = [];
	let enough = (): void => {};
	const under = new Promise<void>((resolve) => {
		enough = resolve;
	});
	const writer = async (name: string): Promise<void> => {
		for (let i = 0; ; i++) {
			const path = `/many/${name}-${i}`;
			await client.create(path, Buffer.from(name));
			acknowledged.push(path);
			if (acknowledged.length === 500) enough();
		}
	};
	const writers = Promise.allSettled(Array.from({ length: 16 }, (_, index) => writer(`writer${index}`)));
	await under;
	await ours.stop('SIGKILL');
	await writers;
	client.close();

	server = await startZooKeeper();
	expect(await server.digestMismatches()).toBe(0);
	const paths = new Set(readTree(server).map((node) => node.path));
	expect(acknowledged.filter((path) => !paths.has(path))).toEqual([]);
});
