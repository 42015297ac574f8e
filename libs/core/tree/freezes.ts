/**
 * Which freezes are open. Each freeze is an epoch; what was allocated in an epoch at or before the newest open freeze may be in use
 * by its reader, so it may not be written, and what is freed meanwhile is kept until no open freeze can see it.
 */
import { assert } from '../model/assert.ts';

export const maxOpenFreezes = 2;

export class Freezes {
	/** The epoch in which allocations happen now. */
	#epoch = 1;
	/** Rising. */
	#open: number[] = [];

	get current(): number {
		return this.#epoch;
	}

	/** 0 when no freeze is open. What is of this epoch or an older one is frozen. */
	get newestOpen(): number {
		return this.#open.length === 0 ? 0 : this.#open[this.#open.length - 1]!;
	}

	/** One has to be closed before the next is opened. */
	get isFull(): boolean {
		return this.#open.length === maxOpenFreezes;
	}

	open(): number {
		assert(
			!this.isFull,
			`at most ${maxOpenFreezes} freezes of a tree are open at a time: release() one before the next freeze()`,
		);
		const epoch = this.#epoch;
		this.#open.push(epoch);
		this.#epoch += 1;
		return epoch;
	}

	/** Closes a freeze; returns the newest open one that is older and so still sees what was freed under this one, or 0. */
	close(epoch: number): number {
		const at = this.#open.indexOf(epoch);
		assert(at !== -1, 'a freeze is released once');
		this.#open.splice(at, 1);
		return at === 0 ? 0 : this.#open[at - 1]!;
	}
}
