/** Who is told of each change. */
export class Listeners<T> {
	readonly #listeners = new Set<(change: T) => void>();

	/** @returns stops it */
	on(listener: (change: T) => void): () => void {
		// One that is given twice is called twice.
		const own = (change: T) => listener(change);
		this.#listeners.add(own);
		return () => {
			this.#listeners.delete(own);
		};
	}

	/** Who stops it, or begins, meanwhile has no effect on this one. */
	tell(change: T): void {
		for (const listener of [...this.#listeners]) {
			try {
				listener(change);
			} catch (error) {
				// It is the listener's: neither who tells nor the others are to suffer from it.
				queueMicrotask(() => {
					throw error;
				});
			}
		}
	}
}
