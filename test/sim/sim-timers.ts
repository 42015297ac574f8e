import type { After } from '#core/ports/timers';

interface Timer {
	readonly atMs: number;
	readonly run: () => void;
}

/** Timers that fire when the virtual time passes. */
export class SimTimers {
	nowMs = 0;
	#timers: Timer[] = [];

	readonly after: After = (ms, run) => {
		const timer = { atMs: this.nowMs + ms, run };
		this.#timers.push(timer);
		return () => {
			this.#timers = this.#timers.filter((each) => each !== timer);
		};
	};

	/** In the order of their times; those that are set meanwhile too, when they are due. */
	advance(ms: number): void {
		const untilMs = this.nowMs + ms;
		for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
			this.#timers.splice(this.#timers.indexOf(next), 1);
			this.nowMs = next.atMs;
			next.run();
		}
		this.nowMs = untilMs;
	}

	#next(untilMs: number): Timer | undefined {
		let next: Timer | undefined;
		for (const timer of this.#timers) {
			if (timer.atMs <= untilMs && (next === undefined || timer.atMs < next.atMs)) next = timer;
		}
		return next;
	}
}
