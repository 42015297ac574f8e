/** What was pushed, for one loop at its own speed. Thousands of them are idle most of the time: they have no arrays until they need them. */
export class EventQueue<T> implements AsyncIterableIterator<T, undefined> {
	#items: T[] | undefined;
	/** Those before it have been taken. */
	#at = 0;
	/** Who waits for the next one. */
	#waiting: Waiting<T> | undefined;
	/** And behind him, who mostly is nobody. */
	#others: Waiting<T>[] | undefined;
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
		if (this.#waiting !== undefined) this.#give({ value, done: false });
		else if (this.#items === undefined) this.#items = [value];
		else this.#items.push(value);
	}

	/** What was pushed before is still given. */
	end(): void {
		if (this.#isOver) return;
		this.#isOver = true;
		while (this.#waiting !== undefined) this.#give({ value: undefined, done: true });
		this.ended();
	}

	/** What was pushed before is still given, then the loop throws. */
	fail(error: Error): void {
		if (this.#isOver) return;
		if (this.#waiting !== undefined) this.#give(Promise.reject(error));
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
		return new Promise((resolve) => {
			if (this.#waiting === undefined) this.#waiting = resolve;
			else (this.#others ??= []).push(resolve);
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

	/** To the one who has waited longest. */
	#give(result: IteratorResult<T, undefined> | Promise<never>): void {
		const waiting = this.#waiting!;
		this.#waiting = this.#others?.shift();
		waiting(result);
	}

	/** Of what has not been taken it makes something else. */
	protected rewrite(change: (items: readonly T[]) => T[]): void {
		if (this.#items === undefined) return;
		const items = change(this.#items.slice(this.#at));
		if (items.length === 0) {
			this.drop();
			return;
		}
		this.#items = items;
		this.#at = 0;
	}

	/** What has not been taken. */
	protected drop(): void {
		this.#items = undefined;
		this.#at = 0;
	}

	/** Called once: nothing is pushed any more. */
	protected ended(): void {}
}

type Waiting<T> = (result: IteratorResult<T, undefined> | Promise<never>) => void;
