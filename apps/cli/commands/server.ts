import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { Failure } from '../failure.ts';
import { packageRoot } from '../package-root.ts';

export function addServer(program: Command, context: CommandContext): void {
	program
		.command('server')
		.summary('start a replica')
		.description(
			'Starts a replica and serves until Ctrl-C. Every key of the configuration is also an environment variable: dataDir is\n' +
				'CK_DATA_DIR; docs/configuration.md has them all.',
		)
		.option('--config <zoo.cfg>', 'the configuration; without it all keys have their defaults')
		.option('--check', 'read the configuration, say what is wrong, and end')
		.action(async (options: { readonly config?: string; readonly check?: boolean }) => {
			const main = join(packageRoot(), 'dist', 'apps', 'server', 'main.js');
			if (!existsSync(main)) throw new Failure(`${main} is not there`, 'Build it with `npm run build`.');
			if (options.config !== undefined && !existsSync(options.config)) {
				throw new Failure(`the configuration file ${options.config} is not there`);
			}
			// A plain script beside the sources: it is not compiled.
			const { nodeFlags } = (await import(pathToFileURL(join(packageRoot(), 'bin', 'node-flags.mjs')).href)) as {
				readonly nodeFlags: readonly string[];
			};
			const config = options.config === undefined ? [] : ['--config', options.config];
			const args = [...nodeFlags, main, ...config, ...(options.check === true ? ['--check'] : [])];
			context.terminal.flush();
			context.setExitCode(await run(args));
		});
}

/** The server is a process of its own: this room may not import it. Its output, its signals and its exit code are passed on. */
function run(args: readonly string[]): Promise<number> {
	const child = spawn(process.execPath, args, { stdio: 'inherit' });
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
