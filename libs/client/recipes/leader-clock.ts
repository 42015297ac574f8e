/**
 * The leader's clock, as far as its answers tell it: each transaction has the leader's time. Between two of them the monotonic clock of this process goes on, so that clocks that are set wrong,
 * here or at another client, do not matter. It is off by half a round trip at most, and by what the leaders' clocks are off each other.
 */
export class LeaderClock {
	readonly #monotonicMs: () => number;
	#best: { readonly offsetMs: number; readonly atMs: number; readonly errorMs: number } | undefined;

	constructor(monotonicMs = () => performance.now()) {
		this.#monotonicMs = monotonicMs;
	}

	/** For observe(), before the request is sent. */
	read(): number {
		return this.#monotonicMs();
	}

	/** @param timeMs of the transaction; @param sentMs what read() said before */
	observe(timeMs: number, sentMs: number): void {
		const atMs = this.#monotonicMs();
		const errorMs = (atMs - sentMs) / 2;
		const offsetMs = timeMs - (sentMs + errorMs);
		const known = this.#best;
		if (known !== undefined) {
			const knownErrorMs = known.errorMs + (atMs - known.atMs) * worstDrift;
			// Another leader may have another clock: what both cannot be true of is answered by the newer one.
			const isContradicted = Math.abs(offsetMs - known.offsetMs) > errorMs + knownErrorMs + resolutionMs;
			if (errorMs > knownErrorMs && !isContradicted) return;
		}
		this.#best = { offsetMs, atMs, errorMs };
	}

	/** Milliseconds since 1970; undefined before the first observation. */
	now(): number | undefined {
		return this.#best && this.#monotonicMs() + this.#best.offsetMs;
	}
}

/** Of two clocks, in an hour 3.6 s: far more than quartz does. */
const worstDrift = 0.001;
/** Transactions have whole milliseconds. */
const resolutionMs = 1;
