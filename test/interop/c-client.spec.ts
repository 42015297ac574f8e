/** The C client: its own shell cli_mt, and a program that calls what the shell has no commands for (c/client.c). */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { output, RunningProgram, run } from '#test/support/processes';
import { ServerUnderTest } from '#test/support/server-under-test';

const cli = '/usr/lib/zookeeper/bin/cli_mt';
/** Each with the package that brings it. */
const needed = [
	[cli, 'zookeeper-bin'],
	['/usr/include/zookeeper/zookeeper.h', 'libzookeeper-mt-dev'],
	['/usr/bin/gcc', 'gcc'],
	['/usr/include/stdio.h', 'libc6-dev'],
] as const;

let server: ServerUnderTest;
let program: RunningProgram | undefined;

async function startServer(): Promise<void> {
	const missing = needed.filter(([file]) => !existsSync(file)).map(([, name]) => name);
	if (missing.length > 0) throw new Error(`the C client is not all there: apt-get install ${missing.join(' ')}`);
	server = await ServerUnderTest.start();
}

afterEach(async () => {
	await program?.stop('SIGKILL');
	program = undefined;
});

/** cli_mt, connected. */
async function shell(...options: string[]): Promise<RunningProgram> {
	program = new RunningProgram(cli, ['-h', server.address, ...options], { interactive: true });
	await program.waitFor(/Got a new session id: 0x[0-9a-f]+\n/);
	return program;
}

/** Types a command. @returns what was said from then on until it matched */
async function ask(cliMt: RunningProgram, command: string, answer: RegExp): Promise<string> {
	cliMt.output = '';
	cliMt.type(`${command}\n`);
	const said = (await cliMt.waitFor(answer)).input;
	expect(said).not.toMatch(/ZOO_ERROR/);
	return said;
}

