/** How many bytes the large requests hold that are under way, all connections together. Off by default. */
export class LargeRequests {
	readonly #threshold: number;
	readonly #maxBytes: number;
	#bytes = 0;
	#rejected = 0;

	/** @param threshold a request of more bytes is a large one; -1: none is */
	constructor(threshold: number, maxBytes: number) {
		this.#threshold = threshold;
		this.#maxBytes = maxBytes;
	}

	get bytes(): number {
		return this.#bytes;
	}

	/** Requests that were turned away. */
	get rejected(): number {
		return this.#rejected;
	}

	isLarge(length: number): boolean {
		return this.#threshold !== -1 && length > this.#threshold;
	}

	/** Counts a request until it is finished(); false when there is no room for it, and its connection is to be closed. */
	admits(length: number): boolean {
		if (!this.isLarge(length)) return true;
		if (this.#bytes + length > this.#maxBytes) {
			this.#rejected += 1;
			return false;
		}
		this.#bytes += length;
		return true;
	}

	/** A request that was admitted is answered, or will never be. */
	finished(length: number): void {
		if (this.isLarge(length)) this.#bytes -= length;
	}
}
