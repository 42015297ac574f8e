/** Lines that are typed on a terminal, one command after the other. What is printed meanwhile stands above the line that is being typed. */
import { createInterface, type Interface } from 'node:readline/promises';
import type { Completions } from './completion.ts';

export interface TypedShell {
	readonly prompt: string;
	/** The last command was one that ends the shell. */
	readonly ended: boolean;
	execute(line: string): Promise<void>;
}

export interface TypingOptions {
	readonly complete: (line: string) => Promise<Completions>;
	/** What the arrow keys find, the newest first. */
	readonly history?: readonly string[];
	/** Ctrl-C, while a line is typed or while a command runs. */
	readonly onInterrupt: (isTyping: boolean) => void;
}

export class TypedLines {
	#terminal: Interface | undefined;
	#isTyping = false;
	#promptText: () => string = () => '';

	/** Prints so that what is being typed stays readable. */
	print(write: () => void): void {
		if (this.#isTyping) process.stdout.write('\r\x1b[K');
		write();
		if (this.#isTyping) this.#prompt();
	}

	/** Gives up the line that is being typed. */
	clearLine(): void {
		this.#terminal?.write(null, { ctrl: true, name: 'e' });
		this.#terminal?.write(null, { ctrl: true, name: 'u' });
		process.stdout.write('^C\n');
		this.#prompt();
	}

	/** While another program has the terminal. */
	async lend(use: () => Promise<void>): Promise<void> {
		// Ctrl-C is the other program's then, and reaches this one too.
		const ignore = (): void => {};
		process.on('SIGINT', ignore);
		this.#terminal?.pause();
		process.stdin.setRawMode?.(false);
		try {
			await use();
		} finally {
			process.off('SIGINT', ignore);
			process.stdin.setRawMode?.(true);
			this.#terminal?.resume();
		}
	}

	/** Until the shell has ended, or the input. */
	run(shell: TypedShell, options: TypingOptions): Promise<void> {
		const terminal = createInterface({
			input: process.stdin,
			output: process.stdout,
			completer: options.complete,
			...(options.history === undefined ? {} : { history: [...options.history] }),
		});
		this.#terminal = terminal;
		this.#promptText = () => shell.prompt;
		return new Promise<void>((resolve, reject) => {
			let queue = Promise.resolve();
			terminal.on('line', (line) => {
				this.#isTyping = false;
				queue = queue.then(async () => {
					if (shell.ended) return;
					await shell.execute(line);
					if (shell.ended) terminal.close();
					else this.#prompt();
				});
				queue.catch(reject);
			});
			terminal.on('SIGINT', () => options.onInterrupt(this.#isTyping));
			terminal.on('close', () => {
				this.#isTyping = false;
				resolve(queue);
			});
			this.#prompt();
		});
	}

	#prompt(): void {
		this.#isTyping = true;
		this.#terminal?.setPrompt(this.#promptText());
		this.#terminal?.prompt(true);
	}
}
