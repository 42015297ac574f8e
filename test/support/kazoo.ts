/** The scripts of test/interop/kazoo, on Debian's Python with Debian's Kazoo: what is tried here is what people have. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type RunningOptions, RunningProgram } from './processes.ts';
import { describeChecks } from './script-checks.ts';

const python = '/usr/bin/python3';

/** @throws when the package is missing */
function commandOf(script: string): readonly [string, ...string[]] {
	const missing = [python, '/usr/lib/python3/dist-packages/kazoo'].filter((file) => !existsSync(file));
	if (missing.length > 0) throw new Error(`${missing.join(', ')} not found: apt-get install python3-kazoo`);
	return [python, '-B', fileURLToPath(new URL(`../interop/kazoo/${script}`, import.meta.url))];
}

/** A script that runs beside the test. */
export function startKazoo(script: string, server: string, options: RunningOptions = {}): RunningProgram {
	const [program, ...args] = commandOf(script);
	return new RunningProgram(program, [...args, server], options);
}

export function describeKazoo(name: string, script: string): void {
	describeChecks(name, { command: commandOf(script) });
}
