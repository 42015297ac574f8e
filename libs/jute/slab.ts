/** Copies of short byte arrays that share their memory: one allocation for many of them. It is free again when none of them is used any more. */
const slabBytes = 1 << 16;
/** A longer one gets memory of its own: the end of a slab that is left unused stays small. */
const longestShared = slabBytes >> 3;

export class Slab {
	#bytes: Uint8Array = new Uint8Array(0);
	#used = 0;

	/** For those that live about equally long: each keeps its neighbours' memory. */
	copy(source: Uint8Array): Uint8Array {
		const { length } = source;
		// Not slice(): that of a Buffer would be a view.
		if (length > longestShared) return new Uint8Array(source);
		if (this.#bytes.length - this.#used < length) {
			this.#bytes = new Uint8Array(slabBytes);
			this.#used = 0;
		}
		const start = this.#used;
		this.#used += length;
		this.#bytes.set(source, start);
		return this.#bytes.subarray(start, this.#used);
	}
}
