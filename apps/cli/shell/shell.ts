/** The shell: what is typed becomes a command, of zkCli's words or of the program's, and leaves an exit code. */
import type { NodeEvent } from '#client/client';
import { exitCodes, Failure } from '../failure.ts';
import type { Terminal } from '../terminal.ts';
import type { Command, Output } from '../zookeeper/commands/command.ts';
import type { TypedShell } from '../zookeeper/typed-lines.ts';
import { wordsOf } from '../zookeeper/words.ts';
import type { Connection } from './connection.ts';
import { multiFailure, multiLines, parseOps, splitOps } from './multi.ts';
import { nearest } from './nearest.ts';
import { failureOf, runWord } from './run-word.ts';
import { nodeWords, synonyms, words } from './vocabulary.ts';

/** The commands of `ck` that are not about nodes: history, status and the like. */
export interface ProgramCommands {
	readonly names: readonly string[];
	summary(name: string): string;
	flags(name: string): readonly string[];
	/** With the address that the shell is connected to. @returns the exit code */
	run(words: readonly string[], address: string, interrupted: AbortSignal): Promise<number>;
}

export interface ShellParts {
	readonly terminal: Terminal;
	readonly connection: Connection;
	readonly program: ProgramCommands;
	/** A line is kept for later shells. */
	readonly keep: (line: string) => void;
}

const commandNotFound = 127;
const interruptedCode = 130;

export class CkShell implements TypedShell {
	/** Of the last command. */
	exitCode: number = exitCodes.done;
	ended = false;
	readonly #parts: ShellParts;
	readonly #output: Output;
	readonly #lines: string[] = [];
	#printsWatches = true;
	/** Operations of a multi that is being typed line by line. */
	#block: string[][] | undefined;
	#running: AbortController | undefined;

