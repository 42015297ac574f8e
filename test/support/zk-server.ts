/** bin/zkServer.sh, or a real ZooKeeper's, with a configuration and directories of their own. A server that a test left running is stopped with it. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, type Outcome, run } from './processes.ts';

export const ourScript = fileURLToPath(new URL('../../bin/zkServer.sh', import.meta.url));
export const realScript = '/usr/share/zookeeper/bin/zkServer.sh';

export class ZkServer {
	/** Has spaces in it. */
	readonly folder = mkdtempSync(join(tmpdir(), 'zk server '));
	readonly conf = join(this.folder, 'conf');
	readonly file = join(this.conf, 'zoo.cfg');
	readonly dataDir = join(this.folder, 'data');
	readonly logs = join(this.folder, 'logs');

	private constructor(readonly port: number) {
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
	run(args: readonly string[], env: Readonly<Record<string, string>> = {}, script = ourScript): Outcome {
		return run(script, ['--config', this.conf, ...args], { cwd: '/', env: { ZOO_LOG_DIR: this.logs, ...env } });
	}

	get pidFile(): string {
		return join(this.dataDir, 'zookeeper_server.pid');
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
			while (ZkServer.isRunning(pid)) await sleep(10);
		}
		rmSync(this.folder, { recursive: true, force: true });
	}
}
