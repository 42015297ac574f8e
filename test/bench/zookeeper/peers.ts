/** The servers that are compared: Chronokeeper as `npm start` runs it, without a mirror, and Apache ZooKeeper as Debian packages it. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, RunningProgram } from '../../support/processes.ts';

export interface Peer {
	readonly name: string;
	readonly address: string;
	readonly pid: number;
	/** What of its heap is live, in bytes, after a full collection; undefined without a JVM, or without a JDK's `jcmd`. */
	liveHeapBytes(): number | undefined;
	stop(): Promise<void>;
}

/** Those of `npm start`, which `npm run bench` gives to this process. */
const nodeFlags = process.execArgv;
const main = fileURLToPath(new URL('../../../apps/server/main.js', import.meta.url));
const jars = ['zookeeper', 'zookeeper-jute', 'slf4j-simple'].map((name) => `/usr/share/java/${name}.jar`);

/** @param environment further settings, such as CK_AUDIT_MODE */
export async function startChronokeeper(
	folder: string,
	environment: Readonly<Record<string, string>> = {},
): Promise<Peer> {
	const port = await freePort();
	mkdirSync(folder, { recursive: true });
	const program = new RunningProgram(process.execPath, [...nodeFlags, main], {
		cwd: folder,
		env: {
			CK_AUDIT_MODE: 'off',
			CK_DATA_DIR: join(folder, 'data'),
			CK_GRPC_PORT: '0',
			CK_HTTP_PORT: '0',
			CK_CLIENT_PORT: `${port}`,
			CK_CLIENT_PORT_ADDRESS: '127.0.0.1',
			CK_MAX_CLIENT_CNXNS: '0',
			CK_LOG_FORMAT: 'json',
			...environment,
		},
	});
	await program.waitFor(/"msg":"serving"/);
	return peer('Chronokeeper', port, program, () => undefined);
}

export function hasZooKeeper(): boolean {
	return jars.every((jar) => existsSync(jar)) && spawnSync('java', ['-version']).status === 0;
}

/** With a heap of 2 GiB, as it is usually given. */
export async function startZooKeeper(folder: string): Promise<Peer> {
	const port = await freePort();
	mkdirSync(join(folder, 'data'), { recursive: true });
	const file = join(folder, 'zoo.cfg');
	writeFileSync(
		file,
		`tickTime=2000\ndataDir=${join(folder, 'data')}\nclientPort=${port}\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\nadmin.enableServer=false\n`,
	);
	const program = new RunningProgram('java', [
		'-Xmx2g',
		'-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
		'-Dzookeeper.jmx.log4j.disable=true',
		'-cp',
		jars.join(':'),
		'org.apache.zookeeper.server.quorum.QuorumPeerMain',
		file,
	]);
	const untilMs = Date.now() + 30_000;
	while (!(await word(port, 'srvr')).includes('Mode: standalone')) {
		if (program.exitCode !== null || Date.now() > untilMs)
			throw new Error(`ZooKeeper does not start:\n${program.output}`);
	}
	return peer('ZooKeeper', port, program, () => liveHeapBytes(program.pid));
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
	return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

/** Only ever of a JVM: other programs are ended by what jcmd sends them. */
function liveHeapBytes(pid: number): number | undefined {
	if (spawnSync('jcmd', [`${pid}`, 'GC.run']).status !== 0) return undefined;
	const { stdout } = spawnSync('jcmd', [`${pid}`, 'GC.heap_info'], { encoding: 'utf8' });
	const used = / used (\d+)K/.exec(stdout);
	return used === null ? undefined : Number(used[1]) * 1024;
}

function peer(name: string, port: number, program: RunningProgram, liveHeap: () => number | undefined): Peer {
	return {
		name,
		address: `127.0.0.1:${port}`,
		pid: program.pid,
		liveHeapBytes: liveHeap,
		async stop() {
			await program.stop('SIGTERM');
		},
	};
}

function word(port: number, text: string): Promise<string> {
	return new Promise((resolve) => {
		let answer = '';
		const socket = connect(port, '127.0.0.1', () => socket.write(text));
		socket.on('data', (chunk) => {
			answer += chunk.toString('utf8');
		});
		socket.setTimeout(1000, () => socket.destroy());
		socket.on('error', () => undefined);
		socket.on('close', () => resolve(answer));
	});
}
