/** `ck shell`: on a terminal it asks for lines, otherwise they come from a pipe. */
import { spawn } from 'node:child_process';
import { type Command, CommanderError } from 'commander';
import { ChronokeeperClient } from '#client/client';
import type { CommandContext } from '../command-context.ts';
import { exitCodes, Failure } from '../failure.ts';
import { clientOptions } from '../server-connection.ts';
import type { DatabaseOptions, OutputOptions, ServerOptions } from '../shared-options.ts';
import { complete } from '../zookeeper/completion.ts';
import { linesOf } from '../zookeeper/lines.ts';
import { TypedLines } from '../zookeeper/typed-lines.ts';
import { Connection } from './connection.ts';
import { HistoryFile } from './history-file.ts';
import { failureOf } from './run-word.ts';
import { CkShell, type ProgramCommands } from './shell.ts';
import { nodeWords, synonyms, words } from './vocabulary.ts';

export interface ShellOptions extends ServerOptions, DatabaseOptions, OutputOptions {
	/** Milliseconds. */
	readonly sessionTimeout: number;
}

/** Starts the program anew for each command. */
export type MakeProgram = (context: CommandContext) => Command;

/** Of the program, and of no use inside of it. */
const notHere = ['shell', 'server', 'help'];
/** Needs the terminal for itself. */
const fullScreen = 'top';

/** Options of the shell that its commands have too. */
const passedOn: ReadonlySet<string> = new Set([
	'server',
	'auth',
	'token',
	'tls',
	'tlsCa',
	'tlsCert',
	'tlsKey',
	'timeout',
	'database',
	'dataDir',
	'color',
]);

export async function startShell(
	options: ShellOptions,
	context: CommandContext,
	makeProgram: MakeProgram,
): Promise<void> {
	const { terminal } = context;
	const lines = new TypedLines();
	const history = new HistoryFile(context.environment);
	const isTyped = context.inputIsTerminal && terminal.interactive;
	const connection = new Connection(options.server, {
		connect: (address) => new ChronokeeperClient(clientOptions({ ...options, server: address })),
		sessionTimeoutMs: options.sessionTimeout,
		patienceMs: options.timeout * 1000,
		onNotice: (text) => lines.print(() => terminal.note(text)),
		onNodeEvent: (event) => lines.print(() => shell.tell(event)),
	});
	const program = new CommandsOfProgram(options, context, makeProgram, lines);
	const shell = new CkShell({
		terminal,
		connection,
		program,
		keep: (line) => isTyped && history.add(line),
	});
	try {
		await connection.operations();
	} catch (error) {
		// Each command tries again.
		const { message, advice } = failureOf(error);
		terminal.error(message, advice);
	}
	if (isTyped) {
		await lines.run(shell, {
			complete: (line) =>
				complete(line, (before, begun) => wordsFor(before, begun, program), {
					getChildren: async (path) => (await connection.operations()).getChildren(path, false),
				}),
			history: history.read().reverse(),
			onInterrupt: (isTyping) => {
				if (!isTyping) shell.interrupt();
				else {
					shell.abandonBlock();
					lines.clearLine();
				}
			},
		});
		if (!shell.ended) terminal.line('');
	} else {
		const interrupted = context.interrupted();
		interrupted.addEventListener('abort', () => {
			shell.interrupt();
			process.stdin.destroy();
		});
		try {
			for await (const line of linesOf(process.stdin)) {
				await shell.execute(line);
				if (shell.ended || interrupted.aborted) break;
			}
			// The end of the lines is the end of a multi.
			if (!shell.ended) await shell.execute('');
		} catch (error) {
			if (!interrupted.aborted) throw error;
		}
	}
	await connection.end();
	context.setExitCode(shell.exitCode);
}

/** What may stand behind these words of a line: a word, or a flag of the one that is there. */
function wordsFor(before: readonly string[], begun: string, program: ProgramCommands): readonly string[] {
	const all = () => [...words.keys(), ...program.names].sort();
	const [first, ...more] = before;
	if (first === undefined) return all();
	const name = synonyms[first] ?? first;
	if (name === 'help') return more.length === 0 ? all() : [];
	if (name === 'multi' && (more.length === 0 || more.at(-1) === ';')) return ['create', 'set', 'delete', 'check'];
	if (!begun.startsWith('-')) return [];
	return nodeWords.has(name) ? words.get(name)!.flags : program.flags(name);
}

class CommandsOfProgram implements ProgramCommands {
	readonly names: readonly string[];
	readonly #options: ShellOptions;
	readonly #context: CommandContext;
	readonly #makeProgram: MakeProgram;
	readonly #lines: TypedLines;
	readonly #known: ReadonlyMap<string, Command>;

	constructor(options: ShellOptions, context: CommandContext, makeProgram: MakeProgram, lines: TypedLines) {
		this.#options = options;
		this.#context = context;
		this.#makeProgram = makeProgram;
		this.#lines = lines;
		this.#known = new Map(makeProgram(context).commands.map((command) => [command.name(), command]));
		this.names = [...this.#known.keys()].filter((name) => !words.has(name) && !notHere.includes(name));
	}

	summary(name: string): string {
		return this.#known.get(name)?.summary() ?? '';
	}

	flags(name: string): readonly string[] {
		const options = this.#known.get(name)?.options ?? [];
		return options.flatMap(({ short, long }) => [...(short ? [short] : []), ...(long ? [long] : [])]);
	}

	async run([name = '', ...args]: readonly string[], address: string, interrupted: AbortSignal): Promise<number> {
		const line = [name, ...this.#leading(name, address), ...args];
		const isAlone = name === fullScreen && process.stdin.isTTY === true && !args.includes('--json');
		if (isAlone) return this.#runAlone(line);
		let exitCode: number = exitCodes.done;
		const context: CommandContext = {
			...this.#context,
			interrupted: () => interrupted,
			setExitCode: (code) => {
				exitCode = Math.max(exitCode, code);
			},
		};
		try {
			await this.#makeProgram(context).parseAsync(line, { from: 'user' });
		} catch (error) {
			if (!(error instanceof CommanderError)) throw error;
			// It has said what is wrong, or has given help.
			exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
		}
		return exitCode;
	}

	/** What the shell was started with, as far as the command has such options. */
	#leading(name: string, address: string): string[] {
		const given: Readonly<Record<string, unknown>> = { ...this.#options, server: address };
		const shared = (this.#known.get(name)?.options ?? []).filter((option) => passedOn.has(option.attributeName()));
		return shared.flatMap((option) => {
			const value = given[option.attributeName()];
			if (option.negate) return value === false ? [option.long!] : [];
			if (value === undefined || value === false) return [];
			return value === true ? [option.long!] : [option.long!, String(value)];
		});
	}

	async #runAlone(line: readonly string[]): Promise<number> {
		const [main] = process.argv.slice(1);
		if (main === undefined) throw new Failure('this needs a terminal of its own');
		let exitCode: number = exitCodes.failed;
		await this.#lines.lend(async () => {
			const child = spawn(process.execPath, [...process.execArgv, main, ...line], { stdio: 'inherit' });
			exitCode = await new Promise<number>((resolve, reject) => {
				child.on('error', reject);
				child.on('exit', (code) => resolve(code ?? exitCodes.failed));
			});
		});
		return exitCode;
	}
}
