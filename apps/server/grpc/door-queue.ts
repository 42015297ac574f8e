/**
 * Calls that wait at the door while too many requests are under way: in order, not too many, and not for longer than their callers do. Going in is one step with being let in: who is let in
 * counts at once.
 */
import { type CancellableCall, gone, tooMany } from './cancellable-call.ts';

export interface DoorQueueParts {
	/** The host. */
	readonly behind: { readonly isThrottled: boolean };
	/** `grpc.maxWaiting`. */
	readonly maxWaiting: number;
}

export class DoorQueue {
	readonly #behind: DoorQueueParts['behind'];
	readonly #maxWaiting: number;
	/** In the order they came. */
	readonly #waiting = new Set<() => void>();

	constructor({ behind, maxWaiting }: DoorQueueParts) {
		this.#behind = behind;
		this.#maxWaiting = maxWaiting;
	}

	/** Calls that wait. */
	get size(): number {
		return this.#waiting.size;
	}

	/**
	 * Goes in, at once or in its turn.
	 * @param refuse is told instead why not: ThrottledOp, or the caller is gone
	 */
	enter(call: CancellableCall, goIn: () => void, refuse: (error: Error) => void): void {
		if (call.cancelled) {
			refuse(gone());
		} else if (!this.#behind.isThrottled) {
			goIn();
		} else if (this.#waiting.size >= this.#maxWaiting) {
			refuse(tooMany(this.#maxWaiting));
		} else {
			this.#wait(call, goIn, refuse);
		}
	}

	/** There may be room again. */
	letIn(): void {
		for (const goIn of this.#waiting) {
			if (this.#behind.isThrottled) return;
			goIn();
		}
	}

	#wait(call: CancellableCall, goIn: () => void, refuse: (error: Error) => void): void {
		const turn = (): void => {
			this.#waiting.delete(turn);
			call.off('cancelled', leave);
			goIn();
		};
		const leave = (): void => {
			this.#waiting.delete(turn);
			refuse(gone());
		};
		call.once('cancelled', leave);
		this.#waiting.add(turn);
	}
}
