/** What was pushed, for one loop at its own speed. Thousands of them are idle most of the time: they have no arrays until they need them. */
export class EventQueue<T> implements AsyncIterableIterator<T, undefined> {
	#items: T[] | undefined;
	/** Those before it have been taken. */
	#at = 0;
	#waiting: Waiting<T>[] | undefined;
	#isOver = false;
	#error: Error | undefined;

	/** What has not been taken. */
	get length(): number {
		return this.#items === undefined ? 0 : this.#items.length - this.#at;
	}

	get isOver(): boolean {
		return this.#isOver;
	}

	push(value: T): void {
		if (this.#isOver) return;
		const next = this.#waiting?.shift();
		if (next !== undefined) next.resolve({ value, done: false });
		else if (this.#items === undefined) this.#items = [value];
		else this.#items.push(value);
	}

	/** What was pushed before is still given. */
	end(): void {
		if (this.#isOver) return;
		this.#isOver = true;
		const waiting = this.#waiting;
		this.#waiting = undefined;
		for (const { resolve } of waiting ?? []) resolve({ value: undefined, done: true });
		this.ended();
	}

	/** What was pushed before is still given, then the loop throws. */
	fail(error: Error): void {
		if (this.#isOver) return;
		const next = this.#waiting?.shift();
		if (next !== undefined) next.reject(error);
		else this.#error = error;
		this.end();
	}

	next(): Promise<IteratorResult<T, undefined>> {
		const items = this.#items;
		if (items !== undefined) {
			const value = items[this.#at++]!;
			if (this.#at === items.length) this.drop();
			return Promise.resolve({ value, done: false });
		}
		const error = this.#error;
		if (error !== undefined) {
			this.#error = undefined;
			return Promise.reject(error);
		}
		if (this.#isOver) return Promise.resolve({ value: undefined, done: true });
		return new Promise((resolve, reject) => {
			(this.#waiting ??= []).push({ resolve, reject });
		});
	}

	return(): Promise<IteratorResult<T, undefined>> {
		this.drop();
		this.#error = undefined;
		this.end();
		return Promise.resolve({ value: undefined, done: true });
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.return();
	}

	/** What has not been taken. */
	protected drop(): void {
		this.#items = undefined;
		this.#at = 0;
	}

	/** Called once: nothing is pushed any more. */
	protected ended(): void {}
}

interface Waiting<T> {
	readonly resolve: (result: IteratorResult<T, undefined>) => void;
	readonly reject: (error: Error) => void;
}