describe('cli_mt', () => {
	beforeAll(startServer);
	afterAll(() => server?.stop());

	it('creates every kind of node', async () => {
		const cliMt = await shell();
		const sessionId = /session id: 0x([0-9a-f]+)/.exec(cliMt.output)![1]!;
		await ask(cliMt, 'create /kinds', /\[\/kinds\]: rc = 0\n\tname = \/kinds\n/);
		await ask(cliMt, 'create /kinds', /\[\/kinds\]: rc = -110\n/);
		await ask(cliMt, 'create /none/child', /rc = -101\n/);
		await ask(cliMt, 'create +s /kinds/s-', /rc = 0\n\tname = \/kinds\/s-0000000000\n/);
		await ask(cliMt, 'create +es /kinds/es-', /rc = 0\n\tname = \/kinds\/es-0000000001\n/);
		await ask(cliMt, 'create +c /kinds/container', /rc = 0\n/);
		await ask(cliMt, 'create +t=60000 /kinds/ttl', /rc = 0\n/);
		await ask(cliMt, 'create +st=60000 /kinds/ttl-', /rc = 0\n\tname = \/kinds\/ttl-0000000004\n/);
		await ask(
			cliMt,
			'create2 +e /kinds/e',
			new RegExp(`rc = 0\n\tname = /kinds/e\n[\\s\\S]*ephemeralOwner = ${sessionId}\n`),
		);
		await ask(cliMt, 'create2 /kinds/two', /rc = 0\n[\s\S]*version=0\taversion=0\n\tephemeralOwner = 0\n/);
		await ask(cliMt, 'acreate /kinds/e/child', /rc = -108\n/);
		const names = ['s-0000000000', 'es-0000000001', 'container', 'ttl', 'ttl-0000000004', 'e', 'two'];
		const listed = await ask(cliMt, 'ls2 /kinds', /rc = 0\n[\s\S]*ephemeralOwner = 0\n/);
		expect([...listed.matchAll(/^\t([\w-]+)$/gm)].map(([, name]) => name).sort()).toEqual(names.sort());
	});

	it('reads, writes and deletes', async () => {
		const cliMt = await shell();
		await ask(cliMt, 'create /a', /rc = 0\n/);
		await ask(cliMt, 'get /a', /\/a: rc = 0\n value_len = 3\nnew\nStat:\n[\s\S]*version=0\taversion=0\n/);
		await ask(cliMt, 'set /a three words here', /\/a: rc = 0 Stat:\n[\s\S]*version=1\taversion=0\n/);
		await ask(cliMt, 'aget /a', / value_len = 16\nthree words here\n/);
		await ask(cliMt, 'sync /a', /\[\/a\]: rc = 0\n\tname = \/a\n/);
		await ask(cliMt, 'exists /none', /Error -101 for \/none\n/);
		await ask(cliMt, 'get /none', /\/none: rc = -101\n/);
		await ask(cliMt, 'set /none x', /\/none: rc = -101 /);
		await ask(cliMt, 'create /a/b', /rc = 0\n/);
		await ask(cliMt, 'delete /a', /\/a: rc = -111\n/);
		await ask(cliMt, 'delete /a/b', /\/a\/b: rc = 0\n/);
		await ask(cliMt, 'delete /a', /\/a: rc = 0\n/);
		await ask(cliMt, 'config', /\/zookeeper\/config: rc = 0\n/);
		await ask(cliMt, 'reconfig -remove 3', /rc = -123\n/);
	});

	it('49: is told of what it watches', async () => {
		const cliMt = await shell();
		const other = await shell();
		program = cliMt;
		try {
			cliMt.type('wexists /watched\n');
			await cliMt.waitFor(/Error -101 for \/watched\n/);
			other.type('create /watched\n');
			await cliMt.waitFor(/Watcher CREATED_EVENT state = CONNECTED_STATE for path \/watched\n/);
			await ask(cliMt, 'get /watched', /value_len = 3\n/);
			await ask(cliMt, 'ls /watched', /\/watched: rc = 0\n/);
			other.type('set /watched changed\n');
			await cliMt.waitFor(/Watcher CHANGED_EVENT state = CONNECTED_STATE for path \/watched\n/);
			other.type('create /watched/child\n');
			await cliMt.waitFor(/Watcher CHILD_EVENT state = CONNECTED_STATE for path \/watched\n/);
			await ask(cliMt, 'get /watched/child', /value_len = 3\n/);
			other.type('delete /watched/child\n');
			await cliMt.waitFor(/Watcher DELETED_EVENT state = CONNECTED_STATE for path \/watched\/child\n/);
		} finally {
			await other.stop('SIGKILL');
		}
	});

	it('authenticates; an unknown scheme ends its session', async () => {
		const cliMt = await shell();
		cliMt.type('addauth digest ada:secret\n');
		await ask(cliMt, 'create /authenticated', /rc = 0\n/);
		cliMt.type('addauth nonsense x\n');
		await cliMt.waitFor(/Authentication failure\. Shutting down/);
		// It says so before it looks whether it is to end, which it does behind each line only.
		let hasEnded = false;
		void cliMt.exited.then(() => (hasEnded = true));
		await vi.waitFor(() => {
			if (!hasEnded) cliMt.type('\n');
			expect(hasEnded).toBe(true);
		}, 60_000);
	});

	it('overdoses: 200 writes of 64 kB and 200 reads at once', async () => {
		const cliMt = await shell();
		await ask(cliMt, 'create /od', /rc = 0\n/);
		await ask(cliMt, 'od', /Recvd 200 responses for 200 requests sent\n/);
	});

	it('begins a new session on reinit, and ends it on quit', async () => {
		const cliMt = await shell('-r');
		const first = /session id: 0x([0-9a-f]+)/.exec(cliMt.output)![1];
		await ask(cliMt, 'create2 +e /of-the-session', /rc = 0\n[\s\S]*ephemeralOwner = [0-9a-f]+\n/);
		const [, second] = /session id: 0x([0-9a-f]+)/.exec(await ask(cliMt, 'reinit', /Got a new session id: 0x\w+\n/))!;
		expect(second).not.toBe(first);
		await ask(cliMt, 'exists /of-the-session', /Error -101/);
		await ask(cliMt, 'create2 +e /of-the-session', new RegExp(`ephemeralOwner = ${second}\n`));
		cliMt.type('myid\nquit\n');
		expect(await cliMt.exited).toBe(0);
		expect(cliMt.output).toContain(`session Id = ${second}`);
		const listed = run(cli, ['-h', server.address, '-c', 'ls /']);
		expect(listed.status, listed.stderr).toBe(0);
		expect(listed.stderr).toMatch(/\/: rc = 0\n[\s\S]*\tzookeeper\n/);
		expect(listed.stderr).not.toContain('of-the-session');
	});

	it('54: keeps its session and its watches when the server is started again', async () => {
		const cliMt = await shell();
		await ask(cliMt, 'create +e /kept', /rc = 0\n/);
		await ask(cliMt, 'get /kept', /value_len = 3\n/);
		cliMt.output = '';
		await server.restart();
		await cliMt.waitFor(/SESSION_EVENT state = CONNECTING_STATE[\s\S]*SESSION_EVENT state = CONNECTED_STATE/);
		expect(cliMt.output).not.toContain('new session id');
		expect(run(cli, ['-h', server.address, '-c', 'set /kept changed']).status).toBe(0);
		await cliMt.waitFor(/Watcher CHANGED_EVENT state = CONNECTED_STATE for path \/kept\n/);
		await ask(cliMt, 'get /kept', /value_len = 7\nchanged\n/);
	});
});

describe('the C library', () => {
	const folder = mkdtempSync(join(tmpdir(), 'c-client-'));

	beforeAll(startServer);
	afterAll(async () => {
		await server?.stop();
		rmSync(folder, { recursive: true, force: true });
	});

	it('creates, transactions, watchers, authentication, sessions, a server that is started again', async () => {
		const binary = join(folder, 'client');
		const source = fileURLToPath(new URL('c/client.c', import.meta.url));
		output('gcc', [
			'-O1',
			'-Wall',
			'-Wextra',
			'-Werror',
			'-DTHREADED',
			'-o',
			binary,
			source,
			'-lzookeeper_mt',
			'-lpthread',
		]);
		program = new RunningProgram(binary, [server.address]);
		await program.waitFor(/^restart$/m);
		await server.restart();
		expect(await program.exited, program.output).toBe(0);
		expect([...program.output.matchAll(/^ok: (.*)$/gm)].map(([, part]) => part)).toEqual([
			'every kind of node, TTL nodes and containers that go by themselves',
			'transactions',
			'watchers are told what they watch for, once',
			'watches that are taken back',
			'authentication and ACLs',
			'a thousand creates at once, and a sync behind them',
			'reconfig is switched off',
			'the session of another process is taken up with its password, and not with a wrong one',
			'a server that is started again: the session, its ephemerals and its watches',
		]);
	});
});
