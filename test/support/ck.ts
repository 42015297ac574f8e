/** `ck`: what it prints and how it ends. */
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runCommand } from '#cli/run';
import { Terminal } from '#cli/terminal';
import { type Outcome, runBeside } from './processes.ts';

const main = fileURLToPath(new URL('../../apps/cli/main.ts', import.meta.url));

/** The sources, as vitest runs them: the built ones may be older. */
export const commandLine: readonly string[] = [process.execPath, '--conditions=source', main];

/** As a process. */
export function ck(
	args: readonly string[],
	options: { env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<Outcome> {
	const env = { NO_COLOR: undefined, FORCE_COLOR: undefined, ...options.env };
	return runBeside(commandLine[0]!, [...commandLine.slice(1), ...args], { ...options, env });
}

/**
 * In this process and its environment: for the many that are about what a command does and says. Most of the time of the others is their start.
 * The streams are no terminals.
 */
export async function ckHere(args: readonly string[], input = ''): Promise<Outcome> {
	const [stdout, stderr] = [new Collected(), new Collected()];
	const status = await runCommand(args, {
		terminal: new Terminal({ stdout, stderr, environment: process.env }),
		environment: process.env,
		interrupted: () => new AbortController().signal,
		inputIsTerminal: false,
		readInput: async () => Buffer.from(input),
	});
	return { status, stdout: stdout.text, stderr: stderr.text };
}

class Collected extends Writable {
	readonly #chunks: Buffer[] = [];

	get text(): string {
		return Buffer.concat(this.#chunks).toString();
	}

	override _write(chunk: Buffer, _encoding: string, written: () => void): void {
		this.#chunks.push(chunk);
		written();
	}
}

export function lines(text: string): string[] {
	return text === '' ? [] : text.trimEnd().split('\n');
}

/** What it said on stderr of anything else than how far it is, which a long command tells every ten seconds. */
export function complaints({ stderr }: Outcome): string[] {
	return lines(stderr).filter((line) => !/^(import|restore|verify)( \d+ %)? {2}.* {2}\(.*\)$/.test(line));
}

export function objects<T = Record<string, unknown>>(text: string): T[] {
	return lines(text).map((line) => JSON.parse(line) as T);
}
