/** Copies of short byte arrays that share their memory: one allocation for many of them. It is free again when none of them is used any more. */
const slabBytes = 1 << 16;
/** A longer one gets memory of its own: the end of a slab that is left unused stays small. */
const longestShared = slabBytes >> 3;

export class Slab {
	#bytes: Uint8Array = new Uint8Array(0);
	#used = 0;
	#memory: Uint8Array = this.#bytes;

	/** For those that live about equally long: each keeps its neighbours' memory. */
	copy(source: Uint8Array): Uint8Array {
		const { length } = source;
		if (length > longestShared) return own(source);
		const start = this.put(source);
		return this.#memory.subarray(start, start + length);
	}

	/** Copies it, too, and says where it begins in `memory`: for those who keep that, and make no array of each. */
	put(source: Uint8Array): number {
		const { length } = source;
		if (length > longestShared) {
			this.#memory = own(source);
			return 0;
		}
		if (this.#bytes.length - this.#used < length) {
			this.#bytes = new Uint8Array(slabBytes);
			this.#used = 0;
		}
		const start = this.#used;
		this.#used += length;
		this.#bytes.set(source, start);
		this.#memory = this.#bytes;
		return start;
	}

	/** Where the last one was put. */
	get memory(): Uint8Array {
		return this.#memory;
	}
}

/** Not slice(): that of a Buffer would be a view. */
function own(source: Uint8Array): Uint8Array {
	return new Uint8Array(source);
}
