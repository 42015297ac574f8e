/** A replica as a process of its own: this room may not import it. Its output, its signals and its exit code are passed on. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CommandContext } from './command-context.ts';
import { Failure } from './failure.ts';
import { packageRoot } from './package-root.ts';

export interface ServerProcess {
	/** A zoo.cfg; without one all keys have their defaults. */
	readonly config: string | undefined;
	/** Only reads the configuration. */
	readonly check: boolean;
	/** The environment's keys do not count, and what it prints goes to stderr. */
	readonly isQuiet?: boolean;
}

/** Until it has ended. @returns its exit code */
export async function runServer(
	{ terminal }: CommandContext,
	{ config, check, isQuiet = false }: ServerProcess,
): Promise<number> {
	const main = join(packageRoot(), 'dist', 'apps', 'server', 'main.js');
	if (!existsSync(main)) throw new Failure(`${main} is not there`, 'Build it with `npm run build`.');
	if (config !== undefined && !existsSync(config)) {
		throw new Failure(`the configuration file ${config} is not there`);
	}
	// A plain script beside the sources: it is not compiled.
	const { nodeFlags } = (await import(pathToFileURL(join(packageRoot(), 'bin', 'node-flags.mjs')).href)) as {
		readonly nodeFlags: readonly string[];
	};
	const args = [...nodeFlags, main, ...(config === undefined ? [] : ['--config', config])];
	terminal.flush();
	return run(check ? [...args, '--check'] : args, isQuiet);
}

function run(args: readonly string[], isQuiet: boolean): Promise<number> {
	const own = Object.entries(process.env).filter(([name]) => !name.startsWith('CK_'));
	const child = isQuiet
		? spawn(process.execPath, args, { stdio: ['ignore', 2, 2], env: Object.fromEntries(own) })
		: spawn(process.execPath, args, { stdio: 'inherit' });
	const forward = (signal: NodeJS.Signals) => {
		// Ctrl-C on a terminal reaches the whole foreground group, the child too: a second one would mean "at once".
		if (signal !== 'SIGINT' || process.stdin.isTTY !== true) child.kill(signal);
	};
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, forward);
	return new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]));
	});
}
