/** A Kazoo client in a process of its own that does what a test tells it, call by call (test/interop/kazoo/remote.py; recipes.py for its recipes). */
import { deepEqual } from 'node:assert/strict';
import { startKazoo } from './kazoo.ts';
import type { RunningProgram } from './processes.ts';

/** Keyword arguments of a call. */
type Options = Readonly<Record<string, boolean | number | string>>;
/** An object `{ data }` is bytes. */
type Argument = string | number | { readonly data: string };

interface Line {
	readonly result?: unknown;
	readonly error?: string;
	readonly event?: string;
}

export class KazooRemote {
	readonly sessionId: bigint;
	readonly #program: RunningProgram;
	/** How many lines of its output were read. */
	#read: number;
	readonly #events: string[] = [];

	private constructor(program: RunningProgram, sessionId: bigint) {
		this.#program = program;
		this.sessionId = sessionId;
		this.#read = 1;
	}

	static async connect(server: string, script: 'remote.py' | 'recipes.py' = 'remote.py'): Promise<KazooRemote> {
		const program = startKazoo(script, server, { interactive: true });
		const [, id] = await program.waitFor(/^\{"result": "(\d+)"\}$/m);
		return new KazooRemote(program, BigInt(id!));
	}

	/** Calls a method of the client. @throws with the name of Kazoo's error */
	call(method: string, args: readonly Argument[], options: Options = {}): Promise<unknown> {
		return this.#ask({ call: method, arguments: args, options });
	}

	/** Of one that was connected with recipes.py: calls a method of a recipe, or `len` or `list`. @throws with Kazoo's error */
	recipe(recipe: string, path: string, call: string, args: readonly Argument[] = []): Promise<unknown> {
		return this.#ask({ recipe, path, call, arguments: args });
	}

	/** SIGKILL: its session is left to its timeout. */
	async kill(): Promise<void> {
		await this.#program.stop('SIGKILL');
	}

	/** Calls a method that sets a watch. */
	watch(method: string, path: string): Promise<unknown> {
		return this.#ask({ call: method, arguments: [path], watch: true });
	}

	/** These events, since it was asked last, in any order, and no other. */
	async hears(...expected: string[]): Promise<void> {
		while (this.#events.length < expected.length) await this.#next();
		deepEqual(this.#events.splice(0).sort(), expected.sort());
	}

	/** Closes its session. */
	async close(): Promise<void> {
		this.#program.end();
		await this.#program.exited;
	}

	async #ask(request: object): Promise<unknown> {
		this.#program.type(`${JSON.stringify(request)}\n`);
		for (;;) {
			const line = await this.#next();
			if (line.error !== undefined) throw new Error(line.error);
			if ('result' in line) return line.result;
		}
	}

	/** The next line of its output; an event is kept. */
	async #next(): Promise<Line> {
		const [text] = await this.#program.waitFor(new RegExp(`(?<=^(?:.*\n){${this.#read}}).+(?=\n)`));
		this.#read += 1;
		const line = JSON.parse(text) as Line;
		if (line.event !== undefined) this.#events.push(line.event);
		return line;
	}
}
