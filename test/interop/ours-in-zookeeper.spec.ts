/** A data directory that Chronokeeper wrote opens in the real ZooKeeper: same digest, no mismatch, same tree, and its tools read our files. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CreateMode, CreateOp, Op, Reply } from '#core/model/op';
import { formatZxid, noSession, type SessionId } from '#core/model/zxid';
import { openAcl } from '#jute/acl';
import { describeTree, expectSameTree, readTree } from '#test/support/client-tree';
import { RealZooKeeper, zooKeeperTool } from '#test/support/real-zookeeper';
import { TestReplica, versionDirectory } from '#test/support/replica';

let dataDir: string;
let server: RealZooKeeper | undefined;

beforeEach(() => {
	dataDir = mkdtempSync(join(tmpdir(), 'ours '));
});
afterEach(async () => {
	await server?.stop('SIGKILL');
	rmSync(dataDir, { recursive: true });
});

const digestAcl = [{ perms: 31, scheme: 'digest', id: 'ada:mxnYzuZj3ylX0eP3cLcaCXxTI3g=' }];
const ada = { door: 'grpc', identities: [digestAcl[0]!], address: '203.0.113.7:51234' } as const;

function create(
	path: string,
	data: string | null = '',
	mode: CreateMode = 'persistent',
	rest: Partial<CreateOp> = {},
): CreateOp {
	return {
		kind: 'create',
		path,
		data: data === null ? null : Buffer.from(data),
		acl: openAcl,
		mode,
		withStat: false,
		...rest,
	};
}

/** Every kind of transaction, with an audit context behind each, errors among them. */
async function everyKind(replica: TestReplica): Promise<void> {
	const session = await replica.openSession(40_000);
	const answers: Reply[] = [];
	const ask = async (
		op: Op,
		sessionId: SessionId = noSession,
		caller = ada as Parameters<TestReplica['call']>[2],
	): Promise<void> => {
		const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
		answers.push(await replica.call(op, sessionId, caller, { requestId: `request-${answers.length}`, traceparent }));
	};
	await ask(create('/config', 'v1'));
	await ask(create('/config/empty', null));
	await ask(create('/straße-日本語', 'größe ✓'));
	await ask(create('/config/large', 'x'.repeat(300_000)));
	for (let i = 0; i < 3; i++) await ask(create('/config/seq-', 'n', 'persistentSequential', { withStat: true }));
	await ask(create('/mine', 'session', 'ephemeral'), session);
	await ask(create('/config/lock-', '', 'ephemeralSequential'), session);
	await ask(create('/box', '', 'container'));
	await ask(create('/box/in', ''));
	await ask(create('/old', 'soon gone', 'ttl', { ttlMs: 3_600_000 }));
	await ask(create('/old-', 'numbered', 'ttlSequential', { ttlMs: 7_200_000 }));
	await ask(create('/secret', 'mine', 'persistent', { acl: digestAcl }));
	await ask({
		kind: 'setACL',
		path: '/config',
		acl: [{ perms: 1, scheme: 'world', id: 'anyone' }, ...digestAcl],
		version: 0,
	});
	await ask({ kind: 'setData', path: '/straße-日本語', data: Buffer.from('changed'), version: 0 });
	await ask({ kind: 'setData', path: '/straße-日本語', data: Buffer.from('wrong'), version: 7 });
	await ask({ kind: 'delete', path: '/nothing', version: -1 });
	await ask(create('/config', 'again'));
	await ask({ kind: 'delete', path: '/config/empty', version: 0 });
	await ask({ kind: 'multi', ops: [] });
	await ask({
		kind: 'multi',
		ops: [
			create('/many'),
			create('/many/a', '1'),
			{ kind: 'setData', path: '/many/a', data: Buffer.from('2'), version: 0 },
			{ kind: 'check', path: '/many', version: 0 },
			create('/many/b', null, 'persistentSequential'),
			create('/many/c', '', 'container'),
			create('/many/d', '', 'ttl', { ttlMs: 3_600_000 }),
			{ kind: 'delete', path: '/many/a', version: 1 },
		],
	});
	await ask({
		kind: 'multi',
		ops: [create('/never'), { kind: 'check', path: '/config', version: 99 }, create('/nor-this')],
	});
	const short = await replica.openSession(10_000);
	await ask(create('/short', 'lived', 'ephemeral'), short);
	await ask({ kind: 'closeSession' }, short);
	// All went as meant: the codes that ZooKeeper gives, and no others.
	expect(answers.map((reply) => reply.error).filter((code) => code !== 0)).toEqual([-103, -101, -110]);
}

async function openInZooKeeper(): Promise<RealZooKeeper> {
	// Nothing may expire while the tree is read.
	return RealZooKeeper.start({
		dataDir,
		properties: { 'znode.container.checkIntervalMs': '86400000' },
		config: { tickTime: 60_000 },
	});
}

it.each([
	['from the log alone', false],
	['from a snapshot and the log behind it', true],
])('the real ZooKeeper opens what Chronokeeper wrote, %s', async (_, withSnapshot) => {
	const replica = await TestReplica.open(dataDir);
	await everyKind(replica);
	if (withSnapshot) {
		await replica.snapshot();
		await replica.call(create('/config/behind', 'the snapshot'));
	}
	await replica.close();
	const { tree } = replica.host;

	server = await openInZooKeeper();
	expect(server.loaded).toEqual({ zxid: formatZxid(tree.lastProcessedZxid), digest: String(tree.digest()) });
	expect(await server.digestMismatches()).toBe(0);
	expect(server.log).not.toMatch(/digest.*(mismatch|not match)/i);
	expectSameTree(readTree(server), describeTree(tree));
});

it("ZooKeeper's own tools read our logs and snapshots", async () => {
	const replica = await TestReplica.open(dataDir);
	await everyKind(replica);
	const { file } = await replica.snapshot();
	await replica.close();
	const { tree } = replica.host;
	const directory = versionDirectory(dataDir);
	const [log] = readdirSync(directory).filter((name) => name.startsWith('log.'));

	const records = zooKeeperTool(
		'org.apache.zookeeper.server.persistence.TxnLogToolkit',
		'--dump',
		join(directory, log!),
	);
	expect(records).toContain(`zxid ${formatZxid(tree.lastProcessedZxid)} closeSession`);
	expect(records).not.toMatch(/CRC ERROR/);
	expect(records.match(/ zxid 0x/g)).toHaveLength(tree.lastProcessedZxid);

	const snapshotFile = join(directory, readdirSync(directory).find((name) => file.endsWith(name))!);
	const nodes = zooKeeperTool('org.apache.zookeeper.server.SnapshotFormatter', snapshotFile);
	expect(nodes).toContain('/straße-日本語');
	expect(nodes.match(/^\s+cZxid = /gm)).toHaveLength(tree.size);
	const compared = zooKeeperTool(
		'org.apache.zookeeper.server.SnapshotComparer',
		'--left',
		snapshotFile,
		'--right',
		snapshotFile,
		'--bytes',
		'1',
		'--nodes',
		'1',
	);
	expect(compared).toContain('All layers compared.');
});
