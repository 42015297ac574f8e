/**
 * The real Apache ZooKeeper 3.8 as Debian packages it (zookeeper, libzookeeper-java, default-jre-headless): its server on loopback with a
 * port and directories of its own, its tools, and kazoo (python3-kazoo) as its client.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, output, RunningProgram, type RunOptions, runBeside } from './processes.ts';

/** The last two are what its AdminServer needs besides. */
const jars = ['zookeeper', 'zookeeper-jute', 'slf4j-simple', 'servlet-api', 'jetty9-util-ajax'].map(
	(name) => `/usr/share/java/${name}.jar`,
);
const python = '/usr/bin/python3';

/** The superuser of the recordings, who may read every node. */
export const superUser = { scheme: 'digest', auth: 'super:recorder', digest: 'super:8bZbEowWkaIDdsIj7Xnpacp6s0I=' };

/** @throws when a package is missing, naming what to install. */
export function requireRealZooKeeper(): void {
	const missing = [...jars, '/usr/bin/java', python, '/usr/share/doc/python3-kazoo'].filter(
		(file) => !existsSync(file),
	);
	if (missing.length > 0) {
		throw new Error(
			`${missing.join(', ')} not found: apt-get install zookeeper libzookeeper-java default-jre-headless python3-kazoo`,
		);
	}
}

export interface RealZooKeeperOptions {
	/** Holds `version-2`; logs are there too unless dataLogDir says otherwise. */
	readonly dataDir: string;
	readonly dataLogDir?: string;
	/** Any free one unless given: a server that is started again. */
	readonly port?: number;
	/** Java system properties on top of the usual ones. */
	readonly properties?: Readonly<Record<string, string>>;
	/** zoo.cfg lines on top of the usual ones. */
	readonly config?: Readonly<Record<string, string | number>>;
}

/** What the server said it had loaded, before it served anyone. */
export interface Loaded {
	readonly zxid: string;
	readonly digest: string;
}

export class RealZooKeeper {
	readonly port: number;
	private readonly program: RunningProgram;
	/** Its zoo.cfg is in there. */
	private readonly folder: string;

	private constructor(program: RunningProgram, port: number, folder: string) {
		this.program = program;
		this.port = port;
		this.folder = folder;
	}

	/** Starts a standalone server; it serves when this resolves. @throws with its log when it refuses */
	static async start(options: RealZooKeeperOptions): Promise<RealZooKeeper> {
		requireRealZooKeeper();
		const port = options.port ?? (await freePort());
		const folder = mkdtempSync(join(tmpdir(), 'real-zookeeper-'));
		mkdirSync(options.dataDir, { recursive: true });
		const config = {
			tickTime: 500,
			dataDir: options.dataDir,
			...(options.dataLogDir ? { dataLogDir: options.dataLogDir } : {}),
			clientPort: port,
			clientPortAddress: '127.0.0.1',
			maxClientCnxns: 0,
			snapCount: 100_000,
			preAllocSize: 1024,
			'admin.enableServer': false,
			'4lw.commands.whitelist': '*',
			...options.config,
		};
		const file = join(folder, 'zoo.cfg');
		writeFileSync(
			file,
			Object.entries(config)
				.map(([key, value]) => `${key}=${value}\n`)
				.join(''),
		);
		const properties = {
			'zookeeper.extendedTypesEnabled': 'true',
			'zookeeper.forceSync': 'no',
			'zookeeper.DigestAuthenticationProvider.superDigest': superUser.digest,
			...options.properties,
		};
		const program = new RunningProgram('java', [
			'-Xmx512m',
			...javaOptions(properties),
			'org.apache.zookeeper.server.quorum.QuorumPeerMain',
			file,
		]);
		const server = new RealZooKeeper(program, port, folder);
		try {
			await server.serving();
			return server;
		} catch (error) {
			await server.stop('SIGKILL');
			throw error;
		}
	}

	private async serving(): Promise<void> {
		// The last line of its start. For a moment yet it answers that it is not serving.
		await this.program.waitFor(/PrepRequestProcessor \(sid:0\) started/);
		while (!(await this.fourLetterWord('srvr')).includes('Mode: standalone')) {
			if (this.program.exitCode !== null) throw new Error(`it ended with ${this.program.exitCode}:\n${this.log}`);
		}
	}

	get log(): string {
		return this.program.output;
	}

	/** From the line `Snapshot loaded in N ms, highest zxid is 0x…, digest is …`. */
	get loaded(): Loaded {
		const line = /highest zxid is (0x[0-9a-f]+), digest is (\d+)/.exec(this.log);
		if (!line) throw new Error(`the server did not say what it loaded:\n${this.log}`);
		return { zxid: line[1]!, digest: line[2]! };
	}

	fourLetterWord(word: string): Promise<string> {
		return new Promise((resolve, reject) => {
			let answer = '';
			const socket = connect(this.port, '127.0.0.1', () => socket.write(word));
			socket.on('data', (chunk) => {
				answer += chunk.toString('utf8');
			});
			socket.on('error', reject);
			socket.on('close', () => resolve(answer));
		});
	}

	/** The lines of `mntr`. */
	async monitor(): Promise<Map<string, string>> {
		const answer = await this.fourLetterWord('mntr');
		return new Map(
			answer
				.trimEnd()
				.split('\n')
				.map((line) => line.split('\t') as [string, string]),
		);
	}

	async digestMismatches(): Promise<number> {
		return Number((await this.monitor()).get('zk_digest_mismatches_count'));
	}

	/** Runs one of test/interop's kazoo scripts against this server, as the superuser. @returns the lines of JSON that it printed */
	kazoo<Line>(script: string, options: RunOptions = {}): Line[] {
		const file = fileURLToPath(new URL(`../interop/${script}`, import.meta.url));
		const lines = output(python, [file, `127.0.0.1:${this.port}`], options).trimEnd();
		return lines === '' ? [] : lines.split('\n').map((line) => JSON.parse(line) as Line);
	}

	/** Types these commands into ZooKeeper's own command line. @returns what it answered */
	commandLine(...commands: string[]): Promise<string> {
		return realCommandLine(this.port, ...commands);
	}

	/** SIGTERM, as an init system does it, or SIGKILL. */
	async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
		await this.program.stop(signal);
		rmSync(this.folder, { recursive: true, force: true });
	}
}

/** Types these commands into ZooKeeper's own command line, connected to a server of either kind. @returns what it answered */
export async function realCommandLine(port: number, ...commands: string[]): Promise<string> {
	const args = [...javaOptions({}), 'org.apache.zookeeper.ZooKeeperMain', '-server', `127.0.0.1:${port}`];
	// It answers some commands on stderr, where its log goes too.
	const { stdout, stderr } = await runBeside('java', args, { input: `${commands.join('\n')}\nquit\n` });
	return stdout + stderr;
}

/** Runs one of ZooKeeper's tools, such as org.apache.zookeeper.server.SnapshotFormatter. @returns what it printed */
export function zooKeeperTool(mainClass: string, ...args: string[]): string {
	requireRealZooKeeper();
	return output('java', [...javaOptions({}), mainClass, ...args]);
}

/** For programs of ZooKeeper: system properties and the class path. */
export function javaOptions(properties: Readonly<Record<string, string>>): string[] {
	const all = { 'file.encoding': 'UTF-8', 'zookeeper.jmx.log4j.disable': 'true', ...properties };
	return [...Object.entries(all).map(([name, value]) => `-D${name}=${value}`), '-cp', jars.join(':')];
}