	constructor(parts: ShellParts) {
		this.#parts = parts;
		const { terminal } = parts;
		this.#output = {
			out: (line) => terminal.line(line),
			err: (line) => terminal.note(line),
			print: (text) => terminal.raw(Buffer.from(text)),
		};
	}

	get prompt(): string {
		if (this.#block !== undefined) return `multi ${this.#block.length + 1}> `;
		const { address, state } = this.#parts.connection;
		return `[ck: ${address}(${state}) ${this.#lines.length}] `;
	}

	/** A line of the shell. */
	async execute(line: string): Promise<void> {
		if (this.#block !== undefined) {
			await this.#continueBlock(line);
			return;
		}
		if (line.trim() === '') return;
		this.#lines.push(line);
		this.#parts.keep(line);
		await this.run(wordsOf(line));
	}

	/** Never throws: what fails is said, and leaves its exit code. */
	async run(typed: readonly string[]): Promise<void> {
		const running = new AbortController();
		this.#running = running;
		try {
			const interrupted = new Promise<never>((_, reject) => {
				running.signal.addEventListener('abort', () => reject(new Failure('interrupted', undefined, interruptedCode)));
			});
			// The command may be the one that is left behind.
			interrupted.catch(() => {});
			const code = await Promise.race([this.#dispatch(typed, running.signal), interrupted]);
			if (!this.ended) this.exitCode = code;
		} catch (error) {
			this.#report(error);
		} finally {
			this.#running = undefined;
			this.#parts.terminal.flush();
		}
	}

	/** Leaves the command that is running; whether it was done is not known. */
	interrupt(): void {
		this.#running?.abort();
	}

	/** Gives up a multi that is being typed. */
	abandonBlock(): void {
		this.#block = undefined;
	}

	/** What watches tell. */
	tell({ type, path, zxid }: NodeEvent): void {
		if (!this.#printsWatches) return;
		const at = zxid === undefined ? '' : ` zxid:0x${zxid.toString(16)}`;
		this.#parts.terminal.line(`WatchedEvent type:${type} path:${path}${at}`);
		this.#parts.terminal.flush();
	}

	async #dispatch(typed: readonly string[], interrupted: AbortSignal): Promise<number> {
		const [first = ''] = typed;
		const name = synonyms[first] ?? first;
		const line = [name, ...typed.slice(1)];
		const { program, connection } = this.#parts;
		const command = nodeWords.get(name);
		if (command !== undefined) {
			await this.#runOnServer(command, line);
			return exitCodes.done;
		}
		if (words.has(name)) return this.#runOwn(name, line);
		if (program.names.includes(name)) return program.run(line, connection.address, interrupted);
		const meant = nearest(name, [...words.keys(), ...program.names]);
		const suggestion = meant === undefined ? '' : `did you mean ${meant}? `;
		throw new Failure(`unknown word: ${name}`, `${suggestion}\`help\` lists them all.`, commandNotFound);
	}

	async #runOnServer(command: Command, typed: readonly string[]): Promise<void> {
		const { connection } = this.#parts;
		// Without a session there is nothing to close.
		if (command.name === 'close') return connection.close();
		await runWord(command, typed, this.#output, () => connection.operations());
	}

	async #runOwn(name: string, [, ...args]: readonly string[]): Promise<number> {
		const { connection, terminal } = this.#parts;
		const [argument] = args;
		switch (name) {
			case 'quit':
				this.ended = true;
				await connection.end();
				return exitCodes.done;
			case 'help':
				return this.#help(argument);
			case 'connect':
				await connection.connect(argument);
				return exitCodes.done;
			case 'printwatches':
				if (argument !== undefined) this.#printsWatches = argument === 'on';
				else terminal.line(`printwatches is ${this.#printsWatches ? 'on' : 'off'}`);
				return exitCodes.done;
			case 'redo':
				return this.#redo(argument);
			case 'version':
				return this.#parts.program.run(['--version'], connection.address, this.#running!.signal);
			case 'multi':
				if (args.length === 0) this.#block = [];
				else await this.#multi(splitOps(args));
				return exitCodes.done;
			default:
				throw new Failure(`unknown word: ${name}`);
		}
	}

	/** Lines of a multi; an empty one does them all. */
	async #continueBlock(line: string): Promise<void> {
		const block = this.#block!;
		if (line.trim() !== '') {
			block.push(wordsOf(line.trim()));
			return;
		}
		this.#block = undefined;
		if (block.length === 0) return;
		try {
			await this.#multi(block);
			this.exitCode = exitCodes.done;
		} catch (error) {
			this.#report(error);
		}
		this.#parts.terminal.flush();
	}

	async #multi(typed: readonly (readonly string[])[]): Promise<void> {
		const ops = parseOps(typed);
		const client = await this.#parts.connection.operations();
		try {
			for (const line of multiLines(ops, await client.multi(ops))) this.#output.out(line);
		} catch (error) {
			throw multiFailure(ops, error) ?? error;
		}
	}

	/** The line counts as typed again. */
	async #redo(number: string | undefined): Promise<number> {
		// The redo itself is the last line.
		const line = this.#lines[number === undefined ? this.#lines.length - 2 : Number(number)];
		if (line === undefined) throw new Failure(`there is no command ${number ?? 'before this one'}`);
		const typed = wordsOf(line);
		if (typed[0] === 'redo') throw new Failure('redo does not do a redo again');
		this.#lines[this.#lines.length - 1] = line;
		this.#output.out(line);
		return this.#dispatch(typed, this.#running!.signal);
	}

	#help(name: string | undefined): number | Promise<number> {
		const { terminal, program, connection } = this.#parts;
		const { bold, dim } = terminal.colors;
		if (name === undefined) {
			for (const { name: word, usage, summary } of words.values()) {
				terminal.line(`${bold(word)} ${usage}`.trimEnd());
				terminal.line(`    ${dim(summary)}`);
			}
			for (const other of program.names) terminal.line(`${bold(other)} …\n    ${dim(program.summary(other))}`);
			return exitCodes.done;
		}
		const word = words.get(synonyms[name] ?? name);
		if (word !== undefined) {
			terminal.line(`usage: ${word.name} ${word.usage}`.trimEnd());
			terminal.line(word.summary);
			return exitCodes.done;
		}
		if (program.names.includes(name)) {
			return program.run([name, '--help'], connection.address, this.#running!.signal);
		}
		throw new Failure(`unknown word: ${name}`, '`help` lists them all.', commandNotFound);
	}

	#report(error: unknown): void {
		const failure = failureOf(error);
		this.exitCode = failure.exitCode;
		this.#parts.terminal.error(failure.message, failure.advice);
	}
}
