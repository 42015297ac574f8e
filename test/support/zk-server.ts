/** bin/zkServer.sh, and a real ZooKeeper's, with a configuration and directories of their own. A server that a test left running is stopped with it. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { freePort, type Outcome, run } from './processes.ts';
import { requireRealZooKeeper } from './real-zookeeper.ts';

export const ourScript = fileURLToPath(new URL('../../bin/zkServer.sh', import.meta.url));
const debian = '/usr/share/zookeeper/bin';

export class ZkServer {
	/** Has spaces in it. */
	readonly folder = mkdtempSync(join(tmpdir(), 'zk server '));
	readonly conf = join(this.folder, 'conf');
	readonly file = join(this.conf, 'zoo.cfg');
	readonly dataDir = join(this.folder, 'data');
	readonly logs = join(this.folder, 'logs');

	readonly port: number;

	private constructor(port: number) {
		this.port = port;
		mkdirSync(this.conf);
	}

	/** @param lines of zoo.cfg on top of the usual ones */
	static async make(...lines: string[]): Promise<ZkServer> {
		const server = new ZkServer(await freePort());
		server.configure(...lines);
		return server;
	}

	configure(...lines: string[]): void {
		const usual = [
			'tickTime=2000',
			`dataDir=${this.dataDir}`,
			`clientPort=${this.port}`,
			'clientPortAddress=127.0.0.1',
			'audit.mode=off',
			'grpcPort=0',
			'httpPort=0',
		];
		writeFileSync(this.file, `${[...usual, ...lines].join('\n')}\n`);
	}

	/** With this configuration's directory, the log directory beside it, and nothing that the surroundings say about ZooKeeper. */
	run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Outcome {
		return run(ourScript, ['--config', this.conf, ...args], { cwd: '/', env: { ZOO_LOG_DIR: this.logs, ...env } });
	}

	get pidFile(): string {
		return join(this.dataDir, 'zookeeper_server.pid');
	}

	/**
	 * The bin directory of a real ZooKeeper: Debian's scripts, with settings that let them write their log here, whoever runs them.
	 * @throws when the packages are missing, naming what to install
	 */
	realBin(): string {
		requireRealZooKeeper();
		const bin = join(this.folder, 'zookeeper', 'bin');
		mkdirSync(bin, { recursive: true });
		for (const script of ['zkServer.sh', 'zkCli.sh']) symlinkSync(join(debian, script), join(bin, script));
		const settings = [
			'. /etc/zookeeper/conf/environment',
			`ZOO_LOG_DIR='${this.logs}'`,
			'CLASSPATH=/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar',
			"JVMFLAGS='-Xmx512m -Dfile.encoding=UTF-8 -Dzookeeper.admin.enableServer=false'",
		];
		writeFileSync(join(bin, 'zkEnv.sh'), `${settings.join('\n')}\n`);
		return bin;
	}

	/** Of the server that was started last; undefined when there is none. */
	get pid(): number | undefined {
		return existsSync(this.pidFile) ? Number(readFileSync(this.pidFile, 'utf8')) : undefined;
	}

	/** Whether the process runs: not ended, nor ended and waiting for its parent. */
	static isRunning(pid: number): boolean {
		try {
			return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
		} catch {
			return false;
		}
	}

	async remove(): Promise<void> {
		const { pid } = this;
		if (pid !== undefined && ZkServer.isRunning(pid)) {
			process.kill(pid, 'SIGKILL');
			await vi.waitFor(() => {
				if (ZkServer.isRunning(pid)) throw new Error(`process ${pid} has not ended`);
			}, 10_000);
		}
		rmSync(this.folder, { recursive: true, force: true });
	}
}
