/** `ck shell` against a whole replica: lines from a pipe, and typed on a pseudo terminal, which `script` of util-linux makes. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ChronokeeperClient } from '#client/client';
import { ck, commandLine, lines } from '#test/support/ck';
import type { Outcome } from '#test/support/processes';
import { freePort, RunningProgram } from '#test/support/processes';
import { hasTerminals, onTerminal } from '#test/support/terminal-program';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
const folder = mkdtempSync(join(tmpdir(), 'ck-shell-'));
const running: RunningProgram[] = [];
let address: string;
let client: ChronokeeperClient;

beforeAll(async () => {
	// A client that is stopped is missed sooner.
	const keepAlive = { 'grpc.keepAliveMs': 4000, 'grpc.keepAliveTimeoutMs': 3000 };
	const keys = { extendedTypesEnabled: true, tickTime: 200, maxSessionTimeout: 60_000, ...keepAlive };
	const { addresses } = await servers.start(servers.newDirectory(), keys);
	address = addresses.grpc;
	client = servers.connect(address);
});
afterEach(async () => {
	for (const program of running.splice(0)) await program.stop('SIGKILL');
});
afterAll(async () => {
	await servers.close();
	servers.remove();
	rmSync(folder, { recursive: true, force: true });
});

const env = () => ({ CK_SERVER: address, XDG_STATE_HOME: folder });

/** Lines from a pipe, to their end. */
function pipe(...typed: string[]): Promise<Outcome> {
	return ck(['shell'], { env: env(), input: `${typed.join('\n')}\n` });
}

/** Lines from a pipe that stays open. */
async function openPipe(options: readonly string[] = [], server = address): Promise<RunningProgram> {
	const program = new RunningProgram(commandLine[0]!, [...commandLine.slice(1), 'shell', ...options], {
		env: { ...env(), CK_SERVER: server },
		interactive: true,
	});
	running.push(program);
	await program.waitFor(/^session 0x/m);
	return program;
}

async function openTerminal(words = ['shell']): Promise<RunningProgram> {
	const program = onTerminal([...commandLine, ...words], { env: { ...env(), TERM: 'xterm' } });
	running.push(program);
	await program.waitFor(/\(CONNECTED\) 0\] /);
	return program;
}

/** What is on the screen, without the commands that put it there. */
function screen({ output }: RunningProgram): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
	return output.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '');
}

function bytes(text: string): Uint8Array {
	return new TextEncoder().encode(text);
}

describe('zkCli’s words', () => {
	it('read and change nodes', async () => {
		const { stdout, status } = await pipe(
			'create /a one',
			'get /a',
			'set -s -v 0 /a "two words"',
			'get /a',
			'create -s /a/n- x',
			'create -c /a/box',
			'create -t 60000 /a/short x',
			'ls /a',
			'ls -R /a',
			'stat /a',
			'getAllChildrenNumber /a',
			'delete -v 1 /a/box',
			'delete /a/box',
			'deleteall /a -b 2',
			'sync /',
			'ls /',
		);
		expect(lines(stdout).filter((line) => !/^(\w+ = |\s*$)/.test(line))).toEqual([
			'one',
			'two words',
			'[box, n-0000000000, short]',
			...['/a', '/a/box', '/a/n-0000000000', '/a/short'],
			'3',
			'Sync is OK',
			'[zookeeper]',
		]);
		expect(stdout).toMatch(/^dataVersion = 1$/m);
		expect(status).toBe(0);
	});

	it('35: know who asks', async () => {
		const { stdout, stderr } = await pipe(
			'addauth digest ann:pw',
			'whoami',
			'create /mine x auth::cdrwa',
			'getAcl /mine',
			'setAcl -R /mine world:anyone:r,auth::a',
			'getAcl /mine',
		);
		expect(stdout).toMatch(/^Auth scheme: User\n(ip: .*\n)?digest: ann:?.*\n/m);
		expect(stdout).toMatch(/'digest,'ann:\S+\n: cdrwa\n'world,'anyone\n: r\n'digest,'ann:\S+\n: a\n/);
		expect(stderr).not.toContain('ck:');
	});

	it('51, 57: hold ephemeral nodes and watches for as long as the session', async () => {
		const shell = await openPipe();
		shell.type('create -e /lives x\ngetEphemerals\nget -w /lives\naddWatch -m PERSISTENT /lives\nls -w /\n');
		await shell.waitFor(/^\[zookeeper.*\]|^\[.*lives.*\]\n[\s\S]*^\[.*zookeeper\]$/m);
		await client.set('/lives', bytes('y'));
		await client.set('/lives', bytes('z'));
		await client.create('/other', null);
		await shell.waitFor(/NodeChildrenChanged path:\/ /);
		expect(shell.output).toMatch(/^\[\/lives\]$/m);
		expect(shell.output.match(/^WatchedEvent type:NodeDataChanged path:\/lives zxid:0x\w+$/gm)).toHaveLength(2);
		shell.type('removewatches /lives\nremovewatches /lives\n');
		await shell.waitFor(/No such watcher for \/lives/);
		shell.type('quit\n');
		expect(await shell.exited).toBe(1);
		expect(await client.exists('/lives')).toBeUndefined();
	});

	it('limit subtrees, and show the ensemble', async () => {
		const { stdout } = await pipe(
			'create /q',
			'setquota -n 5 /q',
			'listquota /q',
			'delquota /q',
			'listquota /q',
			'config',
		);
		expect(stdout).toMatch(/^Output quota for \/q count=5/m);
	});
});

