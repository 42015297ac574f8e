/** Programs on a pseudo terminal, which util-linux' `script` gives them. */
import { execFileSync } from 'node:child_process';
import { RunningProgram } from './processes.ts';

/** Whether `script` is util-linux': that of BSD and macOS takes other options. */
export const hasTerminals = isOfUtilLinux();

export interface TerminalOptions {
	readonly env: Readonly<Record<string, string>>;
	readonly columns?: number;
	readonly rows?: number;
}

export function onTerminal(command: readonly string[], { env, columns, rows }: TerminalOptions): RunningProgram {
	const words = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
	const size = columns === undefined ? '' : `stty cols ${columns} rows ${rows ?? 24} && `;
	return new RunningProgram('script', ['-qefc', size + words.join(' '), '/dev/null'], { env, interactive: true });
}

function isOfUtilLinux(): boolean {
	try {
		return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux');
	} catch {
		return false;
	}
}
