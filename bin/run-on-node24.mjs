/** Runs a compiled program on Node 24, whatever Node this is: nobody downstream notices that there was a launcher. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { node24 } from './prepare.mjs';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

export function runOnNode24(args) {
	// In place where this Node can do that: same process id, nothing between the program and its signals.
	if (process.execve) process.execve(node24, [node24, ...args], process.env);

	const child = spawn(node24, args, { stdio: 'inherit' });
	for (const signal of signals) {
		process.on(signal, () => {
			// Ctrl-C reaches the whole foreground group, the child too: a second one would mean "at once".
			if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
		});
	}
	child.on('error', (error) => {
		console.error(`Node 24 could not be started from ${node24}: ${error.message}`);
		process.exitCode = 1;
	});
	child.on('exit', (code, signal) => {
		process.exitCode = signal ? 128 + constants.signals[signal] : code;
	});
}
