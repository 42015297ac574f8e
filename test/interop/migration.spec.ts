/**
 * docs/migrating-from-zookeeper.md as an operator follows it, each command as it is printed, in order, from the real ZooKeeper to Chronokeeper and back. What the
 * guide cannot know here is replaced: paths, the port, and `nc`. A client stays all the while, with one session.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ClientNode, expectSameTree } from '#test/support/client-tree';
import { GuideCommands } from '#test/support/guide-commands';
import { freePort, output, RunningProgram } from '#test/support/processes';
import { superUser } from '#test/support/real-zookeeper';
import { ZkServer } from '#test/support/zk-server';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = readFileSync(join(root, 'docs', 'migrating-from-zookeeper.md'), 'utf8');
/** What follows is test/interop/ensemble/observer-guide.spec.ts's. */
const [ofOneServer] = text.split('## SQL for an ensemble that stays as it is');

interface Look {
	readonly session: string;
	readonly password: string;
	readonly owner: string;
	readonly data: string;
	readonly version: number;
	readonly zxid: number;
	readonly children: readonly string[];
	readonly states: readonly string[];
}

let server: ZkServer;
let replaced: readonly (readonly [string, string])[];
let environment: Record<string, string>;
const guide = new GuideCommands(ofOneServer!, () => ({ cwd: root, environment, replaced }));
let migrant: RunningProgram | undefined;
let told = 0;

async function tell(word: 'make' | 'write' | 'look'): Promise<Look> {
	migrant!.type(`${word}\n`);
	told += 1;
	const [lines] = await migrant!.waitFor(new RegExp(`(?:^\\{.*\\}$[\\s\\S]*?){${told}}`, 'm'));
	return (JSON.parse(lines.trimEnd().split('\n').at(-1)!) as { answer: Look }).answer;
}

function readTree(): ClientNode[] {
	const script = join(root, 'test', 'interop', 'tree.py');
	const lines = output('/usr/bin/python3', [script, `127.0.0.1:${server.port}`])
		.trimEnd()
		.split('\n');
	return lines.map((line) => JSON.parse(line) as ClientNode);
}

/** What the trees of both servers must have in common: all but the statistics behind a quota's limits, which each keeps by itself. */
function expectSame(before: readonly ClientNode[]): void {
	expectSameTree(
		readTree(),
		before.map((node) => ({ ...node, cversion: 0 })),
	);
}

beforeAll(async () => {
	server = await ZkServer.make('snapCount=100');
	const bin = server.realBin();
	const quoted = (path: string) => path.replaceAll(' ', '\\ ');
	replaced = [
		['/usr/share/zookeeper/bin', quoted(bin)],
		['/etc/zookeeper/conf/zoo.cfg', quoted(server.file)],
		['/var/lib/zookeeper', quoted(server.dataDir)],
		['127.0.0.1:2181', `127.0.0.1:${server.port}`],
		['nc 127.0.0.1 2181', `${quoted(process.execPath)} bin/zk-mode.mjs 127.0.0.1 ${server.port}`],
	];
	// The history too, as without any settings: the configuration of a ZooKeeper says nothing about it.
	environment = {
		...(process.env as Record<string, string>),
		ZOO_LOG_DIR: server.logs,
		SERVER_JVMFLAGS: `-Dzookeeper.extendedTypesEnabled=true -Dzookeeper.DigestAuthenticationProvider.superDigest=${superUser.digest}`,
		CK_AUDIT_MODE: 'async',
		CK_AUDIT_POSTGRES_PORT: String(await freePort()),
	};
	guide.follow('/usr/share/zookeeper/bin/zkServer.sh start /etc/zookeeper/conf/zoo.cfg');
	output('/usr/bin/python3', [join(root, 'test', 'interop', 'life.py'), `127.0.0.1:${server.port}`]);
	const script = join(root, 'test', 'interop', 'migrant.py');
	migrant = new RunningProgram('/usr/bin/python3', [script, `127.0.0.1:${server.port}`], { interactive: true });
	await tell('make');
});

afterAll(async () => {
	await migrant?.stop('SIGKILL');
	await server?.remove();
});

it('60, 61: one session goes from ZooKeeper to Chronokeeper and back, with its ephemeral node and everything written', async () => {
	const first = await tell('look');
	expect(first).toMatchObject({ owner: first.session, data: 'v0', states: ['CONNECTED'] });
	const inZooKeeper = readTree();
	guide.next('--check');
	expect(guide.next('zkServer.sh stop')).toMatch(/Stopping zookeeper \.\.\. STOPPED/);
	expect(guide.next('bin/zkServer.sh start')).toMatch(/Starting zookeeper \.\.\. STARTED\n[\s\S]*Mode: standalone/);
	expect(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')).toContain('apps/server/main.js');
	expect(guide.next('zkCli.sh')).toMatch(/\[.*migrant.*\]\n[\s\S]*Mode: standalone/);
	const after = await tell('look');
	expect(after).toEqual({ ...first, states: ['CONNECTED', 'SUSPENDED', 'CONNECTED'] });
	expectSame(inZooKeeper);

	await tell('write');
	const written = await tell('look');
	expect(written).toMatchObject({ session: first.session, data: 'v0+', version: 1 });
	expect(written.zxid).toBeGreaterThan(first.zxid);
	expect(written.children).toEqual(['here', 'n-0000000001', 'n-0000000002']);
	const inOurs = readTree();
	expect(guide.next('bin/zkServer.sh stop')).toMatch(/STOPPED[\s\S]*STARTED[\s\S]*Mode: standalone/);
	expect(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')).toContain('QuorumPeerMain');
	expect(guide.blocks).toEqual([]);
	const back = await tell('look');
	expect(back).toMatchObject({ ...written, states: [...after.states, 'SUSPENDED', 'CONNECTED'] });
	expectSame(inOurs);
	await tell('write');
	expect(await tell('look')).toMatchObject({ session: first.session, owner: first.session, data: 'v0++', version: 2 });
});
