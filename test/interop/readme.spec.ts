/**
 * README.md as a stranger follows it: a copy of this project in a directory of its own, each command as it is printed, in order. What the
 * README cannot know here is replaced: the ports, and where a ZooKeeper has its files (recording a). psql is a stand-in that uses pg.
 */
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChronokeeperClient } from '#client/client';
import { codeBlocks, GuideCommands } from '#test/support/guide-commands';
import { freePort, output, RunningProgram } from '#test/support/processes';
import { psqlStandIn } from '#test/support/psql';
import { unpackRecording } from '#test/support/recordings';
import { ServerProcess } from '#test/support/server-process';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'a stranger '));
const clone = join(folder, 'chronokeeper');
const zooKeeper = join(folder, 'zookeeper');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
/** zkServer.sh with a ZooKeeper's configuration is what launchers.spec.ts and migration.spec.ts do. */
const notHere = new Set(['npm start', 'npm test', 'bin/zkServer.sh start /etc/zookeeper/conf/zoo.cfg']);

let environment: Record<string, string>;
let clientPort: number;
let server: RunningProgram;

const guide = new GuideCommands(readme, () => ({
	cwd: clone,
	environment,
	replaced: [
		['127.0.0.1:50051', environment.CK_SERVER!],
		['bin/zkCli.sh', `bin/zkCli.sh -server 127.0.0.1:${clientPort}`],
		['/var/lib/zookeeper', zooKeeper.replaceAll(' ', '\\ ')],
	],
}));

beforeAll(async () => {
	// What a clone will have once all is committed: nothing that was built.
	const tracked = output('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root }).split(
		'\0',
	);
	for (const name of tracked.filter(
		(each) => each !== '' && existsSync(join(root, each)) && !each.startsWith('test/recordings'),
	)) {
		cpSync(join(root, name), join(clone, name), { recursive: true, preserveTimestamps: true });
	}
	symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
	unpackRecording('recording-a', zooKeeper);
	const tools = psqlStandIn(folder);
	// Run as root, PostgreSQL is a user of its own.
	chmodSync(folder, 0o755);
	const port = await freePort();
	clientPort = await freePort();
	environment = {
		...(process.env as Record<string, string>),
		PATH: `${tools}${delimiter}${process.env.PATH}`,
		CK_CLIENT_PORT: String(clientPort),
		CK_GRPC_PORT: String(port),
		CK_HTTP_PORT: '0',
		CK_SERVER: `127.0.0.1:${port}`,
	};
	server = new RunningProgram('npm', ['start'], { cwd: clone, env: environment, asGroup: true });
	await server.waitFor(/"msg":"serving"|Chronokeeper .* serves/);
});

afterAll(async () => {
	await server?.stop('SIGINT');
	rmSync(folder, { recursive: true, force: true });
});

describe('README.md', () => {
	it('has the two commands', () => {
		expect(guide.blocks.slice(0, 2)).toEqual(['npm start', 'npm test']);
	});

	it.each(guide.blocks.filter((block) => !notHere.has(block)).map((block) => [block]))('%s', (block) => {
		guide.follow(block);
	});

	it.each(codeBlocks(readme, 'python').map((block) => [block]))('%s', (block) => {
		const said = output('/usr/bin/python3', ['-'], { input: block.replace('2181', String(clientPort)) });
		expect(said).toContain('host=oops');
	});

	it('the state that it restored is the one before the mistake', () => {
		const said = guide.follow('npx ck log --nodes restored');
		expect(said).toContain('host=b');
		expect(said).not.toContain('host=oops');
	});

	it('Ctrl-C stops it cleanly', async () => {
		await server.stop('SIGINT');
		expect(server.output).toMatch(/stopped/);
		expect(server.output).not.toMatch(/npm error/i);
	});

	it('the server goes on from the restored directory, in a new epoch', async () => {
		const restored = await ServerProcess.start(join(clone, 'restored'));
		const client = new ChronokeeperClient({ address: restored.grpc });
		try {
			expect(Buffer.from((await client.get('/config/db')).data!).toString()).toBe('host=b');
			expect((await client.set('/config/db', Buffer.from('host=c'))).zxid).toBe(0x1_0000_0001n);
		} finally {
			client.close();
			expect(await restored.stop('SIGTERM')).toBe(0);
		}
	});

	it('ck server takes the configuration of a ZooKeeper', async () => {
		const port = await freePort();
		const zooCfg = join(folder, 'zoo.cfg');
		writeFileSync(
			zooCfg,
			`tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=${zooKeeper}\nclientPort=${await freePort()}\naudit.mode=off\n`,
		);
		const args = [join(clone, 'bin', 'ck.mjs'), 'server', '--config', zooCfg];
		const env = { CK_GRPC_PORT: String(port), CK_HTTP_PORT: '0' };
		const program = new RunningProgram(process.execPath, args, { cwd: clone, env });
		await program.waitFor(/"msg":"serving"/);
		const client = new ChronokeeperClient({ address: `127.0.0.1:${port}` });
		expect((await client.children('/')).names).toContain('brokers');
		client.close();
		expect(await program.stop('SIGTERM')).toBe(0);
	});
});
