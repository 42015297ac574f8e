/** Least, mean and greatest of what was measured since the last reset, in milliseconds. */
export class Latency {
	#minMs = Number.POSITIVE_INFINITY;
	#maxMs = 0;
	#totalMs = 0;
	#count = 0;

	record(ms: number): void {
		if (ms < this.#minMs) this.#minMs = ms;
		if (ms > this.#maxMs) this.#maxMs = ms;
		this.#totalMs += ms;
		this.#count += 1;
	}

	reset(): void {
		this.#minMs = Number.POSITIVE_INFINITY;
		this.#maxMs = 0;
		this.#totalMs = 0;
		this.#count = 0;
	}

	get count(): number {
		return this.#count;
	}

	/** 0 before anything was recorded. */
	get minMs(): number {
		return this.#count === 0 ? 0 : this.#minMs;
	}

	get maxMs(): number {
		return this.#maxMs;
	}

	get meanMs(): number {
		return this.#count === 0 ? 0 : this.#totalMs / this.#count;
	}
}