describe('multi', () => {
	it('41: on one line, and line by line', async () => {
		const { stdout, status } = await pipe(
			'multi create /m 1 ; create /m/a 2 ; set -v 0 /m 3',
			'multi',
			'check -v 1 /m',
			'delete /m/a',
			'',
			'ls /m',
		);
		expect(lines(stdout).filter((line) => !line.startsWith('zxid'))).toEqual([
			'created /m',
			'created /m/a',
			'set /m, version 1',
			'checked /m',
			'deleted /m/a',
			'[]',
		]);
		expect(status).toBe(0);
	});

	it('42: all or none', async () => {
		const { stderr, status } = await pipe('multi create /none 1 ; delete /none/at/all');
		expect(stderr).toMatch(/operation 2 \(delete \/none\/at\/all\): .* \(NoNode\); nothing was done/);
		expect(status).toBe(1);
		expect(await client.exists('/none')).toBeUndefined();
	});
});

describe('the other commands of ck', () => {
	it('ask the same replica', async () => {
		const { stdout, status } = await pipe('status', 'version', 'status --json');
		expect(stdout).toMatch(/serves +in full/);
		expect(stdout).toContain(`${address}, standalone`);
		expect(stdout).toMatch(/^0\.\d+\.\d+\n\{.*"role":"standalone"/m);
		expect(status).toBe(0);
	});

	it('have their own usage and exit codes', async () => {
		const { stderr, status } = await pipe('ls /', 'diff 1');
		expect(stderr).toContain("missing required argument 'zxid2'");
		expect(status).toBe(2);
	});
});

describe('what cannot be done is said', () => {
	it.each([
		['crete /a', 'ck: unknown word: crete\ndid you mean create? `help` lists them all.\n', 127],
		['staus', 'did you mean status?', 127],
		['get', 'usage: get [-s] [-w] path', 2],
		['get -x /a', 'ck: Unrecognized option: -x\nusage: get [-s] [-w] path\n', 2],
		['delete -v x /a', 'For input string: "x"\nusage: delete', 2],
		['get a', 'ck: Path must start with / character\n', 1],
		['get /missing', 'ck: Node does not exist: /missing\n', 1],
		['redo 99', 'ck: there is no command 99\n', 1],
	])('%s', async (typed, message, code) => {
		const { stderr, status } = await pipe('ls /', typed);
		expect(stderr).toContain(message);
		expect(status).toBe(code);
	});

	it('where no server is, it says how to start one, and each command tries again', async () => {
		const nobody = `127.0.0.1:${await freePort()}`;
		const outcome = await ck(['shell', '--server', nobody], { input: 'ls /\nhelp get\n' });
		expect(outcome.stderr.match(/^ck: cannot reach 127\.0\.0\.1.*\nIs the server running\?/gm)).toHaveLength(2);
		expect(outcome.stdout).toContain('usage: get');
	});
});

describe('a server that goes and comes back', () => {
	it('38, 54: finds the session with its nodes, identities and watches', async () => {
		const own = new TestServers();
		try {
			const directory = own.newDirectory();
			const grpcPort = await freePort();
			const first = await own.start(directory, { grpcPort });
			const shell = await openPipe([], first.addresses.grpc);
			shell.type(
				'addauth digest ann:pw\ncreate -e /stays x\ncreate /secret kept auth::cdrwa\naddWatch /secret\nls /\n',
			);
			await shell.waitFor(/^\[secret, stays, zookeeper\]$/m);
			await own.close();
			await shell.waitFor(/the connection to .* is lost/);
			const again = await own.start(directory, { grpcPort });
			await shell.waitFor(/connected to .* again, in the same session/);
			const other = own.connect(again.addresses.grpc, { auth: 'ann:pw' });
			expect(await other.exists('/stays')).toBeDefined();
			await other.set('/secret', bytes('changed'));
			await shell.waitFor(/NodeDataChanged path:\/secret/);
			shell.type('get /secret\n');
			await shell.waitFor(/^changed$/m);
			shell.type('quit\n');
			expect(await shell.exited).toBe(0);
		} finally {
			await own.close();
			own.remove();
		}
	});

	it('60, 62: says that a session has expired, and has another one', async () => {
		const shell = await openPipe(['--session-timeout', '2000']);
		shell.type('create -e /short-lived x\naddauth digest ann:pw\nls /\n');
		await shell.waitFor(/short-lived.*\]$/m);
		process.kill(shell.pid, 'SIGSTOP');
		await vi.waitFor(async () => expect(await client.exists('/short-lived')).toBeUndefined(), {
			timeout: 60_000,
			interval: 200,
		});
		process.kill(shell.pid, 'SIGCONT');
		await shell.waitFor(/the session has expired[\s\S]*^session 0x/m);
		shell.type('whoami\n');
		await shell.waitFor(/digest: ann/);
	});
});

