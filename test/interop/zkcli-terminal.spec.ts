/** bin/zkCli.sh on a terminal, which `script` of util-linux makes: prompt, completion, history, events while a line is typed. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort, type RunningProgram, run } from '../support/processes.ts';
import { ServerUnderTest } from '../support/server-under-test.ts';
import { onTerminal } from '../support/terminal-program.ts';
import { ourZkCli, zkCliPath } from '../support/zk-cli.ts';

let server: ServerUnderTest;
let terminal: RunningProgram | undefined;

beforeAll(async () => {
	server = await ServerUnderTest.start();
	await ourZkCli(['-server', server.address], {
		input: 'create /apples 1\ncreate /apricots 2\ncreate /apples/red 3\nquit\n',
	});
});
afterEach(async () => {
	await terminal?.stop('SIGKILL');
	terminal = undefined;
});
afterAll(() => server.stop());

async function open(): Promise<RunningProgram> {
	terminal = onTerminal([zkCliPath, '-server', server.address], { env: { TERM: 'xterm' } });
	await terminal.waitFor(/\(CONNECTED\) 0\] /);
	return terminal;
}

/** What is on the screen, without the commands that put it there. */
function screen(): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
	return terminal!.output.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '').replaceAll('\r', '');
}

describe('on a terminal', () => {
	it('has a prompt with the server, the state and the number of the command', async () => {
		const shell = await open();
		shell.type('get /apples\r');
		await shell.waitFor(/\(CONNECTED\) 1\] /);
		shell.type('close\r');
		await shell.waitFor(/WatchedEvent state:Closed type:None path:null[\s\S]*\(CLOSED\) 2\] /);
		expect(screen()).toContain(
			`[zk: ${server.address}(CONNECTED) 0] get /apples\n1\n[zk: ${server.address}(CONNECTED) 1] `,
		);
		shell.type('quit\r');
		expect(await shell.exited).toBe(0);
	});

	it('completes commands and paths', async () => {
		const shell = await open();
		shell.type('getAc\t');
		await shell.waitFor(/getAcl /);
		shell.type('/appl\t');
		await shell.waitFor(/getAcl \/apples/);
		shell.type('/\t');
		await shell.waitFor(/getAcl \/apples\/red/);
		shell.type('\r');
		await shell.waitFor(/'world,'anyone/);
		shell.type('ls /a\t');
		await shell.waitFor(/ls \/ap/);
		shell.type('\t');
		await shell.waitFor(/apples\s+apricots/);
	});

	it('has what was typed under the arrow keys, and does it again', async () => {
		const shell = await open();
		shell.type('get /apricots\r');
		await shell.waitFor(/\(CONNECTED\) 1\] /);
		shell.type('\x1b[A\r');
		await shell.waitFor(/\(CONNECTED\) 2\] /);
		shell.type('redo 0\r');
		await shell.waitFor(/\(CONNECTED\) 3\] /);
		expect(screen().match(/^2$/gm)).toHaveLength(3);
	});

	it('prints an event above the line that is being typed', async () => {
		const shell = await open();
		shell.type('get -w /apricots\r');
		await shell.waitFor(/\(CONNECTED\) 1\] /);
		shell.type('get /apri');
		await shell.waitFor(/get \/apri/);
		await ourZkCli(['-server', server.address, 'set', '/apricots', '2']);
		await shell.waitFor(/NodeDataChanged path:\/apricots[\s\S]*get \/apri/);
		shell.type('cots\r');
		await shell.waitFor(/\(CONNECTED\) 2\] /);
	});

	it('ends with the end of the input, and with 130 when it is interrupted', async () => {
		const first = await open();
		first.type('nonsense\r');
		await first.waitFor(/\(CONNECTED\) 1\] /);
		first.type('\x04');
		expect(await first.exited).toBe(127);
		const second = await open();
		second.type('\x03');
		expect(await second.exited).toBe(130);
	});
});

describe('the script', () => {
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), 'zkcli links '));
	});
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	it('works through links, with spaces in their names, from any directory', async () => {
		const elsewhere = join(folder, 'some where');
		mkdirSync(elsewhere);
		symlinkSync(zkCliPath, join(folder, 'a link'));
		symlinkSync('../a link', join(elsewhere, 'zk cli'));
		const nobody = `127.0.0.1:${await freePort()}`;
		expect(run('./zk cli', ['-server', nobody, 'ls', '/'], { cwd: elsewhere })).toMatchObject({
			status: 1,
			stdout: `Connecting to ${nobody}\n`,
			stderr: 'KeeperErrorCode = ConnectionLoss for /\n',
		});
	});

	it('takes a configuration, and says what has no effect', async () => {
		const { stderr, status } = await ourZkCli(['-client-configuration', join(folder, 'none'), 'ls', '/']);
		expect(stderr).toMatch(/^Exception in thread "main" Error while processing .*none/);
		expect(status).toBe(1);
	});
});
