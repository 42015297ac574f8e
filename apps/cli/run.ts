/** One command of `ck` to its end: every outcome becomes an exit code and, when it is a failure, one clear line. */
import { CommanderError } from 'commander';
import type { CommandContext } from './command-context.ts';
import { exitCodes, Failure } from './failure.ts';
import { makeProgram } from './program.ts';
import type { Terminal } from './terminal.ts';

/** @returns the exit code; when all is written, or cannot be. */
export async function runCommand(args: readonly string[], given: Omit<CommandContext, 'setExitCode'>): Promise<number> {
	const { terminal, environment } = given;
	let exitCode: number = exitCodes.done;
	const setExitCode = (code: number): void => {
		exitCode = Math.max(code, exitCode);
	};
	const context: CommandContext = { ...given, setExitCode };
	try {
		await makeProgram(context).parseAsync(argumentsOrShell(args, context), { from: 'user' });
	} catch (error) {
		exitCode = report(error, terminal, environment);
	}
	terminal.flush();
	// An error of the last write is reported in the next turn.
	await new Promise((resolve) => setImmediate(resolve));
	if (terminal.problem === undefined) return exitCode;
	terminal.error(`the output could not be written: ${terminal.problem.message}`);
	return exitCodes.failed;
}

/** `ck` alone on a terminal is `ck shell`; options may stand there too. */
function argumentsOrShell(args: readonly string[], context: CommandContext): string[] {
	if (!context.inputIsTerminal || !context.terminal.interactive) return [...args];
	const { operands, unknown } = makeProgram(context).parseOptions([...args]);
	return operands.length === 0 && unknown.length === 0 ? [...args, 'shell'] : [...args];
}

function report(error: unknown, terminal: Terminal, environment: CommandContext['environment']): number {
	if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
	if (error instanceof Failure) {
		terminal.error(error.message, error.advice);
		return error.exitCode;
	}
	const problem = error instanceof Error ? error : new Error(String(error));
	terminal.error(`unexpected: ${problem.message}`, 'CK_DEBUG=1 shows where. Please report it.');
	if (environment.CK_DEBUG) terminal.note(problem.stack ?? '');
	return exitCodes.failed;
}
