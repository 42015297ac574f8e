/** How often something was measured, and the least, the greatest and the sum of it, since the last reset. */
export class Tally {
	#count = 0;
	#sum = 0;
	#min = 0;
	#max = 0;

	add(value: number): void {
		if (this.#count === 0 || value < this.#min) this.#min = value;
		if (this.#count === 0 || value > this.#max) this.#max = value;
		this.#count += 1;
		this.#sum += value;
	}

	reset(): void {
		this.#count = 0;
		this.#sum = 0;
		this.#min = 0;
		this.#max = 0;
	}

	get count(): number {
		return this.#count;
	}

	get sum(): number {
		return this.#sum;
	}

	/** 0 before anything was measured, as are the others. */
	get min(): number {
		return this.#min;
	}

	get max(): number {
		return this.#max;
	}

	get mean(): number {
		return this.#count === 0 ? 0 : this.#sum / this.#count;
	}
}
