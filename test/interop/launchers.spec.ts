/** bin/zkServer.sh as unit files, operators and other projects' tests call ZooKeeper's. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunningProgram, run } from '#test/support/processes';
import { realCommandLine } from '#test/support/real-zookeeper';
import { unpackRecording } from '#test/support/recordings';
import { ourScript, ZkServer } from '#test/support/zk-server';

let server: ZkServer;
beforeEach(async () => {
	server = await ZkServer.make();
});
afterEach(() => server.remove());

/** Exit code, and all that was printed. */
function zkServer(args: readonly string[], env: Readonly<Record<string, string>> = {}): [number | null, string] {
	const { status, stdout, stderr } = server.run(args, env);
	return [status, stdout + stderr];
}

describe('zkServer.sh', () => {
	it("starts, tells its status and stops with ZooKeeper's words and exit codes", () => {
		expect(server.run(['start'])).toEqual({
			status: 0,
			stdout: 'Starting zookeeper ... STARTED\n',
			stderr: `Using config: ${server.file}\n`,
		});
		const pid = server.pid!;
		expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain('apps/server/main.js');
		// The end of a terminal.
		process.kill(pid, 'SIGHUP');
		const status = `Client port found: ${server.port}. Client address: 127.0.0.1. Client SSL: false.\n`;
		expect(server.run(['status'])).toMatchObject({ status: 0, stdout: `${status}Mode: standalone\n` });
		expect(server.run(['start'])).toMatchObject({
			status: 1,
			stdout: `Starting zookeeper ... already running as process ${pid}.\n`,
		});
		expect(server.pid).toBe(pid);
		expect(server.run(['restart'])).toMatchObject({
			status: 0,
			stdout: 'Stopping zookeeper ... STOPPED\nStarting zookeeper ... STARTED\n',
		});
		const second = server.pid!;
		expect(second).not.toBe(pid);
		expect(ZkServer.isRunning(pid)).toBe(false);
		expect(server.run(['stop'])).toMatchObject({ status: 0, stdout: 'Stopping zookeeper ... STOPPED\n' });
		expect([ZkServer.isRunning(second), server.pid]).toEqual([false, undefined]);
		expect(server.run(['stop'])).toMatchObject({
			status: 0,
			stdout: `Stopping zookeeper ... no zookeeper to stop (could not find file ${server.pidFile})\n`,
		});
		expect(server.run(['status'])).toMatchObject({
			status: 1,
			stdout: `${status}Error contacting service. It is probably not running.\n`,
		});
		const [log] = readdirSync(server.logs);
		expect(log).toMatch(/^zookeeper-.*-server-.*\.out$/);
		expect(readFileSync(join(server.logs, log!), 'utf8').match(/"msg":"stopped"/g)).toHaveLength(2);
	});

	it('a real zkServer.sh knows our server by its pid file, and ours the real one', () => {
		expect(zkServer(['start'])[0]).toBe(0);
		const script = join(server.realBin(), 'zkServer.sh');
		const real = (command: string) => run(script, [command, server.file]);
		expect(real('start')).toMatchObject({ status: 1, stdout: expect.stringContaining('already running as process') });
		expect(real('status')).toMatchObject({ status: 0, stdout: expect.stringContaining('Mode: standalone') });
		expect(real('stop')).toMatchObject({ status: 0, stdout: 'Stopping zookeeper ... STOPPED\n' });
		expect(real('start')).toMatchObject({ status: 0, stdout: 'Starting zookeeper ... STARTED\n' });
		const pid = server.pid!;
		expect(zkServer(['start'])).toEqual([1, expect.stringContaining(`already running as process ${pid}.`)]);
		expect(zkServer(['stop'])).toEqual([0, expect.stringContaining('STOPPED')]);
		expect(ZkServer.isRunning(pid)).toBe(false);
	});

	it('is called through links, from anywhere, with a name or a path, and with the variables of ZooKeeper', () => {
		const link = join(server.folder, 'zk');
		symlinkSync(ourScript, `${link}0`);
		symlinkSync('zk0', link);
		const pidFile = join(server.folder, 'run', 'zk.pid');
		const env = { ZOOCFGDIR: server.conf, ZOOCFG: 'zoo.cfg', ZOOPIDFILE: pidFile, ZOO_LOG_DIR: server.logs };
		expect(run(link, ['start'], { cwd: server.folder, env }).stdout).toContain('STARTED');
		expect(server.pid).toBeUndefined();
		const pid = Number(readFileSync(pidFile, 'utf8'));
		expect(ZkServer.isRunning(pid)).toBe(true);
		expect(run('bash', ['zk', 'status', 'conf/zoo.cfg'], { cwd: server.folder }).stdout).toContain('Mode: standalone');
		expect(zkServer(['status', 'zoo.cfg'])[0]).toBe(0);
		const others = { ZOOPIDFILE: pidFile, PATH: `${server.folder}:${process.env.PATH}` };
		expect(run('zk', ['stop', server.file], { env: others }).stdout).toContain('STOPPED');
		expect([ZkServer.isRunning(pid), existsSync(pidFile)]).toEqual([false, false]);
	});

	it('reads zookeeper-env.sh and java.env beside the configuration', () => {
		const logs = join(server.folder, 'other logs');
		writeFileSync(join(server.conf, 'zookeeper-env.sh'), `ZOO_LOG_DIR="${logs}"\n`);
		writeFileSync(
			join(server.conf, 'java.env'),
			'SERVER_JVMFLAGS="-Xmx2g -Dzookeeper.nonsense=1 -Dzookeeper.skipACL=yes"\n',
		);
		expect(zkServer(['start'])[0]).toBe(0);
		expect(zkServer(['stop'])[0]).toBe(0);
		const said = readFileSync(join(logs, readdirSync(logs)[0]!), 'utf8');
		expect(said).toContain('-Dzookeeper.nonsense in SERVER_JVMFLAGS is not a property that a server reads');
		expect(said).toContain('skipACL=yes');
	});

	it('start-foreground is the server itself, which SIGTERM stops cleanly', async () => {
		const args = ['--config', server.conf, 'start-foreground'];
		const program = new RunningProgram(ourScript, args, { env: { CK_LOG_FORMAT: 'json' } });
		await program.waitFor(/"msg":"serving"/);
		expect(readFileSync(`/proc/${program.pid}/cmdline`, 'utf8')).toContain('apps/server/main.js');
		expect(zkServer(['status'])[0]).toBe(0);
		expect(await program.stop('SIGTERM')).toBe(0);
		expect(program.output).toContain('"msg":"stopped"');
	});

	it('says what is wrong when it does not start', async () => {
		const none = join(server.conf, 'other.cfg');
		const [missing, help] = zkServer(['start', 'other.cfg']);
		expect([missing, help]).toEqual([1, expect.stringContaining(`There is no file ${none}.`)]);
		expect(help).toContain('zoo_sample.cfg');

		server.configure('tickTime=fast');
		expect(server.run(['start'])).toMatchObject({
			status: 1,
			stdout: 'Starting zookeeper ... FAILED TO START\n',
			stderr: expect.stringContaining('tickTime is "fast"'),
		});
		expect(zkServer(['start-foreground'])).toEqual([2, expect.stringContaining('tickTime is "fast"')]);

		server.configure();
		const other = createServer().listen(server.port, '127.0.0.1');
		await new Promise((resolve) => other.once('listening', resolve));
		const [taken, said] = zkServer(['start']);
		other.close();
		expect(taken).toBe(1);
		expect(said).toContain('Starting zookeeper ... FAILED TO START\n');
		expect(said).toContain(`the client port 127.0.0.1:${server.port} cannot be listened on`);
		expect(said).toContain(join(server.logs, 'zookeeper-'));
		expect(server.pid).toBeUndefined();

		const [nowhere, which] = zkServer(['start'], { ZOO_LOG_DIR: '/dev/null/logs' });
		expect([nowhere, which]).toEqual([1, expect.stringContaining('set ZOO_LOG_DIR')]);
		expect(zkServer(['start'], { ZOO_DATADIR_AUTOCREATE_DISABLE: '1', ZOOPIDFILE: '' })[0]).toBe(0);
		expect(zkServer(['upgrade'])).toEqual([1, expect.stringMatching(/^Usage: .*\{start\|start-foreground\|stop/)]);
	});

	it('needs the data directory to be there when ZOO_DATADIR_AUTOCREATE_DISABLE is set', () => {
		const disabled = { ZOO_DATADIR_AUTOCREATE_DISABLE: '1' };
		expect(zkServer(['start'], disabled)).toEqual([
			1,
			expect.stringContaining(
				`ZooKeeper data directory is missing at ${server.dataDir} fix the path or run initialize`,
			),
		]);
		expect(existsSync(server.dataDir)).toBe(false);
	});

	it('does not take a process of another kind for the server', async () => {
		mkdirSync(server.dataDir);
		const other = new RunningProgram('sleep', ['60']);
		writeFileSync(server.pidFile, String(other.pid));
		expect(zkServer(['stop'])).toEqual([0, expect.stringContaining('no zookeeper to stop')]);
		writeFileSync(server.pidFile, String(other.pid));
		expect(zkServer(['start'])[0]).toBe(0);
		expect(other.exitCode).toBeNull();
		await other.stop('SIGKILL');
	});

	it('stops a server whose configuration was broken meanwhile', () => {
		expect(zkServer(['start'])[0]).toBe(0);
		const pid = server.pid!;
		appendFileSync(server.file, 'tickTime=fast\nnonsense=1\n');
		expect(zkServer(['status'])[0]).toBe(0);
		expect(zkServer(['restart'])[0]).toBe(1);
		expect(ZkServer.isRunning(pid)).toBe(true);
		expect(zkServer(['stop'])).toEqual([0, expect.stringContaining('STOPPED')]);
		expect(ZkServer.isRunning(pid)).toBe(false);
	});

	it('finds the client port in the line of the server, in a dynamic configuration too', () => {
		const dynamic = join(server.conf, 'zoo.cfg.dynamic');
		writeFileSync(dynamic, `server.1=127.0.0.1:2888:3888:participant;127.0.0.1:${server.port}\n`);
		writeFileSync(
			server.file,
			`dataDir=${server.dataDir}\ndynamicConfigFile=${dynamic}\naudit.mode=off\ngrpcPort=0\nhttpPort=0\n`,
		);
		mkdirSync(server.dataDir);
		writeFileSync(join(server.dataDir, 'myid'), '1\n');
		expect(zkServer(['start'])[0]).toBe(0);
		expect(zkServer(['status'])).toEqual([
			0,
			expect.stringContaining(`Client port found: ${server.port}. Client address: 127.0.0.1.`),
		]);
	});

	it('zkCleanup.sh leaves the newest snapshots and the logs that they need', async () => {
		const directory = join(server.dataDir, 'version-2');
		unpackRecording('recording-a', directory);
		const files = (kind: string) => readdirSync(directory).filter((name) => name.startsWith(`${kind}.`)).length;
		const [snapshots, logs] = [files('snapshot'), files('log')];
		expect(snapshots).toBeGreaterThan(4);
		const cleanup = (...args: string[]) =>
			run(join(ourScript, '..', 'zkCleanup.sh'), ['--config', server.conf, ...args], { cwd: '/' });
		expect(cleanup()).toMatchObject({ status: 1, stderr: expect.stringContaining('Usage: zkCleanup.sh') });
		expect(cleanup('-n', '3').stdout).toContain('Removed ');
		expect(files('snapshot')).toBe(3);
		expect(files('log')).toBeLessThan(logs);
		expect(zkServer(['start'])[0]).toBe(0);
		expect(await realCommandLine(server.port, 'ls /')).toMatch(/\[acl, .*zookeeper.*\]/);
	});

	it('34, 32: the superuser and TTL nodes of SERVER_JVMFLAGS are there for a real client', async () => {
		const secret = ['create /mine x digest:ada:cGFzcw==:r', 'create -t 100000 /brief', 'get /mine'];
		expect(zkServer(['start'])[0]).toBe(0);
		const without = await realCommandLine(server.port, ...secret);
		expect(without).toMatch(/Created \/mine/);
		expect(without).not.toMatch(/Created \/brief/);
		expect(without).toMatch(/Insufficient permission : \/mine|NoAuth for \/mine/);
		const flags =
			'-Xmx1000m -Dzookeeper.extendedTypesEnabled=true -Dzookeeper.DigestAuthenticationProvider.superDigest=super:8bZbEowWkaIDdsIj7Xnpacp6s0I=';
		expect(zkServer(['restart'], { SERVER_JVMFLAGS: flags })[0]).toBe(0);
		const said = await realCommandLine(server.port, 'addauth digest super:recorder', ...secret.slice(1));
		expect(said).toMatch(/Created \/brief/);
		expect(said).toMatch(/^x$/m);
	});
});
