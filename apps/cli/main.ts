/** `ck`. Turns every outcome into an exit code and, when it is a failure, into one clear line. */
import { CommanderError } from 'commander';
import type { CommandContext } from './command-context.ts';
import { exitCodes, Failure } from './failure.ts';
import { makeProgram } from './program.ts';
import { Terminal } from './terminal.ts';

// `CK_AUDIT_URL= ck …` is the same as no variable at all, as it is for the server.
for (const name of Object.keys(process.env)) {
	if (name.startsWith('CK_') && process.env[name] === '') delete process.env[name];
}

const terminal = new Terminal({ stdout: process.stdout, stderr: process.stderr, environment: process.env });
let interrupt: AbortController | undefined;

function interrupted(): AbortSignal {
	if (interrupt !== undefined) return interrupt.signal;
	const controller = new AbortController();
	interrupt = controller;
	for (const signal of ['SIGINT', 'SIGTERM'] as const) {
		process.on(signal, () => {
			// The first asks, the second insists.
			if (controller.signal.aborted) process.exit(130);
			controller.abort();
		});
	}
	return controller.signal;
}

const context: CommandContext = {
	terminal,
	environment: process.env,
	interrupted,
	inputIsTerminal: process.stdin.isTTY === true,
	readInput: async () => {
		const chunks: Buffer[] = [];
		for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
		return Buffer.concat(chunks);
	},
	setExitCode: (code) => {
		process.exitCode = Math.max(code, Number(process.exitCode ?? 0));
	},
};

try {
	await makeProgram(context).parseAsync(argumentsOrShell(), { from: 'user' });
} catch (error) {
	process.exitCode = report(error);
} finally {
	terminal.flush();
	// An error of the last write is reported in the next turn.
	await new Promise((resolve) => setImmediate(resolve));
	if (terminal.problem !== undefined) {
		terminal.error(`the output could not be written: ${terminal.problem.message}`);
		process.exitCode = exitCodes.failed;
	}
}

/** `ck` alone on a terminal is `ck shell`; options may stand there too. */
function argumentsOrShell(): string[] {
	const args = process.argv.slice(2);
	if (!context.inputIsTerminal || !terminal.interactive) return args;
	const { operands, unknown } = makeProgram(context).parseOptions(args);
	return operands.length === 0 && unknown.length === 0 ? [...args, 'shell'] : args;
}

function report(error: unknown): number {
	if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
	if (error instanceof Failure) {
		terminal.error(error.message, error.advice);
		return error.exitCode;
	}
	const problem = error instanceof Error ? error : new Error(String(error));
	terminal.error(`unexpected: ${problem.message}`, 'CK_DEBUG=1 shows where. Please report it.');
	if (process.env.CK_DEBUG) terminal.note(problem.stack ?? '');
	return exitCodes.failed;
}
