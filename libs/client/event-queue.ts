/** What was pushed, for one loop at its own speed. */
export class EventQueue<T> implements AsyncIterableIterator<T, undefined> {
	#items: T[] = [];
	#waiting: ((result: IteratorResult<T, undefined>) => void)[] = [];
	#isOver = false;
	readonly #ended: (() => void) | undefined;

	/** @param ended called once, when the loop is left or end() is called */
	constructor(ended?: () => void) {
		this.#ended = ended;
	}

	get length(): number {
		return this.#items.length;
	}

	get isOver(): boolean {
		return this.#isOver;
	}

	push(value: T): void {
		if (this.#isOver) return;
		const next = this.#waiting.shift();
		if (next === undefined) this.#items.push(value);
		else next({ value, done: false });
	}

	/** Instead of what has not been taken. */
	replace(value: T): void {
		this.#items = [];
		this.push(value);
	}

	/** What was pushed before is still given. */
	end(): void {
		if (this.#isOver) return;
		this.#isOver = true;
		for (const next of this.#waiting.splice(0)) next({ value: undefined, done: true });
		this.#ended?.();
	}

	next(): Promise<IteratorResult<T, undefined>> {
		if (this.#items.length > 0) return Promise.resolve({ value: this.#items.shift()!, done: false });
		if (this.#isOver) return Promise.resolve({ value: undefined, done: true });
		return new Promise((resolve) => {
			this.#waiting.push(resolve);
		});
	}

	return(): Promise<IteratorResult<T, undefined>> {
		this.#items = [];
		this.end();
		return Promise.resolve({ value: undefined, done: true });
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.return();
	}
}
