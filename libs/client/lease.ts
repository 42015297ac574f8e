/**
 * How long the session surely lives, as far as its owner can know: the server counts from when it heard of the owner last, which is not before
 * what it answered was sent. A process that was stopped for longer than that finds out before it looks at anything else.
 */
export class Lease {
	readonly #over: () => void;
	#timeoutMs = 0;
	#sinceMs = 0;
	#timer: NodeJS.Timeout | undefined;

	/** @param over called once, when the session's timeout has passed */
	constructor(over: () => void) {
		this.#over = over;
	}

	/** @param sentMs when that was sent which the server has answered, by performance.now() */
	begin(timeoutMs: number, sentMs: number): void {
		this.#timeoutMs = timeoutMs;
		this.#sinceMs = Math.max(this.#sinceMs, sentMs);
		if (this.#timer === undefined) this.#arm();
	}

	renew(sentMs: number): void {
		this.#sinceMs = Math.max(this.#sinceMs, sentMs);
	}

	get remainingMs(): number {
		return this.#sinceMs + this.#timeoutMs - performance.now();
	}

	/** Begun, and over. */
	get isOver(): boolean {
		return this.#timer !== undefined && this.remainingMs <= 0;
	}

	end(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
	}

	#arm(): void {
		this.#timer = setTimeout(() => this.#look(), Math.max(1, Math.ceil(this.remainingMs)));
	}

	#look(): void {
		if (this.remainingMs > 0) {
			this.#arm();
			return;
		}
		this.end();
		this.#over();
	}
}
