/** Sessions of bin/zkCli.sh when servers and connections go: on Chronokeeper, or with INTEROP_SERVER=zookeeper on the real one. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort, RunningProgram } from '../support/processes.ts';
import { ServerUnderTest } from '../support/server-under-test.ts';
import { ourZkCli, zkCliPath } from '../support/zk-cli.ts';

let server: ServerUnderTest;
const shells: RunningProgram[] = [];

beforeAll(async () => {
	server = await ServerUnderTest.start();
});
afterEach(async () => {
	for (const shell of shells.splice(0)) {
		// One that was stopped must go on to be ended.
		if (shell.exitCode === null) process.kill(shell.pid, 'SIGCONT');
		await shell.stop('SIGKILL');
	}
});
afterAll(() => server.stop());

async function openShell(...args: string[]): Promise<RunningProgram> {
	const shell = new RunningProgram(zkCliPath, ['-server', server.address, ...args], { interactive: true });
	shells.push(shell);
	await shell.waitFor(/state:SyncConnected/);
	return shell;
}

function run(...command: string[]): ReturnType<typeof ourZkCli> {
	return ourZkCli(['-server', server.address, ...command]);
}

describe('bin/zkCli.sh', () => {
	it('54, 60: keeps its session, watches and authentication when the server was away', async () => {
		const shell = await openShell();
		shell.type('addauth digest ada:lovelace\n');
		for (const name of ['data', 'children', 'recursive']) shell.type(`create /${name} x\n`);
		shell.type('create /secret kept auth::cdrwa\n');
		shell.type('create -e /mine x\n');
		for (const command of ['get -w /data', 'ls -w /children', 'stat -w /later', 'addWatch /recursive'])
			shell.type(`${command}\n`);
		shell.type('getEphemerals\n');
		await shell.waitFor(/^\[\/mine\]$/m);

		await server.restart('SIGKILL');
		await shell.waitFor(/state:Disconnected[\s\S]*state:SyncConnected/);

		const before = shell.output.length;
		for (const command of ['getEphemerals', 'get /secret']) shell.type(`${command}\n`);
		await shell.waitFor(/^kept$/m);
		expect(shell.output.slice(before)).toContain('[/mine]');
		await run('set', '/data', 'y');
		await run('create', '/children/one', 'x');
		await run('create', '/later', 'x');
		await run('create', '/recursive/one', 'x');
		await shell.waitFor(/type:NodeCreated path:\/recursive\/one/);
		const events = shell.output.slice(before).match(/type:\w+ path:\S+/g);
		expect(events).toEqual([
			'type:NodeDataChanged path:/data',
			'type:NodeChildrenChanged path:/children',
			'type:NodeCreated path:/later',
			'type:NodeCreated path:/recursive/one',
		]);
	});

	it('54: hears of what changed while it was away', async () => {
		await run('create', '/changes', 'x');
		const shell = await openShell();
		shell.type('get -w /changes\n');
		await shell.waitFor(/^x$/m);
		process.kill(shell.pid, 'SIGSTOP');
		await server.restart('SIGKILL');
		await run('set', '/changes', 'y');
		process.kill(shell.pid, 'SIGCONT');
		await shell.waitFor(/type:NodeDataChanged path:\/changes/);
	});

	it('59: says that its session has expired, and gets a new one with connect', async () => {
		const shell = await openShell('-timeout', '3000');
		shell.type('create -e /short-lived x\n');
		await shell.waitFor(/Created \/short-lived/);
		process.kill(shell.pid, 'SIGSTOP');
		await vi.waitFor(async () => expect((await run('get', '/short-lived')).stderr).toContain('Node does not exist'), {
			timeout: 60_000,
		});
		process.kill(shell.pid, 'SIGCONT');
		await shell.waitFor(/WatchedEvent state:Expired type:None path:null/);
		shell.type('ls /\n');
		await shell.waitFor(/^Not connected$/m);
		shell.type('connect\n');
		await shell.waitFor(/state:Expired[\s\S]*state:SyncConnected/);
		shell.type('quit\n');
		expect(await shell.exited).toBe(0);
	});

	it('keeps a session alive that does nothing', async () => {
		const shell = await openShell('-timeout', '2000');
		shell.type('create -e /idle x\n');
		await shell.waitFor(/Created \/idle/);
		const since = performance.now();
		await vi.waitFor(() => expect(performance.now() - since).toBeGreaterThan(5000), { timeout: 60_000, interval: 500 });
		expect((await run('get', '/idle')).status).toBe(0);
		expect(shell.output).not.toContain('Disconnected');
	});

	it('38: an authentication that fails ends the session', async () => {
		const { stdout, status } = await ourZkCli(['-server', server.address], {
			input: 'addauth unknown scheme\nls /\nwhoami\nconnect\nwhoami\n',
		});
		expect(stdout).toContain('WatchedEvent state:AuthFailed type:None path:null');
		expect(stdout).toMatch(/Not connected[\s\S]*state:SyncConnected[\s\S]*ip: 127\.0\.0\.1/);
		expect(status).toBe(0);
	});

	it('looks for a server that is there, behind several names and a chroot', async () => {
		await run('create', '/below', 'x');
		const gone = `127.0.0.1:${await freePort()}`;
		const { stdout, status } = await ourZkCli([
			'-server',
			`${gone},${server.address},${gone}/below`,
			'-waitforconnection',
			'get',
			'/',
		]);
		expect(stdout).toMatch(/^x$/m);
		expect(status).toBe(0);
	});

	it('an answer larger than jute.maxbuffer costs the connection', async () => {
		await run('create', '/large', 'x'.repeat(5000));
		const tooLarge = await ourZkCli(['-server', server.address, 'get', '/large'], {
			env: { CLIENT_JVMFLAGS: '-Xmx64m -Djute.maxbuffer=4000' },
		});
		expect(tooLarge).toMatchObject({ status: 1, stderr: 'KeeperErrorCode = ConnectionLoss for /large\n' });
		expect((await run('get', '/large')).status).toBe(0);
	});
});
