/** The connections whose clients read too slowly, and how much may wait for all of them together. */
const maxUnsentBytes = 1 << 30;

/** Of a connection that is backed up. */
export interface Reader {
	/** Written and not with the client yet. */
	readonly unsentBytes: number;
	/** Looks whether the client has read something since the last time, and keeps its session alive if so. */
	noteProgress(): void;
	/** Closes the connection without another word, and removes it here. */
	cut(bytes: number): void;
}

export class BackedUp {
	readonly #readers = new Set<Reader>();
	readonly #maxBytes: number;

	constructor(maxBytes = maxUnsentBytes) {
		this.#maxBytes = maxBytes;
	}

	add(reader: Reader): void {
		this.#readers.add(reader);
	}

	delete(reader: Reader): void {
		this.#readers.delete(reader);
	}

	noteProgress(): void {
		for (const reader of this.#readers) reader.noteProgress();
	}

	/** The one that has read least of what it was sent goes, until the others have room. */
	cutWhenTooMuch(): void {
		if (this.#readers.size === 0) return;
		let total = 0;
		for (const reader of this.#readers) total += reader.unsentBytes;
		if (total <= this.#maxBytes) return;
		const largestFirst = [...this.#readers].sort((a, b) => b.unsentBytes - a.unsentBytes);
		for (const reader of largestFirst) {
			if (total <= this.#maxBytes) return;
			const bytes = reader.unsentBytes;
			total -= bytes;
			this.#readers.delete(reader);
			reader.cut(bytes);
		}
	}
}
