/** The shell: what is typed becomes a command, is kept for history and redo, and leaves an exit code. */

import { Client } from './client/client.ts';
import { parseConnectString } from './client/connect-string.ts';
import { KeeperError, sentenceOf } from './client/keeper-error.ts';
import { Session } from './client/session.ts';
import { eventText, type WatchedEvent } from './client/watched-event.ts';
import { commandNames, commands, helpLines } from './commands/all.ts';
import { type Command, type Output, parseCommandLine } from './commands/command.ts';
import { Failure, Fatal, IllegalArgument } from './failures.ts';
import type { ClientSettings, Invocation } from './invocation.ts';
import { decodeInt, requireInt } from './java-numbers.ts';
import { wordsOf } from './words.ts';

const commandNotFound = 127;
const historyShown = 10;

export class Shell {
	/** Of the last command. */
	exitCode = 0;
	/** `quit` was said. */
	ended = false;
	readonly #invocation: Invocation;
	readonly #settings: ClientSettings;
	readonly #output: Output;
	readonly #history: string[] = [];
	#count = 0;
	#printsWatches = true;
	#server = '';
	#client: Client | undefined;
	#onConnected: (() => void) | undefined;

	constructor(invocation: Invocation, settings: ClientSettings, output: Output) {
		this.#invocation = invocation;
		this.#settings = settings;
		this.#output = output;
	}

	get prompt(): string {
		return `[zk: ${this.#server}(${this.#client?.session.state ?? 'CLOSED'}) ${this.#count}] `;
	}

	/** Null when there is no session. */
	get client(): Client | null {
		return this.#client?.session.alive ? this.#client : null;
	}

	/** Leaves the session there is. @throws Fatal */
	async connect(server: string): Promise<void> {
		await this.client?.session.close();
		this.#server = server;
		const timeoutMs = requireInt(this.#invocation.timeout);
		const session = new Session({
			servers: this.#servers(server),
			timeoutMs,
			readOnly: this.#invocation.readOnly,
			...this.#settings,
			onEvent: (event) => this.#onEvent(event),
		});
		this.#client = new Client(session);
		if (this.#invocation.waitForConnection) await this.#waitForConnection(session, timeoutMs);
	}

	/** A line of the shell; an empty one is nothing. */
	async execute(line: string): Promise<void> {
		if (line === '') return;
		this.#history[this.#count] = line;
		await this.run(wordsOf(line));
		this.#count += 1;
	}

	/** @throws Fatal, and only that: other failures are printed and set the exit code */
	async run(words: readonly string[]): Promise<void> {
		try {
			await this.#dispatch(words);
			// quit leaves the exit code of the command before it.
			if (!this.ended) this.exitCode = 0;
		} catch (error) {
			const failure = failureOf(error);
			this.exitCode = failure.exitCode;
			this.#output.err(failure.message);
		}
	}

	async #dispatch(words: readonly string[]): Promise<void> {
		const [name] = words;
		if (name === undefined || !commandNames.includes(name)) {
			for (const line of helpLines) this.#output.err(line);
			if (name === undefined) throw new Failure('No command entered');
			throw new Failure(`Command not found: Command not found ${name}`, commandNotFound);
		}
		await this.#runOwn(name, words);
		if (this.ended) return;
		const client = this.client;
		if (client === null) {
			this.#output.out('Not connected');
			return;
		}
		const command = commands.get(name);
		if (command !== undefined) await this.#runOnServer(command, words, client);
	}

	/** What needs no session. Others do nothing here. */
	async #runOwn(name: string, words: readonly string[]): Promise<void> {
		const [, argument] = words;
		switch (name) {
			case 'quit':
				await this.client?.session.close();
				this.ended = true;
				return;
			case 'redo':
				if (argument !== undefined) await this.#redo(argument);
				return;
			case 'history':
				for (let i = Math.max(0, this.#count - historyShown); i <= this.#count; i++) {
					this.#output.out(`${i} - ${this.#history[i] ?? null}`);
				}
				return;
			case 'printwatches':
				if (argument !== undefined) this.#printsWatches = argument === 'on';
				else this.#output.out(`printwatches is ${this.#printsWatches ? 'on' : 'off'}`);
				return;
			case 'connect':
				await this.connect(argument ?? this.#server);
				return;
			default:
				return;
		}
	}

	/** The line counts as typed again. */
	async #redo(number: string): Promise<void> {
		const index = decodeInt(number);
		const line = index >= 0 && index < this.#count ? this.#history[index] : undefined;
		if (line === undefined) throw new Failure('Command index out of range');
		const words = wordsOf(line);
		if (words[0] === 'redo') throw new Failure('No redoing redos');
		this.#history[this.#count] = line;
		await this.run(words);
	}

	async #runOnServer(command: Command, words: readonly string[], client: Client): Promise<void> {
		try {
			await command.run(parseCommandLine(command, words, this.#output), { client, ...this.#output });
		} catch (error) {
			if (!(error instanceof IllegalArgument)) throw error;
			if (command.pathsAreFatal) throw illegalArgument(error);
			throw new Failure(error.message);
		}
	}

	#servers(server: string): ReturnType<typeof parseConnectString> {
		try {
			return parseConnectString(server);
		} catch (error) {
			throw error instanceof IllegalArgument ? illegalArgument(error) : error;
		}
	}

	async #waitForConnection(session: Session, timeoutMs: number): Promise<void> {
		let timer: NodeJS.Timeout | undefined;
		const connected = await new Promise<boolean>((resolve) => {
			this.#onConnected = () => resolve(true);
			timer = setTimeout(() => resolve(false), timeoutMs);
		});
		clearTimeout(timer);
		this.#onConnected = undefined;
		if (connected) return;
		await session.close();
		const lost = 'org.apache.zookeeper.KeeperException$ConnectionLossException: KeeperErrorCode = ConnectionLoss';
		throw new Fatal('java.io.IOException', lost);
	}

	#onEvent(event: WatchedEvent): void {
		if (this.#printsWatches) this.#output.out(`\nWATCHER::\n\n${eventText(event)}`);
		if (event.type === 'None' && event.state === 'SyncConnected') this.#onConnected?.();
	}
}

function illegalArgument(error: IllegalArgument): Fatal {
	return new Fatal('java.lang.IllegalArgumentException', error.message);
}

/** What is not expected goes on its way. */
function failureOf(error: unknown): Failure {
	if (error instanceof Failure) return error;
	if (error instanceof KeeperError) return new Failure(sentenceOf(error));
	throw error;
}
