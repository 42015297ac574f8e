import type { After } from '#core/ports/timers';

interface Timer {
	readonly atMs: number;
	readonly run: () => void;
	isCancelled: boolean;
}

/** Timers over a time that passes only when told to. Those of the same moment run in the order in which they were set. */
export class VirtualTimers {
	#nowMs = 0;
	/** The next one is last. */
	readonly #timers: Timer[] = [];

	get nowMs(): number {
		return this.#nowMs;
	}

	readonly after: After = (ms, run) => {
		const timer: Timer = { atMs: this.#nowMs + ms, run, isCancelled: false };
		let at = this.#timers.length;
		while (at > 0 && this.#timers[at - 1]!.atMs <= timer.atMs) at--;
		this.#timers.splice(at, 0, timer);
		return () => {
			timer.isCancelled = true;
		};
	};

	/** Lets time pass, and runs what falls due in it. */
	advance(ms: number): void {
		const untilMs = this.#nowMs + ms;
		while (this.runNext(untilMs));
	}

	/** Lets time pass up to the next timer and runs it, or up to the end: false then. */
	runNext(untilMs: number): boolean {
		for (let next = this.#timers.at(-1); next !== undefined && next.atMs <= untilMs; next = this.#timers.at(-1)) {
			this.#timers.pop();
			this.#nowMs = next.atMs;
			if (next.isCancelled) continue;
			next.run();
			return true;
		}
		this.#nowMs = untilMs;
		return false;
	}
}
