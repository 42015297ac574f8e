/** The running PostgreSQL server of a database directory, as its `postmaster.pid` tells; the one of a replica that was killed may still be there. */
import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Postmaster {
	readonly pid: number;
	readonly port: number;
}

/** Undefined when there is no such file, or the process it names is gone or is something else. */
export function runningPostmaster(databaseDir: string): Postmaster | undefined {
	let lines: string[];
	try {
		lines = readFileSync(join(databaseDir, 'postmaster.pid'), 'utf8').split('\n');
	} catch {
		return undefined;
	}
	const [pid, port] = [Number(lines[0]), Number(lines[3])];
	if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid) || !serves(pid, databaseDir)) return undefined;
	return { pid, port };
}

export function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === 'EPERM';
	}
}

/** Process ids are used again: only a process that was started with this directory is the one. */
function serves(pid: number, databaseDir: string): boolean {
	const command = commandLine(pid);
	return command.includes('postgres') && (command.includes(databaseDir) || command.includes(realpathSync(databaseDir)));
}

function commandLine(pid: number): string {
	try {
		return process.platform === 'linux'
			? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
			: execFileSync('ps', ['-o', 'command=', '-p', `${pid}`], { encoding: 'utf8' });
	} catch {
		return '';
	}
}

/** Fast shutdown, and when that takes too long the immediate one, from which PostgreSQL recovers at its next start. */
export async function stopPostmaster(pid: number, timeoutMs: number): Promise<void> {
	for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
		try {
			process.kill(pid, signal);
		} catch {
			return;
		}
		const deadline = performance.now() + timeoutMs;
		while (isAlive(pid)) {
			if (performance.now() > deadline) break;
			await sleep(20);
		}
		if (!isAlive(pid)) return;
	}
}
