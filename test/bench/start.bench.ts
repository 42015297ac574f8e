/**
 * From `bin/zkServer.sh start` to the first answer on the client port, and to STARTED, when every door is open.
 *
 *     npm run bench -- start [-- --starts 7 --dir DIR]
 *
 * The small tree is recording a of test/recordings. With a cold cache no file of this project, of Node or of the shell is in memory (root on Linux only). ZooKeeper is
 * measured beside it where Debian's package is installed.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort } from '#test/support/processes';
import { unpackRecording } from '#test/support/recordings';

const { values } = parseArgs({
	options: { starts: { type: 'string', default: '7' }, dir: { type: 'string', default: tmpdir() } },
});
const starts = Number(values.starts);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const ours = join(root, 'bin', 'zkServer.sh');
const theirs = '/usr/share/zookeeper/bin/zkServer.sh';
const dropCaches = '/proc/sys/vm/drop_caches';

interface Case {
	readonly name: string;
	readonly script?: string;
	readonly audit?: 'off' | 'async';
	readonly tree?: 'empty' | 'small';
	/** Started once before it is measured, so that only what a restart meets is. */
	readonly again?: boolean;
	readonly cold?: boolean;
}

const cases: readonly Case[] = [
	{ name: 'empty, without a mirror', audit: 'off' },
	{ name: 'empty, with a new embedded PostgreSQL' },
	{ name: 'small tree, with a new embedded PostgreSQL', tree: 'small' },
	{ name: 'small tree again, with its PostgreSQL', tree: 'small', again: true },
	...(isWritable(dropCaches)
		? [{ name: 'small tree again, with its PostgreSQL, cold cache', tree: 'small', again: true, cold: true } as const]
		: []),
	...(existsSync(theirs)
		? [{ name: "ZooKeeper's zkServer.sh, small tree again", script: theirs, tree: 'small' } as const]
		: []),
];

interface Times {
	readonly answered: number;
	readonly started: number;
}

async function measure({ script = ours, audit = 'async', tree, again, cold }: Case): Promise<Times> {
	const folder = mkdtempSync(join(values.dir, 'start-bench-'));
	const port = await freePort();
	const file = join(folder, 'zoo.cfg');
	const dataDir = join(folder, 'data');
	if (tree === 'small') unpackRecording('recording-a', dataDir);
	else mkdirSync(dataDir);
	const lines = [`dataDir=${dataDir}`, `clientPort=${port}`, 'clientPortAddress=127.0.0.1', 'admin.enableServer=false'];
	const own = [`audit.mode=${audit}`, 'audit.postgresPort=0', 'grpcPort=0', 'httpPort=0'];
	writeFileSync(file, `${[...lines, ...own].join('\n')}\n`);
	const env = { ...process.env, ZOO_LOG_DIR: join(folder, 'logs') };
	const stop = (): void => {
		spawnSync(script, ['stop', file], { env });
	};
	try {
		if (again) {
			execFileSync(script, ['start', file], { env, stdio: 'ignore' });
			stop();
		}
		if (cold) {
			execFileSync('sync');
			writeFileSync(dropCaches, '3');
		}
		const begin = performance.now();
		const launcher = spawn(script, ['start', file], { env, stdio: 'ignore' });
		const ended = once(launcher, 'exit').then(() => performance.now() - begin);
		while (!(await answers(port))) {
			if (launcher.exitCode !== null && launcher.exitCode !== 0) throw new Error(`it ended with ${launcher.exitCode}`);
			await pause(2);
		}
		const answered = performance.now() - begin;
		return { answered, started: await ended };
	} finally {
		stop();
		rmSync(folder, { recursive: true, force: true });
	}
}

function answers(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(port, '127.0.0.1', () => socket.write('srvr'));
		socket.on('data', (chunk) => resolve(chunk.includes('version')));
		socket.on('error', () => resolve(false));
		socket.on('close', () => resolve(false));
	});
}

function isWritable(path: string): boolean {
	try {
		accessSync(path, constants.W_OK);
		return true;
	} catch {
		return false;
	}
}

function row(name: string, times: readonly number[]): string {
	const sorted = times.map((ms) => ms / 1000).sort((a, b) => a - b);
	const [least, median, most] = [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!];
	return `${name.padEnd(58)} ${least.toFixed(2)}  ${median.toFixed(2)}  ${most.toFixed(2)}`;
}

console.log(`${`seconds, of ${starts} starts`.padEnd(58)} least median most`);
for (const one of cases) {
	const times: Times[] = [];
	for (let i = 0; i < starts; i++) times.push(await measure(one));
	console.log(
		row(
			`${one.name}: answers`,
			times.map(({ answered }) => answered),
		),
	);
	// ZooKeeper's launcher sleeps for a second.
	if (one.script === undefined)
		console.log(
			row(
				'  STARTED',
				times.map(({ started }) => started),
			),
		);
}
