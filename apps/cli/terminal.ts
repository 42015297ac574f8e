/**
 * Where a command writes: results to stdout, everything about them (notes, progress, errors) to stderr, so that a pipe carries results
 * only. When the reader of the pipe goes away (`| head`), the command ends quietly.
 */
import picocolors from 'picocolors';

export interface TerminalOptions {
	readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
	readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
	readonly environment: Readonly<Record<string, string | undefined>>;
}

const flushAt = 1 << 16;

export class Terminal {
	/** Machines read: NDJSON instead of tables, no colour. */
	json = false;
	/** False with --no-color. */
	colorAllowed = true;
	readonly #options: TerminalOptions;
	#pending: string[] = [];
	#pendingLength = 0;
	#closed = false;
	#problem: Error | undefined;
	/** Ends a wait for the reader. */
	#gone: (() => void) | undefined;

	constructor(options: TerminalOptions) {
		this.#options = options;
		options.stdout.on('error', (error: NodeJS.ErrnoException) => {
			this.#closed = true;
			if (error.code !== 'EPIPE') this.#problem ??= error;
			this.#gone?.();
		});
		// Where this would be said is what does not work.
		options.stderr.on('error', () => {});
	}

	/** Nobody reads any more: a command that only lists should stop. */
	get closed(): boolean {
		return this.#closed;
	}

	/** Why results could not be written, other than that nobody reads them: a full disk. */
	get problem(): Error | undefined {
		return this.#problem;
	}

	get interactive(): boolean {
		return this.#options.stdout.isTTY === true;
	}

	/** Whether progress can be drawn. */
	get drawsProgress(): boolean {
		return this.#options.stderr.isTTY === true && this.#options.environment.TERM !== 'dumb' && !this.json;
	}

	get colors(): ReturnType<typeof picocolors.createColors> {
		return picocolors.createColors(this.interactive && !this.json && this.#wantsColor());
	}

	get #errorColors(): ReturnType<typeof picocolors.createColors> {
		return picocolors.createColors(this.#options.stderr.isTTY === true && this.#wantsColor());
	}

	/** One line of the result. */
	line(text: string): void {
		this.#pending.push(text, '\n');
		this.#pendingLength += text.length + 1;
		if (this.#pendingLength >= flushAt) this.flush();
	}

	/** One object of the result, on a line of its own. Values must be lossless already: see json.ts. */
	object(value: object): void {
		this.line(JSON.stringify(value));
	}

	/** Bytes as they are. */
	raw(bytes: Uint8Array): void {
		this.flush();
		if (!this.#closed && bytes.length > 0) this.#options.stdout.write(bytes);
	}

	flush(): void {
		if (this.#pendingLength === 0) return;
		const text = this.#pending.join('');
		this.#pending = [];
		this.#pendingLength = 0;
		if (!this.#closed) this.#options.stdout.write(text);
	}

	/**
	 * For loops over many results: what has gathered is written, and waited for when the reader is slower.
	 * @returns false when nobody reads any more.
	 */
	async keepUp(): Promise<boolean> {
		this.flush();
		const { stdout } = this.#options;
		if ('writableNeedDrain' in stdout && stdout.writableNeedDrain === true && !this.#closed) {
			await new Promise<void>((resolve) => {
				this.#gone = resolve;
				stdout.once('drain', resolve);
			});
		} else {
			// Lets the error of a broken pipe, and Ctrl-C, come in.
			await new Promise((resolve) => setImmediate(resolve));
		}
		return !this.#closed;
	}

	/** For people, beside the result. */
	note(text: string): void {
		this.flush();
		this.#options.stderr.write(`${text}\n`);
	}

	warn(text: string): void {
		this.note(`${this.#errorColors.yellow('warning:')} ${text}`);
	}

	error(text: string, advice?: string): void {
		const { red, dim } = this.#errorColors;
		this.note(`${red('ck:')} ${text}`);
		if (advice !== undefined) this.note(dim(advice));
	}

	#wantsColor(): boolean {
		const { environment } = this.#options;
		// https://no-color.org: present and not empty.
		return this.colorAllowed && !environment.NO_COLOR && environment.TERM !== 'dumb';
	}
}