it('Ctrl-C leaves the command that runs and ends a shell that reads from a pipe, and its session', async () => {
	const shell = await openPipe();
	shell.type('create -e /piped\ntop --json\n');
	await shell.waitFor(/"intervalMs":1\d{3}/);
	expect(await shell.stop('SIGINT')).toBe(130);
	expect(await client.exists('/piped')).toBeUndefined();
});

describe.runIf(hasTerminals)('on a terminal', () => {
	it('`ck` alone is a shell with a prompt; quit ends it, and the session', async () => {
		const shell = await openTerminal([]);
		shell.type('create -e /typed one\r');
		await shell.waitFor(/\(CONNECTED\) 1\] /);
		shell.type('get /typed\r');
		await shell.waitFor(/\(CONNECTED\) 2\] /);
		expect(screen(shell)).toContain(`[ck: ${address}(CONNECTED) 1] get /typed\none\n[ck: ${address}(CONNECTED) 2] `);
		shell.type('quit\r');
		expect(await shell.exited).toBe(0);
		expect(await client.exists('/typed')).toBeUndefined();
	});

	it('completes words, flags and paths', async () => {
		await client.create('/apples', null);
		await client.create('/apples/red', null);
		const shell = await openTerminal();
		shell.type('getAc\t');
		await shell.waitFor(/getAcl /);
		shell.type('/appl\t');
		await shell.waitFor(/getAcl \/apples/);
		shell.type('/\t');
		await shell.waitFor(/getAcl \/apples\/red/);
		shell.type('\r');
		await shell.waitFor(/'world,'anyone/);
		shell.type('addWatch -\t');
		await shell.waitFor(/addWatch -m /);
		shell.type('\x03');
		await shell.waitFor(/\^C/);
		shell.type('hist\t');
		await shell.waitFor(/history /);
		shell.type('--fol\t');
		await shell.waitFor(/history --follow /);
	});

	it('prints an event above the line that is being typed', async () => {
		await client.create('/seen', bytes('one'));
		const shell = await openTerminal();
		shell.type('get -w /seen\r');
		await shell.waitFor(/\(CONNECTED\) 1\] /);
		shell.type('get /se');
		await shell.waitFor(/get \/se/);
		await client.set('/seen', bytes('two'));
		await shell.waitFor(/NodeDataChanged path:\/seen[\s\S]*get \/se/);
		shell.type('en\r');
		await shell.waitFor(/two/);
	});

	it('Ctrl-C gives up the line, Ctrl-D ends the shell; what was typed is found by the next one, passwords are not', async () => {
		const shell = await openTerminal();
		shell.type('addauth digest ann:secret\r');
		await shell.waitFor(/\(CONNECTED\) 1\] /);
		shell.type('getAcl /zookeeper\r');
		await shell.waitFor(/\(CONNECTED\) 2\] /);
		shell.type('nonsense');
		await shell.waitFor(/nonsense/);
		shell.type('\x03');
		await shell.waitFor(/\^C/);
		shell.type('redo 1\r');
		await shell.waitFor(/\(CONNECTED\) 3\] /);
		expect(screen(shell)).not.toContain('unknown word');
		expect(screen(shell).match(/^'world,'anyone$/gm)).toHaveLength(2);
		shell.type('\x04');
		expect(await shell.exited).toBe(0);
		const history = readFileSync(join(folder, 'chronokeeper', 'history'), 'utf8');
		expect(history).toContain('getAcl /zookeeper\nredo 1\n');
		expect(history).not.toContain('secret');
		const next = await openTerminal();
		next.type('\x1b[A\x1b[A\r');
		await next.waitFor(/'world,'anyone/);
	});

	it('Ctrl-C leaves a command that goes on', async () => {
		const shell = await openTerminal();
		shell.type('top --json\r');
		await shell.waitFor(/"intervalMs":1\d{3}/);
		shell.type('\x03');
		await shell.waitFor(/\(CONNECTED\) 1\] /);
		shell.type('whoami\r');
		await shell.waitFor(/Auth scheme/);
	});

	it('top takes the screen, and gives it back', async () => {
		const shell = await openTerminal();
		shell.type('top\r');
		await shell.waitFor(/operations\/s/);
		shell.type('q');
		await shell.waitFor(/\(CONNECTED\) 1\] /);
		shell.type('whoami\r');
		await shell.waitFor(/Auth scheme/);
	});
});

it('63: create -e alone holds its node until Ctrl-C', async () => {
	const program = new RunningProgram(commandLine[0]!, [...commandLine.slice(1), 'create', '-e', '/held'], {
		env: env(),
	});
	running.push(program);
	await program.waitFor(/\/held is there until Ctrl-C/);
	expect((await client.exists('/held'))?.ephemeralOwner).not.toBe(0n);
	expect(await program.stop('SIGINT')).toBe(0);
	expect(await client.exists('/held')).toBeUndefined();
});
